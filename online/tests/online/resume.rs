//! Stop, save, load, skip to the place: from there on everything is as if it had never stopped, bit for bit.

use proptest::prelude::*;
use thalweg_online::baseline::{Majority, RunningMean};
use thalweg_online::stream::bundled::{self, Bundled};
use thalweg_online::stream::from_reader;
use thalweg_online::{
    Config, Delay, FeatureSpec, Learner, MemorySpec, Metrics, Model, Prequential, Record, Session, StreamOptions, Task,
    checkpoint,
};

/// Learns from the rows up to `end`, starting where `saved` left off; returns the new state.
fn run<L: Learner + serde::Serialize + serde::de::DeserializeOwned>(data: &Bundled, saved: &[u8], end: u64) -> Vec<u8> {
    let (position, row_hash, mut learner, mut evaluation): (u64, u64, L, Prequential) =
        checkpoint::decode(saved).expect("the state is good");
    let mut stream = data.open().expect("a bundled stream opens");
    assert_eq!(stream.skip(position).expect("the rows are good"), position);
    assert_eq!(stream.rows_hash(), row_hash, "it is the same stream");
    let mut record = Record::new();
    while stream.row() < end && stream.read(&mut record).expect("the row is good") {
        if let Some(y) = record.target(data.task).expect("the target is good") {
            evaluation.step(&mut learner, &record, y).expect("the learner learns");
        }
    }
    checkpoint::encode(&(stream.row(), stream.rows_hash(), learner, evaluation)).expect("the state is small")
}

fn stopping_changes_nothing<L>(name: &str, learner: L, stops: &[u64]) -> Result<(), TestCaseError>
where
    L: Learner + serde::Serialize + serde::de::DeserializeOwned,
{
    let data = bundled::find(name).expect("the stream is bundled");
    let start = (0_u64, 0_u64, learner, Prequential::new(data.task));
    let start = checkpoint::encode(&start).expect("the state is small");
    let unbroken = run::<L>(data, &start, data.rows);
    let mut state = start;
    for &stop in stops {
        state = run::<L>(data, &state, stop);
    }
    prop_assert!(run::<L>(data, &state, data.rows) == unbroken);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_run_that_was_stopped_ends_in_the_same_bytes(mut stops in prop::collection::vec(0..1_250_u64, 1..4)) {
        stops.sort_unstable();
        stopping_changes_nothing("phishing", Majority::new(), &stops)?;
        stopping_changes_nothing("co2", RunningMean::new(), &stops)?;
    }
}

/// Sessions with everything on: replay, delayed labels, carried state, an optimizer with moments and a schedule, rolling
/// and fading metrics, features of past answers. The rows are phishing's, a minute apart by their number in the column
/// `time`, some of them late, some without a label; the column `kind` has a new category now and then, and the last third
/// a new class: the network grows at both ends.
///
/// The delay `column` is one of 15 minutes and some more, as each row says, that of `column:900` of 15 minutes; behind a `/`
/// stands a horizon.
fn session(model: &str, delay: &str) -> (Session, impl Fn() -> Box<dyn thalweg_online::Stream>) {
    let (delay, horizon) = delay.split_once('/').unwrap_or((delay, "0"));
    let data = bundled::find("phishing").expect("the stream is bundled");
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(data.bytes);
    std::io::Read::read_to_string(&mut decoder, &mut text).expect("the stream is text");
    let lines = text.lines().enumerate().take(301).map(|(row, line)| match row {
        0 => format!("time,known,kind,{line}\n"),
        _ if row % 7 == 3 => format!("{},,,{}\n", 60 * row, &line[..line.len() - 1]),
        _ => {
            let is_new = row > 200 && row % 9 == 0;
            let time = if is_new { 60 * row } else { 60 * (row - row % 5) };
            let known = time + 900 + if delay == "column" { row * row % 977 } else { 0 };
            match is_new {
                true => format!("{time},{known},late,{}2\n", &line[..line.len() - 1]),
                false => format!("{time},{known},{},{line}\n", row / 50),
            }
        }
    });
    let text: String = lines.collect();
    let (time, known, categorical) = (Some("time".into()), Some("known".into()), vec!["kind".into()]);
    let options = StreamOptions { time, known, categorical, ..StreamOptions::default() };
    let delay = delay.split(':').next().unwrap_or_default();
    let mut config = Config::new(Task::Classify);
    config.model = Model::parse(model).expect("there is such a model");
    config.optimizer = "adam:0.003,clip=1,warmup=20".parse().expect("there is such an optimizer");
    let memory = match delay {
        "17" => "der:20,replays=2,buffer=balanced,beta=1",
        "18" => "mir:20,candidates=5",
        "40" => "er-ace:20,buffer=greedy",
        "5" => "a-gem:20,replays=2,buffer=ring",
        _ => "reservoir:20,replays=2",
    };
    config.memory = MemorySpec::parse(memory).expect("there is such a memory");
    let features = if horizon == "0" { "scale=robust; missing=last" } else { "missing=last; lags=3" };
    config.features = FeatureSpec::parse(features).expect("there are such features");
    let metrics = Metrics::parse("auc@50,f1:macro,kappa@0.99,log_loss@30").expect("there are such metrics");
    let session = Session::with_metrics(config, "rows.csv", options.clone(), &metrics).expect("they fit");
    let open = move || {
        let reader = std::io::Cursor::new(text.clone().into_bytes());
        from_reader("rows.csv", reader, &options).expect("the header is good")
    };
    let session = session.delayed(Delay::parse(delay).expect("it is a delay"));
    (session.forecasting(horizon.parse().expect("it is a number")), open)
}

