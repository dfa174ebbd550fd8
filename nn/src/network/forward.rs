//! A network from step to step, and over sequences.

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Shape};

use super::state::Parts;
use super::{AnyRecurrent, Chain, Layer, Network, NetworkState, each};
use crate::{AttentionMask, GlobalAvgPool2d, GlobalMaxPool2d, Mode, Module, SinusoidalPositions};

impl Network {
    /// One step, or one pass of a network that is not recurrent: an example, or a batch with an axis in front, and what
    /// was carried → what it gives, and what to carry on.
    ///
    /// # Panics
    /// If the network looks at [whole sequences](super::NetworkSpec::whole_sequences), or the shapes do not fit.
    #[track_caller]
    pub fn step<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        self.step_observed(x, state, mode, &mut |_, _| {})
    }

    /// Whole sequences, time first: `[t, …]`, or `[t, n, …]` for a batch; with one node for each recurrent layer and
    /// direction.
    ///
    /// # Panics
    /// If the sequence is empty, or the shapes do not fit.
    #[track_caller]
    pub fn sequence<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        self.sequence_observed(x, state, mode, &mut |_, _| {})
    }

    #[track_caller]
    pub(super) fn refuse_whole_sequences(&self) {
        if let Some(layer) = self.spec.whole_sequences() {
            panic!("step: there are no steps where {layer} looks at whole sequences: call sequence");
        }
    }

    /// `see` is shown what each layer gives.
    #[track_caller]
    pub(super) fn run<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        allowed: &[usize],
        way: Way<'_, 'p, T>,
        mut state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
        see: &mut dyn FnMut(usize, Var<'p, T>),
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        let (shape, input) = (x.shape(), self.chain.input);
        let (leading, example) = shape.dims().split_at(shape.rank().saturating_sub(input.rank()));
        let fits = example == input.dims() && allowed.contains(&leading.len());
        assert!(fits, "network: examples of shape {input} expected, with {allowed:?} axes in front, found {shape}");
        let parts = Parts { parts: &mut state.parts, at: 0 };
        let mut run = Run { leading: Shape::from(leading), way, passed: 0, parts, mode };
        let rows = run.chain(&self.chain, run.rows(x, input), see);
        let (used, given) = (run.parts.at, run.parts.parts.iter().flatten().count());
        assert!(used == given, "network: a state of {used} tensors expected, found {given}");
        (run.all(rows, self.output()), state)
    }
}

/// How recurrent layers run.
pub(super) enum Way<'a, 'p, T: Real> {
    Step,
    Sequence,
    /// By somebody else, who is told which, and what comes in.
    With(&'a mut dyn FnMut(usize, Var<'p, T>) -> Var<'p, T>),
}

/// A pass through a network.
struct Run<'a, 'w, 'p, T: Real> {
    /// The axes in front of an example's: none, a batch, time, or time and batch.
    leading: Shape,
    way: Way<'w, 'p, T>,
    /// How many recurrent layers somebody else has run.
    passed: usize,
    parts: Parts<'a, 'p, T>,
    mode: &'a mut Mode<T>,
}

impl<'p, T: Real> Run<'_, '_, 'p, T> {
    /// What is not recurrent sees time and batch as one axis.
    fn rows(&self, x: Var<'p, T>, example: Shape) -> Var<'p, T> {
        if self.leading.rank() < 2 { x } else { x.reshape(example.inserted(0, self.leading.len())) }
    }

    /// Time and batch as the axes that they are.
    fn all(&self, x: Var<'p, T>, example: Shape) -> Var<'p, T> {
        let leading = self.leading.dims().iter().rev();
        x.reshape(leading.fold(example, |shape, &size| shape.inserted(0, size)))
    }

    /// Channels are the second axis: a single example is a batch of one.
    fn batch(&self, x: Var<'p, T>, example: Shape) -> Var<'p, T> {
        x.reshape(example.inserted(0, self.leading.len()))
    }

    /// What looks at whole sequences takes them behind the batch: `[t, d]` or `[n, t, d]`.
    #[track_caller]
    fn over_time(
        &mut self,
        x: Var<'p, T>,
        example: Shape,
        f: impl FnOnce(Var<'p, T>, &mut Mode<T>) -> Var<'p, T>,
    ) -> Var<'p, T> {
        if self.leading.rank() < 2 {
            return f(x, self.mode);
        }
        let y = f(self.all(x, example).permute(&[1, 0, 2]), self.mode);
        self.rows(y.permute(&[1, 0, 2]), example)
    }

    /// Layer by layer, from rows to rows.
    #[track_caller]
    fn chain(&mut self, chain: &Chain, mut x: Var<'p, T>, see: &mut dyn FnMut(usize, Var<'p, T>)) -> Var<'p, T> {
        let mut from = chain.input;
        for (place, (layer, to)) in chain.layers.iter().enumerate() {
            x = self.layer(layer, x, from, *to);
            see(place, x);
            from = *to;
        }
        x
    }

    #[track_caller]
    fn layer(&mut self, layer: &Layer, x: Var<'p, T>, from: Shape, to: Shape) -> Var<'p, T> {
        match layer {
            Layer::Recurrent(stack) => {
                let (whole, Run { way, passed, parts, mode, .. }) = (self.all(x, from), &mut *self);
                let outputs = match way {
                    Way::Step => each!(stack, c => parts.through(|state| c.step_in(whole, state, mode))),
                    Way::Sequence => each!(stack, c => parts.through(|state| c.forward(whole, state, mode))),
                    Way::With(run) => {
                        *passed += 1;
                        run(*passed - 1, whole)
                    }
                };
                self.rows(outputs, to)
            }
            Layer::Attention(attention, causal) => {
                let mask = AttentionMask { causal: *causal, key_padding: None };
                self.over_time(x, from, |x, mode| attention.self_attention(x, mask, mode))
            }
            Layer::Encoder(encoder) => self.over_time(x, from, |x, mode| encoder.forward(x, mode)),
            Layer::SinusoidalPositions => self.over_time(x, from, |x, _| SinusoidalPositions.forward(x)),
            Layer::LearnedPositions(positions) => self.over_time(x, from, |x, _| positions.forward(x)),
            Layer::GroupNorm(norm) => norm.forward(self.batch(x, from)).reshape(x.shape()),
            Layer::BatchNorm(norm) => norm.forward(self.batch(x, from), self.mode).reshape(x.shape()),
            Layer::View => self.rows(self.all(x, to), to),
            Layer::Residual(inner) => x + self.chain(inner, x, &mut |_, _| {}),
            Layer::Done => x,
            Layer::Linear(linear, activation) => linear.forward_with(x, *activation),
            Layer::Function(function) => function.forward(x),
            Layer::PRelu(function) => function.forward(x),
            Layer::Dropout(dropout) => dropout.forward(x, self.mode),
            Layer::LayerNorm(norm) => norm.forward(x),
            Layer::RmsNorm(norm) => norm.forward(x),
            Layer::Embedding(embedding) => Module::forward(embedding, x, self.mode),
            Layer::Conv1d(conv) => conv.forward(x),
            Layer::Conv2d(conv) => conv.forward(x),
            Layer::MaxPool1d(pool) => pool.forward(x),
            Layer::MaxPool2d(pool) => pool.forward(x),
            Layer::AvgPool1d(pool) => pool.forward(x),
            Layer::AvgPool2d(pool) => pool.forward(x),
            Layer::GlobalMaxPool2d => GlobalMaxPool2d.forward(x),
            Layer::GlobalAvgPool2d => GlobalAvgPool2d.forward(x),
        }
    }
}
