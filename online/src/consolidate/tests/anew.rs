//! What came later, what begins anew, and contexts without end.

use super::{Learner, METHODS};

/// L2 to the start pins θ where each element began, those that came later, too, without a boundary.
#[test]
fn an_infinite_strength_pins_what_came_later_to_where_it_began() {
    let mut learner = Learner::new("l2:1e12", "sgd:0.03");
    learner.learn(0, 0..20);
    learner.network.hidden.grow_inputs(&mut learner.params, 1);
    learner.network.head.grow_outputs(&mut learner.params, 1);
    learner.inputs += 1;
    let begun = learner.params.as_slice().to_vec();
    learner.learn(2, 0..50);
    let moved = begun.iter().zip(learner.params.as_slice()).map(|(a, b)| (a - b).abs());
    assert!(moved.fold(0.0, f32::max) < 1e-6);
}

/// The memory that is taken does not depend on how many contexts there were.
#[test]
fn contexts_without_end_take_no_more_memory() {
    for spec in METHODS {
        let mut learner = Learner::new(spec, "sgd:0.03");
        let mut bytes = Vec::new();
        for context in 0..20 {
            learner.learn(context % 2, 0..20);
            learner.end(context % 2);
            bytes.push(learner.held.bytes());
        }
        assert_eq!(bytes[1], bytes[19], "{spec}");
    }
}

/// What begins anew is not pulled back to where it was.
#[test]
fn what_begins_anew_is_free_of_what_held_it() {
    for spec in ["ewc:1e9", "si:1e9", "mas:1e9"] {
        let mut learner = Learner::new(spec, "sgd:0.03");
        learner.learn(0, 0..50);
        learner.end(0);
        let Learner { params, network, held, .. } = &mut learner;
        params.of_mut(network.head.weight).fill(0.5);
        held.begin_anew(params, network.head.weight);
        let [begun, rest] = [network.head.weight, network.hidden.weight].map(|param| params.of(param).to_vec());
        learner.learn(1, 0..50);
        let moved = |param, begun: &[f32]| {
            begun.iter().zip(learner.params.of(param)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(moved(learner.network.head.weight, &begun) > 1e-2, "{spec}");
        assert!(moved(learner.network.hidden.weight, &rest) < 1e-2, "{spec}: the rest is held");
    }
}
