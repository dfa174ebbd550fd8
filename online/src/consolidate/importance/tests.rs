use super::*;
use proptest::prelude::*;
use thalweg_autograd::{Param, Pass, Tape};
use thalweg_tensor::Rng;

const X: [f64; 2] = [0.7, -2.0];

/// Three outputs, `W x + b`, of which the last is far below the others.
fn linear() -> (Params<f64>, [Param; 2]) {
    let mut params = Params::<f64>::new();
    let w = params.add("w", [3, 2], |i| [0.3, -0.1, 0.5, 0.2, -0.4, 0.6][i]);
    let b = params.add("b", [3], |i| [0.1, 0.0, -0.2][i]);
    (params, [w, b])
}

fn outputs<'p>(pass: &'p Pass<'p, f64>, [w, b]: [Param; 2]) -> Var<'p, f64> {
    pass.input(&X).affine(pass.param(w), pass.param(b))
}

/// The mean of what `add` has added.
fn mean(examples: usize, mut add: impl FnMut(&mut Importance<f64>, Var<'_, f64>)) -> [Vec<f64>; 2] {
    let ((params, handles), mut tape, mut importance) = (linear(), Tape::new(), Importance::new());
    for _ in 0..examples {
        add(&mut importance, outputs(&tape.pass(&params), handles));
    }
    assert_eq!(importance.weight(), examples as f64);
    let mean = importance.take(&params);
    assert_eq!(importance.weight(), 0.0, "it begins anew");
    handles.map(|param| mean.of(param).to_vec())
}

/// The expected importance of `w[k, j]` and `b[k]`, where that of `b` is known: `x²` times as much, or `|x|` times.
fn expect(found: &[Vec<f64>; 2], of_bias: impl Fn(usize) -> f64, factor: impl Fn(f64) -> f64, tolerance: f64) {
    for k in 0..3 {
        assert!((found[1][k] - of_bias(k)).abs() < tolerance, "b[{k}]: {} and {}", found[1][k], of_bias(k));
        for j in 0..2 {
            let (found, expected) = (found[0][k * 2 + j], of_bias(k) * factor(X[j]));
            assert!((found - expected).abs() < tolerance * 4.0, "w[{k}, {j}]: {found} and {expected}");
        }
    }
}

/// What the three outputs are, and their softmax.
fn said() -> [[f64; 3]; 2] {
    let ((params, handles), mut tape, mut z) = (linear(), Tape::new(), [0.0; 3]);
    outputs(&tape.pass(&params), handles).copy_to(&mut z);
    let total: f64 = z.iter().map(|z| z.exp()).sum();
    [z, z.map(|z| z.exp() / total)]
}

/// The Fisher information of softmax regression is `p (1 − p) x²`; of logistic regression, too; of a number `x²`.
#[test]
fn the_exact_fisher_information_has_its_closed_form() {
    let [z, p] = said();
    let sigma = z.map(|z| 1.0 / (1.0 + (-z).exp()));
    let square = |x: f64| x * x;
    let exact = |task| mean(2, |importance, output| _ = importance.add_fisher(output, task, 1.0));
    expect(&exact(Task::Classify), |k| p[k] * (1.0 - p[k]), square, 1e-12);
    expect(&exact(Task::MultiLabel), |k| sigma[k] * (1.0 - sigma[k]), square, 1e-12);
    expect(&exact(Task::Regress), |_| 1.0, square, 1e-12);
}

/// Drawn answers give the same on average: 4σ of 20 000 draws.
#[test]
fn sampled_answers_are_right_on_average() {
    let [z, p] = said();
    let sigma = z.map(|z| 1.0 / (1.0 + (-z).exp()));
    let (square, mut rng) = (|x: f64| x * x, Rng::new(5));
    let mut sampled = |task| mean(20_000, |importance, output| _ = importance.add_sampled(output, task, &mut rng, 1.0));
    expect(&sampled(Task::Classify), |k| p[k] * (1.0 - p[k]), square, 0.012);
    expect(&sampled(Task::MultiLabel), |k| sigma[k] * (1.0 - sigma[k]), square, 0.012);
    expect(&sampled(Task::Regress), |_| 1.0, square, 0.05);
}

#[test]
fn answers_that_came_and_outputs_by_hand() {
    let [z, p] = said();
    let square = |x: f64| x * x;
    let empirical =
        |task, answer: [f64; 3]| mean(1, |importance, output| _ = importance.add_empirical(output, task, &answer, 1.0));
    expect(&empirical(Task::Classify, [0.0, 1.0, 0.0]), |k| [p[0], 1.0 - p[1], p[2]][k].powi(2), square, 1e-12);
    let unknown = [2.0, f64::NAN, -1.0];
    expect(&empirical(Task::Regress, unknown), |k| [2.0 - z[0], 0.0, -1.0 - z[2]][k].powi(2), square, 1e-12);
    let sensitivity = mean(3, |importance, output| _ = importance.add_sensitivity(output, 1.0));
    expect(&sensitivity, |k| (2.0 * z[k]).abs(), f64::abs, 1e-12);
}

#[test]
fn weights_are_those_of_the_mean_and_what_is_not_finite_is_refused() {
    let (mut tape, mut importance) = (Tape::new(), Importance::<f32>::new());
    let mut params = Params::<f32>::new();
    let w = params.add("w", [1], |_| 0.5);
    let mut add = |x: f32, weight| {
        let pass = tape.pass(&params);
        importance.add_fisher(pass.param(w) * pass.input(&[x]), Task::Regress, weight)
    };
    assert_eq!((add(1.0, 3.0), add(3.0, 1.0)), (Step::Taken, Step::Taken));
    assert_eq!((add(f32::NAN, 1.0), add(1e30, 1.0)), (Step::Refused, Step::Refused));
    let text = serde_json::to_string(&importance).expect("plain data");
    let mut read: Importance = serde_json::from_str(&text).expect("it was written");
    assert_eq!(read.take(&params), importance.take(&params));
    assert!(serde_json::from_str::<Importance>(&text.replace("12.0", "-12.0")).is_err());
    let pass = tape.pass(&params);
    importance.add_fisher(pass.param(w) * pass.input(&[2.0]), Task::Regress, 3.0);
    importance.add_fisher(pass.param(w) * pass.input(&[4.0]), Task::Regress, 1.0);
    assert_eq!(importance.take(&params).of(w), [(3.0 * 4.0 + 16.0) / 4.0]);
    assert_eq!(importance.take(&params).of(w), [0.0], "of no example");
}

proptest! {
    /// Through a hidden layer, against the definition: `Σ_y p(y) (∂ ln p(y) / ∂θ)²` with a pass for each y.
    #[test]
    fn the_fisher_information_is_its_definition(seed in 0u64..1000) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let [v, w] = [("v", [4, 2]), ("w", [3, 4])].map(|(name, shape)| params.add(name, shape, |_| rng.normal()));
        let (mut tape, mut importance, mut grads) = (Tape::new(), Importance::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let logits = pass.input(&X).linear(pass.param(v)).tanh().linear(pass.param(w));
        importance.add_fisher(logits, Task::Classify, 1.0);
        let fisher = importance.take(&params);
        let mut expected = Flat::like(&params);
        for y in 0..3 {
            let log_p = logits.log_softmax().row(y);
            let p = log_p.item().exp();
            log_p.backward(&mut grads);
            for param in [v, w] {
                expected.of_mut(param).iter_mut().zip(grads.of(param)).for_each(|(sum, g)| *sum += p * g * g);
            }
            grads.zero();
        }
        for param in [v, w] {
            for (found, expected) in fisher.of(param).iter().zip(expected.of(param)) {
                prop_assert!((found - expected).abs() < 1e-12 * (1.0 + expected));
            }
        }
    }
}
