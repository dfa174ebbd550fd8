//! The tape: the memory of one pass, and the one door through which every op enters it.
//!
//! # Reverse mode in a page
//!
//! A program that computes a number from parameters is a list of simple steps. Take `L = (w·x − t)²` with `w = 3`,
//! `x = 2`, `t = 5`. Running it writes the list down, the *tape*:
//!
//! | node | op | inputs | value |
//! |---|---|---|---|
//! | 0 | w | | 3 |
//! | 1 | x | | 2 |
//! | 2 | mul | 0, 1 | 6 |
//! | 3 | t | | 5 |
//! | 4 | sub | 2, 3 | 1 |
//! | 5 | mul | 4, 4 | 1 |
//!
//! Write `v̄` for ∂L/∂v. The chain rule says: a node's `v̄` is the sum over the nodes that used it, each giving its own
//! gradient times its own simple derivative. Every user of a node stands *below* it in the list, because it was computed
//! later. So start with `L̄ = 1` at the end and walk up once; when a node is reached, its gradient is complete:
//!
//! * node 5, `y = a·b` with a = b = node 4: adds `ȳ·b = 1` and `ȳ·a = 1`, so node 4 gets 2;
//! * node 4, `y = a − b`: node 2 gets `ȳ = 2`, node 3 gets `−ȳ = −2`;
//! * node 2, `y = a·b`: node 0 gets `ȳ·x = 4`, node 1 would get `ȳ·w = 6`.
//!
//! And indeed `dL/dw = 2 (w·x − t)·x = 4`. Creation order is a topological order, so there is no sorting and no
//! recursion: backward is one loop ([`Var::backward`]). The same example, run:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//!
//! let mut params = Params::<f64>::new();
//! let w = params.add("w", [1], |_| 3.0);
//! let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
//!
//! let pass = tape.pass(&params);
//! let error = pass.param(w) * pass.input(&[2.0]) - pass.input(&[5.0]);
//! let loss = (error * error).sum();
//! assert_eq!(loss.item(), 1.0);
//! loss.backward(&mut grads);
//! assert_eq!(grads.of(w), [4.0]);
//! ```
//!
//! # Memory
//!
//! Values of all nodes lie one after another in one vector, gradients in a second one at the same places. A node's inputs
//! lie before it, so splitting the vector at the node separates what is read from what is written, without `unsafe`.
//! Parameters are read where they lie, in θ, and their gradients are added to [`Grads`] directly. A contiguous part of a
//! node or a parameter (a reshape, a row, a slice) is only a new name for the same memory, in both vectors: such views
//! cost nothing in either direction. The next pass reuses the memory, so after the first pass of a size nothing is
//! allocated.
//!
//! While a variable of a pass lives, neither the tape nor the parameters can change:
//!
//! ```compile_fail
//! # use thalweg_autograd::{Params, Tape};
//! # let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
//! # let w = params.add("w", [1], |_| 3.0);
//! let pass = tape.pass(&params);
//! let y = pass.param(w).tanh();
//! params.of_mut(w)[0] = 1.0; // error: `params` is borrowed
//! y.item();
//! ```
//!
//! ```compile_fail
//! # use thalweg_autograd::{Params, Tape};
//! # let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
//! # let w = params.add("w", [1], |_| 3.0);
//! let pass = tape.pass(&params);
//! let y = pass.param(w).tanh();
//! tape.pass(&params); // error: `tape` is borrowed
//! y.item();
//! ```
//!
//! When the last variable has been used, both are free again:
//!
//! ```
//! # use thalweg_autograd::{Params, Tape};
//! # let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
//! # let w = params.add("w", [1], |_| 3.0);
//! let pass = tape.pass(&params);
//! let y = pass.param(w).tanh();
//! y.item();
//! params.of_mut(w)[0] = 1.0;
//! tape.pass(&params);
//! ```

use std::cell::RefCell;

use thalweg_tensor::kernels::GRAIN;
use thalweg_tensor::{Real, Shape, View};

use crate::back::Back;
use crate::grads::Grads;
use crate::layout::Param;
use crate::node::{Inputs, Memory, Node, Place};
use crate::op::Op;
use crate::params::Params;
use crate::var::Var;

/// The memory of one pass, kept from pass to pass. See the [module's page](crate::tape) for how it works.
///
/// `Send`, and not `Sync`: a thread that learns has a tape of its own. Parameters are shared by as many as like.
#[derive(Default)]
pub struct Tape<T: Real = f32> {
    pub(crate) memory: RefCell<Memory<T>>,
}

/// One run of a computation: borrows the tape's memory and the parameters, and hands out [`Var`]s.
#[derive(Clone, Copy)]
pub struct Pass<'t, T: Real = f32> {
    pub(crate) memory: &'t RefCell<Memory<T>>,
    pub(crate) params: &'t Params<T>,
}

impl<T: Real> Tape<T> {
    /// An empty tape.
    pub fn new() -> Self {
        Tape { memory: RefCell::new(Memory::default()) }
    }

