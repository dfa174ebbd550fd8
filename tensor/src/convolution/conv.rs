//! Convolution as matrix products.

use super::Window;
use super::window::planar;
use crate::kernels::{Matrix, gemm};
use crate::{Real, Shape};
use std::ops::Range;

/// How a convolution over `N` axes moves; the kernel's size is that of the weight. PyTorch's names and defaults.
///
/// ```
/// use thalweg_tensor::{ConvOptions, Tensor};
///
/// let (image, weight) = (Tensor::<f32>::ones([1, 5, 5]), Tensor::ones([2, 1, 3, 3]));
/// let same = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
/// let y = image.view().conv2d(&weight, None, same);
/// assert_eq!((y.shape().dims(), y.view().at(&[0, 0, 0]), y.view().at(&[1, 2, 2])), (&[2, 5, 5][..], 4.0, 9.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "[usize; N]: serde::Serialize", deserialize = "[usize; N]: serde::Deserialize<'de>"))
)]
pub struct ConvOptions<const N: usize> {
    /// How far apart neighbouring positions lie: 1.
    pub stride: [usize; N],
    /// How many zeros surround the image, at either end: 0.
    pub padding: [usize; N],
    /// How far apart neighbouring taps of the kernel lie: 1.
    pub dilation: [usize; N],
    /// Into how many groups the channels are cut; each group of outputs sees its own group of inputs only: 1.
    pub groups: usize,
}

impl<const N: usize> Default for ConvOptions<N> {
    fn default() -> Self {
        ConvOptions { stride: [1; N], padding: [0; N], dilation: [1; N], groups: 1 }
    }
}

/// The sizes of one convolution, checked: the matrix products that it consists of.
///
/// For each image and group, a [`Part`], it is one product `Y [m, n] = W [m, k] · columns [k, n]` with `m` outputs,
/// `k = channels·k₁·k₂` and `n` positions.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    window: Window<2>,
    size: [usize; 2],
    groups: usize,
    images: usize,
    product: [usize; 3],
    channels: usize,
    output: Shape,
}

/// One image and one group of its channels: where its numbers lie.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its channels, in the input.
    pub input: Range<usize>,
    /// Its rows of the weight.
    pub weight: Range<usize>,
    /// Its outputs, among all outputs: where its numbers lie in the bias.
    pub bias: Range<usize>,
    /// Its channels, in the output.
    pub output: Range<usize>,
}

impl Convolution {
    /// The convolution of an input `[n, c, …]` or `[c, …]` with a weight `[out, c/groups, …]`, where `…` are `N` sizes,
    /// and a bias `[out]`; `op` is its name in messages.
    ///
    /// # Panics
    ///
    /// When the shapes do not fit each other, or the kernel does not fit into the padded input.
    #[track_caller]
    pub fn new<const N: usize>(
        op: &str,
        input: Shape,
        weight: Shape,
        bias: Option<Shape>,
        options: ConvOptions<N>,
    ) -> Self {
        let ConvOptions { stride, padding, dilation, groups } = options;
        let (Some((leading, size)), Some((&[outputs, depth], kernel))) =
            (input.dims().split_last_chunk::<N>(), weight.dims().split_last_chunk::<N>())
        else {
            panic!("{op}: an input [n, c, …] or [c, …] and a weight [out, c/groups, …] expected: {input} and {weight}");
        };
        let (images, channels) = match *leading {
            [channels] => (1, channels),
            [images, channels] => (images, channels),
            _ => panic!("{op}: an input of {} or {} axes expected: {input}", N + 1, N + 2),
        };
        let fits = groups > 0 && depth.checked_mul(groups) == Some(channels) && outputs.is_multiple_of(groups);
        assert!(fits, "{op}: channels do not fit in {groups} groups: {input} and {weight}");
        if let Some(bias) = bias {
            assert!(bias == Shape::from([outputs]), "{op}: bias {bias} for weight {weight}");
        }
        let window = Window { kernel: *kernel, stride, padding, dilation };
        let positions = window.output_for(op, *size);
        let mut output = input.with(leading.len() - 1, outputs);
        for (axis, &size) in positions.iter().enumerate() {
            output = output.with(leading.len() + axis, size);
        }
        let product = [outputs / groups, depth * kernel.iter().product::<usize>(), positions.iter().product()];
        let columns = product[1].checked_mul(product[2]);
        assert!(columns.is_some(), "{op}: too many columns: {input} and {weight}");
        let size = planar(*size, 1);
        Convolution { window: window.planar(), size, groups, images, product, channels: depth, output }
    }

