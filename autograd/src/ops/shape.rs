//! Ops that move numbers and do no arithmetic.
//!
//! A result that is a contiguous part of its input is a view: it names the same memory, and costs nothing forward or
//! backward. The others copy.

use std::ops::Range;

use thalweg_tensor::{Real, Shape, kernels};

use crate::{Op, Var};

impl<'p, T: Real> Var<'p, T> {
    /// The same numbers in another shape: a view.
    ///
    /// # Panics
    /// If the shape has another number of elements.
    #[track_caller]
    pub fn reshape(self, shape: impl Into<Shape>) -> Self {
        let (from, to) = (self.shape(), shape.into());
        assert!(from.len() == to.len(), "reshape: {from} has {} elements, {to} has {}", from.len(), to.len());
        self.pass.alias(self, to, 0)
    }

    /// Row `index` of the first axis: `[n, …] → […]`. A view; of a parameter, a lookup whose gradient touches one row.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    pub fn row(self, index: usize) -> Self {
        let shape = self.shape();
        assert!(shape.rank() > 0 && index < shape.dims()[0], "row: there is no row {index} in {shape}");
        let row = shape.without(0);
        self.pass.alias(self, row, index * row.len())
    }

    /// Rows of a table, `[n, d]` at `k` indices → `[k, d]`: an embedding lookup. Indices may repeat.
    ///
    /// Forward `yᵢ = x[indexᵢ]`; backward `x̄[indexᵢ] += ȳᵢ`, and no other row of a parameter is touched.
    ///
    /// # Panics
    /// If the table has not two axes, or has no such row.
    #[track_caller]
    pub fn rows(self, indices: &[usize]) -> Self {
        let shape = self.shape();
        let &[n, _] = shape.dims() else { panic!("rows: a table [n, d] expected, found {shape}") };
        if let Some(bad) = indices.iter().find(|&&i| i >= n) {
            panic!("rows: there is no row {bad} in {shape}");
        }
        self.index_select(0, indices)
    }

    /// Part of an axis. A view where the part is contiguous (every axis before it has size 1), else a copy.
    ///
    /// Forward `y = x[…, range, …]`; backward adds `ȳ` where it came from.
    ///
    /// # Panics
    /// If the axis does not exist or is shorter.
    #[track_caller]
    pub fn slice(self, axis: usize, range: Range<usize>) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "slice: there is no axis {axis} in {shape}");
        let [outer, size, inner] = shape.around(axis);
        assert!(range.start <= range.end && range.end <= size, "slice: {range:?} of axis {axis} of {shape}");
        if outer == 1 {
            return self.pass.alias(self, shape.with(axis, range.len()), range.start * inner);
        }
        self.slice_step(axis, range, 1)
    }

    /// Every `step`-th part of an axis, from the first of `range` on: `x[…, start..end..step, …]`, as a copy.
    ///
    /// Forward `yᵢ = x[start + i · step]`; backward adds `ȳ` where it came from.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let x = pass.input(&[0.0, 1.0, 2.0, 3.0, 4.0]);
    /// assert_eq!(x.slice_step(0, 1..5, 2).to_tensor().as_slice(), [1.0, 3.0]);
    /// ```
    ///
    /// # Panics
    /// If the axis does not exist or is shorter, or the step is 0.
    #[track_caller]
    pub fn slice_step(self, axis: usize, range: Range<usize>, step: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "slice: there is no axis {axis} in {shape}");
        let [_, size, inner] = shape.around(axis);
        assert!(range.start <= range.end && range.end <= size, "slice: {range:?} of axis {axis} of {shape}");
        assert!(step > 0, "slice: a step of 0 along axis {axis} of {shape}");
        let count = range.len().div_ceil(step);
        // Neighbours are one stretch: with a step of 1, so is the whole range.
        let (stretches, width) = if step == 1 { (1, count * inner) } else { (count, inner) };
        let at = |outer: usize, i: usize| (outer * size + range.start + i * step) * inner;
        self.pass.record(
            Op::new("slice").attributes([axis, range.start, step]),
            [self],
            shape.with(axis, count),
            |[x], y| {
                for (outer, y) in y.chunks_exact_mut((stretches * width).max(1)).enumerate() {
                    for (i, y) in y.chunks_exact_mut(width).enumerate() {
                        y.copy_from_slice(&x[at(outer, i)..][..width]);
                    }
                }
            },
            |g| {
                let ([axis, start, step], dy) = (g.attributes(), g.dy());
                let ([_, size, inner], [_, count, _]) = (g.shape(0).around(axis), g.y_shape().around(axis));
                let (stretches, width) = if step == 1 { (1, count * inner) } else { (count, inner) };
                let dx = g.dx(0);
                for (outer, dy) in dy.chunks_exact((stretches * width).max(1)).enumerate() {
                    for (i, dy) in dy.chunks_exact(width).enumerate() {
                        kernels::add_assign(dy, &mut dx[(outer * size + start + i * step) * inner..][..width]);
                    }
                }
            },
        )
    }

    /// `N` equal parts of an axis: `let [i, f, g, o] = gates.split(0)`.
    ///
    /// # Panics
    /// If the axis does not exist or cannot be cut into `N` equal parts.
    #[track_caller]
    pub fn split<const N: usize>(self, axis: usize) -> [Self; N] {
        let shape = self.shape();
        assert!(axis < shape.rank(), "split: there is no axis {axis} in {shape}");
        let size = shape.dims()[axis];
        assert!(size.is_multiple_of(N), "split: axis {axis} of {shape} cannot be cut into {N} equal parts");
        let part = size / N;
        std::array::from_fn(|k| self.slice(axis, k * part..(k + 1) * part))
    }

    /// Joins along an existing axis: `[…, aᵢ, …] → […, Σ aᵢ, …]`.
    ///
    /// Forward copies the parts next to each other; backward gives each part its own stretch of `ȳ`.
    ///
    /// # Panics
    /// If there are no parts, or they differ in another axis.
    #[track_caller]
    pub fn concat(parts: &[Self], axis: usize) -> Self {
        let first = parts.first().expect("concat: at least one part expected").shape();
        assert!(axis < first.rank(), "concat: there is no axis {axis} in {first}");
        let mut size = 0;
        for part in parts {
            let shape = part.shape();
            assert!(
                shape.rank() == first.rank() && shape.without(axis) == first.without(axis),
                "concat: parts differ in more than axis {axis}: {first} and {shape}"
            );
            size += shape.dims()[axis];
        }
        Self::join("concat", parts, first.with(axis, size), axis)
    }

    /// Joins along a new first axis: `k` times `[…] → [k, …]`.
    ///
    /// # Panics
    /// If there are no parts, or their shapes differ.
    #[track_caller]
    pub fn stack(parts: &[Self]) -> Self {
        Self::stack_axis(parts, 0)
    }

    /// Joins along a new axis before `axis` (after all of them, if `axis` is the rank): `k` times `[…, …] → […, k, …]`.
    ///
    /// # Panics
    /// If there are no parts, their shapes differ, or `axis` is beyond their rank.
    #[track_caller]
    pub fn stack_axis(parts: &[Self], axis: usize) -> Self {
        let first = parts.first().expect("stack: at least one part expected").shape();
        assert!(axis <= first.rank(), "stack: axis {axis} is beyond the rank of {first}");
        if let Some(other) = parts.iter().map(|part| part.shape()).find(|&shape| shape != first) {
            panic!("stack: the shapes of the parts differ: {first} and {other}");
        }
        Self::join("stack", parts, first.inserted(axis, parts.len()), axis)
    }

    /// Puts parts next to each other along an axis of the whole, which they need not have.
    #[track_caller]
    fn join(op: &'static str, parts: &[Self], whole: Shape, axis: usize) -> Self {
        let [outer, size, inner] = whole.around(axis);
        parts[0].pass.record_all(
            Op::new(op).attributes([outer, size * inner]),
            parts,
            whole,
            |x, y| {
                let mut at = 0;
                for part in (0..x.len()).map(|i| x.get(i)) {
                    let width = part.len().checked_div(outer).unwrap_or(0);
                    for row in 0..outer {
                        y[row * size * inner + at..][..width].copy_from_slice(&part[row * width..][..width]);
                    }
                    at += width;
                }
            },
            |g| {
                let ([outer, stride], dy) = (g.attributes(), g.dy());
                let mut at = 0;
                for i in 0..g.len() {
                    let width = g.shape(i).len().checked_div(outer).unwrap_or(0);
                    if g.wants(i) {
                        let dx = g.dx(i);
                        for row in 0..outer {
                            let dy = &dy[row * stride + at..][..width];
                            kernels::add_assign(dy, &mut dx[row * width..][..width]);
                        }
                    }
                    at += width;
                }
            },
        )
    }

    /// The transpose of a matrix, `[m, n] → [n, m]`, as a copy.
    ///
    /// Forward `Y = Xᵀ`; backward `X̄ += Ȳᵀ`.
    ///
    /// # Panics
    /// If there are not two axes.
    #[track_caller]
    pub fn transpose(self) -> Self {
        let shape = self.shape();
        let &[m, n] = shape.dims() else { panic!("transpose: a matrix [m, n] expected, found {shape}") };
        self.pass.record(
            "transpose",
            [self],
            [n, m],
            |[x], y| (0..m * n).for_each(|k| y[k % n * m + k / n] = x[k]),
            |g| {
                let (dy, m, n) = (g.dy(), g.shape(0).dims()[0], g.shape(0).dims()[1]);
                let dx = g.dx(0);
                (0..m * n).for_each(|k| dx[k] += dy[k % n * m + k / n]);
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{tensor, with_axis};
    use crate::{Grads, Params, Tape, Touched, Var, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    proptest! {
        #[test]
        fn slice_gradient((x, axis) in with_axis(), a in 0usize..5, b in 0usize..5) {
            let size = x.shape().dims()[axis];
            let (a, b) = (a.min(size), b.min(size));
            gradcheck([x], |[x]| (x * x).slice(axis, a.min(b)..a.max(b)))?;
        }

        #[test]
        fn slice_step_gradient_and_definition((x, axis) in with_axis(), a in 0usize..5, b in 0usize..5, step in 1usize..4) {
            let size = x.shape().dims()[axis];
            let range = a.min(b).min(size)..a.max(b).min(size);
            gradcheck([x.clone()], |[x]| (x * x).slice_step(axis, range.clone(), step))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let places: Vec<usize> = range.clone().step_by(step).collect();
            prop_assert_eq!(pass.input(&x).slice_step(axis, range, step).to_tensor(), x.index_select(axis, &places));
        }

        #[test]
        fn stack_axis_gradient_and_definition((x, axis) in with_axis(), last: bool) {
            let axis = axis + usize::from(last);
            gradcheck([x.clone()], |[x]| Var::stack_axis(&[x, x * x, x], axis))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let stack = Var::stack_axis(&[pass.input(&x), pass.zeros(x.shape())], axis).to_tensor();
            prop_assert_eq!(stack, Tensor::stack(&[x.view(), Tensor::zeros(x.shape()).view()], axis));
        }

        #[test]
        fn concat_gradient((x, axis) in with_axis(), cut in 0usize..5) {
            let cut = cut.min(x.shape().dims()[axis]);
            gradcheck([x], |[x]| {
                let size = x.shape().dims()[axis];
                let (low, high) = (x.slice(axis, 0..cut), x.slice(axis, cut..size));
                Var::concat(&[high * 2.0, low, high], axis)
            })?;
        }

        #[test]
        fn concat_undoes_split((x, axis) in with_axis()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let twice = Var::concat(&[pass.input(&x), pass.input(&x)], axis);
            let [a, b] = twice.split(axis);
            prop_assert_eq!(a.to_tensor(), x.clone());
            prop_assert_eq!(b.to_tensor(), x);
        }

        #[test]
        fn views_gradient((x, i) in (1usize..5, 1usize..4).prop_flat_map(|(n, k)| (tensor(vec![n, 3 * k], -2.0, 2.0), 0..n))) {
            gradcheck([x], |[x]| {
                let [n, width] = x.dims();
                let [a, b, c] = x.row(i).split(0);
                (a * b + c) * x.reshape([3 * n, width / 3]).row(2 * i)
            })?;
        }

        #[test]
        fn rows_gradient((x, indices) in (1usize..6, 1usize..5).prop_flat_map(|(n, width)| {
            (tensor(vec![n, width], -2.0, 2.0), prop::collection::vec(0..n, 0..20))
        })) {
            gradcheck([x], |[x]| (x * x).rows(&indices) + x.rows(&indices))?;
        }

        #[test]
        fn stack_and_transpose_gradient(
            x in (1usize..5, 1usize..5).prop_flat_map(|(m, n)| tensor(vec![m, n], -2.0, 2.0))
        ) {
            gradcheck([x], |[x]| Var::stack(&[x.transpose(), (x * x).transpose()]))?;
        }
    }

    #[test]
    fn a_lookup_touches_only_its_rows() {
        let mut params = Params::<f32>::new();
        let table = params.add("embedding.weight", [1000, 2], |i| i as f32);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let table_var = pass.param(table);
        let loss = (table_var.row(7) * table_var.rows(&[3, 7]).sum_axis(0)).sum();
        loss.backward(&mut grads);
        let Touched::Rows(rows) = grads.touched(table) else { panic!("{:?}", grads.touched(table)) };
        let mut rows = rows.to_vec();
        rows.sort_unstable();
        assert_eq!(rows, [3, 7]);
        assert_eq!(grads.of(table)[14..16], [20.0 + 14.0, 22.0 + 15.0]);
        grads.zero();
        assert_eq!(grads.touched(table), Touched::Nothing);
        assert!(grads.as_slice().iter().all(|&g| g == 0.0));
    }
}
