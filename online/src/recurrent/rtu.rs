//! The traces of an RTU.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_nn::{Cell, Rtu};
use thalweg_tensor::{Real, kernels};

use super::lru::{bounded, moves};
use super::snap1::slope;
use super::trace::{Trace, wanted};
use super::{Traced, assert_units};

/// An [`Rtu`] that learns at every step, through all of its past, exactly (Elelimy et al. 2024).
///
/// A pair hears itself alone: two real numbers for each weight, its influence on c₁ and on c₂. With f' at the new state, for
/// ψ one of ν and ω, and for the weights of a pair in W₁ (those of W₂ have the input on the second line):
///
/// ```text
///   ∂c₁/∂ψ ← f' (g ∂c₁/∂ψ − φ ∂c₂/∂ψ + g_ψ c₁ − φ_ψ c₂ + γ_ψ W₁x)                              (1)
///   ∂c₂/∂ψ ← f' (g ∂c₂/∂ψ + φ ∂c₁/∂ψ + g_ψ c₂ + φ_ψ c₁ + γ_ψ W₂x)
///
///   ∂c₁/∂W₁ ← f' (g ∂c₁/∂W₁ − φ ∂c₂/∂W₁ + γ xᵀ)                                                (2)
///   ∂c₂/∂W₁ ← f' (g ∂c₂/∂W₁ + φ ∂c₁/∂W₁)
///
///   g_ν = −e^ν g     φ_ν = −e^ν φ     γ_ν = e^ν r²/γ                                           (3)
///   g_ω = −e^ω φ     φ_ω = e^ω g      γ_ω = 0
/// ```
///
/// The factor e^ω of (3) belongs there, for the angle is e^ω: without it the gradient of ω is not that of the losses. Time
/// and memory as those of the weights, memory twice.
///
/// ```
/// use thalweg_nn::{Grads, Params, Rng, Rtu};
/// use thalweg_online::recurrent::{Traced, TracedRtu};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let rtu = Rtu::new(&mut params, "rtu", 2, 4, &mut rng);
/// let (mut layer, mut grads) = (TracedRtu::new(rtu, &params), Grads::like(&params));
/// layer.step(&params, &[1.0, 0.0]);
/// layer.step(&params, &[0.0, 0.0]);
/// layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0; 2]);
/// assert!(grads.of(rtu.weight_ih).iter().step_by(2).all(|&g| g != 0.0), "the input came a step ago");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct TracedRtu<T: Real = f32> {
    rtu: Rtu,
    pairs: Pairs<T>,
    /// Of W: ∂c₁/∂W and ∂c₂/∂W.
    by_input: [Trace<T>; 2],
}

/// Numbers of each pair; where there are two, the first of all pairs, then the second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pairs<T> {
    h: Vec<T>,
    before: Vec<T>,
    /// W x, and what is given for each number of W x.
    heard: Vec<T>,
    /// f'.
    slopes: Vec<T>,
    gamma: Vec<T>,
    /// g and φ.
    turn: Vec<T>,
    /// ∂c/∂ν and ∂c/∂ω.
    by_nu: Vec<T>,
    by_omega: Vec<T>,
}

impl<T: Real> Pairs<T> {
    fn resize(&mut self, hidden: usize) {
        let Pairs { h, before, heard, slopes, gamma, turn, by_nu, by_omega } = self;
        [h, before, heard, slopes, turn, by_nu, by_omega].into_iter().for_each(|both| both.resize(hidden, T::ZERO));
        gamma.resize(hidden / 2, T::ZERO);
    }

    /// The state, and (1).
    fn step(&mut self, rtu: &Rtu, nu: &[T], omega: &[T]) {
        let Pairs { h, before, heard, slopes, gamma, turn, by_nu, by_omega } = self;
        let n = gamma.len();
        for k in 0..n {
            let (nu, omega) = (bounded(nu[k]).exp(), bounded(omega[k]).exp());
            let r = (-nu).exp();
            let (g, phi) = (r * omega.cos(), r * omega.sin());
            gamma[k] = (-(nu * T::from_f64(-2.0)).exp_m1()).sqrt();
            (turn[k], turn[n + k]) = (g, phi);
            let (c1, c2, u1, u2) = (before[k], before[n + k], heard[k], heard[n + k]);
            let [sum1, sum2] = turned([c1, c2], [g, phi]);
            (h[k], slopes[k]) = slope(rtu.activation, sum1 + gamma[k] * u1);
            (h[n + k], slopes[n + k]) = slope(rtu.activation, sum2 + gamma[k] * u2);
            // For e^ν → 0 both vanish, e^ν first.
            let gamma_nu = if gamma[k] == T::ZERO { T::ZERO } else { nu * r * r / gamma[k] };
            for (trace, [g_psi, phi_psi, gamma_psi]) in
                [(&mut *by_nu, [-nu * g, -nu * phi, gamma_nu]), (by_omega, [-omega * phi, omega * g, T::ZERO])]
            {
                let ([t1, t2], [d1, d2]) =
                    (turned([trace[k], trace[n + k]], [g, phi]), turned([c1, c2], [g_psi, phi_psi]));
                trace[k] = slopes[k] * (t1 + d1 + gamma_psi * u1);
                trace[n + k] = slopes[n + k] * (t2 + d2 + gamma_psi * u2);
            }
        }
    }
}

/// `(g a − φ b, g b + φ a)`.
#[inline(always)]
fn turned<T: Real>([a, b]: [T; 2], [g, phi]: [T; 2]) -> [T; 2] {
    [g * a - phi * b, g * b + phi * a]
}