    /// The shape of the output: `[n, out, …]` or `[out, …]`.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// The sizes `[m, k, n]` of the matrix product of each part.
    pub fn product(&self) -> [usize; 3] {
        self.product
    }

    /// How many numbers of room unfolding needs: one part's columns. A kernel of one tap with stride 1 and no padding
    /// needs none, since its columns are the input itself.
    pub fn room(&self) -> usize {
        if self.window == Window::new([1, 1]) { 0 } else { self.product[1] * self.product[2] }
    }

    /// Every image and group, in the order in which they lie in input and output.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let ([m, k, n], groups) = (self.product, self.groups);
        let input = self.channels * self.size[0] * self.size[1];
        let nth = |i: usize, length: usize| i * length..(i + 1) * length;
        (0..self.images * groups).map(move |i| Part {
            input: nth(i, input),
            weight: nth(i % groups, m * k),
            bias: nth(i % groups, m),
            output: nth(i, m * n),
        })
    }

    /// The columns `[k, n]` of one part's input, unfolded into `room` if need be.
    #[track_caller]
    pub fn columns<'a, T: Real>(&self, input: &'a [T], room: &'a mut [T]) -> Matrix<'a, T> {
        let [_, k, n] = self.product;
        let columns = if self.room() == 0 {
            input
        } else {
            self.window.unfold(input, self.size, room);
            room
        };
        Matrix::new(k, n, columns)
    }

    /// Adds the product `A · B`, the gradient of one part's columns, to the gradient of its input: the adjoint of
    /// [`columns`](Convolution::columns).
    #[track_caller]
    pub fn add_folded<T: Real>(&self, a: Matrix<T>, b: Matrix<T>, room: &mut [T], input: &mut [T]) {
        if self.room() == 0 {
            gemm(T::ONE, a, b, T::ONE, input);
        } else {
            gemm(T::ONE, a, b, T::ZERO, room);
            self.window.fold(room, self.size, input);
        }
    }

    /// The convolution itself: `Y = W · columns + b` for each part. `room` holds [`room`](Convolution::room) numbers.
    ///
    /// # Panics
    ///
    /// When a slice has another length than its shape.
    #[track_caller]
    pub fn forward<T: Real>(&self, x: &[T], weight: &[T], bias: Option<&[T]>, room: &mut [T], y: &mut [T]) {
        let [m, k, n] = self.product;
        for part in self.parts() {
            let (y, mut beta) = (&mut y[part.output], T::ZERO);
            if let Some(bias) = bias {
                y.chunks_exact_mut(n).zip(&bias[part.bias]).for_each(|(y, &b)| y.fill(b));
                beta = T::ONE;
            }
            let columns = self.columns(&x[part.input], room);
            gemm(T::ONE, Matrix::new(m, k, &weight[part.weight]), columns, beta, y);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{integers, windows};
    use super::*;
    use crate::{Tensor, View};
    use proptest::prelude::*;

    /// The seven loops: images, outputs, two axes of positions, channels of the group, two axes of taps.
    fn conv2d_naive(x: View<f64>, weight: View<f64>, bias: &[f64], options: ConvOptions<2>, y: Shape) -> Tensor<f64> {
        let (x_sizes, w_sizes, strides) = (x.shape(), weight.shape(), y.strides());
        Tensor::from_fn(y, |flat| {
            let [image, output, row, column] = [0, 1, 2, 3].map(|axis| flat / strides[axis] % y.dims()[axis]);
            let group = output / (w_sizes.dims()[0] / options.groups);
            let mut sum = bias[output];
            for channel in 0..w_sizes.dims()[1] {
                for (i, j) in (0..w_sizes.dims()[2]).flat_map(|i| (0..w_sizes.dims()[3]).map(move |j| (i, j))) {
                    let at = [(0, row, i), (1, column, j)].map(|(axis, position, tap)| {
                        (position * options.stride[axis] + tap * options.dilation[axis])
                            .checked_sub(options.padding[axis])
                            .filter(|&at| at < x_sizes.dims()[axis + 2])
                    });
                    if let [Some(row), Some(column)] = at {
                        let seen = x.at(&[image, group * w_sizes.dims()[1] + channel, row, column]);
                        sum += weight.at(&[output, channel, i, j]) * seen;
                    }
                }
            }
            sum
        })
    }

    proptest! {
        #[test]
        fn convolution_matches_the_seven_loops(
            (window, [height, width]) in windows(),
            (images, groups, depth, outputs) in (0_usize..3, 1_usize..4, 0_usize..3, 0_usize..3),
        ) {
            let (channels, outputs, [rows, columns]) = (groups * depth, groups * outputs, window.kernel);
            let tensor = |dims: [usize; 4], seed| Tensor::new(dims, integers(dims.iter().product(), seed));
            let x = tensor([images, channels, height, width], 1);
            let (weight, bias) = (tensor([outputs, depth, rows, columns], 2), integers(outputs, 3));
            let Window { stride, padding, dilation, .. } = window;
            let options = ConvOptions { stride, padding, dilation, groups };
            let y = x.view().conv2d(&weight, Some(View::from(&bias)), options);
            let expected = conv2d_naive(x.view(), weight.view(), &bias, options, y.shape());
            prop_assert_eq!(&y, &expected);

            // Without a bias, one image alone, and strided operands.
            let without = x.view().conv2d(&weight, None, options);
            prop_assert_eq!(&without, &conv2d_naive(x.view(), weight.view(), &vec![0.0; outputs], options, y.shape()));
            for image in 0..images {
                let alone = |t: &Tensor<f64>| t.view().slice(0, image..image + 1).to_tensor();
                let one = alone(&x).reshape([channels, height, width]);
                let result = one.view().conv2d(&weight, Some(View::from(&bias)), options);
                prop_assert_eq!(result.into_vec(), alone(&y).into_vec());
            }
            let turned = x.view().transpose().to_tensor();
            prop_assert_eq!(turned.view().transpose().conv2d(&weight, Some(View::from(&bias)), options), y);
        }

        #[test]
        fn one_axis_is_two_with_height_1((window, [_, width]) in windows(), images in 0_usize..3) {
            let columns = window.kernel[1];
            let [x, w] = [[images, 2, width], [3, 2, columns]].map(|dims| Tensor::from_fn(dims, |i| (i % 7) as f64 - 3.0));
            let options = ConvOptions {
                stride: [window.stride[1]], padding: [window.padding[1]], dilation: [window.dilation[1]], groups: 1,
            };
            let wide = ConvOptions {
                stride: [1, options.stride[0]], padding: [0, options.padding[0]], dilation: [1, options.dilation[0]], groups: 1,
            };
            let (line, plane) = (x.view().conv1d(&w, None, options), {
                let (x, w) = (x.clone().reshape([images, 2, 1, width]), w.clone().reshape([3, 2, 1, columns]));
                x.view().conv2d(&w, None, wide)
            });
            prop_assert_eq!(line.shape(), plane.shape().without(2));
            prop_assert_eq!(line.as_slice(), plane.as_slice());
        }
    }

    #[test]
    fn a_nan_reaches_every_output_that_sees_it_and_no_other() {
        let mut x = Tensor::<f32>::ones([1, 6]);
        x.as_mut_slice()[2] = f32::NAN;
        let y = x.view().conv1d(Tensor::zeros([1, 1, 2]), None, ConvOptions::default());
        assert_eq!(y.as_slice().iter().map(|y| y.is_nan()).collect::<Vec<_>>(), [false, true, true, false, false]);
        let padded = ConvOptions { padding: [2], ..ConvOptions::default() };
        let y = View::new([1, 1], &[1.0_f32]).conv1d(Tensor::full([1, 1, 1], f32::INFINITY), None, padded);
        assert!(y.as_slice()[0].is_nan() && y.as_slice()[2] == f32::INFINITY);
    }

    #[test]
    #[should_panic(expected = "conv2d: channels do not fit in 2 groups: [3, 5, 5] and [4, 2, 3, 3]")]
    fn groups_that_do_not_fit_panic() {
        let (x, w) = (Tensor::<f32>::zeros([3, 5, 5]), Tensor::zeros([4, 2, 3, 3]));
        x.view().conv2d(&w, None, ConvOptions { groups: 2, ..ConvOptions::default() });
    }

    #[test]
    #[should_panic(expected = "conv1d: the window does not fit into an image of [2]")]
    fn a_kernel_larger_than_the_input_panics() {
        let (x, w) = (Tensor::<f32>::zeros([1, 2]), Tensor::zeros([1, 1, 3]));
        x.view().conv1d(&w, None, ConvOptions::default());
    }

    #[test]
    #[should_panic(expected = "conv2d: bias [3] for weight [4, 3, 1, 1]")]
    fn a_bias_of_another_length_panics() {
        let (x, w) = (Tensor::<f32>::zeros([3, 5, 5]), Tensor::zeros([4, 3, 1, 1]));
        x.view().conv2d(&w, Some(View::from(&[0.0; 3])), ConvOptions::default());
    }
}
