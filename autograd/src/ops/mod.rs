//! Every differentiable op, each in one place: mathematics, forward, backward, test.
//!
//! In the docs `x̄` is the gradient of the loss with respect to `x`, `⊙` the elementwise product. Ops that are neither
//! irreducible nor hot are compositions of others and have no backward of their own.
//!
//! A new op needs a line in the table of `every_op`, which differentiates each at random shapes; a test says so.
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
