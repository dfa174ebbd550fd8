//! Rows from files, pipes and readers, one at a time, in memory that is used again and again.
//!
//! [`open`] a file, or `-` for the standard input; [`read`](Stream::read) each row into the same [`Record`]. All is
//! plain text, or text compressed with gzip or zstd, which its first bytes tell.
//!
//! # Formats
//!
//! The [format](StreamOptions::format) is the one asked for; else that of the extension, after `.gz` or `.zst`; else
//! CSV if a delimiter or a header is spoken of; else what the first line looks like, and CSV in case of doubt.
//!
//! | format | extension | a row | names | target, unless [asked for](StreamOptions::target) | an absent feature is |
//! |---|---|---|---|---|---|
//! | `csv` | `csv` | fields between `,` `;` tabs or another byte, quotes `"` | header, else `x0`, `x1` … | last column | an error |
//! | `tsv` | `tsv`, `tab` | the same with tabs | the same | last column | an error |
//! | `jsonl` | `jsonl`, `ndjson`, `json` | one object on a line | keys; `a.b` in objects, `a.0` in arrays | last key of the first row | missing |
//! | `arff` | `arff` | `1, 'a b', ?` or sparse `{0 1, 2 b}`, then perhaps a weight `, {2}` | attributes | last attribute | 0 or the first category if sparse, else an error |
//! | `libsvm` | `libsvm`, `svm`, `svmlight` | `label qid:7 1:0.5 4:2 # comment` | indices | the label | 0 |
//! | `vw` | `vw` | `label importance 'tag \|ns:scale feat:value word \|ns2 …` | `ns^feat`, or `feat` where the namespace has no name | the label | 0 |
//!
//! * **CSV.** The first line is a header if none of its cells parses as a number. The delimiter is the one of `,` `;`
//!   and tab that the first line has most of.
//! * **JSON.** `null` and `""` are missing, `true` and `false` are categories, and so is a string, even if it looks
//!   like a number. A key may come and go. Target, weight, id and time must be in the first row; that much is checked
//!   of what the options name. Strings with escapes, and now and then a number of more than 15 digits, take memory for
//!   a moment; all other reading takes none after the first rows.
//! * **Sets of labels**, for [`Task::MultiLabel`](Task), which is never inferred: `1,3` in LIBSVM and Vowpal Wabbit's
//!   text, `a|b` in CSV and ARFF, or another [separator](StreamOptions::label_separator); in JSON an array, if the
//!   options name the target. Nothing is a missing target; the separator alone, or an empty array, is the empty set.
//! * **ARFF.** `numeric`, `real`, `integer`, `{nominal}`, `string` and `date "pattern"` (Java's, of the letters y M d H
//!   h m s S a E Z) say what a column is; the options may say otherwise. `?` is missing. A value that is not in the
//!   list of its attribute is an error. In a sparse row a string or date that is absent is missing.
//! * **LIBSVM.** Indices ascend. Several labels, `1,3`, are a set of labels, or one class of that name. `qid` is the
//!   row's id. A row may have no label.
//! * **VW.** A word without a value is 1; one that comes twice counts twice; a value is multiplied by its namespace's
//!   scale; one that is no number is a category. The importance is the weight, the tag is the id. A row without a label
//!   has no target. Not read: labels with costs, initial predictions.
//! * **Sparse rows.** In LIBSVM and VW a number that a row does not name is 0, not missing: [`Row::absent_is_zero`],
//!   which [`Features`](crate::Features) heeds.
//! * A label of LIBSVM or VW that is a number is spelt in one way: `+1`, `1` and `1.0` are the class `1`.
//!
//! # Cells
//!
//! | a cell | is |
//! |---|---|
//! | empty, `NA`, `NaN`, `null`, `None`, `?` | missing |
//! | NaN or infinity in any spelling, a number too large for an `f64` | missing, and [counted](Stream::non_finite) |
//! | what parses as a number | a number |
//! | anything else | text: a category |
//!
//! That is how CSV is read; where a format itself says what is text, as JSON and ARFF do, it is believed. Space around
//! a cell of CSV is ignored. The same holds for the target.
//!
//! # Columns
//!
//! | option | the column becomes |
//! |---|---|
//! | none | for each cell what it looks like. [`Features`](crate::Features) goes by the first: where it was a number, text is an error later on |
//! | [`ignore`](StreamOptions::ignore) | nothing |
//! | [`categorical`](StreamOptions::categorical) | a category in each row, even `7` |
//! | [`numeric`](StreamOptions::numeric) | a number or missing; text is an error from the first row on |
//! | [`date`](StreamOptions::date) | seven numbers. `t years`: years since 1970 (of 365.2425 days). Sine and cosine of the turn of the year, of the week (from Monday) and of the day: `t season sin`, `t season cos`, `t week sin`, `t week cos`, `t day sin`, `t day cos` |
//! | [`text`](StreamOptions::text) | `s#0` … `s#63`: counts, zeros included |
//! | [`more_targets`](StreamOptions::more_targets) | a number to predict beside the target, as in [`Target::Values`](crate::Target::Values): text is an error, missing ones are NaN |
//! | [`weight`](StreamOptions::weight) | [`Record::weight`]: 0 or more, 1 where missing; times the weight that the format has a place for |
//! | [`id`](StreamOptions::id) | [`Record::id`] |
//! | [`time`](StreamOptions::time) | [`Record::time`], nanoseconds since 1970: a number counts seconds, the rest is ISO 8601, in UTC unless it says otherwise |
//! | [`context`](StreamOptions::context) | [`Record::context`], which [context](crate::consolidate) the row belongs to: a text |
//! | [`known`](StreamOptions::known) | [`Record::known`], when the target became known: the same |
//!
//! * **Elsewhere.** A column that is named must be there: in the header, or in the first row of JSON. In a [later
//!   stream](StreamOptions::elsewhere) of the same learner all but the target may be absent: without its column a row
//!   weighs 1, and has no name or time.
//! * **When the looks deceived**: a column of numbers meets text. That row is an error, and nothing is learned from it.
//!   The remedy is to declare the column, or to [skip](BadRows::Skip) such rows, which are counted. A number among
//!   categories is a category.
//! * **Dates** are ISO 8601, `2024-02-29`, `2024-02-29T12:30`, with seconds, fractions, `Z` or an offset; only declared
//!   columns are dates. What counts is the clock where it was written: an offset changes nothing. A number is no date.
//! * **Texts**: the tokens of a text are its words, the longest runs of letters and digits, in lower case, and of each
//!   word set between `<` and `>` every three characters in a row. Column *h* mod *n* counts them, where *h* is the
//!   token's XXH3-64, with seed 0 for words and 1 for the threes, and *n* is 64 unless
//!   [another](StreamOptions::text_columns) is asked for.
//!
//! # The task
//!
//! [`Stream::infer_task`] looks at the first 1 000 targets among the first 10 000 rows. It is regression if all are
//! numbers and if one of them is not whole or there are more than 20 different ones; otherwise it is classification.
//! Several columns to predict are regression. [`look_ahead`] does so where rows can be read only once.
//!
//! # Errors and limits
//!
//! An error that names a [row](crate::Error::row) concerns this row alone: the stream can be read on. Any other error
//! ends the stream. Whatever the bytes are, nothing panics, and memory is bounded:
//!
//! | at most | |
//! |---|---|
//! | 16 MiB | in a row (of CSV, the bounds of its fields take up to 8 bytes for each byte besides) |
//! | 2²⁰ | cells in a row |
//! | 2²⁰ | names at once, of 4 KiB each and 64 MiB together. The first 2¹⁶, or 16 MiB, are kept; a later one is forgotten after its row |
//! | 128 | objects and arrays in each other in JSON |
//! | 64 MiB | in a header of ARFF |
//! | 128 MiB | in the window of a zstd frame, as `zstd --long` has it |

