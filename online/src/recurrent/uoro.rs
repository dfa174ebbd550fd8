//! Unbiased online recurrent optimisation: one product of two vectors for the whole influence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Param, Params, Tape};
use thalweg_nn::{Carried, Cell, Portable};
use thalweg_tensor::{Dual, Real, Rng, kernels};

use super::Traced;
use super::scratch::Scratch;
use super::signs::{balance, draw};
use super::taped::Taped;
use super::trace::Trace;

/// UORO (Tallec & Ollivier 2018) of any [`Cell`], a [network](thalweg_nn::Recurrent) of several layers too: right on the
/// average, and noisy.
///
/// The influence matrix is kept as one product, `M ≈ A Bᵀ` with a number for each of the state and one for each parameter.
/// With random signs ν ∈ {−1, 1}ⁿ, independent at each step,
///
/// ```text
///   A ← p₀ (∂s/∂s₋) A + p₁ ν            p₀ = √(‖B‖ / ‖(∂s/∂s₋) A‖)                              (1)
///   B ← B / p₀ + (νᵀ ∂s/∂θ) / p₁        p₁ = √(‖νᵀ ∂s/∂θ‖ / ‖ν‖)                                (2)
///   ∇L += ∂L/∂θ + (∂L/∂s₋ · A₋) B₋                                                            (3)
/// ```
///
/// `E[ννᵀ] = I`, so that the cross terms vanish on the average: `E[A Bᵀ] = M`, and the gradient's mean is that of
/// [RTRL](super::Rtrl). p₀ and p₁ keep both factors equally long. As in the paper, what the newest step did itself, ∂L/∂θ in
/// (3), is no estimate. `(∂s/∂s₋) A` is one forward pass over dual numbers, exact; `νᵀ ∂s/∂θ` one backward pass. Time
/// of these and of a pass to learn, memory 2·P, and θ once more as dual numbers while it works. The noise grows with the state
/// and with the time for which it remembers: take small steps.
///
/// The signs come from a seed and are saved.
///
/// ```
/// use thalweg_nn::{Grads, LayerNormLstm, Params, Rng};
/// use thalweg_online::recurrent::{Traced, Uoro};
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let cell = LayerNormLstm::new(&mut params, "cell", 2, 4, &mut rng);
/// let (mut layer, mut grads) = (Uoro::new(cell, 7, &params), Grads::like(&params));
/// for t in 0..10 {
///     layer.step(&params, &[t as f32, 1.0]);
///     layer.learn(&params, &[1.0, 0.0, 0.0, 0.0], &mut grads, &mut [0.0; 2]);
/// }
/// assert!(grads.norm() > 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    bound(
        serialize = "C: Serialize, T: Real + Serialize",
        deserialize = "C: Cell + Deserialize<'de>, T: Real + Deserialize<'de>"
    ),
    try_from = "Read<C, T>"
)]
pub struct Uoro<C, T: Real = f32> {
    taped: Taped<C, T>,
    rng: Rng,
    signs: Vec<T>,
    /// A₋ and A.
    left_before: Vec<T>,
    left: Vec<T>,
    /// B₋ and B.
    right_before: Trace<T>,
    right: Trace<T>,
    #[serde(skip)]
    forward: Scratch<Forward>,
}

/// A layer as it is read.
#[derive(Deserialize)]
#[serde(rename = "Uoro", bound = "C: Deserialize<'de>, T: Real + Deserialize<'de>")]
struct Read<C, T: Real> {
    taped: Taped<C, T>,
    rng: Rng,
    signs: Vec<T>,
    left_before: Vec<T>,
    left: Vec<T>,
    right_before: Trace<T>,
    right: Trace<T>,
}

/// B is of the cell's own parameters.
impl<C: Cell, T: Real> TryFrom<Read<C, T>> for Uoro<C, T> {
    type Error = &'static str;

    fn try_from(read: Read<C, T>) -> Result<Self, &'static str> {
        let Read { taped, rng, signs, left_before, left, right_before, right } = read;
        let params = taped.cell.params();
        if ![&right_before, &right].into_iter().all(|trace| trace.is_of(params.iter().copied())) {
            return Err("an influence of parameters that are not the cell's");
        }
        let forward = Scratch::default();
        Ok(Uoro { taped, rng, signs, left_before, left, right_before, right, forward })
    }
}

/// A pass in forward mode.
#[derive(Default)]
struct Forward {
    params: Params<Dual>,
    tape: Tape<Dual>,
    x: Vec<Dual>,
    state: Vec<Dual>,
}

