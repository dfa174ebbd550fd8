//! A running quantile in five numbers.

use serde::{Deserialize, Serialize};

/// The quantile `q` of all values so far, by the P² algorithm (Jain & Chlamtac 1985): five markers, of which the middle one
/// stands at the quantile. They move by parabolas, or where these would leave the order, by straight lines. Of at most five
/// values it is the one at place ⌊n q⌋ in their order, counted from 0. It supposes that values come in no order of their own:
/// of values that only grow, it lags behind.
///
/// ```
/// use thalweg_online::features::Quantile;
///
/// let mut median = Quantile::new(0.5);
/// (0..1001).for_each(|k| median.update(f64::from(k * 381 % 1001)));
/// assert!((median.get() - 500.0).abs() < 5.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    q: f64,
    #[serde(deserialize_with = "crate::saved::count")]
    count: u64,
    /// The values of the markers, in order; of the first five values, as many as there are.
    heights: [f64; 5],
    /// How many values there are up to each marker.
    places: [f64; 5],
}

/// Values are limited to ± this, so that no difference of two is infinite.
const LARGEST: f64 = 1e140;

impl Quantile {
    /// Of no values, the quantile is 0.
    ///
    /// # Panics
    ///
    /// If `q` is not within 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn new(q: f64) -> Self {
        assert!((0.0..=1.0).contains(&q), "Quantile: 0 ≤ q ≤ 1: {q}");
        Quantile { q, count: 0, heights: [0.0; 5], places: [1.0, 2.0, 3.0, 4.0, 5.0] }
    }

    /// What so many zeros give.
    #[must_use]
    #[track_caller]
    pub fn of_zeros(q: f64, count: u64) -> Self {
        let mut zeros = Quantile { count, ..Quantile::new(q) };
        if count > 5 {
            // Equal markers stay equal wherever they stand. Each is where it should be, but for about one.
            let wanted = zeros.wanted();
            zeros.places[4] = count as f64;
            for i in (1..4).rev() {
                zeros.places[i] = wanted[i].floor().clamp(i as f64 + 1.0, zeros.places[i + 1] - 1.0);
            }
        }
        zeros
    }

    /// Takes in one value. NaN is none, and is passed over.
    pub fn update(&mut self, x: f64) {
        if x.is_nan() {
            return;
        }
        let x = x.clamp(-LARGEST, LARGEST);
        self.count += 1;
        if self.count <= 5 {
            let known = self.count as usize;
            self.heights[known - 1] = x;
            self.heights[..known].sort_unstable_by(f64::total_cmp);
            return;
        }
        self.heights[0] = self.heights[0].min(x);
        self.heights[4] = self.heights[4].max(x);
        // Of two equal markers, x stands behind both.
        let cell = (1..4).find(|&i| x < self.heights[i]).unwrap_or(4);
        self.places[cell..].iter_mut().for_each(|place| *place += 1.0);
        let wanted = self.wanted();
        (1..4).for_each(|i| self.adjust(i, wanted[i]));
    }

    /// The quantile; 0 of no values.
    #[must_use]
    pub fn get(&self) -> f64 {
        match self.count {
            0 => 0.0,
            n @ 1..=5 => self.heights[((n as f64 * self.q) as usize).min(n as usize - 1)],
            _ => self.heights[2],
        }
    }

    /// Where the markers should stand.
    fn wanted(&self) -> [f64; 5] {
        let steps = [0.0, self.q / 2.0, self.q, (1.0 + self.q) / 2.0, 1.0];
        steps.map(|step| 1.0 + self.count.saturating_sub(1) as f64 * step)
    }

    /// Moves a marker by one place if it stands one place or more from where it should.
    fn adjust(&mut self, i: usize, wanted: f64) {
        let (n, h) = (&self.places, &self.heights);
        let [below, above] = [n[i] - n[i - 1], n[i + 1] - n[i]];
        let d = match wanted - n[i] {
            off if off >= 1.0 && above > 1.0 => 1.0,
            off if off <= -1.0 && below > 1.0 => -1.0,
            _ => return,
        };
        let slopes = (below + d) * (h[i + 1] - h[i]) / above + (above - d) * (h[i] - h[i - 1]) / below;
        let parabola = h[i] + d / (n[i + 1] - n[i - 1]) * slopes;
        let j = if d > 0.0 { i + 1 } else { i - 1 };
        let line = h[i] + d * (h[j] - h[i]) / (n[j] - n[i]);
        self.heights[i] = if h[i - 1] < parabola && parabola < h[i + 1] { parabola } else { line };
        self.places[i] += d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    proptest! {
        #[test]
        fn it_stays_among_the_values_and_markers_in_order(values in prop::collection::vec(-3i32..4, 1..80), q in 0.0..1.0) {
            let mut quantile = Quantile::new(q);
            for (n, &x) in (1..).zip(&values) {
                quantile.update(f64::from(x));
                let (least, most) = (values[..n].iter().min().unwrap(), values[..n].iter().max().unwrap());
                prop_assert!((f64::from(*least)..=f64::from(*most)).contains(&quantile.get()));
                if n > 5 {
                    prop_assert!(quantile.heights.is_sorted() && quantile.places.is_sorted_by(|a, b| a < b));
                    prop_assert_eq!((quantile.places[0], quantile.places[4]), (1.0, n as f64));
                }
            }
        }

        #[test]
        fn of_zeros_goes_on_as_any_other(count in 0u64..40, q in 0.0..1.0) {
            let mut quantile = Quantile::of_zeros(q, count);
            prop_assert_eq!(quantile.get(), 0.0);
            (0..200).for_each(|_| quantile.update(1.0));
            prop_assert!(quantile.places.is_sorted_by(|a, b| a < b));
            prop_assert_eq!(quantile.places[4], (count + 200) as f64);
        }
    }

    #[test]
    fn of_many_normal_values_it_is_near_the_truth() {
        for (q, truth) in [(0.25, -0.67449), (0.5, 0.0), (0.75, 0.67449), (0.9, 1.28155)] {
            let (mut rng, mut quantile) = (Rng::new(1), Quantile::new(q));
            (0..20_000).for_each(|_| quantile.update(rng.normal()));
            assert!((quantile.get() - truth).abs() < 0.03, "{q}: {}", quantile.get());
        }
    }

    #[test]
    fn extremes_stay_finite_and_nan_is_passed_over() {
        let mut quantile = Quantile::new(0.5);
        for x in [f64::MAX, f64::INFINITY, f64::MIN, 0.0, f64::NAN, 5e-324, f64::NEG_INFINITY].repeat(20) {
            quantile.update(x);
            assert!(quantile.get().is_finite());
        }
        assert_eq!(quantile.count, 120);
    }
}
