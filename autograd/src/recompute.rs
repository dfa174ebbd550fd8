//! Less memory for more time: segments that are computed again when backward needs them.
//!
//! A tape keeps every value until backward has used it. Of a *segment* it keeps only the output; backward runs the
//! segment again from its inputs, and then differentiates it. Cut into `√n` segments of `√n` steps, a chain of `n` steps
//! needs memory for `2√n` of them, and the time of one more forward pass (Griewank & Walther, 2000; Chen et al., 2016).
//! Segments may hold segments: halves of halves need memory for `log n` steps.
//!
//! All segments of a tape share the memory of one inner tape, which is kept from pass to pass as the tape itself is.

use std::cell::Cell;

use thalweg_tensor::{Real, View, kernels};

use crate::{Back, Op, Pass, Tape, Var};

impl<T: Real> Pass<'_, T> {
    /// The value of `segment(inputs)`, of any shape, without what lies in between: backward runs the segment again.
    ///
    /// The segment sees the inputs as variables of a pass of its own, takes parameters from that pass
    /// ([`param`](Pass::param)), and must compute the same both times: what is random must come in as an input. It is
    /// kept until the next pass begins; what it captures (layers are handles, a few numbers) is the only thing that a
    /// use allocates. Several results are joined into one ([`Var::concat`], [`Var::stack`]).
    ///
    /// Gradients of parameters used inside are those without `recompute` to the bit. So are those of the inputs, but
    /// where an input is used several times inside and elsewhere too: there the same terms are added in another order.
    ///
    /// ```
    /// use thalweg_autograd::{Grads, Params, Tape};
    ///
    /// let mut params = Params::<f32>::new();
    /// let w = params.add("w", [8, 8], |i| ((i * 37) % 64) as f32 / 128.0 - 0.25);
    /// let mut run = |segments: usize, steps: usize| {
    ///     let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    ///     let pass = tape.pass(&params);
    ///     let mut h = pass.input(&[0.5; 8]);
    ///     for _ in 0..segments {
    ///         h = pass.recompute([h], move |pass, [mut h]| {
    ///             for _ in 0..steps {
    ///                 h = h.linear(pass.param(w)).tanh();
    ///             }
    ///             h
    ///         });
    ///     }
    ///     h.sum().backward(&mut grads);
    ///     (grads.of(w).to_vec(), tape.bytes())
    /// };
    /// let (whole, in_parts) = (run(1, 400), run(20, 20));
    /// assert_eq!(whole.0, in_parts.0);
    /// assert!(in_parts.1 < whole.1 / 4);
    /// ```
    ///
    /// # Panics
    /// If an input is a variable of another pass.
    #[track_caller]
    pub fn recompute<'p, const N: usize>(
        &'p self,
        inputs: [Var<'p, T>; N],
        segment: impl for<'q> Fn(&'q Pass<'q, T>, [Var<'q, T>; N]) -> Var<'q, T> + Send + 'static,
    ) -> Var<'p, T> {
        let segment = Inputs(segment);
        let mut tape = self.memory.borrow().segments.take_tape();
        let inner = tape.pass(self.params);
        for x in inputs {
            let (shape, wanted) = (x.shape(), self.memory.borrow().nodes[x.id as usize].needs_grad);
            x.with(|x| inner.copy_in(View::new(shape, x), wanted));
        }
        let y = segment.run(&inner);
        let needs_grad = inner.memory.borrow().nodes[y.id as usize].needs_grad; // parameters inside count, too
        let op = Op::new("recompute").attributes([self.memory.borrow().segments.all.len()]);
        let output = self.record_all(op, &inputs, y.shape(), |_, out| y.copy_to(out), backward);
        let m = &mut *self.memory.borrow_mut();
        m.nodes[output.id as usize].needs_grad = needs_grad;
        m.segments.all.push(Box::new(segment));
        m.segments.tape.set(Some(tape));
        output
    }

    /// The first variables of a segment's pass: its inputs, in order.
    fn copy_in(&self, x: View<'_, T>, wanted: bool) {
        if wanted {
            self.leaf(x)
        } else {
            self.input(x)
        };
    }
}

