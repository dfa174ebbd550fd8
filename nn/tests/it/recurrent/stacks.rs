//! Layers, directions, and the ways of running them.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{Cell, Gru, LayerNormLstm, Lstm, Mode, Recurrent, RecurrentOptions, State, unroll};
use thalweg_tensor::{Rng, Tensor};

use super::{Case, Verdict, assert_same, carried, cases, copy, outcome};
use crate::support::{Testable, assert_close, bits, for_every_cell};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_sequence_is_its_steps(case in cases()) {
        for_every_cell!(sequence_is_steps, &case.one_way());
        sequence_is_steps::<LayerNormLstm>(0, &case.one_way())?;
    }

    #[test]
    fn any_cut_is_the_whole(case in cases()) { for_every_cell!(cut_is_whole, &case.one_way()); }

    #[test]
    fn a_network_is_its_cells_one_by_one(case in cases()) { for_every_cell!(network_is_cells, &case); }

    #[test]
    fn rows_of_a_batch_are_independent(case in cases()) { for_every_cell!(row_is_alone, &case); }

    #[test]
    fn batch_first_is_time_first(case in cases()) { for_every_cell!(batch_first, &case); }

    #[test]
    fn without_dropout_training_is_use(case in cases()) { for_every_cell!(training_is_use, &case); }
}

fn sequence_is_steps<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, mut state) = (case.input(&mut rng), case.state::<C>(&mut rng));
    // Layer normalisation of two hidden units is steep: rounding grows.
    let whole = outcome::<C>(&params, &x, &state, 1, |x, state| network.sequence(x, state));
    assert_same(&whole, &outcome::<C>(&params, &x, &state, 1, |x, state| unroll(&network, x, state)), 1e-8);
    let mut stepped = carried(&params, &network, &x, &mut state);
    state.parts.iter().for_each(|part| stepped.extend_from_slice(part.as_slice()));
    assert_close("steps", &stepped, &whole.values, 1e-9);
    Ok(())
}

fn cut_is_whole<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, state, cut) = (case.input(&mut rng), case.state::<C>(&mut rng), rng.below(case.steps));
    let whole = outcome::<C>(&params, &x, &state, 1, |x, state| network.sequence(x, state));
    let pieces = outcome::<C>(&params, &x, &state, 1, |x, state| match cut {
        0 => network.sequence(x, state),
        _ => {
            let (before, state) = network.sequence(x.slice(0, 0..cut), state);
            let (after, state) = network.sequence(x.slice(0, cut..case.steps), state);
            (Var::concat(&[before, after], 0), state)
        }
    });
    prop_assert_eq!(bits(&pieces.values), bits(&whole.values));
    assert_same(&pieces, &whole, 1e-11);
    Ok(())
}

/// Time runs backwards: `[t, …] → [t, …]`.
fn reversed<'p>(x: Var<'p, f64>) -> Var<'p, f64> {
    Var::stack(&(0..x.shape().dims()[0]).rev().map(|t| x.row(t)).collect::<Vec<_>>())
}

/// Layers are cells one after another, and two directions are two runs, one of them reversed.
fn network_is_cells<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (mut alone, mut cells) = (Params::new(), Vec::new());
    for layer in 0..case.layers {
        for suffix in &["", "_reverse"][..case.directions()] {
            let inputs = if layer == 0 { case.inputs } else { case.hidden * case.directions() };
            let name = format!("l{layer}{suffix}");
            cells.push(C::create(&mut alone, &name, [inputs, case.hidden], form, case.bias, &mut rng));
        }
    }
    copy(&params, &mut alone, |name| {
        let (cell, part) = name.split_once('.').expect("a cell's parameter has a dotted name");
        format!("net.{}_{cell}", part.strip_suffix("_l0").expect("a cell is a layer 0"))
    });
    let (x, state) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let found = outcome::<C>(&params, &x, &state, 1, |x, state| network.forward(x, state, &mut Mode::Eval));
    let expected = outcome::<C>(&alone, &x, &state, 1, |mut x, state| {
        let mut ends = vec![Vec::new(); C::PARTS];
        for (layer, directions) in cells.chunks(case.directions()).enumerate() {
            let mut outputs = Vec::new();
            for (direction, cell) in directions.iter().enumerate() {
                let turned = |x| if direction == 1 { reversed(x) } else { x };
                let index = layer * case.directions() + direction;
                let start: Vec<_> = C::parts(state).iter().map(|part| part.row(index)).collect();
                let (y, last) = cell.sequence(turned(x), C::join(&start));
                outputs.push(turned(y));
                ends.iter_mut().zip(C::parts(last)).for_each(|(all, part)| all.push(part));
            }
            x = Var::concat(&outputs, 2);
        }
        (x, C::join(&ends.iter().map(|parts| Var::stack(parts)).collect::<Vec<_>>()))
    });
    assert_close("values", &found.values, &expected.values, 1e-12);
    assert_close("gradients of x and state", &found.of_input, &expected.of_input, 1e-12);
    Ok(())
}

