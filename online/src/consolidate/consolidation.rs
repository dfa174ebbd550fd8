//! Any of the methods, as a specification says it: what a learner holds, and when it is told what.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Param, Params, Var};
use thalweg_nn::Step;
use thalweg_tensor::{Rng, View};

use super::spec::{Fisher, Method};
use super::{ConsolidationSpec, Importance, PathIntegral, Penalty, Teacher, distillation};
use crate::learn::Task;

/// What keeps θ from forgetting, and everything it has to remember for it. N: the handles of a network, which LwF copies.
///
/// A learner tells it (the [module](super) has an example):
///
/// | when | what | who needs it |
/// |---|---|---|
/// | the loss is made | [`distil`](Consolidation::distil): what is to be added to it | LwF |
/// | behind backward, before the step | [`before_step`](Consolidation::before_step) | all but LwF |
/// | behind the step, if it was taken | [`after_step`](Consolidation::after_step) | all but LwF |
/// | a row was learned | [`row`](Consolidation::row), which says whether the context ends here | `every` |
/// | a context ends | [`look`](Consolidation::look) at the outputs of some of its rows | EWC, MAS |
/// | then | [`boundary`](Consolidation::boundary) | all |
///
/// What a method does not need costs nothing, and a strength of 0 is `none`, to the bit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Read<N>", bound(serialize = "N: Serialize", deserialize = "N: Deserialize<'de>"))]
pub struct Consolidation<N> {
    spec: ConsolidationSpec,
    penalty: Penalty,
    /// Of the rows that were looked at since the last boundary: EWC, MAS.
    importance: Importance,
    /// SI.
    path: Option<PathIntegral>,
    /// LwF, after the first context.
    teacher: Option<Teacher<N>>,
    /// For drawn answers.
    rng: Rng,
    contexts: u64,
    rows: u64,
}

/// How things stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many contexts have ended.
    pub contexts: u64,
    /// How many rows the one that goes on has had.
    pub rows: u64,
    /// Σ Ω: 0 where nothing is held.
    pub importance: f64,
    /// What it costs to be at θ: the value of the penalty, 0 of LwF.
    pub penalty: f64,
}

impl<N> Consolidation<N> {
    /// Before the first row. The seed is for [drawn](Fisher::Sampled) answers.
    #[must_use]
    pub fn new(spec: ConsolidationSpec, seed: u64) -> Self {
        Consolidation {
            penalty: Penalty::new(spec.penalty_strength()),
            importance: Importance::new(),
            path: xi(&spec).map(PathIntegral::new),
            teacher: None,
            rng: Rng::new(seed),
            contexts: 0,
            rows: 0,
            spec,
        }
    }

    /// How it was made.
    #[must_use]
    pub fn spec(&self) -> &ConsolidationSpec {
        &self.spec
    }

    /// The penalty: its importances and its anchor.
    #[must_use]
    pub fn penalty(&self) -> &Penalty {
        &self.penalty
    }

    /// The network as it was when the last context ended, if it is asked.
    #[must_use]
    pub fn teacher(&self) -> Option<&Teacher<N>> {
        self.teacher.as_ref()
    }

    /// Whether its vectors are laid out like this θ, or like what it was before it grew.
    pub(crate) fn fits(&self, params: &Params) -> bool {
        let path = self.path.iter().flat_map(PathIntegral::vectors);
        let vectors = self.penalty.vectors().into_iter().chain(self.importance.vectors()).chain(path);
        vectors.into_iter().all(|vector| params.layout().descends_from(vector.layout()))
    }

