//! Every differentiable op, each in one place: mathematics, forward, backward, test.
//!
//! In the docs `x̄` is the gradient of the loss with respect to `x`, `⊙` the elementwise product. Ops that are neither
//! irreducible nor hot are compositions of others and have no backward of their own.
//!
//! # A new op
//!
//! touches two files: one of this folder, and the table in `every_op/table.rs`. First ask whether it is a line of others:
//! then it is a method of [`Var`](crate::Var) that returns that line (an activation: in `activation/composed.rs`). If it is
//! irreducible or hot, it is one call of [`record`](crate::Pass::record) with both halves; elementwise ops of one variable
//! use `map` of `unary.rs`, those of two that broadcast `zip` of `arithmetic.rs`. Here is a cube, put beside its like (in a
//! new file: with a `mod` line below, `use thalweg_tensor::Real; use super::unary::each; use crate::Var;`):
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
//! and this is its test, a line in the table, without which another test fails:
//!
//! ```ignore
//! "cube": [any(r, -2.0, 2.0)] => |[x]| x.cube(),
//! ```
//!
//! It draws inputs (by the functions of `every_op/draw.rs`: `any` and `of` numbers in a range, `off_zero`, `distinct` and
//! `apart` away from kinks, `pair` of shapes that broadcast, `along` one axis, `filled` where axes of length 0 make no
//! sense) and applies the op; a number in it is written `c(2.0)`, since the line is compiled for two types. From it come
//! all checks: gradients in `f64` against finite differences, over random shapes, with inputs that are parameters, nodes,
//! views and permuted copies; tangents over dual numbers, forward and through backward. They are run by
//! `cargo test -p thalweg-autograd --lib every_op`. What the op does at kinks, at NaN and at infinity, and which laws it
//! obeys, is worth a test of its own below the op; for readers it gets a word in the list below, in the column that says
//! whether it is a primitive (a test holds the list and its two counts against the table).
//!
//! * `forward` is given zeros to write to. What only backward needs goes behind the output
//!   ([`saving`](crate::Op::saving)), small arguments into [`attributes`](crate::Op::attributes),
//!   [`scalar`](crate::Op::scalar) and [`indices`](crate::Op::indices): backward captures nothing.
//! * Backward *adds*, and neither half allocates. It may skip what nobody [`wants`](crate::Back::wants).
//! * Data stays `T` throughout: through `f64` a dual number would lose its tangent.
//! * An op that does not take every shape checks first, with `#[track_caller]`, a section `# Panics`, and a message that
//!   begins with the op's name; what is checked gets a line in `misuse.rs` (a test says so).
//!
//! # The ops
//!
//! 75 primitives have a backward of their own. 39 others are made of them in a line or two, or are views, which cost
//! nothing.
//!
//! | file | primitive | composed |
//! |---|---|---|
//! | `arithmetic` | `add`, `sub`, `mul`, `div`: `+ − * /` between variables (broadcasting) and with numbers | `neg` |
//! | `unary` | `exp`, `exp_m1`, `ln`, `ln_1p`, `erf`, `tanh`, `sigmoid`, `relu` | |
//! | `elementary` | `abs`, `sin`, `cos`, `clamp`; steps, without gradient: `sign`, `floor` | |
//! | `power` | `sqrt`, `powi`, `powf`, `pow` (broadcasting) | `square`, `recip` |
//! | `compare` | masks of 1 and 0, without gradient (broadcasting): `gt`, `ge`, `lt`, `le`, `eq`, `ne` | |
//! | `activation` | `leaky_relu`, `prelu`, `elu`, `softplus`, `gelu` | `silu`, `mish`, `gelu_tanh`, `selu`, `celu`, `log_sigmoid`, `tanhshrink`, `hardtanh`, `relu6`, `hardsigmoid`, `hardswish`, `glu` |
//! | `select` | `maximum`, `minimum`, `where_` (broadcasting) | |
//! | `affine` | `affine_with`: weight, bias and activation in one node | `affine`, `linear`, `activate` |
//! | `matmul` | `matmul`, `matmul_transposed`, `transposed_matmul` | |
//! | `conv` | `conv1d`, `conv2d` | |
//! | `pool` | `max_pool1d`, `max_pool2d`, `avg_pool1d`, `avg_pool2d` | `global_avg_pool2d` |
//! | `reduce` | `sum`, `sum_axes`, `norm`, `norm_axes`, `cumsum` | `mean`, `mean_axes`, `var_axes`, `sum_axis`, `mean_axis`, `var_axis` |
//! | `extremes` | `max_axes`, `min_axes`, `log_sum_exp_axes` | `max_axis`, `min_axis`, `log_sum_exp` |
//! | `shape` | `slice_step`, `concat`, `stack_axis`, `transpose` | `rows`, `split`, `stack`; views: `reshape`, `row`, and `slice` where it is contiguous |
//! | `rearrange` | `permute`, `broadcast_to`, `tril`, `triu` | `pad`; views: `squeeze`, `unsqueeze` |
//! | `indexing` | `gather`, `index_select`, `scatter_add`, `index_add` | `top_k` |
//! | `norm` | `layer_norm` | `standardize` |
//! | `recurrent` | a whole sequence as one node: `rnn`, `lstm`, `gru` | |
//! | `loss` | `softmax`, `log_softmax`, `cross_entropy`, `bce_with_logits`, `mse` | |

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
