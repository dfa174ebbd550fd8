//! What θ consists of, as a table.

use std::fmt;

use thalweg_autograd::Params;
use thalweg_tensor::{Real, Shape};

/// A table of the tensors of θ, of whatever network: names, shapes, parameters, bytes, and whether they learn. Prints as
/// one. What a `Network` does with them is in its own `summary`.
///
/// ```
/// use thalweg_nn::{Linear, Params, ParamsSummary, Rng};
///
/// let mut params = Params::<f32>::new();
/// let head = Linear::new(&mut params, "head", 3, 4, &mut Rng::new(1));
/// params.set_trainable(head.weight, false);
/// let expected = "\
/// name         shape   parameters  bytes  learns
/// head.weight  [4, 3]          12     48  frozen
/// head.bias    [4]              4     16  trainable
/// all                          16     64  4 trainable
/// ";
/// assert_eq!(ParamsSummary::of(&params).to_string(), expected);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ParamsSummary {
    /// One for each tensor, in the order of θ.
    pub rows: Vec<ParamRow>,
}

/// One tensor of a [`ParamsSummary`].
#[derive(Clone, Debug, PartialEq)]
pub struct ParamRow {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// How many numbers it has.
    pub parameters: usize,
    /// How many bytes these take.
    pub bytes: usize,
    /// Whether optimizers may change it; else it is frozen, or a buffer.
    pub trainable: bool,
}

impl ParamsSummary {
    /// Of all parameters.
    pub fn of<T: Real>(params: &Params<T>) -> Self {
        let rows = params.layout().entries().iter().map(|entry| ParamRow {
            name: entry.name().to_owned(),
            shape: entry.shape(),
            parameters: entry.shape().len(),
            bytes: entry.shape().len() * size_of::<T>(),
            trainable: entry.trainable(),
        });
        ParamsSummary { rows: rows.collect() }
    }

    /// How many numbers all tensors have.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// How many of them learn.
    pub fn trainable(&self) -> usize {
        self.rows.iter().filter(|row| row.trainable).map(|row| row.parameters).sum()
    }

    /// How many bytes all take.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row.bytes).sum()
    }
}

impl fmt::Display for ParamsSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["name", "shape", "parameters", "bytes", "learns"].map(str::to_owned);
        let cells = |row: &ParamRow| {
            let learns = if row.trainable { "trainable" } else { "frozen" };
            let [parameters, bytes] = [row.parameters, row.bytes].map(|number| number.to_string());
            [row.name.clone(), row.shape.to_string(), parameters, bytes, learns.to_owned()]
        };
        let [parameters, bytes] = [self.parameters(), self.bytes()].map(|number| number.to_string());
        let all = ["all".to_owned(), String::new(), parameters, bytes, format!("{} trainable", self.trainable())];
        let rows: Vec<_> = [head].into_iter().chain(self.rows.iter().map(cells)).chain([all]).collect();
        write_table(f, &rows, [false, false, true, true, false])
    }
}

/// Rows as lines, in columns; some of them end where their head ends.
pub(crate) fn write_table<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    rows: &[[String; N]],
    right: [bool; N],
) -> fmt::Result {
    let widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in rows {
        let mut line = String::new();
        for ((cell, width), right) in row.iter().zip(widths).zip(right) {
            line += &if right { format!("{cell:>width$}  ") } else { format!("{cell:width$}  ") };
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}
