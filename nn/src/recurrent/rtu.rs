//! The recurrent trace unit.

use thalweg_autograd::{Activation, Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use super::lru::exp_of;
use super::sequence::{unroll_last, unroll_of};
use super::{Cell, CellOptions, LruForm, Stackable};
use crate::init;

/// Recurrent trace units: `(x, h) → h'`, pairs of real units that turn and fade, `h = [c₁ c₂]`.
///
/// ```text
/// c₁' = f(g c₁ − φ c₂ + γ W₁ x)        g = r cos e^ω    φ = r sin e^ω
/// c₂' = f(g c₂ + φ c₁ + γ W₂ x)        r = exp(−e^ν)    γ = √(1 − r²)
///
/// x: [in] or [n, in]    h: [hidden] or [n, hidden], of which half are c₁
/// ν, ω: [hidden/2]      W = [W₁; W₂]: [hidden, in]
/// ```
///
/// f is the identity, or what the [form](RtuForm) says: tanh, relu. A pair is a complex unit of an [`Lru`](super::Lru) that
/// everyone can see both parts of, and that may be squashed. No pair hears another one: the gradient through all the past is
/// exact at the price of the weights. There are no biases.
///
/// Logarithms count within [bounds](super::Lru::LOGS), as those of an LRU.
///
/// Source: Elelimy, White, Bowling & White 2024, linear and non-linear RTUs. ν and ω begin as those of an LRU, W as the
/// weights of PyTorch's linear layers. Parameters `nu_log_l0`, `theta_log_l0`, `weight_ih_l0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rtu {
    /// ν.
    pub nu_log: Param,
    /// ω.
    pub theta_log: Param,
    /// W₁ and W₂.
    pub weight_ih: Param,
    /// f.
    pub activation: Activation,
}

/// The form of an [`Rtu`]. Made from an [`Activation`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RtuForm {
    /// f.
    pub activation: Activation,
    /// Where the pairs begin.
    pub ring: LruForm,
}

impl From<Activation> for RtuForm {
    fn from(activation: Activation) -> Self {
        RtuForm { activation, ring: LruForm::default() }
    }
}

impl Rtu {
    /// Adds the cell's parameters to θ: linear units.
    ///
    /// # Panics
    /// If the names are taken, or `hidden` is odd.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With a function of choice.
    ///
    /// # Panics
    /// If the names are taken, or `hidden` is odd.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<RtuForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }
}

impl Stackable for Rtu {
    type Form = RtuForm;

    #[track_caller]
    fn layer<T: Real>(
        params: &mut Params<T>,
        [name, place]: [&str; 2],
        options: &CellOptions<RtuForm>,
        rng: &mut Rng,
    ) -> Self {
        let CellOptions { inputs, hidden, form, .. } = *options;
        assert!(hidden.is_multiple_of(2), "rtu: an even number of units expected, for they are pairs, found {hidden}");
        let rings: Vec<[f64; 2]> = (0..hidden / 2).map(|_| form.ring.draw(rng)).collect();
        let name = |part: &str| format!("{name}.{part}_{place}");
        let nu_log = params.add(&name("nu_log"), [hidden / 2], |k| T::from_f64(rings[k][0]));
        let theta_log = params.add(&name("theta_log"), [hidden / 2], |k| T::from_f64(rings[k][1]));
        let uniform = init::uniform(init::default_bound(inputs), rng);
        let weight_ih = params.add_stacked(&name("weight_ih"), 2, [hidden, inputs], uniform);
        Rtu { nu_log, theta_log, weight_ih, activation: form.activation }
    }
}

impl Cell for Rtu {
    type State<'p, T: Real> = Var<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        let (pass, axis) = (x.pass(), x.rank() - 1);
        let [nu, theta] = [self.nu_log, self.theta_log].map(|log| exp_of(pass.param(log)));
        let (r, gamma) = ((-nu).exp(), (-(nu * T::from_f64(-2.0)).exp_m1()).sqrt());
        let (g, phi) = (r * theta.cos(), r * theta.sin());
        let ([c1, c2], [u1, u2]) = (h.split(axis), x.linear(pass.param(self.weight_ih)).split(axis));
        let (c1, c2) = (g * c1 - phi * c2 + gamma * u1, g * c2 + phi * c1 + gamma * u2);
        let h = Var::concat(&[c1, c2], axis).activate(self.activation);
        (h, h)
    }

    fn sequence_of<'p, T: Real>(&self, x: Var<'p, T>, lengths: &[usize], h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_of(self, x, lengths, h)
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, h: Var<'p, T>) -> (Var<'p, T>, Var<'p, T>) {
        unroll_last(self, x, h)
    }

    fn params(&self) -> Vec<Param> {
        vec![self.nu_log, self.theta_log, self.weight_ih]
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        2 * params.layout().entry(self.nu_log).shape().len()
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight_ih, 1, by, init::zeros());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Lru;
    use crate::recurrent::{LruState, unroll};
    use thalweg_autograd::Tape;
    use thalweg_tensor::Tensor;

    /// Two published cells, one law: the state of an LRU is that of a linear RTU with the same λ and B = W.
    #[test]
    fn a_linear_pair_is_a_complex_unit() {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
        let lru = Lru::new(&mut params, "lru", 3, 4, &mut rng);
        let rtu = Rtu::new(&mut params, "rtu", 3, 8, &mut rng);
        for (to, from) in [(rtu.nu_log, lru.nu_log), (rtu.theta_log, lru.theta_log), (rtu.weight_ih, lru.weight_b)] {
            let values = params.of(from).to_vec();
            params.of_mut(to).copy_from_slice(&values);
        }
        let pass = tape.pass(&params);
        let x = pass.input(&Tensor::normal([6, 3], 0.0, 1.0, &mut rng));
        let (_, LruState { re, im }) = unroll(&lru, x, lru.start(&pass, None));
        let (_, h) = unroll(&rtu, x, rtu.start(&pass, None));
        let parts = [re, im].map(|part| part.to_tensor().into_vec()).concat();
        assert!(h.to_tensor().as_slice().iter().zip(parts).all(|(h, part)| (h - part).abs() < 1e-12));
    }

    #[test]
    fn units_begin_on_their_ring_and_remember_that_long() {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
        let ring = LruForm { r_min: 0.9, r_max: 0.99, max_phase: 0.1 };
        let lru = Lru::with(&mut params, "lru", CellOptions::new(1, 500).form(ring), &mut rng);
        let (nu, theta) = (params.of(lru.nu_log), params.of(lru.theta_log));
        let sizes: Vec<f64> = nu.iter().map(|nu| (-nu.exp()).exp()).collect();
        assert!(sizes.iter().all(|r| (0.9..0.99).contains(r)) && theta.iter().all(|theta| theta.exp() < 0.1));
        let middle = sizes.iter().filter(|r| r.powi(2) < (0.81 + 0.9801) / 2.0).count();
        assert!((200..300).contains(&middle), "uniform in area: {middle}");
        let gamma = params.of(lru.gamma_log).iter().zip(&sizes);
        assert!(gamma.into_iter().all(|(gamma, r)| (gamma.exp().powi(2) + r * r - 1.0).abs() < 1e-12));
    }

    #[test]
    #[should_panic(expected = "rtu: an even number of units expected, for they are pairs, found 3")]
    fn pairs_are_two() {
        Rtu::new(&mut Params::<f32>::new(), "rtu", 1, 3, &mut Rng::new(1));
    }
}
