//! Sequences of different lengths in one batch.

use proptest::prelude::*;
use thalweg_autograd::{Params, Tape};
use thalweg_nn::{Cell, Gru, LayerNormLstm, Mode, Recurrent, RecurrentOptions, State, unroll_of};
use thalweg_tensor::{Rng, Tensor};

use super::{Case, Verdict, assert_same, cases, outcome};
use crate::support::{Testable, assert_close, for_every_cell};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn different_lengths_are_one_by_one(case in cases()) {
        for_every_cell!(lengths_are_one_by_one, &case);
        lengths_are_one_by_one::<LayerNormLstm>(0, &case)?;
    }

    #[test]
    fn fused_lengths_are_unrolled_ones(case in cases()) { for_every_cell!(fused_is_unrolled, &case); }
}

/// From 0 on: of a sequence without a step nothing is seen.
fn lengths(case: &Case, rng: &mut Rng) -> Vec<usize> {
    (0..case.batch).map(|_| rng.below(case.steps + 1)).collect()
}

/// Values, gradients, zeros behind the end; and what stands there in the input, even NaN, has no influence.
fn lengths_are_one_by_one<C: Testable>(form: usize, case: &Case) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (mut x, state, lengths) = (case.input(&mut rng), case.state::<C>(&mut rng), lengths(case, &mut rng));
    let row_width = case.batch * case.inputs;
    for (i, value) in x.as_mut_slice().iter_mut().enumerate() {
        if i / row_width >= lengths[i % row_width / case.inputs] {
            *value = f64::NAN;
        }
    }
    let (mut tape, width) = (Tape::new(), case.directions() * case.hidden);
    let mut grads = thalweg_autograd::Grads::like(&params);
    let mut expected_grads = grads.clone();
    let pass = tape.pass(&params);
    let (outputs, last) = network.forward_of(pass.input(&x), &lengths, network.enter(&pass, &state), &mut Mode::Eval);
    let cotangent = Tensor::<f64>::uniform([case.steps, case.batch, width], -1.0, 1.0, &mut rng);
    let loss = (outputs * pass.input(&cotangent)).sum();
    let loss = C::parts(last).into_iter().fold(loss, |loss, part| loss + part.square().sum());
    let (outputs, last): (_, Vec<_>) =
        (outputs.to_tensor(), C::parts(last).iter().map(|part| part.to_tensor()).collect());
    loss.backward(&mut grads);

    for (row, &length) in lengths.iter().enumerate() {
        let only = |t: &Tensor<f64>| t.view().select(1, row).to_tensor();
        prop_assert!(only(&outputs).as_slice()[length * width..].iter().all(|&y| y == 0.0));
        if length == 0 {
            last.iter().zip(&state.parts).for_each(|(last, given)| assert_eq!(only(last), only(given)));
            continue;
        }
        let cut = |t: &Tensor<f64>| only(t).view().slice(0, 0..length).to_tensor();
        let pass = tape.pass(&params);
        let start = State { parts: state.parts.iter().map(only).collect() };
        let (alone, end) = network.forward(pass.input(&cut(&x)), network.enter(&pass, &start), &mut Mode::Eval);
        let loss = (alone * pass.input(&cut(&cotangent))).sum();
        let loss = C::parts(end).into_iter().fold(loss, |loss, part| loss + part.square().sum());
        loss.backward(&mut expected_grads);
        // Layer normalisation of a few hidden units is steep: rounding grows.
        assert_close("outputs", cut(&outputs).as_slice(), alone.to_tensor().as_slice(), 1e-9);
        for (batch, alone) in last.iter().zip(C::parts(end)) {
            assert_close("state", only(batch).as_slice(), alone.to_tensor().as_slice(), 1e-9);
        }
    }
    let largest = expected_grads.as_slice().iter().fold(1.0, |m: f64, g| m.max(g.abs()));
    for (found, expected) in grads.as_slice().iter().zip(expected_grads.as_slice()) {
        prop_assert!((found - expected).abs() <= 1e-7 * largest, "{found} {expected}");
    }
    Ok(())
}

fn fused_is_unrolled<C: Testable>(form: usize, case: &Case) -> Verdict {
    let case = Case { layers: 1, ..case.one_way() };
    let mut rng = Rng::new(case.seed);
    let mut params = Params::new();
    let cell = C::create(&mut params, "cell", [case.inputs, case.hidden], form, case.bias, &mut rng);
    let (x, lengths) = (case.input(&mut rng), lengths(&case, &mut rng));
    let part = |t: &Tensor<f64>| t.view().row(0).to_tensor();
    let state = State { parts: case.state::<C>(&mut rng).parts.iter().map(part).collect() };
    let fused = outcome::<C>(&params, &x, &state, 1, |x, state| cell.sequence_of(x, &lengths, state));
    let readable = outcome::<C>(&params, &x, &state, 1, |x, state| unroll_of(&cell, x, &lengths, state));
    assert_same(&fused, &readable, 1e-11);
    // One example without an axis of its own has a length, too.
    let (x, state) = (x.view().select(1, 0).to_tensor(), State { parts: state.parts.iter().map(part).collect() });
    let fused = outcome::<C>(&params, &x, &state, 1, |x, state| cell.sequence_of(x, &lengths[..1], state));
    let readable = outcome::<C>(&params, &x, &state, 1, |x, state| unroll_of(&cell, x, &lengths[..1], state));
    assert_same(&fused, &readable, 1e-11);
    Ok(())
}

#[test]
fn a_sequence_without_a_step_gives_zeros_and_the_state_it_was_given() {
    let (mut params, mut tape, mut rng) = (Params::<f32>::new(), Tape::new(), Rng::new(1));
    let options = RecurrentOptions::new(2, 3).layers(2).bidirectional(true);
    let gru = Recurrent::<Gru>::with(&mut params, "gru", options, &mut rng);
    let pass = tape.pass(&params);
    let start = pass.input(&Tensor::normal([4, 2, 3], 0.0, 1.0, &mut rng));
    let x = pass.input(&Tensor::normal([5, 2, 2], 0.0, 1.0, &mut rng));
    let (outputs, last) = gru.sequence_of(x, &[5, 0], start);
    assert!((0..5).all(|t| outputs.row(t).row(1).with(|y| y == [0.0; 6])));
    assert!((0..4).all(|cell| last.row(cell).row(1).to_tensor() == start.row(cell).row(1).to_tensor()));
    let (outputs, last) = gru.sequence_of(x, &[0, 0], start);
    assert_eq!((outputs.to_tensor(), last.to_tensor()), (Tensor::zeros([5, 2, 6]), start.to_tensor()));
}

#[test]
#[should_panic(expected = "within: 2 lengths of at most 4 steps expected for [4, 2, 2], found [4, 5]")]
fn no_sequence_is_longer_than_the_input() {
    let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
    let gru = Gru::new(&mut params, "gru", 2, 3, &mut Rng::new(1));
    let pass = tape.pass(&params);
    gru.sequence_of(pass.zeros([4, 2, 2]), &[4, 5], pass.zeros([2, 3]));
}
