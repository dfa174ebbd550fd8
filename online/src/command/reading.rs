//! How rows are read: what `run`, `learn` and `compare` have in common.

use clap::Args;
use thalweg_online::features::{FeatureSpec, Scale};
use thalweg_online::spec::unknown;
use thalweg_online::{BadRows, Delay, Error, ErrorKind, Format, Header, StreamOptions, Task};

use super::source::Source;

/// How streams are read.
#[derive(Debug, Args)]
pub struct Reading {
    /// The column to predict, or several columns of numbers [default: the last one]
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) target: Vec<String>,
    /// What to learn: auto, classify, regress or multilabel (any number of labels a row). auto: regress if the first
    /// 1,000 targets are all numbers, and either one is no whole number or more than 20 differ; of a pipe they are
    /// awaited [default: auto]
    #[arg(long, value_parser = parse_task)]
    pub(super) task: Option<TaskOption>,
    /// How numbers are scaled: standard, minmax, maxabs, robust, adaptive:0.3 or none [default: standard]
    #[arg(long, value_name = "SPEC", value_parser = Scale::parse)]
    pub(super) scale: Option<Scale>,
    /// What becomes of a row's cells, joined by ";": scale=robust; category=onehot:256, target:10, hash:64 or embed:8;
    /// missing=mean, zero or last, with :flag=false if wanted; all of them for some columns too: scale(temp*)=none. Of
    /// the targets known so far: lags=12, rolling=mean:12,std:12,min:12,max:12. most=65536: so many features, and
    /// columns, and no more [default: category=onehot:256; missing=mean; most=65536]
    #[arg(long, value_name = "SPEC", value_parser = FeatureSpec::parse)]
    pub(super) features: Option<FeatureSpec>,
    /// What stands between the labels of a set [default: , in LIBSVM and VW, else |]
    #[arg(long, value_name = "CHAR")]
    pub(super) label_separator: Option<char>,
    /// csv, tsv, jsonl, arff, libsvm or vw [default: by the extension, else by the first line]
    #[arg(long, value_parser = Format::parse)]
    pub(super) format: Option<Format>,
    /// CSV: the character between two fields [default: found in the first line]
    #[arg(long, value_name = "CHAR", value_parser = parse_delimiter)]
    pub(super) delimiter: Option<u8>,
    /// CSV: whether the first line is a header: auto (it is, if no cell is a number), yes or no [default: auto]
    #[arg(long, value_parser = parse_header)]
    pub(super) header: Option<Header>,
    /// Columns to leave out
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) ignore: Vec<String>,
    /// Columns that are categories even where they look like numbers
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) categorical: Vec<String>,
    /// Columns in which anything but a number is wrong, from the first row on
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) numeric: Vec<String>,
    /// Columns of dates, such as 2024-02-29 or 2024-02-29T12:30:00: each becomes seven numbers
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) date: Vec<String>,
    /// Columns of text: each becomes counts of words and of their parts
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    pub(super) text: Vec<String>,
    /// Into how many columns a text is hashed [default: 64]
    #[arg(long, value_name = "N")]
    pub(super) text_columns: Option<u32>,
    /// The column that says how much a row counts: for its gradient, its score and the baselines
    #[arg(long, value_name = "COL")]
    pub(super) weight: Option<String>,
    /// The column that names a row
    #[arg(long, value_name = "COL")]
    pub(super) id: Option<String>,
    /// The column that says when a row was measured: seconds since 1970, or a date
    #[arg(long, value_name = "COL")]
    pub(super) time: Option<String>,
    /// The column that says when a row's label became known, beside --time: until then the label is not there
    #[arg(long, value_name = "COL", requires = "time")]
    pub(super) delay_until: Option<String>,
    /// The column that says which context a row belongs to (a task, a month, a place): where it changes, what was
    /// learned is held, by --consolidate
    #[arg(long, value_name = "COL")]
    pub(super) context: Option<String>,
    #[command(flatten)]
    pub(super) bad_rows: OnBadRow,
}

/// All options of [`Reading`] but the one that may be said anew when rows are read on.
#[rustfmt::skip]
pub const FIXED: [&str; 19] = [
    "target", "task", "scale", "features", "label_separator", "format", "delimiter", "header", "ignore", "categorical",
    "numeric", "date", "text", "text_columns", "weight", "id", "time", "delay_until", "context",
];

/// The one thing that may be said anew when rows are read on.
#[derive(Clone, Copy, Debug, Args)]
pub struct OnBadRow {
    /// What becomes of a row that cannot be read or used: stop, or skip: it is left out and counted [default: stop].
    /// A run that has stopped may go on with skip
    #[arg(long, value_parser = parse_bad_rows)]
    pub(super) on_bad_row: Option<BadRows>,
}

impl OnBadRow {
    /// Whether what goes on is to be as if it had been begun with skip. One that has stopped at each bad row has left none out.
    pub fn asks_to_skip(self) -> bool {
        self.on_bad_row == Some(BadRows::Skip)
    }
}

/// What `--task` says.
#[derive(Clone, Copy, Debug)]
pub enum TaskOption {
    Auto,
    Is(Task),
}

impl Reading {
    /// What becomes of a row's cells.
    pub fn of_features(&self) -> FeatureSpec {
        let features = self.features.clone().unwrap_or_default();
        match self.scale {
            Some(scale) => features.with_scale(scale),
            None => features,
        }
    }

    /// How much later labels come, if anything is said of it; `delay` is what else was said.
    pub fn delay(&self, delay: Option<Delay>) -> Option<Delay> {
        self.delay_until.as_ref().map_or(delay, |_| Some(Delay::Column))
    }

