//! What is read from outside: it is refused, or it works.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thalweg_autograd::{Params, Tape};
use thalweg_nn::{Cell, Gru, Lstm, Mode, Network, Recurrent, RecurrentOptions, State, Tbptt};
use thalweg_tensor::{Rng, Tensor};

/// The message with which a value is refused, of which one field has been replaced.
fn refused<V: serde::Serialize + DeserializeOwned>(value: &V, field: &str, by: Value) -> String {
    let mut written = serde_json::to_value(value).expect("plain data");
    let place = written.pointer_mut(field).expect("there is such a field");
    assert_ne!(*place, by);
    *place = by;
    serde_json::from_value::<V>(written).err().expect("a contradiction").to_string()
}

#[test]
fn a_network_without_layers_is_refused() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let options = RecurrentOptions::new(2, 3).bidirectional(true).learned_start(true);
    let lstm = Recurrent::<Lstm>::with(&mut params, "lstm", options, &mut rng);
    let one = serde_json::to_value(&lstm).expect("plain data")["cells"][0].clone();
    let layers = "a recurrent network of 0 cells in 2 directions has no layers";
    assert_eq!(refused(&lstm, "/cells", json!([])), layers);
    assert_eq!(refused(&lstm, "/cells", json!([one])), layers.replace('0', "1"));
    let starts = "a recurrent network with dropout 0 and 1 of 2 starts";
    assert_eq!(refused(&lstm, "/start", json!([0])), starts);
    assert_eq!(refused(&lstm, "/dropout", json!(1.5)), starts.replace("0 and 1", "1.5 and 2"));
}

#[test]
fn a_state_without_hidden_units_is_refused() {
    let state = State::<f64> { parts: vec![Tensor::ones([1])] };
    assert_eq!(refused(&state, "/parts/0/shape", json!([])), "a state without hidden units");
}

fn message(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("a misuse");
    *panic.downcast::<String>().expect("a message")
}

/// Of another cell, or of another batch with as many numbers.
#[test]
fn a_state_that_does_not_fit_is_refused() {
    let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    let gru = Gru::new(&mut params, "gru", 2, 3, &mut rng);
    let lstm = Lstm::new(&mut params, "lstm", 2, 3, &mut rng);
    let net = Network::new(&mut params, "net", &"gru:3".parse().expect("a network"), [2], &mut rng).expect("it fits");
    let pass = tape.pass(&params);
    let (one, two) = (gru.zero_state(&params), lstm.zero_state(&params));
    assert_eq!(message(|| drop(gru.enter(&pass, &two).to_tensor())), "enter: a state of 1 tensors expected, found 2");
    assert_eq!(
        message(|| drop(lstm.enter(&pass, &one).h.to_tensor())),
        "enter: a state of 2 tensors expected, found 1"
    );
    let mut other = State { parts: vec![Tensor::zeros([3, 2])] };
    let batch = gru.start(&pass, Some(2));
    assert_eq!(message(|| gru.leave(batch, &mut other)), "leave: a state [2, 3] expected, found [3, 2]");
    let carried = net.enter(&pass, &net.zero_states(&params, 2));
    let mut other = State { parts: vec![Tensor::zeros([2, 1, 3])] };
    assert_eq!(message(|| net.leave(carried, &mut other)), "leave: a state [1, 2, 3] expected, found [2, 1, 3]");
}

#[test]
fn statistics_that_were_not_measured_are_not_pending() {
    let (mut params, mut mode) = (Params::<f32>::new(), Mode::train(Rng::new(1)));
    mode.track(params.add("mean", [1], |_| 0.0), 0.1, &[1.0]);
    assert_eq!(refused(&mode, "/Train/pending", json!(2)), "2 of 1 notes cannot be pending");
}

/// Steps without inputs cost a file nothing: a few bytes must not order the work of billions.
#[test]
fn a_window_of_countless_empty_steps_is_refused() {
    let mut window = Tbptt::<f32>::new(1, usize::MAX);
    window.push(&[]);
    let error = refused(&window, "/steps", json!(1_000_000));
    assert!(error.starts_with("0 inputs cannot be 1 of 1000000 steps [0]"), "{error}");
}

/// One digit after the other is replaced, in windows that have been used more or less.
#[test]
fn a_damaged_window_is_refused_or_runs() {
    let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
    let gru = Gru::new(&mut params, "gru", 2, 3, &mut rng);
    let (mut window, mut refused, mut read) = (Tbptt::new(3, 5), 0, 0);
    for _ in 0..12 {
        let learn = window.push(&[1.0, 2.0]);
        let text = serde_json::to_string(&window).expect("plain data");
        let digits = |place: usize| (b'0'..=b'9').map(move |digit| (place, digit));
        for (place, digit) in (0..text.len()).filter(|&place| text.as_bytes()[place].is_ascii_digit()).flat_map(digits)
        {
            let mut bytes = text.clone().into_bytes();
            bytes[place] = digit;
            let Ok(mut damaged) = serde_json::from_slice::<Tbptt<f64>>(&bytes) else {
                refused += 1;
                continue;
            };
            read += 1;
            for _ in 0..4 {
                damaged.push(&[3.0, 4.0]);
                let pass = tape.pass(&params);
                let outputs = damaged.outputs(&pass, || gru.start(&pass, None), |x, h| gru.sequence(x, h));
                assert!(outputs.dims::<2>()[0] < 20);
            }
        }
        if learn {
            let pass = tape.pass(&params);
            window.outputs(&pass, || gru.start(&pass, None), |x, h| gru.sequence(x, h));
        }
    }
    assert!(refused > 300 && read > 300, "{refused} {read}");
}
