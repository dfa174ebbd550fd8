//! Any number of labels.

/// The labels of a row: any number of them, in any order. One that is empty is none, and one that stands twice counts once.
///
/// ```
/// use thalweg_online::{LabelSet, Target};
///
/// let labels = LabelSet::from(&["rain", "wind"]);
/// assert_eq!(labels, LabelSet::joined("rain | wind", '|'));
/// assert_eq!(LabelSet::joined("|", '|').iter().count(), 0);
/// assert_eq!(Target::of_labels(&["rain", "wind"]), Target::Labels(labels));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LabelSet<'a> {
    slice: &'a [&'a str],
    text: &'a str,
    separator: char,
}

/// Stands between labels that are kept for later. A label in which it stands becomes two then.
pub(crate) const SEPARATOR: char = '\u{1f}';

impl<'a> LabelSet<'a> {
    /// The labels that stand in a text, with the space around them taken off.
    #[must_use]
    pub fn joined(text: &'a str, separator: char) -> Self {
        LabelSet { slice: &[], text, separator }
    }

    /// The labels, as they stand there.
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let parts = self.text.split(self.separator).map(str::trim);
        self.slice.iter().copied().chain(parts).filter(|label| !label.is_empty())
    }

    /// Appends them to a text, for [`joined`](LabelSet::joined) with the [`SEPARATOR`].
    pub(crate) fn keep(&self, text: &mut String) {
        // A text of its own for no labels: an empty one may mean that nothing is known.
        text.push(SEPARATOR);
        for label in self.iter() {
            text.push_str(label);
            text.push(SEPARATOR);
        }
    }
}

impl<'a> From<&'a [&'a str]> for LabelSet<'a> {
    fn from(slice: &'a [&'a str]) -> Self {
        LabelSet { slice, text: "", separator: SEPARATOR }
    }
}

impl<'a, const LEN: usize> From<&'a [&'a str; LEN]> for LabelSet<'a> {
    fn from(slice: &'a [&'a str; LEN]) -> Self {
        slice.as_slice().into()
    }
}

/// The same labels in the same order.
impl PartialEq for LabelSet<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}