impl<C: Cell, T: Real> Uoro<C, T> {
    /// From a state of zeros, with the cell's parameters in θ, and signs from this seed.
    #[track_caller]
    pub fn new(cell: C, seed: u64, params: &Params<T>) -> Self {
        let right = Trace::new(cell.params(), params);
        let taped = Taped::new(cell, params);
        let left = vec![T::ZERO; taped.size()];
        let (signs, rng) = (left.clone(), Rng::new(seed));
        let (left_before, right_before) = (left.clone(), right.clone());
        Uoro { taped, rng, signs, left_before, left, right_before, right, forward: Scratch::default() }
    }

    /// Whether it is the same rule of the same parameters, whatever has come of it.
    pub(super) fn is_like(&self, other: &Self) -> bool
    where
        C: PartialEq,
    {
        self.taped.cell == other.taped.cell
    }

    /// Follows θ where it has grown.
    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        let anew = self.taped.begin(params);
        self.right_before.follow(params);
        self.right.follow(params);
        let size = self.taped.size();
        [&mut self.signs, &mut self.left_before, &mut self.left].into_iter().for_each(|l| l.resize(size, T::ZERO));
        if anew {
            self.left.fill(T::ZERO);
            self.right.reset();
        }
    }

    /// (1) and (2), with these signs.
    #[track_caller]
    fn step_by_signs(&mut self, params: &Params<T>, x: &[T]) {
        std::mem::swap(&mut self.left, &mut self.left_before);
        std::mem::swap(&mut self.right, &mut self.right_before);
        let Uoro { taped, signs, left_before, left, right_before, right, forward, .. } = self;
        right.reset();
        taped.step(params, x, |linear, aside| {
            linear.product(signs, aside);
            right.absorb(&mut aside.grads);
        });
        forward.product(taped, right.params(), params, left_before, left);

        let p1 = balance(right.all(), signs);
        let p0 = balance(right_before.all(), left);
        left.iter_mut().zip(signs).for_each(|(a, sign)| *a = p0 * *a + p1 * *sign);
        let (right, before) = (right.all_mut(), right_before.all());
        let (new, old) = (T::ONE / p1, T::ONE / p0);
        kernels::vectorize(
            #[inline(always)]
            || right.iter_mut().zip(before).for_each(|(b, &before)| *b = old * before + new * *b),
        );
    }
}

impl Forward {
    /// `(∂s/∂s₋) direction` of the newest step of a cell with these parameters.
    fn product<C: Cell, T: Real>(
        &mut self,
        taped: &Taped<C, T>,
        own: &[Param],
        params: &Params<T>,
        direction: &[T],
        product: &mut [T],
    ) {
        if !Arc::ptr_eq(self.params.layout(), params.layout()) {
            self.params = params.cast();
        }
        let constant = |x: &T| Dual::from_f64(x.to_f64());
        for &param in own {
            self.params.of_mut(param).iter_mut().zip(params.of(param)).for_each(|(dual, x)| *dual = constant(x));
        }
        self.x.clear();
        self.x.extend(taped.x.iter().map(constant));
        let state = taped.before.parts.iter().flat_map(|part| part.as_slice());
        self.state.clear();
        self.state.extend(state.zip(direction).map(|(s, d)| Dual::new(s.to_f64(), d.to_f64())));

        let pass = self.tape.pass(&self.params);
        let mut rest = &self.state[..];
        let start = <C::State<'_, Dual>>::build(|part| {
            let shape = taped.before.parts[part].shape();
            let (numbers, next) = rest.split_at(shape.len());
            rest = next;
            pass.input(numbers).reshape(shape)
        });
        let (_, end) = taped.cell.step(pass.input(&self.x[..]), start);
        let mut at = 0;
        for part in end.parts() {
            part.with(|part| {
                let product = product[at..].iter_mut().zip(part);
                product.for_each(|(product, dual)| *product = T::from_f64(dual.tangent));
                at += part.len();
            });
        }
    }
}

