//! Where each parameter lies in the one flat vector θ.

use std::collections::BTreeSet;
use std::sync::Arc;

use thalweg_tensor::Shape;
use thalweg_tensor::kernels::GRAIN;

/// A handle to one parameter tensor: its index in the [`Layout`].
///
/// Handles are plain numbers. The same handle reads the live parameters, an earlier checkpoint of them, or an average
/// of several copies: whatever has the same layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Param(pub(crate) u32);

impl Param {
    /// The index of the parameter's entry in its layout.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One parameter tensor's place in θ.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Shape,
    /// Of how many equal blocks the first axis consists.
    pub(crate) blocks: usize,
    pub(crate) start: usize,
    pub(crate) capacity: usize,
    pub(crate) trainable: bool,
}

impl Entry {
    /// The name, dotted as PyTorch's: `rnn.weight_ih_l0`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Of how many equal blocks, one behind the other, the first axis consists: the gates of an LSTM are 4. Growing the
    /// first axis grows each block.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Where the entry's numbers lie in θ, row-major.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.shape.len()
    }

    /// Whether optimizers may change it.
    pub fn trainable(&self) -> bool {
        self.trainable
    }

    /// The entry as a table: (rows, numbers in a row), a row being an index of the first axis. A scalar is one row of one.
    pub fn table(&self) -> (usize, usize) {
        match self.shape.dims() {
            [] => (1, 1),
            [rows, rest @ ..] => (*rows, rest.iter().product()),
        }
    }

    /// Whether it is the other entry, perhaps with more rows and columns.
    fn grew_from(&self, old: &Entry) -> bool {
        let (was, is) = (old.block(), self.block());
        let grown = was.iter().zip(is).all(|(&was, is)| was <= is);
        old.name == self.name && grown && was[0] == is[0] && was[3] == is[3]
    }

    /// The shape as [blocks, rows of a block, columns, the rest]: growth happens along the second and the third.
    fn block(&self) -> [usize; 4] {
        let [rows, columns, rest] = match self.shape.dims() {
            [] => [1, 1, 1],
            [rows] => [*rows, 1, 1],
            [rows, columns, rest @ ..] => [*rows, *columns, rest.iter().product()],
        };
        [self.blocks, rows / self.blocks, columns, rest]
    }
}

/// For each parameter tensor: name, shape, offset, trainable or frozen.
///
/// A layout is immutable and shared. Growing or freezing a parameter makes a new one; vectors laid out like θ notice by
/// comparing pointers, and follow ([`Flat::align`](crate::Flat::align)). Indices never change: an entry is never removed
/// or moved to another index, and a grown entry keeps every old element at its old multi-index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Vec<Entry>", into = "Vec<Entry>"))]
pub struct Layout {
    entries: Vec<Entry>,
    len: usize,
}

impl Layout {
    /// The entries, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of a handle.
    ///
    /// # Panics
    /// If the handle comes from a layout with more entries than this one.
    #[track_caller]
    pub fn entry(&self, param: Param) -> &Entry {
        match self.entries.get(param.index()) {
            Some(entry) => entry,
            None => panic!("param: handle {} is not of this layout of {} entries", param.0, self.entries.len()),
        }
    }

    /// The handle of a name.
    pub fn find(&self, name: &str) -> Option<Param> {
        self.entries.iter().position(|e| e.name == name).map(|i| Param(i as u32))
    }

