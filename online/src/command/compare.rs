//! `thalweg compare`: several models on the same rows.

use std::io::{self, Write};
use std::time::Instant;

use clap::Args;
use serde_json::{Map, Value, json};
use thalweg_online::paired::{Test, diebold_mariano, mcnemar};
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{
    ClassWeights, Config, ConsolidationSpec, Deep, Delay, DepthSpec, Error, ErrorKind, LossSpec, MemorySpec, Metrics,
    Model, OptimizerSpec, PlasticitySpec, Record, Scores, Session, Task,
};

use super::adapting::{Adapting, drifts_as_json};
use super::config::ConfigFile;
use super::learning::{check_targets, held_where, parse_delay, parse_horizon};
use super::pass::{warn_of_absent_classes, warn_of_excess};
use super::progress::Progress;
use super::reading::Reading;
use super::report::{align_right, at_depth, by_gradient, decimal, grouped, held_by, metrics, number, table};
use super::source::Source;
use super::{Failure, Output, published, say};

/// What to compare.
#[derive(Debug, Args)]
pub struct Options {
    /// Files, bundled streams or generators
    #[arg(value_name = "STREAM", required = true)]
    streams: Vec<String>,
    /// A network, as for run; give it once for each. The first is the one that the others are tested against
    #[arg(long, value_name = "SPEC", value_parser = Model::parse, required = true)]
    model: Vec<Model>,
    /// How recurrent layers come by their gradient, as for run; networks without any go without if another has some
    #[arg(long, value_name = "SPEC", default_value = "tbptt", value_parser = GradientSpec::parse)]
    gradient: GradientSpec,
    /// Where they have exits, as for run; networks that cannot have them go without if another can
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = DepthSpec::parse)]
    depth: DepthSpec,
    /// How their parameters move, as for run
    #[arg(long, value_name = "SPEC", default_value = "sgd:0.03")]
    optimizer: OptimizerSpec,
    /// What is replayed, as for run
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = MemorySpec::parse)]
    memory: MemorySpec,
    /// What is held of what was learned, as for run
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = ConsolidationSpec::parse)]
    consolidate: ConsolidationSpec,
    /// What is done so that they stay able to learn, as for run; networks without hidden units go without a rule for these if
    /// another has some
    #[arg(long, value_name = "SPEC", default_value = "none", value_parser = PlasticitySpec::parse)]
    plasticity: PlasticitySpec,
    /// What is minimised where numbers are predicted, as for run
    #[arg(long, value_name = "SPEC", default_value = "mse")]
    loss: LossSpec,
    /// How much each class counts, as for run
    #[arg(long, value_name = "SPEC", default_value = "none")]
    class_weight: ClassWeights,
    #[command(flatten)]
    adapting: Adapting,
    /// More metrics than the usual ones, as for run
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true, value_parser = parse_metrics)]
    metrics: Metrics,
    /// How much later than its row each label comes, as for run
    #[arg(long, value_name = "N|TIME", conflicts_with = "delay_until", default_value = "0", value_parser = parse_delay)]
    delay: Delay,
    /// Ask each row for the target of the row N rows later, as for run
    #[arg(long, value_name = "N", default_value = "0", value_parser = parse_horizon)]
    horizon: u32,
    /// Where every random choice begins
    #[arg(long, value_name = "N", default_value_t = 42)]
    seed: u64,
    /// Stop after this many rows of each stream
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub(super) file: ConfigFile,
    #[command(flatten)]
    output: Output,
}

impl Options {
    fn delay(&self) -> Delay {
        self.reading.delay(None).unwrap_or(self.delay)
    }

    /// See [`held_where`].
    fn consolidation(&self) -> ConsolidationSpec {
        held_where(self.reading.context.is_some() || self.adapting.is_asked(), &self.consolidate)
    }
}

/// No metrics are no mistake here.
fn parse_metrics(text: &str) -> Result<Metrics, Error> {
    if text.is_empty() { Ok(Metrics::default()) } else { Metrics::parse(text) }
}

/// What became of a model on a stream.
struct Outcome {
    session: Session,
    rows_per_second: f64,
    /// Against the first model, over the rows that both have predicted; of the first, none.
    test: Option<Test>,
}

