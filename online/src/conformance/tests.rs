//! The tester is tested: for each law a learner that breaks it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::check;
use crate::baseline::{LastLabel, LastLabels, LastValue, Majority, MajorityLabels, RunningMean};
use crate::delay::KeptRow;
use crate::error::{Error, ErrorKind};
use crate::learn::{Learner, Prediction, Target, Task};
use crate::row::{Row, weight_of};

/// A way to be wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Fault {
    #[default]
    None,
    Unready,
    Random,
    LearnsFromQuestions,
    ByPosition,
    FixedWidth,
    NanInTheMean,
    ChecksTooLate,
    Shared,
    Forgetful,
    KeepsAllRows,
    ManyAtOnce,
    NothingDivided,
    LearnsInPassing,
    MovesAndRefuses,
    PassesUnsaved,
    KeepsNothing,
    LateIsTooLate,
}

thread_local! {
    static CHAOS: Cell<u64> = const { Cell::new(0) };
}

/// Predicts the mean of all cells that were numbers: right, but for its fault.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Faulty {
    fault: Fault,
    sum: f64,
    count: u64,
    width: Option<usize>,
    rows: Vec<f64>,
    #[serde(skip)]
    unsaved: f64,
    #[serde(skip)]
    shared: Rc<RefCell<f64>>,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Faulty { fault, ..Faulty::default() }
    }

    fn take_in(&mut self, x: &dyn Row) {
        for index in 0..x.len() {
            let value = match x.cell(index).1 {
                crate::Value::Number(number) if self.fault == Fault::NanInTheMean => Some(number),
                value => value.number(),
            };
            let weight = if self.fault == Fault::ByPosition { (index + 1) as f64 } else { 1.0 };
            // Whole numbers, so that their sum does not depend on the order.
            value.into_iter().for_each(|value| self.sum += weight * (1024.0 * value).round());
            self.count += 1;
        }
    }
}

