//! The slowly-changing regression: bits that seldom change, and a target that is a network of thresholds.

use thalweg_tensor::Rng;

/// How many bits an input has.
pub const BITS: usize = 20;
/// How many of them stay what they are for [`PERIOD`] examples; the others are drawn for each.
const SLOW: u32 = 15;
/// For how many examples.
const PERIOD: usize = 10_000;
/// How many thresholds the target has.
const THRESHOLDS: usize = 100;
/// Which part of its inputs must agree with a threshold's weights.
const SHARE: f64 = 0.7;

/// Examples of one draw of the problem, in order.
#[derive(Debug)]
pub struct Stream {
    /// Bit j is input j.
    pub inputs: Vec<u32>,
    pub targets: Vec<f32>,
}

/// A threshold unit: 1 where `w · x + b > τ`, `w` and `b` of ±1.
struct Threshold {
    /// Which weights are 1.
    positive: u32,
    /// τ − b.
    above: f64,
    /// What it adds to the target.
    output: f32,
}

impl Threshold {
    fn draw(rng: &mut Rng) -> Self {
        let positive = bits(BITS as u32, rng);
        let [bias, output] = [0; 2].map(|_: u8| if rng.uniform() < 0.5 { -1.0 } else { 1.0 });
        let sum = 2.0 * f64::from(positive.count_ones()) - BITS as f64;
        let opposed = (BITS as f64 - sum + bias) / 2.0;
        Threshold { positive, above: SHARE * (BITS + 1) as f64 - opposed - bias, output: output as f32 }
    }

    fn say(&self, x: u32) -> f32 {
        let sum = (x & self.positive).count_ones() as f64 - f64::from((x & !self.positive).count_ones());
        if sum > self.above { self.output } else { 0.0 }
    }
}

impl Stream {
    /// A target, and so many examples of it.
    pub fn draw(seed: u64, examples: usize) -> Self {
        let mut rng = Rng::new(seed);
        let target: Vec<Threshold> = (0..THRESHOLDS).map(|_| Threshold::draw(&mut rng)).collect();
        let mut slow = 0;
        let input = |k: usize| {
            if k.is_multiple_of(PERIOD) {
                slow = bits(SLOW, &mut rng);
            }
            slow | bits(BITS as u32 - SLOW, &mut rng) << SLOW
        };
        let inputs: Vec<u32> = (0..examples).map(input).collect();
        let targets = inputs.iter().map(|&x| target.iter().map(|unit| unit.say(x)).sum()).collect();
        Stream { inputs, targets }
    }
}

/// So many fair bits.
fn bits(n: u32, rng: &mut Rng) -> u32 {
    (rng.next_u64() >> (64 - n)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_bits_stay_for_their_period_and_the_others_are_fair() {
        let stream = Stream::draw(1, 3 * PERIOD);
        let slow = |x: u32| x & ((1 << SLOW) - 1);
        for period in stream.inputs.chunks(PERIOD) {
            assert!(period.iter().all(|&x| slow(x) == slow(period[0]) && x < 1 << BITS));
        }
        assert_ne!(slow(stream.inputs[0]), slow(stream.inputs[PERIOD]));
        for bit in SLOW..BITS as u32 {
            let share = stream.inputs.iter().filter(|&&x| x >> bit & 1 == 1).count() as f64 / (3 * PERIOD) as f64;
            assert!((share - 0.5).abs() < 0.02, "{bit}: {share}");
        }
    }

    /// Against the definition, number by number.
    #[test]
    fn a_threshold_is_what_the_definition_says() {
        let (mut rng, mut ones) = (Rng::new(2), 0);
        for _ in 0..2000 {
            let (unit, x) = (Threshold::draw(&mut rng), bits(20, &mut rng));
            let weights: Vec<f64> = (0..20).map(|j| if unit.positive >> j & 1 == 1 { 1.0 } else { -1.0 }).collect();
            let dot: f64 = weights.iter().enumerate().map(|(j, w)| w * f64::from(x >> j & 1)).sum();
            let is_one = [-1.0, 1.0].into_iter().any(|bias| {
                let tau = 0.7 * 21.0 - (20.0 - weights.iter().sum::<f64>() + bias) / 2.0;
                (tau - bias - unit.above).abs() < 1e-9 && dot + bias > tau
            });
            assert_eq!(unit.say(x), if is_one { unit.output } else { 0.0 });
            assert_eq!(unit.output.abs(), 1.0);
            ones += usize::from(is_one);
        }
        assert!((1..100).contains(&ones), "{ones}");
    }
}