/// All models on a stream.
struct Compared {
    stream: String,
    task: Task,
    outcomes: Vec<Outcome>,
}

/// Runs all models over all streams, and reports.
pub fn run(options: &Options) -> Result<(), Failure> {
    let Options {
        gradient, depth, optimizer, memory, consolidate, plasticity, loss, class_weight, horizon, seed, ..
    } = options;
    let mut used = vec![
        ("gradient", gradient.to_string()),
        ("depth", depth.to_string()),
        ("optimizer", optimizer.to_string()),
        ("memory", memory.to_string()),
        ("consolidate", consolidate.to_string()),
        ("plasticity", plasticity.to_string()),
        ("loss", loss.to_string()),
        ("class-weight", class_weight.to_string()),
        ("features", options.reading.of_features().to_string()),
        ("horizon", horizon.to_string()),
        ("seed", seed.to_string()),
    ];
    if options.reading.delay_until.is_none() {
        used.push(("delay", options.delay.to_string()));
    }
    options.file.write(&used)?;
    let compared: Vec<Compared> =
        options.streams.iter().map(|name| compare(options, name)).collect::<Result<_, Error>>()?;
    let out = &mut io::stdout().lock();
    Ok(match options.output.json {
        true => {
            let streams: Vec<Value> = compared.iter().map(|compared| as_json(options, compared)).collect();
            writeln!(out, "{}", json!({ "streams": streams }))
        }
        false => write!(out, "{}", as_text(options, &compared)),
    }?)
}

/// Each model has a pass of its own, so that its speed is its own.
fn compare(options: &Options, name: &str) -> Result<Compared, Error> {
    let mut source = Source::find(name, options.reading.of_stream(), options.seed)?;
    if !source.can_be_read_again() {
        let message = "can be read only once: expected a stream that each model can read, found a pipe";
        return Err(Error::new(ErrorKind::Spec, message).in_file(name));
    }
    source.check_delay(options.delay())?;
    let task = options.reading.task_of(&mut source)?;
    let configs: Vec<Config> = options.model.iter().map(|model| config(options, task, model)).collect();
    for config in &configs {
        config.check()?;
        check_targets(config, source.options())?;
    }
    let mut outcomes: Vec<Outcome> = Vec::new();
    for config in configs {
        let mut outcome = pass(options, &mut source, config)?;
        outcome.test = outcomes.first().map(|first| test(&first.session, &outcome.session));
        outcomes.push(outcome);
    }
    outcomes.first().iter().for_each(|first| warn_of_absent_classes(&first.session));
    Ok(Compared { stream: source.name(), task, outcomes })
}

/// What a model is asked to learn with, as far as that is for such models; what is for none of them is asked of all.
fn config(options: &Options, task: Task, model: &Model) -> Config {
    let is_asked = |fits: &dyn Fn(&Model) -> bool| fits(model) || !options.model.iter().any(fits);
    let by_gradient = is_asked(&Model::is_recurrent);
    let at_depth = is_asked(&|model| options.depth.fits(model));
    let with_plasticity = is_asked(&|model| options.plasticity.fits(&model.layers));
    Config {
        task,
        model: model.clone(),
        gradient: if by_gradient { options.gradient } else { GradientSpec::default() },
        depth: if at_depth { options.depth } else { DepthSpec::None },
        optimizer: options.optimizer.clone(),
        memory: options.memory.clone(),
        consolidation: options.consolidation(),
        plasticity: if with_plasticity { options.plasticity } else { PlasticitySpec::None },
        probe: 0,
        features: options.reading.of_features(),
        class_weights: options.class_weight.clone(),
        loss: options.loss.clone(),
        seed: options.seed,
    }
}

