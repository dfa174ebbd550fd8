//! One function for each law. Each takes a way to make a learner, and says what went wrong.

use thalweg_tensor::Rng;

use super::Subject;
use super::rows::{Cell, Cells, Example, everything, shuffled, stream, with_nan};
use crate::checkpoint::{decode, encode};
use crate::learn::{Prediction, Target, Task};
use crate::row::Weighted;

pub(super) type Outcome = Result<(), String>;

/// Long enough for every feature, category and class of [`stream`] to come, and for the windows and memories of most
/// learners to fill.
pub(super) const ROWS: usize = 60;

pub(super) fn predicts_before_it_learns<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    for example in stream(1, 3) {
        said(&mut new(), &example)?;
    }
    said(&mut new(), &Example::default())?;
    Ok(())
}

pub(super) fn two_that_are_alike_say_the_same<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(2, ROWS);
    same("the second learner", &history(&mut new(), &rows)?, &history(&mut new(), &rows)?)
}

pub(super) fn predicting_changes_nothing<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(3, ROWS);
    let (mut asked, mut silent) = (new(), new());
    for (row, example) in rows.iter().enumerate() {
        for other in [row, ROWS - 1 - row, row / 2] {
            said(&mut asked, &rows[other])?;
        }
        let losses = [learned(&mut asked, example)?, learned(&mut silent, example)?];
        same("the loss of one that was asked in between", &losses[..1], &losses[1..])?;
    }
    same("one that was asked in between", &bytes(&asked)?, &bytes(&silent)?)
}

pub(super) fn the_order_of_known_features_does_not_matter<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let (mut straight, mut rng) = (new(), Rng::new(4));
    learn(&mut straight, &everything())?;
    let mut mixed = straight.clone();
    for example in stream(4, ROWS) {
        let other = example.with(shuffled(&example.x, &mut rng));
        same("cells in another order", &advance(&mut straight, &example)?, &advance(&mut mixed, &other)?)?;
    }
    Ok(())
}

pub(super) fn features_come_and_go<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let mut learner = new();
    for example in stream(5, ROWS) {
        advance(&mut learner, &example)?;
        advance(&mut learner, &example.with(Cells::new()))?;
        advance(&mut learner, &example.with(vec![("new, rarely seen".to_owned(), Cell::Number(1.0))]))?;
    }
    Ok(())
}

pub(super) fn nan_is_missing<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(6, ROWS);
    let nan: Vec<Example> = rows.iter().map(|row| row.with(with_nan(&row.x))).collect();
    same("cells that are NaN", &history(&mut new(), &rows)?, &history(&mut new(), &nan)?)
}

pub(super) fn what_is_refused_changes_nothing<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let mut learner = new();
    let rows = stream(7, ROWS);
    let wrong = match learner.task() {
        Task::Classify => [Target::Value(1.0), Target::of_labels(&["a label"])],
        Task::MultiLabel => [Target::Value(1.0), Target::Class("a label")],
        Task::Regress => [Target::Class("a label"), Target::Value(f64::INFINITY)],
    };
    for (row, example) in rows.iter().enumerate() {
        if row % 7 == 0 {
            let before = bytes(&learner)?;
            for target in wrong {
                if learner.learn_one(&example.x, target).is_ok() {
                    return Err(format!("expected an error for the target {target:?}, found none"));
                }
            }
            same("a learner that refused a target", &bytes(&learner)?, &before)?;
        }
        advance(&mut learner, example)?;
    }
    Ok(())
}

pub(super) fn a_clone_is_independent<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(8, 2 * ROWS);
    let mut original = new();
    learn(&mut original, &rows[..ROWS])?;
    let (before, mut clone) = (bytes(&original)?, original.clone());
    let of_clone = history(&mut clone, &rows[ROWS..])?;
    same("the original, after its clone learned", &bytes(&original)?, &before)?;
    same("the original, where its clone was", &history(&mut original, &rows[ROWS..])?, &of_clone)
}

pub(super) fn saved_and_loaded_it_goes_on<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(9, ROWS);
    for stop in [0, 1, 2, 7, 20, 41] {
        let mut learner = new();
        learn(&mut learner, &rows[..stop])?;
        let saved = bytes(&learner)?;
        let mut loaded: L = decode(&saved).map_err(|error| error.to_string())?;
        same(&format!("what was loaded after {stop} rows"), &bytes(&loaded)?, &saved)?;
        let (on, back) = (history(&mut learner, &rows[stop..])?, history(&mut loaded, &rows[stop..])?);
        same(&format!("one that was loaded after {stop} rows"), &back, &on)?;
    }
    Ok(())
}

pub(super) fn memory_is_bounded<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let mut learner = new();
    learn(&mut learner, &everything())?;
    // A memory of examples may fill for a while.
    learn(&mut learner, &stream(10, 20 * ROWS))?;
    let before = bytes(&learner)?.len();
    learn(&mut learner, &stream(11, 20 * ROWS))?;
    let after = bytes(&learner)?.len();
    // Rows differ in their number of cells, and so may what is remembered of them.
    if after > before + before / 4 {
        return Err(format!("it took {before} bytes, and {after} after as many rows again, with nothing new in them"));
    }
    Ok(())
}

pub(super) fn learn_many_is_learn_one_for_each<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let rows = stream(12, ROWS);
    let (mut one, mut many) = (new(), new());
    for rows in rows.chunks(7) {
        let mut sum = 0.0;
        for row in rows {
            sum += one.learn_one(&row.x, row.target(one.task())).map_err(|error| error.to_string())?;
        }
        let task = many.task();
        let examples: Vec<_> = rows.iter().map(|row| (&row.x as &dyn crate::Row, row.target(task))).collect();
        let mean = many.learn_many(&examples).map_err(|error| error.to_string())?;
        same("the mean loss of learn_many", &[mean.to_bits()], &[(sum / rows.len() as f64).to_bits()])?;
    }
    same("one that learned many at a time", &bytes(&many)?, &bytes(&one)?)
}

