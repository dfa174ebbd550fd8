//! Reading and adding at given places.

use thalweg_tensor::{Real, Shape, kernels};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// From each row along the last axis, the elements at its own `k` indices: `[…, n] → […, k]`, with `k` indices for
    /// each row, row after row. They may repeat.
    ///
    /// Forward `y[r, j] = x[r, index[r, j]]`; backward `x̄[r, index[r, j]] += ȳ[r, j]`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// use thalweg_tensor::Tensor;
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let x = pass.input(&Tensor::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    /// assert_eq!(x.gather(&[2, 0]).to_tensor(), Tensor::new([2, 1], vec![2.0, 3.0]));
    /// ```
    ///
    /// # Panics
    /// If there is no axis, the indices are not equally many for each row, or one is beyond the axis.
    #[track_caller]
    pub fn gather(self, indices: &[usize]) -> Self {
        let shape = self.shape();
        assert!(shape.rank() > 0, "gather: at least one axis expected, the shape is {shape}");
        let last = shape.rank() - 1;
        let [rows, n, _] = shape.around(last);
        let each = indices.len().checked_div(rows).unwrap_or(0);
        assert!(rows * each == indices.len(), "gather: {} indices for {rows} rows of {shape}", indices.len());
        if let Some(bad) = indices.iter().find(|&&i| i >= n) {
            panic!("gather: there is no element {bad} along the last axis of {shape}");
        }
        self.pass.record(
            Op::new("gather").indices(indices).attributes([n, each]),
            [self],
            shape.with(last, each),
            |[x], y| y.iter_mut().zip(indices).enumerate().for_each(|(k, (y, &i))| *y = x[k / each * n + i]),
            |g| {
                let ([n, each], dy, indices) = (g.attributes(), g.dy(), g.indices());
                let dx = g.dx(0);
                dy.iter().zip(indices).enumerate().for_each(|(k, (&dy, &i))| dx[k / each * n + i] += dy);
            },
        )
    }

    /// Adds rows at indices: `[n, …]`, and `rows: [k, …]` at `k` indices → `[n, …]`. Indices may repeat; what goes to the
    /// same row is summed. On zeros it is the adjoint of [`rows`](Var::rows), known as scatter-add.
    ///
    /// Forward `y = x`, then `y[indexᵢ] += rowsᵢ`; backward `x̄ += ȳ`, `r̄owsᵢ += ȳ[indexᵢ]`.
    ///
    /// # Panics
    /// If the shapes differ in more than the first axis, the rows are not one for each index, or there is no such row.
    #[track_caller]
    pub fn index_add(self, indices: &[usize], rows: Self) -> Self {
        let (shape, added) = (self.shape(), rows.shape());
        let fits = shape.rank() > 0 && added == shape.with(0, indices.len());
        assert!(fits, "index_add: rows {added} at {} indices do not fit {shape}", indices.len());
        if let Some(bad) = indices.iter().find(|&&i| i >= shape.dims()[0]) {
            panic!("index_add: there is no row {bad} in {shape}");
        }
        let width = row_width(shape);
        self.pass.record(
            Op::new("index_add").indices(indices),
            [self, rows],
            shape,
            |[x, rows], y| {
                y.copy_from_slice(x);
                for (row, &i) in rows.chunks_exact(width.max(1)).zip(indices) {
                    kernels::add_assign(row, &mut y[i * width..][..width]);
                }
            },
            |g| {
                let (dy, indices, width) = (g.dy(), g.indices(), row_width(g.y_shape()));
                if g.wants(0) {
                    kernels::add_assign(dy, g.dx(0));
                }
                for (row, &i) in g.dx(1).chunks_exact_mut(width.max(1)).zip(indices) {
                    kernels::add_assign(&dy[i * width..][..width], row);
                }
            },
        )
    }
}

/// How many numbers a row of the first axis has.
fn row_width(shape: Shape) -> usize {
    shape.without(0).len()
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// A tensor of one to three axes, and some indices for each row of its last axis.
    fn gather_case() -> impl Strategy<Value = (Tensor<f64>, Vec<usize>)> {
        (prop::collection::vec(1usize..4, 1..4), 0usize..4).prop_flat_map(|(dims, each)| {
            let n = dims.last().copied().unwrap_or(1);
            let rows = dims.iter().product::<usize>() / n;
            (tensor(dims, -2.0, 2.0), prop::collection::vec(0..n, rows * each))
        })
    }

    /// `[n, width]`, indices, and a row for each of them.
    fn index_add_case() -> impl Strategy<Value = (Tensor<f64>, Vec<usize>, Tensor<f64>)> {
        (1usize..5, 1usize..4, 0usize..6).prop_flat_map(|(n, width, k)| {
            let rows = tensor(vec![k, width], -2.0, 2.0);
            (tensor(vec![n, width], -2.0, 2.0), prop::collection::vec(0..n, k), rows)
        })
    }

    proptest! {
        #[test]
        fn gather_gradient((x, indices) in gather_case()) { gradcheck([x], |[x]| (x * x).gather(&indices))?; }
        #[test]
        fn index_add_gradient((x, indices, rows) in index_add_case()) {
            gradcheck([x, rows], |[x, rows]| (x * x).index_add(&indices, rows * rows))?;
        }

        /// ⟨x.rows(i), r⟩ = ⟨x, 0.index_add(i, r)⟩
        #[test]
        fn index_add_is_the_adjoint_of_rows((x, indices, rows) in index_add_case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (x, rows) = (pass.input(&x), pass.input(&rows));
            let left = (x.rows(&indices) * rows).sum().item();
            let right = (x * pass.zeros(x.shape()).index_add(&indices, rows)).sum().item();
            prop_assert!((left - right).abs() < 1e-12);
        }
    }

    #[test]
    #[should_panic(expected = "gather: there is no element 3 along the last axis of [2, 3]")]
    fn gather_panics_on_an_index_beyond_the_axis() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2, 3]).gather(&[0, 3]);
    }

    #[test]
    #[should_panic(expected = "index_add: rows [3, 2] at 2 indices do not fit [4, 2]")]
    fn index_add_panics_on_a_row_too_many() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([4, 2]).index_add(&[0, 1], pass.zeros([3, 2]));
    }
}
