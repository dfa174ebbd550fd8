//! Laws that hold for every layer, of every form and size.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use thalweg_autograd::{Grads, Params, Tape, Var, gradcheck_params};
use thalweg_nn::{Embedding, Gru, LayerNormLstm, Linear, Reset, Rnn, State, Update, unroll};
use thalweg_tensor::{Real, Rng, Tensor};

use crate::support::{GRU_FORMS, Sizes, Testable, assert_close, bits, by_steps, for_every_cell, sizes};

type Verdict = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn linear_gradient(s in sizes(5)) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(s.seed));
        let new = if s.bias { Linear::new } else { Linear::without_bias };
        let linear = new(&mut params, "linear", s.inputs, s.hidden, &mut rng);
        let x = params.add("x", s.one(s.inputs).as_slice(), |_| rng.range(-2.0, 2.0));
        gradcheck_params(&params, |pass| linear.forward(pass.param(x)))?;
    }

    #[test]
    fn embedding_gradient(words in 1usize..6, width in 1usize..5, picks in prop::collection::vec(any::<usize>(), 0..8)) {
        let mut params = Params::<f64>::new();
        let embedding = Embedding::new(&mut params, "words", words, width, &mut Rng::new(3));
        let indices: Vec<usize> = picks.iter().map(|pick| pick % words).collect();
        gradcheck_params(&params, |pass| {
            let looked_up = embedding.forward(pass, &indices);
            looked_up * looked_up
        })?;
    }

    #[test]
    fn cell_gradients(s in sizes(4)) {
        prop_assume!(relu_stays_off_its_kink(&s));
        for_every_cell!(gradient, &s);
    }

    #[test]
    fn sequence_equals_steps(s in sizes(40)) {
        for_every_cell!(sequence_is_its_steps, &s);
        sequence_is_its_steps::<LayerNormLstm>(0, &s)?;
    }

    #[test]
    fn fused_sequences_and_steps_match_the_equations(s in sizes(40)) { for_every_cell!(fused_is_unrolled, &s); }

    #[test]
    fn any_cut_with_carried_state_equals_the_whole(s in sizes(40)) {
        for_every_cell!(cut_changes_nothing, &s);
        cut_changes_nothing::<LayerNormLstm>(0, &s)?;
    }

    #[test]
    fn rows_of_a_batch_are_independent(s in sizes(20)) {
        if s.batch.is_some() {
            for_every_cell!(row_is_a_single_run, &s);
        }
    }

    #[test]
    fn single_and_double_precision_agree(s in sizes(40)) { for_every_cell!(precisions_agree, &s); }

    #[test]
    fn every_form_of_rnn_and_gru_computes_its_equations(s in sizes(8)) {
        (0..Rnn::FORMS).for_each(|form| rnn_is_by_hand(form, &s));
        (0..Gru::FORMS).for_each(|form| gru_is_by_hand(form, &s));
    }
}

/// With respect to the parameters, the inputs and the first state; of the outputs and the last state.
fn gradient<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (mut params, cell) = s.cell::<C, f64>(form, &mut rng);
    let (x, state) = (s.sequence::<f64>(&mut rng), s.state::<C, f64>(&mut rng));
    let mut leaf = |name: &str, value: &Tensor<f64>| params.add(name, value.shape(), |i| value.as_slice()[i]);
    let x = leaf("x", &x);
    let start: Vec<_> = state.parts.iter().enumerate().map(|(i, part)| leaf(&format!("state{i}"), part)).collect();
    gradcheck_params(&params, |pass| {
        let start: Vec<_> = start.iter().map(|&part| pass.param(part)).collect();
        let (outputs, last) = cell.sequence(pass.param(x), C::join(&start));
        let all: Vec<_> = [outputs].into_iter().chain(C::parts(last)).map(|v| v.reshape([v.shape().len()])).collect();
        Var::concat(&all, 0)
    })?;
    Ok(())
}

/// Finite differences know nothing about the kink of relu: in the case that `gradient` makes of these sizes, every sum
/// lies away from it.
fn relu_stays_off_its_kink(s: &Sizes) -> bool {
    let mut rng = Rng::new(s.seed);
    let (params, cell) = s.cell::<Rnn, f64>(1, &mut rng);
    let (x, mut state) = (s.sequence::<f64>(&mut rng), s.state::<Rnn, f64>(&mut rng));
    // Negated parameters give relu(−sum), so that of relu(sum) and relu(−sum) one is |sum|, if the state is the same.
    let mut negated = params.clone();
    negated.theta_mut().as_mut_slice().iter_mut().for_each(|w| *w = -*w);
    (0..s.steps).all(|t| {
        let x = x.view().slice(0, t..t + 1).to_tensor();
        let below = run(&negated, &cell, &x, &mut state.clone());
        let above = run(&params, &cell, &x, &mut state);
        above.iter().zip(&below).all(|(above, below)| above + below > 1e-3)
    })
}