    /// How the stream is to be read.
    pub fn of_stream(&self) -> StreamOptions {
        let defaults = StreamOptions::default();
        StreamOptions {
            format: self.format,
            target: self.target.first().cloned(),
            more_targets: self.target.iter().skip(1).cloned().collect(),
            label_separator: self.label_separator,
            delimiter: self.delimiter,
            header: self.header.unwrap_or_default(),
            ignore: self.ignore.clone(),
            categorical: self.categorical.clone(),
            numeric: self.numeric.clone(),
            text: self.text.clone(),
            text_columns: self.text_columns.unwrap_or(defaults.text_columns),
            date: self.date.clone(),
            weight: self.weight.clone(),
            id: self.id.clone(),
            time: self.time.clone(),
            known: self.delay_until.clone(),
            context: self.context.clone(),
            bad_rows: self.bad_rows.on_bad_row.unwrap_or_default(),
            ..defaults
        }
    }

    /// How another stream of a learner is to be read: what nothing is said of, as its last one was. Of weights, ids and
    /// times, the columns must be there that are named for this stream, or that the delay needs.
    pub fn of_another_stream(&self, held: &StreamOptions, target: &str, delay: Delay) -> StreamOptions {
        let or = |asked: &Option<String>, held: &Option<String>| asked.clone().or_else(|| held.clone());
        let mut targets = self.target.clone();
        if targets.is_empty() {
            targets = held.targets().map(str::to_owned).collect();
        }
        if targets.is_empty() && !target.is_empty() {
            targets.push(target.to_owned());
        }
        let mut targets = targets.into_iter();
        let mut options = StreamOptions {
            format: self.format,
            delimiter: self.delimiter,
            header: self.header.unwrap_or_default(),
            target: targets.next(),
            more_targets: targets.collect(),
            label_separator: self.label_separator,
            weight: or(&self.weight, &held.weight),
            id: or(&self.id, &held.id),
            time: or(&self.time, &held.time),
            known: or(&self.delay_until, &held.known),
            context: or(&self.context, &held.context),
            bad_rows: self.bad_rows.on_bad_row.unwrap_or(held.bad_rows),
            ..held.elsewhere()
        };
        let asked = [&self.weight, &self.id, &self.time, &self.delay_until, &self.context];
        let timed = if let Delay::Rows(_) = delay { [&None; 2] } else { [&options.time, &options.known] };
        options.optional.retain(|name| !asked.into_iter().chain(timed).flatten().any(|needed| needed == name));
        options
    }

    /// What to learn from a source: what was asked for, or what its targets suggest.
    pub fn task_of(&self, source: &mut Source) -> Result<Task, Error> {
        match self.task {
            Some(TaskOption::Is(task)) => Ok(task),
            Some(TaskOption::Auto) | None => source.infer_task(),
        }
    }
}

/// The options that say how a stream is read, where something is said; else they are empty.
pub fn columns_used(options: &StreamOptions, delay: Delay) -> [(&'static str, String); 17] {
    let or_none = |name: &Option<String>| name.clone().unwrap_or_default();
    let char_or_none = |found: Option<char>| found.map_or(String::new(), String::from);
    let typed = |kind: &[String]| kind.join(",");
    let is_late = delay == Delay::Column;
    [
        ("target", options.targets().collect::<Vec<_>>().join(",")),
        ("label-separator", char_or_none(options.label_separator)),
        ("format", options.format.map_or(String::new(), |format| format.to_string())),
        ("delimiter", char_or_none(options.delimiter.map(char::from))),
        ("header", if options.header == Header::Auto { String::new() } else { options.header.to_string() }),
        ("ignore", typed(&options.ignore)),
        ("categorical", typed(&options.categorical)),
        ("numeric", typed(&options.numeric)),
        ("date", typed(&options.date)),
        ("text", typed(&options.text)),
        ("text-columns", if options.text.is_empty() { String::new() } else { options.text_columns.to_string() }),
        ("weight", or_none(&options.weight)),
        ("id", or_none(&options.id)),
        ("time", or_none(&options.time)),
        ("delay-until", if is_late { or_none(&options.known) } else { String::new() }),
        ("context", or_none(&options.context)),
        ("on-bad-row", options.bad_rows.to_string()),
    ]
}

fn parse_task(text: &str) -> Result<TaskOption, Error> {
    match text {
        "auto" => Ok(TaskOption::Auto),
        "classify" => Ok(TaskOption::Is(Task::Classify)),
        "regress" => Ok(TaskOption::Is(Task::Regress)),
        "multilabel" => Ok(TaskOption::Is(Task::MultiLabel)),
        other => Err(unknown("task", other, &["auto", "classify", "regress", "multilabel"]).into()),
    }
}

pub fn parse_header(text: &str) -> Result<Header, Error> {
    match text {
        "auto" => Ok(Header::Auto),
        "yes" => Ok(Header::Yes),
        "no" => Ok(Header::No),
        other => Err(unknown("header", other, &["auto", "yes", "no"]).into()),
    }
}

pub fn parse_bad_rows(text: &str) -> Result<BadRows, Error> {
    match text {
        "stop" => Ok(BadRows::Stop),
        "skip" => Ok(BadRows::Skip),
        other => Err(unknown("answer to a bad row", other, &["stop", "skip"]).into()),
    }
}

pub fn parse_delimiter(text: &str) -> Result<u8, Error> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        &[byte] => Ok(byte),
        _ => Err(Error::expected(ErrorKind::Spec, "one character of ASCII, or \\t", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fixed_is_all_but_what_becomes_of_bad_rows() {
        let command = Reading::augment_args(clap::Command::new("any"));
        let names = command.get_arguments().map(|option| option.get_id().as_str());
        assert_eq!(names.filter(|name| *name != "on_bad_row").collect::<Vec<_>>(), FIXED);
    }
}