    /// How many bytes its numbers take: θ apart, and what a network is besides θ.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let path = self.path.as_ref().map_or(0, PathIntegral::bytes);
        self.penalty.bytes() + self.importance.bytes() + path + self.teacher.as_ref().map_or(0, Teacher::bytes)
    }

    /// How things stand at θ.
    pub fn report(&mut self, params: &Params) -> Report {
        let importance = self.penalty.importance().as_slice().iter().fold(0.0, |sum, &omega| sum + f64::from(omega));
        Report { contexts: self.contexts, rows: self.rows, importance, penalty: self.penalty.value(params) }
    }

    /// What is to be added to the loss, so that the network goes on saying what it said: `λ` times the [`distillation`].
    /// `None` before the first boundary, and of other methods than LwF. `x` are the rows of today, `[…, columns]`; `forward`
    /// runs the network of then over the columns that it knew.
    ///
    /// # Panics
    ///
    /// As [`Teacher::say`] and [`distillation`].
    #[track_caller]
    pub fn distil<'p>(
        &mut self,
        task: Task,
        output: Var<'p>,
        x: View<'_, f32>,
        forward: impl for<'q> FnOnce(&N, Var<'q>) -> Var<'q>,
    ) -> Option<Var<'p>> {
        let (teacher, strength) = (self.teacher.as_mut()?, self.spec.strength());
        match self.spec.method() {
            Method::Lwf { temperature, new_classes } => {
                let said = teacher.say(x, forward);
                Some(distillation(task, output, said, temperature, new_classes) * strength as f32)
            }
            _ => None,
        }
    }

    /// Adds the gradient of the penalty, if it is to be (`gradient=true`); remembers what SI needs of the step: θ, and the
    /// whole gradient. Not for passes of which no step is made.
    pub fn before_step(&mut self, params: &Params, grads: &mut Grads) {
        if self.spec.is_none() {
            return;
        }
        if self.holds_from_the_start() {
            self.penalty.hold_what_is_new(params);
        }
        match self.spec.by_gradient() {
            true => self.penalty.add_to(params, grads),
            false => self.penalty.align(params), // what has grown is anchored before it moves
        }
        self.path.iter_mut().for_each(|path| path.before_step(params, grads));
    }

    /// L2 to where each element began needs no boundary.
    fn holds_from_the_start(&self) -> bool {
        matches!(self.spec.method(), Method::L2 { last: false })
    }

    /// A parameter has begun anew: it is held to where it was no longer, nor does how it came to where it is count. (What a
    /// network *said* then, LwF still knows.)
    pub fn begin_anew(&mut self, params: &Params, param: Param) {
        let elements = 0..params.of(param).len();
        self.begin_elements_anew(params, param, elements);
    }

    /// The same of one index along an axis of it: along 0, of a row of a matrix, along 1, of a column.
    ///
    /// # Panics
    ///
    /// If the axis is neither.
    #[track_caller]
    pub fn begin_anew_at(&mut self, params: &Params, param: Param, axis: usize, index: usize) {
        let (rows, width) = params.layout().entry(param).table();
        match axis {
            0 => self.begin_elements_anew(params, param, index * width..(index + 1) * width),
            1 => self.begin_elements_anew(params, param, (0..rows).map(|row| row * width + index)),
            _ => panic!("begin_anew_at: an axis of 0 or 1 expected, found {axis}"),
        }
    }

    fn begin_elements_anew(&mut self, params: &Params, param: Param, elements: impl Iterator<Item = usize> + Clone) {
        if self.spec.is_none() {
            return;
        }
        self.penalty.begin_anew(params, param, elements.clone());
        if self.holds_from_the_start() {
            self.penalty.hold_all(params);
        }
        self.path.iter_mut().for_each(|path| path.begin_anew(params, param, elements.clone()));
    }

    /// Pulls θ back, unless the gradient did (`gradient=true`), and takes in what the step has done. `rate` is the learning
    /// rate of the step (one for all: rates of groups are not known here). Not for steps that were refused.
    pub fn after_step(&mut self, params: &mut Params, rate: f64) {
        if self.spec.is_none() {
            return;
        }
        if !self.spec.by_gradient() {
            self.penalty.pull(params, rate);
        }
        self.path.iter_mut().for_each(|path| path.after_step(params));
    }

    /// Counts a row of the context, and says whether it was the last, by [`every`](ConsolidationSpec::every); again behind
    /// each row until there is a [`boundary`](Consolidation::boundary).
    pub fn row(&mut self) -> bool {
        self.rows += 1;
        self.spec.every().is_some_and(|every| self.rows >= every.get())
    }

    /// How many rows the context has had.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows of the context are to be [looked](Consolidation::look) at when it ends, at most.
    #[must_use]
    pub fn rows_to_look_at(&self) -> usize {
        if self.spec.is_none() { 0 } else { self.spec.rows() }
    }

    /// Looks at the outputs of one row of the context, `[k]`: what of θ matters to them. Of a batch `[n, k]` give one row after
    /// the other; each goes back through the pass of all. The network evaluates: dropout is off. `answer` is what came, one
    /// number for each output ([`Importance::add_empirical`]); only `fisher=empirical` reads it.
    ///
    /// Rows may be looked at when the context ends, for the importance there, as in the papers; or as they come, and none need be
    /// kept: that is the mean over the way to where it ends.
    ///
    /// # Panics
    ///
    /// If these are the outputs of several examples.
    #[track_caller]
    pub fn look(&mut self, task: Task, output: Var<'_>, answer: &[f32], weight: f64) -> Step {
        let Consolidation { importance, rng, .. } = self;
        match self.spec.method() {
            _ if self.spec.is_none() => Step::Taken,
            Method::Ewc { fisher: Fisher::Exact, .. } => importance.add_fisher(output, task, weight),
            Method::Ewc { fisher: Fisher::Sampled, .. } => importance.add_sampled(output, task, rng, weight),
            Method::Ewc { fisher: Fisher::Empirical, .. } => importance.add_empirical(output, task, answer, weight),
            Method::Mas { .. } => importance.add_sensitivity(output, weight),
            _ => Step::Taken,
        }
    }

    /// A context ends: what it has taught is held from now on. False if there is nothing to hold it by, for EWC and MAS have
    /// looked at none of its rows; then nothing has changed. `network` looks at rows of `inputs` columns.
    pub fn boundary(&mut self, params: &Params, network: &N, inputs: usize) -> bool
    where
        N: Clone,
    {
        let Consolidation { penalty, importance, path, .. } = self;
        match self.spec.method() {
            _ if self.spec.is_none() => {}
            Method::Ewc { .. } | Method::Mas { .. } if importance.weight() == 0.0 => return false,
            Method::Ewc { gamma: None, .. } => penalty.add_term(params, &importance.take(params)),
            Method::Ewc { gamma: Some(gamma), .. } | Method::Mas { gamma, .. } => {
                penalty.replace(params, &importance.take(params), gamma);
            }
            Method::Si { gamma, .. } => {
                path.iter_mut().for_each(|path| penalty.replace(params, &path.take(params), gamma));
            }
            Method::L2 { last } => {
                penalty.hold_all(params);
                if last {
                    let held = penalty.importance().clone();
                    penalty.replace(params, &held, 0.0);
                }
            }
            Method::Lwf { .. } => self.teacher = Some(Teacher::new(network, params, inputs)),
            Method::None => {}
        }
        self.contexts += 1;
        self.rows = 0;
        true
    }
}

