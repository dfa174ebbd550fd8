//! Memory that begins on a cache line.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};

#[cfg(feature = "serde")]
use super::bytes::with_serde;
use crate::Real;

/// How many numbers a [`Buffer`] is divided into: a cache line of `f32`, two of `f64`.
pub const GRAIN: usize = 16;

/// A growing vector whose first number lies on a cache line, and with it every number at a multiple of [`GRAIN`].
///
/// A vector register is as wide as a cache line. Read from elsewhere, every single load touches two lines; on a
/// matrix that fits the first-level cache this costs a kernel a third of its speed and more.
///
/// It reads and writes as a slice, and never gives memory back: a tape or a vector of parameters is used for ever.
///
/// ```
/// use thalweg_tensor::kernels::Buffer;
///
/// let mut buffer = Buffer::new();
/// buffer.resize(5, 1.0_f32);
/// buffer.clear();
/// buffer.resize(3, 0.0);
/// assert_eq!(buffer[..], [0.0; 3]);
/// assert_eq!(buffer.as_ptr().addr() % 64, 0);
/// ```
#[derive(Clone)]
pub struct Buffer<T> {
    grains: Vec<Grain<T>>,
    len: usize,
}

/// `GRAIN` numbers on a cache line. There is no padding: 16 numbers fill one line or two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Grain<T>([T; GRAIN]);

impl<T: Real> Buffer<T> {
    /// An empty buffer; allocates nothing.
    pub const fn new() -> Self {
        Buffer { grains: Vec::new(), len: 0 }
    }

    /// Makes it `len` numbers long. New numbers, also those that come back after it was shortened, are `value`.
    pub fn resize(&mut self, len: usize, value: T) {
        let old = self.len.min(len);
        self.set_len(len);
        self[old..].fill(value);
    }

    /// Makes it `by` numbers longer. What they are is unspecified: 0, or what was there before it was shortened. It is for
    /// memory that is written before it is read, and in builds with debug assertions they are NaN, to show what is not.
    pub fn stretch(&mut self, by: usize) {
        let old = self.len;
        self.set_len(old + by);
        if cfg!(debug_assertions) {
            self[old..].fill(T::from_f64(f64::NAN));
        }
    }

    /// Appends these numbers, from the next multiple of [`GRAIN`] on, and zeros before them. Returns where they are.
    pub fn append(&mut self, numbers: &[T]) -> Range<usize> {
        let start = self.len.next_multiple_of(GRAIN);
        self.resize(start, T::ZERO);
        let end = start + numbers.len();
        self.set_len(end);
        self[start..].copy_from_slice(numbers);
        start..end
    }

    fn set_len(&mut self, len: usize) {
        if len.div_ceil(GRAIN) > self.grains.len() {
            self.grow(len.div_ceil(GRAIN));
        }
        self.len = len;
    }

    #[cold]
    fn grow(&mut self, grains: usize) {
        self.grains.resize(grains, Grain([T::ZERO; GRAIN]));
    }

    /// Makes it empty and keeps its memory.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// How many numbers fit before it must allocate.
    pub fn capacity(&self) -> usize {
        self.grains.capacity() * GRAIN
    }
}

#[cfg(feature = "serde")]
impl<T: Real> Buffer<T> {
    /// The numbers that these bytes are, written once and not filled with zeros before.
    fn of_le_bytes(bytes: &[u8]) -> Self {
        let grain = |bytes: &[u8]| {
            let mut grain = Grain([T::ZERO; GRAIN]);
            bytes.chunks_exact(T::BYTES).zip(&mut grain.0).for_each(|(bytes, number)| *number = T::read_le(bytes));
            grain
        };
        let whole = bytes.chunks_exact(GRAIN * T::BYTES);
        let rest = whole.remainder();
        let mut grains = Vec::with_capacity(bytes.len().div_ceil(GRAIN * T::BYTES));
        grains.extend(whole.map(grain));
        if !rest.is_empty() {
            grains.push(grain(rest));
        }
        Buffer { grains, len: bytes.len() / T::BYTES }
    }
}

impl<T: Real> Deref for Buffer<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `grains` is one allocation of at least `len` numbers (`resize` sees to it), all of them initialised, and
        // a grain is `GRAIN` numbers without padding.
        unsafe { std::slice::from_raw_parts(self.grains.as_ptr().cast(), self.len) }
    }
}

impl<T: Real> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and the borrow of `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.grains.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Real> Default for Buffer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Real> From<&[T]> for Buffer<T> {
    fn from(numbers: &[T]) -> Self {
        let mut buffer = Buffer::new();
        buffer.resize(numbers.len(), T::ZERO);
        buffer.copy_from_slice(numbers);
        buffer
    }
}

impl<T: Real> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self[..] == other[..]
    }
}

impl<T: Real> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self[..].fmt(f)
    }
}

#[cfg(feature = "serde")]
impl<T: Real + serde::Serialize> serde::Serialize for Buffer<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        with_serde::serialize(self, serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de, T: Real + serde::Deserialize<'de>> serde::Deserialize<'de> for Buffer<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        with_serde::deserialize(deserializer, Buffer::of_le_bytes, |numbers| Buffer::from(&numbers[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A buffer behaves as a `Vec` does, and stays on its cache line.
        #[test]
        fn a_buffer_is_a_vector(steps in prop::collection::vec((0usize..100, any::<bool>()), 0..20)) {
            let (mut buffer, mut vector) = (Buffer::<f64>::new(), Vec::new());
            for (step, (len, clear)) in steps.into_iter().enumerate() {
                if clear {
                    buffer.clear();
                    vector.clear();
                }
                buffer.resize(len, step as f64);
                vector.resize(len, step as f64);
                prop_assert_eq!(&buffer[..], &vector[..]);
                buffer.stretch(step);
                prop_assert_eq!((buffer.len(), &buffer[..len]), (len + step, &vector[..]));
                buffer.resize(len, 0.0);
                prop_assert_eq!(buffer.clone(), Buffer::from(&vector[..]));
                vector.resize(len.next_multiple_of(GRAIN), 0.0);
                vector.extend([1.0, 2.0]);
                let appended = buffer.append(&[1.0, 2.0]);
                prop_assert_eq!((appended.start % GRAIN, &buffer[appended]), (0, &[1.0, 2.0][..]));
                prop_assert_eq!(&buffer[..], &vector[..]);
                prop_assert_eq!(buffer.as_ptr().addr() % 64, 0);
                prop_assert!(buffer.capacity() >= len);
            }
        }
    }
}
