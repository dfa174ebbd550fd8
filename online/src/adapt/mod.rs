//! What a learner does when the stream has become another one.
//!
//! A [detector](crate::drift) watches the error that a learner makes before it learns each row. When that has risen,
//! [`Adaptive`] does what its [policy](PolicySpec) says:
//!
//! | specification | at a drift | cost | when to choose it |
//! |---|---|---|---|
//! | `report` | it is counted, and its row noted | the detector | to know; the learner is the plain one to the bit, unless something is [held](crate::consolidate) |
//! | `optimizer` | moments and schedules begin anew | the detector | a schedule has made the rate small |
//! | `head` | the last layer is drawn anew, and is free of what [held](crate::consolidate) it; the optimizer begins anew | the detector | classes mean something else, what tells them apart stays, and the learner is slow |
//! | `rate:10,rows=500` | the learning rate is 10 times as high, and falls back in a straight line within 500 learned rows | the detector | the rate is small; never where it is high |
//! | `background:warmup=100,patience=500` | a new model, which learns beside since the warning, takes over | two models learn each row while a warning lasts: twice the time and memory | the old network has become stiff: it can learn no more |
//!
//! `rate` is from 1 to 1000. A drift during that time begins it again.
//!
//! # The error
//!
//! It is that of what a learner says of a row [as it learns it](Adapt::learn_telling), before it moves: a network needs no
//! second pass for it, and it is the same whether other rows have gone by since the row came or not. What is fed to the
//! detector lies between 0 and 1:
//!
//! | task | error |
//! |---|---|
//! | classes | 1 if another class was more probable, or it is new |
//! | sets of labels | the share of labels that are wrong, of those that are known or came |
//! | numbers | `\|y − ŷ\|` in deviations of the targets so far, at most 1; of several the mean |
//!
//! Detectors that know only [right and wrong](crate::drift::Domain::Errors) take a set as wrong if any label is, and a number
//! if it is more than half a deviation away. A row without weight is not judged, nor is one of which nothing was said.
//!
//! **Only a rise counts**: an error that falls is what learning is for. Detectors that watch both directions watch `up` alone;
//! `kswin`, which has no direction, is heeded where the mean has risen.
//!
//! **A drift ends a [context](crate::consolidate)**, whatever the policy is: what was learned before is held, if that was asked for.
//!
//! **Behind a drift** the detector begins anew: what was is no measure of what comes.
//!
//! # Models in the background
//!
//! A new model begins at a warning. Detectors that give none (`adwin`, `page-hinkley`, `kswin`, `cusum`) have a second one of
//! their kind beside them that warns: with 10 times δ or α, or half the threshold. It is [made](Adapt::fresh) as the first one
//! was, seed included, and has learned nothing: no weights, no scales of features, no memory, nothing held of earlier contexts. It knows what stands beside a
//! row (lags, the last target) and the classes in their order, so that these never move.
//!
//! So it meets the features as any new learner does: the order of cells in its first rows is that of its columns. Of the laws of
//! [`conformance`](crate::conformance) that is the one that it does not keep to the bit, the order of features that the first model
//! knew; and of memory it is true that it doubles.
//!
//! It goes when `patience` rows have come without another warning, or a row that it cannot use; then nothing has changed. At a
//! drift it takes over, or as soon afterwards as it has learned `warmup` rows: if there was no warning, it begins at the drift.
//! Counts of rows and steps go on.
//!
//! Beginning and ending a model, and the end of a context with the rows behind it that are kept to be looked at, are all that
//! asks for memory here.
//!
//! # Figures
//!
//! `cargo run --release -p thalweg-benches --bin tables -- policies` prints them: accuracies, recoveries and what was found, on
//! SEA, STAGGER, Agrawal, Hyperplane, RandomRBF and Sine without changes, with abrupt and with slow ones, for five learners
//! watched by `adwin`. These are from there: how many rows behind an abrupt change the accuracy over the last 200 is back within
//! two points of the best that was reached on the new concept; 200 is the least that it can be. Means and standard errors of 5
//! seeds, a change every 5000 rows; in brackets of how many of 15 changes a learner was not back before the next, which counts
//! as 5000. `report` is as good as none, to the bit.
//!
//! | learner | stream | none | `optimizer` | `head` | `rate:10` | `background` |
//! |---|---|---|---|---|---|---|
//! | `mlp:64,64`, `sgd:0.03` | STAGGER | 364 ± 16 | 364 ± 16 | 415 ± 20 | 291 ± 4 | 459 ± 16 |
//! | `mlp:64,64`, `sgd:0.03` | Agrawal | 1493 ± 80 | 1493 ± 80 | 1736 ± 165 | 3421 ± 219 (4) | 2357 ± 229 |
//! | `mlp:64,64`, `sgd:0.03` | RandomRBF | 910 ± 66 | 910 ± 66 | 1175 ± 84 | 4180 ± 356 (10) | 1628 ± 76 |
//! | `mlp:64,64`, `sgd:0.03` | Sine | 213 ± 2 | 213 ± 2 | 217 ± 4 | 310 ± 32 | 409 ± 66 |
//! | `mlp:64,64`, `adam:0.001` | STAGGER | 389 ± 17 | 619 ± 26 | 413 ± 18 | 260 ± 7 | 407 ± 12 |
//! | `mlp:64,64`, `adam:0.001` | Agrawal | 1673 ± 89 | 1875 ± 104 | 1547 ± 33 | 1662 ± 249 | 2226 ± 95 |
//! | `mlp:64,64`, `adam:0.001` | RandomRBF | 1135 ± 74 | 1253 ± 69 | 1234 ± 90 | 1071 ± 108 | 1481 ± 108 |
//! | `mlp:64,64`, `adam:0.001` | Sine | 251 ± 13 | 344 ± 25 | 228 ± 4 | 379 ± 8 | 386 ± 39 |
//! | `mlp:64,64`, `sgd:0.003` | STAGGER | 2285 ± 185 | 2285 ± 185 | 1706 ± 141 | 803 ± 118 | 2282 ± 101 |
//! | `mlp:64,64`, `sgd:0.003` | Agrawal | 3870 ± 308 (1) | 3870 ± 308 (1) | 4228 ± 296 (6) | 2083 ± 144 | 4741 ± 101 (11) |
//! | `mlp:64,64`, `sgd:0.003` | RandomRBF | 2008 ± 154 | 2008 ± 154 | 3971 ± 277 (3) | 1129 ± 128 | 4251 ± 191 (5) |
//! | `mlp:64,64`, `sgd:0.003` | Sine | 848 ± 60 | 848 ± 60 | 278 ± 20 | 393 ± 28 | 1008 ± 106 |
//! | `mlp:64,64`, `sgd:0.05,exponential=0.999` | STAGGER | 5000 ± 0 (15) | 349 ± 22 | 323 ± 7 | 5000 ± 0 (15) | 380 ± 8 |
//! | `mlp:64,64`, `sgd:0.05,exponential=0.999` | Agrawal | 5000 ± 0 (15) | 1557 ± 94 | 1302 ± 84 | 5000 ± 0 (15) | 2517 ± 135 (3) |
//! | `mlp:64,64`, `sgd:0.05,exponential=0.999` | RandomRBF | 5000 ± 0 (15) | 1096 ± 86 | 1075 ± 64 | 5000 ± 0 (15) | 1386 ± 76 |
//! | `mlp:64,64`, `sgd:0.05,exponential=0.999` | Sine | 3906 ± 308 (11) | 384 ± 33 | 327 ± 33 | 5000 ± 0 (15) | 595 ± 60 |
//! | `linear`, `sgd:0.03` | STAGGER | 1003 ± 11 | 1003 ± 11 | 418 ± 16 | 307 ± 4 | 428 ± 8 |
//! | `linear`, `sgd:0.03` | Sine | 485 ± 25 | 485 ± 25 | 317 ± 19 | 300 ± 10 | 343 ± 8 |
//!
//! * **Online learning is itself an answer to drift**: at a usual rate no policy helps a network in the mean over all abrupt
//!   streams, and some do harm.
//! * `rate` gains most where the rate is small (`sgd:0.003`, Agrawal: 68.3 % of all rows are right, and 73.3 % with it). It is
//!   dangerous where it is not: ten times 0.03 destroys networks (RandomRBF: 89.0 %, and 73.1 % with it).
//! * Where a schedule has made the rate small, `optimizer` and `head` bring learning back (Agrawal: from 62.1 % to 86.5 % and
//!   87.1 %), `background` later; `rate` multiplies what is almost nothing. To Adam `optimizer` does harm (STAGGER).
//! * `head` helps where classes change places and the learner is slow (Sine, `sgd:0.003`), and costs it much where what tells
//!   them apart changes (RandomRBF).
//! * `background` begins with nothing, at a time when the old model has begun to learn the new concept: with networks that could
//!   still learn it was hardly ever sooner than none and often later, even on RandomRBF, where nothing of the old concept helps.
//! * Small changes, SEA's, are hardly ever found while a learner follows them: then no policy matters. Where nothing changes,
//!   there was no false alarm in 2.5 million rows.
//!
//! # Example
//!
//! Two concepts of STAGGER, one after the other, and a new model for the second:
//!
//! ```
//! use thalweg_online::adapt::{Adaptive, PolicySpec};
//! use thalweg_online::synth::{Example, Seed, Synth};
//! use thalweg_online::{Config, Deep, DetectorSpec, Learner, Target, Task};
//!
//! let mut stream = Synth::parse("drift(stagger > stagger:function=1; at=2000)", Seed::new(1))?;
//! let deep = Deep::new(Config::new(Task::Classify));
//! let policy = PolicySpec::parse("background:warmup=50")?;
//! let mut learner = Adaptive::new(deep, DetectorSpec::parse("hddm-a")?, policy)?;
//! let mut row = Example::new();
//! for _ in 0..4000 {
//!     stream.next_row(&mut row);
//!     learner.learn_one(&row, row.target())?;
//! }
//! let drifts: Vec<u64> = learner.history().last().collect();
//! assert!(matches!(drifts[..], [row] if (2000..2100).contains(&row)), "{drifts:?}");
//! # Ok::<(), thalweg_online::Error>(())
//! ```

