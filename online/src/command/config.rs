//! Options from a file, and into one: `--config` and `--write-config`.
//!
//! Options are declared once, for the command line. In a file they have the same names, without `--`, and what a flag is given
//! is their value: a text or a number; `true` for a flag that is given nothing; a list for what may be said several times.
//! What stands before the flags is there, too, by the name that the help has for it, in small letters: `stream`, `streams`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};
use thalweg_online::spec::unknown;
use thalweg_online::{Error, ErrorKind};
use toml::{Table, Value};

/// Where options are read from, and written to.
#[derive(Clone, Debug, Args)]
pub struct ConfigFile {
    /// A TOML file of options, named as here without --: model = "lstm:32". What is said here goes before what is said there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write the options of this run to a TOML file, for --config
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    /// What was said, here or there.
    #[arg(skip)]
    pub said: Table,
}

/// What is no option of a run.
const NOT_KEPT: [&str; 5] = ["config", "write_config", "json", "help", "version"];

impl ConfigFile {
    /// Writes what was said, and what was used where nothing was said. A file that is no TOML is not replaced.
    pub fn write(&self, used: &[(&str, String)]) -> Result<(), Error> {
        let Some(path) = &self.write_config else { return Ok(()) };
        let mut table = self.said.clone();
        for (name, value) in used {
            table.entry(*name).or_insert_with(|| value_of(value));
        }
        let cannot = |cause| Error::caused_by(ErrorKind::Io, "cannot be written", cause).in_file(path);
        if fs::read(path).is_ok_and(|old| str::from_utf8(&old).map_or(true, |old| old.parse::<Table>().is_err())) {
            let message = "expected a file of options or none yet, found something else: it is not replaced";
            return Err(Error::new(ErrorKind::Format, message).in_file(path));
        }
        fs::write(path, table.to_string()).map_err(cannot)
    }
}

/// The arguments, and behind the command those of the file that they name, as far as they do not say otherwise.
pub fn with_file(command: &Command, mut arguments: Vec<OsString>) -> Result<Vec<OsString>, Error> {
    let found = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    // Whatever is wrong with the arguments is said when they are read in earnest.
    let Ok(found) = found else { return Ok(arguments) };
    let Some((name, said)) = found.subcommand() else { return Ok(arguments) };
    let file = said.try_get_one::<PathBuf>("config").ok().flatten();
    let place = arguments.iter().position(|argument| argument == name);
    let (Some(file), Some(place), Some(command)) = (file, place, command.find_subcommand(name)) else {
        return Ok(arguments);
    };
    let more = read(file, command, said).map_err(|error| error.in_file(file))?;
    arguments.splice(place + 1..=place, more);
    Ok(arguments)
}

/// The options of a file as arguments.
fn read(file: &Path, command: &Command, said: &ArgMatches) -> Result<Vec<OsString>, Error> {
    let text = fs::read_to_string(file);
    let text = text.map_err(|cause| Error::caused_by(ErrorKind::Io, "cannot be read", cause))?;
    let table: Table = toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        Error::new(ErrorKind::Format, format!("expected TOML, found in line {line}: {}", error.message()))
    })?;
    let options = || command.get_arguments().filter(|option| !NOT_KEPT.contains(&option.get_id().as_str()));
    let is_said = |option: &Arg| said.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut arguments = Vec::new();
    for (key, value) in &table {
        let Some(option) = options().find(|option| name_of(option) == key) else {
            let names: Vec<&str> = options().map(name_of).collect();
            return Err(unknown(&format!("option of {}", command.get_name()), key, &names).into());
        };
        if !options().any(|other| is_said(other) && (other == option || exclude(command, option, other))) {
            let named = |error: Error| Error::new(error.kind(), format!("{key}: {}", error.message()));
            add(option, value, &mut arguments).map_err(named)?;
        }
    }
    Ok(arguments)
}

/// Whether one of them declares that they cannot be said together.
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let declares = |one, other| command.get_arg_conflicts_with(one).contains(&other);
    declares(one, other) || declares(other, one)
}

/// An option and its value as arguments.
fn add(option: &Arg, value: &Value, arguments: &mut Vec<OsString>) -> Result<(), Error> {
    let wrong = |expected: &str| Err(Error::expected(ErrorKind::Type, expected, &value.to_string()));
    match (option.get_action(), value) {
        (ArgAction::SetTrue, Value::Boolean(true)) => arguments.push(format!("--{}", name_of(option)).into()),
        (ArgAction::SetTrue, Value::Boolean(false)) => {}
        (ArgAction::SetTrue, _) => return wrong("true or false"),
        (ArgAction::Append, Value::Array(values)) => {
            values.iter().try_for_each(|value| add(option, value, arguments))?
        }
        (_, Value::String(text)) => arguments.push(argument(option, text)),
        (_, Value::Integer(number)) => arguments.push(argument(option, &number.to_string())),
        (_, Value::Float(number)) => arguments.push(argument(option, &number.to_string())),
        (ArgAction::Append, _) => return wrong("a text, a number, or a list of them"),
        _ => return wrong("a text or a number"),
    }
    Ok(())
}

fn argument(option: &Arg, value: &str) -> OsString {
    match option.is_positional() {
        true => value.into(),
        false => format!("--{}={value}", name_of(option)).into(),
    }
}

/// The name of a flag, or of what stands before the flags.
fn name_of(option: &Arg) -> &str {
    option.get_long().unwrap_or(option.get_id().as_str())
}

/// What was said to a command.
pub fn said(command: &Command, matches: &ArgMatches) -> Table {
    let mut table = Table::new();
    for option in command.get_arguments() {
        let id = option.get_id().as_str();
        if NOT_KEPT.contains(&id) || matches.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let mut values = matches.get_raw(id).into_iter().flatten().map(|value| value_of(&value.to_string_lossy()));
        let value = match option.get_action() {
            ArgAction::SetTrue => Some(Value::Boolean(true)),
            ArgAction::Append => Some(Value::Array(values.collect())),
            _ => values.next(),
        };
        if let Some(value) = value {
            table.insert(name_of(option).to_owned(), value);
        }
    }
    table
}

/// A whole number if it is spelt as one, else a text.
fn value_of(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(number) if number.to_string() == text => Value::Integer(number),
        _ => Value::String(text.to_owned()),
    }
}
