//! Bags of words: the sum, mean or maximum of some rows of a table.

use std::ops::Range;

use thalweg_autograd::{Back, Op, Params, Pass, Var};
use thalweg_tensor::{Real, Rng, kernels};

use super::Embedding;

/// What becomes of the vectors of a bag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    #[default]
    Mean,
    /// The largest in each column, NaN if there is a NaN; the gradient goes to the first of equals.
    Max,
}

/// One vector for several words, PyTorch's `nn.EmbeddingBag`: `k` indices in `n` bags → `[n, d]`.
///
/// ```text
/// y_b = Σᵢ∈b aᵢ W[indexᵢ]   or the mean   or the maximum
/// ```
///
/// Bags lie one after another in the indices; `offsets` says where each begins. A bag may be empty: it gives zeros. Over a
/// table of its own, `name.weight: [words, d]`, or over one that an [`Embedding`] uses too. As there, a gradient touches
/// the rows of its words only. The table's padding is no word of a bag: sum, mean and maximum leave it out, and a bag of
/// nothing else is an empty one.
///
/// Source: Joulin, Grave, Bojanowski & Mikolov 2017 (bags of n-grams).
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::EmbeddingBag;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let bags = EmbeddingBag::new(&mut params, "words", 3, 2, &mut Rng::new(1));
/// params.of_mut(bags.table.weight).copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
/// let y = bags.forward(&tape.pass(&params), &[0, 1, 2], &[0, 2]).to_tensor(); // {0, 1} and {2}
/// assert_eq!(y.as_slice(), [2.0, 3.0, 5.0, 6.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct EmbeddingBag {
    /// The vectors of the words.
    pub table: Embedding,
    /// What becomes of those of a bag.
    pub mode: BagMode,
}

impl EmbeddingBag {
    /// Adds a table to θ; the mean of each bag.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, words: usize, width: usize, rng: &mut Rng) -> Self {
        EmbeddingBag { table: Embedding::new(params, name, words, width, rng), mode: BagMode::default() }
    }

    /// The bags: `[n, d]` for `n` offsets.
    ///
    /// # Panics
    /// If there is no such word; or the offsets are not ascending from 0, or lie beyond the indices.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, pass: &'p Pass<'p, T>, indices: &[usize], offsets: &[usize]) -> Var<'p, T> {
        self.reduce(self.table.forward(pass, indices), indices, offsets)
    }

    /// Sums in which each word has a weight of its own, `[k]`; PyTorch's `per_sample_weights`.
    ///
    /// # Panics
    /// As [`forward`](EmbeddingBag::forward), if there is not one weight for each index, or the mode is not
    /// [`Sum`](BagMode::Sum).
    #[track_caller]
    pub fn forward_weighted<'p, T: Real>(
        &self,
        indices: &[usize],
        offsets: &[usize],
        weights: Var<'p, T>,
    ) -> Var<'p, T> {
        assert!(
            self.mode == BagMode::Sum,
            "EmbeddingBag: words have weights in sums only, the mode is {:?}",
            self.mode
        );
        let (k, shape) = (indices.len(), weights.shape());
        assert!(shape.dims() == [k], "EmbeddingBag: a weight for each of {k} words expected, the shape is {shape}");
        self.reduce(self.table.forward(weights.pass(), indices) * weights.reshape([k, 1]), indices, offsets)
    }

    /// Adds words at the end, standard normal. Old words keep their index.
    pub fn grow<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        self.table.grow(params, by, rng);
    }

    /// Stretches of rows become one row each: `[k, d]` → `[n, d]` for the `n` offsets at which they begin.
    ///
    /// Forward `y_b = Σᵢ∈b cᵢ xᵢ`, or the maximum of those with `cᵢ > 0`; backward `x̄ᵢ += cᵢ ȳ_b`, or to the first with
    /// `xᵢ = y_b`, for each column. The shares `cᵢ` are kept behind the output: 0 of the padding; of a word 1, or 1 over the
    /// number of words in its bag.
    #[track_caller]
    fn reduce<'p, T: Real>(&self, rows: Var<'p, T>, words: &[usize], offsets: &[usize]) -> Var<'p, T> {
        let ([k, width], mode) = (rows.dims(), self.mode);
        let fits =
            offsets.first().is_none_or(|&first| first == 0) && offsets.is_sorted() && offsets.iter().all(|&o| o <= k);
        assert!(fits, "EmbeddingBag: offsets must ascend from 0 to at most {k}, the number of words: {offsets:?}");
        let is_word = |&i: &usize| Some(words[i]) != self.table.padding;
        rows.pass().record(
            Op::new("embedding_bag").indices(offsets).attributes([usize::from(mode == BagMode::Max)]).saving(k),
            [rows],
            [offsets.len(), width],
            |[x], y| {
                let (y, shares) = y.split_at_mut(offsets.len() * width);
                shares.fill(T::ZERO);
                for (bag, range) in bags(offsets, k).enumerate() {
                    let y = &mut y[bag * width..][..width];
                    let share = match mode {
                        BagMode::Mean => T::from_f64((range.clone().filter(is_word).count() as f64).recip()),
                        BagMode::Sum | BagMode::Max => T::ONE,
                    };
                    for (nth, i) in range.filter(is_word).enumerate() {
                        let x = &x[i * width..][..width];
                        shares[i] = share;
                        match mode {
                            BagMode::Max if nth == 0 => y.copy_from_slice(x),
                            BagMode::Max => y.iter_mut().zip(x).for_each(|(y, &x)| *y = y.maximum(x)),
                            _ => kernels::axpy(share, x, y),
                        }
                    }
                }
            },
            |g| match g.attributes() {
                [0] => spread(g),
                [_] => give_to_the_largest(g),
            },
        )
    }
}

