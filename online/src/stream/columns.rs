//! Which columns there are, and what each is for.

use std::fmt;
use std::path::PathBuf;

use ::csv::StringRecord;
use serde::{Deserialize, Serialize};

use super::record::Cell;
use crate::error::{Error, ErrorKind, quoted};
use crate::spec::{nearest, sentence};

/// How a CSV stream is to be read. The default asks for nothing: see the [module](super).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CsvOptions {
    /// The column that holds the target; by default the last one.
    pub target: Option<String>,
    /// The byte between two fields; by default found by counting `,` `;` and tab in the first line.
    pub delimiter: Option<u8>,
    /// Whether the first line is a header.
    pub header: Header,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// Columns that are text even where they look like numbers.
    pub categorical: Vec<String>,
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

/// The columns of a stream, shared by the stream and its records.
#[derive(Debug)]
pub(super) struct Columns {
    /// The file, for errors.
    pub(super) file: PathBuf,
    /// The names of the features.
    pub(super) names: Vec<String>,
    /// Where each feature stands in a record.
    pub(super) features: Vec<Field>,
    pub(super) target_name: String,
    pub(super) target: Field,
    /// How many fields a record has.
    pub(super) width: usize,
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) index: usize,
    pub(super) categorical: bool,
}

/// Whether the first line is a header.
pub(super) fn has_header(header: Header, first: &StringRecord) -> bool {
    match header {
        Header::Auto => !first.iter().any(|field| matches!(Cell::parse(field), (Cell::Number(_), _))),
        Header::Yes => true,
        Header::No => false,
    }
}

impl Columns {
    /// Finds the columns from the first line.
    pub(super) fn new(file: PathBuf, first: &StringRecord, header: bool, options: &CsvOptions) -> Result<Self, Error> {
        let wrong = |what: String| Error::new(ErrorKind::Schema, what);
        let mut all: Vec<String> = first.iter().map(|field| field.trim().to_owned()).collect();
        for (index, name) in all.iter_mut().enumerate().filter(|(_, name)| !header || name.is_empty()) {
            *name = format!("x{index}");
        }
        // Sorted, so that a wide header does not cost the square of its width.
        let mut sorted: Vec<&String> = all.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(wrong("expected each column name once, found it twice".into()).in_column(pair[0]));
        }
        let target_name = match (&options.target, all.last()) {
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => return Err(wrong("expected columns, found none".into())),
        };
        let wanted = [
            ("target", std::slice::from_ref(&target_name)),
            ("ignored", &options.ignore),
            ("categorical", &options.categorical),
        ];
        for (role, names) in wanted {
            if let Some(name) = names.iter().find(|name| !all.contains(name)) {
                let all: Vec<&str> = all.iter().map(String::as_str).collect();
                return Err(wrong(sentence(&format!("{role} column"), name, nearest(name, &all), &all)));
            }
        }
        if options.ignore.contains(&target_name) {
            return Err(wrong("expected another target than an ignored column".into()).in_column(&target_name));
        }
        let width = all.len();
        let mut target = Field { index: 0, categorical: false };
        let (mut names, mut features) = (Vec::new(), Vec::new());
        for (index, name) in all.into_iter().enumerate() {
            let field = Field { index, categorical: options.categorical.contains(&name) };
            if name == target_name {
                target = field;
            } else if !options.ignore.contains(&name) {
                names.push(name);
                features.push(field);
            }
        }
        if names.is_empty() {
            return Err(wrong(format!("expected a feature besides the target {}, found none", quoted(&target_name))));
        }
        Ok(Columns { file, names, features, target_name, target, width })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(first: &[&str], options: &CsvOptions) -> Result<Columns, String> {
        let first = StringRecord::from(first);
        let header = has_header(options.header, &first);
        Columns::new("f.csv".into(), &first, header, options).map_err(|error| error.to_string())
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_first_line_without_numbers_is_a_header() -> Result<(), String> {
        let found = columns(&["a", " b ", "class"], &CsvOptions::default())?;
        assert_eq!((found.names, found.target_name), (names(&["a", "b"]), "class".into()));
        let found = columns(&["a", "1", "up"], &CsvOptions::default())?;
        assert_eq!((found.names, found.target_name), (names(&["x0", "x1"]), "x2".into()));
        let found = columns(&["a", "1", "up"], &CsvOptions { header: Header::Yes, ..CsvOptions::default() })?;
        assert_eq!((found.names, found.target_name), (names(&["a", "1"]), "up".into()));
        let found = columns(&["", "b"], &CsvOptions { header: Header::Yes, ..CsvOptions::default() })?;
        assert_eq!(found.names, names(&["x0"]), "a column without a name is called by its position");
        Ok(())
    }

    #[test]
    fn columns_can_be_chosen() -> Result<(), String> {
        let options = CsvOptions {
            target: Some("b".into()),
            ignore: names(&["c"]),
            categorical: names(&["d"]),
            ..CsvOptions::default()
        };
        let found = columns(&["a", "b", "c", "d"], &options)?;
        assert_eq!(found.names, names(&["a", "d"]));
        assert_eq!((found.target.index, found.width), (1, 4));
        assert_eq!(
            found.features.iter().map(|field| (field.index, field.categorical)).collect::<Vec<_>>(),
            [(0, false), (3, true)]
        );
        Ok(())
    }

    #[test]
    fn an_impossible_choice_says_what_there_is() {
        let fails = |first: &[&str], options: CsvOptions| columns(first, &options).map(drop).unwrap_err();
        let target = |name: &str| CsvOptions { target: Some(name.into()), ..CsvOptions::default() };
        assert_eq!(
            fails(&["price", "class"], target("clas")),
            "unknown target column \"clas\"; did you mean \"class\"? allowed: price, class"
        );
        assert_eq!(fails(&["price", "class"], target("up")), "unknown target column \"up\"; allowed: price, class");
        let ignore = CsvOptions { ignore: names(&["b"]), ..CsvOptions::default() };
        assert_eq!(fails(&["a", "b"], ignore.clone()), "column \"b\": expected another target than an ignored column");
        assert_eq!(fails(&["b", "a"], ignore), "expected a feature besides the target \"a\", found none");
        assert_eq!(
            fails(&["a", "b", "a"], CsvOptions::default()),
            "column \"a\": expected each column name once, found it twice"
        );
    }
}