mod arff;
mod arff_words;
pub mod bundled;
mod cells;
mod csv;
mod date;
mod file;
mod format;
mod json;
mod libsvm;
mod look;
mod names;
mod options;
mod record;
mod schema;
mod sniff;
mod source;
mod task;
mod text;
mod vw;
mod zstd;

use std::fmt;

pub use file::{from_reader, open, open_through};
pub use format::Format;
pub use look::look_ahead;
pub use options::{BadRows, Header, StreamOptions, TEXT_COLUMNS};
pub use record::Record;

use crate::error::Error;
use crate::learn::Task;
#[cfg(doc)]
use crate::row::Row;

/// Rows, one after the other: from bytes, or made up.
pub trait Stream: fmt::Debug + Send {
    /// The name of the target.
    fn target(&self) -> &str;

    /// How many rows have been read, or skipped, so far. Rows that could not be used count.
    fn row(&self) -> u64;

    /// How many cells spelt NaN or infinity, in the rows read so far. Skipped rows are not looked at.
    fn non_finite(&self) -> u64;

    /// A hash (XXH3-64) of what stands before the first row; 0 where nothing does.
    fn header_hash(&self) -> u64;

    /// A hash (XXH3-64) of all rows so far, as they stand in the file; 0 before the first row. With the header's it
    /// tells whether a stream that was skipped to a place is the one that was left there.
    fn rows_hash(&self) -> u64;

    /// Reads the next row into `record`; `false` at the end.
    ///
    /// # Errors
    ///
    /// A row that cannot be read: the error names the row, `record` has no features, and the stream can be read on. A
    /// stream without any row, a compressed file that is cut short or damaged, or a failure of the system: the stream
    /// is over.
    fn read(&mut self, record: &mut Record) -> Result<bool, Error>;

    /// Passes over `rows` rows without looking at their cells; returns how many there were, fewer only at the end.
    ///
    /// # Errors
    ///
    /// Only what ends the stream: see [`read`](Stream::read).
    fn skip(&mut self, rows: u64) -> Result<u64, Error>;

    /// The task that the targets suggest, by the rule in the [module](self). Rows that cannot be read are passed over.
    /// Uses the stream up: open it again to learn from it.
    ///
    /// # Errors
    ///
    /// Whatever ends the stream early.
    fn infer_task(&mut self) -> Result<Task, Error> {
        task::infer(self)
    }
}