fn backward<T: Real>(g: &mut Back<'_, T>) {
    let ([index], segments) = (g.attributes(), g.segments);
    let mut tape = segments.take_tape();
    let pass = tape.pass(g.params);
    for i in 0..g.len() {
        pass.copy_in(View::new(g.shape(i), g.x(i)), g.wants(i));
    }
    let y = segments.all[index].run(&pass);
    let (before, now) = (g.y_shape(), y.shape());
    assert!(before == now, "recompute: a segment must compute the same twice: first {before}, then {now}");
    y.backward_from(g.dy(), g.grads);
    let m = pass.memory.borrow();
    for i in 0..g.len() {
        if g.wants(i) {
            kernels::add_assign(m.nodes[first_input(&pass) + i].read(&m.grad, &[]), g.dx(i));
        }
    }
    drop(m);
    segments.tape.set(Some(tape));
}

/// The segments of a pass, and the tape that they run on.
#[derive(Default)]
pub(crate) struct Segments<T: Real> {
    all: Vec<Box<dyn Segment<T>>>,
    /// Away while a segment runs. A segment in a segment finds another one, in the memory of this.
    tape: Cell<Option<Box<Tape<T>>>>,
}

impl<T: Real> Segments<T> {
    /// Forgets the segments of the last pass and keeps the memory.
    pub fn clear(&mut self) {
        self.all.clear();
    }

    /// How many bytes the inner tape holds, and the list (not what the segments captured).
    pub fn bytes(&self) -> usize {
        let tape = self.tape.take();
        let bytes = tape.as_ref().map_or(0, |tape| tape.bytes());
        self.tape.set(tape);
        bytes + self.all.capacity() * size_of::<Box<dyn Segment<T>>>()
    }

    fn take_tape(&self) -> Box<Tape<T>> {
        self.tape.take().unwrap_or_default()
    }
}

/// The node of a segment's first input: the first one behind the parameters.
fn first_input<T: Real>(pass: &Pass<'_, T>) -> usize {
    pass.params.layout().entries().len()
}

/// What can be run on a pass whose first nodes, behind the parameters, are its inputs.
trait Segment<T: Real>: Send {
    fn run<'q>(&self, pass: &'q Pass<'q, T>) -> Var<'q, T>;
}

/// A function of `N` inputs.
struct Inputs<F, const N: usize>(F);

