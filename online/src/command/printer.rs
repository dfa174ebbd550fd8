//! Predictions on stdout: a line for each row, as CSV or as JSON.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use thalweg_online::{Prediction, Record};

use super::generate::printing;

/// Lines on stdout. Each is there at once: whoever waits for the answer to a row is not to wait for the next.
pub struct Printer {
    out: Lines,
    /// The names of the targets, between commas.
    targets: String,
}

enum Lines {
    /// And whether there is a header already.
    Csv(Box<csv::Writer<io::Stdout>>, bool),
    Json(io::Stdout),
}

impl Printer {
    pub fn new(json: bool, targets: String) -> Self {
        let csv = || Lines::Csv(Box::new(csv::Writer::from_writer(io::stdout())), false);
        Printer { out: if json { Lines::Json(io::stdout()) } else { csv() }, targets }
    }

    pub fn print(&mut self, row: &Record, prediction: &Prediction<'_>) -> io::Result<()> {
        let id = row.id().map_or(Id::Row(row.row()), Id::Name);
        match &mut self.out {
            Lines::Csv(out, has_header) => {
                if !std::mem::replace(has_header, true) {
                    out.write_record(header(prediction, &self.targets)).map_err(printing)?;
                }
                let id = match id {
                    Id::Name(name) => name.to_owned(),
                    Id::Row(row) => row.to_string(),
                };
                out.write_record(std::iter::once(id).chain(cells(prediction))).map_err(printing)?;
                out.flush()
            }
            Lines::Json(out) => {
                let mut line = serde_json::to_vec(&Line::new(id, prediction))?;
                line.push(b'\n');
                out.write_all(&line)?;
                out.flush()
            }
        }
    }
}

/// `id,prediction`, and what else there is to say.
fn header(prediction: &Prediction<'_>, targets: &str) -> Vec<String> {
    let mut names = vec!["id".to_owned()];
    match *prediction {
        // By name, if they are as many as the numbers.
        Prediction::Values(values) if targets.split(',').count() == values.len() => {
            names.extend(targets.split(',').map(str::to_owned));
        }
        Prediction::Values(values) => names.extend((1..=values.len()).map(|output| format!("prediction {output}"))),
        Prediction::Quantiles { quantiles, .. } => {
            names.push("prediction".to_owned());
            names.extend(quantiles.iter().map(f64::to_string));
        }
        Prediction::Classes { .. } => names.extend(["prediction", "probability"].map(str::to_owned)),
        _ => names.push("prediction".to_owned()),
    }
    names
}

/// What stands behind the id: nothing where there is nothing to say yet. Several labels have `|` between them.
fn cells(prediction: &Prediction<'_>) -> Vec<String> {
    let numbers = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>();
    match *prediction {
        Prediction::Classes { .. } => match prediction.label() {
            Some(label) => vec![label.to_owned(), (prediction.probability(label) as f32).to_string()],
            None => vec![String::new(); 2],
        },
        Prediction::Labels { .. } => vec![prediction.labels().collect::<Vec<_>>().join("|")],
        Prediction::Quantiles { values, .. } => [numbers(prediction.numbers()), numbers(values)].concat(),
        _ if prediction.numbers().is_empty() => vec![String::new()],
        _ => numbers(prediction.numbers()),
    }
}

/// A name, or a number.
#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Name(&'a str),
    Row(u64),
}

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    id: Id<'a>,
    prediction: Said<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probabilities: Option<Pairs<&'a [String], &'a [f32]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantiles: Option<Pairs<&'a [f64], &'a [f64]>>,
}

/// A label or a number, several of them, or null.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Label(&'a str),
    Labels(Vec<&'a str>),
    Number(f64),
    Numbers(&'a [f64]),
    Nothing,
}

/// Names and numbers: an object.
struct Pairs<N, V>(N, V);

impl<'a> Line<'a> {
    fn new(id: Id<'a>, said: &'a Prediction<'a>) -> Self {
        let (mut probabilities, mut quantiles) = (None, None);
        let prediction = match *said {
            Prediction::Classes { labels, probabilities: p } => {
                probabilities = Some(Pairs(labels, p));
                said.label().map_or(Said::Nothing, Said::Label)
            }
            Prediction::Labels { labels, probabilities: p } => {
                probabilities = Some(Pairs(labels, p));
                Said::Labels(said.labels().collect())
            }
            Prediction::Quantiles { quantiles: q, values } => {
                quantiles = Some(Pairs(q, values));
                said.value().map_or(Said::Nothing, Said::Number)
            }
            Prediction::Values(values) => Said::Numbers(values),
            _ => said.value().map_or(Said::Nothing, Said::Number),
        };
        Line { id, prediction, probabilities, quantiles }
    }
}

impl Serialize for Pairs<&[String], &[f32]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

impl Serialize for Pairs<&[f64], &[f64]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(f64::to_string).zip(self.1))
    }
}
