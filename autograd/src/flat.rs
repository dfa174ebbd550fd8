//! A vector laid out like θ.

use std::sync::Arc;

use thalweg_tensor::Real;
use thalweg_tensor::kernels::{self, Buffer};

#[cfg(feature = "serde")]
use crate::layout::Entry;
use crate::layout::{Layout, Param, Shared};

/// A vector laid out like θ: gradients, Adam's moments, anchors, averages, traces.
///
/// One type for all of them, so that saving, averaging, clipping and growing are written once. It owns its numbers and
/// shares the [`Layout`]; when the parameters have grown, [`align`](Flat::align) makes it follow: old elements keep
/// their values, new ones are zero.
///
/// ```
/// use thalweg_autograd::{Flat, Params};
///
/// let mut params = Params::<f32>::new();
/// let w = params.add("w", [2, 2], |_| 1.0);
/// let mut moment = Flat::like(&params);
/// moment.of_mut(w)[3] = 0.5;
///
/// params.grow(w, 1, 1, |_| 0.0); // [2, 2] becomes [2, 3]
/// moment.align(params.layout());
/// assert_eq!(moment.of(w), [0.0, 0.0, 0.0, 0.0, 0.5, 0.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(bound(serialize = "T: Real + serde::Serialize")))]
pub struct Flat<T: Real = f32> {
    layout: Shared,
    values: Buffer<T>,
}

impl<T: Real> Default for Flat<T> {
    /// Of the empty layout. It takes on a real one at the first [`align`](Flat::align).
    fn default() -> Self {
        Flat { layout: Shared::default(), values: Buffer::new() }
    }
}

impl<T: Real> Flat<T> {
    /// Zeros, laid out like `other`.
    pub fn like(other: &Flat<T>) -> Self {
        let mut values = Buffer::new();
        values.resize(other.values.len(), T::ZERO);
        Flat { layout: Arc::clone(&other.layout), values }
    }

    /// The layout.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// All numbers, those of the room between entries included (they are zero).
    pub fn as_slice(&self) -> &[T] {
        &self.values
    }

    /// All numbers. What lies between entries must stay zero: write through [`of_mut`](Flat::of_mut) where you can.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// One parameter's numbers, row-major.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn of(&self, param: Param) -> &[T] {
        &self.values[self.layout.entry(param).range()]
    }

    /// One parameter's numbers, to write.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn of_mut(&mut self, param: Param) -> &mut [T] {
        &mut self.values[self.layout.entry(param).range()]
    }

    /// Follows the parameters' layout. When nothing grew this is one pointer comparison.
    ///
    /// # Panics
    /// If `layout` does not descend from this vector's by adding, growing or freezing entries.
    #[track_caller]
    pub fn align(&mut self, layout: &Arc<Layout>) {
        if Arc::ptr_eq(&self.layout, layout) {
            return;
        }
        if !layout.extends_in_place(&self.layout) {
            let mut values = Buffer::new();
            values.resize(layout.len(), T::ZERO);
            layout.carry_over(&self.layout, &self.values, &mut values);
            self.values = values;
        }
        self.layout = Arc::clone(layout);
    }

    /// Sets every number to zero.
    pub fn fill_zero(&mut self) {
        self.values.fill(T::ZERO);
    }

    /// `self += α · other`.
    ///
    /// # Panics
    /// If the two are not laid out alike.
    #[track_caller]
    pub fn add_scaled(&mut self, alpha: T, other: &Flat<T>) {
        let alike = Arc::ptr_eq(&self.layout, &other.layout) || self.layout == other.layout;
        assert!(
            alike,
            "add_scaled: the two are not laid out alike: lengths {} and {}",
            self.values.len(),
            other.values.len()
        );
        kernels::axpy(alpha, &other.values, &mut self.values);
    }

    /// Whether every number is finite.
    pub fn is_finite(&self) -> bool {
        self.values.iter().all(|v| v.is_finite())
    }

    /// Other numbers at the same places. `f(0)` must be 0, for the room between the entries.
    pub(crate) fn map<U: Real>(&self, f: impl Fn(T) -> U) -> Flat<U> {
        let mut values = Buffer::new();
        values.resize(self.values.len(), U::ZERO);
        values.iter_mut().zip(self.values.iter()).for_each(|(new, &old)| *new = f(old));
        Flat { layout: Arc::clone(&self.layout), values }
    }

    /// The layout and the numbers, to be used side by side.
    pub(crate) fn parts_mut(&mut self) -> (&Layout, &mut [T]) {
        (&self.layout, &mut self.values)
    }

    pub(crate) fn layout_mut(&mut self) -> &mut Layout {
        Arc::make_mut(&mut self.layout)
    }

    pub(crate) fn resize_for_new_entries(&mut self) {
        self.values.resize(self.layout.len(), T::ZERO);
    }
}

/// Reading checks that the layout is sound and as long as the values: a damaged file is an error, never a panic later.
#[cfg(feature = "serde")]
impl<'de, T: Real + serde::Deserialize<'de>> serde::Deserialize<'de> for Flat<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        #[serde(bound(deserialize = "T: Real + serde::Deserialize<'de>"))]
        struct Raw<T: Real> {
            layout: Layout,
            values: Buffer<T>,
        }
        let raw = Raw::deserialize(deserializer)?;
        if raw.layout.len() != raw.values.len() {
            let (entries, found) = (raw.layout.len(), raw.values.len());
            return Err(serde::de::Error::custom(format!(
                "a vector of parameters is inconsistent: its layout covers {entries} numbers, {found} are there"
            )));
        }
        for Entry { name, shape, start, capacity, .. } in raw.layout.entries() {
            if raw.values[start + shape.len()..start + capacity].iter().any(|&v| v != T::ZERO) {
                return Err(serde::de::Error::custom(format!(
                    "a vector of parameters is inconsistent: the room behind entry {name} is not empty"
                )));
            }
        }
        Ok(Flat { layout: Arc::new(raw.layout), values: raw.values })
    }
}
