//! Axes at strides, and the offsets that counting through them visits.

use crate::{MAX_RANK, Shape};

/// Some axes of a view: sizes and strides, with axes of size 1 left out, and neighbours that memory
/// continues merged to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axes {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [usize; MAX_RANK],
}

impl Axes {
    /// The axes of `shape` for which `chosen` holds.
    pub(crate) fn of(shape: Shape, strides: &[usize; MAX_RANK], chosen: impl Fn(usize) -> bool) -> Axes {
        let mut axes = Axes { rank: 0, sizes: [1; MAX_RANK], strides: [0; MAX_RANK] };
        for (axis, (&size, &stride)) in shape.dims().iter().zip(strides).enumerate() {
            if !chosen(axis) || size == 1 {
                continue;
            }
            let last = axes.rank.saturating_sub(1);
            if axes.rank > 0 && axes.strides[last] == size * stride {
                axes.sizes[last] *= size;
                axes.strides[last] = stride;
            } else {
                axes.sizes[axes.rank] = size;
                axes.strides[axes.rank] = stride;
                axes.rank += 1;
            }
        }
        axes
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> usize {
        self.sizes[..self.rank].iter().product()
    }

    /// The axes without the last, and its size and stride; a single element when there is none.
    pub(crate) fn split_last(mut self) -> (Axes, usize, usize) {
        match self.rank.checked_sub(1) {
            Some(last) => {
                self.rank = last;
                (self, self.sizes[last], self.strides[last])
            }
            None => (self, 1, 1),
        }
    }

    /// The offset of every element, in row-major order.
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets { axes: *self, position: [0; MAX_RANK], offset: 0, left: self.len() }
    }
}

/// Counts through [`Axes`] as an odometer does.
#[derive(Clone, Debug)]
pub(crate) struct Offsets {
    axes: Axes,
    position: [usize; MAX_RANK],
    offset: usize,
    left: usize,
}

impl Iterator for Offsets {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let offset = self.offset;
        for axis in (0..self.axes.rank).rev() {
            self.position[axis] += 1;
            self.offset += self.axes.strides[axis];
            if self.position[axis] < self.axes.sizes[axis] {
                break;
            }
            self.offset -= self.axes.strides[axis] * self.axes.sizes[axis];
            self.position[axis] = 0;
        }
        Some(offset)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Offsets {}

/// What the tests of operations on views share.
#[cfg(test)]
pub(crate) mod testing {
    use crate::{Rng, Shape, Tensor, View};
    use proptest::prelude::*;

    /// Data, and how to look at it: any shape of up to four axes of 0 to 4, its axes permuted, cut, stretched.
    #[derive(Clone, Debug)]
    pub(crate) struct Strided {
        pub(crate) data: Tensor<f64>,
        axes: Vec<usize>,
        cut: Option<usize>,
        stretched: bool,
    }

    impl Strided {
        /// The view.
        pub(crate) fn view(&self) -> View<'_, f64> {
            let mut view = self.data.view().permute(&self.axes);
            if let Some(axis) = self.cut {
                let size = view.shape().dims()[axis];
                view = view.slice(axis, size / 3..size);
            }
            if self.stretched { view.broadcast_to(view.shape().inserted(0, 2)) } else { view }
        }
    }

    /// Views of normal random numbers at all kinds of strides, of up to five axes.
    pub(crate) fn strided() -> impl Strategy<Value = Strided> {
        let dims = prop_oneof![
            15 => prop::collection::vec(0_usize..5, 0..=4),
            1 => (1_usize..12, 1000_usize..1100).prop_map(|(a, b)| vec![a, b]),
        ];
        (dims, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(|(dims, seed, cut, stretched)| {
            let mut rng = Rng::new(seed);
            let axes = rng.permutation(dims.len());
            let cut = (cut && !dims.is_empty()).then(|| rng.below(dims.len()));
            Strided { data: Tensor::normal(&dims[..], 0.0, 1.0, &mut rng), axes, cut, stretched }
        })
    }

    /// A view, and some of its axes.
    pub(crate) fn strided_with_axes() -> impl Strategy<Value = (Strided, Vec<usize>)> {
        (strided(), any::<u64>()).prop_map(|(x, seed)| {
            let mut rng = Rng::new(seed);
            let mut axes = rng.permutation(x.view().shape().rank());
            axes.truncate(rng.below(axes.len() + 1));
            (x, axes)
        })
    }

    /// Calls `visit` with every index of a shape, in row-major order.
    pub(crate) fn each_index(shape: Shape, mut visit: impl FnMut(&[usize])) {
        let strides = shape.strides();
        for flat in 0..shape.len() {
            let index: Vec<usize> = (0..shape.rank()).map(|a| flat / strides[a] % shape.dims()[a]).collect();
            visit(&index);
        }
    }
}