fn pass(options: &Options, source: &mut Source, config: Config) -> Result<Outcome, Error> {
    let model = config.model.clone();
    let learner = options.adapting.over(Deep::new(config))?;
    let session = Session::of(learner, source.name(), source.options().clone(), &options.metrics)?;
    let mut session = session.delayed(options.delay()).forecasting(options.horizon);
    session.keep_errors();
    let mut stream = source.open(&mut Progress::new(0), options.limit)?;
    let (clock, limit, mut record) = (Instant::now(), options.limit.unwrap_or(u64::MAX), Record::new());
    while session.rows() < limit && session.advance(&mut *stream, &mut record)? {}
    session.finish()?;
    warn_of_excess(&session);
    let rows_per_second = session.rows() as f64 / clock.elapsed().as_secs_f64();
    if let Some(first) = session.first_skipped() {
        say(&format!("warning: {model} leaves out {} rows; the first: {first}", grouped(session.skipped())));
    }
    Ok(Outcome { session, rows_per_second, test: None })
}

/// The errors of both models, row by row, in the order of the rows.
fn pairs(first: &Session, other: &Session) -> Vec<(f64, f64)> {
    let in_order = |session: &Session| {
        let mut errors = session.evaluation().errors().to_vec();
        errors.sort_by_key(|&(row, _)| row);
        errors
    };
    let (first, other) = (in_order(first), in_order(other));
    let of_row = |row: u64| other.binary_search_by_key(&row, |&(row, _)| row).ok().map(|place| other[place].1);
    first.iter().filter_map(|&(row, error)| of_row(row).map(|other| (error, other))).collect()
}

fn test(first: &Session, other: &Session) -> Test {
    let pairs = pairs(first, other);
    match first.evaluation().task() {
        Task::Classify | Task::MultiLabel => {
            let count = |wanted: (f64, f64)| pairs.iter().filter(|&&pair| pair == wanted).count() as u64;
            mcnemar(count((0.0, 1.0)), count((1.0, 0.0)))
        }
        Task::Regress => {
            let differences: Vec<f64> = pairs.iter().map(|(first, other)| first.abs() - other.abs()).collect();
            let [one, other] = [first, other].map(|session| session.evaluation().most_waiting());
            diebold_mariano(&differences, one.max(other))
        }
    }
}

/// The first of those that the task always has.
fn main_metric(session: &Session) -> &str {
    session.evaluation().scores().entries()[0].0
}

fn as_json(options: &Options, compared: &Compared) -> Value {
    let first = &compared.outcomes[0].session;
    let test =
        |test: &Test| json!({"name": test.name, "statistic": number(test.statistic), "p": test.p, "lag": test.lag});
    let outcome = |outcome: &Outcome| {
        let learner = outcome.session.learner();
        json!({
            "model": learner.model(),
            "metrics": metrics(outcome.session.evaluation().scores()),
            "scored": outcome.session.evaluation().scores().count(),
            "skipped": outcome.session.skipped(),
            "drifts": drifts_as_json(learner),
            "ignored_cells": learner.features().ignored(),
            "parameters": learner.params().count(),
            "rows_per_second": number(outcome.rows_per_second.round()),
            "test": outcome.test.as_ref().map(test),
            "fingerprint": format!("{:016x}", learner.fingerprint()),
        })
    };
    let baselines = first.evaluation().baselines().into_iter();
    let published = published::find(&compared.stream, main_metric(first)).map(|published| {
        let figures = published.figures.iter().map(|&(model, figure)| (model.to_owned(), json!(figure)));
        json!({
            "source": published.source,
            "rows": published.rows,
            "metric": published.metric,
            "figures": Value::Object(figures.collect()),
        })
    });
    json!({
        "stream": compared.stream,
        "rows": first.rows(),
        "task": compared.task.to_string(),
        "gradient": options.gradient.to_string(),
        "depth": options.depth.to_string(),
        "optimizer": options.optimizer.to_string(),
        "memory": options.memory.to_string(),
        "consolidate": options.consolidation().to_string(),
        "plasticity": options.plasticity.to_string(),
        "loss": options.loss.to_string(),
        "class_weight": options.class_weight.to_string(),
        "drift": first.learner().as_adaptive().map(|adaptive| adaptive.drift().to_string()),
        "policy": first.learner().as_adaptive().map(|adaptive| adaptive.policy().to_string()),
        "feature_spec": options.reading.of_features().to_string(),
        "delay": options.delay().to_string(),
        "horizon": options.horizon,
        "seed": options.seed,
        "models": compared.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "baselines": baselines.map(|(name, scores)| (name.to_owned(), metrics(scores))).collect::<Map<_, _>>(),
        "published": published.collect::<Vec<_>>(),
    })
}

