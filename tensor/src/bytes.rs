//! Numbers as bytes: every bit of them, little-endian, whatever the machine.
//!
//! A file of a million numbers should be written about as fast as so many bytes are copied, and not number by number.
//! So tensors and [`Buffer`](crate::kernels::Buffer)s are saved as one piece of bytes in binary formats; in formats that
//! people read, such as JSON, they stay lists of numbers.

use crate::Real;

/// The bytes of these numbers: [`Real::BYTES`] for each.
///
/// ```
/// use thalweg_tensor::bytes;
///
/// let saved = bytes::of(&[1.0_f32, -0.0]);
/// assert_eq!(saved, [0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]);
/// let mut loaded = [9.0_f32; 2];
/// bytes::read(&saved, &mut loaded);
/// assert_eq!(loaded.map(f32::to_bits), [1.0_f32, -0.0].map(f32::to_bits));
/// ```
pub fn of<T: Real>(numbers: &[T]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(numbers)];
    write(numbers, &mut bytes);
    bytes
}

/// Writes these numbers to bytes: [`Real::BYTES`] for each.
///
/// # Panics
///
/// When there are more or fewer bytes than that.
#[track_caller]
pub fn write<T: Real>(numbers: &[T], bytes: &mut [u8]) {
    check::<T>(bytes.len(), numbers.len());
    for (bytes, &number) in bytes.chunks_exact_mut(T::BYTES).zip(numbers) {
        number.write_le(bytes);
    }
}

/// Reads numbers from their bytes: [`Real::BYTES`] for each.
///
/// # Panics
///
/// When there are more or fewer bytes than that.
#[track_caller]
pub fn read<T: Real>(bytes: &[u8], numbers: &mut [T]) {
    check::<T>(bytes.len(), numbers.len());
    for (bytes, number) in bytes.chunks_exact(T::BYTES).zip(numbers) {
        *number = T::read_le(bytes);
    }
}

#[track_caller]
fn check<T: Real>(bytes: usize, numbers: usize) {
    assert!(bytes == numbers * T::BYTES, "bytes: {bytes} bytes are not {numbers} numbers of {} each", T::BYTES);
}

/// How vectors of numbers are saved and loaded.
#[cfg(feature = "serde")]
pub(crate) mod with_serde {
    use std::fmt;
    use std::marker::PhantomData;
    use std::ops::DerefMut;

    use serde::de::{Deserialize, Deserializer, Error, Visitor};
    use serde::ser::{Serialize, Serializer};

    use crate::Real;

    pub fn serialize<T: Real + Serialize, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return numbers.serialize(serializer);
        }
        serializer.serialize_bytes(&super::of(numbers))
    }

    /// `zeros(n)` makes the vector that is filled.
    pub fn deserialize<'de, T, V, D>(deserializer: D, zeros: fn(usize) -> V) -> Result<V, D::Error>
    where
        T: Real + Deserialize<'de>,
        V: DerefMut<Target = [T]>,
        D: Deserializer<'de>,
    {
        if deserializer.is_human_readable() {
            let numbers = Vec::<T>::deserialize(deserializer)?;
            let mut vector = zeros(numbers.len());
            vector.copy_from_slice(&numbers);
            return Ok(vector);
        }
        deserializer.deserialize_bytes(Bytes(zeros, PhantomData))
    }

    struct Bytes<V, T>(fn(usize) -> V, PhantomData<T>);

    impl<T: Real, V: DerefMut<Target = [T]>> Visitor<'_> for Bytes<V, T> {
        type Value = V;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "numbers of {} bytes each", T::BYTES)
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<V, E> {
            if !bytes.len().is_multiple_of(T::BYTES) {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            let mut numbers = self.0(bytes.len() / T::BYTES);
            super::read(bytes, &mut numbers);
            Ok(numbers)
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
            let mut singles = vec![0.0; bits.len()];
            let narrow: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits as u32)).collect();
            read(&of(&narrow), &mut singles);
            prop_assert!(singles.iter().zip(&narrow).all(|(a, b)| a.to_bits() == b.to_bits()));

            let mut doubles = vec![0.0; bits.len()];
            let wide: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
            read(&of(&wide), &mut doubles);
            prop_assert!(doubles.iter().zip(&wide).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }

    #[test]
    fn a_dual_number_keeps_its_tangent() {
        let mut back = [Dual::from(0.0)];
        read(&of(&[Dual::new(1.5, -2.5)]), &mut back);
        assert_eq!((back[0].value, back[0].tangent), (1.5, -2.5));
    }

    #[test]
    #[should_panic(expected = "bytes: 7 bytes are not 2 numbers of 4 each")]
    fn bytes_must_fit() {
        read(&[0; 7], &mut [0.0_f32; 2]);
    }
}
