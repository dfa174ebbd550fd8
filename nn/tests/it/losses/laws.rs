//! Laws of all losses, by the table.

use proptest::prelude::*;
use thalweg_autograd::{Flat, Grads, Params, Tape, Var, gradcheck, hvp, vjp};
use thalweg_nn::loss::*;
use thalweg_tensor::{Dual, Real, Rng, Tensor};

use super::table::{CLASSES, REDUCTIONS, table};
use crate::support::{assert_close, bits};

fn draw(rng: &mut Rng) -> Tensor<f64> {
    Tensor::uniform([4, 3], -2.0, 2.0, rng)
}

/// Hands `f` random predictions and targets as variables.
fn with_data(seed: u64, f: impl for<'p> FnOnce(Var<'p, f64>, Var<'p, f64>)) {
    let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(seed));
    let pass = tape.pass(&params);
    let [x, t] = [0, 1].map(|_| pass.input(&draw(&mut rng)));
    f(x, t);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// With respect to predictions, and to what the targets are made of wherever that is smooth.
    #[test]
    fn gradients_are_right(seed: u64) {
        let mut rng = Rng::new(seed);
        let [x, t] = [0, 1].map(|_| draw(&mut rng));
        for row in table::<f64>() {
            for reduction in REDUCTIONS {
                let checked = gradcheck([x.clone(), t.clone()], |[x, t]| (row.forward)(x, t, &CLASSES, reduction));
                prop_assert!(checked.is_ok(), "{} {reduction:?}: {}", row.name, checked.unwrap_err());
            }
            let weights = Tensor::from_slice(&[0.3, 1.0, 2.0, 0.7]);
            let checked = gradcheck([x.clone(), weights], |[x, w]| {
                (row.each)(x, x.pass().input(&t), &CLASSES).weighted(w).reduce(Reduction::Mean)
            });
            prop_assert!(checked.is_ok(), "{} with weights: {}", row.name, checked.unwrap_err());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn forward_is_each_reduced_and_sum_is_the_sum_of_none(seed: u64) {
        with_data(seed, |x, t| {
            for row in table::<f64>() {
                let forward = |reduction| (row.forward)(x, t, &CLASSES, reduction).to_tensor();
                let each = (row.each)(x, t, &CLASSES);
                assert_eq!(bits(forward(Reduction::None).as_slice()), bits(each.var().to_tensor().as_slice()));
                for reduction in [Reduction::Mean, Reduction::Sum] {
                    // The mean may be an op of its own.
                    let expected = each.reduce(reduction).to_tensor();
                    assert_close(row.name, forward(reduction).as_slice(), expected.as_slice(), 1e-12);
                }
                let sum = each.var().to_tensor().as_slice().iter().sum::<f64>();
                assert_close(row.name, forward(Reduction::Sum).as_slice(), &[sum], 1e-12);
            }
        });
    }

    /// A sample of weight w counts as w samples, in every reduction to one number.
    #[test]
    fn weights_are_repeats(seed: u64) {
        with_data(seed, |x, t| {
            let (weights, rows) = ([2.0, 0.0, 1.0, 3.0], [0, 0, 2, 3, 3, 3]);
            let repeated = rows.map(|row| CLASSES[row]);
            for row in table::<f64>() {
                let weighted = (row.each)(x, t, &CLASSES).weighted(x.pass().input(&weights));
                let [x, t] = [x, t].map(|v| v.index_select(0, &rows));
                let expected = (row.each)(x, t, &repeated);
                for reduction in [Reduction::Mean, Reduction::Sum] {
                    let [found, expected] = [weighted, expected].map(|losses| losses.reduce(reduction).item());
                    assert_close(row.name, &[found], &[expected], 1e-12);
                }
            }
        });
    }

    #[test]
    fn ignored_examples_are_left_out(seed: u64, ignored in 0usize..3) {
        let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(seed));
        let pass = tape.pass(&params);
        let classes: Vec<usize> = (0..6).map(|_| rng.below(3)).collect();
        let kept: Vec<usize> = (0..6).filter(|&row| classes[row] != ignored).collect();
        let of_kept: Vec<usize> = kept.iter().map(|&row| classes[row]).collect();
        // Whatever stands in the ignored rows does not matter.
        let numbers = Tensor::<f64>::uniform([6, 3], -2.0, 2.0, &mut rng);
        let numbers = Tensor::new([6, 3], numbers.as_slice().iter().enumerate()
            .map(|(i, &x)| if classes[i / 3] == ignored { f64::NAN } else { x }).collect());
        let x = pass.leaf(&numbers);
        let loss = CrossEntropyLoss { label_smoothing: 0.1, weight: Some(vec![0.5, 1.0, 2.0]), ..Default::default() };
        let ignoring = CrossEntropyLoss { ignore_index: Some(ignored), ..loss.clone() };
        let found = ignoring.forward(x, &classes);
        let expected = loss.forward(x.index_select(0, &kept), &of_kept);
        if kept.is_empty() {
            prop_assert!(found.item().is_nan());
        } else {
            assert_close("loss", &[found.item()], &[expected.item()], 1e-12);
            let [mut slope, mut expected_slope] = [[0.0; 18]; 2];
            found.backward(&mut Grads::like(&params));
            x.grad_to(&mut slope);
            expected.backward(&mut Grads::like(&params));
            x.grad_to(&mut expected_slope);
            assert_close("slope", &slope, &expected_slope, 1e-12);
        }
        let nll = NllLoss { ignore_index: Some(ignored), ..Default::default() };
        assert_eq!(nll.each(x, &[ignored; 6]).var().to_tensor().as_slice(), [0.0; 6]);
    }

    #[test]
    fn special_cases_are_other_losses(seed: u64) {
        with_data(seed, |x, t| {
            let same = |what: &str, a: Var<'_, f64>, b: Var<'_, f64>| {
                assert_close(what, a.to_tensor().as_slice(), b.to_tensor().as_slice(), 1e-12);
            };
            let huber = HuberLoss { delta: 1e3, ..Default::default() };
            same("wide huber is half the square", huber.forward(x, t) * 2.0, MseLoss::default().forward(x, t));
            let smooth = SmoothL1Loss { beta: 1e-14, ..Default::default() };
            same("narrow smooth l1 is l1", smooth.forward(x, t), L1Loss::default().forward(x, t));
            let median = QuantileLoss::default();
            same("the median's is half of l1", median.forward(x.unsqueeze(2), t) * 2.0, L1Loss::default().forward(x, t));
            let cross_entropy = CrossEntropyLoss { reduction: Reduction::None, ..Default::default() };
            let nll = NllLoss { reduction: Reduction::None, ..Default::default() };
            let expected = nll.forward(x.log_softmax(), &CLASSES);
            same("cross entropy is nll", cross_entropy.forward(x, &CLASSES), expected);
            let smoothed = CrossEntropyLoss { label_smoothing: 0.3, ..Default::default() };
            let one_hot = x.pass().input(&Tensor::from_fn([4, 3], |i| f64::from(u8::from(CLASSES[i / 3] == i % 3))));
            let expected = smoothed.forward(x, &CLASSES);
            same("classes are certain probabilities", smoothed.forward_probabilities(x, one_hot), expected);
            let [bce, logits] = [BceLoss::default().forward(x.sigmoid(), t.sigmoid()),
                BceWithLogitsLoss::default().forward(x, t.sigmoid())];
            same("bce of a sigmoid", bce, logits);
        });
    }

    /// Places behind the classes are examples of their own.
    #[test]
    fn cross_entropy_takes_axes_behind_the_classes(seed: u64) {
        let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(seed));
        let pass = tape.pass(&params);
        let x = pass.input(&Tensor::<f64>::uniform([2, 3, 2, 2], -2.0, 2.0, &mut rng));
        let classes: Vec<usize> = (0..8).map(|_| rng.below(3)).collect();
        let losses = CrossEntropyLoss::default().each(x, &classes).var();
        let rows = x.permute(&[0, 2, 3, 1]).reshape([8, 3]);
        let expected = CrossEntropyLoss::default().each(rows, &classes).var();
        assert_eq!(losses.shape().dims(), [2, 2, 2]);
        assert_eq!(losses.to_tensor().as_slice(), expected.to_tensor().as_slice());
        let target = rows.softmax().reshape([2, 2, 2, 3]).permute(&[0, 3, 1, 2]);
        let soft = CrossEntropyLoss::default().each_of_probabilities(x, target).var();
        assert_eq!(soft.shape().dims(), [2, 2, 2]);
        let one = CrossEntropyLoss::default().forward(rows.row(3), &classes[3..4]);
        assert_close("one example", &[one.item()], &expected.to_tensor().as_slice()[3..4], 1e-12);
    }
}

