//! A whole network whose recurrent layers learn at every step.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Var};
use thalweg_nn::{AnyRecurrent, Mode, Network, State};
use thalweg_tensor::{Real, Tensor, kernels};

use super::any::Layer;
use super::scratch::Scratch;
use super::{GradientSpec, Traced};
use crate::error::{Error, ErrorKind};

/// The recurrent layers of a [`Network`], each by a rule, under a tape for all the rest.
///
/// ```text
///   x ──▶ … ──▶ x₁ │ h₁ ──▶ … ──▶ x₂ │ h₂ ──▶ … ──▶ L          a pass, cut at each recurrent layer
///                ▲ │ │                │ │
///                └─┴─┴── ∂L/∂x₁ ◀── rule ◀── ∂L/∂h₁             and sewn together on the way back
/// ```
///
/// A [step](TracedNetwork::step) runs the network and gives its output with the [`Cuts`]. Once a backward pass was made of
/// it, [`learn`](TracedNetwork::learn) adds what lies below the cuts: for each recurrent layer, from the last to the first,
/// its θ through all its past, and then what comes before it *of this step alone*. See the [module](super) for what that
/// means for layers below recurrent ones.
///
/// ```
/// use thalweg_nn::{Grads, Linear, Mode, Network, Optimizer, Params, Rng, Sgd, Tape};
/// use thalweg_online::recurrent::{GradientSpec, TracedNetwork};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let body = Network::new(&mut params, "body", &"gru:16 > linear:8 > relu".parse()?, [1], &mut rng)?;
/// let head = Linear::new(&mut params, "head", 8, 1, &mut rng);
/// let mut traced = TracedNetwork::new(GradientSpec::Snap1, &body, &params, 1)?;
/// let (mut grads, mut sgd) = (Grads::like(&params), Sgd::new(0.05));
/// let (mut before, mut last) = (0.0, f32::MAX);
/// for t in 0..3000 {
///     let x = (t as f32 * 0.7).sin();
///     let pass = tape.pass(&params);
///     let (features, cuts) = traced.step(&body, pass.input(&[x]), &mut Mode::Eval);
///     let loss = head.forward(features).mse(pass.input(&[before])); // what came before
///     last = loss.item();
///     loss.backward(&mut grads);
///     traced.learn(&cuts, &params, &mut grads);
///     sgd.step(&mut params, &mut grads);
///     before = x;
/// }
/// assert!(last < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct TracedNetwork<T: Real = f32> {
    gradient: GradientSpec,
    /// The recurrent items of the network.
    items: Vec<Item<T>>,
    #[serde(skip)]
    work: Scratch<Work<T>>,
}

/// Numbers on their way.
#[derive(Debug, Default)]
struct Work<T> {
    /// x, or ∂L/∂x.
    x: Vec<T>,
    /// ∂L/∂h of each item, and a share of it.
    dh: Vec<Vec<T>>,
    part: Vec<T>,
}

/// The most numbers that a whole influence matrix has: 2³⁰, of which two are kept.
const MOST_INFLUENCE: usize = 1 << 30;

/// The most recurrent items that a network has: a state has no more parts.
const MOST: usize = 8;

