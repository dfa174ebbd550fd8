//! A learner whose labels come later, each by the name of its row.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{KeptRow, MOST_WAITING};
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction, Target};
use crate::row::{Row, weight_of};

/// A learner and the rows that wait for their labels: what a service needs that predicts today and is told tomorrow.
///
/// [`predict`](Delayed::predict) answers and keeps the row; [`learn`](Delayed::learn) brings its label, in any order.
/// All of it, the waiting rows included, is one value to be saved.
///
/// **When it is full**, at `capacity` waiting rows, the row that has waited longest makes room for a new one: it is
/// never learned, it is [counted](Delayed::given_up), and its label, should it come, belongs to an unknown row. So
/// labels that never come cost a bounded memory, and nothing else.
///
/// **A recurrent state** [passes](Learner::pass_one) each row once, when the next is predicted: that is predicted from
/// behind all rows that came before it, those whose labels are out or never came included. See [what a learner
/// knows](super#what-a-learner-knows-under-delay).
///
/// ```
/// use thalweg_online::{Config, Deep, Target, Task, delay::Delayed};
///
/// let mut service = Delayed::new(Deep::new(Config::new(Task::Classify)), 1000);
/// service.predict("flight 17", &[("wind", 3.5)])?;
/// service.predict("flight 18", &[("wind", 19.0)])?;
/// service.learn("flight 18", Target::Class("late"))?;
/// assert_eq!((service.waiting(), service.learner().rows()), (1, 1));
/// let error = service.learn("flight 18", Target::Class("late")).unwrap_err().to_string();
/// assert_eq!(error, r#"expected the id of a row that waits for its label, found "flight 18""#);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
///
/// **A forecast** is a row that is called by the name of what it is asked for. It is learned as it is now, with the
/// lags of today:
///
/// ```
/// use thalweg_online::{Config, Deep, Target, Task, delay::Delayed};
///
/// let mut service = Delayed::new(Deep::new(Config::new(Task::Regress)), 1000);
/// for day in 0..100 {
///     let load = f64::from(day % 7);
///     if day >= 3 {
///         service.learn(&format!("day {day}"), Target::Value(load))?; // what was asked three days ago
///     }
///     service.predict(&format!("day {}", day + 3), &[("load", load)])?;
/// }
/// assert_eq!(service.ids().collect::<Vec<_>>(), ["day 100", "day 101", "day 102"]);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved<L>", into = "Saved<L>")]
#[serde(bound(serialize = "L: Clone + Serialize", deserialize = "L: Deserialize<'de>"))]
pub struct Delayed<L> {
    learner: L,
    capacity: usize,
    /// By id, each with its place in the order of arrival.
    rows: BTreeMap<String, (u64, KeptRow)>,
    /// The ids, by the order of arrival.
    order: BTreeMap<u64, String>,
    given_up: u64,
    newest: Newest,
}

/// Where the row is that came last. What was said of it is borrowed: so the learner's state does not pass it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Newest {
    /// It waits, and the state stands before it.
    Ahead,
    /// It waits, and the state has passed it.
    Passed,
    /// It was learned or let go.
    Gone,
}

impl<L: Learner> Delayed<L> {
    /// A learner for whose labels at most `capacity` rows wait.
    ///
    /// # Panics
    ///
    /// If `capacity` is 0 or more than [`MOST_WAITING`].
    #[track_caller]
    #[must_use]
    pub fn new(learner: L, capacity: usize) -> Self {
        assert!((1..=MOST_WAITING).contains(&capacity), "Delayed: 1 ≤ capacity ≤ {MOST_WAITING}: {capacity}");
        Delayed { learner, capacity, rows: BTreeMap::new(), order: BTreeMap::new(), given_up: 0, newest: Newest::Gone }
    }

