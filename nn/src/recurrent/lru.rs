//! The linear recurrent unit.

use std::f64::consts::TAU;

use thalweg_autograd::{Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng};

use super::sequence::{unroll_last, unroll_of};
use super::{Carried, Cell, CellOptions, Portable, Stackable, State};
use crate::init;

/// Linear recurrent unit: `(x, s) → (y, s')`, complex units that hear the input and themselves, and a matrix that reads them.
///
/// ```text
/// s' = λ ⊙ s + γ ⊙ (B x)              λ = exp(−e^ν + i e^θ)    γ = e^γlog
/// y  = Re(C s') + D x
///
/// x: [in] or [n, in]      y: [hidden] or [n, hidden]      s = re + i im, each as y
/// ν, θ, γlog: [hidden]    B: [2·hidden, in], real parts, then imaginary    C: [2·hidden, hidden], likewise    D: [hidden, in]
/// ```
///
/// |λ| = exp(−e^ν) < 1 whatever ν is: the state cannot explode. No unit hears another one, so that the gradient through all
/// the past can be kept beside the state, exactly, at the price of the weights. What is not linear comes in the layers around
/// it. There are no biases. At the start λ is uniform on the [ring](LruForm), γ = √(1 − |λ|²), and B, C and D are normal.
///
/// A logarithm below −20 or above 10 is taken for that bound, and no gradient moves it: one step that is much too long must not
/// make a unit's state infinite for ever.
///
/// Source: Orvieto et al. 2023, equations 1 and 7; D is a matrix, as in (1), for there may be other numbers of inputs and
/// outputs. Parameters `nu_log_l0`, `theta_log_l0`, `gamma_log_l0`, `weight_b_l0`, `weight_c_l0`, `weight_d_l0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lru {
    /// ν.
    pub nu_log: Param,
    /// θ.
    pub theta_log: Param,
    /// γlog.
    pub gamma_log: Param,
    /// B.
    pub weight_b: Param,
    /// C.
    pub weight_c: Param,
    /// D.
    pub weight_d: Param,
}

/// How an [`Lru`] or an [`Rtu`](super::Rtu) begins: with λ on a ring.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LruForm {
    /// The smallest |λ|: near 1 for long memories.
    pub r_min: f64,
    /// The largest |λ|.
    pub r_max: f64,
    /// The largest angle, in radians: small for slow movements.
    pub max_phase: f64,
}

/// The whole disk.
impl Default for LruForm {
    fn default() -> Self {
        LruForm { r_min: 0.0, r_max: 1.0, max_phase: TAU }
    }
}

impl LruForm {
    /// Draws ν and θ of one unit.
    pub(super) fn draw(&self, rng: &mut Rng) -> [f64; 2] {
        // Neither |λ| = 0 nor |λ| = 1 nor an angle of 0 has a logarithm.
        let [u, v] = [(); 2].map(|()| rng.range(1e-4, 1.0 - 1e-4));
        let square = self.r_min.powi(2) + u * (self.r_max.powi(2) - self.r_min.powi(2));
        [(-0.5 * square.ln()).ln(), (self.max_phase * v).ln()]
    }
}

/// The state of an [`Lru`] within a pass: a complex number for each unit.
#[derive(Clone, Copy, Debug)]
pub struct LruState<'p, T: Real = f32> {
    /// The real parts.
    pub re: Var<'p, T>,
    /// The imaginary parts.
    pub im: Var<'p, T>,
}

impl<'p, T: Real> Portable<'p, T> for LruState<'p, T> {
    #[track_caller]
    fn enter(pass: &'p Pass<'p, T>, state: &State<T>) -> Self {
        Self::input(pass, state)
    }

    fn parts(self) -> impl Iterator<Item = Var<'p, T>> {
        [self.re, self.im].into_iter()
    }
}

impl<'p, T: Real> Carried<'p, T> for LruState<'p, T> {
    const PARTS: usize = 2;

    fn build(mut part: impl FnMut(usize) -> Var<'p, T>) -> Self {
        LruState { re: part(0), im: part(1) }
    }

    fn part(self, index: usize) -> Var<'p, T> {
        [self.re, self.im][index]
    }
}

impl Lru {
    /// From where to where logarithms count, those of an [`Rtu`](super::Rtu), too.
    pub const LOGS: [f64; 2] = [-20.0, 10.0];