/// The stretch of each bag.
fn bags(offsets: &[usize], end: usize) -> impl Iterator<Item = Range<usize>> {
    let ends = offsets.iter().copied().skip(1).chain([end]);
    offsets.iter().zip(ends).map(|(&start, end)| start..end)
}

/// How many rows there were, and how wide.
fn table<T: Real>(g: &Back<'_, T>) -> [usize; 2] {
    let shape = g.shape(0);
    [shape.dims()[0], shape.dims()[1]]
}

/// `x̄ᵢ += cᵢ ȳ_b`.
fn spread<T: Real>(g: &mut Back<'_, T>) {
    let (offsets, shares, dy, [k, width]) = (g.indices(), g.saved(), g.dy(), table(g));
    let dx = g.dx(0);
    for (bag, range) in bags(offsets, k).enumerate() {
        let words = range.filter(|&i| shares[i] != T::ZERO);
        words.for_each(|i| kernels::axpy(shares[i], &dy[bag * width..][..width], &mut dx[i * width..][..width]));
    }
}

/// For each column `x̄ᵢ += ȳ_b`, where `i` is the first with `xᵢ = y_b`, or the first NaN.
fn give_to_the_largest<T: Real>(g: &mut Back<'_, T>) {
    let (offsets, shares, x, y, dy, [k, width]) = (g.indices(), g.saved(), g.x(0), g.y(), g.dy(), table(g));
    let dx = g.dx(0);
    let is_nan = |v: T| v.partial_cmp(&v).is_none();
    for (bag, range) in bags(offsets, k).enumerate() {
        for column in 0..width {
            let (y, dy) = (y[bag * width + column], dy[bag * width + column]);
            let wins = |&i: &usize| x[i * width + column] == y || (is_nan(y) && is_nan(x[i * width + column]));
            if let Some(i) = range.clone().filter(|&i| shares[i] != T::ZERO).find(wins) {
                dx[i * width + column] += dy;
            }
        }
    }
}
