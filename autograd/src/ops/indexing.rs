//! Reading and adding at given places.

use thalweg_tensor::{Real, Shape, View, kernels};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// The parts at `k` indices along an axis: `[…, n, …] → […, k, …]`. They may repeat. Along the first axis, only the
    /// rows of a parameter that are named are touched.
    ///
    /// Forward `y[…, j, …] = x[…, indexⱼ, …]`; backward `x̄[…, indexⱼ, …] += ȳ[…, j, …]`.
    ///
    /// # Panics
    /// If there is no such axis, or an index is beyond it.
    #[track_caller]
    pub fn index_select(self, axis: usize, indices: &[usize]) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "index_select: there is no axis {axis} in {shape}");
        let [_, size, inner] = shape.around(axis);
        if let Some(bad) = indices.iter().find(|&&i| i >= size) {
            panic!("index_select: there is no element {bad} along axis {axis} of {shape}");
        }
        self.pass.record(
            Op::new("index_select").indices(indices).attributes([axis]),
            [self],
            shape.with(axis, indices.len()),
            |[x], y| {
                let blocks = x.chunks_exact((size * inner).max(1));
                for (y, x) in y.chunks_exact_mut((indices.len() * inner).max(1)).zip(blocks) {
                    for (y, &i) in y.chunks_exact_mut(inner).zip(indices) {
                        y.copy_from_slice(&x[i * inner..][..inner]);
                    }
                }
            },
            |g| {
                let ([axis], dy, indices) = (g.attributes(), g.dy(), g.indices());
                let [_, size, inner] = g.shape(0).around(axis);
                for (k, dy) in dy.chunks_exact(inner.max(1)).enumerate() {
                    let (outer, i) = (k / indices.len(), indices[k % indices.len()]);
                    match axis {
                        0 => kernels::add_assign(dy, g.dx_row(0, i)),
                        _ => kernels::add_assign(dy, &mut g.dx(0)[(outer * size + i) * inner..][..inner]),
                    }
                }
            },
        )
    }

    /// Along an axis, the elements at indices of their own: `[…, n, …]` at indices `[…, k, …]`, row-major → `[…, k, …]`.
    /// They may repeat. Along the first axis, only the rows of a parameter that are named are touched.
    ///
    /// Forward `y[…, j, …] = x[…, index[…, j, …], …]`; backward `x̄[…, index[…, j, …], …] += ȳ[…, j, …]`.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// use thalweg_tensor::Tensor;
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let x = pass.input(&Tensor::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
    /// assert_eq!(x.gather(1, &[2, 0]).to_tensor(), Tensor::new([2, 1], vec![2.0, 3.0]));
    /// assert_eq!(x.gather(0, &[0, 1, 0]).to_tensor(), Tensor::new([1, 3], vec![0.0, 4.0, 2.0]));
    /// ```
    ///
    /// # Panics
    /// If there is no such axis, the indices are not equally many for each place, or one is beyond the axis.
    #[track_caller]
    pub fn gather(self, axis: usize, indices: &[usize]) -> Self {
        let shape = self.shape();
        self.pass.record(
            Op::new("gather").indices(indices).attributes([axis]),
            [self],
            shape.gathered("gather", axis, indices),
            |[x], y| each_gathered(shape, axis, indices, |k, i| y[k] = x[i]),
            |g| {
                let ([axis], dy, indices, shape) = (g.attributes(), g.dy(), g.indices(), g.shape(0));
                if axis == 0 {
                    let width = row_width(shape);
                    each_gathered(shape, 0, indices, |k, i| g.dx_row(0, i / width)[i % width] += dy[k]);
                } else {
                    let dx = g.dx(0);
                    each_gathered(shape, axis, indices, |k, i| dx[i] += dy[k]);
                }
            },
        )
    }

    /// Adds along an axis at indices of their own: `[…, n, …]`, and `values: […, k, …]` at as many indices, row-major →
    /// `[…, n, …]`. What goes to the same place is summed. On zeros it is the adjoint of [`gather`](Var::gather).
    ///
    /// Forward `y = x`, then `y[…, index[…, j, …], …] += v[…, j, …]`; backward `x̄ += ȳ`,
    /// `v̄[…, j, …] += ȳ[…, index[…, j, …], …]`.
    ///
    /// # Panics
    /// If there is no such axis, an index is beyond it, or the values have another shape than the indices.
    #[track_caller]
    pub fn scatter_add(self, axis: usize, indices: &[usize], values: Self) -> Self {
        let shape = self.shape();
        let gathered = shape.gathered("scatter_add", axis, indices);
        assert!(values.shape() == gathered, "scatter_add: values {} for indices {gathered}", values.shape());
        self.pass.record(
            Op::new("scatter_add").indices(indices).attributes([axis]),
            [self, values],
            shape,
            |[x, values], y| {
                y.copy_from_slice(x);
                each_gathered(shape, axis, indices, |k, i| y[i] += values[k]);
            },
            |g| {
                let ([axis], dy, indices, shape) = (g.attributes(), g.dy(), g.indices(), g.shape(0));
                if g.wants(0) {
                    kernels::add_assign(dy, g.dx(0));
                }
                let dv = g.dx(1);
                each_gathered(shape, axis, indices, |k, i| dv[k] += dy[i]);
            },
        )
    }

    /// The `k` largest along the last axis, `[…, n] → […, k]`, the largest first; of equals the one with the lower index
    /// first. A NaN counts as larger than any number. `indices` is filled with where they stand, row-major.
    ///
    /// Forward gathers them; backward `x̄[indexⱼ] += ȳⱼ`, and nothing to the rest.
    ///
    /// # Panics
    /// If there is no axis, or `k` is larger than the last one.
    #[track_caller]
    pub fn top_k(self, k: usize, indices: &mut Vec<usize>) -> Self {
        let shape = self.shape();
        // Checked here, since a closure does not know its caller's line.
        assert!(shape.rank() > 0, "top_k: at least one axis expected, the shape is {shape}");
        let last = shape.rank() - 1;
        let size = shape.dims()[last];
        assert!(k <= size, "top_k: {k} largest of {size} in {shape}");
        self.with(|x| View::new(shape, x).top_k_indices(k, indices));
        if indices.is_empty() { self.slice(last, 0..k) } else { self.gather(last, indices) }
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

/// Visits every gathered element: `visit(its place among the gathered, its place in the tensor)`.
fn each_gathered(shape: Shape, axis: usize, indices: &[usize], mut visit: impl FnMut(usize, usize)) {
    let [outer, size, inner] = shape.around(axis);
    let block = indices.len() / outer.max(1);
    for (k, &i) in indices.iter().enumerate() {
        visit(k, (k / block * size + i) * inner + k % inner);
    }
}

/// How many numbers a row of the first axis has.
fn row_width(shape: Shape) -> usize {
    shape.without(0).len()
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{distinct_with_axis, tensor, with_axis};
    use crate::{Grads, Params, Tape, Touched, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// A tensor, one of its axes, a shape that differs along it, as many indices, and values of that shape.
    fn gather_case() -> impl Strategy<Value = (Tensor<f64>, usize, Vec<usize>, Tensor<f64>)> {
        (with_axis(), 0usize..4).prop_flat_map(|((x, axis), each)| {
            let gathered = x.shape().with(axis, each);
            let indices = prop::collection::vec(0..x.shape().dims()[axis], gathered.len());
            (Just(x), Just(axis), indices, tensor(gathered.dims().to_vec(), -2.0, 2.0))
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
        fn gather_gradient((x, axis, indices, _) in gather_case()) {
            gradcheck([x.clone()], |[x]| x.gather(axis, &indices) * 2.0)?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            prop_assert_eq!(pass.input(&x).gather(axis, &indices).to_tensor(), x.gather(axis, &indices));
        }
        #[test]
        fn scatter_add_gradient((x, axis, indices, values) in gather_case()) {
            gradcheck([x.clone(), values.clone()], |[x, v]| (x * x).scatter_add(axis, &indices, v * v))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let y = pass.input(&x).scatter_add(axis, &indices, pass.input(&values));
            prop_assert_eq!(y.to_tensor(), x.scatter_add(axis, &indices, values.view()));
        }
        #[test]
        fn index_select_gradient((x, axis, indices, _) in gather_case()) {
            gradcheck([x.clone()], |[x]| x.index_select(axis, &indices) * 2.0)?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            prop_assert_eq!(pass.input(&x).index_select(axis, &indices).to_tensor(), x.index_select(axis, &indices));
        }
        #[test]
        fn top_k_gradient((x, _) in distinct_with_axis(), k in 0usize..5) {
            let k = k.min(x.shape().dims()[x.shape().rank() - 1]);
            gradcheck([x.clone()], |[x]| x.top_k(k, &mut Vec::new()))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let (pass, mut indices) = (tape.pass(&params), vec![7; 3]);
            prop_assert_eq!((pass.input(&x).top_k(k, &mut indices).to_tensor(), indices), x.top_k(k));
        }
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
    fn gathering_along_the_first_axis_touches_only_its_rows() {
        let mut params = Params::<f64>::new();
        let table = params.add("table", [9, 2], |i| i as f64);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let loss = pass.param(table).gather(0, &[4, 4, 7, 4]).sum() + pass.param(table).index_select(0, &[8]).sum();
        loss.backward(&mut grads);
        let Touched::Rows(rows) = grads.touched(table) else { panic!("{:?}", grads.touched(table)) };
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        assert_eq!(rows, [4, 7, 8]);
        assert_eq!(grads.of(table)[8..10], [1.0, 2.0]);
        assert_eq!(grads.of(table)[14..], [1.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    #[should_panic(expected = "gather: there is no element 3 along axis 1 of [2, 3]")]
    fn gather_panics_on_an_index_beyond_the_axis() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2, 3]).gather(1, &[0, 3]);
    }

    #[test]
    #[should_panic(expected = "index_add: rows [3, 2] at 2 indices do not fit [4, 2]")]
    fn index_add_panics_on_a_row_too_many() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([4, 2]).index_add(&[0, 1], pass.zeros([3, 2]));
    }
}
