//! The update of Vowpal Wabbit: adaptive, normalised, invariant.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::{Number, Switch};
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::{Example, FROM_ZERO, Informed, Needs, over_touched, require};

/// Vowpal Wabbit's update, for linear models: it is insensitive to the scales of features and to importance weights, and never
/// overshoots.
///
/// ```text
/// G ← G + w g²                            g = ∂ℓ/∂θ, of an example of weight 1
/// where |x| > s:   θ ← θ s/|x|,  s ← |x|  a scale that grows: what was learned meant smaller numbers
/// N ← N + w Σ x²/s²     t ← t + w
/// ρ = 1 / (√G s)                          a rate for each element
/// u = √(t/N)
/// d = how far ŷ goes in h = η w u Σ ρ x²  along the curve of its loss
/// θ ← θ + d ρ x / Σ ρ x²
/// ```
///
/// d is that of [`Curve`](super::Curve): for `(y − ŷ)²` it is `(y − ŷ) (1 − e^(−2h))`. A step that repeats, or weighs more,
/// comes nearer to y and does not pass it. Where s grows and θ shrinks, ŷ is followed to where that takes it.
///
/// Without `adaptive`, G is 1, ρ is `1/s²`, u is t/N, and θ shrinks by the square: a gradient step in normalised units, for
/// which w is to the bit what w repeats are, for inputs of one size.
///
/// Networks of several layers have slopes in place of x. Those have no fixed scale, and weights that shrink whenever a slope
/// is larger than ever do harm: switch `rescales` off (a [`Deep`](crate::Deep) with hidden layers asks for it). Rates fall
/// for ever, as Adagrad's do. Even so it stays a rule for linear models: over two hidden layers it is 4 to 33 points of accuracy
/// behind the best rate of SGD or Adam, on six streams (`tables no-tuning` of the benches).
///
/// Source: Karampatziakis & Langford 2011 (d); Ross, Mineiro & Langford 2013, "Normalized online learning", algorithms 1 and
/// 3 (s, N and u); McMahan & Streeter 2010, Duchi, Hazan & Singer 2011 (G).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Vw<T: Real = f32> {
    /// η.
    pub learning_rate: f64,
    /// Whether each element's rate falls with its own gradients.
    pub adaptive: bool,
    /// Whether θ shrinks where s grows.
    pub rescales: bool,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// G.
    squares: Flat<T>,
    /// s.
    scales: Flat<T>,
    /// t and N.
    #[serde(deserialize_with = "from_zero")]
    sums: [f64; 2],
    ages: Ages,
}

fn from_zero<'de, D: serde::Deserializer<'de>>(from: D) -> Result<[f64; 2], D::Error> {
    let sums = <[f64; 2]>::deserialize(from)?;
    let sound = sums.iter().all(|sum| FROM_ZERO.contains(sum));
    if sound { Ok(sums) } else { Err(serde::de::Error::custom("a sum out of its bounds")) }
}

impl<T: Real> Vw<T> {
    /// η (0.5 is usual); adaptive.
    pub fn new(learning_rate: f64) -> Self {
        Vw {
            learning_rate,
            adaptive: true,
            rescales: true,
            groups: Groups::default(),
            squares: Flat::default(),
            scales: Flat::default(),
            sums: [0.0; 2],
            ages: Ages::default(),
        }
    }
}

/// ρ.
#[inline(always)]
fn rate_of<T: Real>(adaptive: bool, square: T, scale: T) -> T {
    let by = if adaptive { square.sqrt() * scale } else { scale * scale };
    if by >= T::MIN_POSITIVE { T::ONE / by } else { T::ZERO }
}

