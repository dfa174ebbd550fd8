//! Truncated backpropagation, held against its definition.

use proptest::prelude::*;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Cell, Gru, Linear, Optimizer, Recurrent, Sgd, State, Tbptt, unroll};
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
}

/// Σ of the gradients of all calls, with θ at rest, and what is left at the end of the stream.
fn truncated<C: Cell>(
    params: &Params<f64>,
    cell: &C,
    (x, cotangent): (&Tensor<f64>, &Tensor<f64>),
    mut window: Tbptt<f64>,
) -> Vec<f64> {
    let (mut tape, mut grads, steps) = (Tape::new(), Grads::like(params), x.shape().dims()[0]);
    let mut learned = 0;
    for t in 0..steps {
        if window.push(x.view().row(t)) || t + 1 == steps {
            let pass = tape.pass(params);
            let weights = pass.input(cotangent.view().slice(0, learned..t + 1));
            (window.outputs(cell, &pass) * weights).sum().backward(&mut grads);
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
    let found = truncated(&params, &network, (&x, &cotangent), Tbptt::new(every, back, start.clone()));

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
    let window = Tbptt::new(every, case.steps.next_multiple_of(every), start.clone());
    let found = truncated(&params, &network, (&x, &cotangent), window);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let pass = tape.pass(&params);
    let (outputs, _) = network.sequence(pass.input(&x), network.enter(&pass, &start));
    (outputs * pass.input(&cotangent)).sum().backward(&mut grads);
    assert_close("gradient", &found, grads.as_slice(), 1e-10);
    Ok(())
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
        let mut window = Tbptt::new(2, 5, gru.zero_state(&params));
        for t in 0..40 {
            if window.push(stream.view().row(t)) {
                let pass = tape.pass(&params);
                head.forward(window.outputs(&gru, &pass)).square().mean().backward(&mut grads);
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
    let mut used = Tbptt::new(2, 3, gru.zero_state(&params));
    let (new, mut tape) = (used.clone(), Tape::new());
    for t in 0..5 {
        if used.push(&[1.0, f64::from(t)]) {
            used.outputs(&gru, &tape.pass(&params));
        }
    }
    assert_ne!(used, new);
    used.restart(&gru.zero_state(&params));
    assert_eq!(used.push(&[1.0, 2.0]), new.clone().push(&[1.0, 2.0]));
    let mut fresh = new;
    fresh.push(&[1.0, 2.0]);
    assert_eq!(used, fresh);
}

#[test]
#[should_panic(expected = "tbptt: 1 ≤ k₁ ≤ k₂ expected, found 3 and 2")]
fn no_loss_is_left_out() {
    Tbptt::<f32>::new(3, 2, State::zeros(1, 4));
}