mod adaptive;
mod history;
mod judge;
mod policy;
mod watcher;

pub use adaptive::Adaptive;
pub use history::{History, LAST_DRIFTS};
pub use policy::PolicySpec;

use crate::error::Error;
use crate::learn::{Learner, Prediction, Target};
use crate::row::Row;

/// Whether a row is learned when it comes, or when others have come since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As [`learn_one`](Learner::learn_one) does.
    Now,
    /// As [`learn_late`](Learner::learn_late) does.
    Late,
}

/// A learner that can do what policies ask for. Without more it can [report](PolicySpec::Report):
///
/// ```
/// use thalweg_online::adapt::{Adapt, Adaptive, PolicySpec};
/// use thalweg_online::{DetectorSpec, Error, Learner, Prediction, Row, Target, Task};
///
/// struct Always(String);
///
/// impl Learner for Always {
///     fn task(&self) -> Task {
///         Task::Classify
///     }
///
///     fn predict_one(&mut self, _: &dyn Row) -> Result<Prediction<'_>, Error> {
///         Ok(Prediction::Classes { labels: std::slice::from_ref(&self.0), probabilities: &[1.0] })
///     }
///
///     fn learn_one(&mut self, _: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
///         Ok(f64::from(u8::from(y.class()? != self.0)))
///     }
/// }
///
/// impl Adapt for Always {}
///
/// let watched = |policy| Adaptive::new(Always("up".into()), DetectorSpec::default(), policy);
/// assert!(watched(PolicySpec::Report).is_ok());
/// let error = watched(PolicySpec::Head).err().map(|error| error.to_string());
/// assert_eq!(error.as_deref(), Some(r#"expected a policy that this learner can follow, found "head""#));
/// # Ok::<(), Error>(())
/// ```
pub trait Adapt: Learner + Sized {
    /// Whether it can do what a policy asks for, by one of the methods below.
    fn can(&self, policy: &PolicySpec) -> bool {
        *policy == PolicySpec::Report
    }

