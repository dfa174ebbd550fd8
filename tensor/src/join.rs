//! Joining, padding and masking: new tensors that hold the elements of others.

use crate::{AsView, Real, Shape, Tensor, View};

impl<T: Real> Tensor<T> {
    /// Joins along an existing axis: `[…, aᵢ, …] → […, Σ aᵢ, …]`.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::new([2, 1], vec![1.0_f32, 2.0]);
    /// let wide = Tensor::concat(&[&x, &x], 1);
    /// assert_eq!(wide, Tensor::new([2, 2], vec![1.0, 1.0, 2.0, 2.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there are no parts, no such axis, or the parts differ in another axis.
    #[track_caller]
    pub fn concat(parts: &[impl AsView<T>], axis: usize) -> Self {
        let first = first_shape("concat", parts);
        assert!(axis < first.rank(), "concat: {first} has no axis {axis}");
        let mut size = 0;
        for shape in parts.iter().map(|part| part.as_view().shape()) {
            assert!(
                shape.rank() == first.rank() && shape.without(axis) == first.without(axis),
                "concat: parts differ in more than axis {axis}: {first} and {shape}"
            );
            size += shape.dims()[axis];
        }
        let mut whole = Tensor::zeros(first.with(axis, size));
        let mut from = 0;
        for part in parts.iter().map(AsView::as_view) {
            whole.place(axis, from, part);
            from += part.shape().dims()[axis];
        }
        whole
    }

    /// Joins along a new axis before `axis`: `k` times `[…, …] → […, k, …]`.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let columns = Tensor::stack(&[[1.0_f32, 2.0], [3.0, 4.0]], 1);
    /// assert_eq!(columns, Tensor::new([2, 2], vec![1.0, 3.0, 2.0, 4.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When there are no parts, their shapes differ, or `axis` is beyond their rank.
    #[track_caller]
    pub fn stack(parts: &[impl AsView<T>], axis: usize) -> Self {
        let first = first_shape("stack", parts);
        let mut whole = Tensor::zeros(first.inserted(axis, parts.len()));
        for (place, part) in parts.iter().map(AsView::as_view).enumerate() {
            assert!(part.shape() == first, "stack: shapes differ: {first} and {}", part.shape());
            whole.place(axis, place, part);
        }
        whole
    }

    /// A row of zeros with a one at its class, for each index: `k` → `[k, classes]`.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let rows = Tensor::one_hot(&[2, 0], 3);
    /// assert_eq!(rows, Tensor::new([2, 3], vec![0.0_f32, 0.0, 1.0, 1.0, 0.0, 0.0]));
    /// ```
    ///
    /// # Panics
    ///
    /// When an index is not below `classes`.
    #[track_caller]
    pub fn one_hot(indices: &[usize], classes: usize) -> Self {
        let mut rows = Tensor::zeros([indices.len(), classes]);
        for (row, &index) in indices.iter().enumerate() {
            assert!(index < classes, "one_hot: there is no class {index} among {classes}");
            rows.as_mut_slice()[row * classes + index] = T::ONE;
        }
        rows
    }

    /// Writes `part` over the elements that begin at `from` along `axis`. The part may lack the axis; elsewhere its
    /// sizes are those of the whole.
    fn place(&mut self, axis: usize, from: usize, part: View<'_, T>) {
        let [outer, size, inner] = self.shape().around(axis);
        let Some(width) = part.shape().len().checked_div(outer).filter(|&width| width > 0) else { return };
        let rows = self.as_mut_slice().chunks_exact_mut(size * inner).map(|row| &mut row[from * inner..][..width]);
        match part.as_slice() {
            Some(part) => rows.zip(part.chunks_exact(width)).for_each(|(row, part)| row.copy_from_slice(part)),
            None => rows.flatten().zip(part.iter()).for_each(|(place, x)| *place = x),
        }
    }
}

impl<T: Real> View<'_, T> {
    /// With `value` before and after along one axis: `[…, n, …] → […, before + n + after, …]`.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::from_slice(&[1.0_f32, 2.0]);
    /// assert_eq!(x.pad(0, 1, 2, 0.0).as_slice(), [0.0, 1.0, 2.0, 0.0, 0.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there is no such axis.
    #[track_caller]
    pub fn pad(self, axis: usize, before: usize, after: usize, value: T) -> Tensor<T> {
        let shape = self.shape();
        assert!(axis < shape.rank(), "pad: {shape} has no axis {axis}");
        let mut whole = Tensor::full(shape.with(axis, before + shape.dims()[axis] + after), value);
        whole.place(axis, before, self);
        whole
    }

    /// The lower triangle of each matrix, `[…, m, n] → […, m, n]`: element `(i, j)` where `j − i ≤ diagonal`, and 0
    /// elsewhere, whatever stood there.
    ///
    /// ```
    /// use thalweg_tensor::Tensor;
    ///
    /// let x = Tensor::<f32>::ones([2, 3]);
    /// assert_eq!(x.tril(0).as_slice(), [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]);
    /// assert_eq!(x.triu(1).as_slice(), [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn tril(self, diagonal: isize) -> Tensor<T> {
        self.triangle("tril", |above| above <= diagonal)
    }

    /// The upper triangle of each matrix, `[…, m, n] → […, m, n]`: element `(i, j)` where `j − i ≥ diagonal`, and 0
    /// elsewhere, whatever stood there.
    ///
    /// # Panics
    ///
    /// When there are fewer than two axes.
    #[track_caller]
    pub fn triu(self, diagonal: isize) -> Tensor<T> {
        self.triangle("triu", |above| above >= diagonal)
    }

    /// The elements that lie so far above the diagonal that `keep` says so.
    #[track_caller]
    fn triangle(self, operation: &str, keep: impl Fn(isize) -> bool) -> Tensor<T> {
        let shape = self.shape();
        let &[.., m, n] = shape.dims() else { panic!("{operation}: a matrix expected, the shape is {shape}") };
        let mut y = self.to_tensor();
        for (row, y) in y.as_mut_slice().chunks_exact_mut(n.max(1)).enumerate() {
            let i = (row % m) as isize;
            y.iter_mut().enumerate().filter(|&(j, _)| !keep(j as isize - i)).for_each(|(_, y)| *y = T::ZERO);
        }
        y
    }
}