fn row_is_alone<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, state) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let run = |x: Tensor<f64>, state: State<f64>| {
        let mut tape = Tape::new();
        let pass = tape.pass(&params);
        let (outputs, last) = network.sequence(pass.input(&x), network.enter(&pass, &state));
        (outputs.to_tensor(), C::parts(last).iter().map(|part| part.to_tensor()).collect::<Vec<_>>())
    };
    let (outputs, last) = run(x.clone(), state.clone());
    for row in 0..case.batch {
        // Without the axis of the batch: the row is one example.
        let only = |t: &Tensor<f64>| t.view().select(1, row).to_tensor();
        let alone = run(only(&x), State { parts: state.parts.iter().map(only).collect() });
        assert_close("outputs", only(&outputs).as_slice(), alone.0.as_slice(), 1e-12);
        for (batch, alone) in last.iter().zip(&alone.1) {
            assert_close("state", only(batch).as_slice(), alone.as_slice(), 1e-12);
        }
    }
    Ok(())
}

fn batch_first<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let options = case.options::<C>(form).batch_first(true);
    let other = Recurrent::<C>::with(&mut Params::<f64>::new(), "net", options, &mut Rng::new(0));
    let (x, state) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let turned = |x: Var<'_, f64>| x.to_tensor().view().permute(&[1, 0, 2]).to_tensor();
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    let x = pass.input(&x);
    let (expected, last) = network.forward(x, network.enter(&pass, &state), &mut Mode::Eval);
    let (found, end) = other.forward(pass.input(&turned(x)), other.enter(&pass, &state), &mut Mode::Eval);
    prop_assert_eq!(found.to_tensor(), turned(expected));
    let (expected, _) = network.forward(x, network.start(&pass, Some(case.batch)), &mut Mode::Eval);
    let (found, _) = other.forward_from_start(pass.input(&turned(x)), &mut Mode::Eval);
    prop_assert_eq!(found.to_tensor(), turned(expected));
    prop_assert_eq!(network.forward_from_start(x, &mut Mode::Eval).0.to_tensor(), expected.to_tensor());
    let alone = pass.input(x.to_tensor().view().select(1, 0));
    let [found, expected] =
        [network.forward_from_start(alone, &mut Mode::Eval).0, network.sequence(alone, network.start(&pass, None)).0];
    prop_assert_eq!(found.to_tensor(), expected.to_tensor());
    for (a, b) in C::parts(end).into_iter().zip(C::parts(last)) {
        prop_assert_eq!(a.to_tensor(), b.to_tensor());
    }
    Ok(())
}

fn training_is_use<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, state) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    let run = |mode: &mut Mode<f64>| network.forward(pass.input(&x), network.enter(&pass, &state), mode).0.to_tensor();
    prop_assert_eq!(run(&mut Mode::train(Rng::new(1))), run(&mut Mode::Eval));
    Ok(())
}

/// Only what lies between layers is dropped: of one layer nothing, of two what the second hears.
#[test]
fn dropout_lies_between_layers() {
    for (layers, differs) in [(1, false), (2, true)] {
        let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
        let options = RecurrentOptions::new(2, 4).layers(layers).dropout(0.5);
        let gru = Recurrent::<Gru>::with(&mut params, "gru", options, &mut Rng::new(1));
        let pass = tape.pass(&params);
        let x = pass.input(&Tensor::ones([6, 2]));
        let run = |mode: &mut Mode<f64>| {
            let (outputs, last) = gru.forward(x, gru.start(&pass, None), mode);
            (outputs.to_tensor(), last.row(0).to_tensor())
        };
        let [used, trained, again] =
            [Mode::Eval, Mode::train(Rng::new(2)), Mode::train(Rng::new(2))].map(|mut mode| run(&mut mode));
        assert_eq!(trained, again);
        assert_eq!(used.0 != trained.0, differs);
        assert_eq!(used.1, trained.1, "the first layer's state");
        assert_eq!(gru.sequence(x, gru.start(&pass, None)).0.to_tensor(), used.0);
    }
}

#[test]
fn a_learned_start_begins_at_zero_and_has_a_gradient() {
    let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
    let options = RecurrentOptions::new(2, 3).layers(2).bidirectional(true).learned_start(true);
    let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut Rng::new(1));
    let x = Tensor::uniform([4, 5, 2], -1.0, 1.0, &mut Rng::new(2));
    let mut grads = Grads::like(&params);
    let pass = tape.pass(&params);
    let start = lstm.start(&pass, Some(5));
    let (outputs, _) = lstm.forward(pass.input(&x), start, &mut Mode::Eval);
    let (from_zeros, _) = lstm.sequence(pass.input(&x), lstm.enter(&pass, &lstm.zero_states(&params, 5)));
    assert_eq!(outputs.to_tensor(), from_zeros.to_tensor());
    outputs.sum().backward(&mut grads);
    for name in ["lstm.h0", "lstm.c0"] {
        let start = params.find(name).expect("it is learned");
        assert_eq!(params.view(start).shape().dims(), [4, 3]);
        assert!(grads.of(start).iter().all(|&g| g != 0.0), "{name}");
    }
}

#[test]
#[should_panic(expected = "step: a network that also runs from the end has no single steps")]
fn two_directions_have_no_steps() {
    let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
    let options = RecurrentOptions::new(2, 3).bidirectional(true);
    let gru = Recurrent::<Gru>::with(&mut params, "gru", options, &mut Rng::new(1));
    let pass = tape.pass(&params);
    gru.step(pass.zeros([2]), gru.start(&pass, None));
}

#[test]
#[should_panic(expected = "recurrent: state [2, …] expected, found [1, 3]")]
fn a_state_has_a_row_for_each_layer() {
    let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
    let gru = Recurrent::<Gru>::with(&mut params, "gru", RecurrentOptions::new(2, 3).layers(2), &mut Rng::new(1));
    let pass = tape.pass(&params);
    gru.step(pass.zeros([2]), pass.zeros([1, 3]));
}
