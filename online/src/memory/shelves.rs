//! Items by class, each found without a search.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

/// Items, and of each class the places where its items stand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<X>", bound(deserialize = "X: Deserialize<'de>"))]
pub(super) struct Shelves<X> {
    items: Vec<X>,
    places: Vec<Vec<usize>>,
}

impl<X> Shelves<X> {
    pub fn new() -> Self {
        Shelves { items: Vec::new(), places: Vec::new() }
    }

    pub fn items(&self) -> &[X] {
        &self.items
    }

    /// How many classes have a shelf.
    pub fn classes(&self) -> usize {
        self.places.len()
    }

    /// How many items of a class there are.
    pub fn count(&self, class: usize) -> usize {
        self.places[class].len()
    }

    /// How many items the class with most of them has.
    pub fn most(&self) -> usize {
        self.places.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Puts up a shelf for a class, and for those before it, if there is none.
    pub fn know(&mut self, class: usize) {
        if class >= self.places.len() {
            self.places.resize_with(class + 1, Vec::new);
        }
    }

    /// A new place for an item of a class that has a shelf.
    pub fn add(&mut self, class: usize) -> Option<&mut X>
    where
        X: Default,
    {
        self.places[class].push(self.items.len());
        self.items.push(X::default());
        self.items.last_mut()
    }

    /// Gives the place of an item of class `old`, drawn at random, to one of class `new`. `None` if there is no such item.
    pub fn replace(&mut self, old: usize, new: usize, rng: &mut Rng) -> Option<&mut X> {
        let shelf = &mut self.places[old];
        if shelf.is_empty() {
            return None;
        }
        let place = shelf.swap_remove(rng.below(shelf.len()));
        self.places[new].push(place);
        self.items.get_mut(place)
    }

    /// The same with an item of a class that has most of them, the first of equals.
    pub fn replace_most(&mut self, new: usize, rng: &mut Rng) -> Option<&mut X> {
        let most = self.most();
        let largest = self.places.iter().position(|shelf| shelf.len() == most)?;
        self.replace(largest, new, rng)
    }
}

#[derive(Deserialize)]
struct Saved<X> {
    items: Vec<X>,
    places: Vec<Vec<usize>>,
}

/// Every item stands on one shelf.
impl<X> TryFrom<Saved<X>> for Shelves<X> {
    type Error = String;

    fn try_from(Saved { items, places }: Saved<X>) -> Result<Self, String> {
        let mut is_placed = vec![false; items.len()];
        for &place in places.iter().flatten() {
            match is_placed.get_mut(place) {
                Some(placed) if !*placed => *placed = true,
                _ => return Err(format!("expected each of {} items on one shelf, found {place}", items.len())),
            }
        }
        match is_placed.iter().position(|placed| !placed) {
            Some(item) => Err(format!("expected each of {} items on a shelf, not so item {item}", items.len())),
            None => Ok(Shelves { items, places }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_must_be_on_one_shelf_each() {
        let read = |text: &str| serde_json::from_str::<Shelves<u8>>(text);
        assert!(read(r#"{"items":[7,8,9],"places":[[2],[],[1,0]]}"#).is_ok());
        for text in [
            r#"{"items":[7,8],"places":[[0],[0]]}"#,
            r#"{"items":[7,8],"places":[[0]]}"#,
            r#"{"items":[7],"places":[[0,1]]}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