    /// Predicts `x`, which waits under the name `id` from now on.
    ///
    /// # Errors
    ///
    /// If a row of this name waits already, or `x` cannot be used. Nothing has changed then.
    pub fn predict(&mut self, id: &str, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        if self.rows.contains_key(id) {
            return Err(Error::expected(ErrorKind::Value, "an id of which no row waits yet", id));
        }
        weight_of(x)?; // or its label could never be learned
        self.pass();
        let mut kept = KeptRow::new();
        self.learner.keep(x, &mut kept);
        let prediction = self.learner.predict_one(x)?;
        if self.rows.len() == self.capacity
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.rows.remove(&oldest);
            self.given_up += 1;
        }
        let place = self.order.last_key_value().map_or(0, |(last, _)| last + 1);
        self.order.insert(place, id.to_owned());
        self.rows.insert(id.to_owned(), (place, kept));
        self.newest = Newest::Ahead;
        Ok(prediction)
    }

    /// The state passes the row that came last.
    fn pass(&mut self) {
        if self.newest == Newest::Ahead
            && let Some((_, row)) = self.order.last_key_value().and_then(|(_, id)| self.rows.get(id))
        {
            // Nothing was learned since it was predicted, so it can be read. Else it is an error when it is learned.
            let _ = self.learner.pass_one(row);
            self.newest = Newest::Passed;
        }
    }

    /// A row waits no longer.
    fn remove(&mut self, id: &str) -> Option<KeptRow> {
        let (place, row) = self.rows.remove(id)?;
        let was_last = self.order.last_key_value().is_some_and(|(&last, _)| last == place);
        if was_last {
            self.newest = Newest::Gone;
        }
        self.order.remove(&place);
        Some(row)
    }

    /// Learns that `y` is the label of the row called `id`, which no longer waits, and returns the loss *before* that:
    /// by what the learner says of the row today.
    ///
    /// # Errors
    ///
    /// If no row of this name waits, or the learner cannot use the row or `y`. Nothing is learned then, and the row
    /// still waits; but a recurrent state may have [passed](Learner::pass_one) the row that came last, as it does
    /// before the next.
    pub fn learn(&mut self, id: &str, y: Target<'_>) -> Result<f64, Error> {
        if !self.rows.contains_key(id) {
            return Err(Error::expected(ErrorKind::Value, "the id of a row that waits for its label", id));
        }
        let loss = if self.rows.len() == 1 && self.newest != Newest::Gone {
            self.learner.learn_one(&self.rows[id].1, y)?
        } else {
            self.pass(); // others have come since, or wait
            self.learner.learn_late(&self.rows[id].1, y)?
        };
        self.remove(id);
        Ok(loss)
    }

    /// Lets a row go whose label will not come. Whether it was waiting.
    pub fn forget(&mut self, id: &str) -> bool {
        if self.rows.contains_key(id) {
            self.pass();
        }
        self.remove(id).is_some()
    }

    /// How many rows wait for their labels.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rows.len()
    }

    /// The names of the rows that wait, in the order in which they came.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.order.values().map(String::as_str)
    }

    /// How many rows at most can wait.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many rows made room for others before their label came.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// The learner. Its recurrent state stands before the row that came last: it passes it when the next is predicted.
    #[must_use]
    pub fn learner(&self) -> &L {
        &self.learner
    }

    /// The learner alone, to predict what comes next. What waits is lost.
    #[must_use]
    pub fn into_learner(mut self) -> L {
        self.pass();
        self.learner
    }
}

/// The rows in the order of arrival: everything else follows from it.
#[derive(Serialize, Deserialize)]
struct Saved<L> {
    learner: L,
    capacity: usize,
    rows: Vec<(String, KeptRow)>,
    #[serde(deserialize_with = "crate::saved::count")]
    given_up: u64,
    newest: Newest,
}

impl<L> From<Delayed<L>> for Saved<L> {
    fn from(delayed: Delayed<L>) -> Self {
        let Delayed { learner, capacity, mut rows, order, given_up, newest } = delayed;
        let rows = order.into_values().filter_map(|id| rows.remove(&id).map(|(_, row)| (id, row))).collect();
        Saved { learner, capacity, rows, given_up, newest }
    }
}

impl<L> TryFrom<Saved<L>> for Delayed<L> {
    type Error = Error;

