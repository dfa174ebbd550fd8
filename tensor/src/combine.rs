//! The one loop under every elementwise operation.
//!
//! Operands are stretched to a common shape and read row by row. What does not lie side by side in a row (a column, a
//! number that is repeated) is first laid out in a block on the stack, so that the loop that computes always runs over
//! neighbours and becomes vector instructions.

use crate::kernels::vectorize;
use crate::strides::{Axes, copy};
use crate::{AsView, Real, Shape, Tensor, View};
use std::array::from_fn;

/// How many elements of a scattered operand are laid out at a time.
const BLOCK: usize = 256;

impl<T: Real> View<'_, T> {
    /// `f(x)` of every element, any shape.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::from_slice(&[1.0_f64, 2.0]);
    /// assert_eq!(x.map(|x| 1.0 / (1.0 + x * x)).as_slice(), [0.5, 0.2]);
    /// ```
    pub fn map(&self, f: impl Fn(T) -> T) -> Tensor<T> {
        combine(
            "map",
            [*self],
            #[inline(always)]
            |[x]| f(x),
        )
    }

    /// `f(x, y)` of every two elements that meet; shapes broadcast.
    ///
    /// # Panics
    ///
    /// When the shapes do not broadcast.
    #[track_caller]
    pub fn zip_with(&self, other: impl AsView<T>, f: impl Fn(T, T) -> T) -> Tensor<T> {
        combine(
            "zip_with",
            [*self, other.as_view()],
            #[inline(always)]
            |[x, y]| f(x, y),
        )
    }
}

impl<T: Real> Tensor<T> {
    /// Every element `x` becomes `f(x)`, in place; any shape.
    pub fn map_in_place(&mut self, f: impl Fn(T) -> T) {
        update(
            self.shape(),
            self.as_mut_slice(),
            [],
            #[inline(always)]
            |x, []| f(x),
        );
    }

    /// Every element `x` becomes `f(x, y)`, in place, with the element `y` that meets it; `other` is stretched to this
    /// shape.
    ///
    /// # Panics
    ///
    /// When `other` does not stretch to this shape.
    #[track_caller]
    pub fn zip_in_place(&mut self, other: impl AsView<T>, f: impl Fn(T, T) -> T) {
        self.update_by("zip_in_place", other.as_view(), f);
    }

    /// The same, naming the operation when shapes do not fit.
    #[track_caller]
    pub(crate) fn update_by(&mut self, operation: &str, other: View<'_, T>, f: impl Fn(T, T) -> T) {
        let shape = self.shape();
        let fits = other.shape().broadcast(shape) == Some(shape);
        assert!(fits, "{operation}: {} does not stretch to {shape}", other.shape());
        update(
            shape,
            self.as_mut_slice(),
            [other],
            #[inline(always)]
            |x, [y]| f(x, y),
        );
    }
}

