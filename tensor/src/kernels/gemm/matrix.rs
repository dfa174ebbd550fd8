//! A matrix to read from.

/// A borrowed matrix whose elements lie at strides: element `(i, j)` is
/// `data[i · row_stride + j · column_stride]`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// The number of rows.
    pub rows: usize,
    /// The number of columns.
    pub cols: usize,
    /// How far apart the elements of a column lie.
    pub row_stride: usize,
    /// How far apart the elements of a row lie.
    pub col_stride: usize,
    /// The elements.
    pub data: &'a [T],
}

impl<'a, T> Matrix<'a, T> {
    /// The matrix of row-major data.
    ///
    /// # Panics
    ///
    /// When `data` has another length than `rows · cols`.
    #[track_caller]
    pub fn new(rows: usize, cols: usize, data: &'a [T]) -> Self {
        assert!(
            rows.checked_mul(cols) == Some(data.len()),
            "matrix: {} elements do not make [{rows}, {cols}]",
            data.len()
        );
        Matrix { rows, cols, row_stride: cols, col_stride: 1, data }
    }

    /// The transpose; moves no data.
    pub fn t(self) -> Self {
        Matrix {
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
            data: self.data,
        }
    }

    /// So many rows and columns from an element on; none of the sizes is 0.
    #[inline(always)]
    pub(super) fn block(self, [row, col]: [usize; 2], [rows, cols]: [usize; 2]) -> Self {
        debug_assert!(row + rows <= self.rows && col + cols <= self.cols);
        Matrix { rows, cols, data: &self.data[row * self.row_stride + col * self.col_stride..], ..self }
    }

    /// Whether every element lies within `data`.
    pub(super) fn is_within_bounds(&self) -> bool {
        if self.rows == 0 || self.cols == 0 {
            return true;
        }
        let last_row = (self.rows - 1).checked_mul(self.row_stride);
        let last_col = (self.cols - 1).checked_mul(self.col_stride);
        let last = last_row.zip(last_col).and_then(|(row, col)| row.checked_add(col));
        last.is_some_and(|last| last < self.data.len())
    }
}
