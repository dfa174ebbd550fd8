//! A network that grows while it learns: nothing it knew changes, and what is new learns as if it began today.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thalweg_autograd::{Grads, Params, Pass, Tape, Var};
use thalweg_nn::{Adam, Embedding, Gru, Linear, Lstm, Optimizer, Rnn, State, Step};
use thalweg_tensor::{Rng, Shape, Tensor};

use crate::support::{Testable, bits};

/// How many of everything there is, or by how much it grows.
#[derive(Clone, Copy, Debug)]
struct Counts {
    words: usize,
    features: usize,
    classes: usize,
}

/// Sizes on both sides of every SIMD width, and three amounts to grow by.
#[derive(Clone, Debug)]
struct Plan {
    start: Counts,
    hidden: usize,
    /// `None`: one example at a time. Else a batch, row by row or through GEMM.
    batch: Option<usize>,
    growths: Vec<Counts>,
    seed: u64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let counts = |low: usize, high: usize| {
        (low..high, low..high, low..high).prop_map(|(words, features, classes)| Counts { words, features, classes })
    };
    (counts(1, 70), 1usize..70, prop::option::of(1usize..24), prop::collection::vec(counts(0, 20), 1..4), any::<u64>())
        .prop_map(|(start, hidden, batch, growths, seed)| Plan { start, hidden, batch, growths, seed })
}

/// `x = [embedded word, features]`; a dense layer and a recurrent cell look at x, and the head at both.
struct Network<C> {
    words: Embedding,
    dense: Linear,
    cell: C,
    head: Linear,
}

/// One example or a batch of them.
struct Example {
    words: Vec<usize>,
    /// `[features]` or `[n, features]`.
    features: Tensor<f32>,
    classes: Vec<usize>,
}

impl<C: Testable> Network<C> {
    const WORD_WIDTH: usize = 5;

    fn forward<'p>(
        &self,
        pass: &'p Pass<'p>,
        example: &Example,
        state: C::State<'p, f32>,
    ) -> (Var<'p>, C::State<'p, f32>) {
        let features = pass.input(&example.features);
        let axis = features.shape().rank() - 1;
        let words = match axis {
            0 => pass.param(self.words.weight).row(example.words[0]),
            _ => self.words.forward(pass, &example.words),
        };
        let x = Var::concat(&[words, features], axis);
        let (h, state) = self.cell.step(x, state);
        (self.head.forward(Var::concat(&[self.dense.forward(x).tanh(), h], axis)), state)
    }
}

/// A network in training.
struct Trained<C> {
    network: Network<C>,
    params: Params,
    adam: Adam,
    carried: State,
    counts: Counts,
    batch: Option<usize>,
    rng: Rng,
}

impl<C: Testable> Trained<C> {
    fn new(form: usize, plan: &Plan) -> Self {
        let (mut params, mut rng, counts) = (Params::new(), Rng::new(plan.seed), plan.start);
        let inputs = Network::<C>::WORD_WIDTH + counts.features;
        let network = Network {
            words: Embedding::new(&mut params, "words", counts.words, Network::<C>::WORD_WIDTH, &mut rng),
            dense: Linear::new(&mut params, "dense", inputs, 7, &mut rng),
            cell: C::create(&mut params, "cell", [inputs, plan.hidden], form, true, &mut rng),
            head: Linear::new(&mut params, "head", 7 + plan.hidden, counts.classes, &mut rng),
        };
        let cell: &C = &network.cell;
        let carried = plan.batch.map_or_else(|| cell.zero_state(&params), |n| cell.zero_states(&params, n));
        Trained { network, params, adam: Adam::new(0.01), carried, counts, batch: plan.batch, rng }
    }

    fn example(&mut self) -> Example {
        let (n, counts) = (self.batch.unwrap_or(1), self.counts);
        let shape: Vec<usize> = self.batch.into_iter().chain([counts.features]).collect();
        Example {
            words: (0..n).map(|_| self.rng.below(counts.words)).collect(),
            features: Tensor::uniform(shape.as_slice(), -2.0, 2.0, &mut self.rng),
            classes: (0..n).map(|_| self.rng.below(counts.classes)).collect(),
        }
    }

    fn learn(&mut self, tape: &mut Tape, grads: &mut Grads) {
        let example = self.example();
        let pass = tape.pass(&self.params);
        let state = self.network.cell.enter(&pass, &self.carried);
        let (logits, state) = self.network.forward(&pass, &example, state);
        logits.cross_entropy(&example.classes).backward(grads);
        self.network.cell.leave(state, &mut self.carried);
        assert_eq!(self.adam.step(&mut self.params, grads), Step::Taken);
    }

    /// Logits (of the first `classes`, row by row) and the state they leave.
    fn outputs(&self, example: &Example, classes: usize) -> (Vec<u64>, Vec<Vec<u64>>) {
        let mut tape = Tape::new();
        let pass = tape.pass(&self.params);
        let (logits, state) = self.network.forward(&pass, example, self.network.cell.enter(&pass, &self.carried));
        let rows = logits.with(|l| l.chunks(self.counts.classes).flat_map(|row| bits(&row[..classes])).collect());
        (rows, C::parts(state).iter().map(|part| part.with(bits)).collect())
    }

    fn grow(&mut self, by: Counts) {
        let Trained { network, params, rng, counts, .. } = self;
        network.words.grow(params, by.words, rng);
        network.dense.grow_inputs(params, by.features);
        network.cell.grow_inputs(params, by.features);
        network.head.grow_outputs(params, by.classes);
        counts.words += by.words;
        counts.features += by.features;
        counts.classes += by.classes;
    }

