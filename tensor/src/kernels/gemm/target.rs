//! The memory of a product, in blocks that are written by one thread each.

use std::marker::PhantomData;

/// A block of a row-major matrix, borrowed for writing: rows of `cols` numbers, `stride` apart.
///
/// It is no slice, since the rows of two blocks that lie side by side take turns in memory.
#[derive(Debug)]
pub(super) struct Target<'c, T> {
    start: *mut T,
    stride: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    exclusive: PhantomData<&'c mut [T]>,
}

// SAFETY: it stands for an exclusive borrow of its numbers, and `&mut [T]` is `Send` where `T` is.
unsafe impl<T: Send> Send for Target<'_, T> {}

impl<'c, T> Target<'c, T> {
    /// The whole of a matrix with rows of `cols` numbers; `cols` is not 0.
    pub(super) fn new(c: &'c mut [T], cols: usize) -> Self {
        Target { start: c.as_mut_ptr(), stride: cols, rows: c.len() / cols, cols, exclusive: PhantomData }
    }

    /// The first `rows` rows, and the others.
    #[cfg(feature = "rayon")]
    pub(super) fn split_rows(self, rows: usize) -> (Self, Self) {
        assert!(rows < self.rows);
        // SAFETY: the row lies within the block.
        let start = unsafe { self.start.add(rows * self.stride) };
        (Target { rows, ..self }, Target { start, rows: self.rows - rows, ..self })
    }

    /// The first `cols` columns, and the others.
    #[cfg(feature = "rayon")]
    pub(super) fn split_cols(self, cols: usize) -> (Self, Self) {
        assert!(cols < self.cols);
        // SAFETY: the column lies within the block.
        let start = unsafe { self.start.add(cols) };
        (Target { cols, ..self }, Target { start, cols: self.cols - cols, ..self })
    }

    /// `width` numbers of a row, from a column on.
    #[inline(always)]
    pub(super) fn row(&mut self, row: usize, col: usize, width: usize) -> &mut [T] {
        assert!(row < self.rows && col + width <= self.cols);
        // SAFETY: the numbers lie within the block, which is borrowed with it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride + col), width) }
    }

    /// Where the first number lies, and how far apart rows are.
    pub(super) fn as_mut_ptr(&mut self) -> (*mut T, usize) {
        (self.start, self.stride)
    }
}

#[cfg(all(test, feature = "rayon"))]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_written_by_a_thread_each() {
        let mut c = [0; 5 * 7];
        let (upper, lower) = Target::new(&mut c, 7).split_rows(2);
        let blocks = [upper.split_cols(3), lower.split_cols(4)].map(|(left, right)| [left, right]);
        std::thread::scope(|scope| {
            for (number, mut block) in (1..).zip(blocks.into_iter().flatten()) {
                scope.spawn(move || {
                    for row in 0..block.rows {
                        let cols = block.cols;
                        block.row(row, 0, cols).fill(number);
                    }
                });
            }
        });
        let number = |at: usize| if at / 7 < 2 { 1 + i32::from(at % 7 >= 3) } else { 3 + i32::from(at % 7 >= 4) };
        assert_eq!(c, std::array::from_fn(number));
    }
}
