//! Variables: `Copy` handles to nodes of a pass.

use std::fmt;

use thalweg_tensor::{Real, Shape, Tensor, kernels};

use crate::grads::Grads;
use crate::node::Place;
use crate::tape::Pass;

/// A value in a pass: a `Copy` handle with operators, so that a cell reads like its equations.
///
/// Ops are methods ([`tanh`](Var::tanh), [`matmul`](Var::matmul), [`cross_entropy`](Var::cross_entropy), …) and the
/// operators `+ − * /`, which broadcast as NumPy's do.
pub struct Var<'p, T: Real = f32> {
    pub(crate) pass: &'p Pass<'p, T>,
    pub(crate) id: u32,
}

impl<T: Real> Clone for Var<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Real> Copy for Var<'_, T> {}

impl<'p, T: Real> Var<'p, T> {
    /// The pass it belongs to.
    pub fn pass(self) -> &'p Pass<'p, T> {
        self.pass
    }

    /// The shape.
    #[inline]
    pub fn shape(self) -> Shape {
        self.pass.memory.borrow().nodes[self.id as usize].shape
    }

    /// The number of axes.
    #[inline]
    pub fn rank(self) -> usize {
        self.pass.memory.borrow().nodes[self.id as usize].shape.rank()
    }

    /// The sizes of its axes, when it must have `N` of them.
    ///
    /// # Panics
    /// If it has another number of axes.
    #[track_caller]
    pub fn dims<const N: usize>(self) -> [usize; N] {
        let shape = self.shape();
        match shape.dims().try_into() {
            Ok(dims) => dims,
            Err(_) => panic!("dims: {N} axes expected, the shape is {shape}"),
        }
    }

    /// Reads the numbers, row-major.
    pub fn with<R>(self, read: impl FnOnce(&[T]) -> R) -> R {
        let m = self.pass.memory.borrow();
        read(m.nodes[self.id as usize].read(&m.value, self.pass.params.as_slice()))
    }

    /// The only number.
    ///
    /// # Panics
    /// If there is not exactly one.
    #[track_caller]
    pub fn item(self) -> T {
        match self.with(|x| x.try_into()) {
            Ok::<[T; 1], _>([x]) => x,
            Err(_) => panic!("item: one number expected, the shape is {}", self.shape()),
        }
    }

    /// Copies the numbers out.
    ///
    /// # Panics
    /// If `out` has another length.
    #[track_caller]
    pub fn copy_to(self, out: &mut [T]) {
        let shape = self.shape();
        assert!(shape.len() == out.len(), "copy_to: the shape is {shape}, the slice has length {}", out.len());
        self.with(|x| out.copy_from_slice(x));
    }

    /// A copy as a tensor.
    pub fn to_tensor(self) -> Tensor<T> {
        Tensor::new(self.shape(), self.with(<[T]>::to_vec))
    }

    /// Reverse mode: adds ∂self/∂θ to `grads`.
    ///
    /// # Panics
    /// If `self` is not a single number; see [`backward_from`](Var::backward_from) for others.
    #[track_caller]
    pub fn backward(self, grads: &mut Grads<T>) {
        let shape = self.shape();
        assert!(shape.len() == 1, "backward: a single number expected, the shape is {shape}; give a cotangent");
        self.backward_from(&[T::ONE], grads);
    }

    /// Reverse mode from a value of any shape: adds `Σₖ cₖ ∂selfₖ/∂θ` to `grads`, the vector-Jacobian product with the
    /// cotangent `c`.
    ///
    /// # Panics
    /// If the cotangent has another length than `self`.
    #[track_caller]
    pub fn backward_from(self, cotangent: &[T], grads: &mut Grads<T>) {
        let shape = self.shape();
        assert!(
            shape.len() == cotangent.len(),
            "backward: the shape is {shape}, the cotangent has length {}",
            cotangent.len()
        );
        self.pass.backward(self, cotangent, grads, |_, _, _| {});
    }

    /// The gradient of a [`leaf`](Pass::leaf) or of any value in between, as the last backward of this pass left it.
    /// Zeros where there was none. (A parameter's gradient is in [`Grads`].)
    ///
    /// # Panics
    /// If `out` has another length, or `self` is a parameter.
    #[track_caller]
    pub fn grad_to(self, out: &mut [T]) {
        let m = self.pass.memory.borrow();
        let node = &m.nodes[self.id as usize];
        assert!(node.shape.len() == out.len(), "grad_to: {} into a slice of {}", node.shape, out.len());
        match node.place {
            Place::Tape(start) if start + out.len() <= m.grad.len() => {
                out.copy_from_slice(&m.grad[start..][..out.len()])
            }
            Place::Tape(_) => out.fill(T::ZERO),
            Place::Theta(..) => panic!("grad_to: the gradient of a parameter is in Grads"),
        }
    }

    /// Whether every number is finite.
    pub fn is_finite(self) -> bool {
        self.with(|x| kernels::sum(x).is_finite() || x.iter().all(|x| x.is_finite()))
    }
}

impl<T: Real> fmt::Debug for Var<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.pass.memory.borrow().nodes[self.id as usize].name;
        write!(f, "{name} {} ", self.shape())?;
        self.with(|x| f.debug_list().entries(x).finish())
    }
}
