//! How a stream is to be read.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::format::Format;
use crate::error::{Error, ErrorKind};
use crate::spec::{nearest, sentence};

/// How a stream is to be read. The default asks for nothing: see the [module](super), which also says what makes sense
/// for which format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// The format; by default that of the name's extension, and else that which the content looks like.
    pub format: Option<Format>,
    /// The column that holds the target; by default the last one. LIBSVM and Vowpal Wabbit have a place of their own
    /// for it.
    pub target: Option<String>,
    /// More columns of numbers, to be predicted together with the target, which is a number then.
    pub more_targets: Vec<String>,
    /// What stands between the labels of a set in its text; by default `,` in LIBSVM and Vowpal Wabbit, else `|`.
    pub label_separator: Option<char>,
    /// CSV: the byte between two fields; by default found by counting `,` `;` and tab in the first line.
    pub delimiter: Option<u8>,
    /// CSV: whether the first line is a header.
    pub header: Header,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Columns that are categories even where they look like numbers.
    pub categorical: Vec<String>,
    /// Columns in which anything but a number is an error, from the first row on.
    pub numeric: Vec<String>,
    /// Columns of text, each of which becomes counts of words and of their parts.
    pub text: Vec<String>,
    /// Into how many columns a column of text is hashed: 1 to 65 536.
    pub text_columns: u32,
    /// Columns of dates, each of which becomes seven numbers.
    pub date: Vec<String>,
    /// The column that says how much a row counts.
    pub weight: Option<String>,
    /// The column that names a row.
    pub id: Option<String>,
    /// The column that says when a row was measured.
    pub time: Option<String>,
    /// The column that says when the target of a row became known.
    pub known: Option<String>,
    /// The column that says which context a row belongs to: a task, a month, a place.
    pub context: Option<String>,
    /// What becomes of a row that cannot be read or used.
    pub bad_rows: BadRows,
    /// Whether there is a target. If not, a column that may hold one is a feature like any other.
    pub labelled: bool,
    /// Whether every column that is named must be there. If not, those that are ignored, or categorical, numeric, text
    /// or date, may be absent, and a format that has a place of its own for the target takes it from there.
    pub strict: bool,
    /// Columns of weights, ids or times that may be absent: a row then weighs 1, and has no name or time.
    pub optional: Vec<String>,
}

/// What the target is called where a format has a place for it and no name.
pub(super) const LABEL: &str = "label";

/// Into how many columns a column of text is hashed, unless the options say otherwise.
pub const TEXT_COLUMNS: u32 = 64;

impl Default for StreamOptions {
    fn default() -> Self {
        StreamOptions {
            format: None,
            target: None,
            more_targets: Vec::new(),
            label_separator: None,
            delimiter: None,
            header: Header::Auto,
            ignore: Vec::new(),
            categorical: Vec::new(),
            numeric: Vec::new(),
            text: Vec::new(),
            text_columns: TEXT_COLUMNS,
            date: Vec::new(),
            weight: None,
            id: None,
            time: None,
            known: None,
            context: None,
            bad_rows: BadRows::Stop,
            labelled: true,
            strict: true,
            optional: Vec::new(),
        }
    }
}

/// Whether the first line is a header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Header {
    /// It is one if none of its cells parses as a number.
    #[default]
    Auto,
    /// It is one.
    Yes,
    /// It is the first row.
    No,
}

/// As the command spells it.
impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Header::Auto => "auto",
            Header::Yes => "yes",
            Header::No => "no",
        })
    }
}

/// What a [`Session`](crate::Session) does with a row that cannot be read or used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BadRows {
    /// It stops there with an error.
    #[default]
    Stop,
    /// It leaves the row out, counts it, and goes on.
    Skip,
}

/// As the command spells it.
impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            BadRows::Stop => "stop",
            BadRows::Skip => "skip",
        })
    }
}