    /// Learns as [`learn_one`](Learner::learn_one) or [`learn_late`](Learner::learn_late) does, and tells what it says of the row
    /// before it moves: by the state from which it learns, wherever the state stands from which it predicts. Of a row without
    /// weight it need not. A class that the row brings is none that it could have said.
    ///
    /// As it stands it is for learners that carry no state from row to row.
    ///
    /// # Errors
    ///
    /// As [`learn_one`](Learner::learn_one).
    fn learn_telling(
        &mut self,
        x: &dyn Row,
        y: Target<'_>,
        when: When,
        tell: &mut dyn FnMut(Prediction<'_>),
    ) -> Result<f64, Error> {
        tell(self.predict_one(x)?);
        match when {
            When::Now => self.learn_one(x, y),
            When::Late => self.learn_late(x, y),
        }
    }

    /// What was learned so far is to be held, if that was asked for: what comes is another context.
    fn end_context(&mut self) {}

    /// The optimizer is as before its first step.
    fn restart_optimizer(&mut self) {}

    /// The head is as before its first step, but knows its classes; so is the optimizer.
    fn reset_head(&mut self) {}

    /// From here on the learning rate is `factor` times what it would be.
    fn scale_rate(&mut self, factor: f64) {
        let _ = factor;
    }

    /// One that is made alike and has learned nothing. It knows the classes in their order, and what stands beside the next row.
    fn fresh(&self) -> Option<Self> {
        None
    }

    /// One that began [fresh](Adapt::fresh), and has learned some of the last rows, takes its place. Counts go on.
    fn give_way_to(&mut self, fresh: Self) {
        *self = fresh;
    }

    /// Whether another, both read from a file, may [take its place](Adapt::give_way_to).
    fn is_alike(&self, other: &Self) -> bool {
        self.task() == other.task()
    }
}
