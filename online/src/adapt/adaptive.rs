//! The wrapper.

mod background;

use serde::{Deserialize, Serialize};

use super::history::History;
use super::judge::Judge;
use super::policy::PolicySpec;
use super::watcher::Watcher;
use super::{Adapt, When};
use crate::delay::KeptRow;
use crate::drift::{DetectorSpec, Signal};
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction, Target, Task};
use crate::row::Row;
use crate::saved::ensure;
use background::Background;

/// A learner whose error is watched, and that does something when it has risen: see the [module](super).
///
/// ```
/// use thalweg_online::adapt::{Adaptive, PolicySpec};
/// use thalweg_online::{Config, Deep, DetectorSpec, Learner, Target, Task};
///
/// let deep = Deep::new(Config::new(Task::Classify));
/// let mut learner = Adaptive::new(deep, DetectorSpec::parse("adwin")?, PolicySpec::parse("head")?)?;
/// for k in 0..4000_u32 {
///     let (a, b) = (k * 7 % 11, k * 13 % 17);
///     let is_up = (a > 5) == (k < 2000); // from row 2000 on everything is the other way round
///     learner.learn_one(&[("a", a), ("b", b)], Target::Class(if is_up { "up" } else { "down" }))?;
/// }
/// let first = learner.history().last().next();
/// assert!(first.is_some_and(|row| (2000..2200).contains(&row)), "{first:?}");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<L>")]
#[serde(bound(serialize = "L: Serialize", deserialize = "L: Adapt + Deserialize<'de>"))]
pub struct Adaptive<L> {
    learner: L,
    policy: PolicySpec,
    watcher: Watcher,
    judge: Judge,
    history: History,
    /// How many more rows are learned at a higher rate.
    widened: u64,
    background: Option<Background<L>>,
}

impl<L: Adapt> Adaptive<L> {
    /// A learner, what watches its error, and what it does when that has risen.
    ///
    /// # Errors
    ///
    /// If the learner cannot do it, or the detector or the policy cannot be: it looks for errors that fall, a number is out of
    /// bounds.
    pub fn new(learner: L, drift: DetectorSpec, policy: PolicySpec) -> Result<Self, Error> {
        policy.check()?;
        can(&learner, &policy)?;
        let watcher = Watcher::new(drift, policy.needs_warnings())?;
        let (judge, history) = (Judge::default(), History::default());
        Ok(Adaptive { learner, policy, watcher, judge, history, widened: 0, background: None })
    }

    /// The learner that predicts.
    #[must_use]
    pub fn learner(&self) -> &L {
        &self.learner
    }

    /// The learner that predicts, alone.
    #[must_use]
    pub fn into_learner(self) -> L {
        self.learner
    }

    /// What is done at a drift.
    #[must_use]
    pub fn policy(&self) -> &PolicySpec {
        &self.policy
    }

    /// What was asked to watch the error.
    #[must_use]
    pub fn drift(&self) -> &DetectorSpec {
        self.watcher.asked()
    }

    /// What has happened so far.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The model that learns in the background, if there is one.
    #[must_use]
    pub fn background(&self) -> Option<&L> {
        self.background.as_ref().map(|background| &background.learner)
    }

    /// The learner, and the one in the background.
    pub(crate) fn learners_mut(&mut self) -> impl Iterator<Item = &mut L> {
        let background = self.background.as_mut().map(|background| &mut background.learner);
        std::iter::once(&mut self.learner).chain(background)
    }

    fn learn(&mut self, x: &dyn Row, y: Target<'_>, when: When) -> Result<f64, Error> {
        let Adaptive { learner, judge, watcher, .. } = self;
        let (mut error, domain, counts) = (None, watcher.domain(), x.weight() > 0.0);
        let loss = learner.learn_telling(x, y, when, &mut |said| error = judge.error(&said, &y, domain))?;
        // From here on nothing can fail.
        judge.observe(&y);
        let signal = error.filter(|_| counts).map_or(Signal::Stable, |error| watcher.update(error));
        self.history.row();
        self.history.note_warning(signal == Signal::Warning);
        self.narrow();
        self.learn_beside(x, y, when);
        match signal {
            Signal::Stable => {}
            Signal::Warning => self.begin_beside(false),
            Signal::Drift => {
                self.history.note_drift();
                self.act();
            }
        }
        self.decide();
        Ok(loss)
    }

    /// What is done at a drift.
    fn act(&mut self) {
        self.learner.end_context();
        match self.policy {
            PolicySpec::Report => {}
            PolicySpec::Optimizer => self.learner.restart_optimizer(),
            PolicySpec::Head => self.learner.reset_head(),
            PolicySpec::Rate { factor, rows } => {
                self.widened = rows;
                self.learner.scale_rate(factor);
            }
            PolicySpec::Background { .. } => self.begin_beside(true),
        }
    }

    /// The learning rate falls back by a row.
    fn narrow(&mut self) {
        if let (PolicySpec::Rate { factor, rows }, 1..) = (&self.policy, self.widened) {
            self.widened -= 1;
            self.learner.scale_rate(1.0 + (factor - 1.0) * self.widened as f64 / *rows as f64);
        }
    }
}