impl<C: Cell, T: Real> Traced<T> for Uoro<C, T> {
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        self.follow(params);
        draw(&mut self.rng, &mut self.signs);
        self.step_by_signs(params, x);
        &self.taped.output
    }

    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        let along = kernels::dot(self.taped.back(params, dh, grads, dx), &self.left_before);
        self.right_before.add_to(along, grads);
    }

    fn state(&self) -> [&[T]; 2] {
        self.taped.state()
    }

    fn forget(&mut self) {
        self.left.fill(T::ZERO);
        self.right.reset();
    }

    fn reset(&mut self) {
        self.taped.reset();
        self.forget();
    }

    fn bytes(&self) -> usize {
        let vectors = self.signs.len() + self.left.len() + self.left_before.len();
        self.taped.bytes() + vectors * T::BYTES + self.right.bytes() + self.right_before.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Rtrl;
    use super::super::signs::testing::{is_mean, mean_of_all};
    use super::super::testing::{Case, assert_near, bptt, flat, learned};
    use super::*;
    use thalweg_nn::{Gru, Lstm, Rnn};

    /// The mean over *all* signs is the gradient, to the last digits.
    fn is_unbiased<C: Cell + Copy>(case: &Case, cell: impl Fn(&mut Params<f64>, &Case) -> C) {
        let mut params = Params::new();
        let cell = cell(&mut params, case);
        let size = Taped::new(cell, &params).size();
        // The signs of the last step are for steps that do not come.
        let mean = mean_of_all(size * (case.steps - 1), |signs| {
            let (mut layer, mut grads) = (Uoro::new(cell, 0, &params), Grads::like(&params));
            for t in 0..case.steps {
                if let Some(signs) = signs.chunks_exact(size).nth(t) {
                    layer.signs.copy_from_slice(signs);
                }
                layer.step_by_signs(&params, &case.x(t));
                let dx = &mut vec![0.0; case.inputs];
                layer.learn(&params, &case.dh(t, case.hidden), &mut grads, dx);
            }
            flat(&params, &mut grads)
        });
        assert_near(&mean, &bptt(&cell, &params, case));
    }

    #[test]
    fn the_mean_over_all_signs_is_the_gradient() {
        for seed in 0..3 {
            let case = Case { inputs: 2, hidden: 2, steps: 5, seed };
            is_unbiased(&case, |params, case| Rnn::with(params, "rnn", case.options(), &mut case.rng()));
            is_unbiased(&case, |params, case| Gru::with(params, "gru", case.options(), &mut case.rng()));
            let case = Case { steps: 3, ..case };
            is_unbiased(&case, |params, case| Lstm::with(params, "lstm", case.options(), &mut case.rng()));
        }
    }

    #[test]
    fn the_mean_of_many_draws_is_the_gradient() {
        let (case, mut params) = (Case { inputs: 1, hidden: 2, steps: 3, seed: 5 }, Params::new());
        let rnn = Rnn::with(&mut params, "rnn", case.options(), &mut case.rng());
        let (mut layer, mut grads) = (Uoro::new(rnn, 1, &params), Grads::like(&params));
        let (inputs, dh) = ([0, 1, 2].map(|t| case.x(t)), case.dh(2, 2));
        let mut draw = || {
            layer.reset();
            for x in &inputs {
                layer.step(&params, x);
            }
            grads.zero();
            layer.learn(&params, &dh, &mut grads, &mut [0.0]);
            flat(&params, &mut grads)
        };
        let exact = {
            let (mut rtrl, mut grads) = (Rtrl::new(rnn, &params), Grads::like(&params));
            for x in &inputs {
                rtrl.step(&params, x);
            }
            rtrl.learn(&params, &dh, &mut grads, &mut [0.0]);
            flat(&params, &mut grads)
        };
        is_mean(100_000, &exact, &mut draw);
    }

    /// An input that comes and says nothing: the gradient of the others is what it would have been.
    #[test]
    fn inputs_that_grow_leave_the_influence_in_place() {
        let (case, mut params) = (Case { inputs: 2, hidden: 3, steps: 4, seed: 5 }, Params::new());
        let gru = Gru::with(&mut params, "gru", case.options(), &mut case.rng());
        let mut layer = Uoro::new(gru, 3, &params);
        learned(&mut layer, &params, &case);
        let (mut wider, mut grown) = (params.clone(), layer.clone());
        gru.grow_inputs(&mut wider, 1);
        let [mut grads, mut others] = [Grads::like(&params), Grads::like(&wider)];
        for t in 0..case.steps {
            let (x, dh) = (case.x(t), case.dh(t, 3));
            layer.step(&params, &x);
            layer.learn(&params, &dh, &mut grads, &mut [0.0; 2]);
            grown.step(&wider, &[&x[..], &[0.0]].concat());
            grown.learn(&wider, &dh, &mut others, &mut [0.0; 3]);
        }
        let weight = gru.weights().weight_ih;
        let kept: Vec<f64> = others.of(weight).chunks_exact(3).flat_map(|row| row[..2].to_vec()).collect();
        assert_near(&kept, grads.of(weight));
        for (param, _) in params.layout().iter().filter(|(param, _)| *param != weight) {
            assert_near(others.of(param), grads.of(param));
        }
    }

    #[test]
    fn a_saved_layer_draws_the_signs_that_would_have_come() -> Result<(), bincode::Error> {
        let (case, mut params) = (Case { inputs: 2, hidden: 3, steps: 4, seed: 5 }, Params::new());
        let gru = Gru::with(&mut params, "gru", case.options(), &mut case.rng());
        let mut layer = Uoro::new(gru, 3, &params);
        learned(&mut layer, &params, &case);
        let mut read: Uoro<Gru, f64> = bincode::deserialize(&bincode::serialize(&layer)?)?;
        assert_eq!(learned(&mut read, &params, &case), learned(&mut layer, &params, &case));
        assert_eq!(read, layer);
        Ok(())
    }
}
