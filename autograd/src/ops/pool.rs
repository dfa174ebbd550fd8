//! Pooling: the largest or the mean of what a sliding window sees.

use thalweg_tensor::{Real, Shape, Window};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// The largest in a window that slides over the last axis: `[…, l]` → `[…, l′]`, NaN if there is a NaN. As
    /// [`max_pool2d`](Var::max_pool2d).
    ///
    /// # Panics
    /// If the window does not fit into the padded input, or the padding is more than half of it.
    #[track_caller]
    pub fn max_pool1d(self, window: Window<1>) -> Self {
        self.pool("max_pool1d", window, Window::max_pool, max_pool_backward::<T, 1>, 1)
    }

    /// The largest in a window that slides over the last two axes: `[…, h, w]` → `[…, h′, w′]`, NaN if there is a NaN.
    /// Padding counts as −∞. The gradient goes to the first of equals, row by row.
    ///
    /// Forward `y = maxᵢ xᵢ` over what the window sees; backward `x̄ᵢ* += ȳ`, where `i*` is the first with `xᵢ* = y`.
    /// It is looked for again in backward: nothing is kept, but backward needs room for what of ȳ has not found its place.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// use thalweg_tensor::{Tensor, Window};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let x = pass.input(&Tensor::new([1, 2, 4], vec![1.0, 5.0, 2.0, 0.0, 3.0, 4.0, 8.0, 1.0]));
    /// assert_eq!(x.max_pool2d(Window::tiling([2, 2])).to_tensor(), Tensor::new([1, 1, 2], vec![5.0, 8.0]));
    /// ```
    ///
    /// # Panics
    /// If the window does not fit into the padded input, or the padding is more than half of it.
    #[track_caller]
    pub fn max_pool2d(self, window: Window<2>) -> Self {
        self.pool("max_pool2d", window, Window::max_pool, max_pool_backward::<T, 2>, 1)
    }

    /// The mean of a window that slides over the last axis: `[…, l]` → `[…, l′]`. As [`avg_pool2d`](Var::avg_pool2d).
    ///
    /// # Panics
    /// If the window does not fit into the padded input, or the padding is more than half of it.
    #[track_caller]
    pub fn avg_pool1d(self, window: Window<1>) -> Self {
        self.pool("avg_pool1d", window, Window::avg_pool, avg_pool_backward::<T, 1>, 0)
    }

    /// The mean of a window that slides over the last two axes: `[…, h, w]` → `[…, h′, w′]`. Padding counts as zeros,
    /// PyTorch's `count_include_pad=True`; to leave it out, divide by the pool of ones.
    ///
    /// Forward `y = (1/k₁k₂) Σᵢ xᵢ` over what the window sees; backward `x̄ᵢ += ȳ/k₁k₂` for each of them.
    ///
    /// # Panics
    /// If the window does not fit into the padded input, or the padding is more than half of it.
    #[track_caller]
    pub fn avg_pool2d(self, window: Window<2>) -> Self {
        self.pool("avg_pool2d", window, Window::avg_pool, avg_pool_backward::<T, 2>, 0)
    }

    /// The mean of each image: `[…, h, w]` → `[…]`. PyTorch's `adaptive_avg_pool2d(1)` without the axes of 1.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn global_avg_pool2d(self) -> Self {
        let shape = self.shape();
        let Some((leading, &[height, width])) = shape.dims().split_last_chunk() else {
            panic!("global_avg_pool2d: at least 2 axes expected, the shape is {shape}");
        };
        self.reshape(Shape::from(leading).inserted(leading.len(), height * width)).mean_axis(leading.len())
    }

    /// `room`: how many numbers backward needs for each position.
    #[track_caller]
    fn pool<const N: usize>(
        self,
        name: &'static str,
        window: Window<N>,
        forward: fn(&Window<2>, &[T], [usize; 2], &mut [T]),
        backward: fn(&mut Back<'_, T>),
        room: usize,
    ) -> Self {
        let (shape, output) = (self.shape(), window.pooled(name, self.shape()));
        let Window { kernel, stride, padding, dilation } = window;
        let moves = [kernel, stride, padding, dilation];
        let op = Op::new(name).indices(moves.as_flattened()).saving(room * output.len());
        let forward =
            |[x]: [&[T]; 1], y: &mut [T]| forward(&window.planar(), x, image_size::<N>(shape), &mut y[..output.len()]);
        self.pass.record(op, [self], output, forward, backward)
    }
}

/// The size of the images in the last `N` axes: one axis is a row.
fn image_size<const N: usize>(shape: Shape) -> [usize; 2] {
    let dims = shape.dims();
    [if N == 1 { 1 } else { dims[dims.len() - 2] }, dims[dims.len() - 1]]
}

/// The window, and the size of the images it slides over.
fn recall<T: Real, const N: usize>(g: &Back<'_, T>) -> (Window<2>, [usize; 2]) {
    let moves = g.indices().as_chunks::<N>().0;
    let window = Window { kernel: moves[0], stride: moves[1], padding: moves[2], dilation: moves[3] };
    (window.planar(), image_size::<N>(g.shape(0)))
}

