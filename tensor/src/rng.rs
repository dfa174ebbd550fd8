//! A seeded generator of random numbers: a plain value whose bits are the same on every machine (but for
//! [`normal`](Rng::normal), which takes the system's logarithm).

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng as _, SeedableRng};

/// A seeded generator (xoshiro256++; Blackman and Vigna, 2021).
///
/// The whole state is in the value: a clone repeats what follows, a saved generator resumes where
/// it stopped, and nothing is drawn from the system.
///
/// ```
/// use thalweg_tensor::Rng;
///
/// let mut rng = Rng::new(7);
/// let mut twin = rng.clone();
/// assert_eq!(rng.permutation(5), twin.permutation(5));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "Read"))]
pub struct Rng(Xoshiro256PlusPlus);

/// A generator as it is read.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(rename = "Rng")]
struct Read(Xoshiro256PlusPlus);

/// The one state that no seed leads to gives zeros for ever, and whoever draws again until a number fits would wait as long.
#[cfg(feature = "serde")]
impl TryFrom<Read> for Rng {
    type Error = &'static str;

    fn try_from(Read(state): Read) -> Result<Self, &'static str> {
        let mut probe = state.clone();
        if (0..8).any(|_| probe.next_u64() != 0) { Ok(Rng(state)) } else { Err("a generator of nothing but zeros") }
    }
}

impl Rng {
    /// The generator that this seed starts.
    pub fn new(seed: u64) -> Rng {
        Rng(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`: a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * UNIT
    }

    /// Uniform between `low` and `high` (which rounding may reach).
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal: mean 0, variance 1 (polar method; Marsaglia and Bray, 1964).
    ///
    /// The second number that the method yields is thrown away, so that the state is the
    /// generator's alone.
    pub fn normal(&mut self) -> f64 {
        loop {
            let u = self.range(-1.0, 1.0);
            let v = self.range(-1.0, 1.0);
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                return u * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Uniform in `0..n`, without bias (multiply and reject; Lemire, 2019).
    ///
    /// # Panics
    ///
    /// When `n` is 0.
    #[track_caller]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "below: there is no number below 0");
        let n = n as u64;
        // The low halves below this many would make some numbers likelier than others.
        let rejected = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= rejected {
                return (product >> 64) as usize;
            }
        }
    }

    /// Puts the items in random order, every order equally likely (Fisher and Yates, 1938).
    pub fn shuffle<X>(&mut self, items: &mut [X]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// The numbers `0..n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// A new generator, seeded by the next number of this one.
    ///
    /// For a part that should draw its own numbers, however many the other parts draw.
    pub fn fork(&mut self) -> Rng {
        Rng::new(self.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "serde")]
    #[test]
    fn a_generator_of_nothing_but_zeros_is_refused() -> Result<(), serde_json::Error> {
        let good = serde_json::to_value(Rng::new(1))?;
        assert_eq!(serde_json::from_value::<Rng>(good.clone())?, Rng::new(1));
        let zeros = good.to_string().replace(|digit: char| digit.is_ascii_digit(), "0").replace("00", "0");
        assert!(serde_json::from_str::<Rng>(&zeros).is_err(), "{zeros}");
        Ok(())
    }

    #[test]
    fn a_seed_gives_the_same_numbers_for_ever() {
        let mut rng = Rng::new(42);
        let first: [u64; 3] = std::array::from_fn(|_| rng.next_u64());
        assert_eq!(first, [0xd076_4d4f_4476_689f, 0x519e_4174_576f_3791, 0xfbe0_7cfb_0c24_ed8c]);
    }

    #[test]
    fn uniform_numbers_fill_their_range_evenly() {
        let mut rng = Rng::new(1);
        let mut counts = [0_usize; 10];
        for _ in 0..10_000 {
            let x = rng.uniform();
            assert!((0.0..1.0).contains(&x));
            counts[(x * 10.0) as usize] += 1;
            counts[rng.below(10)] += 1;
        }
        assert!(counts.iter().all(|count| count.abs_diff(2000) < 200), "{counts:?}");
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let mut rng = Rng::new(2);
        let mut powers = [0.0; 4];
        for _ in 0..100_000 {
            let x = rng.normal();
            powers.iter_mut().enumerate().for_each(|(k, sum)| *sum += x.powi(k as i32 + 1) / 1e5);
        }
        let distances = [powers[0], powers[1] - 1.0, powers[2], powers[3] - 3.0];
        assert!(distances.iter().all(|distance| distance.abs() < 0.1), "{powers:?}");
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = Rng::new(3).permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_fork_draws_on_its_own() {
        let (mut one, mut other) = (Rng::new(4), Rng::new(4));
        let mut fork = one.fork();
        other.fork();
        fork.next_u64();
        assert_eq!(one, other);
        assert_ne!(fork, one);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_saved_generator_resumes() -> Result<(), serde_json::Error> {
        let mut rng = Rng::new(5);
        rng.normal();
        let mut loaded: Rng = serde_json::from_str(&serde_json::to_string(&rng)?)?;
        assert_eq!(loaded.normal(), rng.normal());
        Ok(())
    }
}
