//! The error function `erf x = 2/√π ∫₀ˣ e^−t² dt`, in both precisions.

use super::{exp, polynomial};

/// `erf x` in single precision: `z + z P(z²)` for `z = |x| < 0.92`, else `1 − e^−G(z)`, with the
/// sign of `x`. Beyond 4 it is 1.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let z = x.abs();
    let square = z * z;
    let p = polynomial!(
        square,
        [0.128_379_17, -0.376_126_35, 0.112_837_01, -2.685_969_1e-2, 5.201_714_6e-3, -8.150_050_4e-4, 8.399_778e-5]
    );
    let small = z + z * p;
    let z = if z > 4.0 { 4.0 } else { z };
    let g = polynomial!(
        z,
        [
            -1.790_222_9e-4,
            1.129_536_6,
            0.633_301_14,
            0.108_332_57,
            -2.515_477_3e-2,
            4.185_038e-3,
            -4.374_642e-4,
            2.136_507_5e-5
        ]
    );
    let large = 1.0 - exp(-g);
    let value = if z < 0.92 { small } else { large };
    value.copysign(x)
}

/// `erf x` in double precision: `z + z P(z²)` for `z = |x| < 1`, else `1 − e^−z² Q((z−2)/(z+2))`,
/// with the sign of `x`. Beyond 6 it is 1.
///
/// `Q` is `erfc(z) e^z²`, which varies so little that a polynomial in the mapped variable, as
/// Schonfelder (1978) chose it, holds it over the whole range.
#[inline(always)]
pub(crate) fn erf_f64(x: f64) -> f64 {
    let z = x.abs();
    let square = z * z;
    let p = polynomial!(
        square,
        [
            0.128_379_167_095_512_56,
            -0.376_126_389_031_835_43,
            0.112_837_916_709_450_06,
            -2.686_617_064_323_777e-2,
            5.223_977_607_116_422_5e-3,
            -8.548_325_975_389_692e-4,
            1.205_529_490_483_970_7e-4,
            -1.492_473_690_741_966e-5,
            1.644_742_470_331_736_2e-6,
            -1.620_848_380_187_170_5e-7,
            1.372_006_454_677_768_6e-8,
            -7.795_898_827_002_142e-10
        ]
    );
    let small = z + z * p;
    let z = if z > 6.0 { 6.0 } else { z };
    let q = polynomial!(
        (z - 2.0) / (z + 2.0),
        [
            0.255_395_676_310_505_75,
            -0.427_185_847_413_958_5,
            0.241_658_194_242_465_85,
            -7.897_858_101_570_611e-2,
            3.732_892_404_397_833_6e-3,
            6.997_461_736_971_578e-3,
            -8.471_432_529_919_5e-4,
            -9.819_769_411_038_642e-4,
            4.355_558_686_575_482e-5,
            1.743_594_740_020_515_7e-4,
            2.752_717_555_722_724_6e-5,
            -2.756_220_916_112_935_3e-5,
            -1.399_828_377_278_497_6e-5,
            1.305_857_712_227_801_7e-6,
            4.011_749_647_325_067e-6,
            1.272_567_661_840_228e-6,
            -1.135_257_147_727_362_7e-6
        ]
    );
    let large = 1.0 - f64::exp(-square) * q;
    let value = if z < 1.0 { small } else { large };
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::super::accuracy::{check, check_everywhere};
    use super::*;
    use std::f64::consts::PI;

    #[test]
    fn erf_is_accurate() {
        check(1.5, 5.0, erf, erf_f64);
    }

    #[test]
    #[ignore = "all numbers: minutes"]
    fn erf_is_accurate_everywhere() {
        check_everywhere(1.5, erf, erf_f64);
    }

    /// `2/√π e^−x² Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!`: no term cancels another.
    fn by_series(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        2.0 / PI.sqrt() * (-x * x).exp() * sum
    }

    /// `1 − e^−x²/√π · 1/(x + ½/(x + 1/(x + 3/2/(x + …))))`, for `x` of 2.5 and more.
    fn by_continued_fraction(x: f64) -> f64 {
        let fraction = (1..200).rev().fold(x, |below, n| x + f64::from(n) / 2.0 / below);
        1.0 - (-x * x).exp() / PI.sqrt() / fraction
    }

    #[test]
    fn double_precision_agrees_with_series_and_continued_fraction() {
        for step in 0..60_000 {
            let x = f64::from(step) * 1e-4;
            let value = erf_f64(x);
            // The rounding of x² grows with it, and shows in e^−x².
            let (expected, tolerance) = if x < 2.5 {
                (by_series(x), 8.0 * f64::EPSILON)
            } else {
                (by_continued_fraction(x), f64::EPSILON / 2.0)
            };
            assert!((value - expected).abs() <= tolerance * expected, "erf({x}) = {value}, not {expected}");
        }
    }

    #[test]
    fn double_precision_has_the_known_values() {
        // The nearest numbers to values computed to 40 digits.
        let known: [(f64, f64); 17] = [
            (0.001, 0.001_128_378_790_969_236_5),
            (0.1, 0.112_462_916_018_284_9),
            (0.25, 0.276_326_390_168_236_96),
            (0.5, 0.520_499_877_813_046_5),
            (0.75, 0.711_155_633_653_515_1),
            (0.875, 0.784_075_061_059_859_7),
            (0.954_738_87, 0.823_049_655_672_303_3),
            (0.999, 0.842_285_270_206_496_9),
            (1.0, 0.842_700_792_949_714_9),
            (1.002, 0.843_529_348_622_624_4),
            (1.25, 0.922_900_128_256_458_3),
            (1.5, 0.966_105_146_475_310_8),
            (2.0, 0.995_322_265_018_952_7),
            (2.5, 0.999_593_047_982_555),
            (3.0, 0.999_977_909_503_001_4),
            (4.0, 0.999_999_984_582_742_1),
            (5.0, 0.999_999_999_998_462_6),
        ];
        for (x, exact) in known {
            let unit = f64::EPSILON / 2.0 * (exact.log2().floor() + 1.0).exp2();
            assert!((erf_f64(x) - exact).abs() <= 1.5 * unit, "erf({x}) = {:e}, not {exact:e}", erf_f64(x));
        }
    }

    #[test]
    fn special_values() {
        assert_eq!([erf(f32::INFINITY), erf(-f32::INFINITY), erf(4.0)], [1.0, -1.0, 1.0]);
        assert_eq!([erf_f64(f64::INFINITY), erf_f64(-7.0), erf_f64(0.0)], [1.0, -1.0, 0.0]);
        assert_eq!(erf_f64(-0.0).to_bits(), (-0.0_f64).to_bits());
        assert!(erf(f32::NAN).is_nan() && erf_f64(f64::NAN).is_nan());
    }
}
