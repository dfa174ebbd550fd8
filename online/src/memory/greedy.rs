//! The first items of each class.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

use super::shelves::Shelves;

/// As many items of each class, the first that came: the sampler of GDumb.
///
/// ```text
///   m_y < m / |Y|      keep; if the memory is full, in place of an item of the largest class
///   else               do not
/// ```
///
/// m_y items of class y are in the memory of size m, and |Y| classes are known, y among them (Prabhu, Torr & Dokania, "GDumb:
/// a simple approach that questions our progress in continual learning", 2020, algorithm 1). It draws only when a class has
/// to make room; what a class has become since its share was full, it never learns.
///
/// ```
/// use thalweg_online::memory::Greedy;
///
/// let (mut memory, mut rng) = (Greedy::new(4), thalweg_tensor::Rng::new(3));
/// for (item, class) in ["a", "b", "c", "d", "e"].into_iter().zip([0, 0, 0, 0, 1]) {
///     memory.offer(class, &mut rng).into_iter().for_each(|place| *place = item);
/// }
/// assert_eq!(memory.counts().collect::<Vec<_>>(), [3, 1]);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<X>", bound(deserialize = "X: Deserialize<'de>"))]
pub struct Greedy<X> {
    shelves: Shelves<X>,
    size: usize,
}

impl<X> Greedy<X> {
    /// An empty memory for `size` items.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Greedy { shelves: Shelves::new(), size }
    }

    /// The items it holds, in no order that means anything.
    #[must_use]
    pub fn items(&self) -> &[X] {
        self.shelves.items()
    }

    /// How many items of each class it holds.
    pub fn counts(&self) -> impl Iterator<Item = usize> {
        (0..self.shelves.classes()).map(|class| self.shelves.count(class))
    }

    /// How many items it can hold.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Offers an item of a class, which are numbered from 0. If it is to be kept, this is its place, to be written.
    pub fn offer(&mut self, class: usize, rng: &mut Rng) -> Option<&mut X>
    where
        X: Default,
    {
        self.shelves.know(class);
        if self.shelves.count(class) * self.shelves.classes() >= self.size {
            return None;
        }
        if self.shelves.items().len() < self.size {
            return self.shelves.add(class);
        }
        self.shelves.replace_most(class, rng)
    }
}

#[derive(Deserialize)]
struct Saved<X> {
    shelves: Shelves<X>,
    size: usize,
}

impl<X> TryFrom<Saved<X>> for Greedy<X> {
    type Error = String;

    fn try_from(Saved { shelves, size }: Saved<X>) -> Result<Self, String> {
        match shelves.items().len() {
            items if items > size => Err(format!("expected at most {size} items, found {items}")),
            _ => Ok(Greedy { shelves, size }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    proptest! {
        #[test]
        fn classes_are_balanced_and_the_memory_is_never_too_large(
            stream in prop::collection::vec(0..4_usize, 0..300), size in 0..30_usize,
        ) {
            let (mut memory, mut rng) = (Greedy::new(size), Rng::new(1));
            for &class in &stream {
                memory.offer(class, &mut rng).into_iter().for_each(|place| *place = class);
            }
            let counts: Vec<usize> = memory.counts().collect();
            prop_assert!(memory.items().len() <= size);
            for (class, &count) in counts.iter().enumerate() {
                prop_assert_eq!(memory.items().iter().filter(|&&item| item == class).count(), count);
                let came = stream.iter().filter(|&&other| other == class).count();
                // All that came, or a share of m / |Y|.
                prop_assert!(count == came || (count + 1) * counts.len() > size, "{counts:?} of {size}");
            }
        }
    }

    #[test]
    fn a_class_whose_share_is_full_is_as_it_was() {
        let (mut memory, mut rng) = (Greedy::new(6), Rng::new(1));
        for item in 0..100 {
            memory.offer(item % 2, &mut rng).into_iter().for_each(|place| *place = item);
        }
        assert_eq!(memory.items(), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_saved_must_fit_its_size() {
        let mut memory = Greedy::<u8>::new(4);
        (0..9).for_each(|class| memory.offer(class % 2, &mut Rng::new(1)).into_iter().for_each(|place| *place = 1));
        let text = serde_json::to_string(&memory).unwrap();
        assert!(serde_json::from_str::<Greedy<u8>>(&text).is_ok());
        assert!(serde_json::from_str::<Greedy<u8>>(&text.replace(r#""size":4"#, r#""size":3"#)).is_err());
    }
}
