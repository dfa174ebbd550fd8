//! The broadcasting walk: one primitive for stretching and for reducing.

use crate::Shape;
use crate::strides::Axes;

/// Visits every element of `output` in row-major order, with the flat index of the element that
/// each input holds there: `visit([index in each input], index in output)`.
///
/// Read from the inputs and write to the output, and it is a broadcast operation; read from the
/// output and add to the inputs, and it is the sum over the stretched axes, which is the gradient
/// of the former. Nothing is allocated; a size of 0 visits nothing.
///
/// ```
/// use thalweg_tensor::{Shape, walk};
///
/// let (column, row) = ([10.0, 20.0], [1.0, 2.0, 3.0]);
/// let mut sum = [0.0; 6];
/// let shapes = [Shape::new(&[2, 1]), Shape::new(&[3])];
/// walk(shapes, Shape::new(&[2, 3]), |[i, j], k| sum[k] = column[i] + row[j]);
/// assert_eq!(sum, [11.0, 12.0, 13.0, 21.0, 22.0, 23.0]);
/// ```
///
/// # Panics
///
/// When an input does not broadcast to `output`.
#[track_caller]
pub fn walk<const N: usize>(inputs: [Shape; N], output: Shape, mut visit: impl FnMut([usize; N], usize)) {
    if inputs.iter().all(|&input| input == output) {
        (0..output.len()).for_each(|index| visit([index; N], index));
        return;
    }
    let strides = inputs.map(|input| match input.stretched(&input.strides(), output) {
        Some(strides) => strides,
        None => panic!("walk: {input} does not broadcast to {output}"),
    });
    let (rows, length, steps) = Axes::new(output, strides).split_last();
    for (row, mut indices) in rows.offsets().enumerate() {
        for index in row * length..(row + 1) * length {
            visit(indices, index);
            for (index, step) in indices.iter_mut().zip(steps) {
                *index += step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The flat index that an element of `output` has in row-major data of shape `input`.
    fn index_naive(input: Shape, output: Shape, mut flat: usize) -> usize {
        let (strides, missing) = (input.strides(), output.rank() - input.rank());
        let mut index = 0;
        for axis in (0..output.rank()).rev() {
            let position = flat % output.dims()[axis];
            flat /= output.dims()[axis];
            if axis >= missing && input.dims()[axis - missing] > 1 {
                index += position * strides[axis - missing];
            }
        }
        index
    }

    /// A shape, and another that broadcasts to it: some leading axes gone, some sizes 1.
    fn pairs() -> impl Strategy<Value = (Shape, Shape)> {
        let axis = (0_usize..4, any::<bool>());
        (prop::collection::vec(axis, 0..=5), 0_usize..6).prop_map(|(axes, missing)| {
            let output: Vec<usize> = axes.iter().map(|axis| axis.0).collect();
            let kept = axes.iter().map(|&(size, stretched)| if stretched { 1 } else { size });
            let input: Vec<usize> = kept.skip(missing.min(axes.len())).collect();
            (Shape::new(&input), Shape::new(&output))
        })
    }

    proptest! {
        #[test]
        fn every_element_is_visited_in_order_with_its_indices((input, output) in pairs()) {
            let mut visits = Vec::new();
            walk([input, output], output, |indices, flat| visits.push((indices, flat)));
            let expected = |flat| ([index_naive(input, output, flat), flat], flat);
            prop_assert_eq!(visits, (0..output.len()).map(expected).collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "walk: [2] does not broadcast to [3]")]
    fn what_does_not_broadcast_panics() {
        walk([Shape::new(&[2])], Shape::new(&[3]), |_, _| {});
    }
}
