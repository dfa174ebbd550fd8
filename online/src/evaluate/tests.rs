//! What an evaluation promises, with and without delay.

use super::*;
use crate::baseline::{LastLabel, LastValue, Majority};
use crate::learn::Prediction;
use crate::row::Weighted;

const X: [(&str, f64); 1] = [("x", 0.0)];

/// Predicts what it is told to, and refuses the targets it is told to.
struct Puppet {
    says: f64,
    refuses: bool,
}

impl Learner for Puppet {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, _x: &dyn Row) -> Result<Prediction<'_>, Error> {
        Ok(Prediction::Value(self.says))
    }

    fn learn_one(&mut self, _x: &dyn Row, _y: Target<'_>) -> Result<f64, Error> {
        if self.refuses { Err(Error::new(ErrorKind::Value, "refused")) } else { Ok(0.0) }
    }
}

fn state(evaluation: &Prequential) -> String {
    serde_json::to_string(evaluation).unwrap()
}

#[test]
fn a_row_that_fails_changes_nothing() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Regress);
    evaluation.step(&mut Puppet { says: 1.0, refuses: false }, &X, Target::Value(2.0))?;
    let before = state(&evaluation);
    let mut fails = |learner: &mut dyn Learner, y| evaluation.step(learner, &X, y).unwrap_err().kind();
    assert_eq!(fails(&mut Puppet { says: 1.0, refuses: true }, Target::Value(2.0)), ErrorKind::Value);
    assert_eq!(fails(&mut Puppet { says: f64::NAN, refuses: false }, Target::Value(2.0)), ErrorKind::Value);
    assert_eq!(fails(&mut Puppet { says: 1.0, refuses: false }, Target::Value(f64::INFINITY)), ErrorKind::Value);
    assert_eq!(fails(&mut Puppet { says: 1.0, refuses: false }, Target::Class("a")), ErrorKind::Type);
    assert_eq!(fails(&mut Majority::new(), Target::Value(2.0)), ErrorKind::Type);
    assert_eq!(state(&evaluation), before);
    Ok(())
}

#[test]
fn a_row_is_predicted_before_it_is_learned() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Classify);
    let mut learner = LastLabel::new();
    for label in ["a", "b", "a", "b", "b"] {
        evaluation.step(&mut learner, &X, Target::Class(label))?;
    }
    assert_eq!((evaluation.rows(), evaluation.scores().count()), (5, 4));
    assert_eq!(evaluation.scores().get("accuracy"), Some(0.25));
    assert_eq!(evaluation.scores().get("kappa_temporal"), Some(0.0));
    let [_, (name, last)] = evaluation.baselines();
    assert_eq!((name, last), ("last_label", evaluation.scores()));
    Ok(())
}

#[test]
fn the_majority_class_is_that_of_the_rows_before() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Classify);
    for label in ["a", "a", "b", "b", "b", "b"] {
        evaluation.step(&mut LastLabel::new(), &X, Target::Class(label))?;
    }
    let [(name, majority), _] = evaluation.baselines();
    // Said a, a, a, a (a tie: the first to arrive), b about the five rows a, b, b, b, b.
    assert_eq!((name, majority.get("accuracy")), ("majority_class", Some(2.0 / 5.0)));
    assert_eq!(evaluation.scores().unscored(), 6, "a learner that is new at each row says nothing");
    Ok(())
}

/// What happens to it, in order: `?3` row 3 is predicted, `!3` it is learned. Refuses to learn a row.
#[derive(Default)]
struct Diary {
    events: Vec<String>,
    refuses: Option<f64>,
}

impl Diary {
    fn note(&mut self, sign: &str, x: &dyn Row) -> f64 {
        let number = x.cell(0).1.number().expect("rows are numbered");
        self.events.push(format!("{sign}{number}"));
        number
    }
}

impl Learner for Diary {
    fn task(&self) -> Task {
        Task::Regress
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        let learned = self.events.iter().filter(|event| event.starts_with('!')).count();
        self.note("?", x);
        Ok(Prediction::Value(learned as f64))
    }

    fn learn_one(&mut self, x: &dyn Row, _y: Target<'_>) -> Result<f64, Error> {
        match x.cell(0).1.number() == self.refuses {
            true => Err(Error::new(ErrorKind::Value, "refused")),
            false => Ok(self.note("!", x)),
        }
    }
}

/// What a learner meets of rows that come at these seconds; `None`: at no known time, without a label.
fn events(delay: &str, rows: &[Option<i64>]) -> (String, Prequential) {
    let mut evaluation = Prequential::new(Task::Regress).delayed(Delay::parse(delay).unwrap());
    let mut diary = Diary::default();
    for (row, seconds) in (1_u32..).zip(rows) {
        let x = [("row", row)];
        let time = seconds.map_or(0, |seconds| seconds * 1_000_000_000);
        let y = seconds.map(|_| Target::Value(0.0));
        evaluation.arrive(&mut diary, Arrival { x: &x, y, row: row.into(), time: Some(time), known: None }).unwrap();
    }
    diary.events.push("|".into());
    evaluation.finish(&mut diary).unwrap();
    (diary.events.join(" "), evaluation)
}

