//! The traces of an LRU.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_nn::{Cell, Lru};
use thalweg_tensor::{Real, kernels};

use super::trace::{Trace, wanted};
use super::{Traced, assert_units};

/// An [`Lru`] that learns at every step, through all of its past, exactly.
///
/// No unit hears another one, `∂s'/∂s = diag λ`, so that RTRL needs one complex number for each weight (Zucchet et al. 2023).
/// With `u = B x`:
///
/// ```text
///   e_λ ← λ e_λ + s₋        e_γ ← λ e_γ + u        e_B ← λ ⊙ e_B + γ xᵀ                        (1)
///   ∂s/∂ν = −e^ν λ e_λ      ∂s/∂θ = i e^θ λ e_λ    ∂s/∂γlog = γ e_γ                            (2)
/// ```
///
/// C and D have no past: their gradients are those of the newest step. With `δ = ∂L/∂Re s + i ∂L/∂Im s = C̄ᵀ ∂L/∂y`, a real
/// parameter p gets `Re(δ̄ ∂s/∂p)`, and B's imaginary part `Re(δ̄ i e_B)`. Time and memory as those of the weights.
///
/// ```
/// use thalweg_nn::{Grads, Lru, Params, Rng};
/// use thalweg_online::recurrent::{Traced, TracedLru};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let lru = Lru::new(&mut params, "lru", 2, 4, &mut rng);
/// let (mut layer, mut grads) = (TracedLru::new(lru, &params), Grads::like(&params));
/// layer.step(&params, &[1.0, 0.0]);
/// layer.step(&params, &[0.0, 0.0]);
/// layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0; 2]);
/// let of_first_input: Vec<f32> = grads.of(lru.weight_b).iter().copied().step_by(2).collect();
/// assert!(of_first_input.iter().all(|&g| g != 0.0), "it came a step ago");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct TracedLru<T: Real = f32> {
    lru: Lru,
    x: Vec<T>,
    output: Vec<T>,
    units: Units<T>,
    /// e_B: real parts, then imaginary ones, as B.
    by_input: Trace<T>,
}

/// Numbers of each unit; of complex ones the real parts, then the imaginary ones.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Units<T> {
    state: [Vec<T>; 2],
    lambda: [Vec<T>; 2],
    gamma: Vec<T>,
    by_lambda: [Vec<T>; 2],
    by_gamma: [Vec<T>; 2],
    /// u, and δ.
    heard: Vec<T>,
}

impl<T: Real> Units<T> {
    fn resize(&mut self, n: usize) {
        let Units { state, lambda, gamma, by_lambda, by_gamma, heard } = self;
        let pairs = [state, lambda, by_lambda, by_gamma].into_iter().flatten();
        pairs.chain([gamma]).for_each(|units| units.resize(n, T::ZERO));
        heard.resize(2 * n, T::ZERO);
    }

    /// The state and (1), but for e_B.
    fn step(&mut self) {
        let Units { state: [s, t], lambda: [a, b], gamma, by_lambda, by_gamma, heard } = self;
        let n = gamma.len();
        for k in 0..n {
            let (a, b, u, v) = (a[k], b[k], heard[k], heard[n + k]);
            turn(by_lambda, k, [a, b], [s[k], t[k]]);
            turn(by_gamma, k, [a, b], [u, v]);
            (s[k], t[k]) = (a * s[k] - b * t[k] + gamma[k] * u, a * t[k] + b * s[k] + gamma[k] * v);
        }
    }
}

/// A logarithm, within its [bounds](Lru::LOGS).
pub(super) fn bounded<T: Real>(log: T) -> T {
    let [least, most] = Lru::LOGS.map(T::from_f64);
    if log < least {
        least
    } else if log > most {
        most
    } else {
        log
    }
}

/// Whether a logarithm is within its bounds: else no gradient moves it.
pub(super) fn moves<T: Real>(log: T) -> bool {
    bounded(log) == log
}

/// `e_k ← λ_k e_k + new`.
fn turn<T: Real>([re, im]: &mut [Vec<T>; 2], k: usize, [a, b]: [T; 2], new: [T; 2]) {
    (re[k], im[k]) = (a * re[k] - b * im[k] + new[0], a * im[k] + b * re[k] + new[1]);
}