/// Gives each `ȳ` to the first that the window sees that equals `y`; to the first NaN if `y` is NaN; to none if there is
/// only padding.
fn max_pool_backward<T: Real, const N: usize>(g: &mut Back<'_, T>) {
    let ((window, size), left) = (recall::<T, N>(g), g.scratch());
    left.copy_from_slice(g.dy());
    window.max_pool_adjoint(g.x(0), g.y(), left, size, g.dx(0));
}

/// Spreads each `ȳ` evenly over what the window sees.
fn avg_pool_backward<T: Real, const N: usize>(g: &mut Back<'_, T>) {
    let (window, size) = recall::<T, N>(g);
    window.avg_pool_adjoint(g.dy(), size, g.dx(0));
}

#[cfg(test)]
mod tests {
    use crate::{Grads, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::{Tensor, Window};

    /// Images `[c, h, w]` or `[n, c, h, w]` of different tenths, so that the largest stays the largest under a small
    /// change, and a window that fits.
    fn case() -> impl Strategy<Value = (Tensor<f64>, Window<2>)> {
        let axis = || (1usize..4, 1usize..4, 0usize..3, 1usize..3, 0usize..3);
        (axis(), axis(), 0usize..3, 1usize..3).prop_flat_map(|(rows, columns, images, channels)| {
            let axes = [rows, columns];
            let span = |kernel: usize, dilation: usize| dilation * (kernel - 1) + 1;
            let window = Window {
                kernel: axes.map(|axis| axis.0),
                stride: axes.map(|axis| axis.1),
                padding: axes.map(|(kernel, _, padding, dilation, _)| padding.min(span(kernel, dilation) / 2)),
                dilation: axes.map(|axis| axis.3),
            };
            let size = axes.map(|(kernel, _, _, dilation, more)| span(kernel, dilation) + more);
            let dims: Vec<usize> =
                (images > 0).then_some(images).into_iter().chain([channels, size[0], size[1]]).collect();
            let numbers: Vec<f64> = (0..dims.iter().product::<usize>()).map(|i| i as f64 / 10.0).collect();
            let x = Just(numbers).prop_shuffle().prop_map(move |data| Tensor::new(dims.as_slice(), data));
            (x, Just(window))
        })
    }

    /// The last axis of a window.
    fn line(w: Window<2>) -> Window<1> {
        Window::new([w.kernel[1]]).stride([w.stride[1]]).padding([w.padding[1]]).dilation([w.dilation[1]])
    }

    proptest! {
        #[test]
        fn max_pool_gradient((x, window) in case()) {
            gradcheck([x.clone()], |[x]| x.max_pool2d(window))?;
            gradcheck([x], |[x]| x.max_pool1d(line(window)))?;
        }

        #[test]
        fn avg_pool_gradient((x, window) in case()) {
            gradcheck([x.clone()], |[x]| x.avg_pool2d(window))?;
            gradcheck([x], |[x]| x.avg_pool1d(line(window)))?;
        }

        #[test]
        fn global_avg_pool_is_avg_pool_with_a_window_of_the_whole_image((x, _) in case()) {
            gradcheck([x.clone()], |[x]| x.global_avg_pool2d())?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let whole = Window::new(*x.shape().dims().last_chunk().ok_or(TestCaseError::fail("two axes"))?);
            let mean = pass.input(&x).global_avg_pool2d().to_tensor();
            prop_assert_eq!(mean.shape(), x.view().global_avg_pool2d().shape());
            let eager = x.view().global_avg_pool2d();
            let pooled = pass.input(&x).avg_pool2d(whole).to_tensor();
            for ((a, b), c) in mean.as_slice().iter().zip(pooled.as_slice()).zip(eager.as_slice()) {
                prop_assert!((a - b).abs() < 1e-12 && (a - c).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_first_of_equals_gets_the_gradient_and_padding_none() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&Tensor::new([1, 5], vec![-1.0, 3.0, 3.0, f64::NAN, f64::NAN]));
        let y = x.max_pool1d(Window::new([2]).padding([1]));
        y.backward_from(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0], &mut Grads::like(&params));
        y.with(|y| assert!(y[..3] == [-1.0, 3.0, 3.0] && y[3..].iter().all(|y| y.is_nan())));
        let mut dx = [0.5; 5];
        x.grad_to(&mut dx);
        assert_eq!(dx, [1.0, 6.0, 0.0, 24.0, 32.0]);
    }

    #[test]
    fn an_empty_batch_pools_to_an_empty_batch() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let x = pass.leaf(&Tensor::zeros([0, 3, 4, 4]));
        for y in [x.max_pool2d(Window::tiling([2, 2])), x.avg_pool2d(Window::tiling([2, 2]))] {
            assert_eq!(y.dims(), [0, 3, 2, 2]);
            y.sum().backward(&mut Grads::like(&params));
        }
        assert_eq!(x.global_avg_pool2d().dims(), [0, 3]);
    }

    #[test]
    #[should_panic(expected = "avg_pool2d: the window does not fit into an image of [3, 4]")]
    fn a_window_larger_than_the_image_panics() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([1, 3, 4]).avg_pool2d(Window::tiling([4, 4]));
    }
}
