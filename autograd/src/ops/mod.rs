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
//! | `unary` | `exp`, `exp_m1`, `ln`, `ln_1p`, `erf`, `tanh`, `sigmoid`, `relu` |
//! | `elementary` | `abs`, `sign`, `floor`, `sin`, `cos`, `clamp` |
//! | `power` | `sqrt`, `powi`, `powf`, `pow` (broadcasting); composed: `square`, `recip` |
//! | `compare` | `gt`, `ge`, `lt`, `le`, `eq`, `ne` (broadcasting): masks of 1 and 0, without gradient |
//! | `activation` | `leaky_relu`, `prelu`, `elu`, `softplus`, `gelu`; composed: `silu`, `mish`, `gelu_tanh`, `selu`, `celu`, `log_sigmoid`, `tanhshrink`, `hardtanh`, `relu6`, `hardsigmoid`, `hardswish`, `glu` |
//! | `select` | `maximum`, `minimum` (broadcasting), `where_` |
//! | `affine` | `affine_with`: bias and activation in one node; by it `affine`, `linear`; `activate` |
//! | `matmul` | `matmul`, `matmul_transposed`, `transposed_matmul` |
//! | `conv` | `conv1d`, `conv2d` |
//! | `pool` | `max_pool1d`, `max_pool2d`, `avg_pool1d`, `avg_pool2d`; composed: `global_avg_pool2d` |
//! | `reduce` | `sum`, `sum_axes`, `norm`, `norm_axes`, `cumsum`; composed: `mean`, `mean_axes`, `var_axes`, and `…_axis` |
//! | `extremes` | `max_axes`, `min_axes`, `log_sum_exp_axes`; composed: `max_axis`, `min_axis`, `log_sum_exp` |
//! | `shape` | `reshape`, `slice`, `slice_step`, `split`, `row`, `rows`, `concat`, `stack`, `stack_axis`, `transpose` |
//! | `rearrange` | `permute`, `broadcast_to`, `tril`, `triu`; views: `squeeze`, `unsqueeze`; composed: `pad` |
//! | `indexing` | `gather`, `index_select`, `scatter_add`, `index_add`; composed: `top_k` |
//! | `norm` | `layer_norm`; composed: `standardize` |
//! | `recurrent` | `rnn_tanh`, `lstm`, `gru`: a whole sequence as one node |
//! | `loss` | `log_softmax`, `softmax`, `cross_entropy`, `bce_with_logits`, `mse` |

mod activation;
mod affine;
mod arithmetic;
mod compare;
mod conv;
mod elementary;
mod extremes;
mod indexing;
mod loss;
mod matmul;
mod norm;
mod pool;
mod power;
mod rearrange;
mod recurrent;
mod reduce;
mod select;
mod shape;
mod unary;

pub use affine::Activation;
pub use recurrent::RecurrentWeights;

#[cfg(test)]
mod every_op;
#[cfg(test)]
mod misuse;
#[cfg(test)]
pub(crate) mod strategies;