fn as_text(options: &Options, compared: &[Compared]) -> String {
    let mut text: String = compared.iter().map(|compared| of_one_stream(options, compared)).collect();
    if let [_, _, ..] = compared {
        let mut table = table();
        let models = options.model.iter().map(Model::to_string);
        table.set_header(["".to_owned(), "metric".to_owned()].into_iter().chain(models));
        for Compared { stream, outcomes, .. } in compared {
            let main = |outcome: &Outcome| outcome.session.evaluation().scores().entries()[0].1;
            let name = main_metric(&outcomes[0].session);
            let figures = outcomes.iter().map(|outcome| decimal(main(outcome)));
            table.add_row([stream.clone(), name.to_owned()].into_iter().chain(figures));
        }
        align_right(&mut table);
        text += &format!("{}\n", table.trim_fmt());
    }
    text
}

fn of_one_stream(options: &Options, Compared { stream, task, outcomes }: &Compared) -> String {
    let first = &outcomes[0].session;
    let mut table = table();
    let scores = first.evaluation().scores();
    let names = scores.entries().into_iter().map(|(name, _)| name.replace('_', " "));
    table.set_header([String::new()].into_iter().chain(names).chain(["rows/s", "p"].map(str::to_owned)));
    let mut row = |name: String, scores: &Scores, speed: String, p: String| {
        let figures = scores.entries().into_iter().map(|(_, value)| decimal(value));
        table.add_row([name].into_iter().chain(figures).chain([speed, p]));
    };
    for Outcome { session, rows_per_second, test } in outcomes {
        let p = test.as_ref().map_or(String::new(), |test| match test.p {
            p if p < 1e-4 => "< 0.0001".to_owned(),
            p if p < 1e-3 => format!("{p:.4}"),
            p => decimal(p),
        });
        let model = session.learner().model();
        row(model, session.evaluation().scores(), grouped(*rows_per_second as u64), p);
    }
    for (name, scores) in first.evaluation().baselines() {
        row(name.replace('_', " "), scores, String::new(), String::new());
    }
    align_right(&mut table);
    let adaptive = first.learner().as_adaptive();
    let watch = adaptive.map_or_else(String::new, |it| format!(", at a drift by {} {}", it.drift(), it.policy()));
    let mut late = if options.delay().is_none() { String::new() } else { format!(", delay {}", options.delay()) };
    if options.horizon > 0 {
        late += &format!(", horizon {}", options.horizon);
    }
    let mut text = format!(
        "{stream}: {} rows, {task}, {}{}{}, memory {}{}, seed {}{watch}{late}\nfeatures {}{}\n\n{}\n\n",
        grouped(first.rows()),
        by_gradient(options.gradient),
        options.optimizer,
        at_depth(options.depth),
        options.memory,
        held_by(&options.consolidation(), options.plasticity),
        options.seed,
        options.reading.of_features(),
        match task {
            Task::Classify => format!(", class weights {}", options.class_weight),
            Task::Regress => format!(", loss {}", options.loss),
            Task::MultiLabel => String::new(),
        },
        table.trim_fmt(),
    );
    if let Some(lag) = outcomes.get(1).map(|outcome| outcome.test.and_then(|test| test.lag)) {
        let name = match lag {
            None => "McNemar's test".to_owned(),
            Some(lag) => format!("Diebold and Mariano's test of the absolute errors with lag {lag}"),
        };
        text += &format!("p: how likely such a difference to the first model is by chance, {name}\n");
    }
    for published in published::find(stream, main_metric(first)) {
        let figures = published.figures.iter().map(|(model, figure)| format!("{model} {figure}"));
        let figures = figures.collect::<Vec<_>>().join(", ");
        let (metric, rows) = (published.metric, grouped(published.rows));
        text += &format!("published ({}), {metric} over {rows} rows: {figures}\n", published.source);
    }
    text + "\n"
}