/// Where a pass is cut: what comes into each recurrent item, and what it gives.
#[derive(Clone, Copy, Debug)]
pub struct Cuts<'p, T: Real = f32> {
    cuts: [Option<[Var<'p, T>; 2]>; MOST],
}

impl<T: Real> TracedNetwork<T> {
    /// From states of zeros. The seed is for rules that draw.
    ///
    /// # Errors
    ///
    /// If there is no [such rule](GradientSpec::check) for the recurrent layers of this network, or the gradient is
    /// [`Tbptt`](GradientSpec::Tbptt), which keeps rows and no traces, or the influence of θ on a state, of RTRL, has more than 2³⁰
    /// numbers.
    #[track_caller]
    pub fn new(gradient: GradientSpec, network: &Network, params: &Params<T>, seed: u64) -> Result<Self, Error> {
        gradient.check(network.spec())?;
        if gradient.is_tbptt() {
            return Err(Error::expected(ErrorKind::Spec, "a rule that keeps traces", &gradient.to_string()));
        }
        let largest = Self::influence(gradient, network, params);
        if largest > MOST_INFLUENCE {
            let expected =
                format!("recurrent layers with an influence of at most {MOST_INFLUENCE} numbers for {gradient}");
            return Err(Error::expected(ErrorKind::Spec, &expected, &format!("{largest} in {}", network.spec())));
        }
        Ok(Self::made(gradient, network, params, seed))
    }

    /// How many numbers the largest influence of θ on a state has, where it is kept whole.
    fn influence(gradient: GradientSpec, network: &Network, params: &Params<T>) -> usize {
        let of = |item: &AnyRecurrent| Layer::<T>::influence(gradient, item, params);
        network.recurrent_layers().into_iter().map(of).max().unwrap_or(0)
    }

    /// Of a rule that was checked.
    #[track_caller]
    fn made(gradient: GradientSpec, network: &Network, params: &Params<T>, seed: u64) -> Self {
        let items = network.recurrent_layers().into_iter().zip(0_u64..).map(|(item, place)| Item {
            // Seeds of their own, apart from those of the layers within.
            layers: Layer::all(gradient, item, params, seed.wrapping_add(place << 32)),
            parts: item.zero_state(params).parts.len(),
            between: Scratch::default(),
        });
        TracedNetwork { gradient, items: items.collect(), work: Scratch::default() }
    }

    /// The rule.
    #[must_use]
    pub fn gradient(&self) -> GradientSpec {
        self.gradient
    }

    /// `x_t → y_t`, `[in]` → the network's output: states and traces of recurrent layers move on by one step.
    ///
    /// # Panics
    /// If the shapes do not fit, or it is another network.
    #[track_caller]
    pub fn step<'p>(&mut self, network: &Network, x: Var<'p, T>, mode: &mut Mode<T>) -> (Var<'p, T>, Cuts<'p, T>) {
        self.step_observed(network, x, mode, &mut |_, _| {})
    }

    /// [`step`](TracedNetwork::step), which [shows](Network::step_observed) what each layer gives, with its place.
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    pub fn step_observed<'p>(
        &mut self,
        network: &Network,
        x: Var<'p, T>,
        mode: &mut Mode<T>,
        see: &mut dyn FnMut(usize, Var<'p, T>),
    ) -> (Var<'p, T>, Cuts<'p, T>) {
        let (mut cuts, pass) = ([None; MOST], x.pass());
        let TracedNetwork { items, work, .. } = self;
        let run: &mut dyn FnMut(usize, Var<'p, T>) -> Var<'p, T> = &mut |place, x| {
            work.x.resize(x.shape().len(), T::ZERO);
            x.copy_to(&mut work.x);
            let h = pass.leaf(items[place].step(pass.params(), &work.x));
            cuts[place] = Some([x, h]);
            h
        };
        let y = network.step_with(x, mode, run, see);
        (y, Cuts { cuts })
    }

    /// Adds to `grads` what the last backward of a pass, of the newest [step](TracedNetwork::step), has left at the cuts. θ is
    /// that of the step.
    ///
    /// # Panics
    /// If the cuts are of another network.
    #[track_caller]
    pub fn learn(&mut self, cuts: &Cuts<'_, T>, params: &Params<T>, grads: &mut Grads<T>) {
        let TracedNetwork { items, work, .. } = self;
        let Work { x: dx, dh, part } = &mut **work;
        dh.resize_with(items.len(), Vec::new);
        dh.iter_mut().for_each(Vec::clear);
        let mut gather = |below: usize, dh: &mut [Vec<T>]| {
            for ([_, h], dh) in cuts.cuts.iter().flatten().zip(&mut dh[..below]) {
                part.resize(h.shape().len(), T::ZERO);
                h.grad_to(part);
                dh.resize(part.len(), T::ZERO);
                kernels::add_assign(part, dh);
            }
        };
        gather(items.len(), dh);
        for (place, item) in items.iter_mut().enumerate().rev() {
            let [x, _] = cuts.cuts[place].expect("learn: a cut at each recurrent layer");
            dx.resize(x.shape().len(), T::ZERO);
            item.learn(params, &dh[place], grads, dx);
            x.backward_from(dx, grads);
            gather(place, dh);
        }
    }

    /// Copies the states out, in the order of [`Network::zero_state`], to predict from them.
    ///
    /// # Panics
    /// If `into` has other shapes.
    #[track_caller]
    pub fn leave(&self, into: &mut State<T>) {
        let mut parts = &mut into.parts[..];
        for item in &self.items {
            let (own, rest) = parts.split_at_mut(item.parts);
            item.leave(own);
            parts = rest;
        }
        assert!(parts.is_empty(), "leave: a state of {} tensors less expected", parts.len());
    }

    /// The past counts no more: traces are zero, and states stay.
    pub fn forget(&mut self) {
        self.items.iter_mut().flat_map(|item| &mut item.layers).for_each(Layer::forget);
    }

    /// A sequence ends: states and traces are zero.
    pub fn reset(&mut self) {
        self.items.iter_mut().flat_map(|item| &mut item.layers).for_each(Layer::reset);
    }

    /// How many bytes are kept between steps.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.items.iter().flat_map(|item| &item.layers).map(Layer::bytes).sum()
    }

    /// Whether it is of these layers, with states of such shapes: to be asked where both come from outside.
    #[must_use]
    pub fn fits(&self, network: &Network, params: &Params<T>, seed: u64) -> bool {
        // What has grown since it was made may be larger than what can be made, but not than what was read.
        let most = MOST_INFLUENCE.max(self.bytes() / T::BYTES);
        let is_one = !self.gradient.is_tbptt() && self.gradient.check(network.spec()).is_ok();
        if !is_one || Self::influence(self.gradient, network, params) > most {
            return false;
        }
        let new = Self::made(self.gradient, network, params, seed);
        self.items.len() == new.items.len() && self.items.iter().zip(&new.items).all(|(item, new)| item.is_like(new))
    }
}

