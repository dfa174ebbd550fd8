//! Normal numbers that cost little: one draw each, no logarithm.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

/// Noise for every weight in every step: the sum of the eight bytes of a draw, which is nearly normal; exactly of mean 0 and
/// variance 1, symmetric, of kurtosis 2.85 instead of 3, and never beyond ±4.9.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Noise(Rng);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(Rng::new(seed))
    }

    #[inline]
    pub fn next(&mut self) -> f32 {
        /// The deviation of a byte is √((256² − 1) / 12), that of eight √8 times as much.
        const DEVIATION: f32 = 209.021_53;
        const EVERY_OTHER: u64 = 0x00ff_00ff_00ff_00ff;
        let bytes = self.0.next_u64();
        let pairs = (bytes & EVERY_OTHER) + (bytes >> 8 & EVERY_OTHER);
        let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48; // of the four, in the highest
        (sum as f32 - 1020.0) * (1.0 / DEVIATION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_the_moments_of_a_normal_number() {
        let mut noise = Noise::new(1);
        let mut powers = [0.0; 4];
        for _ in 0..100_000 {
            let x = f64::from(noise.next());
            assert!(x.abs() < 4.9);
            powers.iter_mut().enumerate().for_each(|(k, sum)| *sum += x.powi(k as i32 + 1) / 1e5);
        }
        let expected = [0.0, 1.0, 0.0, 2.85];
        assert!(powers.iter().zip(expected).all(|(found, is)| (found - is).abs() < 0.05), "{powers:?}");
    }
}
