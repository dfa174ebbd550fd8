//! As many of each class, whatever the stream has of them.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

use super::shelves::Shelves;

/// As many items of each class as there can be, and of each class a uniform sample: class-balancing reservoir sampling.
///
/// ```text
///   memory not full                      keep                                            (1)
///   class y was never the largest        keep, in place of an item of the largest        (2)
///   else                                 keep with probability m_y / n_y, in place of
///                                        another item of class y                         (3)
/// ```
///
/// m_y items of class y are kept of the n_y that came (Chrysakis & Moens, "Online continual learning from imbalanced data",
/// 2020, algorithm 1). Rare classes are kept whole; of the others each item that ever came is there with the same
/// probability. Classes that are equally large are all of them the largest.
///
/// ```
/// use thalweg_online::memory::Balanced;
///
/// let (mut memory, mut rng) = (Balanced::new(40), thalweg_tensor::Rng::new(3));
/// for k in 0..10_000 {
///     let class = if k % 100 == 0 { 1 } else { 0 };
///     memory.offer(class, &mut rng).into_iter().for_each(|place| *place = class);
/// }
/// assert_eq!(memory.items().iter().sum::<usize>(), 20);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<X>", bound(deserialize = "X: Deserialize<'de>"))]
pub struct Balanced<X> {
    shelves: Shelves<X>,
    /// Of each class.
    seen: Vec<Seen>,
    size: usize,
}

/// What is known of a class.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Seen {
    #[serde(deserialize_with = "crate::saved::count")]
    items: u64,
    was_largest: bool,
}

impl<X> Balanced<X> {
    /// An empty memory for `size` items.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Balanced { shelves: Shelves::new(), seen: Vec::new(), size }
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
        self.seen.resize(self.shelves.classes(), Seen::default());
        self.seen[class].items += 1;
        if self.shelves.items().len() < self.size {
            return self.shelves.add(class); // (1)
        }
        let most = self.shelves.most();
        for (class, seen) in self.seen.iter_mut().enumerate() {
            seen.was_largest |= self.shelves.count(class) == most;
        }
        let Seen { items: came, was_largest } = self.seen[class];
        if !was_largest {
            return self.shelves.replace_most(class, rng); // (2)
        }
        let draw = rng.below(usize::try_from(came).unwrap_or(usize::MAX));
        if draw < self.shelves.count(class) { self.shelves.replace(class, class, rng) } else { None } // (3)
    }
}

#[derive(Deserialize)]
struct Saved<X> {
    shelves: Shelves<X>,
    seen: Vec<Seen>,
    size: usize,
}

impl<X> TryFrom<Saved<X>> for Balanced<X> {
    type Error = String;

    fn try_from(Saved { shelves, seen, size }: Saved<X>) -> Result<Self, String> {
        let classes = shelves.classes();
        if shelves.items().len() > size || seen.len() != classes {
            let (items, found) = (shelves.items().len(), seen.len());
            return Err(format!(
                "expected at most {size} items of {classes} classes, found {items}, and {found} classes seen"
            ));
        }
        match (0..classes).find(|&class| seen[class].items < shelves.count(class) as u64) {
            Some(class) => Err(format!("expected no more items of class {class} than came")),
            None => Ok(Balanced { shelves, seen, size }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    proptest! {
        /// Every class has its equal share, or all that came of it.
        #[test]
        fn no_class_has_more_than_its_share_while_another_lacks(
            stream in prop::collection::vec(prop_oneof![8 => Just(0_usize), 3 => Just(1), 1 => 2..5_usize], 0..400),
            size in 1..30_usize,
        ) {
            let (mut memory, mut rng) = (Balanced::new(size), Rng::new(1));
            for &class in &stream {
                memory.offer(class, &mut rng).into_iter().for_each(|place| *place = class);
            }
            let counts: Vec<usize> = memory.counts().collect();
            for (class, &count) in counts.iter().enumerate() {
                prop_assert_eq!(memory.items().iter().filter(|&&item| item == class).count(), count);
                let came = stream.iter().filter(|&&other| other == class).count();
                prop_assert!(count == came || count + 1 >= *counts.iter().max().unwrap(), "{counts:?}");
            }
            prop_assert_eq!(counts.iter().sum::<usize>(), stream.len().min(size));
        }
    }

    /// Of 60 items of a common class among 12 of a rare one, each stands with the same probability: χ² of 59 degrees of
    /// freedom, 99.9 % point 99.6.
    #[test]
    fn within_a_class_every_item_is_kept_with_the_same_probability() {
        let (mut rng, mut kept, runs) = (Rng::new(3), [0u32; 60], 4000);
        let mut held = 0;
        for _ in 0..runs {
            let mut memory = Balanced::<Option<usize>>::new(20);
            for item in 0..60 {
                memory.offer(0, &mut rng).into_iter().for_each(|place| *place = Some(item));
                if item % 5 == 4 {
                    memory.offer(1, &mut rng).into_iter().for_each(|place| *place = None);
                }
            }
            held += memory.items().iter().flatten().count();
            memory.items().iter().flatten().for_each(|&item| kept[item] += 1);
        }
        let expected = held as f64 / 60.0;
        let chi2: f64 = kept.iter().map(|&k| (f64::from(k) - expected).powi(2) / expected).sum();
        assert!(chi2 < 99.6, "χ² = {chi2}: {kept:?}");
    }

    #[test]
    fn what_is_saved_must_fit_together() {
        let (mut memory, mut rng) = (Balanced::<u8>::new(4), Rng::new(1));
        (0..9).for_each(|class| memory.offer(class % 2, &mut rng).into_iter().for_each(|place| *place = 1));
        let text = serde_json::to_string(&memory).unwrap();
        let read = |text: &str| serde_json::from_str::<Balanced<u8>>(text);
        assert_eq!(read(&text).unwrap().counts().collect::<Vec<_>>(), [2, 2]);
        assert!(read(&text.replace(r#""size":4"#, r#""size":3"#)).is_err());
        assert!(read(&text.replace(r#"{"items":5"#, r#"{"items":1"#)).is_err(), "{text}");
        assert!(read(&text.replace(r#""seen":["#, r#""seen":[{"items":1,"was_largest":false},"#)).is_err());
    }
}