    fn try_from(saved: Saved<L>) -> Result<Self, Error> {
        let Saved { learner, capacity, rows: saved, given_up, newest } = saved;
        let (waiting, mut rows, mut order) = (saved.len(), BTreeMap::new(), BTreeMap::new());
        for (place, (id, row)) in (0..).zip(saved) {
            order.insert(place, id.clone());
            rows.insert(id, (place, row));
        }
        let newest = if waiting == 0 { Newest::Gone } else { newest };
        if rows.len() < waiting || waiting > capacity || !(1..=MOST_WAITING).contains(&capacity) {
            let message = format!("expected at most {capacity} waiting rows, each once, found {waiting}");
            return Err(Error::new(ErrorKind::Checkpoint, message));
        }
        Ok(Delayed { learner, capacity, rows, order, given_up, newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::LastValue;
    use proptest::prelude::*;

    const X: [(&str, f64); 1] = [("x", 1.0)];

    #[test]
    fn what_is_refused_changes_nothing() -> Result<(), Error> {
        let mut delayed = Delayed::new(LastValue::new(), 2);
        delayed.predict("a", &X)?;
        let state = |delayed: &Delayed<LastValue>| serde_json::to_string(delayed).unwrap();
        let before = state(&delayed);
        let twice = delayed.predict("a", &X).unwrap_err().to_string();
        assert_eq!(twice, "expected an id of which no row waits yet, found \"a\"");
        assert!(delayed.predict("b", &crate::Weighted(X, -1.0)).is_err());
        let unknown = delayed.learn("b", Target::Value(1.0)).unwrap_err().to_string();
        assert_eq!(unknown, "expected the id of a row that waits for its label, found \"b\"");
        assert_eq!(delayed.learn("a", Target::Class("up")).unwrap_err().kind(), ErrorKind::Type);
        assert_eq!(delayed.learn("a", Target::Value(f64::NAN)).unwrap_err().kind(), ErrorKind::Value);
        assert!(!delayed.forget("b"));
        assert_eq!(state(&delayed), before);
        delayed.learn("a", Target::Value(1.0))?;
        delayed.predict("a", &X)?;
        assert!(delayed.forget("a"));
        assert_eq!(delayed.waiting(), 0);
        Ok(())
    }

    #[test]
    fn the_row_that_waited_longest_makes_room() -> Result<(), Error> {
        let mut delayed = Delayed::new(LastValue::new(), 2);
        for id in ["c", "b", "a"] {
            delayed.predict(id, &X)?;
        }
        assert_eq!((delayed.ids().collect::<Vec<_>>(), delayed.given_up()), (vec!["b", "a"], 1));
        assert!(delayed.learn("c", Target::Value(1.0)).is_err());
        delayed.learn("a", Target::Value(5.0))?;
        assert_eq!(delayed.predict("d", &X)?.value(), Some(5.0));
        assert_eq!(delayed.ids().collect::<Vec<_>>(), ["b", "d"]);
        Ok(())
    }

    proptest! {
        #[test]
        fn saved_and_loaded_it_goes_on(steps in prop::collection::vec((any::<bool>(), 0..6_u8), 0..60), stop in 0..60_usize) {
            let run = |delayed: &mut Delayed<LastValue>, steps: &[(bool, u8)]| {
                for &(asks, id) in steps {
                    let name = id.to_string();
                    // Some ids are unknown, some come twice.
                    match asks {
                        true => drop(delayed.predict(&name, &[("x", f64::from(id))])),
                        false => drop(delayed.learn(&name, Target::Value(f64::from(id)))),
                    }
                }
            };
            let mut unbroken = Delayed::new(LastValue::new(), 3);
            let mut stopped = unbroken.clone();
            run(&mut unbroken, &steps);
            let (first, second) = steps.split_at(stop.min(steps.len()));
            run(&mut stopped, first);
            let bytes = |delayed| bincode::serialize(delayed).unwrap();
            let mut loaded = bincode::deserialize(&bytes(&stopped)).unwrap();
            run(&mut loaded, second);
            prop_assert_eq!(bytes(&loaded), bytes(&unbroken));
        }
    }
}
