//! Ops that give the same numbers other axes.

use std::ops::Range;

use thalweg_tensor::{MAX_RANK, Real, Shape, View, kernels, walk};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// The axes in another order, as a copy: axis `i` of the result is axis `axes[i]` of this.
    ///
    /// Forward moves every element to its place; backward moves `ȳ` back.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// assert_eq!(pass.zeros([2, 3, 4]).permute(&[2, 0, 1]).dims(), [4, 2, 3]);
    /// ```
    ///
    /// # Panics
    /// If `axes` does not name every axis once.
    #[track_caller]
    pub fn permute(self, axes: &[usize]) -> Self {
        let shape = self.shape();
        let rank = shape.rank();
        let complete = axes.len() == rank && (0..rank).all(|axis| axes.contains(&axis));
        assert!(complete, "permute: {axes:?} does not name every axis of {shape} once");
        let mut sizes = [1; MAX_RANK];
        axes.iter().zip(&mut sizes).for_each(|(&axis, size)| *size = shape.dims()[axis]);
        self.pass.record(
            Op::new("permute").indices(axes),
            [self],
            &sizes[..rank],
            |[x], y| View::new(shape, x).permute(axes).copy_to(y),
            |g| {
                let mut inverse = [0; MAX_RANK];
                g.indices().iter().enumerate().for_each(|(new, &old)| inverse[old] = new);
                let back = View::new(g.y_shape(), g.dy()).permute(&inverse[..g.indices().len()]);
                g.dx(0).iter_mut().zip(back.iter()).for_each(|(dx, dy)| *dx += dy);
            },
        )
    }

    /// Repeated to a larger shape, by NumPy's rule: axes of size 1 are stretched, missing leading axes are added.
    ///
    /// Forward copies; backward sums `ȳ` over the stretched axes.
    ///
    /// # Panics
    /// If it does not stretch to that shape.
    #[track_caller]
    pub fn broadcast_to(self, shape: impl Into<Shape>) -> Self {
        let (from, to) = (self.shape(), shape.into());
        assert!(from.broadcast(to) == Some(to), "broadcast_to: {from} does not stretch to {to}");
        self.pass.record(
            "broadcast_to",
            [self],
            to,
            |[x], y| walk([from], to, |[i], k| y[k] = x[i]),
            |g| {
                let (from, to, dy) = (g.shape(0), g.y_shape(), g.dy());
                let dx = g.dx(0);
                walk([from], to, |[i], k| dx[i] += dy[k]);
            },
        )
    }

    /// Without an axis of size 1: a view.
    ///
    /// # Panics
    /// If there is no such axis, or its size is not 1.
    #[track_caller]
    pub fn squeeze(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "squeeze: there is no axis {axis} in {shape}");
        assert!(shape.dims()[axis] == 1, "squeeze: axis {axis} of {shape} is not of size 1");
        self.reshape(shape.without(axis))
    }

    /// With a new axis of size 1 before `axis` (after all of them, if `axis` is the rank): a view.
    ///
    /// # Panics
    /// If `axis` is beyond the rank, or there are as many axes already as a shape can have.
    #[track_caller]
    pub fn unsqueeze(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis <= shape.rank(), "unsqueeze: axis {axis} is beyond the rank of {shape}");
        assert!(shape.rank() < MAX_RANK, "unsqueeze: {shape} has {MAX_RANK} axes already");
        self.reshape(shape.inserted(axis, 1))
    }

    /// The lower triangle of each matrix, `[…, m, n] → […, m, n]`: element `(i, j)` where `j − i ≤ diagonal`, and 0
    /// elsewhere, whatever stood there.
    ///
    /// Forward `y = x` in the triangle; backward `x̄ += ȳ` in the triangle.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn tril(self, diagonal: isize) -> Self {
        self.triangle("tril", isize::MIN, diagonal)
    }

    /// The upper triangle of each matrix, `[…, m, n] → […, m, n]`: element `(i, j)` where `j − i ≥ diagonal`, and 0
    /// elsewhere, whatever stood there.
    ///
    /// Forward `y = x` in the triangle; backward `x̄ += ȳ` in the triangle.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn triu(self, diagonal: isize) -> Self {
        self.triangle("triu", diagonal, isize::MAX)
    }

    /// The band of diagonals from `low` to `high`.
    #[track_caller]
    fn triangle(self, op: &'static str, low: isize, high: isize) -> Self {
        let shape = self.shape();
        assert!(shape.rank() >= 2, "{op}: a matrix expected, the shape is {shape}");
        self.pass.record(
            Op::new(op).attributes([low as usize, high as usize]),
            [self],
            shape,
            |[x], y| each_in_band(shape, low, high, |at| y[at.clone()].copy_from_slice(&x[at])),
            |g| {
                let ([low, high], dy, shape) = (g.attributes(), g.dy(), g.y_shape());
                let dx = g.dx(0);
                each_in_band(shape, low as isize, high as isize, |at| {
                    kernels::add_assign(&dy[at.clone()], &mut dx[at])
                });
            },
        )
    }

    /// With zeros before and after along one axis: `[…, n, …] → […, before + n + after, …]`.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn pad(self, axis: usize, before: usize, after: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "pad: there is no axis {axis} in {shape}");
        let zeros = |size| self.pass.zeros(shape.with(axis, size));
        Var::concat(&[zeros(before), self, zeros(after)], axis)
    }
}

