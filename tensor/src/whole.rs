//! What a tensor does by way of its view, without the word: `x.row(0)` is `x.view().row(0)`.

use crate::{AsView, AxisIndex, AxisRange, ConvOptions, Elements, Norm, NotClose, Real, Shape, Tensor, View, Window};

/// Methods of `Tensor` that call the method of `View` with the same name.
macro_rules! of_the_whole {
    ($($name:ident$(<const $size:ident: usize>)?($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// Methods of the tensor's [`View`], which has their documentation: each is that of the same name, and panics
        /// where that does.
        impl<T: Real> Tensor<T> {
            $(
                #[doc = concat!("[`View::", stringify!($name), "`] of the whole tensor.")]
                #[track_caller]
                pub fn $name$(<const $size: usize>)?(&self, $($argument: $type),*) $(-> $result)? {
                    self.view().$name($($argument),*)
                }
            )*
        }
    };
}

// Elements.
of_the_whole! {
    at(index: &[usize]) -> T;
    iter() -> Elements<'_, T>;
    allclose(expected: impl AsView<T>, rtol: f64, atol: f64) -> bool;
    check_close(expected: impl AsView<T>, rtol: f64, atol: f64) -> Result<(), NotClose>;
    map(f: impl Fn(T) -> T) -> Tensor<T>;
    zip_with(other: impl AsView<T>, f: impl Fn(T, T) -> T) -> Tensor<T>;
    clamp(low: T, high: T) -> Tensor<T>;
    where_(mask: impl AsView<T>, other: impl AsView<T>) -> Tensor<T>;
}

// Views: nothing is copied.
of_the_whole! {
    transpose() -> View<'_, T>;
    matrix_transpose() -> View<'_, T>;
    permute(axes: &[usize]) -> View<'_, T>;
    swap_axes(a: usize, b: usize) -> View<'_, T>;
    broadcast_to(shape: impl Into<Shape>) -> View<'_, T>;
    squeeze(axis: usize) -> View<'_, T>;
    unsqueeze(axis: usize) -> View<'_, T>;
    slice(axis: usize, range: impl AxisRange) -> View<'_, T>;
    step_by(axis: usize, step: usize) -> View<'_, T>;
    select(axis: usize, index: impl AxisIndex) -> View<'_, T>;
    row(index: impl AxisIndex) -> View<'_, T>;
    split<const N: usize>(axis: usize) -> [View<'_, T>; N];
    split_at(axis: usize, index: impl AxisIndex) -> [View<'_, T>; 2];
}

// Reductions.
of_the_whole! {
    sum() -> T;
    mean() -> T;
    var(unbiased: bool) -> T;
    norm() -> T;
    max() -> T;
    min() -> T;
    sum_axes(axes: &[usize], keep_dims: bool) -> Tensor<T>;
    mean_axes(axes: &[usize], keep_dims: bool) -> Tensor<T>;
    var_axes(axes: &[usize], unbiased: bool, keep_dims: bool) -> Tensor<T>;
    norm_axes(norm: Norm, axes: &[usize], keep_dims: bool) -> Tensor<T>;
    max_axes(axes: &[usize], keep_dims: bool) -> Tensor<T>;
    min_axes(axes: &[usize], keep_dims: bool) -> Tensor<T>;
    log_sum_exp_axes(axes: &[usize], keep_dims: bool) -> Tensor<T>;
    sum_axes_to(axes: &[usize], output: &mut [T]);
    norm_axes_to(norm: Norm, axes: &[usize], output: &mut [T]);
    max_axes_to(axes: &[usize], output: &mut [T]);
    min_axes_to(axes: &[usize], output: &mut [T]);
    log_sum_exp_axes_to(axes: &[usize], output: &mut [T]);
    argmax(axis: usize) -> Vec<usize>;
    argmin(axis: usize) -> Vec<usize>;
    cumsum(axis: usize) -> Tensor<T>;
}

// Indexing, padding, products.
of_the_whole! {
    index_select(axis: usize, indices: &[usize]) -> Tensor<T>;
    gather(axis: usize, indices: &[usize]) -> Tensor<T>;
    scatter_add(axis: usize, indices: &[usize], values: impl AsView<T>) -> Tensor<T>;
    top_k(k: usize) -> (Tensor<T>, Vec<usize>);
    top_k_indices(k: usize, indices: &mut Vec<usize>);
    pad(axis: usize, before: usize, after: usize, value: T) -> Tensor<T>;
    tril(diagonal: isize) -> Tensor<T>;
    triu(diagonal: isize) -> Tensor<T>;
    matmul(other: impl AsView<T>) -> Tensor<T>;
}

// Images.
of_the_whole! {
    conv1d(weight: impl AsView<T>, bias: Option<View<'_, T>>, options: ConvOptions<1>) -> Tensor<T>;
    conv2d(weight: impl AsView<T>, bias: Option<View<'_, T>>, options: ConvOptions<2>) -> Tensor<T>;
    max_pool1d(window: Window<1>) -> Tensor<T>;
    max_pool2d(window: Window<2>) -> Tensor<T>;
    avg_pool1d(window: Window<1>) -> Tensor<T>;
    avg_pool2d(window: Window<2>) -> Tensor<T>;
    global_avg_pool2d() -> Tensor<T>;
}
