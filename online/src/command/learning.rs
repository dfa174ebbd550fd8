//! What learns, and how it is evaluated: what `run` and `learn` have in common.

use std::path::PathBuf;

use clap::Args;
use thalweg_online::delay::MOST_WAITING;
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{
    AnyLearner, ClassWeights, Config, ConsolidationSpec, Deep, Delay, DepthSpec, Error, ErrorKind, HeadSpec, LossSpec,
    MemorySpec, Metrics, Model, OptimizerSpec, PlasticitySpec, Session, StreamOptions, Task,
};

use super::adapting::Adapting;
use super::reading::{Reading, columns_used};
use super::say;
use super::source::{Source, bundled_names};
use super::trunk;

/// What learns, and how it is evaluated.
#[derive(Debug, Args)]
pub struct Learning {
    /// linear, mlp:64,64, sparse_mlp:64,64 (with few weights and normalised sums, for obgd), rnn:32, leaky_rnn:32,
    /// lstm:32, gru:32, lru:32, rtu:32 or elstm:32, or any layers joined by >, as in "lstm:64x2 > mlp:32". The recurrent
    /// ones take the options window=16 (through how many rows the gradient goes back) and last=true (whether the last
    /// known target is an input): "lstm:32,window=8", "carry:window=8 > lstm:64x2" [default: mlp:64,64]
    #[arg(long, value_name = "SPEC", value_parser = Model::parse)]
    pub(super) model: Option<Model>,
    /// Where the network says what it says: none (behind the last layer), or hedge: at the inputs and behind every hidden
    /// layer, mixed by weights that follow their losses, so that a network may be as deep as it likes [default: none]
    #[arg(long, value_name = "SPEC", value_parser = DepthSpec::parse)]
    pub(super) depth: Option<DepthSpec>,
    /// How recurrent layers come by their gradient: tbptt (through the window of rows), or at every row without a window:
    /// exact (for lru, rtu and elstm, each layer by itself, as cheap as the weights; RTRL of the others), rtrl, snap1 or
    /// eprop (rnn, leaky_rnn, gru, lstm), rflo (leaky_rnn), uoro (noisy: with clip=1, adam or cocob), kf-rtrl (rnn); the
    /// window of the model is for tbptt alone [default: tbptt]
    #[arg(long, value_name = "SPEC", value_parser = GradientSpec::parse)]
    pub(super) gradient: Option<GradientSpec>,
    /// sgd:0.03, adagrad:0.01, rmsprop:0.01, adadelta:1, adam:0.001, adamw:0.001, amsgrad:0.001, adamax:0.002,
    /// nadam:0.002 or radam:0.001, with options such as momentum=0.9, nesterov=true, weight_decay=0.01, clip=1, and a
    /// schedule: warmup=100, and cosine, linear or one_cycle=10000. Or one that needs little tuning: obgd, adaptive-obgd,
    /// autostep:1, idbd:0.01, vw:0.5 (over hidden layers with rescales=false), ftrl:0.05, hypergradient:0.03,
    /// schedule-free-sgd:0.1, schedule-free-adamw:0.003 or cocob. Or several side by side, each at seven learning rates:
    /// "hedge(sgd|adam)" mixes what they say, "halving(sgd)" keeps the best of them. Around most, bound=0.5: no step moves
    /// its prediction by more than that part of its error [default: sgd:0.03]
    #[arg(long, value_name = "SPEC")]
    pub(super) optimizer: Option<OptimizerSpec>,
    /// none, or er:500,replays=4: keep a sample of 500 rows, learn 4 of them again with each new one. er-ace,
    /// der:500,alpha=0.2 (with beta=1: DER++), a-gem and mir learn them otherwise; buffer=ring, balanced or greedy
    /// keeps others [default: none]
    #[arg(long, value_name = "SPEC", value_parser = MemorySpec::parse)]
    pub(super) memory: Option<MemorySpec>,
    /// What is held of what was learned, where contexts end (by --context, at a drift by --drift, or every=N rows): none,
    /// ewc:1000 (with gamma=0.9: online), si:0.1, mas:1, l2:0.01 or lwf:1. Where nobody says, contexts of 1000 rows end,
    /// and what mattered fades by gamma=0.9 [default: none]
    #[arg(long, value_name = "SPEC", value_parser = ConsolidationSpec::parse)]
    pub(super) consolidate: Option<ConsolidationSpec>,
    /// What is done so that the network stays able to learn: none, cbp:rate=0.0001 (continual backprop) or redo, of hidden
    /// units between linear layers, upgd, shrink-perturb or clip:kappa=2 [default: none]
    #[arg(long, value_name = "SPEC", value_parser = PlasticitySpec::parse)]
    pub(super) plasticity: Option<PlasticitySpec>,
    /// Show whether it is: dormant hidden units and the rank of what they say, over the last N rows, and the lengths of
    /// weights and gradients [default: 0, for not at all]
    #[arg(long, value_name = "N")]
    pub(super) probe: Option<usize>,
    /// What is minimised where numbers are predicted: mse, mae, huber:1 (in deviations of the target), or
    /// quantile:0.1,0.5,0.9, which predicts these quantiles [default: mse]
    #[arg(long, value_name = "SPEC")]
    pub(super) loss: Option<LossSpec>,
    /// How much each class counts: none, balanced (rare ones more, by the rows so far) or up=2,down=0.5 [default: none]
    #[arg(long, value_name = "SPEC")]
    pub(super) class_weight: Option<ClassWeights>,
    #[command(flatten)]
    pub(super) adapting: Adapting,
    /// More metrics than the usual ones: accuracy, f1:macro, auc, mae, pinball:0.9 and others. With @500 behind it, a
    /// metric is that of the last 500 rows; with @0.999, each row counts 0.999 times as much as the next
    #[arg(long, value_name = "LIST", value_parser = Metrics::parse)]
    pub(super) metrics: Option<Metrics>,
    /// How much later than its row each label comes: after so many rows, 50, or a time, 3600s, 90m, 2h or 1d, by the
    /// column that --time names [default: 0]
    #[arg(long, value_name = "N|TIME", conflicts_with = "delay_until", value_parser = parse_delay)]
    pub(super) delay: Option<Delay>,
    /// Forecast: ask each row for the target of the row N rows later, which is learned when that row comes [default: 0]
    #[arg(long, value_name = "N", value_parser = parse_horizon)]
    pub(super) horizon: Option<u32>,
    /// The network of this checkpoint, as it is, under a head that learns alone: the network moves no more, nor do the
    /// scales of its features; columns that it did not learn are passed over. Columns and target are those of the
    /// checkpoint, as for learn. To classify; the classes may be others
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = [
            "model", "depth", "gradient", "optimizer", "memory", "consolidate", "plasticity", "probe", "loss",
            "class_weight", "drift", "policy", "seed",
        ]
    )]
    pub(super) trunk: Option<PathBuf>,
    /// What learns on the trunk: ncm (the nearest class mean; ncm:normalised by angles), slda:0.0001 (a shared
    /// covariance besides), or softmax:sgd:0.03 with any of the first ten optimizers, which forgets as networks do
    /// [default: ncm]
    #[arg(long, value_name = "SPEC", value_parser = HeadSpec::parse)]
    pub(super) head: Option<HeadSpec>,
    /// Where every random choice begins [default: 42]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
}

