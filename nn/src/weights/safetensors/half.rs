//! Numbers of 16 bits, to and from double precision.
//!
//! A number of 16 bits is a sign, an exponent field `e` and `M` bits of mantissa `m`:
//!
//! ```text
//! e = 0           ± m / 2ᴹ · 2^(1 − bias)              zero and subnormal numbers
//! 0 < e < all     ± (1 + m / 2ᴹ) · 2^(e − bias)
//! e = all ones    ± ∞ where m = 0, else NaN
//! ```
//!
//! Source: IEEE 754-2019 for binary16; bfloat16 is the upper half of a single-precision number (Wang and Kanwar, 2019).

/// How the 16 bits are divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Half {
    /// `M`, the bits of the mantissa.
    mantissa: u32,
    /// Of the exponent; also the largest exponent of a finite number.
    bias: i64,
}

/// IEEE's binary16: 11 significant bits, up to 65504.
pub(super) const F16: Half = Half { mantissa: 10, bias: 15 };
/// bfloat16: 8 significant bits, and the range of single precision.
pub(super) const BF16: Half = Half { mantissa: 7, bias: 127 };

/// What double precision has.
const WIDE: u32 = 52;
const WIDE_BIAS: i64 = 1023;
const SIGN: u64 = 1 << 63;

impl Half {
    /// The bits of +∞: an exponent of ones, a mantissa of zeros.
    fn infinity(self) -> u16 {
        0x7fff >> self.mantissa << self.mantissa
    }

    /// The number that these bits are, exactly; a NaN keeps its bits.
    pub fn widen(self, bits: u16) -> f64 {
        let (magnitude, sign) = (bits & 0x7fff, u64::from(bits >> 15) << 63);
        let (exponent, mantissa) = (i64::from(magnitude >> self.mantissa), u64::from(magnitude));
        let magnitude = if magnitude >= self.infinity() {
            f64::INFINITY.to_bits() | mantissa << (WIDE - self.mantissa)
        } else if exponent == 0 {
            let unit = f64::from_bits(((1 - self.bias - i64::from(self.mantissa) + WIDE_BIAS) as u64) << WIDE);
            (mantissa as f64 * unit).to_bits()
        } else {
            // Shifted into place, the exponent is short of the difference between the biases.
            (mantissa << (WIDE - self.mantissa)) + (((WIDE_BIAS - self.bias) as u64) << WIDE)
        };
        f64::from_bits(sign | magnitude)
    }

    /// The bits of the nearest number, of two the even one; beyond the largest number, infinity. A NaN stays one, and
    /// keeps what it can of its bits.
    pub fn narrow(self, value: f64) -> u16 {
        let (sign, magnitude) = ((value.to_bits() >> 63 << 15) as u16, value.to_bits() & !SIGN);
        if value.is_nan() {
            let kept = (magnitude >> (WIDE - self.mantissa)) as u16 & 0x7fff;
            let quiet = u16::from(kept & !self.infinity() == 0) << (self.mantissa - 1);
            return sign | self.infinity() | kept | quiet;
        }
        // value = ± significand · 2^(exponent − 52); below the smallest normal number the steps no longer shrink.
        let exponent = ((magnitude >> WIDE) as i64 - WIDE_BIAS).max(-WIDE_BIAS);
        let significand = magnitude & ((1 << WIDE) - 1) | 1 << WIDE;
        let smallest = 1 - self.bias;
        let dropped = i64::from(WIDE - self.mantissa) + (smallest - exponent).max(0);
        if dropped > i64::from(WIDE) + 1 {
            return sign; // less than half of the smallest number
        }
        let (kept, rest, middle) = (significand >> dropped, significand & ((1 << dropped) - 1), 1 << (dropped - 1));
        let rounded = kept + u64::from(rest > middle || rest == middle && kept & 1 == 1);
        // The leading 1 of a normal number adds itself to the exponent field, and so does a carry of the rounding.
        let bits = (((exponent.max(smallest) - smallest) as u64) << self.mantissa) + rounded;
        sign | bits.min(u64::from(self.infinity())) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All 65536 patterns, there and back; bfloat16 also against what it is by definition.
    #[test]
    fn every_pattern_comes_back() {
        for bits in 0..=u16::MAX {
            for half in [F16, BF16] {
                assert_eq!(half.narrow(half.widen(bits)), bits, "{half:?} {bits:#06x}");
            }
            let single = f32::from_bits(u32::from(bits) << 16);
            let (value, expected) = (BF16.widen(bits), f64::from(single));
            assert!(value.to_bits() == expected.to_bits() || value.is_nan() && single.is_nan(), "{bits:#06x}");
        }
    }

    /// By the definition in the module's docs.
    #[test]
    fn every_pattern_is_its_number() {
        for (half, mantissa, bias) in [(F16, 10, 15), (BF16, 7, 127)] {
            for bits in 0..0x8000_u16 {
                let (e, m) = (i32::from(bits >> mantissa), f64::from(bits & ((1 << mantissa) - 1)));
                let fraction = m / f64::from(1 << mantissa);
                let expected = match e {
                    0 => fraction * f64::powi(2.0, 1 - bias),
                    e if e == 2 * bias + 1 && m == 0.0 => f64::INFINITY,
                    e if e == 2 * bias + 1 => f64::NAN,
                    e => (1.0 + fraction) * f64::powi(2.0, e - bias),
                };
                for (bits, expected) in [(bits, expected), (bits | 0x8000, -expected)] {
                    let value = half.widen(bits);
                    assert!(
                        value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan(),
                        "{bits:#06x}"
                    );
                }
            }
        }
    }

    /// Between any two neighbours: what lies nearer to one becomes it, the middle becomes the even one.
    #[test]
    fn rounding_is_to_the_nearest_and_of_two_to_the_even() {
        for half in [F16, BF16] {
            for low in 0..half.infinity() - 1 {
                let (from, to) = (half.widen(low), half.widen(low + 1));
                let middle = (from + to) / 2.0;
                let even = low + (low & 1);
                for (value, expected) in [(middle.next_down(), low), (middle, even), (middle.next_up(), low + 1)] {
                    assert_eq!(half.narrow(value), expected, "{half:?} {value:e}");
                    assert_eq!(half.narrow(-value), expected | 0x8000, "{half:?} {value:e}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!(F16.widen(F16.infinity() - 1), 65504.0);
        assert_eq!([65519.9, 65520.0, 1e300, f64::INFINITY].map(|x| F16.narrow(x)), [0x7bff, 0x7c00, 0x7c00, 0x7c00]);
        let tiny = f64::powi(2.0, -25);
        assert_eq!([tiny, tiny.next_up(), f64::MIN_POSITIVE, 0.0, -0.0].map(|x| F16.narrow(x)), [0, 1, 0, 0, 0x8000]);
        assert!([F16, BF16].iter().all(|half| half.widen(half.narrow(f64::from_bits(!SIGN))).is_nan()));
        let signalling = f64::from_bits(f64::INFINITY.to_bits() | 1);
        assert!([F16, BF16].iter().all(|half| half.widen(half.narrow(signalling)).is_nan()));
    }

    proptest! {
        /// |x − half(x)| ≤ half of the distance between neighbours there.
        #[test]
        fn the_error_is_half_a_step_at_most(x in -65504.0..65504.0_f64) {
            for half in [F16, BF16] {
                let bits = half.narrow(x);
                let (y, next) = (half.widen(bits), half.widen(bits + 1));
                prop_assert!((x - y).abs() <= (next - y).abs() / 2.0, "{half:?} {x:e} {y:e}");
            }
        }
    }
}