fn sequence_is_its_steps<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (params, cell) = s.cell::<C, f32>(form, &mut rng);
    let (x, start) = (s.sequence(&mut rng), s.state::<C, f32>(&mut rng));
    let mut tape = Tape::new();
    let pass = tape.pass(&params);
    let (whole, last) = unroll(&cell, pass.input(&x), cell.enter(&pass, &start));
    let (mut stepped, mut state) = (Vec::new(), cell.enter(&pass, &start));
    for t in 0..s.steps {
        let (output, next) = cell.equations(pass.input(x.view().row(t)), state);
        output.with(|y| stepped.extend_from_slice(y));
        state = next;
    }
    prop_assert_eq!(whole.shape().dims().to_vec(), [&[s.steps], s.one(s.hidden).as_slice()].concat());
    prop_assert_eq!(whole.with(bits), bits(&stepped));
    for (a, b) in C::parts(last).into_iter().zip(C::parts(state)) {
        prop_assert_eq!(a.with(bits), b.with(bits));
    }
    Ok(())
}

/// The ways through a sequence.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Fused,
    Steps,
    Equations,
}

/// Outputs, last state, and the gradients of parameters, inputs and first state.
fn fused_is_unrolled<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (mut params, cell) = s.cell::<C, f64>(form, &mut rng);
    let (x, state) = (s.sequence::<f64>(&mut rng), s.state::<C, f64>(&mut rng));
    let mut leaf = |name: &str, value: &Tensor<f64>| params.add(name, value.shape(), |i| value.as_slice()[i]);
    let x = leaf("x", &x);
    let start: Vec<_> = state.parts.iter().enumerate().map(|(i, part)| leaf(&format!("state{i}"), part)).collect();
    let cotangent: Vec<f64> = (0..(s.steps + 3) * s.batch.unwrap_or(1) * s.hidden).map(|_| rng.normal()).collect();
    let run = |way: Way| {
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let start: Vec<_> = start.iter().map(|&part| pass.param(part)).collect();
        let (x, start) = (pass.param(x), C::join(&start));
        let (outputs, last) = match way {
            Way::Fused => cell.sequence(x, start),
            Way::Equations => unroll(&cell, x, start),
            Way::Steps => {
                let mut state = start;
                let outputs: Vec<_> = (0..s.steps)
                    .map(|t| {
                        let (output, next) = cell.step(x.row(t), state);
                        state = next;
                        output
                    })
                    .collect();
                (Var::stack(&outputs), state)
            }
        };
        let (output, _) = if way == Way::Fused { cell.last(x, start) } else { (outputs.row(s.steps - 1), last) };
        let all = [outputs, output].into_iter().chain(C::parts(last)).map(|v| v.reshape([v.shape().len()]));
        let all = Var::concat(&all.collect::<Vec<_>>(), 0);
        all.backward_from(&cotangent[..all.shape().len()], &mut grads);
        (all.to_tensor().into_vec(), grads.as_slice().to_vec())
    };
    let expected = run(Way::Equations);
    for way in [Way::Fused, Way::Steps] {
        let found = run(way);
        assert_close("value", &found.0, &expected.0, 1e-12);
        assert_close("gradient", &found.1, &expected.1, 1e-11);
    }
    Ok(())
}

/// The outputs of a sequence and the state behind it, in a pass of its own.
fn run<C: Testable, T: Real>(params: &Params<T>, cell: &C, x: &Tensor<T>, state: &mut State<T>) -> Vec<T> {
    let mut tape = Tape::new();
    let pass = tape.pass(params);
    let (outputs, last) = by_steps(cell, &pass, x, cell.enter(&pass, state));
    cell.leave(last, state);
    outputs
}

fn cut_changes_nothing<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (params, cell) = s.cell::<C, f32>(form, &mut rng);
    let (x, start) = (s.sequence(&mut rng), s.state::<C, f32>(&mut rng));
    let cut = rng.below(s.steps + 1);
    let (mut once, mut pieces) = (start.clone(), start);
    let whole = run(&params, &cell, &x, &mut once);
    let mut joined = run(&params, &cell, &x.view().slice(0, 0..cut).to_tensor(), &mut pieces);
    joined.extend(run(&params, &cell, &x.view().slice(0, cut..s.steps).to_tensor(), &mut pieces));
    prop_assert_eq!(bits(&whole), bits(&joined));
    for (a, b) in once.parts.iter().zip(&pieces.parts) {
        prop_assert_eq!(bits(a.as_slice()), bits(b.as_slice()));
    }
    Ok(())
}

