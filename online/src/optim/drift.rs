//! For tests: a world that changes once.

use thalweg_autograd::{Grads, Params};
use thalweg_nn::Optimizer;
use thalweg_tensor::Rng;

/// How many steps a rule takes to follow a drift, the mean of five: noisy steps towards 1, `before` of them, and then towards
/// −1, until it predicts less than −0.5. `swap` puts what predicts in the place of θ, and back.
fn follows<O: Optimizer<f64>>(new: impl Fn() -> O, before: usize, swap: impl Fn(&mut O, &mut Params<f64>)) -> f64 {
    let steps = (0..5).map(|seed| {
        let (mut rule, mut params, mut rng) = (new(), Params::<f64>::new(), Rng::new(seed));
        let w = params.add("w", [1], |_| 0.0);
        let mut grads = Grads::like(&params);
        let mut at = |target: f64| {
            grads.of_mut(w)[0] = params.of(w)[0] - target + rng.normal();
            rule.step(&mut params, &mut grads);
            swap(&mut rule, &mut params);
            let predicts = params.of(w)[0];
            swap(&mut rule, &mut params);
            predicts
        };
        (0..before).for_each(|_| {
            at(1.0);
        });
        (0..20_000).take_while(|_| at(-1.0) >= -0.5).count() as f64
    });
    steps.sum::<f64>() / 5.0
}

/// A rule that never forgets follows a drift the later, the longer it has learned. One that does, does not, and is faster.
#[track_caller]
pub(super) fn is_followed_in_time<O: Optimizer<f64>>(new: impl Fn(f64) -> O, swap: impl Fn(&mut O, &mut Params<f64>)) {
    let [never, forgetting] =
        [0.0, 0.001].map(|forgetting| [2_000, 20_000].map(|before| follows(|| new(forgetting), before, &swap)));
    assert!(never[1] > 1.8 * never[0] && never[1] > 3.0 * forgetting[1], "{never:?} {forgetting:?}");
    assert!(forgetting[1] < 1.3 * forgetting[0], "{never:?} {forgetting:?}");
}
