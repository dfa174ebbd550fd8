use super::*;
use crate::Rng;
use crate::kernels::{self, Matrix};
use proptest::prelude::*;

/// The central difference of `f` at `x`.
fn difference(x: f64, f: fn(f64) -> f64) -> f64 {
    (f(x + 1e-5) - f(x - 1e-5)) / 2e-5
}

/// Each function over `f64` and over dual numbers.
macro_rules! both {
    ($($function:expr),* $(,)?) => {
        [$(($function as fn(f64) -> f64, $function as fn(Dual) -> Dual)),*]
    };
}

fn half_power<T: Real>(x: T) -> T {
    x.powf(T::from_f64(1.5))
}
fn power_of_itself<T: Real>(x: T) -> T {
    x.powf(x)
}
fn rational<T: Real>(x: T) -> T {
    (x * x - T::ONE) / (x.powi(-3) + x.powi(4) - x).mul_add(x, T::ONE)
}
fn chosen<T: Real>(x: T) -> T {
    x.maximum(T::ONE) * x.minimum(T::from_f64(1.5)) + x.floor() + x.sign() * (-x).abs()
}

proptest! {
    #[test]
    fn every_function_carries_its_derivative(x in 0.2..1.9f64, t in -2.0..2.0f64) {
        prop_assume!((x - 1.0).abs() > 1e-3 && (x - 1.5).abs() > 1e-3);
        let functions = both![
            Real::exp, Real::ln, Real::ln_1p, Real::exp_m1, Real::sqrt, Real::tanh, Real::sigmoid, Real::sin, Real::cos,
            Real::abs, Real::sign, Real::floor, half_power, power_of_itself, rational, chosen,
        ];
        for (i, (plain, dual)) in functions.into_iter().enumerate() {
            let (y, slope) = (dual(Dual::new(x, t)), difference(x, plain));
            prop_assert!((y.value - plain(x)).abs() < 1e-14, "function {i} at {x}: {y}");
            prop_assert!((y.tangent - slope * t).abs() < 1e-7 * (1.0 + slope.abs()), "function {i} at {x}: {y}, {slope}");
        }
    }

    /// ε² = 0: sums and products are those of polynomials cut after the first power.
    #[test]
    fn dual_numbers_are_a_ring(numbers in prop::collection::vec((-4i32..5, -4i32..5), 3)) {
        let [a, b, c] = [0, 1, 2].map(|i| Dual::new(f64::from(numbers[i].0), f64::from(numbers[i].1)));
        let same = |x: Dual, y: Dual| x.value == y.value && x.tangent == y.tangent;
        prop_assert!(same((a + b) + c, a + (b + c)) && same((a * b) * c, a * (b * c)));
        prop_assert!(same(a * b, b * a) && same(a * (b + c), a * b + a * c));
        prop_assert!(same(a - a, Dual::ZERO) && same(a * Dual::ONE, a) && same(a + Dual::ZERO, a) && same(-a, Dual::ZERO - a));
        prop_assert!(same([a, b, c].into_iter().sum(), a + b + c) && same(a.mul_add(b, c), a * b + c));
        let mut d = a;
        d += b;
        d *= c;
        d -= a;
        prop_assert!(same(d, (a + b) * c - a));
        let epsilon = Dual::new(0.0, 1.0);
        prop_assert!(same(epsilon * epsilon, Dual::ZERO));
    }

    /// (A + ε A′)(B + ε B′) = A B + ε (A′B + A B′), through every kernel that multiplies.
    #[test]
    fn products_carry_their_derivative(m in 0usize..20, k in 0usize..40, n in 1usize..20, seed: u64) {
        let mut rng = Rng::new(seed);
        let [[a, ta], [b, tb]] = [m * k, n * k].map(|len| [(); 2].map(|()| {
            (0..len).map(|_| rng.range(-1.0, 1.0)).collect::<Vec<f64>>()
        }));
        let dual = |v: &[f64], t: &[f64]| -> Vec<Dual> { v.iter().zip(t).map(|(&v, &t)| Dual::new(v, t)).collect() };
        let (da, db) = (dual(&a, &ta), dual(&b, &tb));
        let product = |a: &[f64], b: &[f64], c: &mut [f64]| {
            kernels::gemm(1.0, Matrix::new(m, k, a), Matrix::new(n, k, b).t(), 1.0, c);
        };
        let (mut value, mut tangent) = (vec![0.0; m * n], vec![0.0; m * n]);
        product(&a, &b, &mut value);
        product(&ta, &b, &mut tangent);
        product(&a, &tb, &mut tangent);
        let expected = dual(&value, &tangent);
        let mut all = [vec![Dual::ZERO; m * n], vec![Dual::ONE; m * n], vec![Dual::ZERO; m * n], vec![Dual::ZERO; m * n]];
        kernels::gemm(Dual::ONE, Matrix::new(m, k, &da), Matrix::new(n, k, &db).t(), Dual::ONE, &mut all[0]);
        kernels::gemm(Dual::ONE, Matrix::new(m, k, &da), Matrix::new(n, k, &db).t(), Dual::ZERO, &mut all[1]);
        if k > 0 {
            kernels::rows_times_transposed(&da, &db, k, &mut all[2]);
        }
        for (i, c) in all[3].iter_mut().enumerate() {
            *c = kernels::dot(&da[i / n * k..][..k], &db[i % n * k..][..k]);
        }
        for found in all {
            let close = |x: f64, y: f64| (x - y).abs() < 1e-12;
            prop_assert!(found.iter().zip(&expected).all(|(f, e)| close(f.value, e.value) && close(f.tangent, e.tangent)));
        }
    }
}