    /// Every handle with its entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Param, &Entry)> {
        self.entries.iter().enumerate().map(|(i, e)| (Param(i as u32), e))
    }

    /// How long a vector laid out like this is: the numbers of all entries and the room kept between them for growth.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many numbers the entries hold together.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|e| e.shape.len()).sum()
    }

    pub(crate) fn push(&mut self, name: String, shape: Shape, blocks: usize) -> Param {
        let capacity = shape.len().next_multiple_of(GRAIN); // every entry begins on a cache line
        self.entries.push(Entry { name, shape, blocks, start: self.len, capacity, trainable: true });
        self.len += capacity;
        Param(self.entries.len() as u32 - 1)
    }

    pub(crate) fn set_trainable(&mut self, param: Param, trainable: bool) {
        self.entries[param.index()].trainable = trainable;
    }

    /// Gives an entry a larger shape. Rows are added where they fit into the entry's room; when they do not, the room
    /// grows by half, so that a vocabulary that takes in one word at a time moves O(log n) times and not n times.
    pub(crate) fn resize(&mut self, param: Param, shape: Shape, rows_only: bool) {
        let entry = &mut self.entries[param.index()];
        entry.shape = shape;
        let rows_only = rows_only && entry.blocks == 1;
        if rows_only && shape.len() <= entry.capacity {
            return;
        }
        let room = if rows_only { shape.len() + shape.len() / 2 } else { shape.len() };
        entry.capacity = room.next_multiple_of(GRAIN);
        self.len = 0;
        for entry in &mut self.entries {
            entry.start = self.len;
            self.len += entry.capacity;
        }
    }

    /// Whether this layout came about from `old` by adding, growing or freezing entries: a vector that is laid out like
    /// `old` can follow it.
    pub fn descends_from(&self, old: &Layout) -> bool {
        let pairs = self.entries.iter().zip(&old.entries);
        old.entries.len() <= self.entries.len() && pairs.into_iter().all(|(new, old)| new.grew_from(old))
    }

    /// Copies a vector laid out like `old` into one laid out like `self`; elements that `old` lacks are left alone.
    #[track_caller]
    pub(crate) fn carry_over<T: Copy>(&self, old: &Layout, from: &[T], to: &mut [T]) {
        let (had, has) = (old.entries.len(), self.entries.len());
        assert!(had <= has, "align: a vector of {had} entries cannot follow a layout of {has}");
        for (old, new) in old.entries.iter().zip(&self.entries) {
            let (was, is) = (old.block(), new.block());
            assert!(
                new.grew_from(old),
                "align: entry {} {} cannot become {} {}",
                old.name,
                old.shape,
                new.name,
                new.shape
            );
            let (width, new_width) = (was[2] * was[3], is[2] * is[3]);
            for row in 0..was[0] * was[1] {
                let (block, in_block) = (row / was[1], row % was[1]);
                let source = &from[old.start + row * width..][..width];
                let place = new.start + (block * is[1] + in_block) * new_width;
                to[place..place + width].copy_from_slice(source);
            }
        }
    }

    /// Whether a vector laid out like `old` needs no copying to be laid out like `self`: rows were added in place, or
    /// only a flag changed.
    pub(crate) fn extends_in_place(&self, old: &Layout) -> bool {
        self.len == old.len
            && self.entries.len() == old.entries.len()
            && self.entries.iter().zip(&old.entries).all(|(new, old)| {
                let (is, was) = (new.block(), old.block());
                let in_place = is[2..] == was[2..] && is[0] == was[0] && (is[0] == 1 || is[1] == was[1]);
                new.name == old.name && new.start == old.start && in_place
            })
    }
}

/// What a layout read from a file must show before it is trusted: the entries lie one behind the other, hold their shapes,
/// and have names of their own.
impl TryFrom<Vec<Entry>> for Layout {
    type Error = String;

    fn try_from(entries: Vec<Entry>) -> Result<Self, String> {
        let (mut len, mut names) = (0usize, BTreeSet::new());
        for entry in &entries {
            let Entry { name, shape, blocks, start, capacity, .. } = entry;
            let cut = *blocks > 0 && entry.table().0.is_multiple_of(*blocks);
            let holds = cut && shape.len() <= *capacity && capacity.is_multiple_of(GRAIN);
            if *start != len || !holds || !names.insert(name) {
                return Err(format!("entry {name} {shape} cannot lie at {start} with room for {capacity}"));
            }
            len = len.checked_add(*capacity).ok_or("the entries are too large")?;
        }
        Ok(Layout { entries, len })
    }
}

impl From<Layout> for Vec<Entry> {
    fn from(layout: Layout) -> Self {
        layout.entries
    }
}

/// The layout as vectors hold it.
pub(crate) type Shared = Arc<Layout>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_that_does_not_hold_its_entries_is_refused() {
        let mut layout = Layout::default();
        layout.push("a".to_owned(), Shape::from([3, 5]), 3);
        layout.push("b".to_owned(), Shape::from([20]), 1);
        let good = Vec::from(layout.clone());
        assert_eq!(Layout::try_from(good.clone()), Ok(layout));
        let damage: [fn(&mut Entry); 7] = [
            |entry| entry.start += GRAIN,
            |entry| entry.capacity += 1,
            |entry| entry.capacity -= GRAIN,
            |entry| entry.shape = Shape::from([33]),
            |entry| entry.name = "a".to_owned(),
            |entry| entry.blocks = 0,
            |entry| entry.blocks = 3,
        ];
        for (index, damage) in damage.into_iter().enumerate() {
            let mut entries = good.clone();
            damage(&mut entries[1]);
            assert!(Layout::try_from(entries).is_err(), "damage {index}");
        }
    }
}
