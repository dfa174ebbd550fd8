//! What is true of all rules alike.

use allocation_counter::measure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thalweg_autograd::{Activation, Grads, Params};
use thalweg_nn::{Elstm, Gru, GruForm, LeakyRnn, Lru, Lstm, Recurrent, RecurrentOptions, Rnn, Rtu};

use super::testing::{Case, assert_near, bptt, flat, learned};
use super::*;

const CASE: Case = Case { inputs: 3, hidden: 4, steps: 5, seed: 1 };

/// Every rule, over a cell of each kind: `each!(params, layer => law)`.
macro_rules! each {
    ($params:ident, $layer:ident => $law:expr) => {{
        each!($params, Rnn, $layer: Rtrl::new, Snap1::new, Snap1::eprop, |rnn, params| Uoro::new(rnn, 1, params), |rnn, params| KfRtrl::new(rnn, 1, params) => $law);
        each!($params, LeakyRnn, $layer: Rtrl::new, Snap1::new, Rflo::rflo => $law);
        each!($params, Gru, $layer: Rtrl::new, Snap1::new, Snap1::eprop, |gru, params| Uoro::new(gru, 1, params) => $law);
        each!($params, Lstm, $layer: Rtrl::new, Snap1::new, Snap1::eprop, |lstm, params| Uoro::new(lstm, 1, params) => $law);
        each!($params, Lru, $layer: Rtrl::new, TracedLru::new, |lru, params| Uoro::new(lru, 1, params) => $law);
        each!($params, Rtu, $layer: Rtrl::new, TracedRtu::new => $law);
        each!($params, Elstm, $layer: Rtrl::new, TracedElstm::new => $law);
    }};
    ($params:ident, $cell:ident, $layer:ident: $($rule:expr),* => $law:expr) => {{
        let mut $params = Params::<f64>::new();
        let cell = $cell::with(&mut $params, "cell", CASE.options(), &mut CASE.rng());
        $({
            #[allow(clippy::redundant_closure_call)]
            let $layer = ($rule)(cell, &$params);
            $law;
        })*
    }};
}

#[test]
fn steps_allocate_nothing_once_the_memory_is_there() {
    each!(params, layer => {
        let (mut layer, mut grads, mut dx) = (layer, Grads::like(&params), vec![0.0; 3]);
        let rows: Vec<_> = (0..10).map(|t| (CASE.x(t), CASE.dh(t, 4))).collect();
        let mut run = |rows: &[(Vec<f64>, Vec<f64>)]| for (x, dh) in rows {
            layer.step(&params, x);
            layer.learn(&params, dh, &mut grads, &mut dx);
            grads.zero();
        };
        run(&rows[..3]);
        assert_eq!(measure(|| run(&rows[3..])).count_total, 0);
        let bytes = layer.bytes();
        learned(&mut layer, &params, &CASE);
        assert_eq!(layer.bytes(), bytes, "time takes no memory");
    });
}

/// As it was read, bit by bit, in the middle of a sequence.
fn resumes<R: Traced<f64> + Clone + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned>(
    mut layer: R,
    params: &Params<f64>,
) {
    learned(&mut layer, params, &CASE);
    let bytes = bincode::serialize(&layer).expect("it can be written");
    let mut read: R = bincode::deserialize(&bytes).expect("it was written");
    assert_eq!(read, layer);
    let mut copy = layer.clone();
    let went_on = learned(&mut layer, params, &CASE);
    assert_eq!(learned(&mut read, params, &CASE), went_on);
    assert_eq!(learned(&mut copy, params, &CASE), went_on);
    assert_eq!(read, layer);
}

#[test]
fn a_saved_layer_goes_on_as_if_it_had_never_stopped() {
    each!(params, layer => resumes(layer, &params));
}

