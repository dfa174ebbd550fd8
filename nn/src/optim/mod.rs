//! Optimizers: θ ← θ − …, over flat vectors. And what surrounds them.
//!
//! | file | what | source |
//! |---|---|---|
//! | `sgd` | [`Sgd`]: gradient descent; momentum, Nesterov's too | Robbins & Monro 1951, Polyak 1964, Nesterov 1983 |
//! | `adagrad` | [`Adagrad`]: rates that fall with each element's own gradients | Duchi, Hazan & Singer 2011 |
//! | `rmsprop` | [`RmsProp`]: the gradient in units of its root mean square | Tieleman & Hinton 2012 |
//! | `adadelta` | [`Adadelta`]: steps in units of the steps before | Zeiler 2012 |
//! | `adam` | [`Adam`]: both moments; AdamW, AMSGrad | Kingma & Ba 2015 |
//! | `adamax` | [`Adamax`]: Adam with the largest gradient of late | Kingma & Ba 2015 |
//! | `nadam` | [`NAdam`]: Adam with Nesterov's momentum | Dozat 2016 |
//! | `radam` | [`RAdam`]: Adam that begins carefully | Liu et al. 2020 |
//! | `groups` | [`Groups`]: other settings for some of the parameters, by name | |
//! | `schedule`, `plateau` | [`Schedule`]: the rate at step t; [`Plateau`]: the rate falls when a metric stalls | |
//! | `average` | [`Average`]: θ averaged over time | Polyak & Juditsky 1992 |
//! | `clip` | [`clip_norm`], [`clip_value`]: bounds on the gradient | Pascanu, Mikolov & Bengio 2013 |
//! | `hyperparameters` | [`Hyperparameter`]s by name, and their bounds | |
//! | `spec`, `any` | `OptimizerSpec`: an optimizer from a line of text; `AnyOptimizer`: one chosen at run time | |
//! | `sweep`, `ages` | what optimizers share, and a door for more of them: [`Sweep`], the walk over θ; [`Ages`], how many updates each element has had | |
//!
//! Formulas, names and defaults are PyTorch's, and so are the numbers that come out. What the optimizers have in common:
//!
//! * A step uses the gradient up: afterwards it is zero.
//! * **Refusal.** A gradient whose norm is not finite, or beyond about 10¹⁵ in `f32` and 10¹⁵⁰ in `f64`, is thrown away;
//!   θ and the optimizer stay as they were ([`Step::Refused`]). So θ never overflows under [`Sgd`] and [`Adam`]: with a
//!   learning rate of at most 10⁶, a momentum of at most 0.999 and ηλ ≤ 1 no step is longer than 10²⁵, and a number near
//!   the end of `f32`, 10³⁸, does not feel such a step. (ε must be positive: without it a gradient of 0 is 0/0.)
//! * **Growth.** Their vectors follow θ's layout. Old elements keep their moments; new ones begin at zero, with a step
//!   count of their own.
//! * **Sparse gradients, the lazy rule.** Rows that a pass did not touch are not visited: their moments neither decay nor
//!   move them, weight decay does not act on them, and their step count stands still. Plain [`Sgd`] and [`Adagrad`] would
//!   not move such rows anyhow; for the others this is PyTorch's `SparseAdam`, but for t, which that counts for all rows.
//! * **Frozen parameters**, in θ or by their [`Group`], keep their bits, and what is remembered of them.
//! * What is remembered never holds denormal numbers, on which arithmetic is many times slower: they are set to zero.
//! * They are plain data: `Send`, `Sync`, to clone, and to save in the middle of anything. All fields that have a name may
//!   be changed between steps. A step panics over what is out of its [bounds](Optimizer::check).
//!
//! # Gradients of several passes
//!
//! [`backward`](thalweg_autograd::Var::backward) adds, and only a step uses up: k passes before a step are one pass over
//! the sum of their losses. For the mean, scale the gradient.
//!
//! ```
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::{Optimizer, Sgd};
//!
//! let mut params = Params::<f64>::new();
//! let w = params.add("w", [1], |_| 0.0);
//! let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.25));
//! for target in [1.0, 2.0, 3.0, 6.0] {
//!     let pass = tape.pass(&params);
//!     pass.param(w).mse(pass.input(&[target])).backward(&mut grads);
//! }
//! grads.scale(1.0 / 4.0);
//! sgd.step(&mut params, &mut grads);
//! assert_eq!(params.of(w), [1.5]); // half of the way to the mean, as by one batch of four
//! ```

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod ages;
#[cfg(feature = "spec")]
mod any;
mod average;
mod clip;
mod groups;
mod hyperparameters;
mod nadam;
mod plateau;
mod radam;
mod rmsprop;
mod schedule;
mod sgd;
#[cfg(feature = "spec")]
mod spec;
mod sweep;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamax::Adamax;
pub use ages::{Ages, forget};
#[cfg(feature = "spec")]
pub use any::AnyOptimizer;
pub use average::Average;
pub use clip::{clip_norm, clip_value};
pub use groups::{Group, Groups};
pub use hyperparameters::{Hyperparameter, HyperparameterError, Visit};
pub use nadam::NAdam;
pub use plateau::Plateau;
pub use radam::RAdam;
pub use rmsprop::RmsProp;
pub use schedule::Schedule;
pub use sgd::Sgd;
#[cfg(feature = "spec")]
pub use spec::{OptimizerSpec, configure};
pub use sweep::{At, Sweep, flushed, is_accepted};

