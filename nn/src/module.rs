//! Composition without `dyn`: layers one after the other, and around each other.
//!
//! A [`Module`] has one input and one output. So have most layers, activations, pools, and what is made of them:
//!
//! | composition | is |
//! |---|---|
//! | `(a, b, c)`, up to eight; `[a; N]`, `Vec<M>` | `c(b(a(x)))`, PyTorch's `nn.Sequential` |
//! | [`Residual(f)`](Residual) | `x + f(x)` |
//! | tuples within tuples | longer ones |
//!
//! The type of a network made so is the type of its parts: no pointers, no names that are looked up, and everything is
//! inlined. What has several inputs, or is used twice, is a function over its layers, as before. Sharing needs nothing
//! either: layers are handles, so two layers with the same [`Param`](thalweg_autograd::Param) share its numbers, and their
//! gradients add up.
//!
//! ```
//! use thalweg_autograd::{Params, Tape};
//! use thalweg_nn::{BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Mode, Module, Nonlinearity};
//! use thalweg_tensor::Rng;
//!
//! let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
//! let net = (
//!     Conv2d::new(&mut params, "conv", 1, 4, [3, 3], &mut rng),
//!     BatchNorm::new(&mut params, "norm", 4, &mut rng),
//!     Nonlinearity::Relu,
//!     MaxPool2d::new([2, 2]),
//!     Flatten { from: 1 },
//!     Linear::new(&mut params, "head", 4 * 13 * 13, 10, &mut rng),
//! );
//! let mut tape = Tape::new();
//! let pass = tape.pass(&params);
//! assert_eq!(net.forward(pass.zeros([5, 1, 28, 28]), &mut Mode::Eval).dims(), [5, 10]);
//! ```

use thalweg_autograd::{Activation, Op, Var};
use thalweg_tensor::{Real, Shape, kernels};

use crate::{
    BatchNorm, Conv1d, Conv2d, Dropout, Embedding, GroupNorm, LayerNorm, Linear, Mode, Nonlinearity, PRelu, RmsNorm,
};
use crate::{LearnedPositions, SinusoidalPositions, TransformerEncoderLayer};

/// A layer with one input and one output.
pub trait Module {
    /// `y = f(x)`, in training or in use; shapes as the layer says.
    ///
    /// # Panics
    /// If the shape of `x` is none of the layer's.
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T>;
}

/// A residual connection (He, Zhang, Ren & Sun 2016): `x + f(x)`, of `f`'s shape, which must be that of `x` or broadcast
/// with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Residual<M>(
    /// f.
    pub M,
);

impl<M: Module> Module for Residual<M> {
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        x + self.0.forward(x, mode)
    }
}

/// Joins all axes from one on, PyTorch's `nn.Flatten`: `[n, c, h, w]` → `[n, c·h·w]` from axis 1. A view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Flatten {
    /// The first of the axes that become one: 1 for batches, 0 for single examples.
    pub from: usize,
}

impl Module for Flatten {
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, _: &mut Mode<T>) -> Var<'p, T> {
        let shape = x.shape();
        assert!(self.from <= shape.rank(), "Flatten: there is no axis {} in {shape}", self.from);
        let (kept, joined) = shape.dims().split_at(self.from);
        x.reshape(Shape::from(kept).inserted(self.from, joined.iter().product()))
    }
}

/// One module after the other.
macro_rules! sequences {
    ($($first:ident $($more:ident)*;)*) => {$(
        impl<$first: Module, $($more: Module),*> Module for ($first, $($more,)*) {
            #[allow(non_snake_case, reason = "a part is named by its type")]
            #[track_caller]
            fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
                let ($first, $($more,)*) = self;
                let x = $first.forward(x, mode);
                $(let x = $more.forward(x, mode);)*
                x
            }
        }
    )*};
}

sequences! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}

impl<M: Module> Module for [M] {
    #[track_caller]
    fn forward<'p, T: Real>(&self, mut x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        for module in self {
            x = module.forward(x, mode);
        }
        x
    }
}

impl<M: Module, const N: usize> Module for [M; N] {
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.as_slice().forward(x, mode)
    }
}

impl<M: Module> Module for Vec<M> {
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        self.as_slice().forward(x, mode)
    }
}

/// Layers that do the same in training and in use.
macro_rules! same_in_every_mode {
    ($($layer:ty),*) => {$(
        impl Module for $layer {
            #[track_caller]
            fn forward<'p, T: Real>(&self, x: Var<'p, T>, _: &mut Mode<T>) -> Var<'p, T> {
                <$layer>::forward(self, x)
            }
        }
    )*};
}

same_in_every_mode!(Linear, Conv1d, Conv2d, LayerNorm, RmsNorm, GroupNorm, Nonlinearity, PRelu);
same_in_every_mode!(crate::MaxPool1d, crate::MaxPool2d, crate::AvgPool1d, crate::AvgPool2d);
same_in_every_mode!(crate::GlobalAvgPool2d, crate::GlobalMaxPool2d, SinusoidalPositions, LearnedPositions);

/// Layers that do not.
macro_rules! by_mode {
    ($($layer:ty),*) => {$(
        impl Module for $layer {
            #[track_caller]
            fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
                <$layer>::forward(self, x, mode)
            }
        }
    )*};
}

by_mode!(BatchNorm, Dropout, TransformerEncoderLayer);

impl Module for Activation {
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, _: &mut Mode<T>) -> Var<'p, T> {
        x.activate(*self)
    }
}

/// Indices that are held as numbers, of any shape `[…]` → `[…, d]`. In `f32` whole numbers are exact up to 2²⁴.
///
/// Forward `yᵢ = W[xᵢ]`; backward `W̄[xᵢ] += ȳᵢ` unless that row is the padding, and nothing for `x`.
impl Module for Embedding {
    #[track_caller]
    fn forward<'p, T: Real>(&self, x: Var<'p, T>, _: &mut Mode<T>) -> Var<'p, T> {
        let table = x.pass().param(self.weight);
        let ([words, width], shape) = (table.dims(), x.shape());
        // Also of NaN.
        let unknown = |x: &&T| !(x.to_f64() >= 0.0 && x.to_f64() < words as f64 && x.to_f64().fract() == 0.0);
        if let Some(bad) = x.with(|x| x.iter().find(unknown).copied()) {
            panic!("Embedding: an index below {words} expected, found {bad}");
        }
        let op = Op::new("embedding").attributes([self.padding.unwrap_or(words), width]);
        x.pass().record(
            op,
            [table, x],
            shape.inserted(shape.rank(), width),
            |[table, x], y| {
                let places = y.chunks_exact_mut(width.max(1)).zip(x);
                places.for_each(|(y, x)| y.copy_from_slice(&table[x.to_f64() as usize * width..][..width]));
            },
            |g| {
                let ([padding, width], dy) = (g.attributes(), g.dy());
                let rows = dy.chunks_exact(width.max(1)).zip(g.x(1)).map(|(dy, x)| (dy, x.to_f64() as usize));
                rows.filter(|(_, row)| *row != padding).for_each(|(dy, row)| kernels::add_assign(dy, g.dx_row(0, row)));
            },
        )
    }
}