/// An error unless a learner can do what a policy asks for.
fn can<L: Adapt>(learner: &L, policy: &PolicySpec) -> Result<(), Error> {
    let cannot = || Error::expected(ErrorKind::Spec, "a policy that this learner can follow", &policy.to_string());
    learner.can(policy).then_some(()).ok_or_else(cannot)
}

impl<L: Adapt> Learner for Adaptive<L> {
    fn task(&self) -> Task {
        self.learner.task()
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        self.learner.predict_one(x)
    }

    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        self.learner.pass_one(x)?;
        if let Some(background) = &mut self.background {
            // One that cannot stays where it is: nothing is lost by that.
            let _ = background.learner.pass_one(x);
        }
        Ok(())
    }

    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        self.learner.keep(x, kept);
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn(x, y, When::Now)
    }

    fn learn_late(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn(x, y, When::Late)
    }
}

/// The same, before it is checked.
#[derive(Deserialize)]
struct Saved<L> {
    learner: L,
    policy: PolicySpec,
    watcher: Watcher,
    judge: Judge,
    history: History,
    widened: u64,
    background: Option<Background<L>>,
}

impl<L: Adapt> TryFrom<Saved<L>> for Adaptive<L> {
    type Error = Error;

    fn try_from(saved: Saved<L>) -> Result<Self, Error> {
        let Saved { learner, policy, watcher, judge, history, widened, background } = saved;
        can(&learner, &policy)?;
        watcher.check(policy.needs_warnings())?;
        history.check()?;
        let most = if let PolicySpec::Rate { rows, .. } = policy { rows } else { 0 };
        ensure(widened <= most, "a rate that is widened for a while")?;
        let fits = |background: &Background<L>| policy.needs_warnings() && background.is_like(&learner);
        ensure(background.as_ref().is_none_or(fits), "a model in the background that is like the other")?;
        Ok(Adaptive { learner, policy, watcher, judge, history, widened, background })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deep::{Config, Deep, Model};
    use crate::saved::testing::refuses;

    /// With a model in the background.
    fn adaptive(policy: &str) -> Adaptive<Deep> {
        let config = Config { model: Model::parse("mlp:3").expect("a model"), ..Config::new(Task::Classify) };
        let drift = DetectorSpec::parse("cusum:warm_start=4,threshold=1").expect("a detector");
        let policy = PolicySpec::parse(policy).expect("a policy");
        let mut adaptive = Adaptive::new(Deep::new(config), drift, policy).expect("it can do anything");
        for row in 0..30_u32 {
            let label = if row < 20 || row % 3 == 0 { "a" } else { "b" };
            adaptive.learn_one(&[("x", row % 5)], Target::Class(label)).expect("the row is good");
        }
        adaptive
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let good = adaptive("background:warmup=1000");
        assert!(good.background().is_some() && good.history().drifts() > 0);
        refuses(
            &good,
            &[
                ("a background that nobody asked for", |adaptive| adaptive.policy = PolicySpec::Report),
                ("a policy that cannot be", |adaptive| {
                    adaptive.policy = PolicySpec::Background { warmup: 0, patience: 1 };
                }),
                ("a rate that nobody asked for", |adaptive| adaptive.widened = 1),
                ("other detectors", |adaptive| {
                    adaptive.watcher = Watcher::new(DetectorSpec::default(), false).expect("a detector");
                }),
                ("a background of other classes", |adaptive| {
                    let config = adaptive.learner.config().clone();
                    adaptive.background.as_mut().expect("it is there").learner = Deep::new(config);
                }),
                ("a background that cannot count on", |adaptive| {
                    adaptive.background.as_mut().expect("it is there").rows = u64::MAX;
                }),
                ("a history of other rows", |adaptive| {
                    adaptive.history = History::default();
                    adaptive.history.note_drift();
                }),
                ("a rate that is none", |adaptive| adaptive.learner.scale_rate(f64::NAN)),
            ],
        );
        refuses(&adaptive("rate:3,rows=9"), &[("a rate that is widened for ever", |adaptive| adaptive.widened = 10)]);
    }

    #[test]
    fn a_drift_ends_a_context() {
        let consolidation = "ewc:1".parse().expect("a consolidation");
        let deep = Deep::new(Config { consolidation, ..Config::new(Task::Classify) });
        let mut adaptive = Adaptive::new(deep, DetectorSpec::default(), PolicySpec::Report).expect("it can report");
        adaptive.learn_one(&[("x", 1.0)], Target::Class("a")).expect("the row is good");
        adaptive.act();
        assert_eq!(adaptive.learner.held().contexts, 1);
    }

    #[test]
    fn a_widened_rate_falls_back_to_what_it_was() {
        let mut adaptive = adaptive("rate:5,rows=4");
        adaptive.act();
        adaptive.watcher = Watcher::new(DetectorSpec::default(), false).expect("a detector");
        let mut rates = vec![adaptive.learner.rate()];
        for _ in 0..5 {
            adaptive.learn_one(&[("x", 1.0)], Target::Class("a")).expect("the row is good");
            rates.push(adaptive.learner.rate());
        }
        assert_eq!(rates, [5.0, 4.0, 3.0, 2.0, 1.0, 1.0]);
    }
}
