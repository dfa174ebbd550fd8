//! The laws that any learner must obey, to be run through in a test.
//!
//! | law | what breaks it in practice |
//! |---|---|
//! | predicts before it learns | a model that must be "fitted" first |
//! | two that are alike say the same | randomness that is not seeded, the order of a hash map |
//! | predicting changes nothing | scalers that learn from what they only have to scale |
//! | the order of known features does not matter | features by position |
//! | features come and go | widths that are fixed by the first row |
//! | NaN is missing | NaN that gets into a mean and never leaves it |
//! | what is refused changes nothing | a target that is checked after the features were learned |
//! | a clone is independent | state behind a shared pointer |
//! | saved and loaded it goes on | state that is not in the file: optimizer, generator, recurrent state |
//! | memory is bounded | a list of all rows |
//! | learn_many is learn_one for each | a mini-batch in disguise |
//! | any weight is borne, and 1 is none | a mean over rows that weigh nothing, weights that are not in the file |
//! | what goes by is not learned | a row without an answer that counts in a mean, a state that is not in the file |
//! | a kept row is the row | a copy without its cells, its weight or the answers beside it |
//! | a late row is learned all the same | what is learned depends on the rows that came since |
//! | classes keep their place | labels that are sorted, so that a new one moves the others |
//!
//! The rows are small, seeded, and show whatever a stream can show: numbers, words and missing cells that appear and
//! vanish, new categories, new classes. "The same" means to the bit.
//!
//! # Example
//!
//! A learner of one's own takes one line in a test:
//!
//! ```
//! use thalweg_online::{Config, Deep, Task, baseline::Majority, conformance};
//!
//! conformance::check(Majority::new)?;
//! conformance::check(|| Deep::new(Config::new(Task::Regress)))?;
//! # Ok::<(), conformance::Broken>(())
//! ```

mod late;
mod laws;
mod rows;

use std::error::Error;
use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::learn::Learner;

/// What can be run through the laws: any learner that can be cloned, saved and loaded.
pub trait Subject: Learner + Clone + Serialize + DeserializeOwned {}

impl<L: Learner + Clone + Serialize + DeserializeOwned> Subject for L {}

/// The laws that a learner breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The name of each law, and how it was broken, in the order of the [module](self)'s table.
    pub laws: Vec<(&'static str, String)>,
}

/// A line for each law.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.laws.iter().map(|(name, how)| format!("{name}: {how}")).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Error for Broken {}

/// Runs learners made by `new`, each call of which makes the same one, through all laws.
///
/// # Errors
///
/// All the laws that are broken, and how.
pub fn check<L: Subject>(new: impl Fn() -> L) -> Result<(), Broken> {
    let outcome = |(name, law): (&'static str, Law<L>)| law(&new).err().map(|how| (name, how));
    let laws: Vec<_> = table().into_iter().filter_map(outcome).collect();
    if laws.is_empty() { Ok(()) } else { Err(Broken { laws }) }
}

type Law<L> = fn(&dyn Fn() -> L) -> Result<(), String>;

fn table<L: Subject>() -> [(&'static str, Law<L>); 16] {
    [
        ("predicts before it learns", laws::predicts_before_it_learns),
        ("two that are alike say the same", laws::two_that_are_alike_say_the_same),
        ("predicting changes nothing", laws::predicting_changes_nothing),
        ("the order of known features does not matter", laws::the_order_of_known_features_does_not_matter),
        ("features come and go", laws::features_come_and_go),
        ("NaN is missing", laws::nan_is_missing),
        ("what is refused changes nothing", laws::what_is_refused_changes_nothing),
        ("a clone is independent", laws::a_clone_is_independent),
        ("saved and loaded it goes on", laws::saved_and_loaded_it_goes_on),
        ("memory is bounded", laws::memory_is_bounded),
        ("learn_many is learn_one for each", laws::learn_many_is_learn_one_for_each),
        ("any weight is borne, and 1 is none", laws::any_weight_is_borne_and_1_is_none),
        ("what goes by is not learned", late::what_goes_by_is_not_learned),
        ("a kept row is the row", late::a_kept_row_is_the_row),
        ("a late row is learned all the same", late::a_late_row_is_learned_all_the_same),
        ("classes keep their place", laws::classes_keep_their_place),
    ]
}

#[cfg(test)]
mod tests;