impl Learning {
    /// A session at the beginning of a stream.
    pub fn begin(&self, stream: Option<&str>, reading: &Reading) -> Result<(Session, Source), Error> {
        let Some(name) = stream else {
            let message =
                format!("expected a file or a bundled stream ({}), found nothing", bundled_names().join(", "));
            return Err(Error::new(ErrorKind::Spec, message));
        };
        let delay = reading.delay(self.delay).unwrap_or_default();
        let (learner, source) = match &self.trunk {
            Some(trunk) => {
                let head = self.head.clone().unwrap_or_default();
                let (frozen, source) = trunk::open(trunk, &head, name, reading, delay)?;
                (AnyLearner::from(frozen), source)
            }
            None => {
                let (deep, source) = self.network(name, reading)?;
                (self.adapting.over(deep)?, source)
            }
        };
        source.check_delay(delay)?;
        let metrics = self.metrics.clone().unwrap_or_default();
        let session = Session::of(learner, source.name(), source.options().clone(), &metrics)?;
        Ok((session.delayed(delay).forecasting(self.horizon.unwrap_or_default()), source))
    }

    /// What is to be held, if that was said: see [`held_where`].
    pub(super) fn consolidation(&self, has_contexts: bool) -> Option<ConsolidationSpec> {
        self.consolidate.as_ref().map(|asked| held_where(has_contexts, asked))
    }

