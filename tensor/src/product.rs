//! Matrix products of tensors of any rank, by NumPy's rules for `@`.

use crate::kernels::{Matrix, multiply_add};
use crate::strides::Axes;
use crate::{AsView, MAX_RANK, Real, Shape, Tensor, View};
use std::array::from_fn;

impl<'a, T: Real> View<'a, T> {
    /// Matrix product: `[…, m, k] · […, k, n] → […, m, n]`. Leading axes are those of batches, and broadcast. A vector
    /// on the left counts as a row, on the right as a column, and its axis is dropped from the result.
    ///
    /// Nothing is copied: transposed, sliced and stretched operands are read where they lie.
    ///
    /// ```
    /// use thalweg_tensor::{Shape, Tensor};
    ///
    /// let x = Tensor::new([2, 2], vec![1.0_f32, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.matmul(x.transpose()).as_slice(), [5.0, 11.0, 11.0, 25.0]);
    /// let batch = Tensor::<f32>::ones([5, 1, 3, 2]);
    /// assert_eq!(batch.matmul(Tensor::ones([4, 2, 6])).shape(), Shape::new(&[5, 4, 3, 6]));
    /// ```
    ///
    /// # Panics
    ///
    /// When an operand is a single number, the inner sizes differ, or the batches do not broadcast.
    #[track_caller]
    pub fn matmul(self, other: impl AsView<T>) -> Tensor<T> {
        let other = other.as_view();
        let mut y = Tensor::zeros(self.shape().matmul(other.shape()));
        let (a, b) = (self.as_matrix(0), other.as_matrix(1));
        let whole = a.shape().matmul(b.shape());
        matmul_add(a, b, whole, y.as_mut_slice());
        y
    }

    /// The last two axes exchanged: `[…, m, n] → […, n, m]`; moves nothing.
    ///
    /// # Panics
    ///
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn matrix_transpose(self) -> Self {
        let rank = self.shape().rank();
        assert!(rank >= 2, "matrix_transpose: a matrix expected, the shape is {}", self.shape());
        let mut axes: [usize; MAX_RANK] = from_fn(|axis| axis);
        axes.swap(rank - 2, rank - 1);
        self.permute(&axes[..rank])
    }

    /// A vector as a row (`side` 0) or a column (1).
    fn as_matrix(self, side: usize) -> Self {
        let [stride, ..] = self.strides;
        match self.shape().rank() {
            1 => View { shape: self.shape().as_matrices()[side], strides: [stride, stride, 0, 0, 0, 0], ..self },
            _ => self,
        }
    }
}

/// `C += A B` for batches of matrices, `A […, m, k]`, `B […, k, n]` and row-major `C` of `shape` `[…, m, n]`: leading
/// axes of any of the three may be 1 or missing where another has them, and where those of `C` are, the products are
/// summed. Allocates nothing but what [`gemm`](crate::kernels::gemm()) packs.
///
/// With it, the gradients of `Y = A B` are `Ā += Ȳ Bᵀ` and `B̄ += Aᵀ Ȳ`, also where `A` or `B` was broadcast.
///
/// Batches become larger matrices where memory allows: many left operands and one right operand are one product.
///
/// ```
/// use thalweg_tensor::{Shape, Tensor, matmul_add};
///
/// let (rows, columns) = (Tensor::<f32>::ones([5, 1, 2]), Tensor::ones([5, 2, 1]));
/// let mut sum = [0.0];
/// matmul_add(rows.view(), columns.view(), Shape::new(&[1, 1]), &mut sum);
/// assert_eq!(sum, [10.0]);
/// ```
///
/// # Panics
///
/// When one of the three has fewer than two axes, or the sizes do not fit.
#[track_caller]
pub fn matmul_add<T: Real>(a: View<'_, T>, b: View<'_, T>, shape: Shape, c: &mut [T]) {
    let shapes = [a.shape(), b.shape(), shape];
    let [left, right, _] = shapes;
    assert!(shapes.iter().all(|s| s.rank() >= 2), "matmul_add: matrices expected: {left} · {right} to {shape}");
    let [[m, k], [k2, n], result] = shapes.map(|s| [s.dims()[s.rank() - 2], s.dims()[s.rank() - 1]]);
    assert!(k == k2, "matmul: inner sizes differ: {left} · {right}");
    let batches = shapes.map(|s| Shape::new(&s.dims()[..s.rank() - 2]));
    let batch = batches[0].broadcast(batches[1]).and_then(|batch| batch.broadcast(batches[2]));
    let fits = result == [m, n] && c.len() == shape.len();
    let (Some(batch), true) = (batch, fits) else { panic!("matmul_add: {left} · {right} does not fit {shape}") };
    if c.is_empty() || k == 0 || batch.is_empty() {
        return;
    }
    // The strides of the batch in A, B and C, and then those of the matrices.
    let [rank_a, rank_b] = [left.rank(), right.rank()];
    let own = [a.strides, b.strides, shape.strides()];
    let strides = from_fn(|k| match batches[k].stretched(&own[k], batch) {
        Some(strides) => strides,
        None => unreachable!("all broadcast to {batch}"),
    });
    let [a_row, a_col] = [a.strides[rank_a - 2], a.strides[rank_a - 1]];
    let [b_row, b_col] = [b.strides[rank_b - 2], b.strides[rank_b - 1]];
    let (mut m, mut k, mut rank) = (m, k, batch.rank());
    while let Some(last) = rank.checked_sub(1) {
        let (size, [a_step, b_step, c_step]) = (batch.dims()[last], strides.map(|strides| strides[last]));
        if size == 1 {
        } else if b_step == 0 && a_step == m * a_row && c_step == m * n {
            m *= size; // A's matrices stand one below the other, and so do C's
        } else if c_step == 0 && a_step == k * a_col && b_step == k * b_row {
            k *= size; // A's stand side by side, B's one below the other, and the products are summed
        } else {
            break;
        }
        rank = last;
    }
    let sizes = Shape::new(&batch.dims()[..rank]);
    for [a_start, b_start, c_start] in Axes::new(sizes, strides).offsets() {
        let a = Matrix { rows: m, cols: k, row_stride: a_row, col_stride: a_col, data: &a.data[a_start..] };
        let b = Matrix { rows: k, cols: n, row_stride: b_row, col_stride: b_col, data: &b.data[b_start..] };
        multiply_add(a, b, &mut c[c_start..c_start + m * n]);
    }
}