impl<T: Real> TracedRtu<T> {
    /// From a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn new(rtu: Rtu, params: &Params<T>) -> Self {
        let trace = Trace::new(vec![rtu.weight_ih], params);
        let mut layer = TracedRtu { rtu, pairs: Pairs::default(), by_input: [trace.clone(), trace] };
        layer.follow(params);
        layer
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.rtu == other.rtu
    }

    /// Follows θ where it has grown.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let hidden = self.rtu.hidden(params);
        let are_its_own = self.by_input.iter().all(|trace| trace.is_of([self.rtu.weight_ih]));
        if self.pairs.h.len() != hidden || !are_its_own {
            self.pairs = Pairs::default();
            self.by_input.fill(Trace::new(vec![self.rtu.weight_ih], params));
        }
        self.by_input.iter_mut().for_each(|trace| trace.follow(params));
        self.pairs.resize(hidden);
    }
}

impl<T: Real> Traced<T> for TracedRtu<T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let TracedRtu { rtu, pairs, by_input: [by_first, by_second] } = self;
        std::mem::swap(&mut pairs.h, &mut pairs.before);
        kernels::matvec(params.of(rtu.weight_ih), x, &mut pairs.heard);
        pairs.step(rtu, params.of(rtu.nu_log), params.of(rtu.theta_log));

        // (2): rows of W₁, then of W₂.
        let Pairs { slopes, gamma, turn, .. } = &*pairs;
        let n = gamma.len();
        if n > 0 && !x.is_empty() {
            let rows =
                by_first.part_mut(0).chunks_exact_mut(x.len()).zip(by_second.part_mut(0).chunks_exact_mut(x.len()));
            kernels::vectorize(
                #[inline(always)]
                || {
                    for (row, (first, second)) in rows.enumerate() {
                        let k = row % n;
                        let (f1, f2, g, phi) = (slopes[k], slopes[n + k], turn[k], turn[n + k]);
                        let [to_first, to_second] = if row < n { [gamma[k], T::ZERO] } else { [T::ZERO, gamma[k]] };
                        for ((t1, t2), &x) in first.iter_mut().zip(second).zip(x) {
                            let [s1, s2] = turned([*t1, *t2], [g, phi]);
                            (*t1, *t2) = (f1 * (s1 + to_first * x), f2 * (s2 + to_second * x));
                        }
                    }
                },
            );
        }
        &self.pairs.h
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        grads.align(params.layout());
        let TracedRtu { rtu, pairs, by_input } = self;
        let Pairs { heard, slopes, gamma, by_nu, by_omega, .. } = pairs;
        let n = gamma.len();
        assert_units(dh, 2 * n);
        for (param, trace) in [(rtu.nu_log, by_nu), (rtu.theta_log, by_omega)] {
            if let Some(gradient) = wanted(param, grads) {
                let by = |k: usize| dh[k] * trace[k] + dh[n + k] * trace[n + k];
                (0..n).filter(|&k| moves(params.of(param)[k])).for_each(|k| gradient[k] += by(k));
            }
        }
        if let Some(gradient) = wanted(rtu.weight_ih, grads).filter(|_| n > 0 && !dx.is_empty()) {
            let (width, halves) = (dx.len(), [&dh[..n], &dh[n..]]);
            kernels::vectorize(
                #[inline(always)]
                || {
                    for (trace, dh) in by_input.iter().zip(halves) {
                        let rows = trace.all()[trace.range(0)].chunks_exact(width);
                        for (row, (gradient, trace)) in gradient.chunks_exact_mut(width).zip(rows).enumerate() {
                            let d = dh[row % n];
                            gradient.iter_mut().zip(trace).for_each(|(g, &t)| *g += d * t);
                        }
                    }
                },
            );
        }
        (0..2 * n).for_each(|k| heard[k] = dh[k] * slopes[k] * gamma[k % n]);
        dx.fill(T::ZERO);
        kernels::matvec_transposed_add(params.of(rtu.weight_ih), heard, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        [&self.pairs.h, &[]]
    }

    fn forget(&mut self) {
        let Pairs { by_nu, by_omega, .. } = &mut self.pairs;
        [by_nu, by_omega].into_iter().for_each(|numbers| numbers.fill(T::ZERO));
        self.by_input.iter_mut().for_each(Trace::reset);
    }

    fn reset(&mut self) {
        self.pairs.h.fill(T::ZERO);
        self.forget();
    }

    fn bytes(&self) -> usize {
        let units = 15 * self.pairs.gamma.len();
        units * T::BYTES + self.by_input.iter().map(Trace::bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, is_exact};
    use super::*;
    use proptest::prelude::*;
    use thalweg_nn::Activation;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn traces_equal_full_bptt(case in Case::any(3, 3, 8)) {
            let case = Case { hidden: 2 * case.hidden, ..case };
            for activation in [Activation::Identity, Activation::Tanh, Activation::Relu, Activation::Sigmoid] {
                let rtu = |params: &mut Params<f64>| {
                    Rtu::with(params, "rtu", case.options().form(activation), &mut case.rng())
                };
                is_exact(&case, rtu, TracedRtu::new);
            }
        }
    }

    #[test]
    fn a_logarithm_that_ran_away_makes_nothing_infinite() {
        let case = Case { inputs: 2, hidden: 8, steps: 5, seed: 3 };
        let rtu = |params: &mut Params<f64>| {
            let rtu = Rtu::with(params, "rtu", case.options().form(Activation::Tanh), &mut case.rng());
            for (unit, log) in [rtu.nu_log, rtu.theta_log].into_iter().enumerate() {
                params.of_mut(log)[2 * unit..][..2].copy_from_slice(&[-1e9, 1e9]);
            }
            rtu
        };
        is_exact(&case, rtu, TracedRtu::new);
    }
}