impl<T: Real> TracedLru<T> {
    /// From a state of zeros, with the cell's parameters in θ.
    #[track_caller]
    pub fn new(lru: Lru, params: &Params<T>) -> Self {
        let by_input = Trace::new(vec![lru.weight_b], params);
        let mut layer = TracedLru { lru, x: Vec::new(), output: Vec::new(), units: Units::default(), by_input };
        layer.follow(params);
        layer
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.lru == other.lru
    }

    /// Follows θ where it has grown.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let hidden = self.lru.hidden(params);
        if self.units.gamma.len() != hidden || !self.by_input.is_of([self.lru.weight_b]) {
            self.units = Units::default();
            self.by_input = Trace::new(vec![self.lru.weight_b], params);
        }
        self.by_input.follow(params);
        self.units.resize(hidden);
        self.output.resize(hidden, T::ZERO);
    }
}

impl<T: Real> Traced<T> for TracedLru<T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let TracedLru { lru, x: newest, output, units, by_input } = self;
        newest.clear();
        newest.extend_from_slice(x);
        let logs = [lru.nu_log, lru.theta_log, lru.gamma_log].map(|log| params.of(log));
        let n = output.len();
        for k in 0..n {
            let [nu, theta, gamma] = logs.map(|log| bounded(log[k]).exp());
            let r = (-nu).exp();
            (units.lambda[0][k], units.lambda[1][k]) = (r * theta.cos(), r * theta.sin());
            units.gamma[k] = gamma;
        }
        kernels::matvec(params.of(lru.weight_b), x, &mut units.heard);
        units.step();

        let (re, im) = by_input.part_mut(0).split_at_mut(n * x.len());
        let Units { lambda: [a, b], gamma, state, .. } = units;
        if !x.is_empty() {
            kernels::vectorize(
                #[inline(always)]
                || {
                    let rows = re.chunks_exact_mut(x.len()).zip(im.chunks_exact_mut(x.len()));
                    for (((re, im), (&a, &b)), &gamma) in rows.zip(a.iter().zip(&*b)).zip(&*gamma) {
                        for ((re, im), &x) in re.iter_mut().zip(im).zip(x) {
                            (*re, *im) = (a * *re - b * *im + gamma * x, a * *im + b * *re);
                        }
                    }
                },
            );
        }

        // y = Re(C s) + D x
        let (c_re, c_im) = params.of(lru.weight_c).split_at(n * n);
        kernels::matvec(c_im, &state[1], output);
        output.iter_mut().for_each(|y| *y = -*y);
        kernels::matvec_add(c_re, &state[0], output);
        kernels::matvec_add(params.of(lru.weight_d), x, output);
        output
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        grads.align(params.layout());
        let TracedLru { lru, x, output, units, by_input } = self;
        let n = output.len();
        assert_units(dh, n);
        let Units { state, lambda: [a, b], gamma, by_lambda, by_gamma, heard } = units;
        // What has no past: C and D; and δ.
        let (c_re, c_im) = params.of(lru.weight_c).split_at(n * n);
        let (d_re, d_im) = heard.split_at_mut(n);
        d_re.fill(T::ZERO);
        d_im.fill(T::ZERO);
        kernels::matvec_transposed_add(c_re, dh, d_re);
        kernels::matvec_transposed_add(c_im, dh, d_im);
        d_im.iter_mut().for_each(|d| *d = -*d);
        if let Some(gradient) = wanted(lru.weight_c, grads) {
            let (of_re, of_im) = gradient.split_at_mut(n * n);
            kernels::outer_add(dh, &state[0], of_re);
            let rows = of_im.chunks_exact_mut(n.max(1)).zip(dh);
            rows.for_each(|(row, &d)| kernels::axpy(-d, &state[1], row));
        }
        if let Some(gradient) = wanted(lru.weight_d, grads) {
            kernels::outer_add(dh, x, gradient);
        }

        // (2): by λ, then by its logarithms.
        let nu = params.of(lru.nu_log);
        let theta = params.of(lru.theta_log);
        let log = params.of(lru.gamma_log);
        let turned = |k: usize| {
            let (re, im) = (by_lambda[0][k], by_lambda[1][k]);
            [a[k] * re - b[k] * im, a[k] * im + b[k] * re]
        };
        if let Some(gradient) = wanted(lru.nu_log, grads) {
            let by = |k: usize| -nu[k].exp() * (d_re[k] * turned(k)[0] + d_im[k] * turned(k)[1]);
            (0..n).filter(|&k| moves(nu[k])).for_each(|k| gradient[k] += by(k));
        }
        if let Some(gradient) = wanted(lru.theta_log, grads) {
            let by = |k: usize| theta[k].exp() * (d_im[k] * turned(k)[0] - d_re[k] * turned(k)[1]);
            (0..n).filter(|&k| moves(theta[k])).for_each(|k| gradient[k] += by(k));
        }
        if let Some(gradient) = wanted(lru.gamma_log, grads) {
            let by = |k: usize| gamma[k] * (d_re[k] * by_gamma[0][k] + d_im[k] * by_gamma[1][k]);
            (0..n).filter(|&k| moves(log[k])).for_each(|k| gradient[k] += by(k));
        }

        let width = x.len();
        if let Some(gradient) = wanted(lru.weight_b, grads).filter(|_| width > 0) {
            let (of_re, of_im) = gradient.split_at_mut(n * width);
            let (re, im) = by_input.all()[by_input.range(0)].split_at(n * width);
            kernels::vectorize(
                #[inline(always)]
                || {
                    let gradients = of_re.chunks_exact_mut(width).zip(of_im.chunks_exact_mut(width));
                    let traces = re.chunks_exact(width).zip(im.chunks_exact(width));
                    let deltas = d_re.iter().zip(&*d_im);
                    for (((of_re, of_im), (re, im)), (&d_re, &d_im)) in gradients.zip(traces).zip(deltas) {
                        for (g, (&re, &im)) in of_re.iter_mut().zip(re.iter().zip(im)) {
                            *g += d_re * re + d_im * im;
                        }
                        for (g, (&re, &im)) in of_im.iter_mut().zip(re.iter().zip(im)) {
                            *g += d_im * re - d_re * im;
                        }
                    }
                },
            );
        }

        dx.fill(T::ZERO);
        d_re.iter_mut().zip(&*gamma).for_each(|(d, &gamma)| *d *= gamma);
        d_im.iter_mut().zip(&*gamma).for_each(|(d, &gamma)| *d *= gamma);
        kernels::matvec_transposed_add(params.of(lru.weight_b), heard, dx);
        kernels::matvec_transposed_add(params.of(lru.weight_d), dh, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        self.units.state.each_ref().map(Vec::as_slice)
    }

    fn forget(&mut self) {
        let Units { by_lambda, by_gamma, .. } = &mut self.units;
        [by_lambda, by_gamma].into_iter().flatten().for_each(|units| units.fill(T::ZERO));
        self.by_input.reset();
    }

    fn reset(&mut self) {
        self.units.state.iter_mut().for_each(|part| part.fill(T::ZERO));
        self.forget();
    }

    fn bytes(&self) -> usize {
        (self.x.len() + 12 * self.output.len()) * T::BYTES + self.by_input.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, is_exact};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn traces_equal_full_bptt(case in Case::any(3, 4, 8)) {
            is_exact(&case, |params| Lru::with(params, "lru", case.options(), &mut case.rng()), TracedLru::new);
        }
    }

    #[test]
    fn a_logarithm_that_ran_away_makes_nothing_infinite() {
        let case = Case { inputs: 2, hidden: 6, steps: 5, seed: 3 };
        is_exact(
            &case,
            |params| {
                let lru = Lru::with(params, "lru", case.options(), &mut case.rng());
                for (unit, log) in [lru.nu_log, lru.theta_log, lru.gamma_log].into_iter().enumerate() {
                    let log = params.of_mut(log);
                    (log[2 * unit], log[2 * unit + 1]) = (-1e9, if unit == 2 { 3.0 } else { 1e9 });
                }
                lru
            },
            TracedLru::new,
        );
    }
}
