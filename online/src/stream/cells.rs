//! Filling a record, cell by cell: what a column is for decides what becomes of what stands in it.

use std::sync::Arc;

use super::date;
use super::record::{Cell, Record, Span};
use super::schema::{Kind, Role, Schema};
use crate::error::{Error, ErrorKind};
use crate::learn::SEPARATOR;

/// A record that is being filled.
pub(super) struct Cells<'a> {
    schema: &'a mut Schema,
    record: &'a mut Record,
    /// Cells that spell NaN or infinity.
    pub(super) non_finite: u64,
}

/// What stands in a cell, as far as the format says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    /// Characters, which may spell a number, or that something is missing.
    Spelt(&'a str),
    /// Text, even if it looks like a number.
    Text(&'a str),
    Number(f64),
    Missing,
}

/// A row has at most so many cells.
pub(super) const MOST_CELLS: usize = 1 << 20;

/// What a spelt cell is, and whether it is a number that is not finite.
pub(super) fn number_in(text: &str) -> (Option<f64>, bool) {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => (Some(number), false),
        Ok(_) => (None, true),
        Err(_) => (None, false),
    }
}

fn spells_missing(text: &str) -> bool {
    matches!(text, "" | "NA" | "NaN" | "nan" | "null" | "None" | "?")
}

impl<'a> Raw<'a> {
    /// Characters without the space around them.
    fn trimmed(self) -> Self {
        match self {
            Raw::Spelt(text) => Raw::Spelt(text.trim()),
            raw => raw,
        }
    }

    /// The characters, if there are any that do not say that something is missing.
    fn text(self) -> Option<&'a str> {
        match self {
            Raw::Spelt(text) => (!spells_missing(text)).then_some(text),
            Raw::Text(text) => (!text.is_empty()).then_some(text),
            Raw::Number(_) | Raw::Missing => None,
        }
    }
}

impl<'a> Cells<'a> {
    /// Begins a row. The record lets go of the names it shares with the stream, so that they can grow.
    pub(super) fn begin(schema: &'a mut Schema, record: &'a mut Record, row: u64) -> Self {
        record.clear();
        schema.forget();
        (record.row, record.separator) = (row, schema.options.separates_labels());
        if !schema.options.more_targets.is_empty() {
            record.values.resize(schema.options.more_targets.len() + 1, f64::NAN);
        }
        Cells { schema, record, non_finite: 0 }
    }

    /// Ends a row: the record shares the names again.
    pub(super) fn end(self) -> u64 {
        self.record.names = Some(Arc::clone(&self.schema.names));
        self.non_finite
    }

    /// Features that the row does not name are zeros.
    pub(super) fn absent_is_zero(&mut self) {
        self.record.absent_is_zero = true;
    }

    /// The number of a name, for [`put`](Cells::put).
    pub(super) fn number(&mut self, name: &str) -> Result<u32, Error> {
        self.schema.number(name)
    }

    /// The name of a number.
    pub(super) fn name(&self, number: u32) -> &str {
        self.schema.names.get(number)
    }

    /// Puts what stands in the column of a name where it belongs.
    pub(super) fn put(&mut self, name: u32, raw: Raw<'_>) -> Result<(), Error> {
        let put = self.put_in(name, raw.trimmed());
        put.map_err(|error| error.in_column(self.schema.names.get(name)))
    }

    /// [`put`](Cells::put), but a number is added to the one that the row has of that name already.
    pub(super) fn add(&mut self, name: u32, number: f64) -> Result<(), Error> {
        let place = self.record.cells.len();
        let (row, earlier) = self.schema.places[name as usize];
        if row == self.record.row
            && let Some((known, Cell::Number(sum))) = self.record.cells.get_mut(earlier as usize)
            && *known == name
            && (*sum + number).is_finite()
        {
            *sum += number;
            return Ok(());
        }
        self.schema.places[name as usize] = (self.record.row, place as u32);
        self.put(name, Raw::Number(number))
    }

    fn put_in(&mut self, name: u32, raw: Raw<'_>) -> Result<(), Error> {
        match self.schema.role(name) {
            Role::Ignored => {}
            Role::Feature(Kind::Date(first, pattern)) => self.date(first, pattern, raw)?,
            Role::Feature(Kind::Text(first)) => self.counts(first, raw)?,
            Role::Feature(kind) => {
                let cell = self.cell(kind, raw)?;
                self.push(name, cell)?;
            }
            Role::Target(kind) => self.target_of(kind, raw)?,
            Role::Output(output) => {
                if let Cell::Number(number) = self.cell(Kind::Number, raw)? {
                    self.record.values[output] = number;
                }
            }
            Role::Weight => {
                if let Cell::Number(weight) = self.cell(Kind::Number, raw)? {
                    self.weight(weight)?;
                }
            }
            Role::Id => self.record.id = self.word(raw)?,
            Role::Time => self.record.time = moment(raw)?,
            Role::Known => self.record.known = moment(raw)?,
            Role::Context => self.record.context = self.word(raw)?,
        }
        Ok(())
    }

    /// The target, where the format has a place for it.
    pub(super) fn target(&mut self, raw: Raw<'_>) -> Result<(), Error> {
        let target = self.target_of(Kind::Inferred, raw.trimmed());
        target.map_err(|error| error.in_column(&self.schema.names.target))
    }

