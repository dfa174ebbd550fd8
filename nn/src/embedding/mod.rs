//! A table of learned vectors, one by one and in bags.

mod bag;

pub use bag::{BagMode, EmbeddingBag};

use thalweg_autograd::{Op, Param, Params, Pass, Var};
use thalweg_tensor::{Real, Rng, kernels};

use crate::init;

/// A vector for each word, item or category, PyTorch's `nn.Embedding`: index → `[d]`, `k` indices → `[k, d]`.
///
/// One parameter, `name.weight: [words, d]`, standard normal at the start. A lookup's gradient touches its rows only, and
/// so does the optimizer's step: the cost does not depend on the vocabulary.
///
/// ```
/// use thalweg_autograd::{Grads, Params, Tape, Touched};
/// use thalweg_nn::Embedding;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
/// let words = Embedding::new(&mut params, "words", 10_000, 8, &mut rng);
/// words.grow(&mut params, 1, &mut rng); // a new word: index 10 000
/// let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
/// let pass = tape.pass(&params);
/// words.forward(&pass, &[10_000]).sum().backward(&mut grads);
/// assert_eq!(grads.touched(words.weight), Touched::Rows(&[10_000]));
/// ```
///
/// # Tied weights
///
/// Layers are handles, so a language model that reads and writes with the same vectors (Press & Wolf 2017) is one whose
/// output layer is `Linear { weight: words.weight, bias: None }`. The gradients of both uses add up; that of the output
/// touches all rows, the padding's too: a logit that is never right. A new word grows both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Embedding {
    /// `[words, d]`.
    pub weight: Param,
    /// An index that stands for no word; PyTorch's `padding_idx`. Its row begins as zeros and gets no gradient from a
    /// lookup. From an output layer with [tied weights](Embedding#tied-weights) it does, as in PyTorch.
    pub padding: Option<usize>,
}

impl Embedding {
    /// Adds the table to θ.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, words: usize, width: usize, rng: &mut Rng) -> Self {
        let weight = params.add(&format!("{name}.weight"), [words, width], init::normal(1.0, rng));
        Embedding { weight, padding: None }
    }

    /// With an index that stands for no word: its row is zeros, and lookups leave it so.
    ///
    /// # Panics
    /// If the name is taken, or there is no such row.
    #[track_caller]
    pub fn with_padding<T: Real>(
        params: &mut Params<T>,
        name: &str,
        words: usize,
        width: usize,
        padding: usize,
        rng: &mut Rng,
    ) -> Self {
        assert!(padding < words, "Embedding: there is no row {padding} among {words} to be padding");
        let weight = Self::new(params, name, words, width, rng).weight;
        params.of_mut(weight)[padding * width..][..width].fill(T::ZERO);
        Embedding { weight, padding: Some(padding) }
    }

    /// The rows of these indices: `k` → `[k, d]`. For one row without a copy: `pass.param(weight).row(i)`.
    ///
    /// # Panics
    /// If there is no such row.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, pass: &'p Pass<'p, T>, indices: &[usize]) -> Var<'p, T> {
        let table = pass.param(self.weight);
        match self.padding {
            Some(padding) => rows_without_padding(table, indices, padding),
            None => table.rows(indices),
        }
    }

    /// Adds words at the end, standard normal. Old words keep their index.
    pub fn grow<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        params.grow(self.weight, 0, by, init::normal(1.0, rng));
    }
}

/// [`Var::rows`], but one row of the table gets no gradient.
///
/// Forward `yᵢ = x[indexᵢ]`; backward `x̄[indexᵢ] += ȳᵢ` unless that row is the padding.
#[track_caller]
fn rows_without_padding<'p, T: Real>(table: Var<'p, T>, indices: &[usize], padding: usize) -> Var<'p, T> {
    let [words, width] = table.dims();
    if let Some(bad) = indices.iter().find(|&&i| i >= words) {
        panic!("Embedding: there is no row {bad} in {}", table.shape());
    }
    table.pass().record(
        Op::new("embedding").indices(indices).attributes([padding, width]),
        [table],
        [indices.len(), width],
        |[x], y| {
            let places = y.chunks_exact_mut(width.max(1)).zip(indices);
            places.for_each(|(y, &i)| y.copy_from_slice(&x[i * width..][..width]));
        },
        |g| {
            let ([padding, width], dy) = (g.attributes(), g.dy());
            let rows = dy.chunks_exact(width.max(1)).zip(g.indices());
            rows.filter(|&(_, &i)| i != padding).for_each(|(dy, &i)| kernels::add_assign(dy, g.dx_row(0, i)));
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Tape, Touched};

    #[test]
    fn an_empty_table_takes_in_words_one_by_one() {
        let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
        let words = Embedding::new(&mut params, "words", 0, 3, &mut rng);
        let (mut grads, mut known) = (Grads::like(&params), Vec::new());
        for word in 0..50 {
            words.grow(&mut params, 1, &mut rng);
            known.push(params.of(words.weight)[3 * word..].to_vec());
            assert_eq!(params.of(words.weight), known.concat(), "old words keep their vectors");
            let pass = tape.pass(&params);
            words.forward(&pass, &[word]).sum().backward(&mut grads);
            let row = [word as u32];
            let touched = if word == 0 { Touched::All } else { Touched::Rows(&row) }; // the only row is all there is
            assert_eq!(grads.touched(words.weight), touched);
            grads.zero();
        }
    }

    #[test]
    #[should_panic(expected = "there is no row 5 in [5, 3]")]
    fn forward_panics_on_an_unknown_word() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let words = Embedding::new(&mut params, "words", 5, 3, &mut Rng::new(1));
        words.forward(&tape.pass(&params), &[1, 5]);
    }
}