    /// Adds the cell's parameters to θ.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, inputs: usize, hidden: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, CellOptions::new(inputs, hidden), rng)
    }

    /// With λ on a ring of choice.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(params: &mut Params<T>, name: &str, options: CellOptions<LruForm>, rng: &mut Rng) -> Self {
        Self::layer(params, [name, "l0"], &options, rng)
    }
}

/// Of a logarithm within its [bounds](Lru::LOGS).
pub(super) fn exp_of<T: Real>(log: Var<'_, T>) -> Var<'_, T> {
    let [least, most] = Lru::LOGS.map(T::from_f64);
    log.clamp(least, most).exp()
}

impl Stackable for Lru {
    type Form = LruForm;

    fn layer<T: Real>(
        params: &mut Params<T>,
        [name, place]: [&str; 2],
        options: &CellOptions<LruForm>,
        rng: &mut Rng,
    ) -> Self {
        let CellOptions { inputs, hidden, form, .. } = *options;
        let rings: Vec<[f64; 2]> = (0..hidden).map(|_| form.draw(rng)).collect();
        let name = |part: &str| format!("{name}.{part}_{place}");
        let unit = |params: &mut Params<T>, part: &str, of: &dyn Fn([f64; 2]) -> f64| {
            params.add(&name(part), [hidden], |k| T::from_f64(of(rings[k])))
        };
        let nu_log = unit(params, "nu_log", &|[nu, _]| nu);
        let theta_log = unit(params, "theta_log", &|[_, theta]| theta);
        // |λ|² = exp(−2 e^ν)
        let gamma_log = unit(params, "gamma_log", &|[nu, _]| 0.5 * (-(-2.0 * nu.exp()).exp_m1()).ln());
        let mut matrix = |part: &str, blocks: usize, dims: [usize; 2], deviation: f64| {
            params.add_stacked(&name(part), blocks, dims, init::normal(deviation, rng))
        };
        let (inputs, units) = (inputs as f64, hidden as f64);
        let [of_b, of_c, of_d] = [2.0 * inputs, units, inputs].map(|size: f64| size.max(1.0).sqrt().recip());
        let inputs = options.inputs;
        let weight_b = matrix("weight_b", 2, [2 * hidden, inputs], of_b);
        let weight_c = matrix("weight_c", 2, [2 * hidden, hidden], of_c);
        let weight_d = matrix("weight_d", 1, [hidden, inputs], of_d);
        Lru { nu_log, theta_log, gamma_log, weight_b, weight_c, weight_d }
    }
}

impl Cell for Lru {
    type State<'p, T: Real> = LruState<'p, T>;

    fn step<'p, T: Real>(&self, x: Var<'p, T>, state: LruState<'p, T>) -> (Var<'p, T>, LruState<'p, T>) {
        let pass = x.pass();
        let [nu, theta, gamma] = [self.nu_log, self.theta_log, self.gamma_log].map(|log| exp_of(pass.param(log)));
        let size = (-nu).exp();
        let (cosine, sine) = (size * theta.cos(), size * theta.sin());
        let [u_re, u_im] = x.linear(pass.param(self.weight_b)).split(x.rank() - 1);
        let re = cosine * state.re - sine * state.im + gamma * u_re;
        let im = cosine * state.im + sine * state.re + gamma * u_im;
        let [c_re, c_im] = pass.param(self.weight_c).split(0);
        let y = re.linear(c_re) - im.linear(c_im) + x.linear(pass.param(self.weight_d));
        (y, LruState { re, im })
    }

    fn sequence_of<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        lengths: &[usize],
        state: LruState<'p, T>,
    ) -> (Var<'p, T>, LruState<'p, T>) {
        unroll_of(self, x, lengths, state)
    }

    fn last<'p, T: Real>(&self, x: Var<'p, T>, state: LruState<'p, T>) -> (Var<'p, T>, LruState<'p, T>) {
        unroll_last(self, x, state)
    }

    fn params(&self) -> Vec<Param> {
        let Lru { nu_log, theta_log, gamma_log, weight_b, weight_c, weight_d } = *self;
        vec![nu_log, theta_log, gamma_log, weight_b, weight_c, weight_d]
    }

    fn hidden<T: Real>(&self, params: &Params<T>) -> usize {
        params.layout().entry(self.nu_log).shape().len()
    }

    fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        params.grow(self.weight_b, 1, by, init::zeros());
        params.grow(self.weight_d, 1, by, init::zeros());
    }
}
