//! From columns to the inputs of a network: numbers as they are, categories as vectors that are learned.
//!
//! ```text
//!   columns   number  number  city  number  shop
//!                │       │      │      │      │
//!   inputs       x₀      x₁    E[c]    x₂    F[s]       E: [cities, 8], F: [shops, 3]; zeros for no category
//! ```
//!
//! Inputs stand in the order of columns, and columns are only ever appended: so are inputs.
//!
//! **Growth.** The vector of a new category begins as zeros, and so does what a network says of a category it has never
//! seen: nothing changes by a bit but for the gradient, which asks the weights behind the vector in which direction it is to
//! go. So these must not be zero: where a new *column* of categories comes, the weights behind it are drawn as those of a
//! new layer, and not zeros as behind a new number. Had both been zero, no gradient would reach either. Nor does one reach a
//! vector through a function that is flat at zero: a network whose very first layer is `relu` leaves vectors at zero.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Param, Params, Var};
use thalweg_nn::{Embedding, init};
use thalweg_tensor::Rng;

use crate::features::Features;

/// What stands behind the columns of [`Features`]: an [`Embedding`] for each that has categories to be learned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    pub(super) columns: usize,
    pub(super) tables: Vec<Table>,
}

/// The vectors of one column's categories. Row 0 is that of none: zeros, for ever.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Table {
    pub column: usize,
    pub embedding: Embedding,
    pub rows: usize,
    pub width: usize,
}

/// So many parts are joined at once.
const PARTS: usize = 32;

impl Inputs {
    /// How many columns it takes.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many inputs it gives.
    #[must_use]
    pub fn width(&self) -> usize {
        self.tables.iter().map(|table| table.width - 1).sum::<usize>() + self.columns
    }

    /// How many inputs features ask for now.
    pub(super) fn width_of(features: &Features) -> usize {
        features.embedded().map(|(_, embedded)| embedded.width - 1).sum::<usize>() + features.width()
    }

    /// Columns of numbers alone.
    pub(crate) fn of_numbers(columns: usize) -> Self {
        Inputs { columns, tables: Vec::new() }
    }

    /// The table of each column of categories, in order of arrival.
    pub fn embeddings(&self) -> impl Iterator<Item = Embedding> {
        self.tables.iter().map(|table| table.embedding)
    }

    /// Whether features have columns or categories that are not here yet.
    pub(super) fn are_behind(&self, features: &Features) -> bool {
        let rows = |index: usize| self.tables.get(index).map(|table| table.rows);
        let mut embedded = features.embedded().enumerate();
        features.width() > self.columns || embedded.any(|(index, (_, embedded))| rows(index) != Some(embedded.rows))
    }

    /// What the table of a feature is called in θ.
    pub(super) fn name(feature: &str) -> String {
        format!("embedding.{feature}.weight")
    }

    /// Takes in the columns and the categories that are new. The inputs that are new vectors, from the first on.
    pub(super) fn grow(&mut self, params: &mut Params<f32>, features: &Features) -> Vec<Range<usize>> {
        let mut new = Vec::new();
        for (index, (name, embedded)) in features.embedded().enumerate() {
            match self.tables.get_mut(index) {
                Some(table) => {
                    params.grow(table.embedding.weight, 0, embedded.rows - table.rows, init::zeros());
                    table.rows = embedded.rows;
                }
                None => {
                    let weight = params.add(&Self::name(name), [embedded.rows, embedded.width], init::zeros());
                    let before: usize = self.tables.iter().map(|table| table.width - 1).sum();
                    new.push(embedded.column + before..embedded.column + before + embedded.width);
                    self.tables.push(Table {
                        column: embedded.column,
                        embedding: Embedding { weight, padding: Some(0) },
                        rows: embedded.rows,
                        width: embedded.width,
                    });
                }
            }
        }
        self.columns = features.width();
        new
    }

    /// The vectors of no category are zeros, whatever a rule has done to all of θ.
    pub(super) fn keep_none(&self, params: &mut Params<f32>) {
        for table in &self.tables {
            params.of_mut(table.embedding.weight)[..table.width].fill(0.0);
        }
    }