impl<T: Real, F, const N: usize> Segment<T> for Inputs<F, N>
where
    F: for<'q> Fn(&'q Pass<'q, T>, [Var<'q, T>; N]) -> Var<'q, T> + Send,
{
    fn run<'q>(&self, pass: &'q Pass<'q, T>) -> Var<'q, T> {
        (self.0)(pass, std::array::from_fn(|i| Var { pass, id: (first_input(pass) + i) as u32 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::strategies::tensor;
    use crate::{Grads, Param, Params, gradcheck_params};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// One step: `tanh(W x + b) + x`.
    fn step<'p>(pass: &'p Pass<'p, f64>, [w, b]: [Param; 2], x: Var<'p, f64>) -> Var<'p, f64> {
        x.affine(pass.param(w), pass.param(b)).tanh() + x
    }

    /// `steps` steps in segments of `length`; with `nested`, each segment holds segments of one step.
    fn chain<'p>(
        pass: &'p Pass<'p, f64>,
        layer: [Param; 2],
        x: Var<'p, f64>,
        [steps, length]: [usize; 2],
        nested: bool,
    ) -> Var<'p, f64> {
        let sizes = (0..steps).step_by(length).map(|at| length.min(steps - at));
        sizes.fold(x, |x, size| {
            pass.recompute([x], move |pass, [x]| {
                (0..size).fold(x, |x, _| match nested {
                    false => step(pass, layer, x),
                    true => pass.recompute([x], move |pass, [x]| step(pass, layer, x)),
                })
            })
        })
    }

    /// θ with a layer, and an input that is a parameter or data.
    fn params(w: &Tensor<f64>, x: &Tensor<f64>) -> (Params<f64>, [Param; 2], Param) {
        let mut params = Params::new();
        let handles = [params.add("w", [3, 3], |i| w.as_slice()[i]), params.add("b", [3], |i| 0.1 * i as f64)];
        let x = params.add("x", [3], |i| x.as_slice()[i]);
        (params, handles, x)
    }

    proptest! {
        #[test]
        fn gradients_are_those_without_recompute_to_the_bit(
            w in tensor(vec![3, 3], -1.0, 1.0), x in tensor(vec![3], -1.0, 1.0),
            steps in 1usize..8, length in 1usize..5, nested: bool, data: bool,
        ) {
            let (params, layer, input) = params(&w, &x);
            let mut tape = Tape::new();
            let mut run = |recompute: bool| {
                let mut grads = Grads::like(&params);
                let pass = tape.pass(&params);
                let start = if data { pass.input(&x) } else { pass.param(input) * 1.0 };
                let y = match recompute {
                    true => chain(&pass, layer, start, [steps, length], nested),
                    false => (0..steps).fold(start, |x, _| step(&pass, layer, x)),
                };
                let loss = y.square().sum();
                loss.backward(&mut grads);
                (loss.item(), grads.as_slice().to_vec())
            };
            let (with, without) = (run(true), run(false));
            prop_assert!(without.1.iter().any(|&g| g != 0.0));
            prop_assert_eq!(with, without);
        }

        #[test]
        fn recompute_gradient(w in tensor(vec![3, 3], -1.0, 1.0), x in tensor(vec![3], -1.0, 1.0)) {
            let (params, layer, input) = params(&w, &x);
            gradcheck_params(&params, |pass| {
                let (x, w) = (pass.param(input), pass.param(layer[0]));
                // Inputs used inside and outside, a parameter as an input, data, and no input at all.
                let y = pass.recompute([x, w, pass.input(&[1.0, 2.0, 3.0])], |_, [x, w, c]| x.linear(w) * x + c * x);
                y + x.tanh() + w.row(1) + chain(pass, layer, y, [3, 2], true) + pass.recompute([], move |pass, []| {
                    pass.param(layer[0]).row(0).exp()
                })
            })?;
        }
    }

    #[test]
    fn memory_is_that_of_a_segment_and_of_the_outputs() {
        let (params, layer, input) = params(&Tensor::full([3, 3], 0.1), &Tensor::full([3], 1.0));
        let bytes = |recompute: bool| {
            let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
            let mut after = Vec::new();
            for _ in 0..3 {
                let pass = tape.pass(&params);
                let x = pass.param(input);
                let y = match recompute {
                    true => chain(&pass, layer, x, [2500, 50], false),
                    false => (0..2500).fold(x, |x, _| step(&pass, layer, x)),
                };
                y.sum().backward(&mut grads);
                after.push(tape.bytes());
            }
            assert!(after.iter().all(|&bytes| bytes == after[0]), "the second pass takes no more: {after:?}");
            after[0]
        };
        let (with, without) = (bytes(true), bytes(false));
        assert!(with * 10 < without, "{with} and {without} bytes");
    }

    #[test]
    fn a_tape_with_segments_can_move_to_another_thread() {
        fn is_send<T: Send>() {}
        is_send::<Tape<f32>>();
    }

    #[test]
    #[should_panic(expected = "recompute: a segment must compute the same twice: first [1], then [2]")]
    fn a_segment_that_changes_its_mind_is_caught() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let calls = Cell::new(0);
        let y = pass.recompute([pass.leaf(&[1.0, 2.0, 3.0])], move |_, [x]| {
            calls.set(calls.get() + 1);
            x.slice(0, 0..calls.get())
        });
        y.sum().backward(&mut Grads::like(&params));
    }
}
