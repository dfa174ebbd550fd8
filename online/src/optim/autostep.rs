//! Autostep: IDBD that needs no tuning.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_nn::Step;
use thalweg_nn::optim::Hyperparameter::{Number, Switch};
use thalweg_nn::optim::{Ages, Groups, Optimizer, Sweep, Visit, flushed};
use thalweg_tensor::Real;

use super::idbd::BETAS;
use super::{Example, FROM_ZERO, Informed, Needs, over_touched, require, total};

/// Autostep: [IDBD](super::Idbd) whose meta step is normalised, and whose steps never overshoot.
///
/// ```text
/// s = δ x h
/// v ← max(|s|, v + α x² (|s| − v) / τ)
/// α ← α exp(μ s / v)                     where v > 0;  μ: the meta rate
/// M = max(Σ α x², 1)                     over all parameters
/// a = α / M                              what is stepped with
/// w ← w + a δ x
/// h ← h (1 − a x²) + a δ x
/// α ← α M^−min(μ, 1)                     or α ← a, where M is `lasting`
/// ```
///
/// v is about as large as s has been, so a rate rises by a factor of at most e^μ a step, whatever the units of x and y.
/// α = α₀ eᵝ, and β is what is kept; x, δx and x² are of networks as they are for [IDBD](super::Idbd). M is that of what the
/// gradient touches, and so are the rates that it lowers.
///
/// # What M is for
///
/// The error along the step is multiplied by `1 − Σ a x²`, so with M no step overshoots. The paper divides the rates themselves,
/// once and for all: then a single large input takes away what hundreds of steps had learned, for a rate can only rise by e^μ at
/// a time, and rates stay where Σ α x² is hardly ever above 1, which is far below where they are best. Here a step is bounded by
/// its own M, and rates learn from it as they learn from everything, at the meta rate.
///
/// Where Sutton's target drifts (`tables tracking`), after 250 000 examples the error is 1.6 to 1.9 with μ from 0.001 to 0.1, and
/// as published 2.3 to 2.5. On six streams (`tables no-tuning`) an MLP of two layers of 64 learns within one point of accuracy of
/// the best of fourteen rates of SGD and Adam on each, from α₀ = 1; as published, from the same α₀, it is up to 13 behind.
///
/// α₀ may well be too high, 1 for instance: of a linear model even 100 leads to the same rates. From one that is much too low they
/// may never rise, for what is learned slower than the target turns looks useless. [`lasting`](Autostep::lasting) gives the
/// published rule.
///
/// Source: Mahmood, Sutton, Degris & Pilarski 2012, "Tuning-free step-size adaptation", algorithm 1; but for the last line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Autostep<T: Real = f32> {
    /// α₀: where every rate begins. What is changed later multiplies all rates.
    pub learning_rate: f64,
    /// μ, per step.
    pub meta_rate: f64,
    /// τ: within how many steps v forgets.
    pub tau: f64,
    /// Whether M divides the rates for good, as published.
    pub lasting: bool,
    /// Other settings for some of the parameters.
    pub groups: Groups,
    /// β.
    rates: Flat<T>,
    /// h.
    memory: Flat<T>,
    /// v.
    sizes: Flat<T>,
    ages: Ages,
    /// α/α₀ of a step: means nothing in between.
    #[serde(skip)]
    ratios: Flat<T>,
}

impl<T: Real> Autostep<T> {
    /// α₀; μ = 0.01, τ = 10⁴, M of each step alone.
    pub fn new(learning_rate: f64) -> Self {
        Autostep {
            learning_rate,
            meta_rate: 0.01,
            tau: 1e4,
            lasting: false,
            groups: Groups::default(),
            rates: Flat::default(),
            memory: Flat::default(),
            sizes: Flat::default(),
            ages: Ages::default(),
            ratios: Flat::default(),
        }
    }

    /// The rates α of a parameter's elements, once it has met the parameter.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    pub fn rates(&self, param: Param) -> impl Iterator<Item = f64> {
        self.rates.of(param).iter().map(|beta| self.learning_rate * beta.to_f64().exp())
    }
}

impl<T: Real> Informed<T> for Autostep<T> {
    fn needs(&self) -> Needs {
        Needs::Slopes
    }

