//! Where in a stream a session is, and what it left out on the way.

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::saved::{Checked, checked, ensure, is_count};
use crate::stream::{BadRows, Stream};

/// The streams before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// How many there were.
    #[serde(deserialize_with = "crate::saved::count")]
    pub streams: u64,
    /// How many rows were read from them.
    #[serde(deserialize_with = "crate::saved::count")]
    pub rows: u64,
}

/// Where in the stream a session is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(crate) struct Place {
    /// Rows read, those without a target included.
    #[serde(deserialize_with = "crate::saved::count")]
    pub rows: u64,
    /// Rows that could not be read or used and were left out, and what was wrong with the first.
    #[serde(deserialize_with = "crate::saved::count")]
    pub skipped: u64,
    pub first_skipped: Option<String>,
    /// Rows without a target in the streams before this one.
    #[serde(deserialize_with = "crate::saved::count")]
    pub unlabelled_earlier: u64,
    /// NaN and infinite cells met before this stream was opened, and since.
    non_finite: [u64; 2],
    /// Which context the last row that said so belongs to.
    context: Option<String>,
    /// Hashes of the header and of all rows read: a stream that has others is another stream.
    header_hash: u64,
    rows_hash: u64,
}

checked!(Place);

impl Checked for Place {
    fn check(&self) -> Result<(), Error> {
        ensure(self.non_finite.into_iter().all(is_count), "counts of cells")
    }
}

impl Place {
    /// A row was read from the stream.
    pub fn note(&mut self, stream: &dyn Stream) {
        self.rows = stream.row();
        self.non_finite[1] = stream.non_finite();
        (self.header_hash, self.rows_hash) = (stream.header_hash(), stream.rows_hash());
    }

    /// A row says which context it belongs to, or nothing. Whether that is another one than before.
    pub fn note_context(&mut self, found: Option<&str>) -> bool {
        let Some(found) = found.filter(|found| self.context.as_deref() != Some(*found)) else { return false };
        self.context.replace(found.to_owned()).is_some()
    }

    /// A row that cannot be read or used is left out and counted, or is an error; what a specification asks for is no row's fault.
    pub fn skip_or_stop(&mut self, error: Error, bad_rows: BadRows) -> Result<(), Error> {
        if bad_rows == BadRows::Stop || error.row().is_none() || error.kind() == ErrorKind::Spec {
            return Err(error);
        }
        self.left_out(&error);
        Ok(())
    }

    /// A row was left out.
    pub fn left_out(&mut self, error: &Error) {
        self.skipped += 1;
        self.first_skipped.get_or_insert_with(|| error.to_string());
    }

    /// Brings a newly opened stream to this place. An error calls it `name`.
    pub fn follow(&mut self, stream: &mut dyn Stream, name: &str) -> Result<(), Error> {
        let rows = self.rows;
        let skipped = stream.skip(rows)?;
        let wrong = |found: String| {
            let message = format!("expected the stream that the checkpoint comes from, {rows} rows in; found {found}");
            Err(Error::new(ErrorKind::Checkpoint, message).in_file(name))
        };
        if skipped < rows {
            return wrong(format!("the end after {skipped} rows"));
        }
        if rows > 0 && stream.header_hash() != self.header_hash {
            return wrong("another header".to_owned());
        }
        if stream.rows_hash() != self.rows_hash {
            return wrong("other rows".to_owned());
        }
        let [before, since] = self.non_finite;
        self.non_finite = [before + since, 0];
        Ok(())
    }

    /// How many cells were NaN or infinite.
    pub fn non_finite(&self) -> u64 {
        self.non_finite.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saved::testing::refuses;

    #[test]
    fn counts_that_cannot_go_on_are_refused() {
        refuses(
            &Place::default(),
            &[
                ("rows", |place| place.rows = u64::MAX),
                ("rows that were left out", |place| place.skipped = u64::MAX),
                ("cells", |place| place.non_finite = [0, u64::MAX]),
            ],
        );
        refuses(&Earlier::default(), &[("rows before", |earlier| earlier.rows = u64::MAX)]);
    }
}