pub(super) fn any_weight_is_borne_and_1_is_none<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let (mut plain, mut one, mut any) = (new(), new(), new());
    for (row, example) in stream(14, ROWS).iter().enumerate() {
        let target = example.target(any.task());
        let weighed = |learner: &mut L, weight: f64| learner.learn_one(&Weighted(&example.x, weight), target);
        let loss = weighed(&mut one, 1.0).map_err(|error| format!("learn_one: {error}"))?;
        same("the loss of a row that weighs 1", &[loss.to_bits()], &[learned(&mut plain, example)?])?;

        // Rows that weigh nothing come first, too.
        let mut loaded: L = decode(&bytes(&any)?).map_err(|error| error.to_string())?;
        said(&mut any, example)?;
        for learner in [&mut any, &mut loaded] {
            let loss =
                weighed(learner, [0.0, 0.0, 3.0, 0.25][row % 4]).map_err(|error| format!("learn_one: {error}"))?;
            if !loss.is_finite() {
                return Err(format!("expected a finite loss of a weighted row, found {loss}"));
            }
        }
        let before = bytes(&any)?;
        same("one that was loaded among weighted rows", &bytes(&loaded)?, &before)?;
        for weight in [-1.0, f64::NAN, f64::INFINITY] {
            if weighed(&mut loaded, weight).is_ok() {
                return Err(format!("expected an error for a row of weight {weight}, found none"));
            }
        }
        same("a learner that refused a weight", &bytes(&loaded)?, &before)?;
    }
    same("one whose rows weigh 1", &bytes(&one)?, &bytes(&plain)?)
}

pub(super) fn classes_keep_their_place<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let (mut learner, mut known) = (new(), Vec::new());
    for example in stream(13, ROWS) {
        learned(&mut learner, &example)?;
        if let Prediction::Classes { labels, probabilities } | Prediction::Labels { labels, probabilities } =
            learner.predict_one(&example.x).map_err(|e| e.to_string())?
        {
            if !labels.starts_with(&known) || labels.len() != probabilities.len() {
                return Err(format!("expected the classes {known:?} first, and a probability each; found {labels:?}"));
            }
            known = labels.to_vec();
        }
    }
    Ok(())
}

/// Everything that a learner is.
pub(super) fn bytes<L: Subject>(learner: &L) -> Result<Vec<u8>, String> {
    encode(learner).map_err(|error| error.to_string())
}

/// The bits of what it says, which must make sense.
pub(super) fn said<L: Subject>(learner: &mut L, example: &Example) -> Result<Vec<u64>, String> {
    let task = learner.task();
    let prediction = learner.predict_one(&example.x).map_err(|error| format!("predict_one: {error}"))?;
    match (task, prediction) {
        (_, Prediction::Unknown) => Ok(Vec::new()),
        (Task::Regress, Prediction::Value(value)) if value.is_finite() => Ok(vec![value.to_bits()]),
        (Task::Regress, Prediction::Values(values)) if values.iter().all(|value| value.is_finite()) => {
            Ok(values.iter().map(|value| value.to_bits()).collect())
        }
        (Task::Regress, Prediction::Quantiles { quantiles, values })
            if values.len() == quantiles.len()
                && values.is_sorted()
                && values.iter().all(|value| value.is_finite()) =>
        {
            Ok(values.iter().map(|value| value.to_bits()).collect())
        }
        (Task::MultiLabel, Prediction::Labels { labels, probabilities })
            if labels.len() == probabilities.len() && probabilities.iter().all(|p| (0.0..=1.0).contains(p)) =>
        {
            Ok(probabilities.iter().map(|p| u64::from(p.to_bits())).collect())
        }
        (Task::Classify, Prediction::Classes { probabilities, .. })
            if probabilities.iter().all(|p| (0.0..=1.0).contains(p))
                && (probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-3 =>
        {
            Ok(probabilities.iter().map(|p| u64::from(p.to_bits())).collect())
        }
        (task, other) => Err(format!("expected something to {task} by, found {other:?}")),
    }
}

/// The bits of the loss, which must be a number.
pub(super) fn learned<L: Subject>(learner: &mut L, example: &Example) -> Result<u64, String> {
    let target = example.target(learner.task());
    let loss = learner.learn_one(&example.x, target).map_err(|error| format!("learn_one: {error}"))?;
    if loss.is_finite() { Ok(loss.to_bits()) } else { Err(format!("expected a finite loss, found {loss}")) }
}

fn advance<L: Subject>(learner: &mut L, example: &Example) -> Result<Vec<u64>, String> {
    let mut bits = said(learner, example)?;
    bits.push(learned(learner, example)?);
    Ok(bits)
}

pub(super) fn learn<L: Subject>(learner: &mut L, rows: &[Example]) -> Outcome {
    rows.iter().try_for_each(|row| learned(learner, row).map(drop))
}

fn history<L: Subject>(learner: &mut L, rows: &[Example]) -> Result<Vec<u64>, String> {
    let mut bits = Vec::new();
    for row in rows {
        bits.extend(advance(learner, row)?);
    }
    Ok(bits)
}

pub(super) fn same<B: PartialEq>(what: &str, found: &[B], expected: &[B]) -> Outcome {
    match found.iter().zip(expected).position(|(found, expected)| found != expected) {
        Some(place) => Err(format!("{what} differs, first in place {place} of {}", expected.len())),
        None if found.len() != expected.len() => {
            Err(format!("{what} differs: expected {} numbers, found {}", expected.len(), found.len()))
        }
        None => Ok(()),
    }
}
