//! Any of the buffers.

use serde::{Deserialize, Serialize};
use thalweg_tensor::Rng;

use super::{Balanced, Greedy, Reservoir, Ring};

/// Which items a memory keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BufferKind {
    /// A uniform sample of everything: [`Reservoir`].
    #[default]
    Reservoir,
    /// The last: [`Ring`].
    Ring,
    /// As many of each class, a sample of each: [`Balanced`].
    Balanced,
    /// As many of each class, the first: [`Greedy`].
    Greedy,
}

impl BufferKind {
    /// All of them, by their names in specifications.
    pub const ALL: [(&str, BufferKind); 4] = [
        ("reservoir", BufferKind::Reservoir),
        ("ring", BufferKind::Ring),
        ("balanced", BufferKind::Balanced),
        ("greedy", BufferKind::Greedy),
    ];

    /// As in specifications.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// The one of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }

    /// An empty buffer of this kind for `size` items.
    #[must_use]
    pub fn build<X>(self, size: usize) -> Buffer<X> {
        match self {
            BufferKind::Reservoir => Buffer::Reservoir(Reservoir::new(size)),
            BufferKind::Ring => Buffer::Ring(Ring::new(size)),
            BufferKind::Balanced => Buffer::Balanced(Balanced::new(size)),
            BufferKind::Greedy => Buffer::Greedy(Greedy::new(size)),
        }
    }
}

/// A bounded memory of old examples.
///
/// ```
/// use thalweg_online::memory::{Buffer, BufferKind};
///
/// let (mut memory, mut rng) = (BufferKind::Balanced.build(10), thalweg_tensor::Rng::new(3));
/// for k in 0..100 {
///     memory.offer(k % 2, &mut rng).into_iter().for_each(|place| *place = k);
/// }
/// let again = memory.draw(&mut rng).map(|index| memory.items()[index]);
/// assert!(again.is_some_and(|k| k < 100) && memory.items().len() == 10);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "X: Deserialize<'de>"))]
pub enum Buffer<X> {
    /// A uniform sample of everything.
    Reservoir(Reservoir<X>),
    /// The last.
    Ring(Ring<X>),
    /// As many of each class, a sample of each.
    Balanced(Balanced<X>),
    /// As many of each class, the first.
    Greedy(Greedy<X>),
}

impl<X> Buffer<X> {
    /// The items it holds.
    #[must_use]
    pub fn items(&self) -> &[X] {
        match self {
            Buffer::Reservoir(buffer) => buffer.items(),
            Buffer::Ring(buffer) => buffer.items(),
            Buffer::Balanced(buffer) => buffer.items(),
            Buffer::Greedy(buffer) => buffer.items(),
        }
    }

    /// Whether this is an empty or used one of this kind and size.
    pub(crate) fn is_of(&self, kind: BufferKind, size: usize) -> bool {
        (kind, size)
            == match self {
                Buffer::Reservoir(buffer) => (BufferKind::Reservoir, buffer.size()),
                Buffer::Ring(buffer) => (BufferKind::Ring, buffer.size()),
                Buffer::Balanced(buffer) => (BufferKind::Balanced, buffer.size()),
                Buffer::Greedy(buffer) => (BufferKind::Greedy, buffer.size()),
            }
    }

    /// The items, to be spoiled.
    #[cfg(test)]
    pub(crate) fn items_mut(&mut self) -> &mut [X] {
        match self {
            Buffer::Reservoir(buffer) => buffer.items_mut(),
            _ => &mut [],
        }
    }

    /// Offers an item of a class, which are numbered from 0; where there are no classes, it is that of all. If the item is to
    /// be kept, this is its place, to be written: a new one, or that of an old item (whose memory can be used again).
    pub fn offer(&mut self, class: usize, rng: &mut Rng) -> Option<&mut X>
    where
        X: Default,
    {
        match self {
            Buffer::Reservoir(buffer) => buffer.offer(rng),
            Buffer::Ring(buffer) => buffer.offer(),
            Buffer::Balanced(buffer) => buffer.offer(class, rng),
            Buffer::Greedy(buffer) => buffer.offer(class, rng),
        }
    }

    /// The index of an item drawn at random; `None` of an empty memory.
    pub fn draw(&self, rng: &mut Rng) -> Option<usize> {
        let items = self.items();
        (!items.is_empty()).then(|| rng.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_builds_what_its_name_says_and_keeps_its_bound() {
        for (name, kind) in BufferKind::ALL {
            assert_eq!((BufferKind::of_name(name), kind.name()), (Some(kind), name));
            for size in [0, 1, 7] {
                let (mut buffer, mut rng) = (kind.build::<usize>(size), Rng::new(5));
                for item in 0..50 {
                    buffer.offer(item % 3, &mut rng).into_iter().for_each(|place| *place = item);
                    assert!(buffer.items().len() <= size, "{name}");
                }
                assert_eq!(buffer.draw(&mut rng).is_some(), size > 0, "{name}:{size}");
            }
        }
        assert_eq!(BufferKind::of_name("ringg"), None);
    }

    /// What was saved goes on drawing and keeping as if it had not been.
    #[test]
    fn a_saved_buffer_goes_on_to_the_bit() {
        for (name, kind) in BufferKind::ALL {
            let (mut buffer, mut rng) = (kind.build::<usize>(9), Rng::new(5));
            let offer = |buffer: &mut Buffer<usize>, rng: &mut Rng, item: usize| {
                buffer.offer(item * item % 5, rng).into_iter().for_each(|place| *place = item);
            };
            (0..40).for_each(|item| offer(&mut buffer, &mut rng, item));
            let bytes = bincode::serialize(&(&buffer, &rng)).expect("it can be saved");
            let (mut read, mut again): (Buffer<usize>, Rng) = bincode::deserialize(&bytes).expect("it can be read");
            for item in 40..90 {
                offer(&mut buffer, &mut rng, item);
                offer(&mut read, &mut again, item);
                assert_eq!((buffer.items(), buffer.draw(&mut rng)), (read.items(), read.draw(&mut again)), "{name}");
            }
        }
    }
}