/// `f` of the elements that meet, one from each operand; the shapes broadcast.
#[track_caller]
pub(crate) fn combine<T: Real, const N: usize>(
    operation: &str,
    operands: [View<'_, T>; N],
    f: impl Fn([T; N]) -> T,
) -> Tensor<T> {
    let shapes = operands.map(|operand| operand.shape());
    let broadcast = |all: Shape, &shape: &Shape| if all == shape { Some(all) } else { all.broadcast(shape) };
    let Some(shape) = shapes.iter().try_fold(shapes[0], broadcast) else {
        let shapes = shapes.map(|shape| shape.to_string()).join(" and ");
        panic!("{operation}: shapes do not broadcast: {shapes}")
    };
    let mut output = vec![T::ZERO; shape.len()];
    update(
        shape,
        &mut output,
        operands,
        #[inline(always)]
        |_, values| f(values),
    );
    Tensor::new(shape, output)
}

/// `yᵢ = f(yᵢ, [the element of each operand that meets it])`; the operands stretch to `shape`.
///
/// Only this loop over neighbours is compiled for every function; how operands lie is [`each_row`]'s business.
fn update<T: Real, const N: usize>(
    shape: Shape,
    output: &mut [T],
    operands: [View<'_, T>; N],
    f: impl Fn(T, [T; N]) -> T,
) {
    each_row(shape, output, operands, &|output: &mut [T], inputs: [&[T]; N]| {
        vectorize(
            #[inline(always)]
            || {
                let inputs = inputs.map(|input| &input[..output.len()]);
                for (j, y) in output.iter_mut().enumerate() {
                    *y = f(*y, from_fn(|k| inputs[k][j]));
                }
            },
        );
    });
}

/// What is done with neighbours in the output and in every operand.
type Compute<'a, T, const N: usize> = dyn Fn(&mut [T], [&[T]; N]) + 'a;

/// Calls `compute` with stretches of the output, from first to last, and what meets them in each operand, laid out
/// alike.
fn each_row<T: Real, const N: usize>(
    shape: Shape,
    output: &mut [T],
    operands: [View<'_, T>; N],
    compute: &Compute<'_, T, N>,
) {
    let stretched = |operand: View<'_, T>| {
        if operand.shape == shape { operand.strides } else { operand.broadcast_to(shape).strides }
    };
    let (rows, length, steps) = Axes::new(shape, operands.map(stretched)).split_last();
    if steps.iter().all(|&step| step == 1) {
        for (row, starts) in rows.offsets().enumerate() {
            let inputs = from_fn(|k| &operands[k].data[starts[k]..][..length]);
            compute(&mut output[row * length..][..length], inputs);
        }
        return;
    }
    // An operand that repeats a number is laid out for its first row by this.
    let mut blocks = operands.map(|operand| [operand.data.first().copied().unwrap_or_default(); BLOCK]);
    for (row, starts) in rows.offsets().enumerate() {
        let inputs: [&[T]; N] = from_fn(|k| &operands[k].data[starts[k]..]);
        for k in 0..N {
            if steps[k] == 0 && row > 0 {
                copy(inputs[k], 0, &mut blocks[k][..length.min(BLOCK)]);
            }
        }
        for (block, output) in output[row * length..][..length].chunks_mut(BLOCK).enumerate() {
            let (start, used) = (block * BLOCK, output.len());
            for k in 0..N {
                if steps[k] > 1 {
                    copy(&inputs[k][start * steps[k]..], steps[k], &mut blocks[k][..used]);
                }
            }
            compute(output, from_fn(|k| if steps[k] == 1 { &inputs[k][start..][..used] } else { &blocks[k][..used] }));
        }
    }
}

/// Defines elementwise methods of [`View`], and of [`Tensor`] by way of its view: `name(arguments) = |x| expression`.
macro_rules! map_methods {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) = |$x:ident| $body:expr;)*) => {
        impl<T: $crate::Real> $crate::View<'_, T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(&self, $($argument: $type),*) -> $crate::Tensor<T> {
                $crate::combine::combine(stringify!($name), [*self], #[inline(always)] |[$x]| $body)
            })*
        }

        impl<T: $crate::Real> $crate::Tensor<T> {
            $($(#[$doc])*
            #[track_caller]
            pub fn $name(&self, $($argument: $type),*) -> $crate::Tensor<T> {
                self.view().$name($($argument),*)
            })*
        }
    };
}
pub(crate) use map_methods;

