//! The numbers that CPython's module `random` draws (tested against 3.11): the Mersenne Twister (Matsumoto and Nishimura,
//! 1998) and what is derived from it.

use std::f64::consts::TAU;

use rand_mt::Mt;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// The generator makes its numbers in blocks of this many.
const BLOCK: usize = 624;

/// `random.Random(seed)`.
///
/// The last block of numbers says all about the generator (the next block follows from it), so that is what is kept: plain
/// numbers, which can be saved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Python {
    block: Vec<u32>,
    used: usize,
    /// Normal numbers come in pairs: the second of the last one.
    spare: Option<f64>,
}

#[derive(Deserialize)]
struct Unchecked {
    block: Vec<u32>,
    used: usize,
    spare: Option<f64>,
}

impl TryFrom<Unchecked> for Python {
    type Error = Error;

    fn try_from(Unchecked { block, used, spare }: Unchecked) -> Result<Self, Error> {
        if block.len() == BLOCK && used <= BLOCK {
            return Ok(Python { block, used, spare });
        }
        let found = format!("expected at most {BLOCK} of {BLOCK} numbers used, found {used} of {}", block.len());
        Err(Error::new(ErrorKind::Checkpoint, found))
    }
}

impl Python {
    /// The key is the seed in words of 32 bits, the lowest first, without leading zeros.
    pub(super) fn new(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key = [low, high];
        let mut twister = Mt::new_with_key(key[..if high == 0 { 1 } else { 2 }].iter().copied());
        Python { block: (0..BLOCK).map(|_| twister.next_u32()).collect(), used: 0, spare: None }
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == BLOCK {
            let mut last = [0; BLOCK];
            last.copy_from_slice(&self.block);
            let mut twister = Mt::from(last);
            self.block.fill_with(|| twister.next_u32());
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// `random()`: uniform in `[0, 1)`, 53 bits.
    pub(super) fn uniform(&mut self) -> f64 {
        let (high, low) = (self.next_u32() >> 5, self.next_u32() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `getrandbits(count)`, for 1 to 64 bits.
    pub(super) fn bits(&mut self, count: u32) -> u64 {
        if count <= 32 {
            return u64::from(self.next_u32() >> (32 - count));
        }
        let low = self.next_u32();
        u64::from(low) | u64::from(self.next_u32() >> (64 - count)) << 32
    }

    /// What `randrange(n)`, `randint(0, n - 1)` and `choice` of `n` things draw; `n` is not 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        let bits = usize::BITS - n.leading_zeros();
        loop {
            let drawn = self.bits(bits) as usize;
            if drawn < n {
                return drawn;
            }
        }
    }

    /// `gauss(0, 1)`.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let angle = self.uniform() * TAU;
        let length = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        self.spare = Some(angle.sin() * length);
        angle.cos() * length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_python() {
        let mut random = Python::new(42);
        assert_eq!(random.uniform(), 0.639_426_798_457_883_7);
        assert_eq!(random.uniform(), 0.025_010_755_222_666_936);
        // random.seed(2**40 + 1); getrandbits(40), randrange(1000), gauss(0, 1) twice, then the 10 000th random().
        let mut random = Python::new((1 << 40) + 1);
        assert_eq!(random.bits(40), BITS_40);
        assert_eq!(random.below(1000), BELOW_1000);
        assert!((random.normal() - FIRST_NORMAL).abs() < 1e-15 && (random.normal() - SECOND_NORMAL).abs() < 1e-15);
        assert_eq!((0..10_000).map(|_| random.uniform()).last(), Some(LAST_UNIFORM));
    }

    const BITS_40: u64 = 17_934_741_195;
    const BELOW_1000: usize = 849;
    const FIRST_NORMAL: f64 = -0.5224351355366448;
    const SECOND_NORMAL: f64 = -1.9856085936271772;
    const LAST_UNIFORM: f64 = 0.6448140435966173;

    #[test]
    fn a_saved_generator_goes_on_at_any_place_in_a_block() -> Result<(), serde_json::Error> {
        for used in [0, 1, 623, 624, 625, 2000] {
            let mut random = Python::new(7);
            (0..used).for_each(|_| _ = random.next_u32());
            let mut saved: Python = serde_json::from_str(&serde_json::to_string(&random)?)?;
            for _ in 0..1500 {
                assert_eq!(saved.next_u32(), random.next_u32());
            }
            assert_eq!((saved.normal(), saved.normal()), (random.normal(), random.normal()));
        }
        Ok(())
    }

    #[test]
    fn a_damaged_generator_is_refused() {
        assert!(serde_json::from_str::<Python>(r#"{"block":[1,2,3],"used":0,"spare":null}"#).is_err());
    }
}
