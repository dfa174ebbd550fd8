//! Methods of views, for owned tensors.

use crate::{Norm, Real, Tensor, View};

/// Methods of `Tensor` that call the method of `View` with the same name.
macro_rules! of_the_whole {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl<T: Real> Tensor<T> {
            $(
                #[doc = concat!("[`View::", stringify!($name), "`] of the whole tensor.")]
                #[track_caller]
                pub fn $name(&self, $($argument: $type),*) -> $result {
                    self.view().$name($($argument),*)
                }
            )*
        }
    };
}

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
    argmax(axis: usize) -> Vec<usize>;
    argmin(axis: usize) -> Vec<usize>;
    cumsum(axis: usize) -> Tensor<T>;
    pad(axis: usize, before: usize, after: usize, value: T) -> Tensor<T>;
    tril(diagonal: isize) -> Tensor<T>;
    triu(diagonal: isize) -> Tensor<T>;
    index_select(axis: usize, indices: &[usize]) -> Tensor<T>;
    gather(axis: usize, indices: &[usize]) -> Tensor<T>;
    scatter_add(axis: usize, indices: &[usize], values: View<'_, T>) -> Tensor<T>;
    top_k(k: usize) -> (Tensor<T>, Vec<usize>);
    matmul(other: View<'_, T>) -> Tensor<T>;
}
