//! Everything that a checkpoint can hold, and what one does with it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thalweg_online::anomaly::{self, Watch};
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::session::HoldOut;
use thalweg_online::stream::from_reader;
use thalweg_online::{
    Adaptive, AnyLearner, Autoencoder, Config, Deep, Delay, Delayed, DepthSpec, Error, Extractor, FeatureSpec, Frozen,
    HeadSpec, Learner, LossSpec, MemorySpec, Metrics, Model, MultiTask, PlasticitySpec, PolicySpec, Record, Session,
    Stream, StreamOptions, Target, Task, checkpoint,
};

use crate::deep::support::{Cell, Example, everything, stream};

/// A value in a checkpoint.
pub struct Kept {
    pub name: String,
    pub bytes: Vec<u8>,
    /// Reads it; `true` if it was taken for good. Then it is used if that is asked for.
    pub read: fn(bytes: &[u8], also_used: bool) -> bool,
}

fn kept<V: Serialize + DeserializeOwned + Used>(name: impl Into<String>, value: &V) -> Kept {
    let read = |bytes: &[u8], also_used: bool| {
        let Ok(value) = checkpoint::decode::<V>(bytes) else { return false };
        if also_used {
            value.used();
        }
        true
    };
    Kept { name: name.into(), bytes: checkpoint::encode(value).expect("it is small"), read }
}

/// All that one can do with it. What is refused is refused: nothing may panic.
trait Used {
    fn used(self);
}

/// Rows of which some show what was never seen.
fn rows() -> Vec<Example> {
    let mut rows = stream(3, 12).split_off(8);
    rows[1].x.push(("a new number".into(), Cell::Number(1.5)));
    rows[1].label = "a new class".into();
    rows[1].labels = "a new class|class 0".into();
    rows[2].x.push(("a new word".into(), Cell::Text("of the day".into())));
    rows.extend(everything().into_iter().skip(3).take(2));
    rows
}

/// Examples as a stream.
#[derive(Debug)]
struct Rows {
    task: Task,
    examples: Vec<Example>,
    at: usize,
    from: u64,
}

impl Rows {
    fn new(task: Task, examples: Vec<Example>, from: u64) -> Self {
        Rows { task, examples, at: 0, from }
    }
}

impl Stream for Rows {
    fn target(&self) -> &'static str {
        "target"
    }

    fn row(&self) -> u64 {
        self.from.saturating_add(self.at as u64)
    }

    fn non_finite(&self) -> u64 {
        0
    }

    fn header_hash(&self) -> u64 {
        0
    }

    fn rows_hash(&self) -> u64 {
        0
    }

    fn read(&mut self, record: &mut Record) -> Result<bool, Error> {
        let Some(example) = self.examples.get(self.at) else { return Ok(false) };
        self.at += 1;
        // Each fifth has no target.
        let target = (!self.at.is_multiple_of(5)).then(|| example.target(self.task));
        record.fill(self.row(), &example.x, target)?;
        Ok(true)
    }

    fn skip(&mut self, rows: u64) -> Result<u64, Error> {
        Ok(rows)
    }
}

impl Used for Session {
    fn used(mut self) {
        let learner = self.learner();
        let task = learner.task();
        let said = (learner.model(), learner.settings(), learner.fingerprint(), learner.classes().len());
        let said = (said, learner.features().columns().count(), format!("{:?}", self.earlier()));
        let counts = [self.rows(), self.skipped(), self.unlabelled(), self.non_finite(), self.learner().rows()];
        drop((said, counts, self.evaluation().delay().to_string(), self.evaluation().waiting()));
        self.clone().into_learner().used();
        let (mut next, mut record) = (Rows::new(task, rows(), self.rows()), Record::new());
        let _ = self.follow(&mut next);
        for _ in 0..8 {
            let _ = self.advance(&mut next, &mut record);
        }
        let entries = |session: &Session| {
            let evaluation = session.evaluation();
            let all = [evaluation.scores(), evaluation.baselines()[0].1, evaluation.baselines()[1].1];
            all.map(|scores| scores.entries().len())
        };
        entries(&self);
        for _ in 0..20 {
            let _ = self.finish();
        }
        entries(&self);
        let _ = self.contexts().map(|scores| (scores.forgetting(), scores.backward_transfer(), scores.held_out()));
        if self.turn_to("another", StreamOptions::default()).is_ok() {
            let _ = self.advance(&mut Rows::new(task, rows(), 0), &mut record);
        }
    }
}

