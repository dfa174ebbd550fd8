//! The labels of a stream, numbered as they arrive.

use serde::{Deserialize, Serialize};

/// A set of labels in order of arrival: a label keeps its number for ever, new ones are appended.
///
/// Looking up one of *n* labels takes O(log *n*) comparisons and allocates nothing.
///
/// # Example
///
/// ```
/// use thalweg_online::Labels;
///
/// let mut labels = Labels::new();
/// assert_eq!(labels.insert("up"), 0);
/// assert_eq!(labels.insert("down"), 1);
/// assert_eq!(labels.insert("up"), 0);
/// assert_eq!(labels.as_slice(), ["up", "down"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Labels {
    names: Vec<String>,
    /// The numbers of the labels, in the order of their names: searched by halving, never shown.
    sorted: Vec<usize>,
}

impl Labels {
    /// No labels yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The labels, in order of arrival.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        &self.names
    }

    /// The number of `label`, if it has arrived.
    #[must_use]
    pub fn position(&self, label: &str) -> Option<usize> {
        self.search(label).ok().map(|place| self.sorted[place])
    }

    /// The number of `label`, which is appended if it is new.
    pub fn insert(&mut self, label: &str) -> usize {
        match self.search(label) {
            Ok(place) => self.sorted[place],
            Err(place) => {
                let number = self.names.len();
                self.names.push(label.to_owned());
                self.sorted.insert(place, number);
                number
            }
        }
    }

    /// Forgets all labels but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.names.len() {
            self.names.truncate(len);
            self.sorted.retain(|&number| number < len);
        }
    }

    fn search(&self, label: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|&number| self.names[number].as_str().cmp(label))
    }
}

impl TryFrom<Vec<String>> for Labels {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Self, String> {
        let mut sorted: Vec<usize> = (0..names.len()).collect();
        sorted.sort_by_key(|&number| &names[number]);
        match sorted.windows(2).find(|pair| names[pair[0]] == names[pair[1]]) {
            Some(pair) => Err(format!("the label {:?} stands twice", names[pair[0]])),
            None => Ok(Labels { names, sorted }),
        }
    }
}

impl From<Labels> for Vec<String> {
    fn from(labels: Labels) -> Self {
        labels.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_keep_their_number(arrivals in proptest::collection::vec("[a-d]{0,2}", 0..60)) {
            let mut labels = Labels::new();
            let mut expected: Vec<String> = Vec::new();
            for label in &arrivals {
                let number = expected.iter().position(|known| known == label).unwrap_or(expected.len());
                if number == expected.len() {
                    prop_assert_eq!(labels.position(label), None);
                    expected.push(label.clone());
                }
                prop_assert_eq!(labels.insert(label), number);
                prop_assert_eq!(labels.position(label), Some(number));
            }
            prop_assert_eq!(labels.as_slice(), expected.as_slice());
            for len in (0..=expected.len()).rev() {
                let mut fewer = labels.clone();
                fewer.truncate(len);
                prop_assert_eq!(Labels::try_from(expected[..len].to_vec()), Ok(fewer));
            }
            prop_assert_eq!(Labels::try_from(expected), Ok(labels));
        }
    }

    #[test]
    fn saved_labels_that_stand_twice_are_refused() {
        let names = vec!["b".to_string(), "a".to_string(), "b".to_string()];
        assert_eq!(Labels::try_from(names), Err("the label \"b\" stands twice".to_string()));
    }
}
