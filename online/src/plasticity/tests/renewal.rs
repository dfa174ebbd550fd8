//! Units that begin anew: which, as what, and what is left of them.

use super::super::units::renew;
use super::*;

/// The mean of what a unit says, and what the outputs are there: exactly as before.
#[test]
fn what_the_outputs_are_at_the_mean_of_a_unit_stays() {
    for unit in 0..6 {
        let mut learner = Learner::new("sgd", "none");
        let x = [0.3, -0.8, 1.1];
        let before = learner.says(&x);
        let mut tape = Tape::new();
        let h = Learner::run(&learner.hidden, tape.pass(&learner.params).input(&x))[0].to_tensor().as_slice()[unit];
        let Learner { params, hidden, optimizer, .. } = &mut learner;
        let forget: Forget<'_> = &mut |_, param, axis, index| optimizer.forget(param, axis, index);
        renew(params, forget, hidden, unit, h, 1.0, &mut Rng::new(1));
        let after = learner.says(&x);
        let apart = before.iter().zip(&after).map(|(before, after)| (before - after).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-6, "{before:?} {after:?}");
        let [into, from] = [learner.hidden.incoming, learner.hidden.outgoing];
        assert!((0..2).all(|output| learner.params.of(from.weight)[output * 6 + unit] == 0.0));
        assert_eq!(learner.params.of(into.bias.expect("it has one"))[unit], 0.0);
        assert!(learner.params.of(into.weight)[unit * 3..][..3].iter().all(|w| w.abs() <= 1.0 && *w != 0.0));
    }
}

/// The means of continual backprop are those of the definition: with η = 0, of the last step.
#[test]
fn a_mature_unit_that_is_replaced_leaves_its_mean_behind() {
    let mut learner = Learner::new("sgd:0", "cbp:rate=0.17,maturity=0,decay=0");
    let mut tape = Tape::new();
    let (x, mut before) = ([0.3, -0.8, 1.1], Vec::new());
    for _ in 0..5 {
        assert_eq!(learner.plasticity.replaced(), 0, "0.17 of six: 1.02 units a step");
        let pass = tape.pass(&learner.params);
        let [h, y] = Learner::run(&learner.hidden, pass.input(&x));
        learner.plasticity.see(0, h);
        before = y.to_tensor().as_slice().to_vec();
        learner
            .plasticity
            .after_step(&mut learner.params, &mut |_, param, axis, index| learner.optimizer.forget(param, axis, index));
        if learner.plasticity.replaced() > 0 {
            break;
        }
    }
    assert_eq!(learner.plasticity.replaced(), 1);
    let after = learner.says(&x);
    assert!(before.iter().zip(&after).all(|(before, after)| (before - after).abs() < 1e-6), "{before:?} {after:?}");
}

#[test]
fn the_least_useful_unit_is_replaced_and_no_other() {
    for rule in ["cbp:rate=0.001,maturity=20", "cbp:rate=0.001,maturity=20,adaptable=true", "redo:every=167"] {
        let mut learner = Learner::new("sgd:0", rule);
        for output in 0..2 {
            learner.params.of_mut(learner.hidden.outgoing.weight)[output * 6 + 4] = 1e-4; // hardly heard
        }
        let incoming = learner.hidden.incoming;
        learner.params.of_mut(incoming.weight)[4 * 3..][..3].fill(1e-3); // and says little
        learner.params.of_mut(incoming.bias.expect("it has one"))[4] = 0.0;
        let before = learner.params.of(incoming.weight).to_vec();
        learner.learn(195);
        assert_eq!(learner.plasticity.replaced(), 1, "{rule}");
        let after = learner.params.of(incoming.weight);
        for unit in 0..6 {
            assert_eq!(before[unit * 3..][..3] != after[unit * 3..][..3], unit == 4, "{rule}, unit {unit}");
        }
    }
}

/// Nor that of any other unit, though rule and network are of one seed.
#[test]
fn a_unit_that_begins_anew_is_no_copy() {
    for rule in ["cbp:rate=0.1,maturity=1", "redo:threshold=1,every=2"] {
        let (mut params, mut rng) = (Params::new(), Rng::new(5));
        let incoming = Linear::new(&mut params, "hidden", 3, 6, &mut rng);
        let outgoing = Linear::new(&mut params, "head", 6, 2, &mut rng);
        let hidden = Hidden { place: 0, incoming, outgoing };
        let mut learner = Learner { params, hidden, ..Learner::new("sgd:0", rule) };
        learner.plasticity = Plasticity::new(spec(rule), &[hidden], 5).expect("a rule");
        let before = learner.params.clone();
        while learner.plasticity.replaced() == 0 {
            learner.learn(1);
        }
        let old = |weight: &&f32| before.as_slice().contains(weight);
        let kept = learner.params.of(incoming.weight).iter().filter(old).count();
        let replaced = learner.plasticity.replaced() as usize;
        assert_eq!(kept, 18 - 3 * replaced, "{rule}: {replaced} of six units are new, and {kept} of 18 weights old");
    }
}

#[test]
fn an_optimizer_remembers_nothing_of_a_unit_that_begins_anew() {
    let mut learner = Learner::new("adam:0.01", "none");
    learner.learn(30);
    let moments = |learner: &Learner, place: usize| -> Vec<f32> {
        let moments = learner.optimizer.as_adam().map(Adam::moments).expect("it is Adam");
        let Hidden { incoming, outgoing, .. } = learner.hidden;
        let of = |moment: &thalweg_autograd::Flat| {
            let row = moment.of(incoming.weight)[place * 3..][..3].to_vec();
            let column = [place, 6 + place].map(|i| moment.of(outgoing.weight)[i]).to_vec();
            [row, column, vec![moment.of(incoming.bias.expect("it has one"))[place]]].concat()
        };
        moments.map(of).concat()
    };
    assert!(moments(&learner, 2).iter().all(|&m| m != 0.0));
    let other = moments(&learner, 3);
    let Learner { params, hidden, optimizer, .. } = &mut learner;
    let forget: Forget<'_> = &mut |_, param, axis, index| optimizer.forget(param, axis, index);
    renew(params, forget, hidden, 2, 0.1, 1.0, &mut Rng::new(1));
    assert!(moments(&learner, 2).iter().all(|&m| m == 0.0));
    assert_eq!(moments(&learner, 3), other);
    // The first step of what is new is as long as Adam's first: its ages are 0, too.
    let from = learner.hidden.outgoing.weight;
    learner.learn(1);
    let step = learner.params.of(from)[2].abs();
    assert!((step - 0.01).abs() < 1e-4, "{step}");
}
