//! Rows from CSV: from a file or any reader, plain or gzip, one row at a time, in memory that is used again and again.
//!
//! # Cells
//!
//! Space around a cell is ignored. A cell that is empty, or `NA`, `NaN`, `null`, `None` or `?`, is missing; so is one
//! that spells NaN or infinity in any way, and a number too large for an `f64`: these are counted
//! ([`CsvStream::non_finite`]). What parses as a number is a number. The rest is text, and so is every cell of a
//! column that is listed as [categorical](CsvOptions::categorical). The same holds for the target.
//!
//! # Columns
//!
//! The first line is a header if none of its cells parses as a number; without a header the columns are called `x0`,
//! `x1`, … by position. The target is the last column unless [another](CsvOptions::target) is named. The delimiter is
//! the one of `,` `;` and tab that the first line has most of.
//!
//! # The task
//!
//! [`CsvStream::infer_task`] looks at the first 1 000 targets. It is regression if all are numbers and if one of them
//! is not whole or there are more than 20 different ones; otherwise it is classification.
//!
//! # Errors
//!
//! An error that names a [row](crate::Error::row) concerns this row alone: the stream can be read on. Any other error
//! ends the stream.

pub mod bundled;
mod columns;
mod csv;
mod record;
mod source;
mod task;

pub use columns::{CsvOptions, Header};
pub use csv::CsvStream;
pub use record::Record;
