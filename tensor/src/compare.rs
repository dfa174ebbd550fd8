//! Comparisons, elementwise: masks of 1 where it holds and 0 where it does not.
//!
//! Masks are tensors like any other: `a * b` is *and*, `a.maximum(&b)` is *or*, `1 − a` is *not*, their sum counts.

use crate::Real;
use crate::combine::{map_methods, zip_methods};

zip_methods! {
    /// 1 where `x > y`, else 0, elementwise; shapes broadcast. 0 where either is NaN.
    gt = |x, y| mask(x > y);
    /// 1 where `x ≥ y`, else 0, elementwise; shapes broadcast. 0 where either is NaN.
    ge = |x, y| mask(x >= y);
    /// 1 where `x < y`, else 0, elementwise; shapes broadcast. 0 where either is NaN.
    lt = |x, y| mask(x < y);
    /// 1 where `x ≤ y`, else 0, elementwise; shapes broadcast. 0 where either is NaN.
    le = |x, y| mask(x <= y);
    /// 1 where `x = y`, else 0, elementwise; shapes broadcast. 0 where either is NaN.
    eq = |x, y| mask(x == y);
    /// 1 where `x ≠ y`, else 0, elementwise; shapes broadcast. 1 where either is NaN.
    ne = |x, y| mask(x != y);
}

map_methods! {
    /// 1 where the element is NaN, else 0, elementwise, any shape.
    is_nan() = |x| mask(is_nan(x));
    /// 1 where the element is neither infinite nor NaN, else 0, elementwise, any shape.
    is_finite() = |x| mask(x.is_finite());
}

#[inline(always)]
fn mask<T: Real>(holds: bool) -> T {
    if holds { T::ONE } else { T::ZERO }
}

/// NaN alone differs from itself.
#[allow(clippy::eq_op)]
#[inline(always)]
fn is_nan<T: Real>(x: T) -> bool {
    x != x
}

#[cfg(test)]
mod tests {
    use crate::testing::{assert_same, broadcasting};
    use crate::{Tensor, View};
    use proptest::prelude::*;

    type Comparison = (fn(&Tensor<f64>, &Tensor<f64>) -> Tensor<f64>, fn(&f64, &f64) -> bool);

    const COMPARISONS: [Comparison; 6] = [
        (|x, y| x.gt(y), f64::gt),
        (|x, y| x.ge(y), f64::ge),
        (|x, y| x.lt(y), f64::lt),
        (|x, y| x.le(y), f64::le),
        (|x, y| x.eq(y), f64::eq),
        (|x, y| x.ne(y), f64::ne),
    ];

    proptest! {
        #[test]
        fn masks_are_the_comparisons_of_numbers([x, y] in broadcasting()) {
            for (mask, compare) in COMPARISONS {
                assert_same(&mask(&x, &y), &x.zip_with(&y, |x, y| f64::from(u8::from(compare(&x, &y)))));
            }
        }
    }

    #[test]
    fn kinds_of_numbers() {
        let x = View::from(&[1.0_f32, f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(x.is_nan().as_slice(), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(x.is_finite().as_slice(), [1.0, 0.0, 0.0, 0.0]);
    }
}
