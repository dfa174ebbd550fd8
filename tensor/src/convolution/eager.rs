//! Convolution and pooling of whole tensors, without a tape.

use super::window::planar;
use super::{ConvOptions, Convolution, Window};
use crate::{AsView, Real, Shape, Tensor, View};
use std::borrow::Cow;

impl<'a, T: Real> View<'a, T> {
    /// Convolution over one axis: `[n, c, l]` or `[c, l]`, weight `[out, c/groups, k]`, bias `[out]` → `[n, out, l′]` or
    /// `[out, l′]`. As in PyTorch the kernel is not turned round: `yₒ[i] = bₒ + Σ_c Σ_k w[o, c, k] x[c, s·i + d·k − p]`
    /// with stride `s`, dilation `d` and padding `p`.
    ///
    /// ```
    /// use thalweg_tensor::{ConvOptions, Tensor};
    ///
    /// let x = Tensor::new([1, 4], vec![1.0_f32, 4.0, 9.0, 16.0]);
    /// let difference = Tensor::new([1, 1, 2], vec![-1.0, 1.0]);
    /// assert_eq!(x.conv1d(&difference, None, ConvOptions::default()).as_slice(), [3.0, 5.0, 7.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When the shapes do not fit each other, or the kernel does not fit into the padded input.
    #[track_caller]
    pub fn conv1d(self, weight: impl AsView<T>, bias: Option<View<'_, T>>, options: ConvOptions<1>) -> Tensor<T> {
        self.convolve("conv1d", weight.as_view(), bias, options)
    }

    /// Convolution over two axes: `[n, c, h, w]` or `[c, h, w]`, weight `[out, c/groups, k₁, k₂]`, bias `[out]` →
    /// `[n, out, h′, w′]` or `[out, h′, w′]`. As in PyTorch the kernel is not turned round. The zeros of the padding are
    /// numbers like any others: a weight that is NaN or infinite makes NaN of them.
    ///
    /// ```
    /// use thalweg_tensor::{ConvOptions, Tensor};
    ///
    /// let (image, kernel) = (Tensor::<f32>::ones([1, 3, 4]), Tensor::ones([1, 1, 2, 2]));
    /// let y = image.conv2d(&kernel, None, ConvOptions { padding: [1, 0], ..ConvOptions::default() });
    /// assert_eq!(y.shape().dims(), [1, 4, 3]);
    /// assert_eq!(y.row(0).row(0).to_tensor().as_slice(), [2.0, 2.0, 2.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When the shapes do not fit each other, or the kernel does not fit into the padded input.
    #[track_caller]
    pub fn conv2d(self, weight: impl AsView<T>, bias: Option<View<'_, T>>, options: ConvOptions<2>) -> Tensor<T> {
        self.convolve("conv2d", weight.as_view(), bias, options)
    }

    /// The largest in a window that slides over the last axis: `[…, l]` → `[…, l′]`; NaN if there is a NaN. Padding
    /// counts as −∞.
    ///
    /// # Panics
    ///
    /// When the window does not fit into the padded input, or the padding is more than half of it.
    #[track_caller]
    pub fn max_pool1d(self, window: Window<1>) -> Tensor<T> {
        self.pool("max_pool1d", window, Window::max_pool)
    }

    /// The largest in a window that slides over the last two axes: `[…, h, w]` → `[…, h′, w′]`; NaN if there is a NaN.
    /// Padding counts as −∞.
    ///
    /// ```
    /// use thalweg_tensor::{Tensor, Window};
    ///
    /// let x = Tensor::new([1, 2, 4], vec![1.0_f32, 5.0, 2.0, 0.0, 3.0, 4.0, 8.0, 1.0]);
    /// assert_eq!(x.max_pool2d(Window::tiling([2, 2])), Tensor::new([1, 1, 2], vec![5.0, 8.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`max_pool1d`](View::max_pool1d).
    #[track_caller]
    pub fn max_pool2d(self, window: Window<2>) -> Tensor<T> {
        self.pool("max_pool2d", window, Window::max_pool)
    }

    /// The mean of a window that slides over the last axis: `[…, l]` → `[…, l′]`. Padding counts as zeros, PyTorch's
    /// `count_include_pad=True`.
    ///
    /// # Panics
    ///
    /// As [`max_pool1d`](View::max_pool1d).
    #[track_caller]
    pub fn avg_pool1d(self, window: Window<1>) -> Tensor<T> {
        self.pool("avg_pool1d", window, Window::avg_pool)
    }

    /// The mean of a window that slides over the last two axes: `[…, h, w]` → `[…, h′, w′]`. Padding counts as zeros,
    /// PyTorch's `count_include_pad=True`.
    ///
    /// # Panics
    ///
    /// As [`max_pool1d`](View::max_pool1d).
    #[track_caller]
    pub fn avg_pool2d(self, window: Window<2>) -> Tensor<T> {
        self.pool("avg_pool2d", window, Window::avg_pool)
    }

    /// The mean of each image: `[…, h, w]` → `[…]`. NaN for images without numbers.
    ///
    /// # Panics
    ///
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn global_avg_pool2d(self) -> Tensor<T> {
        let shape = self.shape();
        let Some((leading, &[height, width])) = shape.dims().split_last_chunk() else {
            panic!("global_avg_pool2d: at least 2 axes expected, the shape is {shape}");
        };
        let (numbers, x) = (height * width, self.numbers());
        let mean = |i: usize| crate::kernels::sum(&x[i * numbers..][..numbers]) / T::from_f64(numbers as f64);
        Tensor::from_fn(leading, mean)
    }

    #[track_caller]
    fn convolve<const N: usize>(
        self,
        op: &str,
        weight: View<'_, T>,
        bias: Option<View<'_, T>>,
        options: ConvOptions<N>,
    ) -> Tensor<T> {
        let sizes = Convolution::new(op, self.shape(), weight.shape(), bias.map(|bias| bias.shape()), options);
        let (mut y, mut room) = (Tensor::zeros(sizes.output()), vec![T::ZERO; sizes.room()]);
        let (x, weight, bias) = (self.numbers(), weight.numbers(), bias.map(View::numbers));
        sizes.forward(&x, &weight, bias.as_deref(), &mut room, y.as_mut_slice());
        y
    }

    #[track_caller]
    fn pool<const N: usize>(
        self,
        op: &str,
        window: Window<N>,
        pool: impl FnOnce(&Window<2>, &[T], [usize; 2], &mut [T]),
    ) -> Tensor<T> {
        let mut y = Tensor::zeros(window.pooled(op, self.shape()));
        pool(&window.planar(), &self.numbers(), last_axes::<N>(self.shape()), y.as_mut_slice());
        y
    }

    /// The elements in row-major order, copied only if they lie otherwise.
    fn numbers(self) -> Cow<'a, [T]> {
        self.as_slice().map_or_else(|| self.iter().collect(), Cow::Borrowed)
    }
}

/// The size of the images that the last `N` axes hold, of which there are at least as many.
fn last_axes<const N: usize>(shape: Shape) -> [usize; 2] {
    shape.dims().last_chunk::<N>().map_or([1, 1], |&size| planar(size, 1))
}
