//! The steps of a computation, and the memory they live in.

use std::fmt;
use std::sync::Arc;

use thalweg_tensor::kernels::Buffer;
use thalweg_tensor::{Real, Shape};

use crate::back::Back;
use crate::layout::{Param, Shared};
use crate::recompute::Segments;

/// Where a node's numbers lie.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// In the tape's own memory, from this index.
    Tape(usize),
    /// In θ, from this index, within this parameter.
    Theta(Param, usize),
}

/// One step of the computation.
pub(crate) struct Node<T: Real> {
    pub name: &'static str,
    pub inputs: (u32, u32),
    pub shape: Shape,
    /// `shape.len()`, which is asked for more often than anything else.
    pub len: usize,
    pub place: Place,
    /// How many numbers are kept for backward behind the output.
    pub saved: usize,
    pub attributes: [usize; 4],
    pub scalar: f64,
    /// The op's whole-number arguments: a stretch of the tape's `indices`.
    pub indices: (u32, u32),
    /// Whether any parameter or leaf that wants a gradient lies behind this node.
    pub needs_grad: bool,
    /// What adds to the gradients of the inputs. Leaves and views have none.
    pub backward: Option<fn(&mut Back<'_, T>)>,
}

#[derive(Default)]
pub(crate) struct Memory<T: Real> {
    /// The layout of θ that the first nodes stand for.
    pub layout: Shared,
    /// A node for each parameter, which stay from pass to pass; then those of the pass.
    pub nodes: Vec<Node<T>>,
    pub inputs: Vec<u32>,
    pub indices: Vec<usize>,
    /// Every node's numbers begin on a cache line.
    pub value: Buffer<T>,
    pub grad: Buffer<T>,
    pub reached: Vec<bool>,
    pub segments: Segments<T>,
}

impl<T: Real> Memory<T> {
    /// The inputs of a node.
    pub fn inputs_of(&self, id: usize) -> &[u32] {
        let (from, to) = self.nodes[id].inputs;
        &self.inputs[from as usize..to as usize]
    }

    /// Every node's gradient becomes 0. Ops' rooms, which lie in between, are left as they are.
    pub fn clear_gradients(&mut self) {
        self.grad.clear();
        for node in self.nodes.iter().filter(|node| node.saved > 0) {
            if let Place::Tape(start) = node.place {
                self.grad.resize(start + node.len, T::ZERO);
                self.grad.stretch(node.saved);
            }
        }
        self.grad.resize(self.value.len(), T::ZERO);
    }

    /// Forgets the nodes of the last pass, and follows θ's layout. When nothing grew this is one pointer comparison.
    pub fn begin(&mut self, layout: &Shared) {
        if !Arc::ptr_eq(&self.layout, layout) {
            self.layout = Arc::clone(layout);
            self.nodes.clear();
            self.nodes.extend(layout.iter().map(|(param, entry)| {
                Node::leaf("param", entry.shape(), Place::Theta(param, entry.range().start), entry.trainable())
            }));
        }
        self.nodes.truncate(layout.entries().len());
        self.inputs.clear();
        self.indices.clear();
        self.value.clear();
        self.segments.clear();
        self.grad.clear(); // the last pass's gradients are none of this one
    }
}

impl<T: Real> Node<T> {
    pub fn leaf(name: &'static str, shape: Shape, place: Place, needs_grad: bool) -> Self {
        let (inputs, indices) = ((0, 0), (0, 0));
        Node {
            name,
            inputs,
            shape,
            len: shape.len(),
            place,
            saved: 0,
            attributes: [0; 4],
            scalar: 0.0,
            indices,
            needs_grad,
            backward: None,
        }
    }

    /// The node's numbers, out of the tape's values or θ.
    #[inline]
    pub fn read<'a>(&self, value: &'a [T], theta: &'a [T]) -> &'a [T] {
        match self.place {
            Place::Tape(start) => &value[start..start + self.len],
            Place::Theta(_, start) => &theta[start..start + self.len],
        }
    }
}

/// The values of an op's inputs, while its forward runs.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T: Real> {
    pub(crate) ids: &'a [u32],
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) value: &'a [T],
    pub(crate) theta: &'a [T],
}

impl<'a, T: Real> Inputs<'a, T> {
    /// The numbers of input `i`.
    #[inline]
    pub fn get(&self, i: usize) -> &'a [T] {
        self.nodes[self.ids[i] as usize].read(self.value, self.theta)
    }

    /// How many inputs there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

impl<T: Real> fmt::Debug for Inputs<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((0..self.len()).map(|i| self.get(i))).finish()
    }
}
