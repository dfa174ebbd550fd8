//! Elements that begin anew: what an optimizer knows of them is gone.

use std::ops::Range;

use thalweg_autograd::{Entry, Flat, Param};
use thalweg_tensor::Real;

use super::{Age, Ages, Rows};

/// Sets to zero what vectors laid out like θ have of an index along an axis of a parameter, and its ages: for an
/// [`Optimizer::forget`](crate::Optimizer::forget) of one's own. What they have not met yet, they do not know.
///
/// # Panics
/// If the axis is neither 0 nor 1.
#[track_caller]
pub fn forget<T: Real, const N: usize>(
    vectors: [&mut Flat<T>; N],
    ages: &mut Ages,
    param: Param,
    axis: usize,
    index: usize,
) {
    assert!(axis < 2, "forget: axis 0 or 1 expected, found {axis}");
    // Ages that were read know no layout yet; what lies beside them does.
    let known = vectors.iter().map(|vector| vector.layout()).chain(&ages.seen);
    let shape = known.filter_map(|layout| layout.entries().get(param.index())).map(Entry::shape).next();
    for vector in vectors {
        let Some(entry) = vector.layout().entries().get(param.index()) else { continue };
        let ((rows, width), columns) = (entry.table(), columns(entry.shape().dims(), index));
        let elements = vector.of_mut(param);
        if axis == 0 && index < rows {
            elements[index * width..][..width].fill(T::ZERO);
        } else if axis == 1 && columns.end <= width {
            elements.chunks_exact_mut(width).for_each(|row| row[columns.clone()].fill(T::ZERO));
        }
    }
    if let (Some(shape), Some(age)) = (shape, ages.entries.get_mut(param.index())) {
        match axis {
            0 => age.forget_row(index),
            _ => age.forget_columns(columns(shape.dims(), index)),
        }
    }
}

/// The numbers of a row that belong to an index of the second axis.
fn columns(dims: &[usize], index: usize) -> Range<usize> {
    let of_each: usize = dims.iter().skip(2).product();
    index * of_each..(index + 1) * of_each
}

impl Age {
    fn forget_row(&mut self, row: usize) {
        if row >= self.rows.count() || matches!(self.rows, Rows::Even(_, 0)) {
            return;
        }
        self.rows.each()[row] = 0;
        for (_, when_they_came) in &mut self.columns {
            if !matches!(when_they_came, Rows::Even(_, 0)) {
                when_they_came.each()[row] = 0;
            }
        }
    }

    /// They are a run of columns that came now.
    fn forget_columns(&mut self, columns: Range<usize>) {
        let width = self.columns.last().map_or(0, |(end, _)| *end);
        if columns.is_empty() || columns.end > width || matches!(self.rows, Rows::Even(_, 0)) {
            return;
        }
        let (mut runs, mut from) = (Vec::with_capacity(self.columns.len() + 2), 0);
        for (end, when_they_came) in self.columns.drain(..) {
            if from < end.min(columns.start) {
                runs.push((end.min(columns.start), when_they_came.clone()));
            }
            if (from + 1..=end).contains(&columns.end) {
                runs.push((columns.end, self.rows.clone()));
            }
            if from.max(columns.end) < end {
                runs.push((end, when_they_came));
            }
            from = end;
        }
        self.columns = runs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;
    use thalweg_autograd::{Params, Touched};

    proptest! {
        /// Against the definition: an element's age is the number of updates since it was there, or was forgotten.
        #[test]
        fn what_is_forgotten_begins_anew(events in prop::collection::vec((0u8..6, 0usize..6), 1..40)) {
            let mut params = Params::<f64>::new();
            let w = params.add("w", [3, 2, 2], |_| 0.0);
            let mut ages = Ages::default();
            let mut truth = params.clone(); // the true age of each element, laid out like θ
            for (kind, n) in events {
                if n == 5 {
                    ages.seen = None; // as after loading
                }
                let entry = params.layout().entry(w).clone();
                let (rows, width) = entry.table();
                match kind {
                    0 | 1 => {
                        params.grow(w, usize::from(kind), n % 3, |_| 0.0);
                        truth.grow(w, usize::from(kind), n % 3, |_| 0.0);
                        continue;
                    }
                    2 => {
                        forget([truth.theta_mut()], &mut ages, w, 0, n);
                        prop_assert!(n >= rows || truth.of(w)[n * width..][..width].iter().all(|&t| t == 0.0));
                    }
                    3 => {
                        forget([truth.theta_mut()], &mut ages, w, 1, n);
                        let is_gone = |row: &[f64]| row[2 * n..][..2].iter().all(|&t| t == 0.0);
                        prop_assert!(2 * n >= width || truth.of(w).chunks_exact(width).all(is_gone));
                    }
                    _ => {
                        let some = [(n % rows) as u32];
                        let (touched, hit) = match kind {
                            4 => (Touched::All, 0..rows),
                            _ => (Touched::Rows(&some), n % rows..n % rows + 1),
                        };
                        ages.align(params.layout());
                        let ages_of_hit = &mut truth.of_mut(w)[hit.start * width..hit.end * width];
                        ages_of_hit.iter_mut().for_each(|t| *t += 1.0);
                        let mut visited = 0;
                        ages.update(0, &entry, touched, |range, t| {
                            visited += range.len();
                            let at = range.start - entry.range().start;
                            truth.of(w)[at..at + range.len()].iter().for_each(|&a| assert_eq!(a, t as f64));
                        });
                        prop_assert_eq!(visited, hit.len() * width);
                    }
                }
                let age = ages.entries.first();
                let sound = |age: &Age| age.columns.iter().all(|(_, came)| came.are_before(&age.rows));
                prop_assert!(age.is_none_or(sound), "it can be read again");
            }
        }
    }

    #[test]
    fn what_was_never_met_is_not_known() {
        let mut params = Params::<f32>::new();
        params.add("v", [2], |_| 1.0);
        let old = Arc::clone(params.layout());
        let w = params.add("w", [2, 2], |_| 1.0);
        let (mut ages, mut vector) = (Ages::default(), Flat::<f32>::default());
        ages.align(&old);
        vector.align(&old);
        for axis in [0, 1] {
            forget([&mut vector], &mut ages, w, axis, 1);
        }
        assert_eq!(vector.as_slice().len(), old.len());
    }
}