    fn step_with(&mut self, params: &mut Params<T>, grads: &mut Grads<T>, mut example: Example<'_, T>) -> Step {
        require(self);
        if !example.is_accepted(params, grads, &mut self.groups) {
            return Step::Refused;
        }
        let per_gradient = T::from_f64(-example.curvature.recip());
        let squares = example.squares();
        let [lowest, highest] = BETAS.map(T::from_f64);
        let [meta, forgets] = [self.meta_rate, self.tau.max(1.0).recip()].map(T::from_f64);
        // What overflows is as large as it can be.
        let most = T::from_f64(1e-4) / T::MIN_POSITIVE;
        let Autostep { learning_rate, meta_rate, lasting, groups, rates, memory, sizes, ages, ratios, .. } = self;
        for vector in [&mut *rates, &mut *memory, &mut *sizes, &mut *ratios] {
            vector.align(params.layout());
        }
        let [betas, memory, sizes, ratios] = [rates, memory, sizes, ratios].map(Flat::as_mut_slice);
        let mut sum = 0.0;
        let mut sweep = Sweep { params, grads, groups, ages, rate: *learning_rate, decay: 0.0 };
        let step = sweep.walk(
            #[inline(always)]
            |range, at, _, g| {
                let ((factor, slopes), initial) = (squares.of(&range, g), T::from_f64(at.rate));
                let [betas, sizes, ratios] =
                    [&mut *betas, &mut *sizes, &mut *ratios].map(|vector| &mut vector[range.clone()]);
                let elements = g.iter().zip(slopes).zip(betas).zip(&memory[range]).zip(sizes).zip(&mut *ratios);
                for (((((&g, &x), beta), &h), v), ratio) in elements {
                    let s = (per_gradient * g * h).maximum(-most).minimum(most);
                    let share = (initial * beta.exp() * factor * x * x * forgets).minimum(T::ONE);
                    *v = flushed(s.abs().maximum(*v + share * (s.abs() - *v)));
                    let moved = flushed((*beta + meta * (s / *v)).maximum(lowest).minimum(highest));
                    *beta = if *v > T::ZERO { moved } else { *beta };
                    *ratio = beta.exp();
                }
                sum += at.rate
                    * factor.to_f64()
                    * total([ratios, slopes], |[ratio, x]| ratio.to_f64() * (x.to_f64() * x.to_f64()));
            },
        );
        if step == Step::Taken {
            // The step is divided by M, and β falls by a share of ln M.
            let m = sum.clamp(1.0, f64::MAX);
            let share = if *lasting { 1.0 } else { meta_rate.min(1.0) };
            // 1/M may be too small a number where eᵝ is large: α₀ and eᵝ are divided by √M each.
            let root = m.sqrt();
            let [per_root, shift] = [root.recip(), share * m.ln()].map(T::from_f64);
            let theta = params.theta_mut().as_mut_slice();
            let gradient = grads.dense();
            over_touched(
                gradient,
                groups,
                #[inline(always)]
                |range, group| {
                    let (w, g) = (&mut theta[range.clone()], &gradient.as_slice()[range.clone()]);
                    let ((factor, slopes), initial) =
                        (squares.of(&range, g), T::from_f64(*learning_rate * group / root));
                    let [betas, memory] = [&mut betas[range.clone()], &mut memory[range.clone()]];
                    let elements = w.iter_mut().zip(g).zip(slopes).zip(betas).zip(memory).zip(&ratios[range]);
                    for (((((w, &g), &x), beta), h), &ratio) in elements {
                        let (alpha, error) = (initial * (ratio * per_root), per_gradient * g);
                        *beta = flushed((*beta - shift).maximum(lowest));
                        *w += alpha * error;
                        *h = flushed(*h * (T::ONE - alpha * factor * x * x) + alpha * error);
                    }
                },
            );
        }
        grads.zero();
        example.slopes.iter_mut().for_each(|slopes| slopes.zero());
        step
    }
}

impl<T: Real> Optimizer<T> for Autostep<T> {
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step {
        self.step_with(params, grads, Example::default())
    }

    fn hyperparameters(&mut self, visit: Visit<'_>) {
        visit("learning_rate", Number(&mut self.learning_rate, FROM_ZERO));
        visit("meta_rate", Number(&mut self.meta_rate, FROM_ZERO));
        visit("tau", Number(&mut self.tau, FROM_ZERO));
        visit("lasting", Switch(&mut self.lasting));
    }

