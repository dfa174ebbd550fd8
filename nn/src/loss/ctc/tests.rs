use super::*;
use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape, gradcheck};
use thalweg_tensor::{Rng, Tensor};

/// What an alignment stands for.
fn labels_of(alignment: &[usize], blank: usize) -> Vec<usize> {
    let mut labels = alignment.to_vec();
    labels.dedup();
    labels.retain(|&class| class != blank);
    labels
}

/// `−ln p` by trying every alignment: `[T, C]`.
fn by_enumeration(x: &Tensor<f64>, frames: usize, labels: &[usize], blank: usize) -> f64 {
    let classes = x.shape().dims()[1];
    let mut p = 0.0;
    for code in 0..classes.pow(frames as u32) {
        let alignment: Vec<usize> = (0..frames).map(|t| code / classes.pow(t as u32) % classes).collect();
        if labels_of(&alignment, blank) == labels {
            p += alignment.iter().enumerate().map(|(t, &k)| x.as_slice()[t * classes + k]).sum::<f64>().exp();
        }
    }
    -p.ln()
}

#[derive(Clone, Debug)]
struct Case {
    /// `[T, n, C]`
    x: Tensor<f64>,
    blank: usize,
    labels: Vec<Vec<usize>>,
    frames: Vec<usize>,
}

/// One to three tiny sequences of different lengths; some have no alignment.
fn case() -> impl Strategy<Value = Case> {
    (1usize..6, 1usize..4, 2usize..4, any::<u64>()).prop_map(|(frames, sequences, classes, seed)| {
        let mut rng = Rng::new(seed);
        let blank = rng.below(classes);
        let label = |rng: &mut Rng| (blank + 1 + rng.below(classes - 1)) % classes;
        Case {
            x: Tensor::uniform([frames, sequences, classes], -2.0, 0.5, &mut rng),
            blank,
            labels: (0..sequences).map(|_| (0..rng.below(4)).map(|_| label(&mut rng)).collect()).collect(),
            frames: (0..sequences).map(|_| rng.below(frames + 1)).collect(),
        }
    })
}

impl Case {
    fn loss<'p>(&self, ctc: CtcLoss, x: Var<'p, f64>) -> Losses<'p, f64> {
        let lengths: Vec<usize> = self.labels.iter().map(Vec::len).collect();
        CtcLoss { blank: self.blank, ..ctc }.each(x, &self.labels.concat(), &self.frames, &lengths)
    }
}

proptest! {
    #[test]
    fn the_loss_is_that_of_every_alignment(case in case()) {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.input(&case.x);
        let found = case.loss(CtcLoss::default(), x).var().to_tensor();
        for (n, (labels, &frames)) in case.labels.iter().zip(&case.frames).enumerate() {
            let own = x.slice(1, n..n + 1).squeeze(1);
            let expected = by_enumeration(&own.to_tensor(), frames, labels, case.blank);
            let found = found.as_slice()[n];
            prop_assert!(found == expected || (found - expected).abs() < 1e-10, "{found} and {expected}");
            // Alone, without the axis of sequences, it is the same.
            let ctc = CtcLoss { blank: case.blank, ..Default::default() };
            prop_assert_eq!(ctc.each(own, labels, &[frames], &[labels.len()]).var().item(), found);
        }
    }

    #[test]
    fn gradient(case in case()) {
        let ctc = CtcLoss { zero_infinity: true, ..Default::default() };
        gradcheck([case.x.clone()], |[x]| case.loss(ctc, x).var())?;
        gradcheck([case.x.clone()], |[x]| case.loss(ctc, x.log_softmax()).reduce(Reduction::Mean))?;
    }
}

#[test]
fn the_mean_divides_by_the_number_of_labels_first() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let pass = tape.pass(&params);
    let x = pass.input(&Tensor::<f64>::uniform([6, 3, 4], -1.0, 1.0, &mut Rng::new(1))).log_softmax();
    let losses = CtcLoss::default().each(x, &[1, 2, 2, 3], &[6, 5, 4], &[3, 1, 0]);
    let each = losses.var().to_tensor();
    let [a, b, c] = each.as_slice() else { panic!("three losses") };
    assert!((losses.reduce(Reduction::Mean).item() - (a / 3.0 + b + c) / 3.0).abs() < 1e-12);
    let weighted = losses.weighted(pass.input(&[1.0, 0.0, 2.0])).reduce(Reduction::Mean);
    assert!((weighted.item() - (a / 3.0 + 2.0 * c) / 3.0).abs() < 1e-12);
}

/// A sequence without alignment next to one that has some.
#[test]
fn an_impossible_sequence_is_infinite_or_left_out() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    let pass = tape.pass(&params);
    for zero_infinity in [false, true] {
        let x = pass.leaf(&Tensor::zeros([2, 2, 3]));
        let ctc = CtcLoss { zero_infinity, ..Default::default() };
        // Twice the same label needs a blank between, so three frames.
        let losses = ctc.each(x.log_softmax(), &[1, 1, 2], &[2, 2], &[2, 1]).var();
        let impossible = losses.to_tensor().as_slice()[0];
        losses.sum().backward(&mut Grads::like(&params));
        let mut slope = [0.0; 12];
        x.grad_to(&mut slope);
        let (first, second) = (slope[..3].iter(), slope[3..6].iter());
        assert!(second.map(|s| s.abs()).sum::<f64>() > 0.1);
        if zero_infinity {
            assert_eq!((impossible, first.map(|s| s.abs()).sum::<f64>()), (0.0, 0.0));
        } else {
            assert!(impossible == f64::INFINITY && first.clone().any(|s| s.is_nan()));
        }
    }
}

#[test]
fn thousands_of_frames_do_not_underflow() {
    let (params, mut tape, mut rng) = (Params::<f32>::new(), Tape::new(), Rng::new(1));
    let pass = tape.pass(&params);
    let x = pass.leaf(&Tensor::<f32>::uniform([3000, 1, 20], -5.0, 5.0, &mut rng));
    let labels: Vec<usize> = (0..500).map(|i| 1 + i % 19).collect();
    let loss = CtcLoss::default().forward(x.log_softmax(), &labels, &[3000], &[500]);
    assert!(loss.item().is_finite() && loss.item() > 1.0);
    loss.backward(&mut Grads::like(&params));
    let mut slope = vec![0.0; 60_000];
    x.grad_to(&mut slope);
    assert!(slope.iter().all(|s| s.is_finite()));
    for frame in slope.chunks_exact(20) {
        assert!(frame.iter().sum::<f32>().abs() < 1e-4 && frame.iter().any(|&s| s != 0.0));
    }
}

#[test]
#[should_panic(expected = "ctc: there is no label 0 in log-probabilities [4, 3] with blank 0")]
fn the_blank_is_no_label() {
    let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    CtcLoss::default().forward(tape.pass(&params).zeros([4, 3]), &[1, 0], &[4], &[2]);
}

#[test]
#[should_panic(expected = "ctc: 3 labels, but the target lengths sum to 2")]
fn lengths_add_up() {
    let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    CtcLoss::default().forward(tape.pass(&params).zeros([4, 2, 3]), &[1, 2, 1], &[4, 4], &[1, 1]);
}