#[test]
fn constants_stay_constant_and_a_nan_shows() {
    let zero = Dual::from(0.0);
    for constant in [zero.sqrt(), zero.ln(), zero.powf(Dual::from(0.5)), zero.powi(-1), zero.powi(0), zero.abs()] {
        assert_eq!(constant.tangent, 0.0, "{constant}");
    }
    assert_eq!(Dual::new(0.0, 2.0).sqrt().tangent, f64::INFINITY);
    assert_eq!(Dual::new(0.0, 2.0).powi(0).tangent, 0.0);
    assert_eq!(Dual::new(1.0, 1.0).powi(i32::MIN).tangent, f64::from(i32::MIN));
    for nan in [Dual::from(f64::NAN), Dual::new(f64::NAN, 1.0)] {
        for y in
            [nan.exp(), nan.abs(), nan.sign(), nan.maximum(Dual::ONE), Dual::ONE.maximum(nan), nan.minimum(Dual::ONE)]
        {
            assert!(y.value.is_nan() && !y.is_finite());
        }
    }
    assert!(Dual::new(f64::NAN, 1.0).tanh().tangent.is_nan());
    assert!(!Dual::new(1.0, f64::NAN).is_finite() && Dual::new(1.0, -1.0).is_finite());
}

#[test]
fn the_value_decides_and_equals_share() {
    let (a, b) = (Dual::new(1.0, 2.0), Dual::new(1.0, 4.0));
    assert!(a == b && a <= b && a < Dual::new(1.5, -9.0) && a.partial_cmp(&Dual::from(f64::NAN)).is_none());
    assert_eq!((a.maximum(b).tangent, a.minimum(b).tangent), (3.0, 3.0));
    assert_eq!([a.maximum(Dual::ZERO), Dual::ZERO.maximum(a)].map(|x| x.tangent), [2.0, 2.0]);
    assert_eq!((Dual::new(0.0, 5.0).abs().tangent, Dual::new(2.5, 5.0).floor().tangent), (0.0, 0.0));
    assert_eq!((Dual::from_f64(3.0).tangent, Dual::new(3.0, 1.0).to_f64()), (0.0, 3.0));
    assert_eq!(a.to_string(), "1 + ε 2");
}