fn row_is_a_single_run<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (params, cell) = s.cell::<C, f64>(form, &mut rng);
    let (x, start) = (s.sequence::<f64>(&mut rng), s.state::<C, f64>(&mut rng));
    let mut batch = start.clone();
    let outputs = run(&params, &cell, &x, &mut batch);
    let n = s.batch.unwrap_or(1);
    let row_of = |state: &State<f64>, row: usize| {
        let parts = state.parts.iter().map(|p| Tensor::from_slice(&p.as_slice()[row * s.hidden..][..s.hidden]));
        State { parts: parts.collect() }
    };
    for row in 0..n {
        let x = x.view().slice(1, row..row + 1).to_tensor().reshape([s.steps, s.inputs]);
        let mut alone = row_of(&start, row);
        let single = run(&params, &cell, &x, &mut alone);
        let in_batch: Vec<f64> =
            (0..s.steps).flat_map(|t| &outputs[(t * n + row) * s.hidden..][..s.hidden]).copied().collect();
        assert_close("row", &in_batch, &single, 1e-12);
        for (a, b) in row_of(&batch, row).parts.iter().zip(&alone.parts) {
            assert_close("state of a row", a.as_slice(), b.as_slice(), 1e-12);
        }
    }
    Ok(())
}

fn precisions_agree<C: Testable>(form: usize, s: &Sizes) -> Verdict {
    let mut rng = Rng::new(s.seed);
    let (single, cell) = s.cell::<C, f32>(form, &mut rng);
    let (mut double, same) = s.cell::<C, f64>(form, &mut Rng::new(s.seed));
    let wide = |x: &Tensor<f32>| Tensor::from_fn(x.shape(), |i| f64::from(x.as_slice()[i]));
    for (param, _) in single.layout().iter() {
        double.of_mut(param).iter_mut().zip(single.of(param)).for_each(|(d, &s)| *d = f64::from(s));
    }
    let (x, mut state) = (s.sequence(&mut rng), s.state::<C, f32>(&mut rng));
    let mut state64 = State { parts: state.parts.iter().map(wide).collect() };
    let found: Vec<f64> = run(&single, &cell, &x, &mut state).into_iter().map(f64::from).collect();
    assert_close("f32", &found, &run(&double, &same, &wide(&x), &mut state64), 1e-4);
    Ok(())
}

/// `W v + b` of a cell's gate, in plain loops. `side`: "ih" or "hh".
fn gate(params: &Params<f64>, hidden: usize, gate: usize, side: &str, v: &[f64]) -> Vec<f64> {
    let part = |name: &str| params.find(&format!("cell.{name}_{side}_l0")).map(|param| params.of(param));
    let (weight, bias) = (part("weight").expect("every cell has weights"), part("bias"));
    let product = |row: usize| (0..v.len()).map(|j| weight[row * v.len() + j] * v[j]).sum::<f64>();
    (gate * hidden..(gate + 1) * hidden).map(|row| product(row) + bias.map_or(0.0, |bias| bias[row])).collect()
}

fn sigma(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn zip(a: &[f64], b: &[f64], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(&a, &b)| f(a, b)).collect()
}

/// A cell of one state against `step(params, x, h) → h'` in plain loops, one example at a time.
fn is_by_hand<C: Testable>(form: usize, s: &Sizes, step: impl Fn(&Params<f64>, &[f64], &[f64]) -> Vec<f64>) {
    let s = Sizes { batch: None, ..s.clone() };
    let mut rng = Rng::new(s.seed);
    let (params, cell) = s.cell::<C, f64>(form, &mut rng);
    let (x, mut state) = (s.sequence::<f64>(&mut rng), s.state::<C, f64>(&mut rng));
    let (mut h, mut expected) = (state.parts[0].as_slice().to_vec(), Vec::new());
    for x in x.as_slice().chunks_exact(s.inputs) {
        h = step(&params, x, &h);
        expected.extend_from_slice(&h);
    }
    assert_close("outputs", &run(&params, &cell, &x, &mut state), &expected, 1e-12);
}

fn rnn_is_by_hand(form: usize, s: &Sizes) {
    let activation = [f64::tanh, |x: f64| x.max(0.0), sigma][form];
    is_by_hand::<Rnn>(form, s, |params, x, h| {
        let [of_x, of_h] = [("ih", x), ("hh", h)].map(|(side, v)| gate(params, s.hidden, 0, side, v));
        zip(&of_x, &of_h, |a, b| activation(a + b))
    });
}

fn gru_is_by_hand(form: usize, s: &Sizes) {
    is_by_hand::<Gru>(form, s, |params, x, h| {
        let gate = |k: usize, side: &str, v: &[f64]| gate(params, s.hidden, k, side, v);
        let [r, z] = [0, 1].map(|k| zip(&gate(k, "ih", x), &gate(k, "hh", h), |a, b| sigma(a + b)));
        let inner = match GRU_FORMS[form].reset {
            Reset::After => zip(&r, &gate(2, "hh", h), |r, product| r * product),
            Reset::Before => gate(2, "hh", &zip(&r, h, |r, h| r * h)),
        };
        let n = zip(&gate(2, "ih", x), &inner, |a, b| (a + b).tanh());
        let mixed = |k: usize| match GRU_FORMS[form].update {
            Update::Keeps => z[k] * h[k] + (1.0 - z[k]) * n[k],
            Update::Takes => (1.0 - z[k]) * h[k] + z[k] * n[k],
        };
        (0..s.hidden).map(mixed).collect()
    });
}
