//! Truncated backpropagation, held against its definition.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Cell, Embedding, Gru, Linear, Lstm, Mode, Network, Optimizer, Recurrent};
use thalweg_nn::{RecurrentOptions, Sgd, State, Tbptt, unroll};
use thalweg_tensor::{Rng, Tensor};

use super::{Case, Verdict, cases};
use crate::support::{Testable, assert_close, for_every_cell};

/// k₁ ≤ k₂.
fn truncations() -> impl Strategy<Value = [usize; 2]> {
    (1usize..5).prop_flat_map(|every| (Just(every), every..9).prop_map(|(every, back)| [every, back]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_gradient_goes_back_as_far_as_it_says(case in cases(), k in truncations(), steps in 1usize..14) {
        let case = Case { steps, ..case.one_way() };
        for_every_cell!(follows_the_definition, (&case, k));
    }

    #[test]
    fn as_far_as_the_stream_is_long_is_full(case in cases(), every in 1usize..5, steps in 1usize..14) {
        let case = Case { steps, ..case.one_way() };
        for_every_cell!(long_is_full, (&case, every));
    }

    #[test]
    fn as_long_as_the_window_is_whole_so_are_its_masks_and_its_start(case in cases(), every in 1usize..5) {
        for_every_cell!(dropout_and_start, (&case.one_way(), every));
    }
}

/// Σ of the gradients of all calls, with θ at rest, and what is left at the end of the stream.
fn truncated<C: Cell>(
    params: &Params<f64>,
    cell: &C,
    (x, cotangent): (&Tensor<f64>, &Tensor<f64>),
    (mut window, start): (Tbptt<f64>, &State<f64>),
) -> Vec<f64> {
    let (mut tape, mut grads, steps) = (Tape::new(), Grads::like(params), x.shape().dims()[0]);
    let mut learned = 0;
    for t in 0..steps {
        if window.push(x.view().row(t)) || t + 1 == steps {
            let pass = tape.pass(params);
            let weights = pass.input(cotangent.view().slice(0, learned..t + 1));
            let outputs = window.outputs(&pass, || cell.enter(&pass, start), |x, state| cell.sequence(x, state));
            (outputs * weights).sum().backward(&mut grads);
            learned = t + 1;
        }
    }
    grads.as_slice().to_vec()
}

fn follows_the_definition<C: Testable>(form: usize, (case, [every, back]): (&Case, [usize; 2])) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, start) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let cotangent = Tensor::<f64>::uniform([case.steps, case.batch, case.hidden], -1.0, 1.0, &mut rng);
    let found = truncated(&params, &network, (&x, &cotangent), (Tbptt::new(every, back), &start));

    // The definition: for each piece of k₁ steps, the state k₂ steps before its end is a constant. (A piece that the end of
    // the stream has cut short goes back to where a whole one would have.)
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    for from in (0..case.steps).step_by(every) {
        let (to, begin) = ((from + every).min(case.steps), (from + every).saturating_sub(back));
        let mut state: State<f64> = start.clone();
        super::carried(&params, &network, &x.view().slice(0, 0..begin).to_tensor(), &mut state);
        let pass = tape.pass(&params);
        let x = pass.input(x.view().slice(0, begin..to));
        let (outputs, _) = unroll(&network, x, network.enter(&pass, &state));
        let weights = pass.input(cotangent.view().slice(0, from..to));
        (outputs.slice(0, from - begin..to - begin) * weights).sum().backward(&mut grads);
    }
    assert_close("gradient", &found, grads.as_slice(), 1e-10);
    Ok(())
}