/// Losses keep the tangents of dual numbers, forward and backward: curvature is right, too.
#[test]
fn second_derivatives_are_right() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(7));
    let t = draw(&mut rng);
    let handle = params.add("x", [4, 3], |_| rng.range(-2.0, 2.0));
    let mut direction = Flat::like(&params);
    direction.of_mut(handle).iter_mut().for_each(|v| *v = rng.range(-1.0, 1.0));
    let dual = Tensor::from_fn([4, 3], |i| Dual::from_f64(t.as_slice()[i]));
    for (row, row_of_duals) in table::<f64>().iter().zip(table::<Dual>()) {
        let (_, found) = hvp(&params, &direction, |pass| {
            (row_of_duals.forward)(pass.param(handle), pass.input(&dual), &CLASSES, Reduction::Mean)
        });
        let [above, below] = [1e-5, -1e-5].map(|step| {
            let mut moved = params.clone();
            moved.of_mut(handle).iter_mut().zip(direction.of(handle)).for_each(|(x, v)| *x += step * v);
            let (_, gradient) = vjp(&moved, &[1.0], |pass| {
                (row.forward)(pass.param(handle), pass.input(&t), &CLASSES, Reduction::Mean)
            });
            gradient
        });
        let slopes = above.of(handle).iter().zip(below.of(handle));
        let expected: Vec<f64> = slopes.map(|(above, below)| (above - below) / 2e-5).collect();
        assert_close(row.name, found.of(handle), &expected, 1e-6);
    }
}

