//! Kronecker-factored real-time recurrent learning.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params};
use thalweg_nn::Rnn;
use thalweg_nn::recurrent::Weights;
use thalweg_tensor::{Real, Rng, kernels};

use super::signs::{balance, draw};
use super::snap1::{Linear, Local};
use super::trace::wanted;
use super::{Traced, assert_units};

/// KF-RTRL (Mujika, Meier & Steger 2018) of an [`Rnn`]: right on the average, with less noise than [UORO](super::Uoro).
///
/// What a weight does at once is a product, `∂h_k/∂W_kj = φ'_k â_j` with `â = [h₋; 1; x]`. So the influence is kept as one
/// Kronecker product, `∂h_k/∂W_ij ≈ A_j B_ki`. With two random signs at each step,
///
/// ```text
///   A ← ν₀ p₀ A + ν₁ p₁ â                      p₀ = √(‖J B‖ / ‖A‖)      J = diag(φ') W_hh         (1)
///   B ← ν₀ J B / p₀ + ν₁ diag(φ') / p₁         p₁ = √(‖φ'‖ / ‖â‖)                                 (2)
///   ∇L += ∂L/∂θ + (∂L/∂h₋ B₋)ᵀ A₋ᵀ                                                               (3)
/// ```
///
/// `E[ν₀ν₁] = 0`: on the average the cross terms vanish. As in UORO, what the newest step did itself is no estimate. Time
/// n³, memory 2 (n² + n + in).
///
/// ```
/// use thalweg_nn::{Grads, Params, Rng, Rnn};
/// use thalweg_online::recurrent::{KfRtrl, Traced};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let rnn = Rnn::new(&mut params, "rnn", 2, 4, &mut rng);
/// let (mut layer, mut grads) = (KfRtrl::new(rnn, 7, &params), Grads::like(&params));
/// for t in 0..10 {
///     layer.step(&params, &[t as f32, 1.0]);
///     layer.learn(&params, &[1.0; 4], &mut grads, &mut [0.0; 2]);
/// }
/// assert!(grads.norm() > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct KfRtrl<T: Real = f32> {
    rnn: Rnn,
    rng: Rng,
    linear: Linear<T>,
    /// A₋ and A: h, 1, x.
    left_before: Vec<T>,
    left: Vec<T>,
    /// B₋ and B, row by row.
    right_before: Vec<T>,
    right: Vec<T>,
    /// â of the newest step.
    met: Vec<T>,
}

impl<T: Real> KfRtrl<T> {
    /// From a state of zeros, with the cell's parameters in θ, and signs from this seed.
    #[track_caller]
    pub fn new(rnn: Rnn, seed: u64, params: &Params<T>) -> Self {
        let [left_before, left, right_before, right, met] = [(); 5].map(|()| Vec::new());
        let linear = Linear::default();
        let mut layer = KfRtrl { rnn, rng: Rng::new(seed), linear, left_before, left, right_before, right, met };
        layer.follow(params);
        layer
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.rnn == other.rnn
    }

    /// Follows θ where it has grown. More hidden units are another layer: it begins anew.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let [weight_ih, weight_hh] = [self.rnn.weights().weight_ih, self.rnn.weights().weight_hh];
        let [inputs, n] = [weight_ih, weight_hh].map(|weight| params.layout().entry(weight).shape().dims()[1]);
        if self.linear.h.len() != n || self.right.len() != n * n {
            self.linear = Linear::default();
            [&mut self.left, &mut self.right].into_iter().for_each(Vec::clear);
        }
        self.linear.resize(n, 1);
        [&mut self.right_before, &mut self.right].into_iter().for_each(|right| right.resize(n * n, T::ZERO));
        let lefts = [&mut self.left_before, &mut self.left, &mut self.met];
        lefts.into_iter().for_each(|left| left.resize(n + 1 + inputs, T::ZERO));
    }

    /// (1) and (2), with these signs.
    #[track_caller]
    fn step_by_signs(&mut self, params: &Params<T>, x: &[T], [old, new]: [T; 2]) {
        let KfRtrl { rnn, linear, left_before, left, right_before, right, met, .. } = self;
        std::mem::swap(left_before, left);
        std::mem::swap(right_before, right);
        std::mem::swap(&mut linear.h, &mut linear.h_before);
        rnn.linearise(params, x, T::ONE, linear);
        let n = linear.h.len();
        met[..n].copy_from_slice(&linear.h_before);
        met[n] = T::ONE;
        met[n + 1..].copy_from_slice(x);

        // J B, row by row.
        right.fill(T::ZERO);
        let recurrent = params.of(rnn.weights().weight_hh);
        for ((row, weights), &slope) in
            right.chunks_exact_mut(n.max(1)).zip(recurrent.chunks_exact(n.max(1))).zip(&linear.gains)
        {
            kernels::matvec_transposed_add(right_before, weights, row);
            row.iter_mut().for_each(|b| *b *= slope);
        }
        let (p0, p1) = (balance(right, left_before), balance(&linear.gains, met));
        for ((a, &before), &met) in left.iter_mut().zip(&*left_before).zip(&*met) {
            *a = old * p0 * before + new * p1 * met;
        }
        right.iter_mut().for_each(|b| *b *= old / p0);
        right.iter_mut().step_by(n + 1).zip(&linear.gains).for_each(|(b, &slope)| *b += new * slope / p1);
    }
}

