//! Sums and means.

use thalweg_tensor::{Real, Shape, kernels, walk};

use crate::{Op, Var};

impl<T: Real> Var<'_, T> {
    /// The sum of all elements: any shape → `[]`.
    ///
    /// Forward `y = Σᵢ xᵢ`; backward `x̄ᵢ += ȳ`.
    pub fn sum(self) -> Self {
        self.pass.record(
            "sum",
            [self],
            Shape::scalar(),
            |[x], y| y[0] = kernels::sum(x),
            |g| {
                let dy = g.dy()[0];
                g.dx(0).iter_mut().for_each(|dx| *dx += dy);
            },
        )
    }

    /// The mean of all elements: any shape → `[]`. NaN if there are none.
    pub fn mean(self) -> Self {
        let n = self.shape().len();
        self.sum() * (T::ONE / T::from_f64(n as f64))
    }

    /// The sum along one axis, which is dropped from the shape.
    ///
    /// Forward `y = Σᵢ x[…, i, …]`; backward `x̄[…, i, …] += ȳ`.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn sum_axis(self, axis: usize) -> Self {
        let shape = self.shape();
        assert!(axis < shape.rank(), "sum_axis: there is no axis {axis} in {shape}");
        self.pass.record(
            Op::new("sum_axis").attributes([axis]),
            [self],
            shape.without(axis),
            |[x], y| walk([shape.with(axis, 1)], shape, |[i], k| y[i] += x[k]),
            |g| {
                let ([axis], x, dy) = (g.attributes(), g.shape(0), g.dy());
                let dx = g.dx(0);
                walk([x.with(axis, 1)], x, |[i], k| dx[k] += dy[i]);
            },
        )
    }

    /// The mean along one axis, which is dropped from the shape.
    ///
    /// # Panics
    /// If there is no such axis.
    #[track_caller]
    pub fn mean_axis(self, axis: usize) -> Self {
        let sum = self.sum_axis(axis);
        sum * (T::ONE / T::from_f64(self.shape().dims()[axis] as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{any_shape, any_tensor, tensor};
    use crate::gradcheck;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sum_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).sum())?; }
        #[test]
        fn mean_gradient(x in any_tensor(-2.0, 2.0)) { gradcheck([x], |[x]| (x * x).mean())?; }

        #[test]
        fn sum_axis_gradient(
            (x, axis) in any_shape().prop_filter("needs an axis", |s| !s.is_empty()).prop_flat_map(|dims| {
                let rank = dims.len();
                (tensor(dims, -2.0, 2.0), 0..rank)
            })
        ) {
            gradcheck([x.clone()], |[x]| (x * x).sum_axis(axis))?;
            gradcheck([x], |[x]| (x * x).mean_axis(axis).sum())?;
        }
    }
}
