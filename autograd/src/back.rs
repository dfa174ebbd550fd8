//! What a backward function may see and do.

use std::fmt;

use thalweg_tensor::{Real, Shape, kernels, walk};

use crate::grads::Grads;
use crate::node::{Node, Place};
use crate::params::Params;
use crate::recompute::Segments;

/// One op's view of the backward pass: inputs, output and its gradient to read, the inputs' gradients to add to.
///
/// In the docs of ops `x̄` is ∂L/∂x; here it is `dx`, and `ȳ` is `dy`.
pub struct Back<'a, T: Real> {
    pub(crate) node: &'a Node<T>,
    pub(crate) nodes: &'a [Node<T>],
    pub(crate) inputs: &'a [u32],
    pub(crate) indices: &'a [usize],
    pub(crate) value: &'a [T],
    pub(crate) theta: &'a [T],
    pub(crate) dy: &'a [T],
    pub(crate) scratch: &'a mut [T],
    pub(crate) grad: &'a mut [T],
    pub(crate) grads: &'a mut Grads<T>,
    pub(crate) params: &'a Params<T>,
    pub(crate) segments: &'a Segments<T>,
}

impl<'a, T: Real> Back<'a, T> {
    /// Input `i`.
    #[inline]
    pub fn x(&self, i: usize) -> &'a [T] {
        self.input(i).read(self.value, self.theta)
    }

    /// The output.
    #[inline]
    pub fn y(&self) -> &'a [T] {
        self.node.read(self.value, self.theta)
    }

    /// ȳ, the gradient of the output.
    #[inline]
    pub fn dy(&self) -> &'a [T] {
        self.dy
    }

    /// x̄ᵢ, the gradient of input `i`, to *add* to. If nobody [wants](Back::wants) it, what is added is thrown away.
    #[inline]
    pub fn dx(&mut self, i: usize) -> &mut [T] {
        let (place, len) = (self.input(i).place, self.input(i).len);
        match place {
            Place::Tape(start) => &mut self.grad[start..start + len],
            Place::Theta(param, start) => self.grads.place(param, start, len),
        }
    }

    /// `x̄ᵢ += left rightᵀ`, row-major: what a matrix gets from one example. Of a whole parameter the product is not even
    /// multiplied out (see [`Grads`]).
    ///
    /// # Panics
    /// If the input has another number of elements.
    #[inline]
    #[track_caller]
    pub fn add_outer(&mut self, i: usize, left: &[T], right: &[T]) {
        match self.input(i).place {
            Place::Theta(param, start) => self.grads.add_outer(param, start, left, right),
            Place::Tape(_) => kernels::outer_add(left, right, self.dx(i)),
        }
    }

    /// Row `row` (of the first axis) of the gradient of input `i`, to *add* to. Of a parameter, only this row counts as
    /// touched.
    pub fn dx_row(&mut self, i: usize, row: usize) -> &mut [T] {
        let (place, shape) = (self.input(i).place, self.input(i).shape);
        let width = shape.without(0).len();
        match place {
            Place::Tape(start) => &mut self.grad[start + row * width..][..width],
            Place::Theta(param, start) => self.grads.place(param, start + row * width, width),
        }
    }

    /// Whether anyone wants the gradient of input `i`. Computing it regardless is right, and wasted.
    #[inline]
    pub fn wants(&self, i: usize) -> bool {
        self.input(i).needs_grad
    }

    /// How many inputs there are.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether there are no inputs.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// The shape of input `i`.
    pub fn shape(&self, i: usize) -> Shape {
        self.input(i).shape
    }

    /// The shape of the output.
    pub fn y_shape(&self) -> Shape {
        self.node.shape
    }

    /// The attributes given to [`Op::attributes`](crate::Op::attributes).
    #[inline]
    pub fn attributes<const N: usize>(&self) -> [usize; N] {
        std::array::from_fn(|i| self.node.attributes[i])
    }

    /// The number given to [`Op::scalar`](crate::Op::scalar).
    pub fn scalar(&self) -> T {
        T::from_f64(self.node.scalar)
    }

    /// The whole numbers given to [`Op::indices`](crate::Op::indices).
    pub fn indices(&self) -> &'a [usize] {
        self.indices
    }

    /// What forward kept behind the output: the room asked for by [`Op::saving`](crate::Op::saving).
    pub fn saved(&self) -> &'a [T] {
        match self.node.place {
            Place::Tape(start) => &self.value[start + self.node.len..][..self.node.saved],
            Place::Theta(..) => &[],
        }
    }

    /// Room for as many numbers as forward has [kept](crate::Op::saving), for backward to write intermediate results in.
    /// What it holds at first is unspecified. It is handed out once; after that it is empty.
    pub fn scratch(&mut self) -> &'a mut [T] {
        std::mem::take(&mut self.scratch)
    }

    /// For an elementwise op of one input with `∂y/∂x = f(x, y)`: `x̄ += ȳ ⊙ f(x, y)`.
    pub fn each(&mut self, f: impl Fn(T, T) -> T) {
        let (x, y, dy) = (self.x(0), self.y(), self.dy());
        let dx = self.dx(0);
        kernels::vectorize(
            #[inline(always)]
            || dx.iter_mut().zip(x).zip(y).zip(dy).for_each(|(((dx, &x), &y), &dy)| *dx += dy * f(x, y)),
        );
    }

    /// For an elementwise op of two broadcast inputs with `(∂y/∂a, ∂y/∂b) = f(a, b, y)`: `ā += ȳ ⊙ ∂y/∂a`,
    /// `b̄ += ȳ ⊙ ∂y/∂b`, each summed over the axes along which its input was broadcast.
    pub fn each2(&mut self, f: impl Fn(T, T, T) -> [T; 2]) {
        let (a, b, y, dy) = (self.x(0), self.x(1), self.y(), self.dy());
        let shapes = [self.shape(0), self.shape(1)];
        let (output, alike) = (self.y_shape(), shapes[0] == shapes[1]);
        for i in 0..2 {
            if !self.wants(i) {
                continue;
            }
            let dx = self.dx(i);
            if alike {
                let inputs = a.iter().zip(b).zip(y).zip(dy);
                kernels::vectorize(
                    #[inline(always)]
                    || dx.iter_mut().zip(inputs).for_each(|(dx, (((&a, &b), &y), &dy))| *dx += dy * f(a, b, y)[i]),
                );
            } else {
                walk(shapes, output, |at, k| dx[at[i]] += dy[k] * f(a[at[0]], b[at[1]], y[k])[i]);
            }
        }
    }

    #[inline]
    fn input(&self, i: usize) -> &'a Node<T> {
        &self.nodes[self.inputs[i] as usize]
    }
}

impl<T: Real> fmt::Debug for Back<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Back({} {}, ȳ = {:?})", self.node.name, self.node.shape, self.dy)
    }
}
