//! Numbers as bytes: every bit of them, little-endian, whatever the machine.
//!
//! A file of a million numbers should be written about as fast as so many bytes are copied, and not number by number.
//! So tensors and [`Buffer`](super::Buffer)s are saved as one piece of bytes in binary formats; in formats that
//! people read, such as JSON, they stay lists of numbers.

use std::borrow::Cow;

use crate::Real;

/// The bytes of these numbers: [`Real::BYTES`] for each. Where the machine is little-endian nothing is copied.
///
/// ```
/// use thalweg_tensor::kernels::bytes;
///
/// let numbers = [1.0_f32, -0.0];
/// let saved = bytes::of(&numbers);
/// assert_eq!(saved[..], [0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]);
/// let mut loaded = [9.0_f32; 2];
/// bytes::read(&saved, &mut loaded);
/// assert_eq!(loaded.map(f32::to_bits), [1.0_f32, -0.0].map(f32::to_bits));
/// ```
pub fn of<T: Real>(numbers: &[T]) -> Cow<'_, [u8]> {
    match cfg!(target_endian = "little") {
        true => Cow::Borrowed(in_memory(numbers)),
        false => Cow::Owned(one_by_one(numbers)),
    }
}

/// The bytes as they lie in memory.
fn in_memory<T: Real>(numbers: &[T]) -> &[u8] {
    // SAFETY: `Real` is sealed: `f32`, `f64`, and `Dual`, which is two `f64` in C's layout. None of them has padding, so
    // every one of these bytes is initialised; a byte needs no alignment; and the borrow is that of the numbers.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}

/// What [`of`] is by definition.
fn one_by_one<T: Real>(numbers: &[T]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(numbers)];
    bytes.chunks_exact_mut(T::BYTES).zip(numbers).for_each(|(bytes, number)| number.write_le(bytes));
    bytes
}

/// Reads numbers from their bytes: [`Real::BYTES`] for each.
///
/// # Panics
///
/// When there are more or fewer bytes than that.
#[track_caller]
pub fn read<T: Real>(bytes: &[u8], numbers: &mut [T]) {
    let (found, expected) = (bytes.len(), numbers.len());
    assert!(found == expected * T::BYTES, "bytes: {found} bytes are not {expected} numbers of {} each", T::BYTES);
    for (bytes, number) in bytes.chunks_exact(T::BYTES).zip(numbers) {
        *number = T::read_le(bytes);
    }
}

/// How vectors of numbers are saved and loaded.
#[cfg(feature = "serde")]
pub(crate) mod with_serde {
    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};

    use crate::Real;

    pub fn serialize<T: Real + Serialize, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return numbers.serialize(serializer);
        }
        serializer.serialize_bytes(&super::of(numbers))
    }

    /// A vector of its bytes, of which there are [`Real::BYTES`] for each number, or of a list of numbers.
    pub fn deserialize<'de, T, V, D>(
        deserializer: D,
        of_bytes: fn(&[u8]) -> V,
        of_numbers: fn(Vec<T>) -> V,
    ) -> Result<V, D::Error>
    where
        T: Real + Deserialize<'de>,
        D: Deserializer<'de>,
    {
        if deserializer.is_human_readable() {
            return Vec::deserialize(deserializer).map(of_numbers);
        }
        deserializer.deserialize_bytes(Bytes(of_bytes, PhantomData::<T>))
    }

    struct Bytes<V, T>(fn(&[u8]) -> V, PhantomData<T>);

    impl<T: Real, V> Visitor<'_> for Bytes<V, T> {
        type Value = V;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "numbers of {} bytes each", T::BYTES)
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V, E> {
            if !bytes.len().is_multiple_of(T::BYTES) {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            Ok(self.0(bytes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dual;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_comes_back(bits in prop::collection::vec(any::<u64>(), 0..40)) {
            let mut singles = vec![0.0_f32; bits.len()];
            let narrow: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits as u32)).collect();
            prop_assert_eq!(&of(&narrow)[..], one_by_one(&narrow));
            read(&of(&narrow), &mut singles);
            prop_assert!(singles.iter().zip(&narrow).all(|(a, b)| a.to_bits() == b.to_bits()));

            let mut doubles = vec![0.0_f64; bits.len()];
            let wide: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
            prop_assert_eq!(&of(&wide)[..], one_by_one(&wide));
            read(&of(&wide), &mut doubles);
            prop_assert!(doubles.iter().zip(&wide).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn a_dual_number_keeps_its_tangent() {
        let mut back = [Dual::from(0.0)];
        let number = [Dual::new(1.5, -2.5)];
        assert_eq!(of(&number)[..], one_by_one(&number));
        read(&of(&number), &mut back);
        assert_eq!((back[0].value, back[0].tangent), (1.5, -2.5));
    }

    #[test]
    #[should_panic(expected = "bytes: 7 bytes are not 2 numbers of 4 each")]
    fn bytes_must_fit() {
        read(&[0; 7], &mut [0.0_f32; 2]);
    }
}