#[test]
fn labels_that_are_due_are_learned_first_in_the_order_in_which_they_come() {
    let at = |seconds: &[i64]| seconds.iter().copied().map(Some).collect::<Vec<_>>();
    for (delay, seconds, expected) in [
        ("0", at(&[0, 1, 2]), "?1 !1 ?2 !2 ?3 !3 |"),
        ("1", at(&[0, 1, 2]), "?1 !1 ?2 !2 ?3 | !3"),
        ("2", at(&[0, 1, 2, 3, 4]), "?1 ?2 !1 ?3 !2 ?4 !3 ?5 | !4 !5"),
        ("9", at(&[0, 1, 2]), "?1 ?2 ?3 | !1 !2 !3"),
        ("0s", at(&[5, 1, 2]), "?1 !1 ?2 !2 ?3 !3 |"),
        ("10s", at(&[0, 4, 10, 15, 99]), "?1 ?2 !1 ?3 !2 ?4 !3 !4 ?5 | !5"),
        // Row 2 is late, and due before row 1; rows 3 and 4 come at the same time.
        ("10s", at(&[20, 12, 25, 25, 40]), "?1 ?2 !2 ?3 ?4 !1 !3 !4 ?5 | !5"),
        ("10s", at(&[20, 3, 21]), "?1 ?2 !2 ?3 | !1 !3"),
        // A row without a label is predicted, and is a row that comes.
        ("2", vec![Some(0), None, Some(2), Some(3)], "?1 ?2 !1 ?3 ?4 | !3 !4"),
    ] {
        let (found, evaluation) = events(delay, &seconds);
        assert_eq!(found, expected, "{delay}");
        let labelled = seconds.iter().flatten().count() as u64;
        assert_eq!((evaluation.rows(), evaluation.scores().count()), (labelled, labelled));
        assert_eq!((evaluation.unlabelled(), evaluation.waiting()), (seconds.len() as u64 - labelled, 0));
        let most = expected.split(' ').scan(0_usize, |waiting, event| {
            *waiting = if event.starts_with('?') { *waiting + 1 } else { waiting.saturating_sub(1) };
            Some(*waiting)
        });
        // A row that is learned at once never waits.
        let most = if delay.starts_with("0") { Some(0) } else { most.max() };
        assert!(labelled < seconds.len() as u64 || Some(evaluation.most_waiting()) == most, "{delay}: {most:?}");
    }
}

#[test]
fn labels_come_when_their_rows_say_so() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Regress).delayed(Delay::Column);
    let mut diary = Diary::default();
    // The label of row 2 is known before that of row 1, and those of 3 and 5 when the rows come.
    for (row, time, known) in [(1_u32, 0, 40), (2, 10, 30), (3, 20, 20), (4, 30, 50), (5, 45, 1), (6, 45, 90)] {
        let x = [("row", row)];
        let y = Some(Target::Value(0.0));
        evaluation.arrive(&mut diary, Arrival { x: &x, y, row: row.into(), time: Some(time), known: Some(known) })?;
    }
    assert_eq!(diary.events.join(" "), "?1 ?2 ?3 !3 !2 ?4 !1 ?5 !5 ?6");
    let unsaid = Arrival { x: &X, y: Some(Target::Value(0.0)), row: 7, time: Some(60), known: None };
    let error = evaluation.arrive(&mut diary, unsaid).unwrap_err().to_string();
    assert_eq!(error, "expected the time at which the label became known, found none");
    evaluation.arrive(&mut diary, Arrival { y: None, ..unsaid })?;
    assert_eq!((evaluation.waiting(), evaluation.unlabelled(), evaluation.rows()), (1, 1, 5));
    assert_eq!(evaluation.most_waiting(), 3, "rows 1, 2 and 3");
    Ok(())
}

#[test]
fn the_target_of_a_row_answers_the_row_before_its_horizon() -> Result<(), Error> {
    for (horizon, delay, targets, expected, never) in [
        (0, "0", "ttttt", "?1 !1 ?2 !2 ?3 !3 ?4 !4 ?5 !5 |", 0),
        (1, "0", "ttttt", "?1 !1 ?2 !2 ?3 !3 ?4 !4 ?5 |", 1),
        (2, "0", "ttttt", "?1 ?2 !1 ?3 !2 ?4 !3 ?5 |", 2),
        (9, "0", "ttttt", "?1 ?2 ?3 ?4 ?5 |", 5),
        // The answer to row 2 is never told.
        (2, "0", "ttt-t", "?1 ?2 !1 ?3 ?4 !3 ?5 |", 3),
        // Row 3 is left out: it is no answer to row 1, and row 5 is none to it.
        (2, "0", "tt.tt", "?1 ?2 !2 ?4 ?5 |", 3),
        // The answer comes two rows later than its row.
        (2, "2", "ttttt", "?1 ?2 ?3 ?4 !1 ?5 | !2 !3", 2),
    ] {
        let mut evaluation = Prequential::new(Task::Regress).delayed(Delay::parse(delay)?).forecasting(horizon);
        let mut diary = Diary::default();
        for (row, told) in (1_u32..).zip(targets.chars()).filter(|(_, told)| *told != '.') {
            let x = [("row", row)];
            // Row t has the target 10 t.
            let y = (told == 't').then_some(Target::Value(10.0 * f64::from(row)));
            evaluation.arrive(&mut diary, Arrival { x: &x, y, row: row.into(), time: None, known: None })?;
        }
        diary.events.push("|".into());
        evaluation.finish(&mut diary)?;
        assert_eq!(diary.events.join(" "), expected, "{horizon} {delay} {targets}");
        assert_eq!((evaluation.unlabelled(), evaluation.waiting()), (never, 0), "{horizon} {delay} {targets}");
    }
    Ok(())
}

