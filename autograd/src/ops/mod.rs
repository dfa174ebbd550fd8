//! Every differentiable op, each in one place: mathematics, forward, backward, test.
//!
//! In the docs `x̄` is the gradient of the loss with respect to `x`, `⊙` the elementwise product. Ops that are neither
//! irreducible nor hot are compositions of others and have no backward of their own.
//!
//! # A new op
//!
//! One file holds it all. First ask whether it is a line of others: then it is a method of [`Var`](crate::Var) that
//! returns that line. If it is irreducible or hot, it is one call of [`record`](crate::Pass::record) with both halves:
//!
//! ```ignore
//! impl<T: Real> Var<'_, T> {
//!     /// The cube, elementwise, any shape.
//!     ///
//!     /// Forward `y = x³`; backward `x̄ += ȳ ⊙ 3x²`.
//!     pub fn cube(self) -> Self {
//!         self.map("cube", |x, y| each(x, y, |x| x * x * x), |g| g.each(|x, _y| T::from_f64(3.0) * x * x))
//!     }
//! }
//! ```
//!
//! * Check shapes first, with `#[track_caller]` and a message that begins with the op's name; what is checked gets a line
//!   in `misuse`.
//! * `forward` is given zeros to write to. What only backward needs goes behind the output
//!   ([`saving`](crate::Op::saving)), small arguments into [`attributes`](crate::Op::attributes) and
//!   [`indices`](crate::Op::indices): backward captures nothing.
//! * Backward *adds*, and neither half allocates. It may skip what nobody [`wants`](crate::Back::wants).
//! * Data stays `T` throughout: through `f64` a dual number would lose its tangent.
//! * Below it, a property test with [`gradcheck`](fn@crate::gradcheck); then a line in the table below, one in the table of
//!   `every_op`, which differentiates each op at random shapes (a test says so), and one in `every_op::dual`.
//!
//! # The ops
//!
//! | file | ops |
//! |---|---|
//! | `arithmetic` | `+ − * /` between variables (broadcasting) and with numbers, `neg` |
//! | `unary` | `exp`, `ln`, `tanh`, `sigmoid`, `relu` |
//! | `elementary` | `sqrt`, `abs`, `sin`, `cos`, `powi`, `powf`, `clamp`; composed: `square`, `recip` |
//! | `activation` | `leaky_relu`, `elu`, `softplus`; composed: `silu`, `gelu` |
//! | `select` | `maximum`, `minimum` (broadcasting), `where_` |
//! | `affine` | `affine`, `linear` |
//! | `matmul` | `matmul` |
//! | `reduce` | `sum`, `sum_axis`, `norm`, `cumsum`; composed: `mean`, `mean_axis`, `var_axis` |
//! | `extremes` | `max_axis`, `min_axis`, `log_sum_exp` |
//! | `shape` | `reshape`, `slice`, `split`, `row`, `rows`, `concat`, `stack`, `transpose` |
//! | `rearrange` | `permute`, `broadcast_to`; views: `squeeze`, `unsqueeze`; composed: `pad` |
//! | `indexing` | `gather`, `index_add` |
//! | `norm` | `layer_norm`; composed: `standardize` |
//! | `recurrent` | `rnn_tanh`, `lstm`, `gru`: a whole sequence as one node |
//! | `loss` | `log_softmax`, `softmax`, `cross_entropy`, `bce_with_logits`, `mse` |

mod activation;
mod affine;
mod arithmetic;
mod elementary;
mod extremes;
mod indexing;
mod loss;
mod matmul;
mod norm;
mod rearrange;
mod recurrent;
mod reduce;
mod select;
mod shape;
mod unary;

pub use recurrent::RecurrentWeights;

#[cfg(test)]
mod every_op;
#[cfg(test)]
mod misuse;
#[cfg(test)]
pub(crate) mod strategies;
