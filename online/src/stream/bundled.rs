//! Small streams that are part of the program: for a first try, for examples and for tests.
//!
//! # Example
//!
//! ```
//! use thalweg_online::{Record, stream::bundled};
//!
//! let phishing = bundled::find("phishing").ok_or("not bundled")?;
//! let mut stream = phishing.open()?;
//! let mut record = Record::new();
//! let mut rows = 0;
//! while stream.read(&mut record)? {
//!     rows += 1;
//! }
//! assert_eq!(rows, phishing.rows);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use super::{Stream, StreamOptions, from_reader};
use crate::error::Error;
use crate::learn::Task;

/// A stream that is part of the program.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Bundled {
    /// The name by which it is found.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// What is to be learned.
    pub task: Task,
    /// The name of the target's column.
    pub target: &'static str,
    /// What it is about, in one line.
    pub about: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// On what terms it may be used.
    pub licence: &'static str,
    /// CSV, compressed with gzip.
    pub bytes: &'static [u8],
}

impl Bundled {
    /// Starts the stream from its first row.
    ///
    /// # Errors
    ///
    /// None in practice: the bytes are part of the program, and its tests read them all.
    pub fn open(&self) -> Result<Box<dyn Stream>, Error> {
        self.open_with(&StreamOptions::default())
    }

    /// [`open`](Bundled::open) with another target, or without some columns.
    ///
    /// # Errors
    ///
    /// If there are no such columns.
    pub fn open_with(&self, options: &StreamOptions) -> Result<Box<dyn Stream>, Error> {
        from_reader(format!("{}.csv.gz", self.name), self.bytes, options)
    }
}

/// Without the bytes.
impl fmt::Debug for Bundled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundled").field("name", &self.name).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// All of them, in alphabetical order.
#[must_use]
pub fn all() -> &'static [Bundled] {
    &ALL
}

/// The one called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Bundled> {
    ALL.iter().find(|bundled| bundled.name == name)
}

static ALL: [Bundled; 4] = [
    Bundled {
        name: "airline_passengers",
        rows: 144,
        task: Task::Regress,
        target: "passengers",
        about: "thousands of international airline passengers, monthly, 1949 to 1960",
        source: "Box & Jenkins, Time Series Analysis: Forecasting and Control, series G (1976)",
        licence: "published figures",
        bytes: include_bytes!("../../data/airline_passengers.csv.gz"),
    },
    Bundled {
        name: "co2",
        rows: 2_284,
        task: Task::Regress,
        target: "co2",
        about: "carbon dioxide in the air at Mauna Loa, parts per million, weekly, 1958 to 2001, 59 weeks missing",
        source: "Keeling & Whorf, Scripps Institution of Oceanography",
        licence: "public domain",
        bytes: include_bytes!("../../data/co2.csv.gz"),
    },
    Bundled {
        name: "digits",
        rows: 1_797,
        task: Task::Classify,
        target: "x64",
        about: "handwritten digits, 8 × 8 grey values from 0 to 16, ten classes",
        source: "Alpaydin & Kaynak, Optical Recognition of Handwritten Digits (1998), UCI Machine Learning Repository",
        licence: "CC BY 4.0",
        bytes: include_bytes!("../../data/digits.csv.gz"),
    },
    Bundled {
        name: "phishing",
        rows: 1_250,
        task: Task::Classify,
        target: "is_phishing",
        about: "web sites that are honest or phishing, nine features",
        source: "Abdelhamid, Website Phishing (2014), UCI Machine Learning Repository",
        licence: "CC BY 4.0",
        bytes: include_bytes!("../../data/phishing.csv.gz"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Record;

    #[test]
    fn every_bundled_stream_is_what_it_says() -> Result<(), Error> {
        for bundled in all() {
            let mut stream = bundled.open()?;
            let mut record = Record::new();
            let mut gaps = 0;
            while stream.read(&mut record)? {
                gaps += u64::from(record.target(bundled.task)?.is_none());
            }
            assert_eq!(gaps, if bundled.name == "co2" { 59 } else { 0 }, "{}", bundled.name);
            assert_eq!((stream.row(), stream.target()), (bundled.rows, bundled.target), "{}", bundled.name);
            assert_eq!(stream.non_finite(), 0);
        }
        Ok(())
    }

    #[test]
    fn the_task_follows_from_the_targets() -> Result<(), Error> {
        for bundled in all() {
            assert_eq!(bundled.open()?.infer_task()?, bundled.task, "{}", bundled.name);
        }
        Ok(())
    }

    #[test]
    fn they_are_found_by_name() {
        assert_eq!(find("digits").map(|bundled| bundled.rows), Some(1_797));
        assert!(find("mnist").is_none());
        assert!(all().is_sorted_by_key(|bundled| bundled.name));
    }
}