/// The stretch of each row of each matrix that lies on the diagonals `low..=high`.
fn each_in_band(shape: Shape, low: isize, high: isize, mut visit: impl FnMut(Range<usize>)) {
    let &[.., m, n] = shape.dims() else { return };
    for row in 0..shape.len().checked_div(n).unwrap_or(0) {
        let within = |column: isize| column.clamp(0, n as isize) as usize;
        let (i, start) = ((row % m) as isize, row * n);
        let columns = within(i.saturating_add(low))..within(i.saturating_add(high).saturating_add(1));
        if columns.start < columns.end {
            visit(start + columns.start..start + columns.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_shape, broadcast_pair, tensor, with_axis};
    use crate::{Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// A tensor and its axes in some order.
    fn with_order() -> impl Strategy<Value = (Tensor<f64>, Vec<usize>)> {
        any_shape().prop_flat_map(|dims| {
            let axes: Vec<usize> = (0..dims.len()).collect();
            (tensor(dims, -2.0, 2.0), Just(axes).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn permute_gradient((x, axes) in with_order()) { gradcheck([x], |[x]| (x * x).permute(&axes))?; }
        #[test]
        fn broadcast_to_gradient([x, other] in broadcast_pair(-2.0, 2.0)) {
            let shape = x.shape().broadcast(other.shape()).expect("the two broadcast");
            gradcheck([x], |[x]| (x * x).broadcast_to(shape))?;
        }
        #[test]
        fn triangles_gradient_and_definition((x, _) in with_axis(), diagonal in -4isize..5) {
            let x = if x.shape().rank() < 2 { x.clone().reshape([1, x.shape().len()]) } else { x };
            gradcheck([x.clone()], |[x]| (x * x).tril(diagonal))?;
            gradcheck([x.clone()], |[x]| (x * x).triu(diagonal))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            prop_assert_eq!(pass.input(&x).tril(diagonal).to_tensor(), x.tril(diagonal));
            prop_assert_eq!(pass.input(&x).triu(diagonal).to_tensor(), x.triu(diagonal));
        }
        #[test]
        fn pad_gradient((x, axis) in with_axis(), before in 0usize..3, after in 0usize..3) {
            gradcheck([x], |[x]| (x * x).pad(axis, before, after))?;
        }

        #[test]
        fn permuting_moves_every_element_to_its_place((x, axes) in with_order()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let y = pass.input(&x).permute(&axes);
            prop_assert_eq!(y.to_tensor(), x.view().permute(&axes).to_tensor());
            let inverse: Vec<usize> = (0..axes.len()).filter_map(|i| axes.iter().position(|&a| a == i)).collect();
            prop_assert_eq!(y.permute(&inverse).to_tensor(), x);
        }

        #[test]
        fn slicing_undoes_padding((x, axis) in with_axis(), before in 0usize..3, after in 0usize..3) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (y, size) = (pass.input(&x).pad(axis, before, after), x.shape().dims()[axis]);
            prop_assert!((y.sum() - pass.input(&x).sum()).item().abs() < 1e-12, "something was added");
            prop_assert_eq!(y.slice(axis, before..before + size).to_tensor(), x);
        }

        #[test]
        fn squeeze_undoes_unsqueeze(x in any_shape().prop_flat_map(|dims| tensor(dims, -2.0, 2.0)), axis in 0usize..4) {
            let axis = axis.min(x.shape().rank());
            gradcheck([x.clone()], |[x]| (x.unsqueeze(axis) * x.unsqueeze(axis)).squeeze(axis))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            prop_assert_eq!(pass.input(&x).unsqueeze(axis).squeeze(axis).to_tensor(), x);
        }
    }

    #[test]
    #[should_panic(expected = "broadcast_to: [2] does not stretch to [3]")]
    fn broadcast_to_panics_on_what_does_not_stretch() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2]).broadcast_to([3]);
    }

    #[test]
    #[should_panic(expected = "permute: [0, 0] does not name every axis of [2, 3] once")]
    fn permute_panics_on_an_axis_named_twice() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2, 3]).permute(&[0, 0]);
    }

    #[test]
    #[should_panic(expected = "squeeze: axis 0 of [2, 1] is not of size 1")]
    fn squeeze_panics_on_a_longer_axis() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        tape.pass(&params).zeros([2, 1]).squeeze(0);
    }
}
