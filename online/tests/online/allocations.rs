//! After the first rows, nothing asks for memory.

use allocation_counter::measure;
use thalweg_online::baseline::{LastLabel, Majority};
use thalweg_online::stream::bundled;
use thalweg_online::{
    Arrival, Config, Deep, Delay, Learner, Model, Prequential, Record, Stream, StreamOptions, Target, Task,
};

use super::formats::{in_every_format, table};

fn stream(name: &str) -> (Box<dyn Stream>, u64) {
    let bundled = bundled::find(name).expect("the stream is bundled");
    (bundled.open().expect("a bundled stream opens"), bundled.rows)
}

/// Reads and evaluates rows, and panics if one of them fails.
fn run(stream: &mut dyn Stream, record: &mut Record, rows: u64, mut each: impl FnMut(&Record)) {
    for _ in 0..rows {
        assert!(stream.read(record).expect("the row is good"), "the stream has this row");
        each(record);
    }
}

fn learn(evaluation: &mut Prequential, learner: &mut dyn Learner, record: &Record) {
    if let Some(target) = record.target(evaluation.task()).expect("the target is good") {
        evaluation.step(learner, record, target).expect("the learner learns");
    }
}

#[test]
fn reading_and_evaluating_allocate_nothing_after_the_first_rows() {
    for (name, task) in [("phishing", Task::Classify), ("digits", Task::Classify), ("co2", Task::Regress)] {
        let (mut stream, rows) = stream(name);
        let mut record = Record::new();
        let mut evaluation = Prequential::new(task);
        let mut learner: Box<dyn Learner> = match task {
            Task::Classify => Box::new(Majority::new()),
            _ => Box::new(thalweg_online::baseline::LastValue::new()),
        };
        run(&mut *stream, &mut record, 200, |record| learn(&mut evaluation, &mut *learner, record));
        let used = measure(|| {
            run(&mut *stream, &mut record, rows - 200, |record| learn(&mut evaluation, &mut *learner, record));
        });
        assert_eq!(used.count_total, 0, "{name}");
        assert!(evaluation.scores().count() > 1_000, "{name} was evaluated");
    }
}

#[test]
fn rows_that_wait_for_their_labels_use_the_memory_of_those_before_them() {
    for horizon in [0, 7] {
        let (mut stream, rows) = stream("phishing");
        let (mut record, mut learner) = (Record::new(), Majority::new());
        let mut evaluation = Prequential::new(Task::Classify).delayed(Delay::Rows(50)).forecasting(horizon);
        run(&mut *stream, &mut record, 200, |record| learn(&mut evaluation, &mut learner, record));
        let used = measure(|| {
            run(&mut *stream, &mut record, rows - 200, |record| learn(&mut evaluation, &mut learner, record));
        });
        assert_eq!((used.count_total, evaluation.waiting()), (0, 50 + horizon as usize));
    }
}

#[test]
fn a_recurrent_state_moves_on_in_the_same_memory() {
    for (delay, horizon) in [(50, 0), (0, 7), (9, 4)] {
        let model = Model::parse("lstm:5,window=4").expect("there is such a model");
        let mut learner = Deep::new(Config { model, ..Config::new(Task::Classify) });
        let mut evaluation = Prequential::new(Task::Classify).delayed(Delay::Rows(delay)).forecasting(horizon);
        let mut step = |row: u64| {
            let x = [("a", (row % 7) as f64), ("b", (row % 5) as f64)];
            let y = (row % 9 != 4).then_some(Target::Class(["up", "down", "level"][row as usize % 3]));
            let arrival = Arrival { x: &x, y, row: row + 1, time: None, known: None };
            evaluation.arrive(&mut learner, arrival).expect("the row is good");
        };
        (0..300).for_each(&mut step);
        assert_eq!(measure(|| (300..900).for_each(&mut step)).count_total, 0, "{delay} {horizon}");
    }
}

#[test]
fn reading_any_format_allocates_nothing_after_the_first_rows() {
    // Numbers of a few digits: to read 17 of them exactly, the library behind JSON needs memory now and then.
    let short = |number: f64| (number * 1e6).round() / 1e6;
    let rows: Vec<_> = table(400).into_iter().map(|(x, y)| (x.map(short), y)).collect();
    let mut files = in_every_format(&rows).to_vec();
    let text = "when,note,who,weight,y\n".to_owned() + &"2024-02-29T12:30:00Z,Rain in Ørsta,ann,2,up\n".repeat(400);
    files.push(("roles.csv", text));
    let roles = StreamOptions {
        date: vec!["when".into()],
        text: vec!["note".into()],
        id: Some("who".into()),
        weight: Some("weight".into()),
        ..StreamOptions::default()
    };
    for (name, text) in files {
        let options = if name == "roles.csv" { roles.clone() } else { StreamOptions::default() };
        let mut stream = super::formats::open(name, &text, &options).expect("it opens");
        let mut record = Record::new();
        run(&mut *stream, &mut record, 100, |_| {});
        let used = measure(|| run(&mut *stream, &mut record, 300, |record| assert!(record.target_text().is_some())));
        assert_eq!(used.count_total, 0, "{name}");
    }
}

#[test]
fn a_new_label_is_all_that_costs_memory() {
    let mut evaluation = Prequential::new(Task::Classify);
    let mut learner = LastLabel::new();
    let x = [("x", 1.0)];
    let mut step = |label| {
        let used = measure(|| {
            evaluation.step(&mut learner, &x, Target::Class(label)).expect("the learner learns");
        });
        used.count_total
    };
    for label in ["up", "down", "up", "down"] {
        step(label);
    }
    assert_eq!(step("up") + step("down"), 0);
    assert!(step("sideways") > 0);
}