fn long_is_full<C: Testable>(form: usize, (case, every): (&Case, usize)) -> Verdict {
    let mut rng = Rng::new(case.seed);
    let (params, network) = case.network::<C>(form, &mut rng);
    let (x, start) = (case.input(&mut rng), case.state::<C>(&mut rng));
    let cotangent = Tensor::<f64>::uniform([case.steps, case.batch, case.hidden], -1.0, 1.0, &mut rng);
    let window = Tbptt::new(every, case.steps.next_multiple_of(every));
    let found = truncated(&params, &network, (&x, &cotangent), (window, &start));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let pass = tape.pass(&params);
    let (outputs, _) = network.sequence(pass.input(&x), network.enter(&pass, &start));
    (outputs * pass.input(&cotangent)).sum().backward(&mut grads);
    assert_close("gradient", &found, grads.as_slice(), 1e-10);
    Ok(())
}

/// Layers with dropout and a learned start: what a call sends back is what the whole sequence so far would, under the masks
/// that were drawn for it; to the start, too, as long as the window reaches there.
fn dropout_and_start<C: Testable>(form: usize, (case, every): (&Case, usize)) -> Verdict {
    let (mut rng, mut params) = (Rng::new(case.seed), Params::<f64>::new());
    let options = case.options::<C>(form).dropout(0.4).learned_start(true);
    let network = Recurrent::<C>::with(&mut params, "net", options, &mut rng);
    let (start, x) = (params.find("net.h0").expect("it is learned"), case.input(&mut rng));
    params.of_mut(start).iter_mut().for_each(|h| *h = rng.range(-1.0, 1.0));
    let cotangent = Tensor::<f64>::uniform([case.steps, case.batch, case.hidden], -1.0, 1.0, &mut rng);
    let (mut tape, mut found, mut expected) = (Tape::new(), Grads::like(&params), Grads::like(&params));
    let (mut window, mut mode) = (Tbptt::new(every, case.steps + 2 * every), Mode::train(rng.fork()));
    let (mut learned, batch) = (0, Some(case.batch));
    for t in 0..case.steps {
        if window.push(x.view().row(t)) || t + 1 == case.steps {
            let mut same = mode.clone();
            let pass = tape.pass(&params);
            let weights = pass.input(cotangent.view().slice(0, learned..t + 1));
            let run = |x, state| network.forward(x, state, &mut mode);
            (window.outputs(&pass, || network.start(&pass, batch), run) * weights).sum().backward(&mut found);

            let pass = tape.pass(&params);
            let x = pass.input(x.view().slice(0, 0..t + 1));
            let weights = pass.input(cotangent.view().slice(0, learned..t + 1));
            let (outputs, _) = network.forward_from_start(x, &mut same);
            (outputs.slice(0, learned..t + 1) * weights).sum().backward(&mut expected);
            learned = t + 1;
        }
    }
    prop_assert_eq!(found.of(start), expected.of(start));
    assert_close("gradient", found.as_slice(), expected.as_slice(), 1e-12);
    if form == 0 {
        prop_assert!(found.of(start).iter().any(|&g| g != 0.0));
    }
    Ok(())
}

/// The start learns from the windows that reach back to it, and from no other.
#[test]
fn a_start_that_lies_behind_the_window_learns_no_more() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let options = RecurrentOptions::new(2, 3).learned_start(true);
    let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut rng);
    let learned = ["lstm.h0", "lstm.c0"].map(|name| params.find(name).expect("it is learned"));
    let (mut tape, mut window, mut reached) = (Tape::new(), Tbptt::new(2, 5), Vec::new());
    for _ in 0..2 {
        for _ in 0..8 {
            if window.push(&[rng.normal(), rng.normal()]) {
                let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
                let run = |x, state| lstm.sequence(x, state);
                window.outputs(&pass, || lstm.start(&pass, None), run).sum().backward(&mut grads);
                reached.push(learned.map(|start| grads.of(start).iter().all(|&g| g != 0.0)));
            }
        }
        window.restart();
    }
    assert_eq!(reached, [[true; 2], [true; 2], [false; 2], [false; 2]].repeat(2));
}

