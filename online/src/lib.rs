//! Deep models that learn from every row of a stream.
//!
//! * [`Row`]: one example's features, by name, perhaps [`Weighted`]; [`stream`]: rows from files of six formats,
//!   plain or compressed.
//! * [`Learner`]: what predicts a row and then learns from it; [`baseline`]: the simplest ones, which must be beaten.
//! * [`Deep`]: a deep model that learns from every row. [`Frozen`]: a trunk that no longer moves, and a [`head`] that learns
//!   new classes. [`MultiTask`]: several tasks on one trunk. [`anomaly`]: how strange a row is.
//! * [`recurrent`]: recurrent layers that learn at every step without keeping the past: RTRL, SnAp-1, UORO, LRU and others.
//! * [`optim`]: optimizers that need little or no tuning on a stream: ObGD, Autostep, FTRL, COCOB and others.
//! * [`memory`]: learning the new without forgetting the old, by samples: replay, ER-ACE, DER, A-GEM, MIR; [`consolidate`]: by
//!   parameters: EWC, SI, MAS, LwF, L2; [`continual`]: how much was forgotten. [`plasticity`]: staying able to learn.
//! * [`conformance`]: the laws that any learner must obey, for tests of one's own.
//! * [`evaluate`]: test-then-train evaluation with the running [`metrics`].
//! * [`delay`]: labels that come later than their rows.
//! * [`drift`]: change detectors, and how good they are; [`adapt`]: what a learner does when one of them speaks.
//! * [`paired`]: whether one of two models is better on the same rows, or was lucky.
//! * [`synth`]: streams from seeded generators, with and without drift.
//! * [`spec`]: short descriptions such as `mlp:64,64`; [`checkpoint`]: saving and exact resume.
//! * [`Error`]: what went wrong with outside data, and where.
//!
//! # Features
//!
//! `checkpoint`: saving and loading (bincode). `command`: the `thalweg` program (argument parsing, tables, progress bars).
//! Both are on by default; a program that embeds a learner and keeps its state in another way needs neither:
//! `default-features = false`.

#![forbid(unsafe_code)]

pub mod adapt;
pub mod anomaly;
pub mod baseline;
#[cfg(feature = "checkpoint")]
pub mod checkpoint;
#[cfg(feature = "checkpoint")]
pub mod conformance;
pub mod consolidate;
pub mod continual;
pub mod deep;
pub mod delay;
pub mod drift;
pub mod error;
pub mod evaluate;
pub mod features;
pub mod frozen;
pub mod head;
pub mod labels;
pub mod learn;
pub mod memory;
pub mod metrics;
pub mod moments;
pub mod multitask;
pub mod optim;
pub mod paired;
pub mod plasticity;
pub mod recurrent;
pub mod row;
mod saved;
pub mod session;
pub mod stream;
pub mod synth;

pub use adapt::{Adaptive, PolicySpec};
pub use anomaly::Autoencoder;
pub use consolidate::{Consolidation, ConsolidationSpec};
pub use continual::AccuracyMatrix;
pub use deep::{ClassWeights, Config, Deep, DepthSpec, LossSpec, Model, OptimizerSpec};
pub use delay::{Delay, Delayed};
pub use drift::{AnyDetector, Detector, DetectorSpec, Signal};
pub use error::{Error, ErrorKind};
pub use evaluate::{Arrival, Prequential};
pub use features::{FeatureSpec, Features};
pub use frozen::{Extractor, Frozen};
pub use head::{Head, HeadSpec};
pub use labels::Labels;
pub use learn::{LabelSet, Learner, Prediction, Target, Task};
pub use memory::{MemorySpec, Reservoir};
pub use metrics::{Metric, Metrics, Scores};
pub use moments::Moments;
pub use multitask::MultiTask;
pub use plasticity::{Plasticity, PlasticitySpec};
pub use row::{AsValue, Row, Value, Weighted};
pub use session::{AnyLearner, Session};
pub use stream::{BadRows, Format, Header, Record, Stream, StreamOptions};
pub use thalweg_nn::spec::{self, Spec};

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
