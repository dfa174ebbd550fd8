//! Hidden units that come while the network learns.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Adam, Cell, GrowHidden, Gru, Linear, Lstm, LstmForm, Optimizer, Recurrent, RecurrentOptions};
use thalweg_nn::{CellOptions, State, Step};
use thalweg_tensor::{Rng, Tensor};

use super::{Verdict, outcome};
use crate::support::{Testable, assert_close, bits, for_every_cell};

#[derive(Clone, Debug)]
struct Plan {
    hidden: usize,
    layers: usize,
    /// `None`: one example at a time.
    batch: Option<usize>,
    by: Vec<usize>,
    seed: u64,
}

/// Sizes on both sides of every SIMD width, and of those from which products go another way.
fn plans() -> impl Strategy<Value = Plan> {
    (1usize..40, 1usize..4, prop::option::of(1usize..24), prop::collection::vec(0usize..20, 1..3), any::<u64>())
        .prop_map(|(hidden, layers, batch, by, seed)| Plan { hidden, layers, batch, by, seed })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_old_output_moves(plan in plans()) { for_every_cell!(nothing_moves, &plan); }

    #[test]
    fn the_order_of_hidden_units_does_not_show(plan in plans()) { for_every_cell!(order_does_not_show, &plan); }
}

/// Grow, predict ≡ predict, to the bit: steps and sequences, with training before and in between.
fn nothing_moves<C: Testable + GrowHidden>(form: usize, plan: &Plan) -> Verdict {
    let (mut params, mut rng, inputs) = (Params::<f32>::new(), Rng::new(plan.seed), 3);
    let options =
        RecurrentOptions::new(inputs, plan.hidden).form(C::form(form)).layers(plan.layers).learned_start(true);
    let network = Recurrent::<C>::with(&mut params, "net", options, &mut rng);
    let head = Linear::new(&mut params, "head", plan.hidden, 2, &mut rng);
    let (mut tape, mut grads, mut adam) = (Tape::new(), Grads::like(&params), Adam::new(0.01));
    let shape: Vec<usize> = [4].into_iter().chain(plan.batch).chain([inputs]).collect();
    let mut carried: State = match plan.batch {
        Some(n) => network.zero_states(&params, n),
        None => network.zero_state(&params),
    };
    for &by in &plan.by {
        for _ in 0..2 {
            let x = Tensor::uniform(shape.as_slice(), -1.0, 1.0, &mut rng);
            let pass = tape.pass(&params);
            let (outputs, state) = network.sequence(pass.input(&x), network.enter(&pass, &carried));
            let (started, _) = network.sequence(pass.input(&x), network.start(&pass, plan.batch));
            head.forward(outputs.row(3) + started.row(3)).square().sum().backward(&mut grads);
            network.leave(state, &mut carried);
            prop_assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
        }
        let x = Tensor::uniform(shape.as_slice(), -1.0, 1.0, &mut rng);
        let mut predict = |params: &Params, carried: &State| {
            let pass = tape.pass(params);
            let (x, state) = (pass.input(&x), network.enter(&pass, carried));
            let (sequence, _) = network.sequence(x, state);
            let (step, _) = network.step(x.row(0), state);
            let (started, _) = network.sequence(x, network.start(&pass, plan.batch));
            [sequence.row(3), step, started.row(3)].map(|h| head.forward(h).with(bits))
        };
        let before = predict(&params, &carried);
        network.grow_hidden(&mut params, by, &mut rng);
        head.grow_inputs(&mut params, by);
        carried.grow(by);
        prop_assert_eq!(predict(&params, &carried), before);
    }
    Ok(())
}

