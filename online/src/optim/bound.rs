//! A bound on what a step does to its own prediction.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_tensor::{Real, kernels};

use super::{Example, total};

/// SwiftTD's bound on the rate of learning, around any optimizer: a step may move its prediction by at most a share of the
/// error that it is made of, be it towards the answer or, by momentum, away from it.
///
/// ```text
/// τ = z·Δθ / δ                           that share, as the slopes z = −g/wλδ tell; of gradient descent, Σ α z²
/// Δθ ← Δθ · min(1, bound/|τ|)
/// ```
///
/// Source: Javed, Sharifnassab & Sutton 2024, "SwiftTD: a fast and robust algorithm for temporal difference learning",
/// section 3, where Δθ is of per-element rates.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) struct Bound<T: Real> {
    /// The largest share.
    #[serde(deserialize_with = "a_share")]
    pub most: f64,
    /// What was touched, and θ and the gradient there: they mean nothing in between.
    #[serde(skip)]
    touched: Vec<Range<usize>>,
    #[serde(skip)]
    theta: Flat<T>,
    #[serde(skip)]
    gradient: Flat<T>,
}

fn a_share<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let most = f64::deserialize(from)?;
    if is_share(most) { Ok(most) } else { Err(serde::de::Error::custom("a bound above 0 expected")) }
}

/// Whether a bound can be this.
pub(super) fn is_share(most: f64) -> bool {
    most > 0.0 && most.is_finite()
}

impl<T: Real> Bound<T> {
    pub fn new(most: f64) -> Self {
        Bound { most, touched: Vec::new(), theta: Flat::default(), gradient: Flat::default() }
    }

    /// What `step` does with θ and the gradient, and less of it where that is too much.
    pub fn around(
        &mut self,
        params: &mut Params<T>,
        grads: &mut Grads<T>,
        example: Example<'_, T>,
        step: impl FnOnce(&mut Params<T>, &mut Grads<T>, Example<'_, T>) -> Step,
    ) -> Step {
        let squared_error = example.weight * example.curvature * example.error.powi(2);
        let Bound { most, touched, theta, gradient } = self;
        touched.clear();
        grads.align(params.layout());
        theta.align(params.layout());
        gradient.align(params.layout());
        let (theta, gradient) = (theta.as_mut_slice(), gradient.as_mut_slice());
        grads.for_each(|_, start, g| {
            let range = start..start + g.len();
            theta[range.clone()].copy_from_slice(&params.as_slice()[range.clone()]);
            gradient[range.clone()].copy_from_slice(g);
            touched.push(range);
        });
        let step = step(params, grads, example);
        if step == Step::Refused {
            return step;
        }
        let now = params.theta_mut().as_mut_slice();
        let mut down = 0.0;
        for range in touched.iter() {
            let [now, then, g] = [&now[range.clone()], &theta[range.clone()], &gradient[range.clone()]];
            // What was frozen has not moved, whatever its gradient was.
            let part = |[now, then, g]: [T; 3]| if now == then { 0.0 } else { g.to_f64() * (now - then).to_f64() };
            down -= kernels::vectorize_over(
                range.len(),
                #[inline(always)]
                || total([now, then, g], part),
            );
        }
        if down.abs() > *most * squared_error {
            let share = T::from_f64(*most * squared_error / down.abs());
            for range in touched.iter() {
                let elements = now[range.clone()].iter_mut().zip(&theta[range.clone()]);
                elements.for_each(|(now, &then)| *now = then + share * (*now - then));
            }
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AnyOptimizer, OptimizerSpec};
    use super::*;
    use thalweg_nn::{Group, Optimizer};

    /// A step of 7 against a gradient of 0.7 is far too long for δ = 1; what is frozen has no part in it.
    #[test]
    fn what_is_frozen_is_no_part_of_a_step() {
        let mut params = Params::<f32>::new();
        let [free, frozen] = ["free", "frozen"].map(|name| params.add(name, [9], |_| 0.0));
        let mut rule: AnyOptimizer = "sgd:10,bound=0.5".parse::<OptimizerSpec>().expect("it can be bound").build();
        *rule.groups_mut() = Group::of("frozen").frozen().into();
        let mut grads = Grads::like(&params);
        grads.of_mut(free).fill(0.7);
        grads.of_mut(frozen).fill(f32::NAN);
        assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
        let down: f32 = params.of(free).iter().map(|moved| -0.7 * moved).sum();
        assert!((down - 0.5).abs() < 1e-5, "{down}");
        assert_eq!(params.of(frozen), [0.0; 9]);
    }
}
