//! The figures that are published: one setting for all streams, the defaults.
//!
//! The streams are not part of the project. They are read from the folder that `THALWEG_DATA` names.

use std::path::PathBuf;

use thalweg_online::{Config, Error, Model, Record, Session, StreamOptions, stream as streams};

/// A learner of the defaults with this model is at least this accurate on the stream, over one pass.
fn reaches(accuracy: f64, stream: &str, target: &str, model: &str) -> Result<(), Error> {
    let Some(folder) = std::env::var_os("THALWEG_DATA").map(PathBuf::from) else {
        eprintln!("skipped: {stream} is not here; THALWEG_DATA is not set");
        return Ok(());
    };
    let (path, options) =
        (folder.join(stream), StreamOptions { target: Some(target.to_owned()), ..StreamOptions::default() });
    let mut config = Config::new(streams::open(&path, &options)?.infer_task()?);
    config.model = Model::parse(model)?;
    let (mut rows, mut record) = (streams::open(&path, &options)?, Record::new());
    let mut session = Session::new(config, stream, options);
    while session.advance(&mut *rows, &mut record)? {}
    let reached = session.evaluation().scores().get("accuracy").unwrap_or(f64::NAN);
    assert!(reached >= accuracy, "{stream} {model}: expected {accuracy}, found {reached}");
    Ok(())
}

#[test]
fn elec2_by_an_mlp() -> Result<(), Error> {
    reaches(0.90, "elec2.csv.gz", "class", "mlp:64,64")
}

#[test]
fn elec2_by_recurrent_networks() -> Result<(), Error> {
    reaches(0.925, "elec2.csv.gz", "class", "lstm:32")?;
    reaches(0.935, "elec2.csv.gz", "class", "gru:32")
}

#[test]
fn phishing_bananas_and_weather_by_an_mlp() -> Result<(), Error> {
    reaches(0.885, "phishing.csv.gz", "is_phishing", "mlp:64,64")?;
    reaches(0.80, "bananas.csv.gz", "class", "mlp:64,64")?;
    reaches(0.785, "weather.csv.gz", "target", "mlp:64,64")
}
