//! Shapes, strided views and kernels: the numbers under Thalweg.
//!
//! A [`Tensor`] is a [`Shape`] and its numbers in row-major order: what a model owns. A [`View`] is
//! a borrowed tensor whose numbers lie at strides, so that a transpose or a slice of a tensor moves
//! nothing. [`walk`] visits tensors of different shapes side by side, by NumPy's rule of
//! broadcasting. The [`kernels`] are the inner loops: functions over slices, compiled for several
//! instruction sets. An [`Rng`] holds all the randomness there is.
//!
//! Everything is generic over [`Real`], which is `f32` for learning and `f64` for checking.
//! Nothing here knows of gradients.
//!
//! ```
//! use thalweg_tensor::{Rng, Tensor, kernels};
//!
//! let mut rng = Rng::new(1);
//! let weights: Tensor = Tensor::normal([3, 4], 0.0, 0.5, &mut rng);
//! let input = Tensor::from_slice(&[1.0, 0.0, -1.0, 0.5]);
//!
//! // p = softmax(W x), for one example, without allocating anything but the results.
//! let mut scores = Tensor::zeros([3]);
//! kernels::matvec(weights.as_slice(), input.as_slice(), scores.as_mut_slice());
//! let mut probabilities = Tensor::zeros([3]);
//! kernels::softmax(scores.as_slice(), probabilities.as_mut_slice());
//! assert!((kernels::sum(probabilities.as_slice()) - 1.0).abs() < 1e-6);
//! ```
//!
//! # Features
//!
//! `serde` (on by default): tensors, shapes and generators can be saved; loading checks that a
//! shape fits its data.
//!
//! `rayon`: large matrix products run on several threads, with the same results to the bit.

mod elementary;
mod elements;
mod error;
pub mod kernels;
mod real;
mod rng;
mod shape;
mod tensor;
mod view;
mod walk;

pub use elements::Elements;
pub use error::ShapeError;
pub use real::Real;
pub use rng::Rng;
pub use shape::{MAX_RANK, Shape};
pub use tensor::Tensor;
pub use view::View;
pub use walk::walk;