    /// The same example with values for the features that came later.
    fn widened(&mut self, example: &Example) -> Example {
        let (old, rng) = (example.features.shape(), &mut self.rng);
        let axis = old.rank() - 1;
        let width = old.dims()[axis];
        let shape = old.with(axis, self.counts.features);
        let features = Tensor::from_fn(shape, |i| match (i / self.counts.features, i % self.counts.features) {
            (row, column) if column < width => example.features.as_slice()[row * width + column],
            _ => rng.range(-1e6, 1e6) as f32,
        });
        Example { words: example.words.clone(), features, classes: example.classes.clone() }
    }
}

/// For each element of a grown tensor, row-major, where it was before: `None` if it is new.
fn origins(new: Shape, old: Shape) -> Vec<Option<usize>> {
    let table = |shape: Shape| shape.dims().get(1).copied().unwrap_or(1);
    let (columns, old_columns) = (table(new), table(old));
    let origin = |(row, column)| (row < old.dims()[0] && column < old_columns).then_some(row * old_columns + column);
    (0..new.len()).map(|i| origin((i / columns, i % columns))).collect()
}

fn grows<C: Testable>(form: usize, plan: &Plan) -> Result<(), TestCaseError> {
    let mut net = Trained::<C>::new(form, plan);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&net.params));
    for &by in &plan.growths {
        (0..3).for_each(|_| net.learn(&mut tape, &mut grads));
        let examples = [net.example(), net.example()];
        let old_classes = net.counts.classes;
        let before = examples.each_ref().map(|example| net.outputs(example, old_classes));
        let (old_params, old_adam) = (net.params.clone(), net.adam.clone());
        net.grow(by);

        for (example, before) in examples.iter().zip(&before) {
            let example = net.widened(example);
            prop_assert_eq!(&net.outputs(&example, old_classes), before, "an old output moved");
        }

        // A step that touches nothing moves nothing: the moments have only followed the layout.
        let grown = net.params.clone();
        prop_assert_eq!(net.adam.step(&mut net.params, &mut Grads::like(&grown)), Step::Taken);
        prop_assert_eq!(bits(net.params.as_slice()), bits(grown.as_slice()));
        for (param, entry) in grown.layout().iter() {
            let origins = origins(entry.shape(), old_params.layout().entry(param).shape());
            for (new, old) in net.adam.moments().into_iter().zip(old_adam.moments()) {
                for (moment, origin) in new.of(param).iter().zip(&origins) {
                    let expected = origin.map_or(0.0, |at| old.of(param)[at]);
                    prop_assert_eq!(moment.to_bits(), expected.to_bits(), "a moment of {}", entry.name());
                }
            }
        }
        next_step_is_everyones_own(&net, &grown, (old_params, old_adam))?;
    }
    Ok(())
}

/// Given one gradient, old elements step as a twin that never grew, and new ones as under an Adam that is new.
fn next_step_is_everyones_own<C>(net: &Trained<C>, grown: &Params, twin: (Params, Adam)) -> Result<(), TestCaseError> {
    let (mut twin_params, mut twin_adam) = twin;
    let (mut params, mut adam) = (grown.clone(), net.adam.clone());
    let (mut fresh_params, mut fresh_adam) = (grown.clone(), Adam::new(adam.learning_rate));
    let (mut grads, mut twin_grads) = (Grads::like(grown), Grads::like(&twin_params));
    let mut rng = Rng::new(5);
    let all_origins: Vec<_> = grown
        .layout()
        .iter()
        .map(|(param, entry)| (param, origins(entry.shape(), twin_params.layout().entry(param).shape())))
        .collect();
    for (param, origins) in &all_origins {
        let twin = twin_grads.of_mut(*param);
        for (g, origin) in grads.of_mut(*param).iter_mut().zip(origins) {
            *g = rng.normal() as f32;
            if let Some(at) = origin {
                twin[*at] = *g;
            }
        }
    }
    adam.step(&mut params, &mut grads.clone());
    fresh_adam.step(&mut fresh_params, &mut grads);
    twin_adam.step(&mut twin_params, &mut twin_grads);
    let stepped = [&*params, adam.moments()[0], adam.moments()[1]];
    let fresh = [&*fresh_params, fresh_adam.moments()[0], fresh_adam.moments()[1]];
    let twin = [&*twin_params, twin_adam.moments()[0], twin_adam.moments()[1]];
    for (what, ((stepped, fresh), twin)) in ["θ", "m", "v"].iter().zip(stepped.into_iter().zip(fresh).zip(twin)) {
        for (param, origins) in &all_origins {
            for (i, origin) in origins.iter().enumerate() {
                let expected = origin.map_or_else(|| fresh.of(*param)[i], |at| twin.of(*param)[at]);
                let name = grown.layout().entry(*param).name();
                prop_assert_eq!(stepped.of(*param)[i].to_bits(), expected.to_bits(), "{} of {} [{}]", what, name, i);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn growing_around_an_rnn_changes_nothing_old(plan in plans()) { (0..Rnn::FORMS).try_for_each(|f| grows::<Rnn>(f, &plan))?; }

    #[test]
    fn growing_around_an_lstm_changes_nothing_old(plan in plans()) { (0..Lstm::FORMS).try_for_each(|f| grows::<Lstm>(f, &plan))?; }

    #[test]
    fn growing_around_a_gru_changes_nothing_old(plan in plans()) { (0..Gru::FORMS).try_for_each(|f| grows::<Gru>(f, &plan))?; }
}