impl Learner for Faulty {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        if self.fault == Fault::Unready && self.count == 0 {
            return Ok(Prediction::Value(f64::NAN));
        }
        if self.fault == Fault::LearnsFromQuestions {
            self.take_in(x);
        }
        let chaos = CHAOS.get() + 1;
        CHAOS.set(chaos);
        let more = match self.fault {
            Fault::Random => chaos as f64,
            Fault::Forgetful | Fault::PassesUnsaved => self.unsaved,
            Fault::Shared => *self.shared.borrow(),
            _ => 0.0,
        };
        let mean = self.sum / self.count.max(1) as f64;
        Ok(Prediction::Value(if mean.is_nan() { 0.0 } else { mean } + more))
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        if self.fault == Fault::ChecksTooLate {
            self.take_in(x);
            weight_of(x)?;
            y.number()?;
            return Ok(0.0);
        }
        let (weight, y) = (weight_of(x)?, y.number()?);
        let width = *self.width.get_or_insert(x.len());
        if self.fault == Fault::FixedWidth && width != x.len() {
            return Err(Error::new(ErrorKind::Value, "another width"));
        }
        self.take_in(x);
        self.unsaved = if self.fault == Fault::PassesUnsaved { 0.0 } else { self.unsaved + y };
        if self.fault == Fault::Shared {
            *self.shared.borrow_mut() += y;
        }
        if self.fault == Fault::KeepsAllRows {
            self.rows.push(y);
        }
        Ok(if self.fault == Fault::NothingDivided { y.abs() * weight / weight } else { y.abs() })
    }

    fn pass_one(&mut self, x: &dyn Row) -> Result<(), Error> {
        let is_text = (0..x.len()).any(|index| matches!(x.cell(index), ("number 0", crate::Value::Text(_))));
        match self.fault {
            Fault::LearnsInPassing => self.take_in(x),
            Fault::PassesUnsaved => self.unsaved += 1.0,
            Fault::MovesAndRefuses if is_text => {
                self.sum += 1.0;
                return Err(Error::new(ErrorKind::Type, "not a number"));
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&self, x: &dyn Row, kept: &mut KeptRow) {
        match self.fault {
            Fault::KeepsNothing => kept.keep(&[("", 0.0); 0]),
            _ => kept.keep(x),
        }
    }

    fn learn_late(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        if self.fault == Fault::LateIsTooLate { Ok(y.number()?.abs()) } else { self.learn_one(x, y) }
    }

    fn learn_many(&mut self, examples: &[(&dyn Row, Target<'_>)]) -> Result<f64, Error> {
        let mut sum = 0.0;
        let once = if self.fault == Fault::ManyAtOnce { 1 } else { examples.len() };
        for &(x, y) in &examples[..once] {
            sum += self.learn_one(x, y)?;
        }
        Ok(sum / once as f64)
    }
}

fn broken(fault: Fault) -> Vec<&'static str> {
    check(|| Faulty::new(fault))
        .map_or_else(|broken| broken.laws.into_iter().map(|(law, _)| law).collect(), |()| Vec::new())
}

#[test]
fn a_learner_without_fault_passes() {
    assert_eq!(broken(Fault::None), [""; 0]);
}

#[test]
fn the_baselines_pass() {
    assert_eq!(check(Majority::new), Ok(()));
    assert_eq!(check(LastLabel::new), Ok(()));
    assert_eq!(check(RunningMean::new), Ok(()));
    assert_eq!(check(LastValue::new), Ok(()));
    assert_eq!(check(MajorityLabels::new), Ok(()));
    assert_eq!(check(LastLabels::new), Ok(()));
}

#[test]
fn each_law_catches_the_fault_that_it_is_there_for() {
    for (fault, law) in [
        (Fault::Unready, "predicts before it learns"),
        (Fault::Random, "two that are alike say the same"),
        (Fault::LearnsFromQuestions, "predicting changes nothing"),
        (Fault::ByPosition, "the order of known features does not matter"),
        (Fault::FixedWidth, "features come and go"),
        (Fault::NanInTheMean, "NaN is missing"),
        (Fault::ChecksTooLate, "what is refused changes nothing"),
        (Fault::Shared, "a clone is independent"),
        (Fault::Forgetful, "saved and loaded it goes on"),
        (Fault::KeepsAllRows, "memory is bounded"),
        (Fault::ManyAtOnce, "learn_many is learn_one for each"),
        (Fault::NothingDivided, "any weight is borne, and 1 is none"),
        (Fault::LearnsInPassing, "what goes by is not learned"),
        (Fault::MovesAndRefuses, "what goes by is not learned"),
        (Fault::PassesUnsaved, "what goes by is not learned"),
        (Fault::KeepsNothing, "a kept row is the row"),
        (Fault::LateIsTooLate, "a late row is learned all the same"),
    ] {
        let broken = broken(fault);
        assert!(broken.contains(&law), "{fault:?} breaks {broken:?}, not {law:?}");
    }
}

/// Sorts its labels.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Sorting {
    labels: Vec<String>,
    probabilities: Vec<f32>,
}

impl Learner for Sorting {
    fn task(&self) -> Task {
        Task::Classify
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(match self.labels.len() {
            0 => Prediction::Unknown,
            _ => Prediction::Classes { labels: &self.labels, probabilities: &self.probabilities },
        })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        weight_of(x)?;
        let label = y.class()?;
        if let Err(place) = self.labels.binary_search_by(|known| known.as_str().cmp(label)) {
            self.labels.insert(place, label.to_owned());
        }
        self.probabilities = vec![1.0 / self.labels.len() as f32; self.labels.len()];
        Ok(0.0)
    }
}

#[test]
fn labels_that_are_sorted_are_caught() {
    let broken = check(Sorting::default).expect_err("a new label moves the others");
    assert_eq!(broken.laws.iter().map(|(law, _)| *law).collect::<Vec<_>>(), ["classes keep their place"]);
}
