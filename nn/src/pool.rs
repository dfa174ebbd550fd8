//! Pooling: the largest or the mean of what a window sees, and of whole images.
//!
//! | layer | takes | gives |
//! |---|---|---|
//! | [`MaxPool1d`], [`AvgPool1d`] | `[…, l]` | `[…, l′]` |
//! | [`MaxPool2d`], [`AvgPool2d`] | `[…, h, w]` | `[…, h′, w′]` |
//! | [`GlobalMaxPool2d`], [`GlobalAvgPool2d`] | `[…, h, w]` | `[…]` |
//!
//! They have no parameters: plain values. As in PyTorch the stride is the window, unless said otherwise:
//!
//! ```
//! use thalweg_autograd::{Params, Tape};
//! use thalweg_nn::MaxPool2d;
//! use thalweg_tensor::Window;
//!
//! let (params, mut tape) = (Params::<f32>::new(), Tape::new());
//! let x = tape.pass(&params).input(&[1.0, 5.0, 2.0, 0.0]).to_tensor().reshape([1, 2, 2]);
//! assert_eq!(MaxPool2d::new([2, 2]).forward(tape.pass(&params).input(&x)).item(), 5.0);
//! let overlapping = MaxPool2d { window: Window::new([3, 3]).stride([2, 2]).padding([1, 1]) };
//! assert_eq!(overlapping.forward(tape.pass(&params).zeros([7, 7])).dims(), [4, 4]);
//! ```

use thalweg_autograd::Var;
use thalweg_tensor::{Real, Window};

/// The layers with a window.
macro_rules! pools {
    ($($(#[$docs:meta])* $name:ident, $axes:literal, $op:ident;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub struct $name {
            /// What slides over the images, and how.
            pub window: Window<$axes>,
        }

        impl $name {
            /// With windows of this size side by side.
            pub const fn new(kernel: [usize; $axes]) -> Self {
                $name { window: Window::tiling(kernel) }
            }

            #[doc = concat!("See [`Var::", stringify!($op), "`].")]
            ///
            /// # Panics
            /// If the window does not fit into the padded input, or the padding is more than half of it.
            #[track_caller]
            pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
                x.$op(self.window)
            }
        }
    )*};
}

pools! {
    /// The largest in a window over the last axis, PyTorch's `nn.MaxPool1d`: `[…, l]` → `[…, l′]`.
    MaxPool1d, 1, max_pool1d;
    /// The largest in a window over the last two axes, PyTorch's `nn.MaxPool2d`: `[…, h, w]` → `[…, h′, w′]`.
    MaxPool2d, 2, max_pool2d;
    /// The mean in a window over the last axis, PyTorch's `nn.AvgPool1d`: `[…, l]` → `[…, l′]`. Padding counts as zeros.
    AvgPool1d, 1, avg_pool1d;
    /// The mean in a window over the last two axes, PyTorch's `nn.AvgPool2d`: `[…, h, w]` → `[…, h′, w′]`. Padding counts
    /// as zeros.
    AvgPool2d, 2, avg_pool2d;
}

/// The mean of each image: `[…, h, w]` → `[…]`. PyTorch's `nn.AdaptiveAvgPool2d(1)` without the axes of size 1, so that a
/// [`Linear`](crate::Linear) may follow.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::GlobalAvgPool2d;
///
/// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
/// assert_eq!(GlobalAvgPool2d.forward(tape.pass(&params).zeros([5, 8, 7, 7])).dims(), [5, 8]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GlobalAvgPool2d;

impl GlobalAvgPool2d {
    /// The mean over the last two axes; NaN of images without elements.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        x.global_avg_pool2d()
    }
}

/// The largest of each image: `[…, h, w]` → `[…]`. PyTorch's `nn.AdaptiveMaxPool2d(1)` without the axes of size 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GlobalMaxPool2d;

impl GlobalMaxPool2d {
    /// The largest over the last two axes; NaN if there is a NaN.
    ///
    /// # Panics
    /// If there are fewer than two axes, or images have no elements.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let rank = x.rank();
        assert!(rank >= 2, "GlobalMaxPool2d: at least 2 axes expected, the shape is {}", x.shape());
        x.max_axes(&[rank - 2, rank - 1], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::{Params, Tape, gradcheck};
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        /// Pooling a whole image by a window of its size is the global pool.
        #[test]
        fn a_window_of_the_image_is_the_global_pool(n in 0usize..3, c in 1usize..4, h in 1usize..5, w in 1usize..5) {
            let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(3));
            let x = Tensor::uniform([n, c, h, w], -1.0, 1.0, &mut rng);
            let pass = tape.pass(&params);
            let x_var = pass.input(&x);
            let largest = MaxPool2d::new([h, w]).forward(x_var).reshape([n, c]).to_tensor();
            prop_assert_eq!(largest, GlobalMaxPool2d.forward(x_var).to_tensor());
            let mean = AvgPool2d::new([h, w]).forward(x_var).reshape([n, c]);
            let error = (mean - GlobalAvgPool2d.forward(x_var)).abs().sum().item();
            prop_assert!(error < 1e-12);
            // The numbers are distinct, so that the largest has a slope.
            gradcheck([x.clone()], |[x]| GlobalMaxPool2d.forward(x))?;
            gradcheck([x], |[x]| GlobalAvgPool2d.forward(x))?;
        }

        #[test]
        fn one_axis_is_two_with_height_one(c in 1usize..4, l in 2usize..9) {
            let (params, mut tape, mut rng) = (Params::<f64>::new(), Tape::new(), Rng::new(3));
            let pass = tape.pass(&params);
            let x = pass.input(&Tensor::uniform([c, l], -1.0, 1.0, &mut rng));
            let high = x.reshape([c, 1, l]);
            let [line, image] = [MaxPool1d::new([2]).forward(x), MaxPool2d::new([1, 2]).forward(high)];
            prop_assert_eq!(line.to_tensor().into_vec(), image.to_tensor().into_vec());
            let [line, image] = [AvgPool1d::new([2]).forward(x), AvgPool2d::new([1, 2]).forward(high)];
            prop_assert_eq!(line.to_tensor().into_vec(), image.to_tensor().into_vec());
        }
    }
}