impl<T: Real> Informed<T> for Vw<T> {
    fn needs(&self) -> Needs {
        Needs::Error
    }

    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, mut example: Example<'_, T>) -> Step {
        require(self);
        if !example.is_accepted(params, grads, &mut self.groups) {
            return Step::Refused;
        }
        example.slopes.iter_mut().for_each(|slopes| slopes.zero());
        let (weight, pull) = (example.weight, example.error * example.curvature);
        if pull.abs() * weight < 1e-30 {
            grads.zero();
            return Step::Taken; // there is no error
        }
        // x = −g / w λδ
        let (per_gradient, per_weight) = (T::from_f64(-(weight * pull).recip()), T::from_f64(weight.recip()));
        let Vw { learning_rate, adaptive, rescales, groups, squares, scales, sums, ages } = self;
        squares.align(params.layout());
        scales.align(params.layout());
        let (squares, scales) = (squares.as_mut_slice(), scales.as_mut_slice());
        // Σ x²/s², Σ η ρ x², and how far ŷ goes by what shrinks.
        let [mut normalised, mut reach, mut shifted] = [0.0; 3];
        let mut sweep = Sweep { params, grads, groups, ages, rate: *learning_rate, decay: 0.0 };
        // Not for vector instructions: it goes different ways by the element.
        let step = sweep.walk(|range, at, theta, g| {
            let elements = theta.iter_mut().zip(g).zip(&mut squares[range.clone()]).zip(&mut scales[range]);
            for (((theta, &g), square), scale) in elements {
                let x = per_gradient * g;
                if x == T::ZERO {
                    continue;
                }
                *square = flushed(*square + per_weight * (g * g));
                if x.abs() > *scale {
                    if *rescales && *scale > T::ZERO {
                        let shrinks = *scale / x.abs();
                        let next = *theta * if *adaptive { shrinks } else { shrinks * shrinks };
                        shifted += ((next - *theta) * x).to_f64();
                        *theta = next;
                    }
                    *scale = flushed(x.abs());
                }
                if *scale > T::ZERO {
                    normalised += (x / *scale).to_f64().powi(2);
                    reach += at.rate * (x * rate_of(*adaptive, *square, *scale)).to_f64() * x.to_f64();
                }
            }
        });
        if step == Step::Taken && normalised > 0.0 && reach > 0.0 {
            *sums = [(sums[0] + weight).min(f64::MAX), (sums[1] + weight * normalised).min(f64::MAX)];
            let u = if *adaptive { (sums[0] / sums[1]).sqrt() } else { sums[0] / sums[1] };
            let per_reach = example.moved(shifted, weight * u * reach) / reach;
            let (theta, gradient) = (params.theta_mut().as_mut_slice(), grads.dense());
            over_touched(
                gradient,
                groups,
                #[inline(always)]
                |range, group| {
                    let by = T::from_f64(per_reach * *learning_rate * group);
                    let g = &gradient.as_slice()[range.clone()];
                    let elements =
                        theta[range.clone()].iter_mut().zip(g).zip(&squares[range.clone()]).zip(&scales[range]);
                    for (((theta, &g), &square), &scale) in elements {
                        *theta += by * (per_gradient * g * rate_of(*adaptive, square, scale));
                    }
                },
            );
        }
        grads.zero();
        step
    }
}

impl<T: Real> Optimizer<T> for Vw<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_with(params, grads, Example::default())
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("adaptive", Switch(&mut self.adaptive));
        visit("rescales", Switch(&mut self.rescales));
    }

    super::what_is_a_field!(squares, scales; ages);
}

#[cfg(test)]
mod tests {
    use super::super::Curve;
    use super::super::linear::Line;
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Vec<([f64; 3], bool)>> {
        prop::collection::vec((prop::array::uniform3(-3.0..3.0), any::<bool>()), 1..20)
    }

    fn curve(kind: usize, positive: bool) -> Curve {
        let sign = if positive { 1.0 } else { -1.0 };
        match kind {
            0 => Curve::Squared { label: 3.0 * sign },
            1 => Curve::Logistic { label: sign },
            2 => Curve::Hinge { label: sign },
            3 => Curve::Quantile { label: 2.0 + sign, tau: 0.3 },
            _ => Curve::Poisson { label: 2.0 + sign },
        }
    }

    /// A count of eᵖ that no step can answer: from features of 10⁻⁴ to features of 3 a prediction leaps to anywhere.
    fn is_beyond(curve: Curve, prediction: f64) -> bool {
        matches!(curve, Curve::Poisson { .. }) && prediction.abs() > 100.0
    }

    /// Where a loss is least, as far as the prediction may go.
    fn best(curve: Curve) -> f64 {
        match curve {
            Curve::Squared { label } | Curve::Hinge { label } | Curve::Quantile { label, .. } => label,
            Curve::Logistic { label } => label * f64::INFINITY,
            Curve::Poisson { label } => label.ln(),
        }
    }