/// ξ of SI.
fn xi(spec: &ConsolidationSpec) -> Option<f64> {
    match spec.method() {
        Method::Si { xi, .. } => Some(xi),
        _ => None,
    }
}

/// As it is read: trusted once its parts are those of its specification.
#[derive(Deserialize)]
#[serde(bound(deserialize = "N: Deserialize<'de>"))]
struct Read<N> {
    spec: ConsolidationSpec,
    penalty: Penalty,
    importance: Importance,
    path: Option<PathIntegral>,
    teacher: Option<Teacher<N>>,
    rng: Rng,
    contexts: u64,
    rows: u64,
}

impl<N> TryFrom<Read<N>> for Consolidation<N> {
    type Error = &'static str;

    fn try_from(read: Read<N>) -> Result<Self, &'static str> {
        let Read { spec, penalty, importance, path, teacher, rng, contexts, rows } = read;
        let is_lwf = matches!(spec.method(), Method::Lwf { .. });
        let fits = penalty.strength() == spec.penalty_strength()
            && path.as_ref().map(PathIntegral::xi) == xi(&spec)
            && (is_lwf || teacher.is_none());
        match fits {
            true => Ok(Consolidation { spec, penalty, importance, path, teacher, rng, contexts, rows }),
            false => Err("a consolidation contradicts its specification"),
        }
    }
}
