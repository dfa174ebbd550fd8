//! Laws of every optimizer: growth, sparse gradients, groups, numbers that fade and numbers that storm.

use serde_json::Value;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Group, Groups, Linear, Step};
use thalweg_tensor::{Rng, Tensor};

use super::{Lawful, random_gradient, two_parameters, with};
use crate::support::bits;

/// Old elements go where they would have gone, new ones as under an optimizer that is new.
#[test]
fn growing_changes_no_old_path() {
    fn law(mut optimizer: impl Lawful) {
        let (mut params, mut rng, fresh) = (Params::<f32>::new(), Rng::new(1), optimizer.clone());
        let mut new =
            |name: &str, blocks, dims: [usize; 2]| params.add_stacked(name, blocks, dims, |_| rng.normal() as f32);
        let handles = [new("table", 1, [4, 3]), new("gates", 2, [4, 2])];
        let mut grads = Grads::like(&params);
        for step in 0..7 {
            let mut tape = Tape::new();
            let cotangent: Vec<f32> = (0..3).map(|_| rng.normal() as f32).collect();
            tape.pass(&params).param(handles[0]).row(step % 4).backward_from(&cotangent, &mut grads);
            grads.of_mut(handles[1]).iter_mut().for_each(|g| *g = rng.normal() as f32);
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
        }

        let (mut twin_params, mut twin, mut twin_grads) = (params.clone(), optimizer.clone(), Grads::like(&params));
        let mut origins = params.clone(); // where each element was, or −1
        for param in handles {
            origins.of_mut(param).iter_mut().enumerate().for_each(|(i, at)| *at = i as f32);
        }
        for (param, axis, by) in [(handles[0], 1, 2), (handles[0], 0, 3), (handles[1], 0, 1)] {
            params.grow(param, axis, by, |i| i as f32);
            origins.grow(param, axis, by, |_| -1.0);
        }
        let (mut fresh_params, mut fresh) = (params.clone(), fresh);
        for _ in 0..5 {
            grads.align(params.layout());
            for param in handles {
                for (g, &origin) in grads.of_mut(param).iter_mut().zip(origins.of(param)) {
                    *g = rng.normal() as f32;
                    if origin >= 0.0 {
                        twin_grads.of_mut(param)[origin as usize] = *g;
                    }
                }
            }
            assert_eq!(fresh.step(&mut fresh_params, &mut grads.clone()), Step::Taken);
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
            assert_eq!(twin.step(&mut twin_params, &mut twin_grads), Step::Taken);
            for param in handles {
                for (i, (x, &origin)) in params.of(param).iter().zip(origins.of(param)).enumerate() {
                    let expected =
                        if origin < 0.0 { fresh_params.of(param)[i] } else { twin_params.of(param)[origin as usize] };
                    assert_eq!(x.to_bits(), expected.to_bits(), "{param:?} [{i}], before it grew [{origin}]");
                }
            }
        }
    }
    super::for_every_optimizer!(law);
}

/// A row does not know whether the others were touched.
#[test]
fn a_sparse_step_is_a_dense_one_on_the_touched_rows() {
    fn law(mut optimizer: impl Lawful) {
        let (mut params, handles, mut grads) = two_parameters();
        let mut rng = Rng::new(2);
        for _ in 0..20 {
            random_gradient(&params, handles, &mut grads, &mut rng);
            let (mut dense_params, mut dense_optimizer, mut dense) = (params.clone(), optimizer.clone(), grads.clone());
            dense.of_mut(handles[1]); // all of it counts as touched now, zeros as it is
            let touched: Vec<usize> =
                grads.of(handles[1]).iter().enumerate().filter(|(_, g)| **g != 0.0).map(|(i, _)| i).collect();
            assert!((3..=6).contains(&touched.len()));
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
            assert_eq!(dense_optimizer.step(&mut dense_params, &mut dense), Step::Taken);
            assert_eq!(bits(params.of(handles[0])), bits(dense_params.of(handles[0])));
            for i in touched {
                assert_eq!(params.of(handles[1])[i].to_bits(), dense_params.of(handles[1])[i].to_bits(), "[{i}]");
            }
        }
    }
    super::for_every_optimizer!(law);
}

/// θ after some examples, one by one: the gradients of the matrices are outer products.
fn learned(optimizer: &mut impl Lawful, examples: usize) -> Params {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(3));
    let [body, head] =
        [("body", 6, 9), ("head", 9, 2)].map(|(name, i, o)| Linear::new(&mut params, name, i, o, &mut rng));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    for class in 0..examples {
        let x = Tensor::uniform([6], -1.0, 1.0, &mut rng);
        let pass = tape.pass(&params);
        head.forward(body.forward(pass.input(&x)).tanh()).cross_entropy(&[class % 2]).backward(&mut grads);
        assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
    }
    params
}

#[track_caller]
fn assert_same_path(mut one: impl Lawful, mut other: impl Lawful) {
    assert_eq!(bits(learned(&mut one, 12).as_slice()), bits(learned(&mut other, 12).as_slice()));
}

