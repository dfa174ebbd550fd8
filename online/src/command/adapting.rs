//! What watches a learner for drift, and what is done then: what `run`, `learn` and `compare` have in common.

use clap::Args;
use serde_json::{Value, json};
use thalweg_online::adapt::{Adaptive, PolicySpec};
use thalweg_online::{AnyLearner, Deep, DetectorSpec, Error};

use super::report::{counted, grouped};

/// A detector and a policy.
#[derive(Clone, Debug, Args)]
pub struct Adapting {
    /// Watch the error for a rise, and do what --policy says: adwin:delta=0.002, hddm-a, hddm-w, ddm, eddm, page-hinkley, kswin
    /// or cusum [default: none, with --policy adwin]
    #[arg(long, value_name = "SPEC")]
    pub(super) drift: Option<DetectorSpec>,
    /// What is done when the error has risen: report, optimizer (it begins anew), head (so does the last layer), rate:10,rows=500
    /// (a learning rate 10 times as high, for a while), or background:warmup=100,patience=500 (a new model, which learns beside
    /// since the warning, takes over) [default: report]
    #[arg(long, value_name = "SPEC")]
    pub(super) policy: Option<PolicySpec>,
}

impl Adapting {
    /// Whether the error is to be watched.
    pub fn is_asked(&self) -> bool {
        self.drift.is_some() || self.policy.is_some()
    }

    /// The network, watched if that was asked for.
    pub fn over(&self, deep: Deep) -> Result<AnyLearner, Error> {
        if !self.is_asked() {
            return Ok(deep.into());
        }
        let (drift, policy) = (self.drift.unwrap_or_default(), self.policy.clone().unwrap_or_default());
        Ok(Adaptive::new(deep, drift, policy)?.into())
    }
}

/// The drifts so far, for people; nothing of a learner that is not watched.
pub fn drifts_as_text(learner: &AnyLearner) -> Option<String> {
    const SHOWN: usize = 10;
    let history = learner.as_adaptive()?.history();
    let rows: Vec<String> = history.last().skip(history.last().len().saturating_sub(SHOWN)).map(grouped).collect();
    let last = if rows.len() as u64 == history.drifts() { "" } else { "the last " };
    let at = if rows.is_empty() { String::new() } else { format!(", {last}at learned row {}", rows.join(", ")) };
    let mut text = counted(history.drifts(), "drift", "drifts") + &at;
    if history.warnings() > 0 {
        text += &format!("; {}", counted(history.warnings(), "warning", "warnings"));
    }
    Some(text)
}

/// The same for programs.
pub fn drifts_as_json(learner: &AnyLearner) -> Value {
    learner.as_adaptive().map_or(Value::Null, |adaptive| {
        let history = adaptive.history();
        json!({
            "count": history.drifts(),
            "rows": history.last().collect::<Vec<_>>(),
            "warnings": history.warnings(),
            "dropped": history.dropped(),
        })
    })
}
