//! Reading and adding at given places, and the places of the largest.

use crate::{AsView, Real, Shape, Tensor, View};
use std::cmp::Ordering;

impl<T: Real> View<'_, T> {
    /// The parts at `k` indices along an axis: `[…, n, …] → […, k, …]`. They may repeat.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 3], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    /// assert_eq!(x.index_select(1, &[2, 0]), Tensor::new([2, 2], vec![2.0, 0.0, 5.0, 3.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, or an index is beyond it.
    #[track_caller]
    pub fn index_select(self, axis: usize, indices: &[usize]) -> Tensor<T> {
        check_indices("index_select", self.shape(), axis, indices);
        let shape = self.shape().with(axis, indices.len());
        let [_, _, inner] = shape.around(axis);
        let mut y = Tensor::zeros(shape);
        if shape.is_empty() {
            return y;
        }
        // The part at each index, one after the other: its blocks lie `indices.len()` apart in the result.
        for (place, &index) in indices.iter().enumerate() {
            let mut part = self.slice(axis, index..index + 1).iter();
            for block in y.as_mut_slice().chunks_exact_mut(indices.len() * inner) {
                block[place * inner..][..inner].iter_mut().zip(&mut part).for_each(|(y, x)| *y = x);
            }
        }
        y
    }

    /// Along an axis, the elements at indices of their own: `y[…, j, …] = x[…, index[…, j, …], …]` for `[…, n, …]` and
    /// indices `[…, k, …]`, row-major → `[…, k, …]`. They may repeat.
    ///
    /// The indices have the sizes of the tensor in the other axes; for fewer, slice first.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 3], vec![0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    /// assert_eq!(x.gather(1, &[2, 0]), Tensor::new([2, 1], vec![2.0, 3.0]));
    /// assert_eq!(x.gather(0, &x.argmax(0)), Tensor::new([1, 3], vec![3.0, 4.0, 5.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, an index is beyond it, or there are not equally many for each place.
    #[track_caller]
    pub fn gather(self, axis: usize, indices: &[usize]) -> Tensor<T> {
        let shape = self.shape().gathered("gather", axis, indices);
        let dense = self.to_tensor();
        let mut y = Tensor::zeros(shape);
        let x = dense.as_slice();
        each_gathered(self.shape(), axis, indices, |k, i| y.as_mut_slice()[k] = x[i]);
        y
    }

    /// A copy with `values [..., k, ...]` added along an axis at indices of their own: `y = x`, then
    /// `y[…, index[…, j, …], …] += values[…, j, …]`. What goes to the same place is added in row-major order. The adjoint
    /// of [`gather`](View::gather).
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let counts = Tensor::zeros([3]).scatter_add(0, &[2, 0, 2], [1.0_f32; 3]);
    /// assert_eq!(counts.as_slice(), [1.0, 0.0, 2.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis, an index is beyond it, or the values have another shape than the indices.
    #[track_caller]
    pub fn scatter_add(self, axis: usize, indices: &[usize], values: impl AsView<T>) -> Tensor<T> {
        let values = values.as_view();
        let shape = self.shape().gathered("scatter_add", axis, indices);
        assert!(values.shape() == shape, "scatter_add: values {} for indices {shape}", values.shape());
        let (mut y, values) = (self.to_tensor(), values.to_tensor());
        let (y_elements, values) = (y.as_mut_slice(), values.as_slice());
        each_gathered(self.shape(), axis, indices, |k, i| y_elements[i] += values[k]);
        y
    }

    /// The `k` largest along the last axis and their indices, row-major: `[…, n] → […, k]`, the largest first; of equals
    /// the one with the lower index first. A NaN counts as larger than any number.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let (values, indices) = Tensor::from_slice(&[3.0_f32, 9.0, 1.0, 9.0]).top_k(3);
    /// assert_eq!((values.as_slice(), &indices[..]), (&[9.0, 9.0, 3.0][..], &[1, 3, 0][..]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no axis, or `k` is larger than the last one.
    #[track_caller]
    pub fn top_k(self, k: usize) -> (Tensor<T>, Vec<usize>) {
        let mut indices = Vec::new();
        self.top_k_indices(k, &mut indices);
        let last = self.shape().rank() - 1;
        if self.shape().with(last, 1).is_empty() {
            return (Tensor::zeros(self.shape().with(last, k)), indices);
        }
        (self.gather(last, &indices), indices)
    }

    /// The indices of [`top_k`](View::top_k), which replace what is in `indices`.
    ///
    /// # Panics
    ///
    /// As [`top_k`](View::top_k).
    #[track_caller]
    pub fn top_k_indices(self, k: usize, indices: &mut Vec<usize>) {
        let shape = self.shape();
        assert!(shape.rank() > 0, "top_k: at least one axis expected, the shape is {shape}");
        let (n, mut rest) = (shape.dims()[shape.rank() - 1], self.iter());
        assert!(k <= n, "top_k: {k} largest of {n} in {shape}");
        indices.clear();
        let mut dense = Vec::new();
        let whole = self.as_slice();
        for row in 0..shape.without(shape.rank() - 1).len() {
            let x = match whole {
                Some(x) => &x[row * n..][..n],
                None => {
                    dense.clear();
                    dense.extend(rest.by_ref().take(n));
                    &dense[..]
                }
            };
            let first = indices.len();
            indices.extend(0..n);
            let order = |&i: &usize, &j: &usize| descending(x[i], x[j]).then(i.cmp(&j));
            let row = &mut indices[first..];
            if 0 < k && k < n {
                row.select_nth_unstable_by(k - 1, order);
            }
            row[..k].sort_unstable_by(order);
            indices.truncate(first + k);
        }
    }
}