/// A network from a line of text, with dropout, two recurrent layers, and what is between and behind them.
#[test]
fn a_whole_network_runs_over_a_window() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let spec = "lstm:5 > dropout:0.3 > linear:4 > tanh > gru:3 > linear:2".parse().expect("a specification");
    let net = Network::new(&mut params, "net", &spec, [2], &mut rng).expect("it fits");
    let x = Tensor::<f64>::uniform([6, 3, 2], -1.0, 1.0, &mut rng);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let (mut window, mut mode) = (Tbptt::new(6, 12), Mode::train(Rng::new(2)));
    assert_eq!([0, 1, 2, 3, 4, 5].map(|t| window.push(x.row(t))), [false, false, false, false, false, true]);
    let zeros = net.zero_states(&params, 3);
    let pass = tape.pass(&params);
    let outputs = window.outputs(&pass, || net.enter(&pass, &zeros), |x, state| net.sequence(x, state, &mut mode));
    outputs.square().sum().backward(&mut grads);
    let mut expected = Grads::like(&params);
    let pass = tape.pass(&params);
    let (outputs, _) = net.sequence(pass.input(&x), net.enter(&pass, &zeros), &mut Mode::train(Rng::new(2)));
    outputs.square().sum().backward(&mut expected);
    assert_eq!(grads.as_slice(), expected.as_slice());

    // Further on, from what it carries.
    for t in 0..12 {
        if window.push(x.row(t % 6)) {
            let pass = tape.pass(&params);
            window.outputs(&pass, || net.enter(&pass, &zeros), |x, state| net.sequence(x, state, &mut mode));
        }
    }
    let shapes: Vec<_> = window.state_mut().expect("it has begun").parts.iter().map(|part| part.shape()).collect();
    assert_eq!(shapes, zeros.parts.iter().map(|part| part.shape()).collect::<Vec<_>>());
}

/// Words, one for each example of a batch, are looked up again with the present embedding.
#[test]
fn an_embedding_in_front_learns_from_a_window() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let words = Embedding::new(&mut params, "words", 20, 3, &mut rng);
    let gru = Gru::new(&mut params, "gru", 3, 4, &mut rng);
    let stream: Vec<[usize; 2]> = (0..7).map(|_| [rng.below(20), rng.below(20)]).collect();
    let (mut tape, mut found, mut expected) = (Tape::new(), Grads::like(&params), Grads::like(&params));
    let mut window = Tbptt::new(2, 4);
    for (t, step) in stream.iter().enumerate() {
        if window.push_items(*step) {
            let pass = tape.pass(&params);
            let run = |seen: &[usize], h| gru.sequence(words.forward(&pass, seen).reshape([seen.len() / 2, 2, 3]), h);
            window.outputs_of_items(&pass, || gru.start(&pass, Some(2)), run).square().sum().backward(&mut found);

            let (pass, from) = (tape.pass(&params), (t + 1).saturating_sub(4));
            let sequence =
                |steps: &[[usize; 2]]| words.forward(&pass, steps.as_flattened()).reshape([steps.len(), 2, 3]);
            let mut state = gru.zero_states(&params, 2);
            if from > 0 {
                gru.leave(gru.sequence(sequence(&stream[..from]), gru.start(&pass, Some(2))).1, &mut state);
            }
            let (outputs, _) = gru.sequence(sequence(&stream[from..=t]), gru.enter(&pass, &state));
            outputs.slice(0, t - 1 - from..t + 1 - from).square().sum().backward(&mut expected);
        }
    }
    assert_close("gradient", found.as_slice(), expected.as_slice(), 1e-12);
    assert!(found.of(words.weight).iter().any(|&g| g != 0.0));
}

