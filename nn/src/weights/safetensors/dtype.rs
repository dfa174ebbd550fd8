//! The number formats that are read and written.

use thalweg_tensor::Real;
use thalweg_tensor::kernels::bytes;

use super::half::{BF16, F16, Half};

/// The format of the numbers of a tensor in a safetensors file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE half precision: 11 significant bits, magnitudes up to 65504.
    F16,
    /// bfloat16: 8 significant bits, the range of `F32`.
    BF16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Whole numbers, as PyTorch counts batches: read where double precision holds them exactly, never written.
    I64,
}

impl Dtype {
    /// Those that are read, for messages.
    pub(super) const READ: &str = "numbers of type F16, BF16, F32, F64 or I64";
    const ALL: [Dtype; 5] = [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64, Dtype::I64];

    /// The name in the file's header.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F16 => "F16",
            Dtype::BF16 => "BF16",
            Dtype::F32 => "F32",
            Dtype::F64 => "F64",
            Dtype::I64 => "I64",
        }
    }

    /// The one of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// How many bytes a number takes.
    pub fn bytes(self) -> usize {
        match self {
            Dtype::F16 | Dtype::BF16 => 2,
            Dtype::F32 => 4,
            Dtype::F64 | Dtype::I64 => 8,
        }
    }

    /// The format of the numbers in memory; a dual number is saved as its value.
    pub(super) fn of<T: Real>() -> Self {
        if T::BYTES == f32::BYTES { Dtype::F32 } else { Dtype::F64 }
    }

    /// Whether numbers of this format are stored as they are in memory.
    fn is_native<T: Real>(self) -> bool {
        self == Self::of::<T>() && T::BYTES == self.bytes()
    }

    /// Appends the bytes of these numbers, rounded to the nearest, of two to the even. Of the first finite number that
    /// becomes infinite the value is returned, unless that is `allowed`.
    pub(super) fn encode<T: Real>(self, numbers: &[T], allowed: bool, to: &mut Vec<u8>) -> Result<(), f64> {
        if self.is_native::<T>() {
            to.extend_from_slice(&bytes::of(numbers));
            return Ok(());
        }
        let start = to.len();
        to.resize(start + numbers.len() * self.bytes(), 0);
        let to = &mut to[start..];
        let half = |half: Half, value: f64| {
            let bits = half.narrow(value);
            (bits.to_le_bytes(), half.widen(bits))
        };
        match self {
            Dtype::F16 => each(numbers, allowed, to, |value| half(F16, value)),
            Dtype::BF16 => each(numbers, allowed, to, |value| half(BF16, value)),
            Dtype::F32 => each(numbers, allowed, to, |value| ((value as f32).to_le_bytes(), f64::from(value as f32))),
            Dtype::F64 => each(numbers, allowed, to, |value| (value.to_le_bytes(), value)),
            Dtype::I64 => unreachable!("refused before: it is never written"),
        }
    }

    /// The first number that a `T` cannot take: a finite one that would become infinite, a whole one too large to be exact.
    pub(super) fn refused<T: Real>(self, from: &[u8]) -> Option<String> {
        let narrow = T::BYTES == f32::BYTES;
        match self {
            Dtype::F64 if narrow => numbers(from, f64::from_le_bytes)
                .find(|value| value.is_finite() && !(*value as f32).is_finite())
                .map(|value| format!("{value:e}")),
            Dtype::I64 => numbers(from, i64::from_le_bytes)
                .find(|&value| value.unsigned_abs() > if narrow { 1 << 24 } else { 1 << 53 })
                .map(|value| value.to_string()),
            _ => None,
        }
    }

    /// Reads numbers from their bytes.
    pub(super) fn decode<T: Real>(self, from: &[u8], to: &mut [T]) {
        if self.is_native::<T>() {
            return bytes::read(from, to);
        }
        let fill = |to: &mut [T], values: &mut dyn Iterator<Item = f64>| {
            to.iter_mut().zip(values).for_each(|(slot, value)| *slot = T::from_f64(value));
        };
        match self {
            Dtype::F16 => fill(to, &mut numbers(from, |bytes| F16.widen(u16::from_le_bytes(bytes)))),
            Dtype::BF16 => fill(to, &mut numbers(from, |bytes| BF16.widen(u16::from_le_bytes(bytes)))),
            Dtype::F32 => fill(to, &mut numbers(from, |bytes| f64::from(f32::from_le_bytes(bytes)))),
            Dtype::F64 => fill(to, &mut numbers(from, f64::from_le_bytes)),
            Dtype::I64 => fill(to, &mut numbers(from, |bytes| i64::from_le_bytes(bytes) as f64)),
        }
    }
}

/// Writes each number as its `N` bytes; `convert` gives them, and the value that they stand for.
fn each<T: Real, const N: usize>(
    numbers: &[T],
    allowed: bool,
    to: &mut [u8],
    convert: impl Fn(f64) -> ([u8; N], f64),
) -> Result<(), f64> {
    for (number, bytes) in numbers.iter().zip(to.as_chunks_mut::<N>().0) {
        let value = number.to_f64();
        let rounded;
        (*bytes, rounded) = convert(value);
        if rounded.is_infinite() && value.is_finite() && !allowed {
            return Err(value);
        }
    }
    Ok(())
}

/// The numbers of `N` bytes each.
fn numbers<const N: usize, X>(bytes: &[u8], convert: impl Fn([u8; N]) -> X) -> impl Iterator<Item = X> {
    bytes.as_chunks::<N>().0.iter().map(move |&bytes| convert(bytes))
}
