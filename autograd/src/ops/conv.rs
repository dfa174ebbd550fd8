//! Convolution over one or two axes, by unfolding.
//!
//! For each image and group, convolution is one matrix product, `Y = W · U(X)`, where `U` unfolds the image into
//! columns: what the window sees at one position is one column (see [`Window::unfold`](thalweg_tensor::Window::unfold)).
//!
//! Only one image's columns exist at a time. They are `k₁·k₂` times the image, so keeping all of them from forward to
//! backward would cost far more memory than all else, and reading them back from far memory about what it costs to unfold
//! again: backward does that. The node keeps room for the columns of one image and group, behind the output for forward
//! and behind its gradient for backward.

use thalweg_tensor::kernels::{self, Matrix, gemm};
use thalweg_tensor::{ConvOptions, Convolution, Real};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// Convolution over one axis: `[n, c, l]` or `[c, l]`, weight `[out, c/groups, k]`, bias `[out]` → `[n, out, l′]` or
    /// `[out, l′]`. As in PyTorch, the kernel is not turned round.
    ///
    /// Forward `yₒ[i] = bₒ + Σ_c Σ_k w[o, c, k] x[c, s·i + d·k − p]` with stride `s`, dilation `d`, padding `p`, and 0
    /// for `x` outside; `l′ = ⌊(l + 2p − d(k − 1) − 1) / s⌋ + 1`. Backward as for [`conv2d`](Var::conv2d).
    ///
    /// # Panics
    /// If the shapes do not fit each other, or the kernel does not fit into the padded input.
    #[track_caller]
    pub fn conv1d(self, weight: Self, bias: Option<Self>, options: ConvOptions<1>) -> Self {
        self.convolve("conv1d", weight, bias, options)
    }

    /// Convolution over two axes: `[n, c, h, w]` or `[c, h, w]`, weight `[out, c/groups, k₁, k₂]`, bias `[out]` →
    /// `[n, out, h′, w′]` or `[out, h′, w′]`. As in PyTorch, the kernel is not turned round. The zeros of the padding are
    /// numbers like any others: a weight that is NaN or infinite makes NaN of them.
    ///
    /// Forward `Y = W · U(X) + b` for each image and group; backward, with `Uᵀ` the adjoint of unfolding, which adds each
    /// number of the columns to where it came from,
    ///
    /// ```text
    /// X̄ += Uᵀ(Wᵀ·Ȳ)      W̄ += Ȳ·U(X)ᵀ      b̄ += Σ ȳ over images and positions
    /// ```
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// use thalweg_tensor::{ConvOptions, Tensor};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let (x, w) = (pass.zeros([8, 3, 32, 32]), pass.zeros([16, 3, 3, 3]));
    /// let y = x.conv2d(w, None, ConvOptions { stride: [2, 2], padding: [1, 1], ..ConvOptions::default() });
    /// assert_eq!(y.dims(), [8, 16, 16, 16]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit each other, or the kernel does not fit into the padded input.
    #[track_caller]
    pub fn conv2d(self, weight: Self, bias: Option<Self>, options: ConvOptions<2>) -> Self {
        self.convolve("conv2d", weight, bias, options)
    }

    #[track_caller]
    fn convolve<const N: usize>(
        self,
        name: &'static str,
        weight: Self,
        bias: Option<Self>,
        options: ConvOptions<N>,
    ) -> Self {
        let sizes = Convolution::new(name, self.shape(), weight.shape(), bias.map(Var::shape), options);
        let ConvOptions { stride, padding, dilation, groups } = options;
        let moves = [stride, padding, dilation];
        let op = Op::new(name).attributes([groups]).indices(moves.as_flattened()).saving(sizes.room());
        let shape = sizes.output();
        let forward = |x: &[T], w: &[T], b: Option<&[T]>, y: &mut [T]| {
            let (y, room) = y.split_at_mut(shape.len());
            sizes.forward(x, w, b, room, y);
        };
        match bias {
            Some(bias) => self.pass.record(
                op,
                [self, weight, bias],
                shape,
                |[x, w, b], y| forward(x, w, Some(b), y),
                convolve_backward::<T, N>,
            ),
            None => self.pass.record(
                op,
                [self, weight],
                shape,
                |[x, w], y| forward(x, w, None, y),
                convolve_backward::<T, N>,
            ),
        }
    }
}

