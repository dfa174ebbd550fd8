//! A uniform sample of everything.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

/// A uniform sample, of bounded size, of everything that was ever put in: reservoir sampling (Vitter 1985, algorithm R).
///
/// The n-th item enters a full memory of size m with probability m/n, in place of one drawn at random; so after any number
/// of items each of them is in the memory with the same probability.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<X>", bound(deserialize = "X: Deserialize<'de>"))]
pub struct Reservoir<X> {
    items: Vec<X>,
    size: usize,
    seen: u64,
}

impl<X> Reservoir<X> {
    /// An empty memory for `size` items.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Reservoir { items: Vec::new(), size, seen: 0 }
    }

    /// The items it holds.
    #[must_use]
    pub fn items(&self) -> &[X] {
        &self.items
    }

    /// The items, to be spoiled.
    #[cfg(test)]
    pub(super) fn items_mut(&mut self) -> &mut [X] {
        &mut self.items
    }

    /// How many items it can hold.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many items were offered so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Offers an item. If it is to be kept, this is its place, to be written: a new one, or that of an old item (whose
    /// memory can be used again).
    pub fn offer(&mut self, rng: &mut Rng) -> Option<&mut X>
    where
        X: Default,
    {
        self.seen += 1;
        if self.items.len() < self.size {
            self.items.push(X::default());
            return self.items.last_mut();
        }
        let place = rng.below(usize::try_from(self.seen).unwrap_or(usize::MAX));
        self.items.get_mut(place)
    }

    /// The index of an item drawn at random; `None` of an empty memory.
    pub fn draw(&self, rng: &mut Rng) -> Option<usize> {
        (!self.items.is_empty()).then(|| rng.below(self.items.len()))
    }
}

#[derive(Deserialize)]
struct Saved<X> {
    items: Vec<X>,
    size: usize,
    #[serde(deserialize_with = "crate::saved::count")]
    seen: u64,
}

impl<X> TryFrom<Saved<X>> for Reservoir<X> {
    type Error = String;

    fn try_from(Saved { items, size, seen }: Saved<X>) -> Result<Self, String> {
        if items.len() > size || (items.len() as u64) > seen {
            return Err(format!("expected at most {size} items of {seen}, found {}", items.len()));
        }
        Ok(Reservoir { items, size, seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of 40 items is kept with probability 10/40: χ² over 4 000 runs, 39 degrees of freedom, 99.9 % point 72.
    #[test]
    fn every_item_is_kept_with_the_same_probability() {
        let (mut rng, mut kept, runs) = (Rng::new(3), [0u32; 40], 4000);
        for _ in 0..runs {
            let mut memory = Reservoir::<usize>::new(10);
            for item in 0..40 {
                memory.offer(&mut rng).into_iter().for_each(|place| *place = item);
            }
            assert_eq!(memory.items().len(), 10);
            memory.items().iter().for_each(|&item| kept[item] += 1);
        }
        let expected = f64::from(runs) * 10.0 / 40.0;
        let chi2: f64 = kept.iter().map(|&k| (f64::from(k) - expected).powi(2) / expected).sum();
        assert!(chi2 < 72.0, "χ² = {chi2}: {kept:?}");
    }

    #[test]
    fn what_is_saved_must_fit_its_size() {
        let read = |text: &str| serde_json::from_str::<Reservoir<u8>>(text);
        assert!(read(r#"{"items":[1,2],"size":2,"seen":9}"#).is_ok());
        assert!(read(r#"{"items":[1,2],"size":1,"seen":9}"#).is_err());
        assert!(read(r#"{"items":[1,2],"size":2,"seen":1}"#).is_err());
    }

    #[test]
    fn a_memory_of_size_zero_keeps_nothing() {
        let (mut rng, mut memory) = (Rng::new(3), Reservoir::<usize>::new(0));
        assert!(memory.offer(&mut rng).is_none());
        assert!(memory.items().is_empty() && memory.draw(&mut rng).is_none());
    }
}
