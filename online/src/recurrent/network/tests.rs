//! Whole networks, whose recurrent layers learn by a rule.

use super::super::testing::{Case, assert_near, flat};
use super::*;
use proptest::prelude::*;
use thalweg_autograd::Tape;
use thalweg_tensor::Rng;

const RULES: [(GradientSpec, &str); 13] = [
    (GradientSpec::Rtrl, "lstm:2x2 > linear:3 > tanh"),
    (GradientSpec::Rtrl, "layer_norm_lstm:3"),
    (GradientSpec::Rtrl, "lru:3"),
    (GradientSpec::Exact, "gru:3,form=chung > layer_norm"),
    (GradientSpec::Exact, "lru:3 > linear:2 > tanh"),
    (GradientSpec::Exact, "rtu:4,form=tanh > linear:2"),
    (GradientSpec::Exact, "elstm:3 > residual(linear:3 > tanh)"),
    (GradientSpec::Snap1, "gru:3x2 > linear:2"),
    (GradientSpec::Snap1, "rnn:2 > residual(lstm:2 > linear:2) > gru:3"),
    (GradientSpec::Eprop, "linear:2 > tanh > residual(lstm:2) > linear:2"),
    (GradientSpec::Rflo, "leaky_rnn:3x2,alpha=0.4 > linear:2"),
    (GradientSpec::Uoro, "rnn:2 > tanh > rtu:4 > layer_norm_lstm:2"),
    (GradientSpec::KfRtrl, "residual(linear:2) > rnn:3x2 > linear:2"),
];

fn network(text: &str, case: &Case) -> (Params<f64>, Network) {
    let mut params = Params::new();
    let spec = text.parse().expect("a network");
    let network = Network::new(&mut params, "net", &spec, [2], &mut case.rng()).expect("it fits");
    (params, network)
}

/// ∇ of the sum of all steps' losses, and what the last step said.
fn learned(traced: &mut TracedNetwork<f64>, network: &Network, params: &Params<f64>, case: &Case) -> [Vec<f64>; 2] {
    let (mut tape, mut grads, mut said) = (Tape::new(), Grads::like(params), Vec::new());
    for t in 0..case.steps {
        let pass = tape.pass(params);
        let (y, cuts) = traced.step(network, pass.input(&case.x(t)), &mut Mode::Eval);
        said = y.to_tensor().as_slice().to_vec();
        (y * pass.input(&case.dh(t, said.len()))).sum().backward(&mut grads);
        traced.learn(&cuts, params, &mut grads);
    }
    [flat(params, &mut grads), said]
}

/// The same by one pass over all steps.
fn in_one_pass(network: &Network, params: &Params<f64>, case: &Case) -> [Vec<f64>; 2] {
    let (mut tape, mut grads, mut said) = (Tape::new(), Grads::like(params), Vec::new());
    let pass = tape.pass(params);
    let (mut state, mut loss) = (network.enter(&pass, &network.zero_state(params)), pass.zeros([]));
    for t in 0..case.steps {
        let (y, next) = network.step(pass.input(&case.x(t)), state, &mut Mode::Eval);
        said = y.to_tensor().as_slice().to_vec();
        (loss, state) = (loss + (y * pass.input(&case.dh(t, said.len()))).sum(), next);
    }
    loss.backward(&mut grads);
    [flat(params, &mut grads), said]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Of what lies above the lowest recurrent layer, and of that layer, where nothing else carries.
    #[test]
    fn exact_rules_are_backpropagation_through_time(steps in 1..7_usize, seed: u64) {
        let case = Case { inputs: 2, hidden: 0, steps, seed };
        for (gradient, text) in &RULES[..7] {
            let (params, network) = network(text, &case);
            let mut traced = TracedNetwork::new(*gradient, &network, &params, seed)?;
            let [found, expected] = [learned(&mut traced, &network, &params, &case), in_one_pass(&network, &params, &case)];
            found.iter().zip(&expected).for_each(|(found, expected)| assert_near(found, expected));
        }
    }

    /// Of layers below, above, beside and between, by whatever rule.
    #[test]
    fn the_first_step_is_a_pass_that_was_never_cut(seed: u64) {
        let case = Case { inputs: 2, hidden: 0, steps: 1, seed };
        for (gradient, text) in RULES {
            let (params, network) = network(text, &case);
            let mut traced = TracedNetwork::new(gradient, &network, &params, seed)?;
            let [found, expected] = [learned(&mut traced, &network, &params, &case), in_one_pass(&network, &params, &case)];
            found.iter().zip(&expected).for_each(|(found, expected)| assert_near(found, expected));
        }
    }

    /// Whatever the rule, the outputs and the state are those of the network.
    #[test]
    fn what_is_said_does_not_depend_on_the_rule(steps in 1..6_usize, seed: u64) {
        let case = Case { inputs: 2, hidden: 0, steps, seed };
        for (gradient, text) in RULES {
            let (params, network) = network(text, &case);
            let mut traced = TracedNetwork::new(gradient, &network, &params, seed)?;
            let [_, said] = learned(&mut traced, &network, &params, &case);
            assert_near(&said, &in_one_pass(&network, &params, &case)[1]);

            let (mut left, mut tape) = (network.zero_state(&params), Tape::new());
            traced.leave(&mut left);
            let mut carried = network.zero_state(&params);
            for t in 0..steps {
                let pass = tape.pass(&params);
                let (_, next) = network.step(pass.input(&case.x(t)), network.enter(&pass, &carried), &mut Mode::Eval);
                network.leave(next, &mut carried);
            }
            left.parts.iter().zip(&carried.parts).for_each(|(l, c)| assert_near(l.as_slice(), c.as_slice()));
        }
    }
}