    super::what_is_a_field!(rates, memory, sizes; ages);
}

#[cfg(test)]
mod tests {
    use super::super::linear::Line;
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    /// α₀ = 0.1, μ = 0.5, τ = 10; one input of 2.
    #[test]
    fn known_steps() {
        let published = Autostep { meta_rate: 0.5, tau: 10.0, lasting: true, ..Autostep::new(0.1) };
        let (mut line, mut rule) = (Line::new(1), published);
        let w = line.w;
        let alpha_of = |rule: &Autostep<f64>| rule.rates(w).next().unwrap();
        line.learn(&mut rule, &[2.0], 1.0); // h = 0, so v = 0 and α stays; M = 1
        assert!((line.params.of(line.w)[0] - 0.2).abs() < 1e-15);
        line.learn(&mut rule, &[2.0], 1.0); // δ = 0.6, s = 0.24 = v: α = 0.1 e^0.5, M = 1
        let alpha = 0.1 * 0.5_f64.exp();
        assert!((alpha_of(&rule) - alpha).abs() < 1e-15);
        assert!((line.params.of(line.w)[0] - (0.2 + alpha * 1.2)).abs() < 1e-15);
        let memory = 0.2 * (1.0 - 4.0 * alpha) + alpha * 1.2;
        assert!((rule.memory.as_slice()[0] - memory).abs() < 1e-15);
        let error = line.learn(&mut rule, &[2.0], -1.0);
        let s = error * 2.0 * memory;
        assert!((rule.sizes.as_slice()[0] - s.abs()).abs() < 1e-15, "it is larger than before");
        let (mut its_line, mut its_own) = (line.clone(), Autostep { lasting: false, ..rule.clone() });
        line.learn(&mut rule, &[100.0], 0.0); // M > 1: the error is gone
        assert!((alpha_of(&rule) - 1e-4).abs() < 1e-12);
        assert!(line.predict(&[100.0]).abs() < 1e-9);
        // The other form steps with α/M, too, and keeps α/√M: μ = 1/2.
        let (before, memory, v) = (alpha_of(&its_own), its_own.memory.as_slice()[0], its_own.sizes.as_slice()[0]);
        let s = its_line.learn(&mut its_own, &[100.0], 0.0) * 100.0 * memory;
        let alpha = before * (0.5 * s / v.max(s.abs())).exp();
        assert!(its_line.predict(&[100.0]).abs() < 1e-9);
        assert!((alpha_of(&its_own) - alpha / (1e4 * alpha).sqrt()).abs() < 1e-12);
    }

    /// Without a meta rate M bounds every step, and no rate moves.
    #[test]
    fn without_a_meta_rate_rates_stay() {
        let (mut line, mut rule) = (Line::new(2), Autostep { meta_rate: 0.0, ..Autostep::new(0.5) });
        for x in [[1.0, 2.0], [30.0, -1.0], [1e60, 1.0]] {
            line.learn(&mut rule, &x, 1.0);
            assert!(line.params.as_slice().iter().all(|w| w.is_finite()), "{x:?}");
            assert!(rule.rates(line.w).all(|rate| rate == 0.5), "{x:?}");
        }
        let error = line.learn(&mut rule, &[3.0, 4.0], 1.0);
        assert!((line.predict(&[3.0, 4.0]) - 1.0).abs() < 1e-9 * (1.0 + error.abs()), "Σ α x² = 12.5, and M with it");
    }

    /// Σ α x² above all numbers is none that rates or weights are lost by.
    #[test]
    fn a_sum_that_overflows_is_the_largest_number() {
        for (meta_rate, lasting) in [(0.0, false), (0.01, false), (0.01, true)] {
            let (mut line, mut rule) = (Line::new(1), Autostep { meta_rate, lasting, ..Autostep::new(1e100) });
            line.learn(&mut rule, &[1e140], 1.0);
            let rate = rule.rates(line.w).next().unwrap();
            assert!(
                line.params.of(line.w)[0].is_finite() && rate.is_finite() && rate > 0.0,
                "{meta_rate} {lasting} {rate}"
            );
        }
    }

