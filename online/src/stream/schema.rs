//! What each column of a stream is for.

use std::path::PathBuf;
use std::sync::Arc;

use super::names::Names;
use super::text::TextCounts;
use super::{StreamOptions, date};
use crate::error::{Error, ErrorKind, quoted};

/// The columns of a stream, as far as they are known.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) names: Arc<Names>,
    /// Of each name.
    roles: Vec<Role>,
    /// Patterns of dates, for [`Kind::Date`].
    pub(super) patterns: Vec<String>,
    pub(super) options: StreamOptions,
    pub(super) counts: TextCounts,
    /// Where each name last stood: a row, and a place among its cells.
    pub(super) places: Vec<(u64, u32)>,
    /// The name that probably comes next.
    guess: u32,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Feature(Kind),
    Target(Kind),
    /// One of several numbers to predict.
    Output(usize),
    Ignored,
    Weight,
    Id,
    Time,
    Known,
    Context,
}

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// What it looks like.
    Inferred,
    Number,
    Category,
    /// The first of the seven names of its numbers, and the place of its pattern; by ISO 8601 if there is none.
    Date(u32, Option<usize>),
    /// The first of the names of its counts.
    Text(u32),
}

impl Schema {
    /// Of a stream whose columns come as they come.
    pub(super) fn open(file: PathBuf, target: String, options: &StreamOptions) -> Self {
        Schema {
            names: Arc::new(Names::new(file, target)),
            roles: Vec::new(),
            patterns: Vec::new(),
            options: options.clone(),
            counts: TextCounts::default(),
            places: Vec::new(),
            guess: 0,
        }
    }

    /// Of a stream with these columns and no others; `kinds` is what the file itself says of them, which is nothing where
    /// it is too short. Names are numbered, and dates and texts take more than one number: the second result says which
    /// number each column has.
    pub(super) fn closed(
        file: PathBuf,
        columns: &[String],
        kinds: &[Kind],
        options: &StreamOptions,
    ) -> Result<(Self, Vec<u32>), Error> {
        let wrong = |what: String| Error::new(ErrorKind::Schema, what);
        // Sorted, so that a wide header does not cost the square of its width.
        let mut sorted: Vec<&String> = columns.iter().collect();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(wrong("expected each column name once, found it twice".into()).in_column(pair[0]));
        }
        let target = match (&options.target, columns.last()) {
            (_, None) => return Err(wrong("expected columns, found none".into())),
            (Some(name), _) | (None, Some(name)) => options.labelled.then(|| name.clone()),
        };
        let options = StreamOptions { target: target.clone(), ..options.clone() };
        options.check_names(columns, true)?;
        options.check(options.format.unwrap_or(super::Format::Csv))?;
        let named: Vec<&str> = options.targets().collect();
        let mut schema = Schema::open(file, named.join(","), &options);
        let target = target.unwrap_or_default();
        let kind = |index: usize| kinds.get(index).copied().unwrap_or(Kind::Inferred);
        let numbers: Result<Vec<u32>, Error> =
            columns.iter().enumerate().map(|(index, name)| schema.add(name, kind(index))).collect();
        let numbers = numbers?;
        Arc::make_mut(&mut schema.names).keep_all();
        if !numbers.iter().any(|&number| matches!(schema.role(number), Role::Feature(_))) {
            return Err(wrong(match options.labelled {
                true => format!("expected a feature besides the target {}, found none", quoted(&target)),
                false => "expected a feature, found none".into(),
            }));
        }
        Ok((schema, numbers))
    }

    /// A row begins: names that came too late to [be kept](Names::keep) are forgotten.
    pub(super) fn forget(&mut self) {
        let kept = Names::forget(&mut self.names);
        self.roles.truncate(kept);
        self.places.truncate(kept);
    }

    /// What the column of a name is for.
    pub(super) fn role(&self, number: u32) -> Role {
        self.roles[number as usize]
    }

    /// The number of a name, which is new perhaps. Only the names of one record may be in use.
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Error> {
        let number = match self.names.find(name, self.guess) {
            Some(number) => number,
            None => self.add(name, Kind::Inferred)?,
        };
        self.guess = number + 1;
        Ok(number)
    }

    /// Appends a name, or nothing if that fails. The options decide what it is, and then the file (`kind`).
    fn add(&mut self, name: &str, kind: Kind) -> Result<u32, Error> {
        let names = Arc::make_mut(&mut self.names);
        let length = names.len();
        match names.push(name).and_then(|number| Ok((number, role(names, &self.options, name, kind)?))) {
            Ok((number, role)) => {
                names.keep();
                self.roles.push(role);
                // What a date or a text has become is never read from the stream.
                self.roles.resize(self.names.len(), Role::Feature(Kind::Inferred));
                self.places.resize(self.names.len(), (0, 0));
                Ok(number)
            }
            Err(error) => {
                names.truncate(length);
                Err(error)
            }
        }
    }
}