/// An item of a network: layers one on the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
struct Item<T: Real> {
    layers: Vec<Layer<T>>,
    /// Of how many tensors its state is made.
    parts: usize,
    /// What lies between layers on the way back.
    #[serde(skip)]
    between: Scratch<[Vec<T>; 2]>,
}

impl<T: Real> Item<T> {
    #[track_caller]
    fn step(&mut self, params: &Params<T>, x: &[T]) -> &[T] {
        let mut layers = self.layers.iter_mut();
        let first = layers.next().expect("an item has a layer");
        layers.fold(first.step(params, x), |h, layer| layer.step(params, h))
    }

    /// The upper layer's ∂L/∂x is the lower one's ∂L/∂h.
    #[track_caller]
    fn learn(&mut self, params: &Params<T>, dh: &[T], grads: &mut Grads<T>, dx: &mut [T]) {
        let [above, below] = &mut *self.between;
        above.clear();
        above.extend_from_slice(dh);
        let [first, upper @ ..] = &mut self.layers[..] else { return };
        for layer in upper.iter_mut().rev() {
            below.resize(dh.len(), T::ZERO);
            layer.learn(params, above, grads, below);
            std::mem::swap(above, below);
        }
        first.learn(params, above, grads, dx);
    }

    /// Layers stand in a state one behind the other.
    #[track_caller]
    fn leave(&self, into: &mut [Tensor<T>]) {
        for (index, part) in into.iter_mut().enumerate() {
            let states = self.layers.iter().flat_map(|layer| layer.state()[index]);
            let mut count = 0;
            for (into, state) in part.as_mut_slice().iter_mut().zip(states) {
                *into = *state;
                count += 1;
            }
            assert!(count == part.shape().len(), "leave: {count} numbers of state into {}", part.shape());
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        let alike = |(one, other): (&Layer<T>, &Layer<T>)| {
            one.is_like(other) && one.state().map(<[T]>::len) == other.state().map(<[T]>::len)
        };
        self.parts == other.parts
            && self.layers.len() == other.layers.len()
            && self.layers.iter().zip(&other.layers).all(alike)
    }
}

#[cfg(test)]
mod tests;