    /// A network that has seen nothing, and its stream.
    fn network(&self, name: &str, reading: &Reading) -> Result<(Deep, Source), Error> {
        if let Some(head) = &self.head {
            return Err(Error::expected(ErrorKind::Spec, "a trunk beside --head: --trunk FILE", &head.to_string()));
        }
        let mut config = Config::new(Task::Classify);
        config.model = self.model.clone().unwrap_or(config.model);
        config.depth = self.depth.unwrap_or(config.depth);
        config.gradient = self.gradient.unwrap_or(config.gradient);
        config.plasticity = self.plasticity.unwrap_or(config.plasticity);
        config.probe = self.probe.unwrap_or(config.probe);
        config.optimizer = self.optimizer.clone().unwrap_or(config.optimizer);
        config.memory = self.memory.clone().unwrap_or(config.memory);
        config.consolidation =
            self.consolidation(reading.context.is_some() || self.adapting.is_asked()).unwrap_or(config.consolidation);
        if self.consolidate.as_ref().is_some_and(|asked| *asked != config.consolidation) {
            say(&format!(
                "note: nobody says where a context ends within a stream (--context, --drift): --consolidate {} is used",
                config.consolidation
            ));
        }
        config.loss = self.loss.clone().unwrap_or(config.loss);
        config.class_weights = self.class_weight.clone().unwrap_or(config.class_weights);
        config.seed = self.seed.unwrap_or(config.seed);
        let mut source = Source::find(name, reading.of_stream(), config.seed)?;
        config.task = reading.task_of(&mut source)?;
        config.features = reading.of_features();
        config.check()?;
        check_targets(&config, source.options())?;
        Ok((Deep::new(config), source))
    }
}

/// What is to be held; where nobody says when a context ends, by the method's variant that needs nobody to.
pub fn held_where(has_contexts: bool, asked: &ConsolidationSpec) -> ConsolidationSpec {
    if has_contexts { asked.clone() } else { asked.clone().without_contexts() }
}

/// What a session uses, whether it was said or not, as far as there is an option for it.
pub fn used(session: &Session) -> Vec<(&'static str, String)> {
    let (learner, evaluation) = (session.learner(), session.evaluation());
    let mut used = learner.settings();
    used.retain(|(name, _)| *name != "trunk");
    used.iter_mut().filter(|(name, _)| *name == "class_weight").for_each(|(name, _)| *name = "class-weight");
    used.push(("features", learner.features().spec().to_string()));
    used.push(("horizon", evaluation.horizon().to_string()));
    if evaluation.delay() != Delay::Column {
        used.push(("delay", evaluation.delay().to_string()));
    }
    used.push(("metrics", evaluation.scores().asked().to_string()));
    used.extend(columns_used(session.options(), evaluation.delay()));
    used.retain(|(_, value)| !value.is_empty());
    used
}

/// The seed of a generator that names none: the learner's, or what that would be if it had one.
pub fn seed(learner: &AnyLearner) -> u64 {
    learner.as_deep().map_or_else(|| Config::new(Task::Classify).seed, |deep| deep.config().seed)
}

/// A delay that is the same for all rows.
pub fn parse_delay(text: &str) -> Result<Delay, Error> {
    match Delay::parse(text)? {
        Delay::Column => {
            let expected = "a number of rows or a time; a column of times is said by --delay-until COLUMN";
            Err(Error::expected(ErrorKind::Spec, expected, text))
        }
        delay => Ok(delay),
    }
}

/// Refuses at once what would be refused at every row: several targets where one is needed.
pub fn check_targets(config: &Config, options: &StreamOptions) -> Result<(), Error> {
    let one = match config.loss.quantiles() {
        Some(_) => Some(("--loss", config.loss.to_string())),
        None => config.features.uses_answers().then(|| ("--features", config.features.to_string())),
    };
    match one {
        Some((flag, value)) if !options.more_targets.is_empty() => {
            Err(Error::new(ErrorKind::Spec, format!("expected one target for {flag} {value:?}, found several")))
        }
        _ => Ok(()),
    }
}

/// As many rows as can wait.
pub fn parse_horizon(text: &str) -> Result<u32, Error> {
    let horizon = text.parse().ok().filter(|&horizon: &u32| horizon as usize <= MOST_WAITING);
    let expected = format!("a number of rows from 0 to {MOST_WAITING}");
    horizon.ok_or_else(|| Error::expected(ErrorKind::Spec, &expected, text))
}
