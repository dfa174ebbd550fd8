//! Tensors as text.
//!
//! `{}` prints nested brackets with every number in a column of one width:
//!
//! ```
//! use thalweg_tensor::Tensor;
//!
//! let x = Tensor::new([2, 3], vec![1.0_f32, -2.5, 3.0, 40.0, 0.25, f32::NAN]);
//! assert_eq!(x.to_string(), "\
//! [[ 1.00, -2.50,  3.00],
//!  [40.00,  0.25,   NaN]]");
//! assert_eq!(format!("{x:.0}"), "\
//! [[  1,  -2,   3],
//!  [ 40,   0, NaN]]");
//! ```
//!
//! * As many decimals as the numbers need, one to four; `{:.3}` asks for three.
//! * Scientific notation when the largest number is 10⁷ or more, or the smallest other than 0 is below 10⁻⁴.
//! * Of more than 1000 elements the first and last three of each axis, with `...` between; `{:#}` shows all.
//! * Rows break before column 100, unless a single number is wider. `{:8}` makes columns at least 8 wide.
//! * A tensor without elements is `[]`.

use crate::{Real, Shape, Tensor, View};
use std::any::type_name;
use std::fmt::{self, Debug, Display, Formatter, Write};

/// More elements than these are abbreviated,
const WHOLE: usize = 1000;
/// to so many at each end of an axis.
const EDGE: usize = 3;
/// Columns of a line.
const LINE: usize = 100;
/// Decimals when the formatter asks for no number.
const DECIMALS: usize = 4;

impl<T: Real> Display for Tensor<T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.view(), formatter)
    }
}

impl<T: Real> Display for View<'_, T> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if self.shape().is_empty() {
            return formatter.write_str("[]");
        }
        let abbreviated = self.shape().len() > WHOLE && !formatter.alternate();
        let edge = if abbreviated { EDGE } else { usize::MAX };
        let mut shown = Vec::new();
        collect(*self, edge, &mut shown);
        let cells = Cells::new(&shown, formatter.precision());
        let width = cells.width.max(formatter.width().unwrap_or(0));
        Printer { values: shown.into_iter(), cells, width, edge }.print(*self, 1, formatter)
    }
}

/// `Tensor<f32> [2, 3] [1.0, 2.0, ..]`: type, shape and the first few elements, with every digit.
pub(crate) fn debug<T: Debug>(
    name: &str,
    shape: Shape,
    elements: impl Iterator<Item = T>,
    formatter: &mut Formatter<'_>,
) -> fmt::Result {
    const SHOWN: usize = 16;
    write!(formatter, "{name}<{}> {shape} ", type_name::<T>().trim_start_matches('&'))?;
    let mut list = formatter.debug_list();
    list.entries(elements.take(SHOWN));
    if shape.len() > SHOWN { list.finish_non_exhaustive() } else { list.finish() }
}

/// The indices shown of an axis of this size; `None` stands for those left out.
fn visible(size: usize, edge: usize) -> impl Iterator<Item = Option<usize>> {
    let all = size <= edge.saturating_mul(2);
    let (head, tail) = if all { (size, size) } else { (edge, size - edge) };
    (0..head).map(Some).chain((!all).then_some(None)).chain((tail..size).map(Some))
}

/// The elements shown, in order.
fn collect<T: Real>(view: View<'_, T>, edge: usize, shown: &mut Vec<f64>) {
    match view.shape().dims().first() {
        None => shown.push(view.at(&[]).to_f64()),
        Some(&size) => visible(size, edge).flatten().for_each(|index| collect(view.row(index), edge, shown)),
    }
}

/// How the numbers are written, the same for all.
struct Cells {
    scientific: bool,
    decimals: usize,
    width: usize,
}

impl Cells {
    fn new(numbers: &[f64], decimals: Option<usize>) -> Cells {
        let mut sizes = numbers.iter().map(|number| number.abs()).filter(|&size| size.is_finite() && size > 0.0);
        let scientific = sizes.any(|size| !(1e-4..1e7).contains(&size));
        let mut cells = Cells { scientific, decimals: decimals.unwrap_or(DECIMALS), width: 0 };
        if decimals.is_none() {
            cells.decimals = numbers.iter().map(|&number| cells.decimals_needed(number)).max().unwrap_or(1).max(1);
        }
        cells.width = numbers.iter().map(|&number| cells.text(number).len()).max().unwrap_or(0);
        cells
    }

    fn text(&self, number: f64) -> String {
        let decimals = self.decimals;
        if self.scientific { format!("{number:.decimals$e}") } else { format!("{number:.decimals$}") }
    }

    /// Decimals without the zeros at their end.
    fn decimals_needed(&self, number: f64) -> usize {
        let text = self.text(number);
        let mantissa = text.split('e').next().unwrap_or_default();
        mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.trim_end_matches('0').len())
    }
}

/// Writes the numbers between their brackets.
struct Printer {
    values: std::vec::IntoIter<f64>,
    cells: Cells,
    width: usize,
    edge: usize,
}

