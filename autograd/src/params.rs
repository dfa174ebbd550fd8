//! θ: the parameters.

use std::ops::Deref;
use std::sync::Arc;

use thalweg_tensor::{Real, Shape, View};

use crate::flat::Flat;
use crate::layout::{Layout, Param};

/// θ: every parameter of a model in one flat vector, with a [`Layout`] that names its parts.
///
/// Layers hold [`Param`] handles and no numbers, so the same layers run over any `Params` with their layout. A
/// `Params` is plain owned data: clone it for a frozen teacher, average two, save it.
///
/// ```
/// use thalweg_autograd::Params;
///
/// let mut params = Params::<f32>::new();
/// let weight = params.add("head.weight", [2, 3], |_| 0.5);
/// params.grow(weight, 0, 1, |_| 0.0); // a third class
/// assert_eq!(params.layout().entry(weight).shape().dims(), [3, 3]);
/// assert_eq!(params.of(weight), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0]);
/// assert_eq!(params.find("head.weight"), Some(weight));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Params<T: Real = f32> {
    theta: Flat<T>,
}

impl<T: Real> Default for Params<T> {
    fn default() -> Self {
        Params { theta: Flat::default() }
    }
}

impl<T: Real> Params<T> {
    /// No parameters yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter tensor; `init` gives its elements by row-major index.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn add(&mut self, name: &str, shape: impl Into<Shape>, init: impl FnMut(usize) -> T) -> Param {
        self.add_stacked(name, 1, shape, init)
    }

    /// [`add`](Params::add) for a tensor whose first axis is a stack of equal blocks, as the gates of an LSTM are: growing
    /// it grows each block, so that gates stay gates.
    ///
    /// # Panics
    /// If the name is taken, or the first axis cannot be cut into `blocks` equal blocks.
    #[track_caller]
    pub fn add_stacked(
        &mut self,
        name: &str,
        blocks: usize,
        shape: impl Into<Shape>,
        init: impl FnMut(usize) -> T,
    ) -> Param {
        let shape = shape.into();
        assert!(self.layout().find(name).is_none(), "add: there is a parameter named {name} already");
        let rows = shape.dims().first().copied().unwrap_or(1);
        assert!(blocks > 0 && rows.is_multiple_of(blocks), "add: {name} {shape} is no stack of {blocks} equal blocks");
        let param = self.theta.layout_mut().push(name.to_owned(), shape, blocks);
        self.theta.resize_for_new_entries();
        fill(self.theta.of_mut(param).iter_mut(), init);
        param
    }

    /// Grows a tensor by `by` along axis 0 or 1; `init` gives the new elements, numbered in row-major order. Along axis 0 a
    /// [stack](Params::add_stacked) of blocks grows by `by` in each block.
    ///
    /// Every old element keeps its multi-index (in a stack: its block, and its index there) and its bits. Vectors laid out like θ follow by
    /// [`align`](Flat::align); optimizers and [`backward`](crate::Var::backward) do so by themselves.
    ///
    /// # Panics
    /// If the tensor has no such axis, or the axis is neither 0 nor 1.
    #[track_caller]
    pub fn grow(&mut self, param: Param, axis: usize, by: usize, init: impl FnMut(usize) -> T) {
        let shape = self.layout().entry(param).shape();
        assert!(axis < shape.rank().min(2), "grow: axis {axis} of {shape}: it must exist and be 0 or 1");
        let parts = if axis == 0 { self.layout().entry(param).blocks() } else { 1 };
        let old = shape.dims()[axis] / parts;
        let mut layout = Layout::clone(self.layout());
        layout.resize(param, shape.with(axis, (old + by) * parts), axis == 0);
        self.theta.align(&Arc::new(layout));
        let [_, _, inner] = shape.around(axis);
        let values = self.theta.of_mut(param);
        if (old + by) * inner > 0 {
            fill(values.chunks_exact_mut((old + by) * inner).flat_map(|part| &mut part[old * inner..]), init);
        }
    }

    /// Freezes a parameter: gradients are not computed for it and optimizers leave it alone. Or thaws it.
    pub fn set_trainable(&mut self, param: Param, trainable: bool) {
        self.layout().entry(param); // a handle of another layout panics here, with a message
        self.theta.layout_mut().set_trainable(param, trainable);
    }

    /// The same parameters as numbers of another type, with the same handles: to check in `f64` what runs in `f32`, or to
    /// differentiate along a direction. What the type cannot hold is rounded; a tangent is lost.
    ///
    /// ```
    /// use thalweg_autograd::Params;
    ///
    /// let mut params = Params::<f32>::new();
    /// let w = params.add("w", [2], |i| i as f32);
    /// assert_eq!(params.cast::<f64>().of(w), [0.0, 1.0]);
    /// ```
    pub fn cast<U: Real>(&self) -> Params<U> {
        Params { theta: self.theta.map(|x| U::from_f64(x.to_f64())) }
    }

    /// The handle of a name.
    pub fn find(&self, name: &str) -> Option<Param> {
        self.layout().find(name)
    }

    /// One parameter with its shape.
    #[track_caller]
    pub fn view(&self, param: Param) -> View<'_, T> {
        View::new(self.layout().entry(param).shape(), self.of(param))
    }

    /// One parameter's numbers, to write.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn of_mut(&mut self, param: Param) -> &mut [T] {
        self.theta.of_mut(param)
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        self.layout().count()
    }

    /// θ as a flat vector, for optimizers: to write.
    pub fn theta_mut(&mut self) -> &mut Flat<T> {
        &mut self.theta
    }
}