/// From the beginning to the end, with stops: what is saved there, and what it is when it has finished.
fn with_stops(model: &str, delay: &str, stops: &[u64]) -> [Vec<u8>; 2] {
    let (mut session, open) = session(model, delay);
    let (mut stream, mut record) = (open(), Record::new());
    let bytes = |session: &Session| checkpoint::encode(session).expect("the state is small");
    for &stop in stops {
        while session.rows() < stop && session.advance(&mut *stream, &mut record).expect("the row is good") {}
        session = checkpoint::decode(&bytes(&session)).expect("the state is good");
        stream = open();
        session.follow(&mut *stream).expect("it is the same stream");
    }
    while session.advance(&mut *stream, &mut record).expect("the row is good") {}
    let before = bytes(&session);
    session.finish().expect("the rows are good");
    assert_eq!(session.evaluation().waiting(), 0);
    [before, bytes(&session)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn with_everything_on_a_stop_changes_no_bit(mut stops in prop::collection::vec(0..300_u64, 1..3)) {
        stops.sort_unstable();
        for (model, delay) in [
            ("mlp:4", "17"),
            ("mlp:4", "18"),
            ("lstm:4", "900s"),
            ("gru:3 > layer_norm > mlp:4", "40"),
            ("mlp:4", "0"),
            ("lstm:4", "column"),
            ("mlp:4", "5/7"),
            ("gru:3", "0/4"),
        ] {
            prop_assert!(with_stops(model, delay, &stops) == with_stops(model, delay, &[]), "{} {}", model, delay);
        }
    }
}

/// Figures, baselines and learner at the end.
fn finished(model: &str, delay: &str) -> [Vec<u8>; 4] {
    let (mut session, open) = session(model, delay);
    let (mut stream, mut record) = (open(), Record::new());
    while session.advance(&mut *stream, &mut record).expect("the row is good") {}
    session.finish().expect("the rows are good");
    let scores = |scores: &thalweg_online::Scores| checkpoint::encode(scores).expect("they are small");
    let [first, second] = session.evaluation().baselines().map(|(_, baseline)| scores(baseline));
    let learner = checkpoint::encode(session.learner()).expect("it is small");
    [scores(session.evaluation().scores()), first, second, learner]
}

#[test]
fn a_column_of_equal_delays_is_a_delay_by_time() {
    for model in ["mlp:4", "lstm:4"] {
        assert!(finished(model, "column:900") == finished(model, "900s"), "{model}");
        assert!(finished(model, "column") != finished(model, "900s"), "{model}");
    }
}

/// A label that comes before the next row is not late: nothing differs but what waits at the end.
#[test]
fn a_delay_of_one_row_is_none_to_the_bit() {
    for model in ["mlp:4", "lstm:4"] {
        let finished = |delay: &str| finished(model, delay);
        assert!(finished("0") == finished("1"), "{model}");
        assert!(finished("0") == finished("0s"), "{model}");
        assert!(finished("0") != finished("2"), "{model}");
    }
}

#[test]
fn a_row_that_differs_anywhere_has_another_hash() {
    let hash_of = |row: &str| {
        let text = format!("a,b,c\n{row}\n").into_bytes();
        let stream = from_reader("f.csv", std::io::Cursor::new(text), &StreamOptions::default());
        let mut stream = stream.expect("the header is good");
        assert_eq!(stream.skip(1).expect("there is a row"), 1);
        stream.rows_hash()
    };
    let rows = ["1,2,3", "1,2,4", "2,1,3", "12,,3", "1,,23", ",12,3", "1,2", "1,2,3,"];
    let hashes = rows.map(hash_of);
    for (index, hash) in hashes.iter().enumerate() {
        assert_eq!(hashes.iter().position(|other| other == hash), Some(index), "{}", rows[index]);
    }
}

#[test]
fn another_stream_is_noticed() {
    let open = |name: &str| bundled::find(name).expect("the stream is bundled").open().expect("it opens");
    let (mut phishing, mut co2) = (open("phishing"), open("co2"));
    assert_ne!(phishing.header_hash(), co2.header_hash());
    for stream in [&mut phishing, &mut co2] {
        assert_eq!(stream.skip(10).expect("there are rows"), 10);
    }
    assert_ne!(phishing.rows_hash(), co2.rows_hash());
    assert_eq!(phishing.skip(u64::MAX).expect("the rows are good"), 1_240, "fewer at the end");
    assert_eq!(Task::Classify, bundled::find("phishing").expect("the stream is bundled").task);
}