    /// The target is a set of labels, [kept](crate::learn::LabelSet) one after the other.
    pub(super) fn kept_labels(&mut self) {
        self.record.separator = SEPARATOR;
    }

    /// The row counts so many times as much.
    pub(super) fn weight(&mut self, weight: f64) -> Result<(), Error> {
        let product = self.record.weight * weight;
        if !(product.is_finite() && weight >= 0.0) {
            let message = format!("expected a weight of 0 or more, found {weight}");
            return Err(Error::new(ErrorKind::Value, message));
        }
        self.record.weight = product;
        Ok(())
    }

    /// The name of the row, where the format has a place for it; a column that was asked for has precedence.
    pub(super) fn id(&mut self, id: &str) -> Result<(), Error> {
        if self.record.id.is_none() {
            self.record.id = Some(self.record.keep(id)?);
        }
        Ok(())
    }

    fn target_of(&mut self, kind: Kind, raw: Raw<'_>) -> Result<(), Error> {
        let cell = self.cell(kind, raw)?;
        self.record.target_text = match (cell, raw) {
            (Cell::Text(span), _) => span,
            (Cell::Number(_), Raw::Spelt(text)) => self.record.keep(text)?,
            (Cell::Number(number), _) => self.record.keep_number(number)?,
            (Cell::Missing, _) => Span::default(),
        };
        self.record.target = cell;
        Ok(())
    }

    fn push(&mut self, name: u32, cell: Cell) -> Result<(), Error> {
        if self.record.cells.len() == MOST_CELLS {
            return Err(Error::new(
                ErrorKind::Value,
                format!("expected a row of at most {MOST_CELLS} cells, found more"),
            ));
        }
        self.record.cells.push((name, cell));
        Ok(())
    }

    /// A cell of a column of numbers, of categories, or of what they look like.
    fn cell(&mut self, kind: Kind, raw: Raw<'_>) -> Result<Cell, Error> {
        if kind == Kind::Category {
            return Ok(self.word(raw)?.map_or(Cell::Missing, Cell::Text));
        }
        let (number, is_non_finite) = match raw {
            Raw::Number(number) => (number.is_finite().then_some(number), !number.is_finite()),
            Raw::Spelt(text) => number_in(text),
            Raw::Text(text) if kind == Kind::Number => number_in(text.trim()),
            Raw::Text(_) | Raw::Missing => (None, false),
        };
        self.non_finite += u64::from(is_non_finite);
        Ok(match (number, raw.text()) {
            (Some(number), _) => Cell::Number(number),
            (None, Some(text)) if kind == Kind::Number && !is_non_finite && !spells_missing(text) => {
                return Err(Error::expected(ErrorKind::Type, "a number, as the column is declared", text));
            }
            (None, Some(text)) if kind == Kind::Inferred && !is_non_finite => Cell::Text(self.record.keep(text)?),
            _ => Cell::Missing,
        })
    }

    /// A cell as a word, if there is anything in it.
    fn word(&mut self, raw: Raw<'_>) -> Result<Option<Span>, Error> {
        match raw {
            Raw::Number(number) if number.is_finite() => self.record.keep_number(number).map(Some),
            raw => raw.text().map(|text| self.record.keep(text)).transpose(),
        }
    }

    fn date(&mut self, first: u32, pattern: Option<usize>, raw: Raw<'_>) -> Result<(), Error> {
        let pattern = pattern.map(|pattern| self.schema.patterns[pattern].as_str());
        let parts = match raw {
            Raw::Number(number) => {
                return Err(Error::new(ErrorKind::Type, format!("expected a date, found the number {number}")));
            }
            raw => raw.text().map(|text| {
                let like = pattern.unwrap_or("such as 2024-02-29 or 2024-02-29T12:30:00");
                let wrong = || Error::expected(ErrorKind::Type, &format!("a date {like}"), text);
                date::parse(text, pattern).map(date::numbers).ok_or_else(wrong)
            }),
        };
        let parts = parts.transpose()?;
        for part in 0..date::PARTS.len() {
            let cell = parts.map_or(Cell::Missing, |parts| Cell::Number(parts[part]));
            self.push(first + part as u32, cell)?;
        }
        Ok(())
    }

    fn counts(&mut self, first: u32, raw: Raw<'_>) -> Result<(), Error> {
        // A number among words is a word too. It is kept as text for the moment, because counting wants characters.
        let number = self.word(if let Raw::Number(_) = raw { raw } else { Raw::Missing })?;
        let mut counts = std::mem::take(&mut self.schema.counts);
        let columns = self.schema.options.text_columns;
        let text = number.map_or(raw.text(), |span| self.record.text.get(span.start as usize..span.end as usize));
        let found = text.map(|text| counts.of(text, columns));
        let pushed = (0..columns).try_for_each(|column| {
            let cell = found.map_or(Cell::Missing, |counts| Cell::Number(counts[column as usize]));
            self.push(first + column, cell)
        });
        self.schema.counts = counts;
        pushed
    }
}

/// Nanoseconds since 1970, if there is anything in the cell.
fn moment(raw: Raw<'_>) -> Result<Option<i64>, Error> {
    match raw {
        Raw::Number(seconds) => {
            let message = || format!("expected a moment of the years 1677 to 2262, found {seconds}");
            date::of_seconds(seconds).ok_or_else(|| Error::new(ErrorKind::Value, message())).map(Some)
        }
        raw => raw.text().map(date::nanoseconds).transpose(),
    }
}

#[cfg(test)]
mod tests;