impl Shape {
    /// The shape of the [matrix product](View::matmul) of tensors of this and another shape.
    ///
    /// # Panics
    ///
    /// As [`matmul`](View::matmul).
    #[track_caller]
    pub fn matmul(self, right: Shape) -> Shape {
        let left = self;
        assert!(left.rank() > 0 && right.rank() > 0, "matmul: vectors or matrices expected: {left} · {right}");
        let ([a, _], [_, b]) = (left.as_matrices(), right.as_matrices());
        let [[m, k], [k2, n]] = [a, b].map(|s| [s.dims()[s.rank() - 2], s.dims()[s.rank() - 1]]);
        assert!(k == k2, "matmul: inner sizes differ: {left} · {right}");
        let [a_batch, b_batch] = [a, b].map(|s| Shape::new(&s.dims()[..s.rank() - 2]));
        let Some(mut shape) = a_batch.broadcast(b_batch) else {
            panic!("matmul: sizes of the batches differ: {left} · {right}")
        };
        if left.rank() > 1 {
            shape = shape.inserted(shape.rank(), m);
        }
        if right.rank() > 1 {
            shape = shape.inserted(shape.rank(), n);
        }
        shape
    }

    /// What a vector is on the left and on the right of a matrix product: `[n]` → `[1, n]` and `[n, 1]`. Other shapes
    /// stay.
    pub fn as_matrices(self) -> [Shape; 2] {
        match self.rank() {
            1 => [self.inserted(0, 1), self.inserted(1, 1)],
            _ => [self, self],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use crate::testing::each_index;
    use proptest::prelude::*;

    /// Normal numbers of this shape at other strides: some axes exchanged in memory, every second element left out.
    #[derive(Debug)]
    struct Operand {
        data: Tensor<f64>,
        axes: Vec<usize>,
        sizes: Vec<usize>,
    }

    impl Operand {
        fn new(sizes: &[usize], rng: &mut Rng) -> Operand {
            let axes = if rng.below(2) == 0 { (0..sizes.len()).collect() } else { rng.permutation(sizes.len()) };
            let gap = rng.below(2);
            let mut memory: Vec<usize> = vec![0; sizes.len()];
            axes.iter().zip(sizes).for_each(|(&axis, &size)| memory[axis] = size + gap);
            Operand { data: Tensor::normal(&memory[..], 0.0, 1.0, rng), axes, sizes: sizes.to_vec() }
        }

        fn view(&self) -> View<'_, f64> {
            let view = self.data.view().permute(&self.axes);
            (0..self.sizes.len()).fold(view, |view, axis| view.slice(axis, 0..self.sizes[axis]))
        }
    }

    /// Two operands of any ranks that fit, vectors and sizes of 0 and 1 among them.
    fn operands() -> impl Strategy<Value = [Operand; 2]> {
        let sizes = prop::collection::vec(prop_oneof![1 => 0_usize..1, 4 => 1_usize..5, 1 => 17_usize..20], 3);
        (sizes, prop::collection::vec(1_usize..3, 0..=4), any::<u64>()).prop_map(|(sizes, batch, seed)| {
            let mut rng = Rng::new(seed);
            let mut operand = |matrix: [usize; 2], vector: usize| {
                if rng.below(4) == 0 {
                    return Operand::new(&[vector], &mut rng);
                }
                let missing = rng.below(batch.len() + 1);
                let own = batch[missing..].iter().map(|&size| if rng.below(3) == 0 { 1 } else { size });
                let sizes: Vec<usize> = own.collect::<Vec<_>>().into_iter().chain(matrix).collect();
                Operand::new(&sizes, &mut rng)
            };
            [operand([sizes[0], sizes[1]], sizes[1]), operand([sizes[1], sizes[2]], sizes[1])]
        })
    }

    /// The element of a broadcast operand: leading axes that it lacks are skipped, those of size 1 stay at 0.
    fn at(view: View<'_, f64>, index: &[usize]) -> f64 {
        let own = &index[index.len() - view.shape().rank()..];
        let index: Vec<usize> = own.iter().zip(view.shape().dims()).map(|(&i, &size)| i.min(size - 1)).collect();
        view.at(&index)
    }

    proptest! {
        #[test]
        fn products_are_their_definition([a, b] in operands()) {
            let (a, b) = (a.view(), b.view());
            let (y, k) = (a.matmul(b), a.shape().dims()[a.shape().rank() - 1]);
            prop_assert_eq!(y.shape(), a.shape().matmul(b.shape()));
            let mut expected = Vec::new();
            each_index(y.shape(), |index| {
                let mut batch = index.to_vec();
                let column = if b.shape().rank() > 1 { batch.pop() } else { None };
                let row = if a.shape().rank() > 1 { batch.pop() } else { None };
                let element = |l: usize| {
                    let left: Vec<usize> = batch.iter().copied().chain(row).chain([l]).collect();
                    let right: Vec<usize> = batch.iter().copied().chain([l]).chain(column).collect();
                    at(a, &left) * at(b, &right)
                };
                expected.push((0..k).map(element).sum::<f64>());
            });
            prop_assert!(y.as_slice().iter().zip(&expected).all(|(y, e)| (y - e).abs() < 1e-10));
        }

        /// `⟨A B, V⟩ = ⟨A, V Bᵀ⟩ = ⟨B, Aᵀ V⟩`, with the sums over broadcast axes that this takes.
        #[test]
        fn products_with_transposes_are_the_adjoints([a, b] in operands(), seed: u64) {
            let (a, b) = (a.view(), b.view());
            prop_assume!(a.shape().rank() > 1 && b.shape().rank() > 1);
            let y = a.matmul(b);
            let v = Tensor::<f64>::normal(y.shape(), 0.0, 1.0, &mut Rng::new(seed));
            let (mut to_a, mut to_b) = (vec![0.0; a.shape().len()], vec![0.0; b.shape().len()]);
            matmul_add(v.view(), b.matrix_transpose(), a.shape(), &mut to_a);
            matmul_add(a.matrix_transpose(), v.view(), b.shape(), &mut to_b);
            let product = |x: View<'_, f64>, y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let expected = product(v.view(), y.as_slice());
            let bound = 1e-10 * (1.0 + y.as_slice().iter().map(|y| y.abs()).sum::<f64>());
            prop_assert!((product(a, &to_a) - expected).abs() < bound);
            prop_assert!((product(b, &to_b) - expected).abs() < bound);
        }
    }

    #[test]
    #[should_panic(expected = "matmul: inner sizes differ: [2, 3] · [4, 5]")]
    fn different_inner_sizes_panic() {
        Tensor::<f32>::zeros([2, 3]).matmul(Tensor::zeros([4, 5]));
    }

    #[test]
    #[should_panic(expected = "matmul: sizes of the batches differ: [2, 3, 4] · [3, 4, 5]")]
    fn batches_of_different_sizes_panic() {
        Tensor::<f32>::zeros([2, 3, 4]).matmul(Tensor::zeros([3, 4, 5]));
    }

    #[test]
    #[should_panic(expected = "matmul: vectors or matrices expected: [] · [2]")]
    fn a_single_number_panics() {
        Tensor::<f32>::scalar(1.0).matmul(Tensor::zeros([2]));
    }
}
