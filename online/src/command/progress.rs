//! What is shown on the way, on stderr: a bar on a terminal, River's lines elsewhere.

use std::fs::File;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use thalweg_online::{Scores, Session, Task};

use super::report::grouped;
use super::{kept, say};

/// The bar is drawn anew after this long: often enough for the eye.
const PAUSE: Duration = Duration::from_millis(100);

/// A bar, or lines.
pub struct Progress {
    bar: Option<ProgressBar>,
    counts_rows: bool,
    print_every: u64,
    /// When learning began, and at which row.
    start: (Instant, u64),
    /// When the bar's text was last made, and how long it stays.
    told: Instant,
    pause: Duration,
    /// How many drifts were shown.
    drifts: u64,
}

impl Progress {
    /// Lines after every `print_every` rows where stderr is no terminal; 0: nothing at all.
    pub fn new(print_every: u64) -> Self {
        let bar = (print_every > 0 && std::io::stderr().is_terminal()).then(|| ProgressBar::new(0));
        let now = Instant::now();
        Progress { bar, counts_rows: false, print_every, start: (now, 0), told: now, pause: PAUSE, drifts: 0 }
    }

    /// The stream ends after so many rows: the bar counts them.
    pub fn expect_rows(&mut self, rows: u64) {
        self.counts_rows = true;
        self.style(rows);
    }

    /// Nobody knows how many rows a file has: the bar counts its bytes as they are read.
    pub fn watch(&mut self, file: File) -> Box<dyn std::io::Read + Send> {
        match &self.bar {
            Some(bar) => {
                self.style(file.metadata().map_or(0, |metadata| metadata.len()));
                Box::new(bar.wrap_read(file))
            }
            None => Box::new(file),
        }
    }

    /// Rows that a checkpoint knows already are passed over.
    pub fn skip(&self, rows: u64) {
        if let Some(bar) = self.bar.as_ref().filter(|_| rows > 0) {
            bar.set_message(format!("passing over {} rows", grouped(rows)));
        }
    }

    /// Learning begins after so many rows and drifts, which a checkpoint knows already.
    pub fn begin(&mut self, rows: u64, drifts: u64) {
        self.start = (Instant::now(), rows);
        self.told = Instant::now();
        self.drifts = drifts;
        if let Some(bar) = self.bar.as_ref().filter(|_| self.counts_rows) {
            bar.set_position(rows);
        }
        self.bar.iter().for_each(ProgressBar::reset_eta);
    }

    /// One more row was learned.
    pub fn row(&mut self, session: &Session) {
        let rows = session.rows();
        match &self.bar {
            Some(bar) => {
                if self.counts_rows {
                    bar.set_position(rows);
                }
                if self.told.elapsed() >= self.pause {
                    let asked = Instant::now();
                    let (start, before) = self.start;
                    let speed = (rows - before) as f64 / start.elapsed().as_secs_f64().max(1e-3);
                    let (score, left) = (score(session.evaluation().scores()), time_left(bar));
                    let drifts = new_drifts(session, &mut self.drifts);
                    if !drifts.is_empty() {
                        bar.println(format!("[{}]{drifts}", grouped(rows)));
                    }
                    let kept = notes(session);
                    bar.set_message(format!(
                        "{} rows, {}/s, {score}{kept}{left}",
                        grouped(rows),
                        grouped(speed as u64)
                    ));
                    // A look at all that is kept may take its time: at most a tenth of all.
                    (self.told, self.pause) = (Instant::now(), PAUSE.max(9 * asked.elapsed()));
                }
            }
            None if self.print_every > 0 && rows.is_multiple_of(self.print_every) => {
                let drifts = new_drifts(session, &mut self.drifts);
                let (score, kept) = (score(session.evaluation().scores()), notes(session));
                say(&format!("[{}] {score}{kept}{drifts}", grouped(rows)));
            }
            None => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn style(&self, length: u64) {
        if let Some(bar) = &self.bar {
            // Of a pipe nobody knows the length.
            let template =
                if length > 0 { "{bar:20.cyan/blue} {percent:>3}% {wide_msg}" } else { "{spinner} {wide_msg}" };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_length(length);
            bar.enable_steady_tick(PAUSE);
        }
    }
}

/// What is kept of the past, behind a score.
fn notes(session: &Session) -> String {
    kept::notes(session.learner()).iter().map(|note| format!("; {note}")).collect()
}

/// The drifts that were not shown yet.
fn new_drifts(session: &Session, shown: &mut u64) -> String {
    let drifts = number_of_drifts(session);
    let new = drifts - std::mem::replace(shown, drifts).min(drifts);
    let last = session.learner().as_adaptive().into_iter().flat_map(|adaptive| adaptive.history().last());
    let rows: Vec<u64> = last.collect();
    let rows = &rows[rows.len().saturating_sub(new as usize)..];
    let rows: Vec<String> = rows.iter().map(|&row| grouped(row)).collect();
    if rows.is_empty() { String::new() } else { format!("; drift at learned row {}", rows.join(", ")) }
}

/// How many drifts there were.
pub fn number_of_drifts(session: &Session) -> u64 {
    session.learner().as_adaptive().map_or(0, |adaptive| adaptive.history().drifts())
}

/// Nothing as long as nothing is known.
fn time_left(bar: &ProgressBar) -> String {
    match bar.eta() {
        Duration::ZERO => String::new(),
        left => format!(", {:#} left", HumanDuration(left)),
    }
}

/// The first score, as River prints it.
fn score(scores: &Scores) -> String {
    let first = scores.entries()[0].1;
    match scores.task() {
        _ if !first.is_finite() => "nothing scored yet".to_owned(),
        Task::Classify => format!("Accuracy: {:.2}%", 100.0 * first),
        Task::Regress => format!("MAE: {first:.6}"),
        Task::MultiLabel => format!("ExactMatch: {:.2}%", 100.0 * first),
    }
}