impl StreamOptions {
    /// The same columns in another stream, which may be of another format: nothing is said of its format, and columns
    /// that are ignored or have a type [may be absent](Self::strict), as may those of [weights, ids and
    /// times](Self::optional).
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let (format, delimiter, label_separator) = (None, None, None);
        let optional = self.special().map(|(_, name)| name.clone()).collect();
        let (header, strict) = (Header::Auto, false);
        StreamOptions { format, delimiter, label_separator, header, strict, optional, ..self.clone() }
    }

    /// The same columns in rows that are only to be predicted: as [elsewhere](Self::elsewhere), and there is
    /// [no target](Self::labelled), weight or times.
    #[must_use]
    pub fn unlabelled(&self) -> Self {
        let [target, weight, time, known, context] = [const { None }; 5];
        let more_targets = Vec::new();
        StreamOptions { target, weight, time, known, context, more_targets, labelled: false, ..self.elsewhere() }
    }

    /// Whether any column is named that must be there, but for targets.
    pub fn needs_columns(&self) -> bool {
        self.special().any(|(_, name)| !self.optional.contains(name))
    }

    /// The columns that are neither features nor targets, and what they are for.
    fn special(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let all = [
            ("weight", &self.weight),
            ("id", &self.id),
            ("time", &self.time),
            ("time of the label", &self.known),
            ("context", &self.context),
        ];
        all.into_iter().filter_map(|(role, name)| Some((role, name.as_ref()?)))
    }

    /// The columns to predict, as far as they are named.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        self.target.iter().chain(&self.more_targets).map(String::as_str)
    }

    pub(super) fn separates_labels(&self) -> char {
        let usual = if let Some(Format::LibSvm | Format::VowpalWabbit) = self.format { ',' } else { '|' };
        self.label_separator.unwrap_or(usual)
    }

    /// The place of a column among several to predict; `None` if it is none of them, or the only one.
    pub(super) fn output(&self, name: &str) -> Option<usize> {
        self.targets().position(|target| target == name).filter(|_| !self.more_targets.is_empty())
    }

    /// Whether these options make sense together, and for this format.
    pub(super) fn check(&self, format: Format) -> Result<(), Error> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Spec, what));
        match (format, self.delimiter) {
            (Format::Csv, Some(b'"' | b'\r' | b'\n')) => {
                return wrong("expected a delimiter that is no quote or line break, found another".into());
            }
            (Format::Csv, _) | (Format::Tsv, None | Some(b'\t')) | (_, None) => {}
            _ => return wrong(format!("expected no delimiter for {format}, found one: only csv has a choice")),
        }
        if self.header != Header::Auto && !matches!(format, Format::Csv | Format::Tsv) {
            return wrong(format!("expected nothing said of a header for {format}, found {}", self.header));
        }
        if self.targets().any(|target| target != LABEL) && self.strict && format.has_place_for_target() {
            return wrong(format!("expected no target's column for {format}, found one: it has a place of its own"));
        }
        if !(1..=1 << 16).contains(&self.text_columns) {
            return wrong(format!("expected 1 to 65536 columns for a text, found {}", self.text_columns));
        }
        let twice = |message: &str, name: &str| Err(Error::new(ErrorKind::Schema, message).in_column(name));
        let [target, weight, id, time, known, context] =
            [&self.target, &self.weight, &self.id, &self.time, &self.known, &self.context].map(Option::as_slice);
        let roles = [target, &self.more_targets, weight, id, time, known, context, &self.ignore];
        if let Some(name) = in_two(&roles) {
            return match (&self.target, self.ignore.iter().any(|ignored| ignored == name)) {
                (Some(target), true) if target == name => twice("expected another target than an ignored column", name),
                _ => twice(
                    "expected one of target, weight, id, time, time of the label, context and ignored, found two",
                    name,
                ),
            };
        }
        match in_two(&[&self.categorical, &self.numeric, &self.text, &self.date]) {
            Some(name) => twice("expected one of categorical, numeric, text and date, found two", name),
            None => Ok(()),
        }
    }

    /// Whether every column that the options name is among `all`, the ignored and typed ones too if `closed`.
    pub(super) fn check_names(&self, all: &[String], closed: bool) -> Result<(), Error> {
        let special = self.special().filter(|(_, name)| !self.optional.contains(name));
        let special = special.map(|(role, name)| (role, std::slice::from_ref(name)));
        let targets = [("target", self.target.as_slice()), ("target", &self.more_targets)];
        let needed = targets.into_iter().chain(special);
        let others = [
            ("ignored", &self.ignore[..]),
            ("categorical", &self.categorical),
            ("numeric", &self.numeric),
            ("text", &self.text),
            ("date", &self.date),
        ];
        let others = if closed && self.strict { &others[..] } else { &[] };
        for (role, names) in needed.chain(others.iter().copied()) {
            if let Some(name) = names.iter().find(|name| !all.contains(name)) {
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                let message = sentence(&format!("{role} column"), name, nearest(name, &all), &all);
                return Err(Error::new(ErrorKind::Schema, message));
            }
        }
        Ok(())
    }
}

/// A name that stands in two of the lists.
fn in_two<'a>(lists: &[&'a [String]]) -> Option<&'a str> {
    let mut earlier: &[&[String]] = &[];
    for (index, list) in lists.iter().enumerate() {
        if let Some(name) = list.iter().find(|name| earlier.iter().any(|other| other.contains(name))) {
            return Some(name);
        }
        earlier = &lists[..=index];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused() {
        let none = StreamOptions::default;
        let list = |name: &str| vec![name.to_owned()];
        let cases = [
            (Format::Csv, StreamOptions { delimiter: Some(b'"'), ..none() }),
            (Format::Tsv, StreamOptions { delimiter: Some(b','), ..none() }),
            (Format::Arff, StreamOptions { delimiter: Some(b','), ..none() }),
            (Format::JsonLines, StreamOptions { header: Header::No, ..none() }),
            (Format::LibSvm, StreamOptions { target: Some("1".into()), ..none() }),
            (Format::VowpalWabbit, StreamOptions { target: Some("a".into()), ..none() }),
            (Format::Csv, StreamOptions { text_columns: 0, ..none() }),
            (Format::Csv, StreamOptions { target: Some("a".into()), ignore: list("a"), ..none() }),
            (Format::Csv, StreamOptions { weight: Some("a".into()), id: Some("a".into()), ..none() }),
            (Format::Csv, StreamOptions { text: list("a"), date: list("a"), ..none() }),
        ];
        for (format, options) in cases {
            assert!(options.check(format).is_err(), "{format} {options:?}");
            assert!(none().check(format).is_ok());
        }
        let label = StreamOptions { target: Some(LABEL.into()), ..none() };
        assert!(label.check(Format::LibSvm).is_ok() && label.check(Format::VowpalWabbit).is_ok());
    }
}
