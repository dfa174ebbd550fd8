//! The last items.

use serde::{Deserialize, Serialize};

/// The last `size` items that were put in: each new one takes the place of the oldest.
///
/// ```
/// use thalweg_online::memory::Ring;
///
/// let mut ring = Ring::new(3);
/// for item in 1..=5 {
///     *ring.offer().expect("a ring keeps every item") = item;
/// }
/// assert_eq!(ring.items(), [4, 5, 3]);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<X>", bound(deserialize = "X: Deserialize<'de>"))]
pub struct Ring<X> {
    items: Vec<X>,
    size: usize,
    /// Where the oldest item stands.
    oldest: usize,
}

impl<X> Ring<X> {
    /// An empty memory for `size` items.
    #[must_use]
    pub fn new(size: usize) -> Self {
        Ring { items: Vec::new(), size, oldest: 0 }
    }

    /// The items it holds, in no order that means anything.
    #[must_use]
    pub fn items(&self) -> &[X] {
        &self.items
    }

    /// How many items it can hold.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Offers an item: this is its place, to be written. `None` of a ring of size 0.
    pub fn offer(&mut self) -> Option<&mut X>
    where
        X: Default,
    {
        if self.items.len() < self.size {
            self.items.push(X::default());
            return self.items.last_mut();
        }
        let place = self.oldest;
        self.oldest = (place + 1) % self.size.max(1);
        self.items.get_mut(place)
    }
}

#[derive(Deserialize)]
struct Saved<X> {
    items: Vec<X>,
    size: usize,
    oldest: usize,
}

impl<X> TryFrom<Saved<X>> for Ring<X> {
    type Error = String;

    fn try_from(Saved { items, size, oldest }: Saved<X>) -> Result<Self, String> {
        let is_full = items.len() == size;
        if items.len() > size || oldest >= size.max(1) || (oldest > 0 && !is_full) {
            return Err(format!("expected a ring of {size} items, found {} with the oldest at {oldest}", items.len()));
        }
        Ok(Ring { items, size, oldest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_ring_holds_the_last_items(size in 0..9_usize, offered in 0..40_usize) {
            let mut ring = Ring::new(size);
            for item in 0..offered {
                ring.offer().into_iter().for_each(|place| *place = item);
            }
            let mut items = ring.items().to_vec();
            items.sort_unstable();
            prop_assert_eq!(items, (offered.saturating_sub(size)..offered).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_saved_must_be_a_ring() {
        let read = |text: &str| serde_json::from_str::<Ring<u8>>(text);
        assert!(read(r#"{"items":[1,2],"size":2,"oldest":1}"#).is_ok());
        for text in [
            r#"{"items":[1,2,3],"size":2,"oldest":0}"#,
            r#"{"items":[1,2],"size":2,"oldest":2}"#,
            r#"{"items":[1],"size":2,"oldest":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