    /// Inputs that are nearly too large to be squared, and rates that have risen as far: 1/M alone is none that an f32 can hold.
    #[test]
    fn a_large_sum_is_a_step_to_the_target() {
        for rate in [1e-3, 1.0, 1e3] {
            let mut params = Params::<f32>::new();
            let w = params.add("w", [1], |_| 0.0);
            let (mut grads, mut rule) = (Grads::like(&params), Autostep::new(rate));
            rule.step(&mut params, &mut grads);
            rule.rates.as_mut_slice().fill(30.0);
            grads.of_mut(w).fill(-5e14); // δ = 1
            rule.step(&mut params, &mut grads);
            assert!((f64::from(params.of(w)[0]) * 5e14 - 1.0).abs() < 1e-5, "{rate}: {:?}", params.of(w));
        }
    }

    /// A meta rate of which one step is no more than a denormal number.
    #[test]
    fn rates_that_hardly_move_are_not_denormal() {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [2], |_| 0.0);
        let (mut grads, mut rule) = (Grads::like(&params), Autostep { meta_rate: 1e-39, ..Autostep::new(0.1) });
        for g in [[1.0, 1.0], [1.0, -1.0]] {
            grads.of_mut(w).copy_from_slice(&g);
            rule.step(&mut params, &mut grads);
            assert!(rule.rates.of(w).iter().all(|beta| !beta.is_subnormal()), "{:?}", rule.rates.of(w));
        }
        assert!(rule.sizes.of(w).iter().all(|&v| v > 0.0), "there was something to learn");
    }

    /// One of ten inputs matters, with a sign that turns: rates end in the same place, wherever above it they began. With M for
    /// good they do not.
    #[test]
    fn a_first_rate_cannot_be_too_high() {
        let learned = |rate: f64, lasting: bool| {
            let (mut line, mut rng) = (Line::new(10), Rng::new(7));
            let mut rule = Autostep { meta_rate: 0.03, lasting, ..Autostep::new(rate) };
            let mut sign = 1.0;
            for t in 0..20_000 {
                sign = if t % 20 == 0 { -sign } else { sign };
                let x: Vec<f64> = (0..10).map(|_| rng.normal()).collect();
                line.learn(&mut rule, &x, sign * x[0]);
            }
            let rates: Vec<f64> = rule.rates(line.w).collect();
            [rates[0], rates[1..].iter().sum()]
        };
        let rates = [0.1, 1.0, 10.0, 100.0].map(|rate| learned(rate, false));
        for [matters, others] in rates {
            assert!((matters / rates[0][0] - 1.0).abs() < 0.1 && others < 0.05 * matters, "{rates:?}");
        }
        assert!(learned(0.1, true)[0] < 0.7 * rates[0][0], "{rates:?}");
    }

    proptest! {
        #[test]
        fn no_step_overshoots(rows in prop::collection::vec((prop::collection::vec(-1e3..1e3, 3), -1e3..1e3), 1..30), rate in 1e-3..1e3, meta_rate in 0.0..2.0, lasting: bool) {
            let (mut line, mut rule) = (Line::new(3), Autostep { meta_rate, lasting, ..Autostep::new(rate) });
            for (x, y) in rows {
                let before = line.learn(&mut rule, &x, y);
                let after = y - line.predict(&x);
                prop_assert!(after.abs() <= before.abs() + 1e-9 && after * before >= -1e-6, "{before} {after}");
            }
        }

        /// Units of answers do not matter, and units of inputs do not either, once the first rate is in them.
        #[test]
        fn units_do_not_matter(rows in prop::collection::vec((prop::collection::vec(-1.0..1.0, 3), -1.0..1.0), 1..40), of_x in 0.01..100.0, of_y in 0.01..100.0) {
            let [mut plain, mut scaled] = [Line::new(3), Line::new(3)];
            let [mut one, mut other] = [0.1, 0.1 / (of_x * of_x)].map(Autostep::new);
            for (x, y) in rows {
                plain.learn(&mut one, &x, y);
                let x: Vec<f64> = x.iter().map(|x| x * of_x).collect();
                scaled.learn(&mut other, &x, y * of_y);
            }
            for (&a, &b) in plain.params.of(plain.w).iter().zip(scaled.params.of(scaled.w)) {
                let expected: f64 = a * of_y / of_x;
                prop_assert!((expected - b).abs() < 1e-6 * (1.0 + b.abs()), "{a} {b}");
            }
        }
    }
}