    proptest! {
        #[test]
        fn no_step_overshoots(rows in rows(), kind in 0..5_usize, rate in 0.1..50.0, adaptive: bool, weight in 0.1..100.0) {
            let (mut line, mut rule) = (Line::new(3), Vw { adaptive, rescales: false, ..Vw::new(rate) });
            for (x, positive) in rows {
                let (curve, before) = (curve(kind, positive), line.predict(&x));
                if is_beyond(curve, before) {
                    return Ok(());
                }
                line.learn_by(&mut rule, &x, curve, weight);
                let (after, best) = (line.predict(&x), best(curve));
                let inside = matches!(curve, Curve::Hinge { label } if label * before >= 1.0);
                let between = (before.min(best) - 1e-6..=before.max(best) + 1e-6).contains(&after);
                prop_assert!(between || inside && (after - before).abs() < 1e-9, "{before} {after} {best}");
            }
        }

        /// Two models see the same features in other units: they predict the same.
        #[test]
        fn the_scale_of_a_feature_does_not_matter(rows in rows(), kind in 0..5_usize, units in prop::array::uniform3(0.001..1000.0), adaptive: bool) {
            let [mut plain, mut scaled] = [Line::new(3), Line::new(3)];
            let [mut one, mut other] = [0, 1].map(|_| Vw { adaptive, ..Vw::new(0.5) });
            for (x, positive) in rows {
                let of_scaled: [f64; 3] = std::array::from_fn(|i| x[i] * units[i]);
                let predicted = [plain.predict(&x), scaled.predict(&of_scaled)];
                if is_beyond(curve(kind, positive), predicted[0]) {
                    return Ok(());
                }
                prop_assert!((predicted[0] - predicted[1]).abs() < 1e-6 * (1.0 + predicted[0].abs()), "{predicted:?}");
                plain.learn_by(&mut one, &x, curve(kind, positive), 1.0);
                scaled.learn_by(&mut other, &of_scaled, curve(kind, positive), 1.0);
            }
        }

        /// Of inputs of one size, without what depends on the path of the gradients.
        #[test]
        fn a_weight_is_as_many_repeats(signs in prop::collection::vec((any::<[bool; 3]>(), any::<bool>()), 1..12), kind in 0..5_usize, times in 1..6_u32) {
            let [mut weighted, mut repeated] = [Line::new(3), Line::new(3)];
            let [mut one, mut other] = [0, 1].map(|_| Vw { adaptive: false, ..Vw::new(0.2) });
            for (x, positive) in signs {
                let x = x.map(|up| if up { 1.5 } else { -1.5 });
                weighted.learn_by(&mut one, &x, curve(kind, positive), f64::from(times));
                (0..times).for_each(|_| repeated.learn_by(&mut other, &x, curve(kind, positive), 1.0));
                let predicted = [weighted.predict(&x), repeated.predict(&x)];
                prop_assert!((predicted[0] - predicted[1]).abs() < 1e-9, "{predicted:?}");
            }
        }
    }

    /// η = 0.5, adaptive, one example of x = (2, −1) and y = 3 under the squared error, by hand.
    #[test]
    fn known_steps() {
        let (mut line, mut rule) = (Line::new(2), Vw::new(0.5));
        line.learn_by(&mut rule, &[2.0, -1.0], Curve::Squared { label: 3.0 }, 1.0);
        // g = (−12, 6), s = (2, 1): ρ = (1/24, 1/6); N = 2, u = √½, Σ ρ x² = 1/3, h = 0.5 · √½ / 3
        let moved = 3.0 * (1.0 - (-(0.5_f64.sqrt()) / 3.0).exp());
        let expected = [moved * 2.0 / 24.0 * 3.0, -moved / 6.0 * 3.0];
        line.params.of(line.w).iter().zip(expected).for_each(|(w, e)| assert!((w - e).abs() < 1e-12, "{w} {e}"));
        assert!((line.predict(&[2.0, -1.0]) - moved).abs() < 1e-12);
    }

    #[test]
    fn where_a_scale_grows_what_was_learned_shrinks() {
        let (mut line, mut rule) = (Line::new(1), Vw::new(0.5));
        line.learn_by(&mut rule, &[1.0], Curve::Squared { label: 1.0 }, 1e9);
        assert!((line.params.of(line.w)[0] - 1.0).abs() < 1e-9);
        line.learn_by(&mut rule, &[10.0], Curve::Squared { label: 1.0 }, 1e9); // θ = 0.1 predicts it
        assert!((line.predict(&[10.0]) - 1.0).abs() < 1e-9);
    }
}
