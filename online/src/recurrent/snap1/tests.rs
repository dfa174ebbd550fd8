use proptest::prelude::*;
use thalweg_autograd::{Grads, Params};
use thalweg_nn::{Activation, Cell, Gru, GruForm, Lstm, Reset, Rnn, Update};

use super::super::testing::{Case, assert_near, bptt, by_differences, flat, learned};
use super::super::{Rtrl, Traced};
use super::*;

const FORMS: [GruForm; 4] = [
    GruForm::PYTORCH,
    GruForm::CHUNG,
    GruForm { reset: Reset::Before, update: Update::Keeps },
    GruForm { reset: Reset::After, update: Update::Takes },
];

/// Every cell, in every form: `each!(case, params, cell => law)`.
macro_rules! each {
    ($case:ident, $params:ident, $bias:expr, $cell:ident => $law:expr) => {{
        for activation in [Activation::Tanh, Activation::Relu, Activation::Sigmoid, Activation::Identity] {
            let mut $params = Params::new();
            let options = $case.options().form(activation).bias($bias);
            let $cell = Rnn::with(&mut $params, "rnn", options, &mut $case.rng());
            $law
        }
        for form in FORMS {
            let mut $params = Params::new();
            let $cell = Gru::with(&mut $params, "gru", $case.options().form(form).bias($bias), &mut $case.rng());
            $law
        }
        let mut $params = Params::new();
        let $cell = Lstm::with(&mut $params, "lstm", $case.options().bias($bias), &mut $case.rng());
        $law
    }};
}

/// Every recurrent weight by its row, its column and itself.
fn map_recurrent(cell: &impl Local, params: &mut Params<f64>, f: impl Fn(usize, usize, f64) -> f64) {
    let weight = cell.weights().weight_hh;
    let n = params.layout().entry(weight).shape().dims()[1];
    params.of_mut(weight).iter_mut().enumerate().for_each(|(at, w)| *w = f(at / n % n, at % n, *w));
}

/// The same outputs and gradients as RTRL's whose influence matrix keeps, after every step, each unit's own weights alone.
fn is_masked_rtrl<C: Cell + Local>(cell: C, params: &Params<f64>, case: &Case) {
    let (mut snap, mut rtrl) = (Snap1::new(cell.clone(), params), Rtrl::new(cell, params));
    let [mut found, mut expected, mut unwanted] = [(); 3].map(|()| Grads::like(params));
    for t in 0..case.steps {
        let (x, dh) = (case.x(t), case.dh(t, case.hidden));
        assert_near(snap.step(params, &x), rtrl.step(params, &x));
        rtrl.keep_own_units(params);
        let [mut dx, mut expected_dx] = [(); 2].map(|()| vec![f64::NAN; case.inputs]);
        snap.learn(params, &dh, &mut found, &mut dx);
        rtrl.learn(params, &dh, &mut unwanted, &mut expected_dx);
        rtrl.add_influence(&dh, &mut expected);
        assert_near(&dx, &expected_dx);
    }
    assert_near(&flat(params, &mut found), &flat(params, &mut expected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn snap1_is_rtrl_masked_to_what_a_step_reaches(case in Case::any(3, 4, 6), bias: bool) {
        each!(case, params, bias, cell => is_masked_rtrl(cell, &params, &case));
    }

    #[test]
    fn snap1_is_exact_where_units_do_not_hear_one_another(case in Case::any(3, 4, 6), bias: bool) {
        each!(case, params, bias, cell => {
            map_recurrent(&cell, &mut params, |row, column, w| if row == column { w } else { 0.0 });
            let found = learned(&mut Snap1::new(cell, &params), &params, &case);
            assert_near(&found.gradient, &bptt(&cell, &params, &case));
        });
    }

    #[test]
    fn eprop_is_snap1_where_no_unit_hears_itself(case in Case::any(3, 4, 6), bias: bool) {
        each!(case, params, bias, cell => {
            // Nor through another one.
            map_recurrent(&cell, &mut params, |row, column, w| if row < column { w } else { 0.0 });
            let [snap1, eprop] = [Snap1::new(cell, &params), Snap1::eprop(cell, &params)];
            let [snap1, eprop] = [snap1, eprop].map(|mut layer| learned(&mut layer, &params, &case));
            assert_eq!(snap1, eprop);
        });
    }
}

#[test]
fn snap1_is_the_slope_of_the_losses() {
    let case = Case { inputs: 2, hidden: 3, steps: 5, seed: 3 };
    each!(case, params, true, cell => {
        map_recurrent(&cell, &mut params, |row, column, w| if row == column { w } else { 0.0 });
        let found = learned(&mut Snap1::new(cell, &params), &params, &case).gradient;
        let weight = cell.weights().weight_hh;
        let differences = by_differences(&cell, &params, &case);
        // A recurrent weight that is zero is among them: it counts as soon as it is not.
        assert!(params.layout().entry(weight).shape().len() >= 9);
        for (found, expected) in found.iter().zip(differences) {
            assert!((found - expected).abs() < 1e-5 * (1.0 + expected.abs()), "{found} {expected}");
        }
    });
}

#[test]
fn the_explicit_path_counts() {
    let (case, mut params) = (Case { inputs: 2, hidden: 3, steps: 6, seed: 3 }, Params::new());
    let lstm = Lstm::with(&mut params, "lstm", case.options(), &mut case.rng());
    let snap1 = learned(&mut Snap1::new(lstm, &params), &params, &case);
    let eprop = learned(&mut Snap1::eprop(lstm, &params), &params, &case);
    assert_eq!(snap1.outputs, eprop.outputs);
    assert_ne!(snap1.gradient, eprop.gradient);
}

#[test]
fn inputs_that_grow_leave_traces_in_place_and_a_new_sequence_has_no_past() {
    let case = Case { inputs: 2, hidden: 3, steps: 5, seed: 2 };
    let wider = Case { inputs: 3, ..case };
    each!(case, params, true, cell => {
        let mut layer = Snap1::new(cell, &params);
        let first = learned(&mut layer, &params, &case);
        let mut grown = layer.clone();
        let old = learned(&mut layer, &params, &case);
        layer.reset();
        assert_eq!(learned(&mut layer, &params, &case), first);
        cell.grow_inputs(&mut params, 1);
        let new = learned(&mut grown, &params, &wider);
        assert_eq!(new.outputs, old.outputs);
        let inputs = 3 * old.gradient.len().min(params.of(cell.weights().weight_ih).len() / 3);
        let kept: Vec<f64> = new.gradient.iter().enumerate().filter(|(at, _)| *at >= inputs || at % 3 < 2).map(|(_, g)| *g).collect();
        assert_eq!(kept, old.gradient);
    });
}