#[test]
fn a_step_whose_loss_is_not_known_is_a_step() {
    each!(params, layer => {
        let (mut layer, mut other, mut dx) = (layer.clone(), layer, vec![0.0; 3]);
        let [mut grads, mut others] = [(); 2].map(|()| Grads::like(&params));
        for t in 0..4 {
            layer.step(&params, &CASE.x(t));
            other.step(&params, &CASE.x(t));
            other.learn(&params, &CASE.dh(t, 4), &mut others, &mut dx);
        }
        others.zero();
        layer.learn(&params, &CASE.dh(9, 4), &mut grads, &mut dx);
        other.learn(&params, &CASE.dh(9, 4), &mut others, &mut dx);
        assert_eq!(grads.as_slice(), others.as_slice());
        // Learned twice, it counts twice.
        layer.learn(&params, &CASE.dh(9, 4), &mut grads, &mut dx);
        let doubled = others.as_slice().iter().map(|g| 2.0 * g);
        assert!(grads.as_slice().iter().zip(doubled).all(|(g, doubled)| (g - doubled).abs() < 1e-12));
    });
}

#[test]
fn a_gradient_of_other_units_is_refused() {
    each!(params, layer => {
        let mut layer = layer;
        let units = layer.step(&params, &CASE.x(0)).len();
        for wrong in [0, units / 2, units - 1, units + 1, 2 * units] {
            let (mut layer, params, mut grads) = (layer.clone(), params.clone(), Grads::like(&params));
            let learn = move || layer.learn(&params, &vec![1.0; wrong], &mut grads, &mut [0.0; 3]);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(learn)).is_err(), "{wrong} of {units}");
        }
    });
}

#[test]
fn a_frozen_parameter_gets_no_gradient_and_others_get_theirs() {
    each!(params, layer => {
        let gradient = |params: &Params<f64>| {
            let (mut layer, mut grads) = (layer.clone(), Grads::like(params));
            for t in 0..CASE.steps {
                let units = layer.step(params, &CASE.x(t)).len();
                layer.learn(params, &CASE.dh(t, units), &mut grads, &mut [0.0; 3]);
            }
            grads
        };
        let mut whole = gradient(&params);
        for (frozen, entry) in params.clone().layout().iter() {
            let mut params = params.clone();
            params.set_trainable(frozen, false);
            let mut found = gradient(&params);
            for (param, other) in params.clone().layout().iter() {
                let zeros = vec![0.0; other.shape().len()];
                let expected = if param == frozen { &zeros[..] } else { whole.of(param) };
                // UORO's noise is as large as all that it keeps.
                let is_other_noise = param != frozen && std::any::type_name_of_val(&layer).contains("Uoro");
                let is_right = found.of(param) == expected || is_other_noise && found.of(param) != zeros;
                assert!(is_right, "{} without {}", other.name(), entry.name());
            }
        }
    });
}

#[test]
fn more_hidden_units_are_another_layer() {
    let mut params = Params::<f64>::new();
    let gru = Gru::with(&mut params, "gru", CASE.options(), &mut CASE.rng());
    let mut layers: [Box<dyn Traced<f64>>; 3] =
        [Box::new(Rtrl::new(gru, &params)), Box::new(Snap1::new(gru, &params)), Box::new(Uoro::new(gru, 1, &params))];
    let mut dx = [0.0; 3];
    layers.iter_mut().for_each(|layer| drop(layer.step(&params, &CASE.x(0)).to_vec()));
    thalweg_nn::GrowHidden::grow_hidden(&gru, &mut params, 2, &mut CASE.rng());
    let mut fresh = Snap1::new(gru, &params);
    let expected = fresh.step(&params, &CASE.x(1)).to_vec();
    for layer in &mut layers {
        let h = layer.step(&params, &CASE.x(1)).to_vec();
        assert!(h.iter().zip(&expected).all(|(h, expected)| (h - expected).abs() < 1e-12));
        layer.learn(&params, &[1.0; 6], &mut Grads::like(&params), &mut dx);
    }
}

