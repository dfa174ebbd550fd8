//! A network from step to step, and over sequences.

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Shape};

use super::state::Parts;
use super::{Layer, Network, NetworkState, Stack, each};
use crate::Mode;

impl Network {
    /// One step, or one pass of a network that is not recurrent: an example, or a batch with an axis in front, and what
    /// was carried → what it gives, and what to carry on.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn step<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        let batch = self.leading(x, &[0, 1]);
        self.run(
            x,
            &batch,
            state,
            mode,
            &|stack, x, state, mode| each!(stack, c => state.through(|s| c.step_in(x, s, mode))),
        )
    }

    /// Whole sequences, time first: `[t, …]`, or `[t, n, …]` for a batch; with one node for each recurrent layer.
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
        let leading = self.leading(x, &[1, 2]);
        self.run(
            x,
            &leading,
            state,
            mode,
            &|stack, x, state, mode| each!(stack, c => state.through(|s| c.forward(x, s, mode))),
        )
    }

    /// The axes in front of an example's.
    #[track_caller]
    fn leading<T: Real>(&self, x: Var<'_, T>, allowed: &[usize]) -> Shape {
        let shape = x.shape();
        let (leading, example) = shape.dims().split_at(shape.rank().saturating_sub(self.input.rank()));
        let fits = example == self.input.dims() && allowed.contains(&leading.len());
        assert!(
            fits,
            "network: examples of shape {} expected, with {allowed:?} axes in front, found {shape}",
            self.input
        );
        Shape::from(leading)
    }

    /// Layer by layer; the recurrent ones by `recur`.
    #[track_caller]
    #[allow(clippy::type_complexity, reason = "the type is the signature of a step")]
    fn run<'p, T: Real>(
        &self,
        mut x: Var<'p, T>,
        leading: &Shape,
        mut state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
        recur: &dyn Fn(&Stack, Var<'p, T>, &mut Parts<'_, 'p, T>, &mut Mode<T>) -> Var<'p, T>,
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        let mut parts = Parts { parts: &mut state.parts, at: 0 };
        // What is not recurrent sees time and batch as one axis.
        let rows = |x: Var<'p, T>, shape: Shape| match leading.rank() {
            0 | 1 => x,
            _ => x.reshape(shape.inserted(0, leading.len())),
        };
        let all = |x: Var<'p, T>, shape: Shape| {
            let dims = leading.dims().iter().rev();
            x.reshape(dims.fold(shape, |shape, &size| shape.inserted(0, size)))
        };
        let mut from = self.input;
        x = rows(x, from);
        for (layer, to) in &self.layers {
            x = match layer {
                Layer::Recurrent(stack) => rows(recur(stack, all(x, from), &mut parts, mode), *to),
                Layer::View => rows(all(x, *to), *to),
                Layer::Done => x,
                Layer::Linear(linear, activation) => linear.forward_with(x, *activation),
                Layer::Function(function) => function.forward(x),
                Layer::Dropout(dropout) => dropout.forward(x, mode),
                Layer::LayerNorm(norm) => norm.forward(x),
                Layer::RmsNorm(norm) => norm.forward(x),
                Layer::BatchNorm(norm) => {
                    // Channels are the second axis: a single example is a batch of one.
                    let batch = x.reshape(from.inserted(0, leading.len()));
                    norm.forward(batch, mode).reshape(x.shape())
                }
                Layer::Conv1d(conv) => conv.forward(x),
                Layer::Conv2d(conv) => conv.forward(x),
                Layer::MaxPool1d(pool) => pool.forward(x),
                Layer::MaxPool2d(pool) => pool.forward(x),
                Layer::AvgPool1d(pool) => pool.forward(x),
                Layer::AvgPool2d(pool) => pool.forward(x),
            };
            from = *to;
        }
        (all(x, from), state)
    }
}