impl Used for AnyLearner {
    fn used(mut self) {
        let task = self.task();
        for example in rows() {
            let _ = self.predict_one(&example.x).map(|said| (said.value(), said.label().map(str::len)));
            let _ = self.pass_one(&example.x);
            let _ = self.learn_one(&example.x, example.target(task));
            let _ = self.predict_one(&example.x);
        }
        self.reset_state();
        let _ = self.learn_one(&rows()[0].x, rows()[0].target(task));
    }
}

impl Used for Delayed<AnyLearner> {
    fn used(mut self) {
        let ids: Vec<String> = self.ids().map(str::to_owned).collect();
        let task = self.learner().task();
        for (id, example) in ids.iter().zip(rows()) {
            let _ = self.learn(id, example.target(task));
            let _ = self.predict(&format!("{id} again"), &example.x);
        }
        self.into_learner().used();
    }
}

impl Used for MultiTask {
    fn used(mut self) {
        for example in rows() {
            for name in ["label", "value", "new"] {
                let _ = self.predict_one(name, &example.x).map(|said| said.value());
            }
            let answers = [("label", Target::Class(&example.label)), ("value", Target::Value(example.value))];
            let _ = self.learn_tasks(&example.x, &answers);
            let _ = self.learn_one("new", &example.x, Target::Value(1.0));
        }
    }
}

impl Used for Watch {
    fn used(mut self) {
        let (mut next, mut record) = (Rows::new(Task::Regress, rows(), self.rows()), Record::new());
        let _ = self.follow(&mut next);
        for _ in 0..6 {
            let _ = self.advance(&mut next, &mut record);
        }
        let _ = (self.auc(), self.anomalies(), self.skipped().0, self.detector().features().columns().count());
    }
}

/// Task, model, optimizer, memory, features, loss, metrics, delay, horizon.
type Made = (Task, &'static str, &'static str, &'static str, &'static str, &'static str, &'static str, u32, u32);

const CLASSIFY: &str = "auc@7,f1:macro,log_loss@0.9,mutual_info@5,auc:50,ece:4";
const REGRESS: &str = "rmse@7,r2,mae@0.9";
const SESSIONS: [Made; 9] = [
    (Task::Classify, "lstm:3", "adam:0.001,clip=1,warmup=10", "reservoir:5", "missing=last", "mse", CLASSIFY, 7, 0),
    (
        Task::Regress,
        "gru:3 > layer_norm > mlp:4",
        "sgd:0.01,momentum=0.9",
        "none",
        "scale=robust; lags=3; rolling=mean:4; scale(number 1)=adaptive:0.3",
        "huber:1",
        REGRESS,
        0,
        0,
    ),
    (
        Task::Classify,
        "mlp:4",
        "nadam:0.002,cosine=100",
        "reservoir:3,replays=2",
        "category=target; missing=zero",
        "mse",
        CLASSIFY,
        0,
        0,
    ),
    (Task::Classify, "mlp:4", "amsgrad", "reservoir:4", "category=embed:3", "mse", "accuracy@6", 3, 0),
    (
        Task::Regress,
        "linear:4 > batch_norm:stream > relu > dropout:0.2",
        "rmsprop:0.001,centered=true",
        "reservoir:4",
        "lags=2; category=hash:8; scale=minmax",
        "quantile:0.1,0.5,0.9",
        REGRESS,
        0,
        3,
    ),
    (Task::MultiLabel, "mlp:4", "adagrad:0.01", "reservoir:4", "category=onehot:2", "mse", "f1:micro@7", 2, 0),
    (Task::Classify, "rnn:3,window=3", "adamax", "reservoir:4", "category=embed:2", "mse", "accuracy@6", 0, 2),
    (Task::Regress, "linear", "radam", "reservoir:4", "scale=maxabs", "mae", REGRESS, 2, 2),
    (Task::Classify, "lstm:2x2 > residual(linear:2)", "adadelta", "none", "", "mse", "ece:3", 0, 0),
];