/// The same for operations of two: `name = |x, y| expression`.
macro_rules! zip_methods {
    ($($(#[$doc:meta])* $name:ident = |$x:ident, $y:ident| $body:expr;)*) => {
        impl<T: $crate::Real> $crate::View<'_, T> {
            $($(#[$doc])*
            ///
            /// # Panics
            ///
            /// When the shapes do not broadcast.
            #[track_caller]
            pub fn $name(&self, other: impl $crate::AsView<T>) -> $crate::Tensor<T> {
                // Compiled once, whatever the operand is.
                #[track_caller]
                fn views<T: $crate::Real>(operands: [$crate::View<'_, T>; 2]) -> $crate::Tensor<T> {
                    $crate::combine::combine(stringify!($name), operands, #[inline(always)] |[$x, $y]| $body)
                }
                views([*self, other.as_view()])
            })*
        }

        impl<T: $crate::Real> $crate::Tensor<T> {
            $($(#[$doc])*
            ///
            /// # Panics
            ///
            /// When the shapes do not broadcast.
            #[track_caller]
            pub fn $name(&self, other: impl $crate::AsView<T>) -> $crate::Tensor<T> {
                self.view().$name(other)
            })*
        }
    };
}
pub(crate) use zip_methods;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same, broadcasting, tensor};
    use proptest::prelude::*;

    /// The element of `x` that meets the element of a broadcast result at `index`.
    fn meets(x: &Tensor<f64>, index: &[usize]) -> f64 {
        let own = &index[index.len() - x.shape().rank()..];
        x.at(&own.iter().zip(x.shape().dims()).map(|(&i, &size)| if size == 1 { 0 } else { i }).collect::<Vec<_>>())
    }

    fn common<const N: usize>(operands: &[Tensor<f64>; N]) -> Shape {
        let shapes = operands.iter().map(Tensor::shape);
        shapes.fold(Shape::scalar(), |all, shape| all.broadcast(shape).expect("shapes that broadcast"))
    }

    /// The same numbers in memory laid out otherwise: `work` gets a view with strides of its own.
    fn strided<R>(x: &Tensor<f64>, work: impl FnOnce(View<'_, f64>) -> R) -> R {
        let turned = x.transpose().to_tensor();
        work(turned.transpose())
    }

    proptest! {
        #[test]
        fn two_operands_meet_as_their_indices_say([x, y] in broadcasting()) {
            let f = |x: f64, y: f64| x - 2.0 * y;
            let expected = Tensor::from_index(common(&[x.clone(), y.clone()]), |index| f(meets(&x, index), meets(&y, index)));
            assert_same(&x.zip_with(&y, f), &expected);
            assert_same(&strided(&x, |x| x.zip_with(&y, f)), &expected);
            assert_same(&strided(&y, |y| x.zip_with(y, f)), &expected);
            assert_same(&strided(&x, |x| strided(&y, |y| x.zip_with(y, f))), &expected);
        }

        #[test]
        fn three_operands_meet_as_their_indices_say([x, mask, y] in broadcasting()) {
            let shape = common(&[x.clone(), mask.clone(), y.clone()]);
            let choose = |index: &[usize]| if meets(&mask, index) == 0.0 { meets(&y, index) } else { meets(&x, index) };
            let expected = Tensor::from_index(shape, choose);
            assert_same(&x.where_(&mask, &y), &expected);
            assert_same(&strided(&mask, |mask| x.where_(mask, y)), &expected);
        }

        #[test]
        fn map_is_the_function_of_each(x in tensor(), step in 1_usize..3) {
            let f = |x: f64| x * x + 1.0;
            let view = if x.shape().rank() > 0 { x.transpose().step_by(0, step) } else { x.view() };
            let expected = Tensor::from_index(view.shape(), |index| f(view.at(index)));
            prop_assert_eq!(view.map(f), expected);
            let mut changed = x.clone();
            changed.map_in_place(f);
            prop_assert_eq!(changed, x.map(f));
        }

        #[test]
        fn in_place_is_out_of_place([x, y] in broadcasting()) {
            let mut changed = x.broadcast_to(common(&[x.clone(), y.clone()])).to_tensor();
            changed.zip_in_place(&y, |x, y| x / y);
            assert_same(&changed, &x.zip_with(&y, |x, y| x / y));
        }
    }

    #[test]
    fn rows_longer_than_a_block_are_read_to_their_end() {
        let x = Tensor::<f32>::arange(0.0, 1200.0, 1.0).reshape([2, 600]);
        let every_second = x.step_by(1, 2);
        let sum = every_second.zip_with(Tensor::from_slice(&[1.0, 2.0]).unsqueeze(1), |x, y| x + y);
        assert_eq!(sum, Tensor::from_index([2, 300], |i| (600 * i[0] + 2 * i[1] + i[0] + 1) as f32));
    }

    #[test]
    #[should_panic(expected = "maximum: shapes do not broadcast: [2, 3] and [2]")]
    fn the_operation_is_named_when_shapes_do_not_fit() {
        Tensor::<f32>::zeros([2, 3]).maximum([0.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "add: [2, 3] does not stretch to [3]")]
    fn what_is_changed_in_place_is_not_stretched() {
        let mut x = Tensor::<f32>::zeros([3]);
        x += Tensor::zeros([2, 3]);
    }
}
