//! How well each context is known, when it ends and ever after: the accuracy matrix of a stream that is learned once.
//!
//! | | |
//! |---|---|
//! | [`HoldOut`] | which rows are kept for a test |
//! | [`ContextScores`] | those rows, and the accuracies on them, as part of a [`Session`](crate::Session) |
//!
//! Where the [context](crate::StreamOptions::context) of a row is another one than before, a *phase* ends:
//!
//! ```text
//!   R[i][j] = accuracy on the rows that are kept of context j, after phase i      j: all contexts so far
//!   b[j]    = the same before anything of context j was learned
//! ```
//!
//! **Rows that are kept are not learned.** Of a context that was never seen before the first row is kept, and then every Nth,
//! until there are as many as there may be: an upper bound, so that memory is bounded however long a stream is. For learner and
//! test-then-train figures it is as if they were not there (a [delay](crate::Delay) of so many rows counts them). A row
//! without a class or weight is not kept.
//!
//! **Contexts may come in any order, and again.** One that returns is another phase, and its rows are those that are kept
//! already: all that come now are learned. (Rows that a stream repeats are unseen no longer then.)
//!
//! **A test changes nothing.** Rows are only predicted, each as if it came next: a recurrent network goes on from the state that
//! it carries for the stream. Lags, and the last known target, are those of the time when the row came. A row that cannot be
//! used any more, as its column has become one of another type, counts as wrong. What waits for a delayed label is not learned
//! yet when a phase ends.
//!
//! **Before a context came** its rows were not there to be asked. So the learner is copied when a new context begins, and the copy
//! is asked when its first phase ends: b is exact, and costs the memory of a second learner.
//!
//! # Figures
//!
//! As in [`continual`](crate::continual), to the bit where no context returns; P phases, the last one in context c:
//!
//! | figure | definition |
//! |---|---|
//! | [`average_accuracy`](ContextScores::average_accuracy) | the mean of R\[P\]\[j\] |
//! | [`anytime_accuracy`](ContextScores::anytime_accuracy) | the mean over phases of the mean of R\[i\] |
//! | [`backward_transfer`](ContextScores::backward_transfer) | the mean over j ≠ c of R\[P\]\[j\] − R\[i\]\[j\], i the last phase in j |
//! | [`forward_transfer`](ContextScores::forward_transfer) | the mean of b\[j\] over all contexts but the first: a learner that has seen nothing says nothing, so it is compared with 0 |
//! | [`forgetting`](ContextScores::forgetting) | the mean over j ≠ c of the best before P, b\[j\] included, less R\[P\]\[j\] |
//!
//! There is no intransigence: it asks for a second model that learns all contexts at once, which one pass does not give. Means are
//! over contexts of which rows are kept.

mod figures;
mod hold_out;

pub use hold_out::HoldOut;

use serde::{Deserialize, Serialize};

use super::AnyLearner;
use crate::delay::KeptRow;
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Target, Task};
use crate::row::Row;
use crate::saved::{Checked, checked, ensure};
use crate::stream::Record;

/// More phases than this are none: the column says something else.
pub const MOST_PHASES: usize = 1000;