impl Shape {
    /// The shape of what is [gathered](View::gather) from a tensor of this shape: with as many elements along `axis` as
    /// there are indices for each place. `operation` is for the message of a panic.
    ///
    /// # Panics
    ///
    /// As [`gather`](View::gather).
    #[track_caller]
    pub fn gathered(self, operation: &str, axis: usize, indices: &[usize]) -> Shape {
        check_indices(operation, self, axis, indices);
        let places = self.with(axis, 1).len();
        let each = indices.len().checked_div(places).unwrap_or(0);
        let fits = places * each == indices.len();
        assert!(fits, "{operation}: {} indices for {places} places along axis {axis} of {self}", indices.len());
        self.with(axis, each)
    }
}

/// Visits every gathered element: `visit(its place among the gathered, its place in row-major data of this shape)`.
fn each_gathered(shape: Shape, axis: usize, indices: &[usize], mut visit: impl FnMut(usize, usize)) {
    let [outer, size, inner] = shape.around(axis);
    if indices.is_empty() {
        return;
    }
    let block = indices.len() / outer;
    for (k, &index) in indices.iter().enumerate() {
        visit(k, (k / block * size + index) * inner + k % inner);
    }
}

/// The larger first, and a NaN before every number.
fn descending<T: Real>(a: T, b: T) -> Ordering {
    let is_number = |x: T| x.partial_cmp(&x).is_some();
    b.partial_cmp(&a).unwrap_or_else(|| is_number(a).cmp(&is_number(b)))
}