/// Nothing is lost where there is nothing: no inputs, no biases.
#[test]
fn a_layer_without_inputs_runs() {
    let mut params = Params::<f64>::new();
    let case = Case { inputs: 0, ..CASE };
    let lstm = Lstm::with(&mut params, "lstm", case.options().bias(false), &mut case.rng());
    let lru = Lru::with(&mut params, "lru", case.options(), &mut case.rng());
    let rtu = Rtu::with(&mut params, "rtu", case.options().form(Activation::Tanh), &mut case.rng());
    let elstm = Elstm::with(&mut params, "elstm", case.options(), &mut case.rng());
    let layers: [Box<dyn Traced<f64>>; 4] = [
        Box::new(Snap1::new(lstm, &params)),
        Box::new(TracedLru::new(lru, &params)),
        Box::new(TracedRtu::new(rtu, &params)),
        Box::new(TracedElstm::new(elstm, &params)),
    ];
    for mut layer in layers {
        let mut grads = Grads::like(&params);
        for t in 0..3 {
            assert!(layer.step(&params, &[]).iter().all(|h| h.is_finite()));
            layer.learn(&params, &case.dh(t, 4), &mut grads, &mut []);
        }
        assert!(grads.norm().is_finite());
    }
}

/// Of two layers that learn by themselves, the upper one has its whole gradient; the lower one, whose losses are what it
/// gives now, has not. RTRL of both as one cell has it all.
#[test]
fn in_a_stack_each_layer_is_exact_by_itself_and_the_lower_one_is_not_for_the_whole() {
    let mut params = Params::<f64>::new();
    let options = RecurrentOptions::from(CASE.options::<GruForm>()).layers(2);
    let stack = Recurrent::<Gru>::with(&mut params, "gru", options, &mut CASE.rng());
    let whole = bptt(&stack, &params, &CASE);
    let exact = learned(&mut Rtrl::new(stack, &params), &params, &CASE).gradient;
    assert_near(&exact, &whole);

    let mut twin = Params::<f64>::new();
    let [lower, upper] =
        [("lower", 3), ("upper", 4)].map(|(name, inputs)| Gru::new(&mut twin, name, inputs, 4, &mut CASE.rng()));
    twin.theta_mut().as_mut_slice().copy_from_slice(params.as_slice());
    let [mut lower, mut upper] = [lower, upper].map(|gru| Rtrl::new(gru, &twin));
    let (mut grads, mut between, mut dx) = (Grads::like(&twin), [0.0; 4], [0.0; 3]);
    for t in 0..CASE.steps {
        let h = lower.step(&twin, &CASE.x(t)).to_vec();
        upper.step(&twin, &h);
        upper.learn(&twin, &CASE.dh(t, 4), &mut grads, &mut between);
        lower.learn(&twin, &between, &mut grads, &mut dx);
    }
    let found = flat(&twin, &mut grads);
    let of_lower = 12 * 3 + 12 * 4 + 2 * 12;
    assert_near(&found[of_lower..], &whole[of_lower..]);
    let differs = |(found, whole): (&f64, &f64)| (found - whole).abs() > 1e-4;
    assert!(found[..of_lower].iter().zip(&whole).any(differs));
}

/// Whatever was taken out of a file: it is refused, or it can be used.
fn can_be_used<R: Traced<f64> + Serialize + DeserializeOwned>(mut layer: R, params: &Params<f64>) {
    learned(&mut layer, params, &CASE);
    let written = serde_json::to_value(&layer).expect("it can be written");
    let mut places = Vec::new();
    lists(&written, String::new(), &mut places);
    assert!(places.len() > 5, "there is something to damage: {places:?}");
    for place in places.iter().filter(|place| !place.contains("cell")) {
        let mut damaged = written.clone();
        damaged.pointer_mut(place).and_then(|list| list.as_array_mut()?.pop());
        if let Ok(mut read) = serde_json::from_value::<R>(damaged) {
            assert!(learned(&mut read, params, &CASE).gradient.iter().all(|g| g.is_finite()), "{place}");
        }
    }
}

/// Where there are lists, as JSON pointers.
fn lists(value: &serde_json::Value, place: String, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| lists(item, format!("{place}/{at}"), found));
            found.push(place);
        }
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| lists(field, format!("{place}/{name}"), found));
        }
        _ => {}
    }
}

#[test]
fn a_damaged_layer_is_refused_or_can_be_used() {
    each!(params, layer => can_be_used(layer, &params));
}