#[test]
fn a_saved_network_goes_on_and_another_is_told_apart() -> Result<(), Box<dyn std::error::Error>> {
    let case = Case { inputs: 2, hidden: 0, steps: 4, seed: 3 };
    for (gradient, text) in RULES {
        let (params, network) = network(text, &case);
        let mut traced = TracedNetwork::new(gradient, &network, &params, 1)?;
        learned(&mut traced, &network, &params, &case);
        let mut read: TracedNetwork<f64> = bincode::deserialize(&bincode::serialize(&traced)?)?;
        assert!(read.fits(&network, &params, 1), "{gradient} of {text}");
        assert_eq!(learned(&mut read, &network, &params, &case), learned(&mut traced, &network, &params, &case));
        assert_eq!(read, traced);
        let (params, other) = self::network("rnn:2 > lru:2", &case);
        assert!(!traced.fits(&other, &params, 1));
    }
    Ok(())
}

#[test]
fn traces_are_forgotten_and_the_state_is_not() -> Result<(), Box<dyn std::error::Error>> {
    let case = Case { inputs: 2, hidden: 0, steps: 4, seed: 3 };
    for (gradient, text) in RULES {
        let (params, network) = network(text, &case);
        let mut traced = TracedNetwork::new(gradient, &network, &params, 1)?;
        learned(&mut traced, &network, &params, &case);
        let [mut before, mut after] = [(); 2].map(|()| network.zero_state(&params));
        traced.leave(&mut before);
        traced.forget();
        traced.leave(&mut after);
        assert_eq!(after, before, "{gradient} of {text}");
        // One step from there is one step of the network.
        let (mut tape, mut grads, mut plain) = (Tape::new(), Grads::like(&params), Grads::like(&params));
        let pass = tape.pass(&params);
        let (y, cuts) = traced.step(&network, pass.input(&case.x(9)), &mut Mode::Eval);
        y.sum().backward(&mut grads);
        traced.learn(&cuts, &params, &mut grads);
        let (y, _) = network.step(pass.input(&case.x(9)), network.enter(&pass, &before), &mut Mode::Eval);
        y.sum().backward(&mut plain);
        assert_near(&flat(&params, &mut grads), &flat(&params, &mut plain));
        traced.reset();
        traced.leave(&mut after);
        assert_eq!(after, network.zero_state(&params));
    }
    Ok(())
}

#[test]
fn there_is_no_rule_for_everything() {
    let case = Case { inputs: 2, hidden: 0, steps: 1, seed: 3 };
    for (gradient, text) in [
        (GradientSpec::Snap1, "lru:2"),
        (GradientSpec::Snap1, "gru:2 > residual(layer_norm_lstm:2)"),
        (GradientSpec::KfRtrl, "gru:2"),
        (GradientSpec::Exact, "linear:2"),
        (GradientSpec::Rtrl, "lstm:2x2,dropout=0.1"),
        (GradientSpec::Tbptt, "lstm:2"),
    ] {
        let (params, network) = network(text, &case);
        assert!(TracedNetwork::new(gradient, &network, &params, 1).is_err(), "{gradient} of {text}");
    }
}

/// Before memory is asked for.
#[test]
fn an_influence_that_no_memory_holds_is_refused() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let network =
        Network::new(&mut params, "net", &"gru:1000".parse().expect("layers"), [1], &mut rng).expect("a network");
    let error = TracedNetwork::new(GradientSpec::Exact, &network, &params, 1).expect_err("it is too large").to_string();
    assert!(error.contains("an influence of at most 1073741824 numbers for exact"), "{error}");
    assert!(error.ends_with(r#"found "3009000000 in gru:1000""#), "{error}");
    assert!(TracedNetwork::new(GradientSpec::Snap1, &network, &params, 1).is_ok());
}