#[track_caller]
fn check_indices(operation: &str, shape: Shape, axis: usize, indices: &[usize]) {
    assert!(axis < shape.rank(), "{operation}: {shape} has no axis {axis}");
    let size = shape.dims()[axis];
    if let Some(bad) = indices.iter().find(|&&index| index >= size) {
        panic!("{operation}: there is no element {bad} along axis {axis} of {shape}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use crate::testing::{Strided, each_index, strided};
    use proptest::prelude::*;

    /// A view, an axis of it that is not empty, and a source of indices.
    fn with_axis() -> impl Strategy<Value = (Strided, usize, Rng)> {
        let axis = |x: &Strided, seed: u64| {
            let dims: Vec<usize> = x.view().shape().dims().to_vec();
            let axes: Vec<usize> = (0..dims.len()).filter(|&axis| dims[axis] > 0).collect();
            axes.get(seed as usize % axes.len().max(1)).copied()
        };
        (strided(), any::<u64>()).prop_filter_map("no axis has elements", move |(x, seed)| {
            axis(&x, seed).map(|axis| (x, axis, Rng::new(seed)))
        })
    }

    fn indices(count: usize, below: usize, rng: &mut Rng) -> Vec<usize> {
        (0..count).map(|_| rng.below(below)).collect()
    }

    proptest! {
        #[test]
        fn selecting_is_indexing((x, axis, mut rng) in with_axis()) {
            let x = x.view();
            let count = rng.below(4);
            let places = indices(count, x.shape().dims()[axis], &mut rng);
            let (y, mut expected) = (x.index_select(axis, &places), Vec::new());
            each_index(y.shape(), |index| {
                let mut from = index.to_vec();
                from[axis] = places[index[axis]];
                expected.push(x.at(&from));
            });
            prop_assert_eq!(y.shape(), x.shape().with(axis, places.len()));
            prop_assert_eq!(y.into_vec(), expected);
        }

        #[test]
        fn gathering_is_indexing_and_scattering_its_adjoint((x, axis, mut rng) in with_axis()) {
            let x = x.view();
            let shape = x.shape().with(axis, rng.below(4));
            let places = indices(shape.len(), x.shape().dims()[axis], &mut rng);
            prop_assume!(!shape.is_empty());
            let (y, mut expected, mut k) = (x.gather(axis, &places), Vec::new(), 0);
            each_index(shape, |index| {
                let mut from = index.to_vec();
                from[axis] = places[k];
                k += 1;
                expected.push(x.at(&from));
            });
            prop_assert_eq!(y.shape(), shape);
            prop_assert_eq!(y.as_slice(), &expected[..]);
            // ⟨gather(x), v⟩ = ⟨x, scatter(v)⟩
            let v = Tensor::normal(shape, 0.0, 1.0, &mut rng);
            let scattered = Tensor::zeros(x.shape()).scatter_add(axis, &places, &v);
            let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let dense = x.to_tensor();
            let difference = product(y.as_slice(), v.as_slice()) - product(dense.as_slice(), scattered.as_slice());
            prop_assert!(difference.abs() < 1e-9);
            prop_assert_eq!(x.scatter_add(axis, &places, Tensor::zeros(shape)), dense);
        }

        /// Few values, so that there are equals; NaN among them.
        #[test]
        fn the_largest_are_the_first_of_all_sorted(rows in prop::collection::vec(prop::array::uniform7(0_u8..4), 0..4), k in 0_usize..=7) {
            let number = |&x: &u8| if x == 3 { f64::NAN } else { f64::from(x) };
            let data: Vec<f64> = rows.iter().flatten().map(number).collect();
            let turned = Tensor::new([rows.len(), 7], data.clone()).view().transpose().to_tensor();
            for view in [View::new([rows.len(), 7], &data), turned.view().transpose()] {
                let (values, indices) = view.top_k(k);
                prop_assert_eq!(values.shape(), Shape::new(&[rows.len(), k]));
                for (r, row) in rows.iter().enumerate() {
                    let mut order: Vec<usize> = (0..7).collect();
                    order.sort_by_key(|&i| std::cmp::Reverse(row[i])); // stable, and NaN is the 3
                    prop_assert_eq!(&indices[r * k..][..k], &order[..k]);
                    let same = |(j, &i): (usize, &usize)| values.as_slice()[r * k + j].total_cmp(&number(&row[i])).is_eq();
                    prop_assert!(order[..k].iter().enumerate().all(same));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "gather: there is no element 3 along axis 1 of [2, 3]")]
    fn an_index_beyond_the_axis_panics() {
        Tensor::<f32>::zeros([2, 3]).gather(1, &[0, 3]);
    }

    #[test]
    #[should_panic(expected = "gather: 3 indices for 2 places along axis 1 of [2, 3]")]
    fn unequally_many_indices_panic() {
        Tensor::<f32>::zeros([2, 3]).gather(1, &[0, 1, 0]);
    }

    #[test]
    #[should_panic(expected = "top_k: 4 largest of 3 in [2, 3]")]
    fn more_than_there_are_panics() {
        Tensor::<f32>::zeros([2, 3]).top_k(4);
    }
}