/// Scores of ±10⁴ in `f32`. (Poisson's loss of the logarithm of a rate is `eˣ`, which is beyond `f32`.)
#[test]
fn losses_of_large_scores_are_finite() {
    let (params, mut tape, mut rng) = (Params::<f32>::new(), Tape::new(), Rng::new(1));
    let scores = Tensor::from_fn([4, 3], |i| if (i * i) % 3 == 1 { 1e4 } else { -1e4_f32 });
    let targets = Tensor::<f32>::uniform([4, 3], -2.0, 2.0, &mut rng);
    let mut finite = 0;
    for row in table::<f32>().iter().filter(|row| !row.name.starts_with("poisson")) {
        let pass = tape.pass(&params);
        let x = pass.leaf(&scores);
        let loss = (row.forward)(x, pass.input(&targets), &CLASSES, Reduction::Mean);
        assert!(loss.is_finite(), "{}: {loss:?}", row.name);
        loss.backward(&mut Grads::like(&params));
        let mut slope = [0.0; 12];
        x.grad_to(&mut slope);
        assert!(slope.iter().all(|s| s.is_finite()), "{}: {slope:?}", row.name);
        finite += 1;
    }
    assert_eq!(finite, table::<f32>().len() - 2);
}

/// A NaN in any prediction, or in any target that is a number.
#[test]
fn a_nan_does_not_vanish() {
    let (params, mut tape) = (Params::<f64>::new(), Tape::new());
    for row in table::<f64>() {
        let by_class = ["cross entropy", "nll", "multi margin", "ctc"].iter().any(|name| row.name.starts_with(name));
        let numbers = if by_class && !row.name.ends_with("probabilities") { 1 } else { 2 };
        for (which, place) in (0..numbers).flat_map(|which| (0..12).map(move |place| (which, place))) {
            let pass = tape.pass(&params);
            let [x, t] = [0, 1].map(|v| {
                let nan = |i| if (v, i) == (which, place) { f64::NAN } else { 0.5 - i as f64 * 0.1 };
                pass.input(&Tensor::from_fn([4, 3], nan))
            });
            let loss = (row.forward)(x, t, &CLASSES, Reduction::Mean).item();
            assert!(loss.is_nan(), "{}: {loss} with a NaN at {place}", row.name);
        }
    }
}

#[test]
#[should_panic(expected = "cross_entropy: there is no class 3 in scores [2, 3]")]
fn a_class_that_there_is_not_is_refused() {
    let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    CrossEntropyLoss::default().each(tape.pass(&params).zeros([2, 3]), &[1, 3]);
}

#[test]
#[should_panic(expected = "huber: shapes differ: [2] and target [2, 1]")]
fn shapes_do_not_broadcast() {
    let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    let pass = tape.pass(&params);
    HuberLoss::default().forward(pass.zeros([2]), pass.zeros([2, 1]));
}

#[test]
fn classes_from_outside_are_checked() {
    assert_eq!(check_classes(&[], 0), Ok(()));
    assert_eq!(check_classes(&[4, 5, 6], 5), Err(ClassError { class: 5, place: 1, classes: 5 }));
}