    /// Begins a pass over `params`: the nodes of the last pass are gone, their memory is kept.
    pub fn pass<'t>(&'t mut self, params: &'t Params<T>) -> Pass<'t, T> {
        self.memory.get_mut().begin(params.layout());
        Pass { memory: &self.memory, params }
    }

    /// How many bytes of memory the tape holds.
    pub fn bytes(&self) -> usize {
        let m = self.memory.borrow();
        m.nodes.capacity() * size_of::<Node<T>>()
            + m.inputs.capacity() * size_of::<u32>()
            + m.indices.capacity() * size_of::<usize>()
            + (m.value.capacity() + m.grad.capacity()) * size_of::<T>()
            + m.reached.capacity()
            + m.segments.bytes()
    }
}

impl<'t, T: Real> Pass<'t, T> {
    /// The parameters of this pass.
    pub fn params(&self) -> &'t Params<T> {
        self.params
    }

    /// Data: no gradient is computed for it. A tensor, a view, a slice or an array (one axis).
    pub fn input<'p, 'x>(&'p self, x: impl Into<View<'x, T>>) -> Var<'p, T> {
        self.copied("input", x.into(), false)
    }

    /// Data whose gradient is wanted: [`Var::grad_to`] reads it after backward.
    pub fn leaf<'p, 'x>(&'p self, x: impl Into<View<'x, T>>) -> Var<'p, T> {
        self.copied("leaf", x.into(), true)
    }

    /// Zeros, as data.
    pub fn zeros<'p>(&'p self, shape: impl Into<Shape>) -> Var<'p, T> {
        self.record("zeros", [], shape, |[], _| {}, |_| {})
    }

    /// A parameter, read where it lies: no copy.
    ///
    /// # Panics
    /// If the handle is not of this pass's parameters.
    #[track_caller]
    #[inline]
    pub fn param<'p>(&'p self, param: Param) -> Var<'p, T> {
        self.params.layout().entry(param); // is there, or panics
        Var { pass: self, id: param.0 }
    }

    /// The one door for every op, built in or a user's: run `forward` now, keep `backward` for later.
    ///
    /// * `op`: a name, or an [`Op`] with attributes, indices and memory to keep for backward;
    /// * `forward` reads the inputs' numbers and writes the output's, which are zero when it starts (followed, if the op
    ///   asked for it, by room for what it keeps for backward, which holds anything);
    /// * `backward` sees inputs, output and its gradient in a [`Back`], and *adds* to the gradients of the inputs. It
    ///   captures nothing, so it is a plain function pointer: recording allocates nothing.
    ///
    /// # Example
    /// `softplus(x) = ln(1 + eˣ)`, from the outside, and its gradient checked:
    ///
    /// ```
    /// use thalweg_autograd::{Var, gradcheck};
    /// use thalweg_tensor::{Real, Tensor};
    ///
    /// /// Forward `y = ln(1 + eˣ)`; backward `x̄ += ȳ ⊙ σ(x)`.
    /// fn softplus<T: Real>(x: Var<'_, T>) -> Var<'_, T> {
    ///     x.pass().record(
    ///         "softplus",
    ///         [x],
    ///         x.shape(),
    ///         |[x], y| y.iter_mut().zip(x).for_each(|(y, &x)| *y = x.exp().ln_1p()),
    ///         |g| g.each(|x, _y| x.sigmoid()),
    ///     )
    /// }
    /// gradcheck([Tensor::from_slice(&[-1.0, 0.3, 2.0])], |[x]| softplus(x)).unwrap();
    /// ```
    ///
    /// # Panics
    /// If an input is a variable of another pass, or `forward` itself uses the tape.
    #[track_caller]
    pub fn record<'p, 'i, const N: usize>(
        &'p self,
        op: impl Into<Op<'i>>,
        inputs: [Var<'p, T>; N],
        shape: impl Into<Shape>,
        forward: impl FnOnce([&[T]; N], &mut [T]),
        backward: fn(&mut Back<'_, T>),
    ) -> Var<'p, T> {
        let gather = |values: Inputs<'_, T>, y: &mut [T]| forward(std::array::from_fn(|i| values.get(i)), y);
        self.record_all(op, &inputs, shape, gather, backward)
    }

    /// [`record`](Pass::record) for any number of inputs.
    ///
    /// # Panics
    /// As [`record`](Pass::record).
    #[track_caller]
    pub fn record_all<'p, 'i>(
        &'p self,
        op: impl Into<Op<'i>>,
        inputs: &[Var<'p, T>],
        shape: impl Into<Shape>,
        forward: impl FnOnce(Inputs<'_, T>, &mut [T]),
        backward: fn(&mut Back<'_, T>),
    ) -> Var<'p, T> {
        let (op, shape) = (op.into(), shape.into());
        for (i, v) in inputs.iter().enumerate() {
            assert!(std::ptr::eq(v.pass.memory, self.memory), "{}: input {i} is a variable of another pass", op.name);
        }
        let m = &mut *self.memory.borrow_mut();
        let start = m.value.len().next_multiple_of(GRAIN);
        let len = shape.len();
        m.value.resize(start + len, T::ZERO);
        m.value.stretch(op.saved);
        let (before, y) = m.value.split_at_mut(start); // inputs lie before the output: no unsafe
        let ids = m.inputs.len();
        m.inputs.extend(inputs.iter().map(|v| v.id));
        let indices = m.indices.len();
        m.indices.extend_from_slice(op.indices);
        forward(Inputs { ids: &m.inputs[ids..], nodes: &m.nodes, value: before, theta: self.params.as_slice() }, y);
        let needs_grad = m.inputs[ids..].iter().any(|&i| m.nodes[i as usize].needs_grad);
        m.nodes.push(Node {
            name: op.name,
            inputs: (ids as u32, m.inputs.len() as u32),
            shape,
            len,
            place: Place::Tape(start),
            saved: op.saved,
            attributes: op.attributes,
            scalar: op.scalar,
            indices: (indices as u32, m.indices.len() as u32),
            needs_grad,
            backward: Some(backward),
        });
        Var { pass: self, id: m.nodes.len() as u32 - 1 }
    }

    /// A new name for `shape.len()` numbers of `of`, from `offset` on: free forward and backward.
    pub(crate) fn alias<'p>(&'p self, of: Var<'p, T>, shape: Shape, offset: usize) -> Var<'p, T> {
        let m = &mut *self.memory.borrow_mut();
        let parent = &m.nodes[of.id as usize];
        let place = match parent.place {
            Place::Tape(start) => Place::Tape(start + offset),
            Place::Theta(param, start) => Place::Theta(param, start + offset),
        };
        let mut node = Node::leaf("view", shape, place, parent.needs_grad);
        node.inputs = (m.inputs.len() as u32, m.inputs.len() as u32 + 1);
        m.inputs.push(of.id);
        m.nodes.push(node);
        Var { pass: self, id: m.nodes.len() as u32 - 1 }
    }

    fn copied<'p>(&'p self, name: &'static str, x: View<'_, T>, needs_grad: bool) -> Var<'p, T> {
        let start = {
            let m = &mut *self.memory.borrow_mut();
            let start = m.value.len().next_multiple_of(GRAIN);
            m.value.resize(start + x.shape().len(), T::ZERO);
            x.copy_to(&mut m.value[start..]);
            start
        };
        self.push(Node::leaf(name, x.shape(), Place::Tape(start), needs_grad))
    }

    fn push<'p>(&'p self, node: Node<T>) -> Var<'p, T> {
        let nodes = &mut self.memory.borrow_mut().nodes;
        nodes.push(node);
        Var { pass: self, id: nodes.len() as u32 - 1 }
    }

    /// Reverse mode from `root` with its gradient given. See [`Var::backward_from`]. `watch` is called with each node when
    /// it has added to its inputs' gradients.
    pub(crate) fn backward(
        &self,
        root: Var<'_, T>,
        cotangent: &[T],
        grads: &mut Grads<T>,
        mut watch: impl FnMut(&Memory<T>, usize, &mut Grads<T>),
    ) {
        grads.align(self.params.layout());
        let m = &mut *self.memory.borrow_mut();
        let root = root.id as usize;
        m.clear_gradients();
        m.reached.clear();
        m.reached.resize(root + 1, false);
        m.reached[root] = m.nodes[root].needs_grad;
        match m.nodes[root].place {
            Place::Tape(start) => m.grad[start..start + cotangent.len()].copy_from_slice(cotangent),
            Place::Theta(param, start) if m.reached[root] => {
                let place = grads.place(param, start, cotangent.len());
                place.iter_mut().zip(cotangent).for_each(|(g, &c)| *g += c);
            }
            Place::Theta(..) => {}
        }
        for id in (0..=root).rev() {
            if !m.reached[id] {
                continue;
            }
            let node = &m.nodes[id];
            let inputs = &m.inputs[node.inputs.0 as usize..node.inputs.1 as usize];
            for &input in inputs {
                m.reached[input as usize] |= m.nodes[input as usize].needs_grad;
            }
            let (Some(backward), Place::Tape(start)) = (node.backward, node.place) else { continue };
            let (before, at) = m.grad.split_at_mut(start); // again: inputs lie before the output
            let (dy, behind) = at.split_at_mut(node.len);
            backward(&mut Back {
                node,
                nodes: &m.nodes,
                inputs,
                indices: &m.indices[node.indices.0 as usize..node.indices.1 as usize],
                value: &m.value,
                theta: self.params.as_slice(),
                dy,
                scratch: &mut behind[..node.saved],
                grad: before,
                grads,
                params: self.params,
                segments: &m.segments,
            });
            watch(m, id, grads);
        }
    }
}