/// What the column of the last of the names is for. Dates and texts append names of their own.
fn role(names: &mut Names, options: &StreamOptions, name: &str, kind: Kind) -> Result<Role, Error> {
    let is = |option: &Option<String>| option.as_deref() == Some(name);
    let listed = |list: &[String]| list.iter().any(|listed| listed == name);
    let declared = if listed(&options.categorical) {
        Kind::Category
    } else if listed(&options.numeric) {
        Kind::Number
    } else if listed(&options.date) {
        Kind::Date(0, None)
    } else if listed(&options.text) {
        Kind::Text(0)
    } else {
        kind
    };
    Ok(match declared {
        _ if listed(&options.ignore) => Role::Ignored,
        _ if is(&options.weight) => Role::Weight,
        _ if is(&options.id) => Role::Id,
        _ if is(&options.time) => Role::Time,
        _ if is(&options.known) => Role::Known,
        _ if is(&options.context) => Role::Context,
        Kind::Date(..) | Kind::Text(_) if options.targets().any(|target| target == name) => {
            let message = "expected a target that is a category or a number, found a text or a date";
            return Err(Error::new(ErrorKind::Schema, message).in_column(name));
        }
        kind => match options.output(name) {
            Some(output) => Role::Output(output),
            None if is(&options.target) => Role::Target(kind),
            None => feature(names, options, name, kind)?,
        },
    })
}

/// What the column of a feature becomes.
fn feature(names: &mut Names, options: &StreamOptions, name: &str, kind: Kind) -> Result<Role, Error> {
    let first = names.len() as u32;
    Ok(match kind {
        Kind::Date(_, pattern) => {
            date::PARTS.iter().try_for_each(|part| names.push(&format!("{name} {part}")).map(drop))?;
            Role::Feature(Kind::Date(first, pattern))
        }
        Kind::Text(_) => {
            (0..options.text_columns).try_for_each(|column| names.push(&format!("{name}#{column}")).map(drop))?;
            Role::Feature(Kind::Text(first))
        }
        kind => Role::Feature(kind),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(schema: &Schema) -> Vec<&str> {
        let numbers = 0..schema.names.len() as u32;
        let features = numbers.filter(|&number| matches!(schema.role(number), Role::Feature(_)));
        features.map(|number| schema.names.get(number)).collect()
    }

    fn closed(columns: &[&str], options: &StreamOptions) -> Result<Schema, String> {
        let columns: Vec<String> = columns.iter().map(ToString::to_string).collect();
        let schema = Schema::closed("f.csv".into(), &columns, &[], options);
        schema.map(|(schema, _)| schema).map_err(|error| error.to_string())
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_can_be_chosen() -> Result<(), String> {
        let options = StreamOptions {
            target: Some("b".into()),
            ignore: list(&["c"]),
            categorical: list(&["d"]),
            weight: Some("w".into()),
            ..StreamOptions::default()
        };
        let schema = closed(&["a", "b", "c", "d", "w"], &options)?;
        assert_eq!((features(&schema), schema.names.target.as_str()), (vec!["a", "d"], "b"));
        assert_eq!((schema.role(3), schema.role(4)), (Role::Feature(Kind::Category), Role::Weight));
        Ok(())
    }

    #[test]
    fn dates_and_texts_take_several_names() -> Result<(), String> {
        let options = StreamOptions {
            date: list(&["t"]),
            text: list(&["s"]),
            text_columns: 2,
            target: Some("y".into()),
            ..StreamOptions::default()
        };
        let mut schema = closed(&["t", "s", "y"], &options)?;
        let role = |schema: &mut Schema, name| schema.number(name).map(|number| schema.role(number)).ok();
        assert_eq!(role(&mut schema, "t"), Some(Role::Feature(Kind::Date(1, None))));
        assert_eq!(role(&mut schema, "s"), Some(Role::Feature(Kind::Text(9))));
        let names: Vec<&str> = (8..12).map(|number| schema.names.get(number)).collect();
        assert_eq!(names, ["s", "s#0", "s#1", "y"]);
        assert_eq!(schema.names.get(7), "t day cos");
        Ok(())
    }

    #[test]
    fn an_impossible_choice_says_what_there_is() {
        let fails = |columns: &[&str], options: StreamOptions| closed(columns, &options).map(drop).unwrap_err();
        let target = |name: &str| StreamOptions { target: Some(name.into()), ..StreamOptions::default() };
        assert_eq!(
            fails(&["price", "class"], target("clas")),
            "unknown target column \"clas\"; did you mean \"class\"? allowed: price, class"
        );
        assert_eq!(fails(&["price", "class"], target("up")), "unknown target column \"up\"; allowed: price, class");
        let ignore = StreamOptions { ignore: list(&["b"]), ..StreamOptions::default() };
        assert_eq!(fails(&["a", "b"], ignore.clone()), "column \"b\": expected another target than an ignored column");
        assert_eq!(fails(&["b", "a"], ignore), "expected a feature besides the target \"a\", found none");
        assert_eq!(
            fails(&["a", "b", "a"], StreamOptions::default()),
            "column \"a\": expected each column name once, found it twice"
        );
        let date = StreamOptions { date: list(&["b"]), ..StreamOptions::default() };
        assert!(fails(&["a", "b"], date).ends_with("a category or a number, found a text or a date"));
    }
}