/// A cell with its units in another order gives the same outputs in that order.
fn order_does_not_show<C: Testable>(form: usize, plan: &Plan) -> Verdict {
    let (mut params, mut rng, hidden, steps) = (Params::<f64>::new(), Rng::new(plan.seed), plan.hidden, 4);
    let cell = C::create(&mut params, "cell", [3, hidden], form, true, &mut rng);
    let order = rng.permutation(hidden);
    let mut permuted = params.clone();
    for (param, entry) in params.layout().iter() {
        let (_, width) = entry.table();
        let (old, new) = (params.of(param), permuted.of_mut(param));
        for (i, value) in new.iter_mut().enumerate() {
            let (row, column) = (i / width, i % width);
            let row = row / hidden * hidden + order[row % hidden];
            let column = if entry.name().contains("weight_hh") { order[column] } else { column };
            *value = old[row * width + column];
        }
    }
    let x = Tensor::uniform([steps, 3], -1.0, 1.0, &mut rng);
    let start: Vec<_> = (0..C::PARTS).map(|_| Tensor::<f64>::uniform([hidden], -1.0, 1.0, &mut rng)).collect();
    let reordered = |t: &Tensor<f64>| Tensor::from_fn([hidden], |i| t.as_slice()[order[i]]);
    let moved = State { parts: start.iter().map(reordered).collect() };
    let [old, new] = [(&params, State { parts: start }), (&permuted, moved)]
        .map(|(params, state)| outcome::<C>(params, &x, &state, 1, |x, state| cell.sequence(x, state)).values);
    let expected: Vec<f64> = (0..old.len()).map(|i| old[i / hidden * hidden + order[i % hidden]]).collect();
    assert_close("outputs and states", &new, &expected, 1e-12);
    Ok(())
}

/// New units hear at random. The weights with which they are heard are 0 and have a gradient, those with which they hear
/// have one once they are heard: in the last layer at once.
#[test]
fn new_units_learn_from_the_next_step_on() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let options = RecurrentOptions::new(3, 4).layers(2).form(LstmForm::REMEMBERING);
    let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut rng);
    lstm.grow_hidden(&mut params, 2, &mut rng);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let pass = tape.pass(&params);
    let x = pass.input(&Tensor::uniform([5, 3], -1.0, 1.0, &mut rng));
    lstm.sequence(x, lstm.start(&pass, None)).0.square().sum().backward(&mut grads);
    for (name, columns) in [("lstm.weight_hh_l0", 6), ("lstm.weight_ih_l1", 6), ("lstm.weight_hh_l1", 6)] {
        let weight = params.find(name).expect("it is there");
        for (row, (weights, slopes)) in
            params.of(weight).chunks(columns).zip(grads.of(weight).chunks(columns)).enumerate()
        {
            let heard = row % 6 >= 4 && name.contains("hh");
            assert!(weights[4..].iter().all(|&w| (w != 0.0) == heard), "{name}[{row}]: {weights:?}");
            let learns = row % 6 < 4 || name.contains("l1");
            assert!(slopes[4..].iter().all(|&g| (g != 0.0) == learns), "{name}[{row}]: {slopes:?}");
        }
    }
    for layer in ["l0", "l1"] {
        let [ih, hh] = ["bias_ih", "bias_hh"].map(|part| params.find(&format!("lstm.{part}_{layer}")).expect("a bias"));
        let sums: Vec<f64> = params.of(ih).iter().zip(params.of(hh)).map(|(a, b)| a + b).collect();
        assert_eq!(sums[6..12], [1.0; 6], "new units remember from the start, too");
        assert!(sums[..6].iter().chain(&sums[12..]).all(|&sum| sum != 1.0));
    }
}

#[test]
#[should_panic(expected = "grow_hidden: the outputs of two directions cannot grow in place")]
fn two_directions_do_not_grow() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let options = RecurrentOptions::new(3, 4).bidirectional(true);
    Recurrent::<Gru>::with(&mut params, "gru", options, &mut rng).grow_hidden(&mut params, 1, &mut rng);
}

#[test]
#[should_panic(expected = "recurrent: a bias of 1 asked for of a cell without biases")]
fn what_has_no_bias_does_not_begin_by_remembering() {
    let options = CellOptions::new(3, 4).bias(false).form(LstmForm::REMEMBERING);
    Lstm::with(&mut Params::<f32>::new(), "lstm", options, &mut Rng::new(1));
}