#[test]
fn groups_are_settings_of_their_parameters() {
    fn law<O: Lawful>(optimizer: O) {
        let rate = optimizer.learning_rate();
        let grouped = |groups: Groups| with(optimizer.clone(), |o| o.set_groups(groups));
        let ones = Groups::from([Group::of("head.*"), Group::of("*.bias").rate(1.0), Group::vectors()]);
        assert_same_path(grouped(ones), optimizer.clone());
        let halved = with(optimizer.clone(), |o| o.set_learning_rate(0.5 * rate));
        assert_same_path(grouped(Group::of("*").rate(0.5).into()), halved.clone());
        let decaying = with(optimizer.clone(), |o| o.set_weight_decay(0.3));
        assert_same_path(grouped(Group::of("*").weight_decay(0.3).into()), decaying.clone());
        let halved_without_decay = with(halved, |o| o.set_weight_decay(0.0));
        let group = Group::of("*").weight_decay(0.0).rate(0.5);
        assert_same_path(with(decaying, |o| o.set_groups(group.into())), halved_without_decay);

        // A group's settings are its own: after one step the head is where half the rate leads, and the body where the whole.
        let some = grouped(Group::of("head.*").rate(0.5).weight_decay(0.2).into());
        let all = with(optimizer.clone(), |o| (o.set_learning_rate(0.5 * rate), o.set_weight_decay(0.2)).0);
        let [some_step, all_step, plain_step] = [some.clone(), all, optimizer].map(|mut o| learned(&mut o, 1));
        for (param, entry) in some_step.layout().iter() {
            let expected = if entry.name().starts_with("head") { &all_step } else { &plain_step };
            assert_eq!(bits(some_step.of(param)), bits(expected.of(param)), "{}", entry.name());
        }
        assert_same_path(super::reload(&some), some);
    }
    super::for_every_optimizer!(law);
}

#[test]
fn frozen_groups_keep_their_bits_and_find_what_comes_later() {
    fn law(mut optimizer: impl Lawful) {
        let ((mut params, [vector, table], mut grads), fresh) = (two_parameters(), optimizer.clone());
        optimizer.set_groups(Groups::from([Group::of("t*le").frozen(), Group::of("*.later").frozen()]));
        for step in 0..6 {
            if step == 2 {
                params.grow(table, 0, 2, |_| 0.25);
                params.add("head.later", [3], |_| 1.0);
                grads.align(params.layout());
            }
            let before = params.clone();
            for (param, _) in params.layout().iter() {
                grads.of_mut(param).fill(if param == vector { 0.7 } else { f32::NAN }); // which nobody looks at
            }
            assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
            for (param, entry) in params.layout().iter() {
                let moved = bits(params.of(param)) != bits(before.of(param));
                assert_eq!(moved, param == vector, "{} in step {step}", entry.name());
            }
            assert!(grads.as_slice().iter().all(|&g| g == 0.0));
        }
        // What was frozen is as young as ever.
        let later = params.find("head.later").expect("it was added");
        optimizer.set_groups(Groups::default());
        let (mut fresh_params, mut fresh) = (params.clone(), fresh);
        grads.of_mut(table).fill(0.3);
        grads.of_mut(later).fill(0.3);
        fresh.step(&mut fresh_params, &mut grads.clone());
        optimizer.step(&mut params, &mut grads);
        assert_eq!(bits(params.as_slice()), bits(fresh_params.as_slice()));
        assert!(params.of(table).iter().all(|x| *x != 0.25));
    }
    super::for_every_optimizer!(law);
}

/// Whether any number in there is denormal.
fn has_denormals(value: &Value) -> bool {
    match value {
        Value::Number(x) => x.as_f64().is_some_and(|x| (x as f32).is_subnormal() || (x != 0.0 && x as f32 == 0.0)),
        Value::Array(values) => values.iter().any(has_denormals),
        Value::Object(fields) => fields.values().any(has_denormals),
        _ => false,
    }
}

/// One gradient, then silence: what fades reaches zero, and is never denormal.
#[test]
fn nothing_that_is_remembered_is_denormal() {
    fn law(mut optimizer: impl Lawful) {
        optimizer.set_weight_decay(0.0);
        let mut params = Params::<f32>::new();
        let w = params.add("w", [4], |_| 0.0);
        let mut grads = Grads::like(&params);
        grads.of_mut(w).copy_from_slice(&[1.0, -1e-3, 30.0, 1e-18]);
        for step in 0..2_000 {
            optimizer.step(&mut params, &mut grads);
            if step % 10 == 0 {
                let state = serde_json::to_value(&optimizer).expect("it is plain data");
                assert!(!has_denormals(&state), "step {step}: {state}");
            }
            grads.of_mut(w).fill(0.0);
        }
    }
    super::for_every_optimizer!(law);
    assert!(has_denormals(&serde_json::json!({"a": [1.0, 0.0], "b": {"c": 1e-39}})), "the test sees them");
}

/// Gradients of any finite size, from the smallest to the largest.
#[test]
fn theta_stays_finite_in_a_storm() {
    fn law(mut optimizer: impl Lawful) {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [4], |i| i as f32 - 1.5);
        let (mut grads, mut taken) = (Grads::like(&params), 0);
        for step in 0..2000 {
            let size = [1.0, 1e10, 0.0, 1e-30, 4e14, 3e38, f32::MIN_POSITIVE][step % 7];
            grads.of_mut(w).iter_mut().zip([-1.0, 1.0, -0.5, 0.0]).for_each(|(g, sign)| *g = size * sign);
            let before = params.clone();
            match optimizer.step(&mut params, &mut grads) {
                Step::Taken => taken += 1,
                Step::Refused => assert_eq!(params, before, "a refused step changes nothing"),
            }
            assert!(params.is_finite(), "θ is {:?} after step {step}", params.of(w));
        }
        assert_eq!(taken, (0..2000).filter(|step| step % 7 != 5).count(), "all but the largest");
    }
    super::for_every_optimizer!(law);
}