    /// Columns `[t, columns]` → inputs `[t, width]`. A category that no table has yet is none. `indices` is scratch memory.
    pub(crate) fn forward<'p>(&self, x: Var<'p>, indices: &mut Vec<usize>) -> Var<'p> {
        if self.tables.is_empty() {
            return x;
        }
        let (mut parts, mut count, mut column) = ([x; PARTS], 0, 0);
        let mut push = |part: Var<'p>| {
            if count == PARTS {
                (parts[0], count) = (Var::concat(&parts, 1), 1);
            }
            parts[count] = part;
            count += 1;
        };
        for table in &self.tables {
            if column < table.column {
                push(x.slice(1, column..table.column));
            }
            indices.clear();
            let index = |x: &f32| Some(*x as usize).filter(|&index| index < table.rows).unwrap_or(0);
            x.with(|x| indices.extend(x.iter().skip(table.column).step_by(self.columns).map(index)));
            push(table.embedding.forward(x.pass(), indices));
            column = table.column + 1;
        }
        if column < self.columns {
            push(x.slice(1, column..self.columns));
        }
        if count == 1 { parts[0] } else { Var::concat(&parts[..count], 1) }
    }
}

/// The width of each matrix of θ.
pub(super) fn widths(params: &Params<f32>) -> Vec<(Param, usize)> {
    let matrices = params.layout().iter().filter(|(_, entry)| entry.shape().rank() == 2);
    matrices.map(|(param, entry)| (param, entry.table().1)).collect()
}

/// Draws the weights behind `new` inputs, in each matrix that was as wide as `before` and has grown since, when there were
/// `known` inputs.
pub(super) fn draw(
    params: &mut Params<f32>,
    before: &[(Param, usize)],
    known: usize,
    new: &[Range<usize>],
    rng: &mut Rng,
) {
    for &(param, old) in before {
        let (_, width) = params.layout().entry(param).table();
        if width == old {
            continue;
        }
        let bound = init::default_bound(width);
        for row in params.of_mut(param).chunks_exact_mut(width) {
            for new in new {
                row[old..][new.start - known..new.end - known].fill_with(|| rng.range(-bound, bound) as f32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::FeatureSpec;
    use crate::row::Value;
    use thalweg_autograd::{Grads, Tape, Touched};
    use thalweg_tensor::View;

    /// Two rows of forty features, more than are joined at once: numbers and words in any order, or words alone.
    #[test]
    fn inputs_stand_in_the_order_of_columns() -> Result<(), crate::error::Error> {
        for word_at in [|k: usize| !k.is_multiple_of(3), |k: usize| k % 20 == 7, |_: usize| true] {
            let mut features = Features::with(FeatureSpec::parse("scale=none; category=embed:2")?);
            let names: Vec<String> = (0..40).map(|k| format!("f{k}")).collect();
            let (mut params, mut inputs, mut x) = (Params::new(), Inputs::default(), Vec::new());
            for row in ["a", "b"] {
                let cell = |k: usize| if word_at(k) { Value::Text(row) } else { Value::Number(k as f64) };
                let cells: Vec<_> = names.iter().enumerate().map(|(k, name)| (name.as_str(), cell(k))).collect();
                let (mut raw, mut scaled) = (Vec::new(), Vec::new());
                features.observe(&cells)?;
                features.read(&cells, &mut raw)?;
                features.scale(&raw, &mut scaled);
                assert!(inputs.are_behind(&features));
                inputs.grow(&mut params, &features);
                assert!(!inputs.are_behind(&features));
                x.extend(scaled);
            }
            for (index, table) in inputs.embeddings().enumerate() {
                params.of_mut(table.weight)[2..].fill(index as f32 + 0.5);
            }
            let (mut tape, mut grads, mut indices) = (Tape::new(), Grads::like(&params), Vec::new());
            let pass = tape.pass(&params);
            let shape = [2, inputs.columns()];
            let given = inputs.forward(pass.input(View::new(shape, &x)), &mut indices);
            assert_eq!(given.shape().dims(), [2, inputs.width()]);
            let mut vectors = (0..40).map(|index| vec![index as f32 + 0.5; 2]);
            let row = (0..40).flat_map(|k| if word_at(k) { vectors.next() } else { Some(vec![k as f32]) });
            let row = row.collect::<Vec<_>>().concat();
            assert_eq!(given.to_tensor().as_slice(), row.repeat(2));
            given.slice(0, 1..2).sum().backward(&mut grads);
            for table in inputs.embeddings() {
                assert_eq!(grads.of(table.weight), [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
            }
            // One row alone: of each table, its own row is all that is touched.
            grads.zero();
            let pass = tape.pass(&params);
            let last = View::new([1, inputs.columns()], &x[inputs.columns()..]);
            inputs.forward(pass.input(last), &mut indices).sum().backward(&mut grads);
            assert!(inputs.embeddings().all(|table| grads.touched(table.weight) == Touched::Rows(&[2])));
        }
        Ok(())
    }
}
