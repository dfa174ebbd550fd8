//! The names of a stream's features, each kept once.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::row::check_name;

/// Names and their numbers, in order of arrival, and what else the records of a stream share.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// The file, for errors.
    pub(super) file: PathBuf,
    /// The name of the target.
    pub(super) target: String,
    names: Vec<Arc<str>>,
    /// Only ever asked for one name: its order shows nowhere.
    numbers: HashMap<Arc<str>, u32>,
    bytes: usize,
    /// How many of them stay for later rows.
    kept: usize,
}

/// There are at most so many names at once …
pub(super) const MOST_NAMES: usize = 1 << 20;
/// … and so many bytes of names.
const MOST_BYTES: usize = 64 << 20;
/// So many names stay for later rows …
const KEPT_NAMES: usize = MOST_NAMES / 16;
/// … of so many bytes.
const KEPT_BYTES: usize = MOST_BYTES / 4;

impl Names {
    pub(super) fn new(file: PathBuf, target: String) -> Self {
        Names { file, target, ..Names::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn get(&self, number: u32) -> &str {
        &self.names[number as usize]
    }

    /// The number of `name`. Rows tend to name their features in the same order: `guess` is looked at first.
    pub(super) fn find(&self, name: &str, guess: u32) -> Option<u32> {
        match self.names.get(guess as usize) {
            Some(known) if **known == *name => Some(guess),
            _ => self.numbers.get(name).copied(),
        }
    }

    /// Appends a name, even one that is there already: then [`find`](Names::find) goes on finding the first.
    pub(super) fn push(&mut self, name: &str) -> Result<u32, Error> {
        check_name(name)?;
        if self.len() == MOST_NAMES || self.bytes + name.len() > MOST_BYTES {
            let message =
                format!("expected at most {MOST_NAMES} features with names of {MOST_BYTES} bytes together, found more");
            return Err(Error::new(ErrorKind::Value, message));
        }
        let number = self.len() as u32;
        let name: Arc<str> = name.into();
        self.bytes += name.len();
        self.numbers.entry(Arc::clone(&name)).or_insert(number);
        self.names.push(name);
        Ok(number)
    }

    /// What is there stays for later rows, if it is not too much.
    pub(super) fn keep(&mut self) {
        if self.len() <= KEPT_NAMES && self.bytes <= KEPT_BYTES {
            self.keep_all();
        }
    }

    /// What is there stays for later rows.
    pub(super) fn keep_all(&mut self) {
        self.kept = self.len();
    }

    /// Forgets what does not stay; returns how many names do.
    pub(super) fn forget(shared: &mut Arc<Self>) -> usize {
        if shared.kept < shared.len() {
            let names = Arc::make_mut(shared);
            names.truncate(names.kept);
        }
        shared.len()
    }

    /// Takes back all names but the first `length`.
    pub(super) fn truncate(&mut self, length: usize) {
        while self.len() > length
            && let Some(name) = self.names.pop()
        {
            self.bytes -= name.len();
            if self.numbers.get(&name).is_some_and(|&number| number as usize == self.names.len()) {
                self.numbers.remove(&name);
            }
        }
        self.kept = self.kept.min(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::LONGEST_NAME;

    #[test]
    fn names_are_found_with_a_good_guess_and_with_a_bad_one() -> Result<(), Error> {
        let mut names = Names::default();
        assert_eq!((names.push("a")?, names.push("b")?, names.push("a")?), (0, 1, 2));
        for guess in [0, 1, 9] {
            assert_eq!((names.find("a", guess), names.find("b", guess)), (Some(0), Some(1)), "{guess}");
            assert_eq!(names.find("c", guess), None);
        }
        assert_eq!(names.get(2), "a");
        names.truncate(1);
        assert_eq!((names.find("a", 9), names.find("b", 1), names.push("c")?), (Some(0), None, 1));
        Ok(())
    }

    #[test]
    fn what_is_too_much_to_be_kept_is_there_until_it_is_forgotten() -> Result<(), Error> {
        let mut shared = Arc::new(Names::default());
        for number in 0..KEPT_NAMES + 9 {
            let names = Arc::make_mut(&mut shared);
            names.push(&number.to_string())?;
            names.keep();
        }
        assert_eq!((shared.len(), shared.find("9", 0)), (KEPT_NAMES + 9, Some(9)));
        let (kept, names) = (Names::forget(&mut shared), shared);
        assert_eq!((kept, names.find(&KEPT_NAMES.to_string(), 0), names.find("9", 0)), (KEPT_NAMES, None, Some(9)));
        Ok(())
    }

    #[test]
    fn memory_for_names_is_limited() {
        let mut names = Names::default();
        assert!(names.push(&"x".repeat(LONGEST_NAME + 1)).is_err());
        let longest = "x".repeat(LONGEST_NAME);
        let room = MOST_BYTES / LONGEST_NAME;
        assert!((0..room).all(|_| names.push(&longest).is_ok()));
        assert!(names.push("x").is_err());
        assert_eq!(names.len(), room);
    }
}