/// `W̄ += d uᵀ`, of what is not frozen; u is that of all weights, as â.
fn add<T: Real>(weights: Weights, d: &[T], u: &[T], grads: &mut Grads<T>) {
    let n = d.len();
    let biases = weights.bias.into_iter().flatten().map(|bias| (bias, n..n + 1));
    for (param, met) in [(weights.weight_ih, n + 1..u.len()), (weights.weight_hh, 0..n)].into_iter().chain(biases) {
        if let Some(gradient) = wanted(param, grads) {
            kernels::outer_add(d, &u[met], gradient);
        }
    }
}

impl<T: Real> Traced<T> for KfRtrl<T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        let mut signs = [T::ONE; 2];
        draw(&mut self.rng, &mut signs);
        self.step_by_signs(params, x, signs);
        &self.linear.h
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        grads.align(params.layout());
        let KfRtrl { rnn, linear, left_before, right_before, met, .. } = self;
        assert_units(dh, linear.h.len());
        rnn.sums(params, dh, linear);
        let (weights, Linear { sums, candidate, carry, .. }) = (rnn.weights(), linear);
        // ∂L/∂h₋, and what of it meets A₋: there is room in what this cell does not use, and has used.
        candidate.fill(T::ZERO);
        kernels::matvec_transposed_add(params.of(weights.weight_hh), sums, candidate);
        carry.fill(T::ZERO);
        kernels::matvec_transposed_add(right_before, candidate, carry);
        add(weights, sums, met, grads);
        add(weights, carry, left_before, grads);
        dx.fill(T::ZERO);
        kernels::matvec_transposed_add(params.of(weights.weight_ih), sums, dx);
    }

    fn state(&self) -> [&[T]; 2] {
        [&self.linear.h, &[]]
    }

    fn forget(&mut self) {
        [&mut self.left, &mut self.right].into_iter().for_each(|numbers| numbers.fill(T::ZERO));
    }

    fn reset(&mut self) {
        self.linear.h.fill(T::ZERO);
        self.forget();
    }

    fn bytes(&self) -> usize {
        self.linear.bytes() + (3 * self.met.len() + 2 * self.right.len()) * T::BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::super::signs::testing::{is_mean, mean_of_all};
    use super::super::testing::{Case, assert_near, bptt, flat, learned};
    use super::*;
    use thalweg_nn::Activation;

    fn rnn(case: &Case, bias: bool) -> (Params<f64>, Rnn) {
        let mut params = Params::new();
        let options = case.options().form(Activation::Tanh).bias(bias);
        let rnn = Rnn::with(&mut params, "rnn", options, &mut case.rng());
        (params, rnn)
    }

    #[test]
    fn the_mean_over_all_signs_is_the_gradient() {
        for seed in 0..4 {
            let case = Case { inputs: 2, hidden: 3, steps: 5, seed };
            let (params, rnn) = rnn(&case, seed % 2 == 0);
            let mean = mean_of_all(2 * (case.steps - 1), |signs| {
                let (mut layer, mut grads) = (KfRtrl::new(rnn, 0, &params), Grads::like(&params));
                for t in 0..case.steps {
                    let signs = signs.as_chunks().0.get(t).copied().unwrap_or_default();
                    layer.step_by_signs(&params, &case.x(t), signs);
                    layer.learn(&params, &case.dh(t, 3), &mut grads, &mut [0.0; 2]);
                }
                flat(&params, &mut grads)
            });
            assert_near(&mean, &bptt(&rnn, &params, &case));
        }
    }

    #[test]
    fn the_mean_of_many_draws_is_the_gradient() {
        let case = Case { inputs: 2, hidden: 2, steps: 4, seed: 6 };
        let (params, rnn) = rnn(&case, true);
        let mut layer = KfRtrl::new(rnn, 1, &params);
        is_mean(100_000, &bptt(&rnn, &params, &case), || {
            layer.reset();
            learned(&mut layer, &params, &case).gradient
        });
    }

    #[test]
    fn it_steps_as_its_cell_does_and_follows_new_inputs() {
        let case = Case { inputs: 2, hidden: 3, steps: 5, seed: 1 };
        let (mut params, rnn) = rnn(&case, true);
        let [mut kf, mut grown] = [(); 2].map(|()| KfRtrl::new(rnn, 1, &params));
        let exact = learned(&mut super::super::Rtrl::new(rnn, &params), &params, &case);
        let found = learned(&mut kf, &params, &case);
        found.outputs.iter().zip(&exact.outputs).for_each(|(found, exact)| assert_near(found, exact));
        found.dx.iter().zip(&exact.dx).for_each(|(found, exact)| assert_near(found, exact));
        learned(&mut grown, &params, &case);
        let again = learned(&mut kf, &params, &case);
        thalweg_nn::Cell::grow_inputs(&rnn, &mut params, 1);
        let wider = learned(&mut grown, &params, &Case { inputs: 3, ..case });
        assert_eq!(wider.outputs, again.outputs);
        assert!(wider.gradient.iter().all(|g| g.is_finite()));
    }
}
