//! Comparisons, elementwise: masks of 1 and 0.
//!
//! A mask is a step function of what it compares: its derivative is 0 wherever it has one, so nothing goes backward.
//! Multiply by a mask, or choose with it by [`where_`](Var::where_).

use thalweg_tensor::Real;

use crate::Var;

impl<T: Real> Var<'_, T> {
    /// 1 where `self > b`, else 0, elementwise; shapes broadcast. 0 where either is NaN. No gradient.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// let mask = pass.input(&[-1.0, 0.0, 2.0]).gt(pass.zeros([]));
    /// assert_eq!(mask.to_tensor().as_slice(), [0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn gt(self, b: Self) -> Self {
        self.compare("gt", b, |a, b| a > b)
    }

    /// 1 where `self ≥ b`, else 0, elementwise; shapes broadcast. 0 where either is NaN. No gradient.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn ge(self, b: Self) -> Self {
        self.compare("ge", b, |a, b| a >= b)
    }

    /// 1 where `self < b`, else 0, elementwise; shapes broadcast. 0 where either is NaN. No gradient.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn lt(self, b: Self) -> Self {
        self.compare("lt", b, |a, b| a < b)
    }

    /// 1 where `self ≤ b`, else 0, elementwise; shapes broadcast. 0 where either is NaN. No gradient.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn le(self, b: Self) -> Self {
        self.compare("le", b, |a, b| a <= b)
    }

    /// 1 where `self = b`, else 0, elementwise; shapes broadcast. 0 where either is NaN. No gradient.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn eq(self, b: Self) -> Self {
        self.compare("eq", b, |a, b| a == b)
    }

    /// 1 where `self ≠ b`, else 0, elementwise; shapes broadcast. 1 where either is NaN. No gradient.
    ///
    /// # Panics
    /// If the shapes do not broadcast.
    #[track_caller]
    pub fn ne(self, b: Self) -> Self {
        self.compare("ne", b, |a, b| a != b)
    }

    #[track_caller]
    fn compare(self, op: &'static str, b: Self, holds: impl Fn(T, T) -> bool) -> Self {
        self.zip(op, b, |a, b| if holds(a, b) { T::ONE } else { T::ZERO }, |_| {})
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::{broadcast_pair, slope};
    use crate::{Params, Tape, Var};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_comparison_is_the_opposite_of_another(ab in broadcast_pair(-2.0, 2.0)) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            // Whole numbers, so that some are equal.
            let [a, b] = ab.each_ref().map(|t| pass.input(t).floor());
            for (mask, opposite) in [(a.gt(b), a.le(b)), (a.lt(b), a.ge(b)), (a.eq(b), a.ne(b))] {
                (mask + opposite).with(|sum| assert!(sum.iter().all(|&sum| sum == 1.0)));
            }
            prop_assert_eq!(a.gt(b).to_tensor(), b.lt(a).to_tensor());
            prop_assert_eq!((a.gt(b) + a.eq(b)).to_tensor(), a.ge(b).to_tensor());
        }
    }

    #[test]
    fn comparisons_with_nan_do_not_hold_but_for_ne() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let (nan, zero) = (pass.input(&[f64::NAN]), pass.zeros([1]));
        assert_eq!(
            [Var::gt, Var::ge, Var::lt, Var::le, Var::eq, Var::ne].map(|f| f(nan, zero).item()),
            [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]
        );
    }

    #[test]
    fn masks_choose_the_gradient_and_get_none() {
        let twice_above_one = |x| {
            slope(x, |x| {
                let mask = x.gt(x.pass().input(&[1.0]));
                x + x * mask
            })
        };
        assert_eq!([0.5, 1.5].map(twice_above_one), [1.0, 2.0]);
    }

    #[test]
    #[should_panic(expected = "le: shapes do not broadcast: [2] and [3]")]
    fn comparisons_panic_on_shapes_that_do_not_broadcast() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let _ = pass.zeros([2]).le(pass.zeros([3]));
    }
}