/// Inputs come while nothing is in the window; hidden units, at any time.
#[test]
fn a_network_grows_under_a_window() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let gru = Recurrent::<Gru>::new(&mut params, "gru", 2, 3, &mut rng);
    let (mut tape, mut window) = (Tape::new(), Tbptt::new(1, 2));
    let mut outputs = |params: &Params<f64>, window: &mut Tbptt<f64>| {
        let pass = tape.pass(params);
        let run = |x, state| gru.sequence(x, state);
        window.outputs(&pass, || gru.start(&pass, None), run).to_tensor()
    };
    window.push(&[1.0, 2.0]);
    let first = outputs(&params, &mut window);
    assert!(window.state_mut().is_none());
    window.push(&[3.0, 4.0]);
    outputs(&params, &mut window);
    let mut same = window.clone();
    window.push(&[5.0, 6.0]);
    let third = outputs(&params, &mut window);

    gru.grow_hidden(&mut params, 2, &mut rng);
    same.state_mut().expect("it has begun").grow(2);
    same.push(&[5.0, 6.0]);
    assert_eq!(outputs(&params, &mut same).view().slice(1, 0..3).to_tensor(), third);

    gru.grow_inputs(&mut params, 1);
    same.restart();
    same.push(&[1.0, 2.0, 7.0]);
    assert_eq!(outputs(&params, &mut same).view().slice(1, 0..3).to_tensor(), first);
    for t in 0..4 {
        same.push(&[f64::from(t), 2.0, 7.0]);
        assert_eq!(outputs(&params, &mut same).shape().dims(), [1, 5]);
    }
}

/// Stopped anywhere, saved and loaded, it learns on as if nothing had happened.
#[test]
fn a_window_and_its_network_are_saved_and_loaded() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let mut gru = Recurrent::<Gru>::new(&mut params, "gru", 2, 5, &mut rng);
    let head = Linear::new(&mut params, "head", 5, 1, &mut rng);
    let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.05));
    let stream = Tensor::<f64>::uniform([40, 2], -1.0, 1.0, &mut rng);
    let mut run = |stop: Option<usize>, mut params: Params<f64>| {
        let mut window = Tbptt::new(2, 5);
        for t in 0..40 {
            if window.push(stream.view().row(t)) {
                let pass = tape.pass(&params);
                let outputs = window.outputs(&pass, || gru.start(&pass, None), |x, h| gru.sequence(x, h));
                head.forward(outputs).square().mean().backward(&mut grads);
                sgd.step(&mut params, &mut grads);
            }
            if stop == Some(t) {
                let text = serde_json::to_string(&(&window, &gru)).expect("plain data");
                let (read, again): (Tbptt<f64>, Recurrent<Gru>) = serde_json::from_str(&text).expect("as written");
                assert_eq!((&read, &again), (&window, &gru));
                (window, gru) = (read, again);
            }
        }
        params
    };
    let whole = run(None, params.clone());
    assert_ne!(whole, params);
    for stop in [0, 7, 8, 25] {
        assert_eq!(run(Some(stop), params.clone()), whole);
    }
}

#[test]
fn a_window_that_restarts_is_a_new_one() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let gru = Gru::new(&mut params, "gru", 2, 5, &mut rng);
    let (mut used, mut new, mut tape) = (Tbptt::new(2, 3), Tbptt::new(2, 3), Tape::new());
    let mut outputs = |window: &mut Tbptt<f64>| {
        let pass = tape.pass(&params);
        window.outputs(&pass, || gru.start(&pass, None), |x, h| gru.sequence(x, h)).to_tensor()
    };
    for t in 0..5 {
        if used.push(&[1.0, f64::from(t)]) {
            outputs(&mut used);
        }
    }
    assert!(used.state_mut().is_some());
    used.restart();
    assert!(used.state_mut().is_none());
    for t in 0..9 {
        let learn = [&mut used, &mut new].map(|window| window.push(&[2.0, f64::from(t)]));
        assert_eq!(learn, [t % 2 == 1; 2]);
        if learn[0] {
            assert_eq!(outputs(&mut used), outputs(&mut new));
        }
    }
    assert_eq!(used, new);
}

#[test]
#[should_panic(expected = "tbptt: 1 ≤ k₁ ≤ k₂ expected, found 3 and 2")]
fn no_loss_is_left_out() {
    Tbptt::<f32>::new(3, 2);
}
