//! The laws of rows that go by before their answers are known.

use super::Subject;
use super::laws::{Outcome, ROWS, bytes, learn, learned, said, same};
use super::rows::{Cell, Example, stream};
use crate::checkpoint::{decode, encode};
use crate::delay::KeptRow;
use crate::row::Weighted;

/// A learner that has passed rows, and one that has not, are the same as soon as a row is learned that came last.
pub(super) fn what_goes_by_is_not_learned<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let (rows, others) = (stream(15, ROWS), stream(16, 3 * ROWS));
    let (mut passing, mut silent) = (new(), new());
    for (row, (example, others)) in rows.iter().zip(others.chunks(3)).enumerate() {
        for other in &others[..row % 4 % 3] {
            pass(&mut passing, other)?;
        }
        // Where the state stands that is predicted from is a part of what is saved.
        let mut loaded: L = decode(&bytes(&passing)?).map_err(|error| error.to_string())?;
        same(
            "one that was loaded behind rows that went by",
            &said(&mut loaded, example)?,
            &said(&mut passing, example)?,
        )?;
        let losses = [learned(&mut passing, example)?, learned(&mut silent, example)?];
        same("the loss of one that rows went by", &losses[..1], &losses[1..])?;
        same("one that rows went by", &bytes(&passing)?, &bytes(&silent)?)?;

        let text = example.with(vec![("number 0".to_owned(), Cell::Text("a word".to_owned()))]);
        let before = bytes(&silent)?;
        if silent.pass_one(&text.x).is_err() {
            same("one that refused a row as it went by", &bytes(&silent)?, &before)?;
        }
    }
    Ok(())
}

pub(super) fn a_kept_row_is_the_row<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    let (mut plain, mut keeping, mut kept) = (new(), new(), KeptRow::new());
    for (row, example) in stream(17, ROWS).iter().enumerate() {
        let (target, x) = (example.target(plain.task()), Weighted(&example.x, [1.0, 3.0, 0.0][row % 3]));
        keeping.keep(&x, &mut kept);
        let saved = encode(&kept).map_err(|error| error.to_string())?;
        let kept: KeptRow = decode(&saved).map_err(|error| error.to_string())?;
        same("what is said of a kept row", &of(keeping.predict_one(&kept))?, &of(plain.predict_one(&x))?)?;
        let losses = [keeping.learn_one(&kept, target), plain.learn_one(&x, target)];
        let [kept, row] = losses.map(|loss| loss.map(f64::to_bits).map_err(|error| format!("learn_one: {error}")));
        same("the loss of a kept row", &[kept?], &[row?])?;
        same("one that learned kept rows", &bytes(&keeping)?, &bytes(&plain)?)?;
    }
    Ok(())
}

/// Whether others have gone by since is nothing to what is learned.
pub(super) fn a_late_row_is_learned_all_the_same<L: Subject>(new: &dyn Fn() -> L) -> Outcome {
    const LATE: usize = 4;
    let rows = stream(18, ROWS);
    let (mut late, mut blind, mut kept) = (new(), new(), vec![KeptRow::new(); LATE]);
    for (row, example) in rows.iter().enumerate() {
        if let Some(earlier) = row.checked_sub(LATE) {
            let (x, target) = (&kept[row % LATE], rows[earlier].target(late.task()));
            let losses = [late.learn_late(x, target), blind.learn_one(x, target)];
            let [late, blind] =
                losses.map(|loss| loss.map(f64::to_bits).map_err(|error| format!("learn_late: {error}")));
            same("the loss of a row that is learned late", &[late?], &[blind?])?;
        }
        said(&mut late, example)?;
        late.keep(&example.x, &mut kept[row % LATE]);
        pass(&mut late, example)?;
    }
    let next = stream(19, ROWS);
    learn(&mut late, &next[..1])?;
    learn(&mut blind, &next[..1])?;
    same("one that learned rows late", &bytes(&late)?, &bytes(&blind)?)
}

fn pass<L: Subject>(learner: &mut L, example: &Example) -> Outcome {
    learner.pass_one(&example.x).map_err(|error| format!("pass_one: {error}"))
}

/// What was said, in words.
fn of(said: Result<crate::Prediction<'_>, crate::Error>) -> Result<Vec<u8>, String> {
    said.map(|said| format!("{said:?}").into_bytes()).map_err(|error| format!("predict_one: {error}"))
}
