//! What can be wrong with a file of weights.

use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fmt, io};

#[cfg(feature = "safetensors")]
use super::safetensors::Report;

/// What was wrong with a file of weights: what was expected, what was found, in which file and tensor.
///
/// Prints on one line (but for `Incomplete`, which comes with feature `safetensors` and prints a table):
///
/// ```
/// use thalweg_nn::weights::Error;
///
/// let error = Error::Version { expected: 2, found: 1 }.in_file("model.weights");
/// assert_eq!(error.to_string(), "model.weights: of another version: expected format 2, found format 1");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Something is wrong with this file.
    InFile {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        error: Box<Error>,
    },
    /// The operating system refused.
    Io {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// Why it failed.
        cause: io::Error,
    },
    /// The bytes are something else.
    NotA {
        /// What they should have been.
        expected: &'static str,
    },
    /// The file was written in another version of its format.
    Version {
        /// The version that can be read.
        expected: u32,
        /// That of the file.
        found: u32,
    },
    /// There are more bytes than are allowed.
    TooLarge {
        /// How many are.
        limit: u64,
        /// How many there are, where it is known.
        found: Option<u64>,
    },
    /// The end is missing.
    CutShort {
        /// How many bytes there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// There is something behind the end.
    Trailing {
        /// How many bytes there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The checksum does not match.
    Damaged,
    /// The bytes are whole, and not those of a value of this type.
    Payload(Box<dyn StdError + Send + Sync>),
    /// The value refuses to be written.
    Unwritable(Box<dyn StdError + Send + Sync>),
    /// The header of a safetensors file is not what it should be.
    Header(String),
    /// One tensor is not what it should be.
    Tensor {
        /// Its name.
        tensor: String,
        /// What it should be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file and a θ do not hold the same tensors. θ has not changed.
    #[cfg(feature = "safetensors")]
    Incomplete(Box<Report>),
}

impl Error {
    /// Adds the file, unless the error already names one: who noticed first knows best.
    #[must_use]
    pub fn in_file(self, file: impl AsRef<Path>) -> Self {
        match self {
            Error::InFile { .. } => self,
            error => Error::InFile { file: file.as_ref().to_owned(), error: Box::new(error) },
        }
    }

    /// An error about one tensor.
    #[cfg(feature = "safetensors")]
    pub(super) fn tensor(tensor: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Error::Tensor { tensor: tensor.to_owned(), expected: expected.into(), found: found.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::InFile { file, error } => write!(f, "{}: {error}", file.display()),
            Error::Io { action, cause } => write!(f, "cannot {action}: {cause}"),
            Error::NotA { expected } => write!(f, "not a {expected}"),
            Error::Version { expected, found } => {
                write!(f, "of another version: expected format {expected}, found format {found}")
            }
            Error::TooLarge { limit, found: None } => write!(f, "too large: expected at most {limit} bytes"),
            Error::TooLarge { limit, found: Some(found) } => {
                write!(f, "too large: expected at most {limit} bytes, found {found}")
            }
            Error::CutShort { expected, found } => write!(f, "cut short: expected {expected} bytes, found {found}"),
            Error::Trailing { expected, found } => {
                write!(f, "expected {expected} bytes, found {} more after the end", found - expected)
            }
            Error::Damaged => f.write_str("damaged: the checksum does not match"),
            Error::Payload(cause) => write!(f, "the payload is not what was expected: {cause}"),
            Error::Unwritable(cause) => write!(f, "cannot be serialised: {cause}"),
            Error::Header(message) => write!(f, "header: {message}"),
            Error::Tensor { tensor, expected, found } => {
                write!(f, "tensor {tensor:?}: expected {expected}, found {found}")
            }
            #[cfg(feature = "safetensors")]
            Error::Incomplete(report) => write!(f, "the tensors are not those of the model\n{report}"),
        }
    }
}

impl StdError for Error {
    /// The cause, if another error is behind this one. Its text is already part of the message.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::InFile { error, .. } => Some(error),
            Error::Io { cause, .. } => Some(cause),
            Error::Payload(cause) | Error::Unwritable(cause) => Some(&**cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_file_named_stays_and_the_cause_is_kept() {
        let error = Error::Io { action: "read", cause: io::Error::other("disk on fire") };
        let error = error.in_file("inner").in_file("outer");
        assert_eq!(error.to_string(), "inner: cannot read: disk on fire");
        let cause = error.source().and_then(StdError::source).map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("disk on fire"));
    }
}
