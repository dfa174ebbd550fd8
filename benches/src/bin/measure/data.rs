//! Data and initial weights that any program in any language can repeat bit for bit.

use thalweg_autograd::Params;
use thalweg_benches::Stream;

/// Where the data begin.
pub const DATA_SEED: u64 = 42;

/// Where the initial weights begin.
const WEIGHT_SEED: u64 = 1;

/// SplitMix64. Source: Steele, Lea & Flood 2014.
#[derive(Debug)]
pub struct SplitMix(u64);

impl SplitMix {
    /// The generator that starts from a seed.
    pub fn new(seed: u64) -> Self {
        SplitMix(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`: the upper 24 bits, which `f32` holds exactly.
    pub fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }

    /// Uniform in `[-bound, bound)`.
    fn within(&mut self, bound: f32) -> f32 {
        (2.0 * self.unit() - 1.0) * bound
    }

    /// `count` whole numbers below `classes`.
    pub fn classes(&mut self, count: usize, classes: usize) -> Vec<usize> {
        (0..count).map(|_| (self.next() >> 33) as usize % classes).collect()
    }

    /// `count` numbers, uniform in `[-bound, bound)`.
    pub fn numbers(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| self.within(bound)).collect()
    }
}

/// Features uniform with variance 1; labels 0 and 1 drawn from a logistic model of them.
pub fn labels(inputs: usize) -> Stream {
    let mut rng = SplitMix::new(DATA_SEED);
    let weights = rng.numbers(inputs, 1.5);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for _ in 0..Stream::LEN {
        let mut logit = 0.0;
        for &w in &weights {
            let feature = rng.within(3_f32.sqrt());
            logit += f64::from(w) * f64::from(feature);
            x.push(feature);
        }
        let is_one = f64::from(rng.unit()) < 1.0 / (1.0 + (-logit).exp());
        y.push(f32::from(u8::from(is_one)));
    }
    Stream::new(inputs, x, y)
}

/// Features uniform in ±1; the target is a fading sum of their means, with noise.
pub fn numbers(inputs: usize) -> Stream {
    let mut rng = SplitMix::new(DATA_SEED);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut faded = 0.0;
    for _ in 0..Stream::LEN {
        let features = rng.numbers(inputs, 1.0);
        faded = 0.9 * faded + features.iter().sum::<f32>() / inputs as f32;
        x.extend(features);
        y.push(faded + rng.within(0.1));
    }
    Stream::new(inputs, x, y)
}

/// Draws θ anew, parameter after parameter in the order in which they were added, each uniform within its bound.
///
/// # Panics
/// If there is not one bound for each parameter.
#[track_caller]
pub fn redraw(params: &mut Params, bounds: &[f32]) {
    let mut rng = SplitMix::new(WEIGHT_SEED);
    let parameters: Vec<_> = params.layout().iter().map(|(param, _)| param).collect();
    assert!(parameters.len() == bounds.len(), "redraw: {} bounds for {} parameters", bounds.len(), parameters.len());
    for (param, &bound) in parameters.into_iter().zip(bounds) {
        params.of_mut(param).iter_mut().for_each(|weight| *weight = rng.within(bound));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut rng = SplitMix::new(1_234_567);
        let published = [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(published.map(|_| rng.next()), published);
    }

    #[test]
    fn units_are_the_upper_bits() {
        let mut rng = SplitMix::new(DATA_SEED);
        let upper = [12_441_394_u32, 2_682_851, 4_674_151];
        assert_eq!(upper.map(|_| rng.unit()), upper.map(|bits| bits as f32 / 16_777_216.0));
    }

    #[test]
    fn classes_are_below_their_number_and_all_occur() {
        let classes = SplitMix::new(DATA_SEED).classes(1000, 10);
        assert!(classes.len() == 1000 && (0..10).all(|class| classes.contains(&class)));
        assert!(classes.iter().all(|&class| class < 10));
    }

    #[test]
    fn streams_follow_their_models() {
        let (mut labels, mut numbers) = (labels(8), numbers(16));
        let (x, y) = labels.next(Stream::LEN);
        let variance = x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32;
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        assert!(y.iter().all(|&y| y == 0.0 || y == 1.0) && y.contains(&0.0) && y.contains(&1.0));
        let (x, y) = numbers.next(Stream::LEN);
        let mean = |t: usize| x[16 * t..][..16].iter().sum::<f32>() / 16.0;
        for t in 1..Stream::LEN {
            // The noise of two targets, one of them faded, is left.
            assert!((y[t] - 0.9 * y[t - 1] - mean(t)).abs() <= 0.19 + 1e-5, "at {t}");
        }
    }

    #[test]
    fn redrawing_goes_through_the_parameters_in_order() {
        let mut params = Params::new();
        let (first, second) = (params.add("first", [2], |_| 9.0), params.add("second", [1], |_| 9.0));
        redraw(&mut params, &[1.0, 0.5]);
        let expected = SplitMix::new(WEIGHT_SEED).numbers(3, 1.0);
        assert_eq!(params.of(first), &expected[..2]);
        assert_eq!(params.of(second), [0.5 * expected[2]]);
    }
}