/// Reading θ: [`layout`](Flat::layout), [`of`](Flat::of), [`as_slice`](Flat::as_slice).
impl<T: Real> Deref for Params<T> {
    type Target = Flat<T>;
    fn deref(&self) -> &Flat<T> {
        &self.theta
    }
}

fn fill<'a, T: 'a>(slots: impl Iterator<Item = &'a mut T>, mut init: impl FnMut(usize) -> T) {
    for (index, slot) in slots.enumerate() {
        *slot = init(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// θ as {(name, [block, row of the block, column, the rest]): bits}, to compare across layouts.
    fn elements(params: &Params<f64>) -> Vec<(String, [usize; 4], u64)> {
        let mut all = Vec::new();
        for (param, entry) in params.layout().iter() {
            let [_, columns, inner] = entry.shape().inserted(0, 1).around(2);
            let rows = entry.shape().dims()[0] / entry.blocks();
            for (i, v) in params.of(param).iter().enumerate() {
                let row = i / (columns * inner);
                let at = [row / rows, row % rows, i / inner % columns, i % inner];
                all.push((entry.name().to_owned(), at, v.to_bits()));
            }
        }
        all
    }

    #[test]
    fn parameters_are_found_by_name_and_counted() {
        let mut params = Params::<f32>::new();
        let [a, b] = [("a", 3), ("b", 40)].map(|(name, size)| params.add(name, [size], |i| i as f32));
        assert_eq!([params.find("a"), params.find("b"), params.find("c")], [Some(a), Some(b), None]);
        assert_eq!(params.count(), 43, "the room between them does not count");
        assert_eq!(
            (params.view(a).shape().dims(), params.view(a).to_tensor().as_slice()),
            (&[3][..], &[0.0, 1.0, 2.0][..])
        );
        assert_eq!(params.cast::<f64>().of(b)[39], 39.0);
    }

    proptest! {
        /// Any sequence of growths keeps every old element at its index, in θ and in a vector that follows.
        #[test]
        fn growth_moves_nothing(steps in prop::collection::vec((0usize..4, 0usize..2, 0usize..4), 1..12)) {
            let mut params = Params::<f64>::new();
            let mut next = 0.0;
            let mut count = |_| { next += 1.0; next };
            let handles = [([2, 3, 1], 1), ([1, 1, 2], 1), ([0, 2, 2], 1), ([6, 2, 1], 3)]
                .map(|(dims, blocks)| params.add_stacked(&format!("p{dims:?}"), blocks, dims, &mut count));
            let mut follower = params.clone();
            for (which, axis, by) in steps {
                let before = elements(&params);
                params.grow(handles[which], axis, by, &mut count);
                follower.theta.align(params.layout());
                let (after, followed) = (elements(&params), elements(&follower));
                prop_assert!(before.iter().all(|e| after.contains(e)));
                for (new, old) in after.iter().zip(&followed) {
                    prop_assert!(new == old || old.2 == 0, "{new:?} {old:?}");
                }
                follower = params.clone();
            }
        }
    }

    #[test]
    fn what_grows_is_initialised_in_row_major_order() {
        let mut params = Params::<f64>::new();
        let stack = params.add_stacked("stack", 2, [2, 2], |i| i as f64);
        let new = |i: usize| 10.0 + i as f64;
        params.grow(stack, 1, 1, new);
        assert_eq!(params.of(stack), [0.0, 1.0, 10.0, 2.0, 3.0, 11.0]);
        params.grow(stack, 0, 1, new);
        assert_eq!(params.of(stack), [0.0, 1.0, 10.0, 10.0, 11.0, 12.0, 2.0, 3.0, 11.0, 13.0, 14.0, 15.0]);
    }

    #[test]
    fn adding_rows_one_by_one_moves_the_vector_rarely() {
        let mut params = Params::<f32>::new();
        let words = params.add("embedding.weight", [1, 8], |_| 1.0);
        let head = params.add("head", [4], |_| 2.0);
        let mut moves = 0;
        for _ in 0..1000 {
            let start = params.layout().entry(head).range().start;
            params.grow(words, 0, 1, |_| 3.0);
            moves += usize::from(params.layout().entry(head).range().start != start);
        }
        assert!(moves < 20, "moved {moves} times");
        assert_eq!(params.of(head), [2.0; 4]);
    }

    #[test]
    #[should_panic(expected = "there is a parameter named w already")]
    fn a_name_is_given_once() {
        let mut params = Params::<f32>::new();
        params.add("w", [1], |_| 0.0);
        params.add("w", [1], |_| 0.0);
    }
}