use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_tensor::Real;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// θ has moved.
    Taken,
    /// The gradient was not finite, or absurdly large: nothing has changed, and the gradient is thrown away.
    Refused,
}

/// θ ← θ − something made of ∇L(θ).
pub trait Optimizer<T: Real> {
    /// One step; the gradient is zero afterwards.
    ///
    /// # Panics
    /// If [`check`](Optimizer::check) says that a hyperparameter is out of its bounds.
    #[track_caller]
    fn step(&mut self, params: &mut Params<T>, grads: &mut Grads<T>) -> Step;

    /// η, per step.
    fn learning_rate(&self) -> f64;

    /// Sets η, for schedules.
    fn set_learning_rate(&mut self, learning_rate: f64);

    /// Other settings for some of the parameters.
    fn groups_mut(&mut self) -> &mut Groups;

    /// What it keeps that is laid out like θ: moments, velocities.
    fn vectors(&self) -> Vec<&Flat<T>>;

    /// Forgets what it knows of one index along an axis of a parameter: along 0, of a row of a matrix, along 1, of a column.
    /// Their moments are zero, and their next step is their first: as if they had just come. For units that
    /// are drawn anew.
    ///
    /// # Panics
    /// If the axis is neither.
    #[track_caller]
    fn forget(&mut self, param: Param, axis: usize, index: usize);

    /// Whether what it keeps can follow these parameters: it does wherever it has met no others. To be asked of both where
    /// they come from outside, for a [step](Optimizer::step) would panic.
    fn fits(&self, params: &Params<T>) -> bool {
        self.vectors().iter().all(|vector| params.layout().descends_from(vector.layout()))
    }

    /// Shows all numbers and switches that it is set by, by their names, PyTorch's where it has one.
    fn hyperparameters(&mut self, visit: Visit<'_>);

    /// Whether all hyperparameters are within their bounds, as PyTorch asks when an optimizer is made: rates, decays and ε
    /// from 0, what is remembered of one step in the next below 1. Here fields may change at any time, so every step asks.
    ///
    /// ```
    /// use thalweg_nn::{Adam, Optimizer};
    ///
    /// let mut adam = Adam::<f32>::new(0.001);
    /// assert!(adam.check().is_ok());
    /// adam.betas[1] = 1.0;
    /// let error = adam.check().unwrap_err().to_string();
    /// assert_eq!(error, "beta2: a number from 0 to below 1 expected, found 1");
    /// ```
    ///
    /// # Errors
    /// The first that is not: for those that come from outside.
    fn check(&mut self) -> Result<(), HyperparameterError> {
        let mut result = Ok(());
        self.hyperparameters(&mut |name, hyperparameter| {
            if let (Ok(()), Hyperparameter::Number(&mut found, bounds)) = (&result, hyperparameter) {
                result = HyperparameterError::unless_within(bounds, name, found);
            }
        });
        result
    }

    /// [`clip_norm`] of what this optimizer will step: what its groups freeze does not count, and loses its gradient.
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    fn clip_norm(&mut self, grads: &mut Grads<T>, max: f64) -> f64 {
        self.groups_mut().drop_frozen(grads);
        clip_norm(grads, max)
    }
}

/// The part of [`Optimizer`] that is the same for every one of them.
macro_rules! what_is_a_field {
    ($($vector:ident),*) => {
        fn learning_rate(&self) -> f64 {
            self.learning_rate
        }

        fn set_learning_rate(&mut self, learning_rate: f64) {
            self.learning_rate = learning_rate;
        }

        fn groups_mut(&mut self) -> &mut Groups {
            &mut self.groups
        }

        fn vectors(&self) -> Vec<&Flat<T>> {
            vec![$(&self.$vector),*]
        }

        fn forget(&mut self, param: thalweg_autograd::Param, axis: usize, index: usize) {
            super::ages::forget([$(&mut self.$vector),*], &mut self.ages, param, axis, index);
        }
    };
}
use what_is_a_field;
