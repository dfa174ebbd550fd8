//! `+ − * /` between tensors, views and numbers (shapes broadcast), `−x`, and `+= −= *= /=` in place.

use crate::combine::combine;
use crate::{AsView, Real, Tensor, View};
use std::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// An operator whose left side is one of these types, or a number, and whose right side is anything that reads as a
/// tensor.
macro_rules! operator {
    ($Operator:ident $method:ident $sign:tt, $Assign:ident $assign:ident: $($Left:ty)*) => {
        /// Compiled once, whatever the sides are.
        #[track_caller]
        fn $method<T: Real>(x: View<'_, T>, y: View<'_, T>) -> Tensor<T> {
            combine(stringify!($method), [x, y], #[inline(always)] |[x, y]| x $sign y)
        }

        $(impl<T: Real, R: AsView<T>> $Operator<R> for $Left {
            type Output = Tensor<T>;
            #[track_caller]
            fn $method(self, right: R) -> Tensor<T> {
                $method(self.as_view(), right.as_view())
            }
        })*

        impl<T: Real, R: AsView<T>> $Assign<R> for Tensor<T> {
            #[track_caller]
            fn $assign(&mut self, right: R) {
                self.update_by(stringify!($method), right.as_view(), #[inline(always)] |x, y| x $sign y);
            }
        }

        operator! { $Operator $method f32: Tensor<f32>, &Tensor<f32>, View<'_, f32> }
        operator! { $Operator $method f64: Tensor<f64>, &Tensor<f64>, View<'_, f64> }
    };
    ($Operator:ident $method:ident $Number:ident: $($Right:ty),*) => {
        $(impl $Operator<$Right> for $Number {
            type Output = Tensor<$Number>;
            #[inline]
            fn $method(self, right: $Right) -> Tensor<$Number> {
                $method(self.as_view(), right.as_view())
            }
        })*
    };
}

operator! { Add add +, AddAssign add_assign: Tensor<T> &Tensor<T> View<'_, T> }
operator! { Sub sub -, SubAssign sub_assign: Tensor<T> &Tensor<T> View<'_, T> }
operator! { Mul mul *, MulAssign mul_assign: Tensor<T> &Tensor<T> View<'_, T> }
operator! { Div div /, DivAssign div_assign: Tensor<T> &Tensor<T> View<'_, T> }

macro_rules! negation {
    ($($Type:ty)*) => {
        $(impl<T: Real> Neg for $Type {
            type Output = Tensor<T>;
            fn neg(self) -> Tensor<T> {
                self.map(#[inline(always)] |x| -x)
            }
        })*
    };
}

negation! { Tensor<T> &Tensor<T> View<'_, T> }

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_same, broadcasting};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn operators_are_those_of_their_elements([x, y] in broadcasting()) {
            assert_same(&(&x + &y), &x.zip_with(&y, |x, y| x + y));
            assert_same(&(&x - &y), &x.zip_with(&y, |x, y| x - y));
            assert_same(&(&x * &y), &x.zip_with(&y, |x, y| x * y));
            assert_same(&(&x / &y), &x.zip_with(&y, |x, y| x / y));
            assert_same(&-&x, &x.map(|x| -x));
        }

        #[test]
        fn owned_and_borrowed_sides_agree([x, y] in broadcasting()) {
            let expected = &x - &y;
            assert_same(&(x.view() - y.view()), &expected);
            assert_same(&(x.clone() - &y), &expected);
            assert_same(&(x.view() - y.clone()), &expected);
            let mut changed = x.broadcast_to(expected.shape()).to_tensor();
            changed -= &y;
            assert_same(&changed, &expected);
        }
    }

    #[test]
    fn numbers_stand_on_either_side() {
        let x = Tensor::from_slice(&[1.0_f32, 2.0, 4.0]);
        assert_eq!((&x + 1.0).as_slice(), [2.0, 3.0, 5.0]);
        assert_eq!((1.0 - &x).as_slice(), [0.0, -1.0, -3.0]);
        assert_eq!((2.0 / x.view()).as_slice(), [2.0, 1.0, 0.5]);
        assert_eq!((x.slice(0, 1..) * 0.5).as_slice(), [1.0, 2.0]);
        let mut y = x.clone();
        y *= 2.0;
        y += [1.0, 0.0, -1.0];
        y /= &x;
        assert_eq!(y.as_slice(), [3.0, 2.0, 1.75]);
    }

    /// Numbers of the type itself are operands where the type is not known.
    #[test]
    fn generic_code_mixes_tensors_and_numbers() {
        fn halve<T: Real + AsView<T>>(x: &Tensor<T>) -> Tensor<T> {
            (x + x) * T::from_f64(0.25)
        }
        assert_eq!(halve(&Tensor::from_slice(&[2.0_f32])).as_slice(), [1.0]);
    }
}