#[test]
fn what_is_scored_is_the_prediction_made_when_the_row_came() {
    // Predicts how many rows it has learned: 0, 0, 1, 2, of which the mean is 0.75.
    let (_, evaluation) = events("2", &[Some(0); 4]);
    assert_eq!(evaluation.scores().get("mae"), Some(0.75));
}

#[test]
fn the_baselines_know_no_more_than_the_learner() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Classify).delayed(Delay::Rows(3));
    let mut learner = LastLabel::new();
    for label in ["a", "a", "b", "b", "a", "b", "b", "a"] {
        assert_eq!(evaluation.step(&mut learner, &X, Target::Class(label))?, None);
    }
    evaluation.finish(&mut learner)?;
    let [(_, majority), (_, last)] = evaluation.baselines();
    // Of rows 4 to 8 (b, a, b, b, a), the last label said a, a, b, b, a, and the most frequent one a five times.
    assert_eq!(last, evaluation.scores());
    assert_eq!((last.get("accuracy"), last.unscored()), (Some(4.0 / 5.0), 3));
    assert_eq!(last.get("kappa_temporal"), Some(0.0), "the last known label is what it is compared with");
    assert_eq!(majority.get("accuracy"), Some(2.0 / 5.0));
    Ok(())
}

#[test]
fn a_row_that_cannot_be_learned_is_let_go_when_its_label_comes() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Regress).delayed(Delay::Rows(2));
    let mut diary = Diary { refuses: Some(2.0), ..Diary::default() };
    for row in 1..=3_u32 {
        evaluation.step(&mut diary, &[("row", row)], Target::Value(0.0))?;
    }
    let x = [("row", 4)];
    let fourth = Arrival { x: &x, y: None, row: 4, time: None, known: None };
    let error = evaluation.arrive(&mut diary, fourth).unwrap_err();
    assert_eq!((error.row(), evaluation.waiting()), (Some(2), 1), "row 4 has not come yet");
    evaluation.arrive(&mut diary, fourth)?;
    evaluation.finish(&mut diary)?;
    assert_eq!(diary.events.join(" "), "?1 ?2 !1 ?3 ?4 !3");
    assert_eq!((evaluation.rows(), evaluation.scores().count(), evaluation.unlabelled()), (2, 2, 1));
    Ok(())
}

#[test]
fn a_delay_by_time_needs_times() -> Result<(), Error> {
    let mut evaluation = Prequential::new(Task::Regress).delayed(Delay::Time(1));
    let error = evaluation.step(&mut LastValue::new(), &X, Target::Value(1.0)).unwrap_err().to_string();
    assert_eq!(error, "expected a time, as labels are late by a time, found none");
    assert_eq!(evaluation.waiting(), 0);
    Ok(())
}

#[test]
fn a_row_counts_as_often_as_it_weighs() -> Result<(), Error> {
    for delay in [0, 2] {
        let (mut evaluation, mut learner) =
            (Prequential::new(Task::Regress).delayed(Delay::Rows(delay)), Puppet { says: 0.0, refuses: false });
        for (weight, y) in [(1.0, 1.0), (3.0, 5.0), (0.0, 1e9), (1.0, -4.0)] {
            evaluation.step(&mut learner, &Weighted(X, weight), Target::Value(y))?;
        }
        let error = evaluation.step(&mut learner, &Weighted(X, -1.0), Target::Value(0.0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Value);
        evaluation.finish(&mut learner)?;
        assert_eq!(evaluation.scores().get("mae"), Some((1.0 + 15.0 + 4.0) / 5.0));
        // Said nothing, 1, 4, 4 about the four rows, if it knew them at once.
        let [(_, mean), _] = evaluation.baselines();
        assert_eq!((evaluation.rows(), mean.unscored()), (4, delay.max(1).into()));
        assert!(delay > 0 || mean.get("mae") == Some((3.0 * 4.0 + 8.0) / 4.0));
    }
    Ok(())
}

#[test]
fn nothing_is_awaited_for_longer_than_can_be() {
    use crate::delay::Delay;
    for delay in [Delay::Rows(3_000_000), Delay::Time(-5)] {
        let made = std::panic::catch_unwind(|| Prequential::new(Task::Regress).delayed(delay));
        assert!(made.is_err(), "{delay:?}");
    }
}
