//! Convolution and pooling: a window that slides over images.
//!
//! An image is `[channels, height, width]`. A [`Window`] of `k₁ × k₂` taps stops at every position of the output and
//! sees one number of each channel through each tap. [`Window::unfold`] writes what it sees at one position as one column
//! of a matrix, so that convolution becomes a matrix product: `Y = W · unfold(X)` (Chellapilla, Puri & Simard, 2006).
//! [`Window::fold`] is the adjoint, which carries gradients back.
//!
//! | file | what |
//! |---|---|
//! | `window` | [`Window`]: sizes, and which input each tap sees at each position |
//! | `unfold` | [`Window::unfold`], [`Window::fold`] |
//! | `conv` | [`ConvOptions`], and [`Convolution`]: its checked sizes, its parts, its forward |
//! | `pool` | [`Window::max_pool`], [`Window::avg_pool`] |
//! | `eager` | `conv1d`, `conv2d`, `max_pool1d`, … as methods of [`View`](crate::View) |
//!
//! One dimension is two with height 1.

mod conv;
mod eager;
mod pool;
mod unfold;
mod window;

pub use conv::{ConvOptions, Convolution, Part};
pub use window::{Run, Window};

/// What the tests of several files share.
#[cfg(test)]
mod testing {
    use super::Window;
    use proptest::prelude::*;

    /// A window over images of some size, which it fits: `(window, size)`. Any, or one whose positions are as many as the
    /// numbers of the image, or one of pairs side by side: the common ones, which have loops of their own.
    pub(super) fn windows() -> impl Strategy<Value = (Window<2>, [usize; 2])> {
        let axis = || (1_usize..4, 1_usize..4, 0_usize..3, 1_usize..4, 0_usize..8);
        (axis(), axis(), 0..3).prop_map(|(rows, columns, kind)| {
            let same = |(taps, _, _, dilation, more)| (2 * (taps / 2) + 1, 1, taps / 2 * dilation, dilation, more);
            let pair = |(_, _, _, _, more)| (2, 2, 0, 1, more);
            let axes = match kind {
                0 => [rows, columns],
                1 => [same(rows), same(columns)],
                _ => [rows, pair(columns)],
            };
            let [kernel, stride, padding, dilation] =
                [axes.map(|axis| axis.0), axes.map(|axis| axis.1), axes.map(|axis| axis.2), axes.map(|axis| axis.3)];
            // The smallest image that the window fits into, and some more.
            let size = axes.map(|(kernel, _, padding, dilation, more)| {
                (dilation * (kernel - 1) + 1).saturating_sub(2 * padding) + more
            });
            (Window { kernel, stride, padding, dilation }, size)
        })
    }

    /// Small integers, whose sums of products are exact.
    pub(super) fn integers(length: usize, seed: usize) -> Vec<f64> {
        (0..length).map(|i| ((i * 7 + seed * 3 + i / 5) % 11) as f64 - 5.0).collect()
    }
}