/// For each image and group: `X̄ += Uᵀ(Wᵀ·Ȳ)`, `W̄ += Ȳ·U(X)ᵀ`, `b̄ += Ȳ·1`.
fn convolve_backward<T: Real, const N: usize>(g: &mut Back<'_, T>) {
    let ([groups], moves) = (g.attributes(), g.indices().as_chunks::<N>().0);
    let options = ConvOptions { stride: moves[0], padding: moves[1], dilation: moves[2], groups };
    let sizes = Convolution::new("convolution", g.shape(0), g.shape(1), None, options);
    let ([m, k, n], room) = (sizes.product(), g.scratch());
    let (x, w, dy, has_bias) = (g.x(0), g.x(1), g.dy(), g.len() == 3);
    for part in sizes.parts() {
        let dy = Matrix::new(m, n, &dy[part.output]);
        if g.wants(1) {
            let columns = sizes.columns(&x[part.input.clone()], room);
            gemm(T::ONE, dy, columns.t(), T::ONE, &mut g.dx(1)[part.weight.clone()]);
        }
        if g.wants(0) {
            let w = Matrix::new(m, k, &w[part.weight]);
            sizes.add_folded(w.t(), dy, room, &mut g.dx(0)[part.input]);
        }
        if has_bias && g.wants(2) {
            let db = &mut g.dx(2)[part.bias];
            db.iter_mut().zip(dy.data.chunks_exact(n)).for_each(|(db, dy)| *db += kernels::sum(dy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::{ConvOptions, Tensor};

    /// Input (a batch, or one image), weight, bias, and options; the kernel fits.
    fn case() -> impl Strategy<Value = ([Tensor<f64>; 3], ConvOptions<2>)> {
        let axis = || (1usize..4, 1usize..3, 0usize..3, 1usize..3, 0usize..3);
        let channels = (0usize..3, 1usize..3, 1usize..3, 1usize..3);
        (channels, axis(), axis()).prop_flat_map(|((images, groups, depth, outputs), rows, columns)| {
            let axes = [rows, columns];
            let (kernel, stride) = (axes.map(|axis| axis.0), axes.map(|axis| axis.1));
            let (padding, dilation) = (axes.map(|axis| axis.2), axes.map(|axis| axis.3));
            let size = axes.map(|(kernel, _, padding, dilation, more)| {
                (dilation * (kernel - 1) + 1).saturating_sub(2 * padding).max(1) + more
            });
            let image = [groups * depth, size[0], size[1]];
            let x = if images == 0 { image.to_vec() } else { [&[images], &image[..]].concat() };
            let w = vec![groups * outputs, depth, kernel[0], kernel[1]];
            let parts = (tensor(x, -2.0, 2.0), tensor(w, -2.0, 2.0), tensor(vec![groups * outputs], -2.0, 2.0));
            let options = ConvOptions { stride, padding, dilation, groups };
            parts.prop_map(move |(x, w, b)| ([x, w, b], options))
        })
    }

    proptest! {
        #[test]
        fn conv2d_gradient(([x, w, b], options) in case()) {
            gradcheck([x.clone(), w.clone(), b], |[x, w, b]| x.conv2d(w, Some(b), options))?;
            gradcheck([x, w], |[x, w]| x.conv2d(w, None, options))?;
        }

        #[test]
        fn conv1d_gradient(([x, w, b], options) in case()) {
            // The image's rows as one line: the kernel's first row slides along it.
            let (dims, [outputs, depth, _, kernel]) = (x.shape(), [0, 1, 2, 3].map(|axis| w.shape().dims()[axis]));
            let line = dims.without(dims.rank() - 1).with(dims.rank() - 2, dims.dims()[dims.rank() - 2..].iter().product());
            let w = Tensor::from_fn([outputs, depth, kernel], |i| w.as_slice()[i]);
            let options = ConvOptions {
                stride: [options.stride[1]], padding: [4], dilation: [options.dilation[1]], groups: options.groups,
            };
            gradcheck([x.reshape(line), w, b], |[x, w, b]| x.conv1d(w, Some(b), options))?;
        }

        #[test]
        fn the_tape_and_the_eager_form_agree(([x, w, b], options) in case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let y = pass.input(&x).conv2d(pass.input(&w), Some(pass.input(&b)), options);
            prop_assert_eq!(y.to_tensor(), x.view().conv2d(&w, Some(b.view()), options));
        }
    }

    #[test]
    fn an_empty_batch_has_no_gradient() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2, 1, 3, 3], |_| 1.0);
        let (mut tape, mut grads) = (Tape::new(), crate::Grads::like(&params));
        let pass = tape.pass(&params);
        let y = pass.zeros([0, 1, 5, 5]).conv2d(pass.param(w), None, ConvOptions::default());
        assert_eq!(y.dims(), [0, 2, 3, 3]);
        y.sum().backward(&mut grads);
        assert!(grads.of(w).iter().all(|&g| g == 0.0));
    }

    #[test]
    #[should_panic(expected = "conv2d: the window does not fit into an image of [2, 5]")]
    fn conv2d_panics_on_a_kernel_larger_than_the_input() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([1, 2, 5]).conv2d(pass.zeros([1, 1, 3, 3]), None, ConvOptions::default());
    }
}