/// The shape of the first of what is to be joined.
#[track_caller]
fn first_shape<T: Real>(operation: &str, parts: &[impl AsView<T>]) -> Shape {
    assert!(!parts.is_empty(), "{operation}: at least one part expected");
    parts[0].as_view().shape()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{each_index, strided};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn concat_undoes_slicing(x in strided(), cuts: [prop::sample::Index; 3]) {
            let x = x.view();
            prop_assume!(x.shape().rank() > 0);
            let axis = cuts[2].index(x.shape().rank());
            let size = x.shape().dims()[axis];
            let [a, b] = [cuts[0].index(size + 1), cuts[1].index(size + 1)];
            let parts = [0..a.min(b), a.min(b)..a.max(b), a.max(b)..size].map(|range| x.slice(axis, range));
            prop_assert_eq!(Tensor::concat(&parts, axis), x.to_tensor());
        }

        #[test]
        fn a_part_of_a_stack_is_what_was_stacked(x in strided(), place: prop::sample::Index) {
            let x = x.view();
            let axis = place.index(x.shape().rank() + 1);
            let (plain, other) = (x.to_tensor(), Tensor::ones(x.shape()));
            let stack = Tensor::stack(&[x, other.view(), plain.view()], axis);
            prop_assert_eq!(stack.shape(), x.shape().inserted(axis, 3));
            for (place, part) in [&plain, &other, &plain].into_iter().enumerate() {
                let found = stack.view().slice(axis, place..place + 1).to_tensor();
                prop_assert_eq!(&found.reshape(x.shape()), part);
            }
        }

        #[test]
        fn slicing_undoes_padding(x in strided(), place: prop::sample::Index, before in 0_usize..3, after in 0_usize..3) {
            let x = x.view();
            prop_assume!(x.shape().rank() > 0);
            let axis = place.index(x.shape().rank());
            let (padded, size) = (x.pad(axis, before, after, f64::NAN), x.shape().dims()[axis]);
            prop_assert_eq!(padded.shape(), x.shape().with(axis, before + size + after));
            prop_assert_eq!(padded.view().slice(axis, before..before + size).to_tensor(), x.to_tensor());
            let added = padded.as_slice().iter().filter(|x| x.is_nan()).count();
            prop_assert_eq!(added, padded.shape().len() - x.shape().len());
        }

        #[test]
        fn triangles_are_their_definitions(x in strided(), diagonal in -5_isize..5) {
            let x = x.view();
            prop_assume!(x.shape().rank() >= 2);
            let (mut lower, mut upper) = (Vec::new(), Vec::new());
            each_index(x.shape(), |index| {
                let (i, j) = (index[index.len() - 2] as isize, index[index.len() - 1] as isize);
                lower.push(if j - i <= diagonal { x.at(index) } else { 0.0 });
                upper.push(if j - i >= diagonal { x.at(index) } else { 0.0 });
            });
            prop_assert_eq!(x.tril(diagonal).into_vec(), lower);
            prop_assert_eq!(x.triu(diagonal).into_vec(), upper);
        }
    }

    #[test]
    fn a_triangle_hides_what_is_not_finite() {
        let x = Tensor::<f32>::full([2, 2], f32::NAN).tril(-1);
        assert!(matches!(x.as_slice(), [0.0, 0.0, nan, 0.0] if nan.is_nan()));
    }

    #[test]
    #[should_panic(expected = "concat: parts differ in more than axis 0: [2, 3] and [1, 4]")]
    fn parts_that_do_not_fit_panic() {
        let (a, b) = (Tensor::<f32>::zeros([2, 3]), Tensor::zeros([1, 4]));
        Tensor::concat(&[a, b], 0);
    }

    #[test]
    fn each_row_of_one_hot_has_its_one_in_its_place() {
        let (indices, classes) = ([3, 0, 2, 2, 1], 4);
        let rows = Tensor::<f64>::one_hot(&indices, classes);
        assert_eq!(rows.shape().dims(), [5, 4]);
        let expected = |row: usize, class: usize| f64::from(u8::from(indices[row] == class));
        assert!((0..20).all(|i| rows.as_slice()[i] == expected(i / classes, i % classes)));
        assert_eq!(Tensor::<f64>::one_hot(&[], 3).shape().dims(), [0, 3]);
    }

    #[test]
    #[should_panic(expected = "one_hot: there is no class 3 among 3")]
    fn a_class_too_many_panics() {
        Tensor::<f32>::one_hot(&[3], 3);
    }
}
