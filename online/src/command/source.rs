//! Where rows come from.

use std::fs::File;
use std::io;

use thalweg_online::spec::nearest;
use thalweg_online::stream::bundled::{self, Bundled};
use thalweg_online::synth::{Generated, Seed, Synth};
use thalweg_online::{Delay, Error, ErrorKind, Stream, StreamOptions, Task, stream};

use super::progress::Progress;

/// A file, the standard input, a bundled stream, or a generator.
#[derive(Debug)]
pub struct Source {
    name: String,
    kind: Kind,
    options: StreamOptions,
    /// It can be opened only once, and that was done to look at its targets.
    opened: Option<Box<dyn Stream>>,
}

#[derive(Debug)]
enum Kind {
    File,
    Bundled(&'static Bundled),
    Generator(Box<Synth>),
}

impl Source {
    /// What the name stands for: a file, if there is one; else a bundled stream, else a generator. `seed` is for a
    /// generator that names none.
    pub fn find(name: &str, options: StreamOptions, seed: u64) -> Result<Self, Error> {
        let found = std::fs::metadata(name);
        let is_folder = found.as_ref().is_ok_and(|found| found.is_dir());
        let is_missing = found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let kind = match bundled::find(name).filter(|_| is_folder || is_missing) {
            Some(bundled) => Kind::Bundled(bundled),
            None if name == "-" || !is_missing => Kind::File,
            None if is_generator(name) => {
                // What only comes from another stream was not said of this one.
                let StreamOptions { bad_rows, labelled, .. } = options;
                let plain = StreamOptions { bad_rows, labelled, ..StreamOptions::default() };
                if options.needs_columns() || options.strict && options != plain {
                    let message = "is a generator: expected nothing said of formats or columns, found such options";
                    return Err(Error::new(ErrorKind::Spec, message).in_file(name));
                }
                Kind::Generator(Box::new(Synth::parse(name, Seed::new(seed)).map_err(|error| error.in_file(name))?))
            }
            None => return Err(not_found(name)),
        };
        Ok(Source { name: name.to_owned(), kind, options, opened: None })
    }

    /// The name by which it is found again: a generator's has all its seeds.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::Generator(synth) => synth.to_string(),
            Kind::File | Kind::Bundled(_) => self.name.clone(),
        }
    }

    /// How it is read.
    pub fn options(&self) -> &StreamOptions {
        &self.options
    }

    /// Labels that are late by a time need a column that says when a row was measured.
    pub fn check_delay(&self, delay: Delay) -> Result<(), Error> {
        match (delay, &self.options.time) {
            (Delay::Time(1..), None) => {
                let message =
                    format!("expected --time COL beside --delay {delay}: which column says when a row was measured?");
                Err(Error::new(ErrorKind::Spec, message))
            }
            _ => Ok(()),
        }
    }

    /// The task that its targets suggest. From a pipe, the rows that this takes are kept.
    pub fn infer_task(&mut self) -> Result<Task, Error> {
        if self.can_be_read_again() {
            return self.open(&mut Progress::new(0), Some(0))?.infer_task();
        }
        let (task, stream) = match self.name.as_str() {
            "-" => stream::look_ahead("-", io::stdin(), &self.options)?,
            name => {
                let pipe = File::open(name);
                let cannot = |cause| Error::caused_by(ErrorKind::Io, "cannot be opened", cause).in_file(name);
                stream::look_ahead(name, pipe.map_err(cannot)?, &self.options)?
            }
        };
        self.opened = Some(stream);
        Ok(task)
    }

    /// Opens it. It is read up to `limit`, without which a generator has no end.
    pub fn open(&mut self, progress: &mut Progress, limit: Option<u64>) -> Result<Box<dyn Stream>, Error> {
        if let Some(stream) = self.opened.take() {
            return Ok(stream);
        }
        match (&self.kind, limit) {
            (Kind::Bundled(bundled), limit) => {
                progress.expect_rows(limit.unwrap_or(u64::MAX).min(bundled.rows));
                bundled.open_with(&self.options)
            }
            (Kind::Generator(synth), Some(rows)) => {
                progress.expect_rows(rows);
                Ok(Box::new(Generated::new(Synth::clone(synth))))
            }
            (Kind::Generator(_), None) => {
                let message = "a generator has no end: expected --limit N, found nothing";
                Err(Error::new(ErrorKind::Spec, message).in_file(&self.name))
            }
            (Kind::File, Some(rows)) => {
                progress.expect_rows(rows);
                stream::open(&self.name, &self.options)
            }
            (Kind::File, None) if self.name == "-" => stream::open(&self.name, &self.options),
            (Kind::File, None) => stream::open_through(&self.name, &self.options, |file| progress.watch(file)),
        }
    }

    /// Whether it can be opened a second time: not the standard input, nor a pipe.
    pub fn can_be_read_again(&self) -> bool {
        let is_pipe = || std::fs::metadata(&self.name).is_ok_and(|found| !found.is_file() && !found.is_dir());
        !matches!(self.kind, Kind::File) || self.name != "-" && !is_pipe()
    }
}

/// Whether a name begins as a generator's does.
fn is_generator(name: &str) -> bool {
    let end = name.find([':', '(']).unwrap_or(name.len());
    let (head, rest) = name.split_at(end);
    match rest.starts_with('(') {
        true => ["drift", "recurring", "permuted", "rotated"].contains(&head.trim()),
        false => Synth::parse(head, Seed::new(0)).is_ok(),
    }
}

fn not_found(name: &str) -> Error {
    let names = bundled_names();
    let near = nearest(name, &names).map_or(String::new(), |near| format!(" did you mean {near:?}?"));
    let message = format!("expected a file or a bundled stream, found neither;{near} bundled: {}", names.join(", "));
    Error::new(ErrorKind::Io, message).in_file(name)
}

/// The names of the bundled streams.
pub fn bundled_names() -> Vec<&'static str> {
    bundled::all().iter().map(|stream| stream.name).collect()
}
