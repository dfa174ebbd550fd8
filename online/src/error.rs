//! What went wrong with something that came from outside: a file, a row, a label, a setting.
//!
//! An [`Error`] says what was expected and what was found, and, where there is one, the file, the row and the column.
//! It prints on one line: `elec2.csv.gz: row 12, column "nswprice": expected a number, found "abc"`.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use thalweg_nn::spec::SpecError;
pub(crate) use thalweg_nn::spec::quoted;
#[cfg(feature = "checkpoint")]
use thalweg_nn::weights;

/// The family an [`Error`] belongs to, for a program that decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused: no such file, no permission, a full disk.
    Io,
    /// Bytes that do not form what they should: damaged compression, invalid UTF-8, a row with too few fields.
    Format,
    /// The columns are not those that are needed: an unknown target, a name that stands twice.
    Schema,
    /// A value or a learner of the wrong type: text where a number was needed.
    Type,
    /// A value of the right type that cannot be used, such as NaN.
    Value,
    /// A specification such as `mlp:64,64` that cannot be understood.
    Spec,
    /// A checkpoint that cannot be read or written.
    Checkpoint,
}

/// An error about outside data: one line, with the place where it happened.
///
/// # Example
///
/// ```
/// use thalweg_online::{Error, ErrorKind};
///
/// let error = Error::expected(ErrorKind::Type, "a number", "abc")
///     .in_column("nswprice")
///     .at_row(12)
///     .in_file("elec2.csv.gz");
/// assert_eq!(error.to_string(), r#"elec2.csv.gz: row 12, column "nswprice": expected a number, found "abc""#);
/// ```
pub struct Error(Box<Inner>);

/// Kept behind a pointer, so that `Result<_, Error>` stays small where nothing goes wrong.
struct Inner {
    kind: ErrorKind,
    message: String,
    file: Option<PathBuf>,
    row: Option<u64>,
    column: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error with a message of one line (line breaks become spaces).
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.contains(char::is_control) {
            message = message.replace(char::is_control, " ");
        }
        Error(Box::new(Inner { kind, message, file: None, row: None, column: None, source: None }))
    }

    /// `expected {expected}, found "{found}"`; a long `found` is cut.
    #[must_use]
    pub fn expected(kind: ErrorKind, expected: &str, found: &str) -> Self {
        Self::new(kind, format!("expected {expected}, found {}", quoted(found)))
    }

    /// Of a prediction that is no number: it is not the row's fault.
    #[must_use]
    pub fn diverged() -> Self {
        let expected = "expected a finite prediction, found NaN or infinity";
        Self::new(
            ErrorKind::Value,
            format!("{expected}: what learns has diverged; a lower rate or clip=1 may keep it from that"),
        )
    }

    /// `{what}: {cause}`, with the cause kept as the [source](StdError::source).
    #[must_use]
    pub fn caused_by(kind: ErrorKind, what: &str, cause: impl StdError + Send + Sync + 'static) -> Self {
        let mut error = Self::new(kind, format!("{what}: {cause}"));
        error.0.source = Some(Box::new(cause));
        error
    }

    /// Adds the file, unless the error already names one: who noticed first knows best.
    #[must_use]
    pub fn in_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// Adds the data row, counted from 1 (a header is not a row), unless the error already names one.
    #[must_use]
    pub fn at_row(mut self, row: u64) -> Self {
        self.0.row.get_or_insert(row);
        self
    }

    /// Adds the column, unless the error already names one.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.0.column.get_or_insert_with(|| column.into());
        self
    }

    /// The family of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What was expected and what was found, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file, where there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.0.file.as_deref()
    }

    /// The data row, counted from 1, where there is one.
    #[must_use]
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// The column, where there is one.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }
}

/// A specification that cannot be understood.
impl From<SpecError> for Error {
    fn from(error: SpecError) -> Self {
        Self::new(ErrorKind::Spec, error.to_string())
    }
}

/// A file of weights that cannot be read or written, here a checkpoint.
#[cfg(feature = "checkpoint")]
impl From<weights::Error> for Error {
    fn from(error: weights::Error) -> Self {
        match error {
            weights::Error::InFile { file, error } => Self::from(*error).in_file(file),
            weights::Error::Io { action, cause } => {
                Self::caused_by(ErrorKind::Io, &format!("cannot {action} the checkpoint"), cause)
            }
            error => {
                let message = error.to_string();
                let mut found = Self::new(ErrorKind::Checkpoint, message);
                found.0.source = Some(Box::new(error));
                found
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.0.file {
            write!(f, "{}: ", file.display())?;
        }
        match (self.0.row, &self.0.column) {
            (Some(row), Some(column)) => write!(f, "row {row}, column {}: ", quoted(column))?,
            (Some(row), None) => write!(f, "row {row}: ")?,
            (None, Some(column)) => write!(f, "column {}: ", quoted(column))?,
            (None, None) => {}
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.0.kind)
    }
}

impl StdError for Error {
    /// The cause, if another error is behind this one. Its text is already part of the message.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_printed_as_far_as_it_is_known() {
        let error = || Error::new(ErrorKind::Format, "m");
        assert_eq!(error().to_string(), "m");
        assert_eq!(error().at_row(3).to_string(), "row 3: m");
        assert_eq!(error().in_column("c").to_string(), "column \"c\": m");
        assert_eq!(error().in_column("c").at_row(3).in_file("f.csv").to_string(), "f.csv: row 3, column \"c\": m");
    }

    #[test]
    fn the_first_place_named_stays() {
        let error = Error::new(ErrorKind::Io, "m").in_file("inner").in_file("outer").at_row(1).at_row(2);
        assert_eq!((error.file(), error.row()), (Some(Path::new("inner")), Some(1)));
    }

    #[test]
    fn the_text_stays_on_one_line_and_is_cut() {
        let error = Error::new(ErrorKind::Spec, "one\ntwo");
        assert_eq!(error.to_string(), "one two");
        let long = Error::expected(ErrorKind::Type, "a number", &"é\n".repeat(200)).to_string();
        assert!(!long.contains('\n') && long.chars().count() < 150, "{long}");
    }

    #[test]
    fn the_cause_is_kept() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::caused_by(ErrorKind::Io, "cannot write", cause);
        assert_eq!(error.to_string(), "cannot write: disk on fire");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk on fire"));
    }
}