/// Task, model, gradient, optimizer, rule of plasticity, depth, rows of a probe: what learns at every step, and of itself.
type Rules = (Task, &'static str, &'static str, &'static str, &'static str, &'static str, usize);

const RULES: [Rules; 10] = [
    (Task::Classify, "lstm:3 > mlp:4,3", "snap1", "obgd:1,adaptive=true", "cbp:rate=0.5,maturity=1", "none", 4),
    (Task::Regress, "gru:2", "rtrl", "halving(sgd|adam)", "none", "none", 0),
    (Task::Regress, "rnn:2", "uoro", "hedge(sgd|idbd)", "none", "none", 0),
    (Task::Classify, "rtu:2 > linear:3 > relu", "exact", "cocob", "redo:every=7,threshold=1", "none", 3),
    (Task::Classify, "lru:2x2 > mlp:3", "exact", "autostep", "none", "none", 0),
    (Task::Regress, "elstm:3", "exact", "hypergradient:0.01", "shrink-perturb", "none", 0),
    (Task::Classify, "mlp:4,3", "tbptt", "schedule-free-adamw", "upgd", "none", 2),
    (Task::Classify, "mlp:4,3", "tbptt", "sgd:0.1", "none", "hedge", 0),
    (Task::Regress, "mlp:3", "tbptt", "sgd:0.1,bound=0.5", "clip", "none", 0),
    (Task::Regress, "linear", "tbptt", "vw", "none", "none", 0),
];

fn by_rules(&(task, model, gradient, optimizer, plasticity, depth, probe): &Rules) -> Config {
    Config {
        model: Model::parse(model).expect("a model"),
        gradient: GradientSpec::parse(gradient).expect("a gradient"),
        optimizer: optimizer.parse().expect("an optimizer"),
        plasticity: PlasticitySpec::parse(plasticity).expect("a rule"),
        depth: DepthSpec::parse(depth).expect("a depth"),
        probe,
        ..Config::new(task)
    }
}

fn config(made: &Made) -> Config {
    let &(task, model, optimizer, memory, features, loss, ..) = made;
    Config {
        model: Model::parse(model).expect("a model"),
        optimizer: optimizer.parse().expect("an optimizer"),
        memory: MemorySpec::parse(memory).expect("a memory"),
        features: FeatureSpec::parse(features).expect("features"),
        loss: LossSpec::parse(if task == Task::Regress { loss } else { "mse" }).expect("a loss"),
        ..Config::new(task)
    }
}

fn run(session: Session, delay: u32, horizon: u32) -> Session {
    let session = session.delayed(Delay::Rows(delay));
    let mut session = if horizon > 0 { session.forecasting(horizon) } else { session };
    session.keep_errors();
    let (task, mut record) = (session.learner().task(), Record::new());
    let mut rows = Rows::new(task, stream(1, 30), 0);
    while session.advance(&mut rows, &mut record).expect("the rows are good") {}
    session
}

/// In its fourth context; the second has returned.
fn contexts() -> Session {
    let options = StreamOptions { context: Some("place".into()), ..StreamOptions::default() };
    let session = Session::new(config(&SESSIONS[2]), "rows", options.clone());
    let mut session = session.holding_out(HoldOut::parse("3,most=3").expect("every third")).expect("it classifies");
    let row = |row: u32| format!("{},{},{}\n", [0, 1, 2, 1, 3][row as usize / 7], row % 5, row % 3);
    let text = "place,number 1,class\n".to_owned() + &(0..32).map(row).collect::<String>();
    let mut rows = from_reader("rows", std::io::Cursor::new(text), &options).expect("they are rows");
    let mut record = Record::new();
    while session.advance(&mut *rows, &mut record).expect("the rows are good") {}
    session
}

/// A learner over everything that the rows show.
fn taught(mut deep: Deep) -> Deep {
    let task = deep.task();
    for example in everything() {
        deep.learn_one(&example.x, example.target(task)).expect("the row is good");
    }
    deep
}

/// One of each.
pub fn everything_that_is_kept() -> Vec<Kept> {
    let mut all = Vec::new();
    let options = StreamOptions::default;
    for made in &SESSIONS {
        let metrics = Metrics::parse(made.6).expect("metrics");
        let session = Session::with_metrics(config(made), "rows", options(), &metrics).expect("they fit");
        all.push(kept(format!("{} {}", made.0, made.1), &run(session, made.7, made.8)));
    }
    for rules in &RULES {
        let session = Session::new(by_rules(rules), "rows", options());
        all.push(kept(format!("{} {} {}", rules.1, rules.2, rules.3), &run(session, 0, 0)));
    }
    let new = Session::new(Config::new(Task::Classify), "rows", options());
    all.push(kept("a session at its beginning", &new));
    all.push(kept("rows of contexts are held out", &contexts()));
    for (index, text) in ["ncm:normalised", "slda", "softmax:adam"].into_iter().enumerate() {
        let made = if index == 0 { &SESSIONS[3] } else { &SESSIONS[2] };
        let features = FeatureSpec::parse(if index == 0 { made.4 } else { "category=hash:4" }).expect("features");
        let trunk = Extractor::of(&taught(Deep::new(Config { features, ..config(made) }))).expect("it has seen rows");
        let frozen = Frozen::new(trunk, &HeadSpec::parse(text).expect("a head"));
        let frozen = if index == 1 { frozen.with_running_scales() } else { frozen };
        let session = Session::of(frozen, "rows", options(), &Metrics::default()).expect("they fit");
        all.push(kept(text, &run(session, index as u32, 0)));
    }
    for (made, drift, policy) in [
        (&SESSIONS[0], "cusum:warm_start=4,threshold=1", "background:warmup=1000"),
        (&SESSIONS[2], "kswin:window_size=20,stat_size=10,alpha=0.1", "background:warmup=2,patience=3"),
        (&SESSIONS[1], "adwin:clock=1,delta=0.5", "rate:3,rows=20"),
    ] {
        let (drift, policy) = (drift.parse().expect("a detector"), PolicySpec::parse(policy).expect("a policy"));
        let adaptive = Adaptive::new(Deep::new(config(made)), drift, policy).expect("it can do anything");
        let session = Session::of(adaptive, "rows", options(), &Metrics::default()).expect("they fit");
        all.push(kept(format!("{} {drift}", made.1), &run(session, made.7, made.8)));
    }
    let mut delayed = Delayed::new(AnyLearner::from(taught(Deep::new(config(&SESSIONS[1])))), 9);
    for (index, example) in stream(2, 5).iter().enumerate() {
        delayed.predict(&index.to_string(), &example.x).expect("the row is good");
    }
    all.push(kept("delayed", &delayed));
    let features = FeatureSpec::parse("category=onehot:3").expect("features");
    let mut tasks = MultiTask::new(Config { features, ..config(&SESSIONS[2]) }).expect("they fit");
    for example in stream(2, 12) {
        let answers = [("label", Target::Class(&example.label)), ("value", Target::Value(example.value))];
        tasks.learn_tasks(&example.x, &answers).expect("the row is good");
    }
    all.push(kept("several tasks", &tasks));
    let detector = Autoencoder::new(anomaly::Config { spared: Some(0.9), ..Default::default() }).expect("they fit");
    let mut watch = Watch::new(detector, "rows", StreamOptions { labelled: false, ..options() });
    let (mut rows, mut record) = (Rows::new(Task::Regress, stream(1, 20), 0), Record::new());
    while watch.advance(&mut rows, &mut record).expect("the rows are good") {}
    all.push(kept("anomalies", &watch));
    all
}
