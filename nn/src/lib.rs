//! Layers, recurrent cells and optimizers: networks to embed in a program, that grow and resume.
//!
//! A layer is a plain struct of handles into θ ([`Params`]): it holds no numbers and no state, so the same layer runs
//! over the live parameters, over a frozen copy, over an earlier checkpoint. What a recurrent cell carries from step to
//! step is a plain value that the caller owns ([`State`]). Names, shapes, gate order and initialisation are PyTorch's.
//!
//! An LSTM that learns from every example while its state is carried along:
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::{Cell, Linear, Lstm, Optimizer, Sgd};
//! use thalweg_tensor::Rng;
//!
//! let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
//! let lstm = Lstm::new(&mut params, "lstm", 1, 16, &mut rng);
//! let head = Linear::new(&mut params, "head", 16, 1, &mut rng);
//! let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.05));
//! let mut carried = lstm.zero_state(&params);
//!
//! // Predict the next value of a sine; remember the squared errors.
//! let errors: Vec<f32> = (0..3000)
//!     .map(|t| {
//!         let [x, next] = [t, t + 1].map(|t| (t as f32 * 0.3).sin());
//!         let pass = tape.pass(&params);
//!         let (h, state) = lstm.step(pass.input(&[x]), lstm.enter(&pass, &carried));
//!         let loss = head.forward(h).mse(pass.input(&[next]));
//!         let error = loss.item();
//!         loss.backward(&mut grads);
//!         lstm.leave(state, &mut carried); // the state goes on, its history is cut here
//!         sgd.step(&mut params, &mut grads);
//!         error
//!     })
//!     .collect();
//! let mean = |e: &[f32]| e.iter().sum::<f32>() / e.len() as f32;
//! assert!(mean(&errors[2900..]) < 0.1 * mean(&errors[..100]));
//! ```
//!
//! # Where things are
//!
//! | module | what |
//! |---|---|
//! | `define` | [`network!`]: a network as a plain struct whose parameters are named after its fields |
//! | `linear`, `conv`, `embedding` | [`Linear`], [`Conv1d`], [`Conv2d`], [`Embedding`], [`EmbeddingBag`]: layers that grow |
//! | [`norm`] | [`LayerNorm`], [`RmsNorm`], [`GroupNorm`], [`BatchNorm`], which works for streams too |
//! | [`attention`] | [`MultiheadAttention`], [`TransformerEncoderLayer`], positions |
//! | [`pool`], `dropout`, `nonlinearity` | [`MaxPool2d`] and its kin, [`Dropout`], [`Nonlinearity`], [`PRelu`] |
//! | [`module`] | [`Module`]: layers in sequence, [`Residual`] connections, without `dyn` |
//! | `network`, `summary` | networks from a line of text, `lstm:64x2 > linear:10`; what they and any θ consist of |
//! | `mode` | [`Mode`]: training or use; what dropout draws from, what batch norm measured |
//! | [`recurrent`] | cells, fused and as their equations; [`Recurrent`]: layers of them, both directions; [`State`]; [`Tbptt`] |
//! | `parallel` | [`Parallel`]: a batch on several threads, with the same bits for any number of them |
//! | [`loss`] | what a prediction is worth: MSE to CTC, with weights, reductions and ignored classes |
//! | [`init`] | how parameters begin, and begin anew |
//! | [`optim`] | [`Sgd`], [`Adagrad`], [`RmsProp`], [`Adadelta`], [`Adam`] and its kin; [`Groups`] of parameters; [`Schedule`]s; [`Average`]s of θ; clipping; `OptimizerSpec`: any of them from a line of text |
//! | `weights` | models in files: any value bit by bit, or θ by name as safetensors |
//!
//! # Laws
//!
//! * A step allocates nothing after the first of its size. (Batches of more than 16: on x86-64 with AVX2, elsewhere the
//!   library that multiplies matrices allocates. With feature `rayon`, threads do.)
//! * A sequence gives what its steps give, and what any cut of it into pieces with carried state gives.
//! * Right after growing, every old output is bit-identical, and every old optimizer moment is in its place.
//! * An optimizer refuses a gradient that is not finite: neither θ nor its own state change.

#![forbid(unsafe_code)]

pub mod attention;
mod conv;
mod define;
mod dropout;
mod embedding;
pub mod init;
mod linear;
pub mod loss;
mod mode;
pub mod module;
// For the crates of this workspace that read nested values of their own.
#[cfg(feature = "serde")]
#[doc(hidden)]
pub mod nested;
#[cfg(feature = "spec")]
pub mod network;
mod nonlinearity;
pub mod norm;
pub mod optim;
mod parallel;
pub mod pool;
pub mod recurrent;
#[cfg(feature = "spec")]
pub mod spec;
mod summary;
#[cfg(any(feature = "checkpoint", feature = "safetensors"))]
pub mod weights;

pub use attention::{
    AttentionMask, LearnedPositions, MultiheadAttention, SinusoidalPositions, TransformerEncoderLayer,
};
pub use conv::{Conv, Conv1d, Conv2d};
pub use define::path;
pub use dropout::Dropout;
pub use embedding::{BagMode, Embedding, EmbeddingBag};
pub use linear::Linear;
pub use mode::{Mode, Training};
pub use module::{Flatten, Module, Residual};
#[cfg(feature = "spec")]
pub use network::{AnyRecurrent, Hidden, Network, NetworkSpec, NetworkState};
pub use nonlinearity::{Nonlinearity, PRelu};
pub use norm::{BatchNorm, GroupNorm, LayerNorm, RmsNorm};
pub use optim::{Adadelta, Adagrad, Adam, Adamax, Average, Group, Groups, NAdam, Optimizer, Plateau, RAdam, RmsProp};
#[cfg(feature = "spec")]
pub use optim::{AnyOptimizer, OptimizerSpec};
pub use optim::{Schedule, Sgd, Step, clip_norm, clip_value};
pub use parallel::Parallel;
pub use pool::{AvgPool1d, AvgPool2d, GlobalAvgPool2d, GlobalMaxPool2d, MaxPool1d, MaxPool2d};
pub use recurrent::{Carried, Cell, GrowHidden, Portable, Recurrent, Stackable, State, Tbptt, unroll, unroll_of};
pub use recurrent::{CellOptions, RecurrentOptions};
pub use recurrent::{Elstm, LeakyForm, LeakyRnn, Lru, LruForm, LruState, Rtu, RtuForm};
pub use recurrent::{Gru, GruForm, LayerNormLstm, Lstm, LstmForm, LstmState, Reset, Rnn, RnnForm, Update};
pub use summary::{ParamRow, ParamsSummary};
pub use thalweg_autograd::{Activation, Entry, Flat, Grads, Layout, Param, Params, Pass, Tape, Touched, Var};
pub use thalweg_tensor::{ConvOptions, Real, Rng, Shape, Tensor, View, Window};
