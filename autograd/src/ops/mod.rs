//! Every differentiable op, each in one place: mathematics, forward, backward, test.
//!
//! In the docs `x̄` is the gradient of the loss with respect to `x`, `⊙` the elementwise product. Ops that are neither
//! irreducible nor hot are compositions of others and have no backward of their own.
//!
//! | file | ops |
//! |---|---|
//! | `arithmetic` | `+ − * /` between variables (broadcasting) and with numbers, `neg` |
//! | `unary` | `exp`, `ln`, `tanh`, `sigmoid`, `relu` |
//! | `matmul` | `affine`, `linear`, `matmul` |
//! | `reduce` | `sum`, `mean`, `sum_axis`, `mean_axis` |
//! | `shape` | `reshape`, `slice`, `split`, `row`, `rows`, `concat`, `stack`, `transpose` |
//! | `recurrent` | `rnn_tanh`, `lstm`, `gru`: a whole sequence as one node |
//! | `loss` | `log_softmax`, `softmax`, `cross_entropy`, `bce_with_logits`, `mse` |

mod arithmetic;
mod loss;
mod matmul;
mod recurrent;
mod reduce;
mod shape;
mod unary;

pub use recurrent::RecurrentWeights;

#[cfg(test)]
pub(crate) mod strategies;