impl Printer {
    /// `column` is where the line begins that the first element stands on.
    fn print<T: Real>(&mut self, view: View<'_, T>, column: usize, formatter: &mut Formatter<'_>) -> fmt::Result {
        let shape = view.shape();
        let Some(&size) = shape.dims().first() else {
            let text = self.values.next().map_or(String::new(), |value| self.cells.text(value));
            return write!(formatter, "{text:>width$}", width = self.width);
        };
        let per_line = (LINE.saturating_sub(column) / (self.width + 2)).max(1);
        formatter.write_char('[')?;
        for (place, index) in visible(size, self.edge).enumerate() {
            if place > 0 {
                formatter.write_char(',')?;
                // Matrices stand a line apart, stacks of matrices two.
                let lines = if shape.rank() > 1 { shape.rank() - 1 } else { usize::from(place % per_line == 0) };
                match lines {
                    0 => formatter.write_char(' ')?,
                    _ => write!(formatter, "{}{:column$}", "\n".repeat(lines), "")?,
                }
            }
            match index {
                Some(index) => self.print(view.row(index), column + 1, formatter)?,
                None => formatter.write_str("...")?,
            }
        }
        formatter.write_char(']')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(shape: &[usize], numbers: &[f64]) -> String {
        Tensor::new(shape, numbers.to_vec()).to_string()
    }

    #[test]
    fn numbers_and_nothing() {
        assert_eq!(text(&[], &[2.0]), "2.0");
        assert_eq!(text(&[], &[1.0 / 3.0]), "0.3333");
        assert_eq!(text(&[], &[f64::NEG_INFINITY]), "-inf");
        assert_eq!([text(&[0], &[]), text(&[2, 0], &[]), text(&[0, 3], &[])], ["[]"; 3]);
        assert_eq!(text(&[1, 1, 1], &[-0.5]), "[[[-0.5]]]");
    }

    #[test]
    fn decimals_are_as_many_as_needed() {
        assert_eq!(text(&[3], &[1.0, 10.0, -100.0]), "[   1.0,   10.0, -100.0]");
        assert_eq!(text(&[2], &[0.125, 2.0]), "[0.125, 2.000]");
        assert_eq!(text(&[2], &[0.123456, 2.0]), "[0.1235, 2.0000]");
        assert_eq!(format!("{}", Tensor::from_slice(&[0.1_f32, 0.7])), "[0.1, 0.7]");
    }

    #[test]
    fn the_precision_and_width_asked_for_are_kept() {
        let x = Tensor::from_slice(&[1.0, 0.0625]);
        assert_eq!(format!("{x:.3}"), "[1.000, 0.062]");
        assert_eq!(format!("{x:.0}"), "[1, 0]");
        assert_eq!(format!("{x:8.2}"), "[    1.00,     0.06]");
        assert_eq!(format!("{:.2}", x * 1e9), "[1.00e9, 6.25e7]");
    }

    #[test]
    fn magnitudes_demand_scientific_notation() {
        assert_eq!(text(&[2], &[9_999_999.0, 1e-4]), "[9999999.0000,       0.0001]");
        assert_eq!(text(&[3], &[1e7, -1.5, 0.0]), "[ 1.0e7, -1.5e0,  0.0e0]");
        assert_eq!(text(&[2], &[1.0, 1.25e-12]), "[  1.00e0, 1.25e-12]");
    }

    #[test]
    fn what_is_not_finite_keeps_its_column() {
        let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.5];
        assert_eq!(text(&[2, 2], &numbers), "[[ NaN,  inf],\n [-inf,  1.5]]");
    }

    #[test]
    fn matrices_stand_a_line_apart() {
        let x = Tensor::<f32>::arange(0.0, 8.0, 1.0).reshape([2, 2, 2]);
        assert_eq!(x.to_string(), "[[[0.0, 1.0],\n  [2.0, 3.0]],\n\n [[4.0, 5.0],\n  [6.0, 7.0]]]");
        assert_eq!(x.select(2, 0).transpose().to_string(), "[[0.0, 4.0],\n [2.0, 6.0]]");
    }

    #[test]
    fn long_tensors_are_abbreviated() {
        assert!(!Tensor::<f32>::zeros([1000]).to_string().contains("..."), "a thousand are shown");
        let x = Tensor::<f32>::arange(0.0, 1001.0, 1.0);
        assert_eq!(x.to_string(), "[   0.0,    1.0,    2.0, ...,  998.0,  999.0, 1000.0]");
        let x = Tensor::<f32>::arange(0.0, 2000.0, 1.0).reshape([500, 4]);
        let expected = "\
[[   0.0,    1.0,    2.0,    3.0],
 [   4.0,    5.0,    6.0,    7.0],
 [   8.0,    9.0,   10.0,   11.0],
 ...,
 [1988.0, 1989.0, 1990.0, 1991.0],
 [1992.0, 1993.0, 1994.0, 1995.0],
 [1996.0, 1997.0, 1998.0, 1999.0]]";
        assert_eq!(x.to_string(), expected);
        assert_eq!(format!("{x:#}").lines().count(), 500);
    }

    #[test]
    fn long_rows_break() {
        let text = Tensor::<f32>::arange(0.0, 50.0, 1.0).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= LINE));
        assert_eq!(lines[1], format!(" {}", (16..32).map(|n| format!("{n}.0,")).collect::<Vec<_>>().join(" ")));
        assert_eq!(lines[3], " 48.0, 49.0]");
    }
}