/// Rows that are kept of each context, and the accuracies on them: see the [module](self).
///
/// ```
/// use std::io::Cursor;
/// use thalweg_online::session::HoldOut;
/// use thalweg_online::{Config, Record, Session, StreamOptions, Task, stream};
///
/// // Up is where x is large; then it is where x is small.
/// let up = |row: u32| (row * 7 % 11 > 5) == (row < 300);
/// let row = |row| format!("{},{},{}\n", row / 300, row * 7 % 11, if up(row) { "up" } else { "down" });
/// let text = "month,x,class\n".to_owned() + &(0..600).map(row).collect::<String>();
/// let options = StreamOptions { context: Some("month".to_owned()), ..StreamOptions::default() };
/// let mut rows = stream::from_reader("rows", Cursor::new(text), &options)?;
///
/// let session = Session::new(Config::new(Task::Classify), "rows", options);
/// let (mut session, mut record) = (session.holding_out(HoldOut::parse("5,most=50")?)?, Record::new());
/// while session.advance(&mut *rows, &mut record)? {}
/// session.finish()?;
/// let contexts = session.contexts().expect("they were asked for");
/// let phases: Vec<_> = contexts.phases().collect();
/// assert_eq!((phases.len(), contexts.held_out(), session.learner().rows()), (2, 100, 500));
/// assert!(phases[0].1[0] > 0.9 && phases[1].1[1] > 0.9, "each is known when it ends");
/// assert!(contexts.forgetting() > 0.8 && contexts.forward_transfer() < 0.1, "nothing of the first holds in the second");
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct ContextScores {
    hold_out: HoldOut,
    contexts: Vec<Context>,
    phases: Vec<Phase>,
    /// Which context goes on.
    current: Option<usize>,
    /// The learner as it was when that began, if nothing of it was known.
    before: Option<Box<AnyLearner>>,
    /// So many rows are learned before the next one is kept.
    wait: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Context {
    name: String,
    /// And the class of each.
    rows: Vec<(KeptRow, String)>,
    /// b: NaN as long as its first phase goes on.
    before: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Phase {
    context: usize,
    accuracies: Vec<f64>,
}

checked!(ContextScores);

impl Checked for ContextScores {
    fn check(&self) -> Result<(), Error> {
        let ContextScores { hold_out, contexts, phases, current, before, .. } = self;
        let known = contexts.len();
        let of_known = |phase: &Phase| phase.context < phase.accuracies.len() && phase.accuracies.len() <= known;
        let sound = contexts.iter().all(|context| context.rows.len() <= hold_out.most())
            && phases.iter().all(of_known)
            && phases.len().max(known) <= MOST_PHASES
            && current.is_none_or(|current| current < known)
            && before.as_ref().is_none_or(|before| before.task() == Task::Classify && current.is_some());
        ensure(sound, "rows of contexts that came, and accuracies on them")
    }
}

impl ContextScores {
    pub(super) fn new(hold_out: HoldOut) -> Self {
        ContextScores { hold_out, contexts: Vec::new(), phases: Vec::new(), current: None, before: None, wait: 0 }
    }

    /// Which rows are kept.
    #[must_use]
    pub fn hold_out(&self) -> HoldOut {
        self.hold_out
    }

    /// How many rows are kept.
    #[must_use]
    pub fn held_out(&self) -> usize {
        self.contexts.iter().map(|context| context.rows.len()).sum()
    }

    /// The contexts in the order in which they came first: the name of each, how many rows are kept of it, and b, the accuracy
    /// on them before anything of it was learned, which is NaN until its first phase has ended.
    pub fn contexts(&self) -> impl ExactSizeIterator<Item = (&str, usize, f64)> {
        self.contexts.iter().map(|context| (&*context.name, context.rows.len(), context.before))
    }

    /// The phases that have ended: the number of the context of each, and its row of R, `[contexts so far]`, NaN where no row is
    /// kept.
    pub fn phases(&self) -> impl ExactSizeIterator<Item = (usize, &[f64])> {
        self.phases.iter().map(|phase| (phase.context, &*phase.accuracies))
    }

    /// A row says which context it belongs to, or nothing. If it is another one than before, a phase ends.
    pub(super) fn enter(&mut self, name: Option<&str>, learner: &mut AnyLearner) -> Result<(), Error> {
        let is_new = |name: &&str| self.current.is_none_or(|current| self.contexts[current].name != *name);
        let Some(name) = name.filter(is_new) else { return Ok(()) };
        if self.phases.len() + usize::from(self.current.is_some()) >= MOST_PHASES {
            let message = format!(
                "expected at most {MOST_PHASES} phases where rows of contexts are held out, found another one, in {name:?}"
            );
            return Err(Error::new(ErrorKind::Value, message));
        }
        self.end(learner);
        let known = self.contexts.iter().position(|context| context.name == name);
        self.current = Some(known.unwrap_or(self.contexts.len()));
        if known.is_none() {
            self.contexts.push(Context { name: name.to_owned(), rows: Vec::new(), before: f64::NAN });
            (self.before, self.wait) = (Some(Box::new(learner.clone())), 0);
        }
        Ok(())
    }

    /// A row comes. Whether it is kept, instead of being learned.
    pub(super) fn keep(&mut self, learner: &mut AnyLearner, x: &Record, y: Option<Target<'_>>) -> Result<bool, Error> {
        let (Some(current), Some(Target::Class(class)), true) = (self.current, y, self.wait == 0) else {
            return Ok(false);
        };
        let rows = &mut self.contexts[current].rows;
        if self.before.is_none() || rows.len() == self.hold_out.most() || Row::weight(x) == 0.0 {
            return Ok(false);
        }
        learner.predict_one(x)?; // a row that cannot be used is refused now, as any other
        let mut kept = KeptRow::new();
        learner.keep(x, &mut kept);
        rows.push((kept, class.to_owned()));
        self.wait = self.hold_out.every();
        Ok(true)
    }

    /// A row was learned, or kept.
    pub(super) fn passed(&mut self) {
        self.wait = self.wait.saturating_sub(1);
    }

    /// The phase that goes on ends.
    pub(super) fn end(&mut self, learner: &mut AnyLearner) {
        let Some(context) = self.current.take() else { return };
        if let Some(mut before) = self.before.take() {
            self.contexts[context].before = accuracy(&mut before, &self.contexts[context].rows);
        }
        let accuracies = self.contexts.iter().map(|context| accuracy(learner, &context.rows)).collect();
        self.phases.push(Phase { context, accuracies });
    }
}

/// The share of rows, by weight, whose most probable class is the right one. NaN of no rows.
fn accuracy(learner: &mut AnyLearner, rows: &[(KeptRow, String)]) -> f64 {
    let (mut right, mut all) = (0.0, 0.0);
    for (x, class) in rows {
        let is_right = learner.predict_one(x).is_ok_and(|said| said.label() == Some(class));
        right += if is_right { x.weight() } else { 0.0 };
        all += x.weight();
    }
    right / all
}
