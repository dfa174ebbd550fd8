//! Laws of every rule: refusal, growth, sparse gradients, groups, numbers that fade and numbers that storm.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thalweg_autograd::{Grads, Param, Params, Tape};
use thalweg_nn::{Group, Groups, Linear, Optimizer, Step};
use thalweg_tensor::{Rng, Tensor};

use super::{AnyOptimizer, Autostep, Cocob, Ftrl, Hypergradient, Idbd, ObGd, OptimizerSpec, ScheduleFree, Vw};

pub(super) trait Lawful: Optimizer<f32> + Clone + Serialize + DeserializeOwned + Send + Sync {}
impl<O: Optimizer<f32> + Clone + Serialize + DeserializeOwned + Send + Sync> Lawful for O {}

/// Checks a law for every rule: `$law(fresh rule)`.
macro_rules! for_every_rule {
    ($($law:tt)*) => {{
        ($($law)*)(Hypergradient::new(0.05, 0.001));
        ($($law)*)(with(ObGd::new(0.3), |obgd| obgd.trace = 0.5));
        for_every_plain_rule!($($law)*);
    }};
}

/// But for two: an additive meta rate has a unit, and a trace moves rows that are not touched where all count as touched.
macro_rules! for_every_plain_rule {
    ($($law:tt)*) => {{
        ($($law)*)(ObGd::new(1.0));
        ($($law)*)(ObGd::adaptive(0.3));
        ($($law)*)(Idbd::new(0.05, 0.01));
        ($($law)*)(Autostep::new(0.5));
        ($($law)*)(with(Autostep::new(0.5), |autostep| autostep.lasting = true));
        ($($law)*)(Vw::new(0.5));
        ($($law)*)(with(Vw::new(0.5), |vw| (vw.adaptive, vw.rescales) = (false, false)));
        ($($law)*)(Ftrl::new(0.05));
        ($($law)*)(with(Ftrl::new(0.5), |ftrl| (ftrl.l1, ftrl.l2) = (1e-3, 0.0)));
        ($($law)*)(Hypergradient::multiplicative(0.05, 0.01));
        ($($law)*)(ScheduleFree::sgd(0.05));
        ($($law)*)(with(ScheduleFree::adamw(0.05), |rule| rule.forgetting = 0.0));
        ($($law)*)(Cocob::new());
        ($($law)*)(bound("sgd:0.05,bound=0.5"));
        ($($law)*)(bound("autostep:0.5,bound=0.1"));
    }};
}

fn bound(text: &str) -> AnyOptimizer<f32> {
    text.parse::<OptimizerSpec>().expect("it can be bound").build()
}

fn with<O: Optimizer<f32>>(mut rule: O, change: impl FnOnce(&mut O)) -> O {
    change(&mut rule);
    rule
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}

/// Everything that a rule is, as text: equal texts are equal bits.
fn whole(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it is plain data")
}

/// A vector, a table and their gradients.
fn two_parameters() -> (Params, [Param; 2], Grads) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let mut add = |name: &str, dims: &[usize]| params.add(name, dims, |_| rng.normal() as f32);
    let handles = [add("vector", &[5]), add("table", &[20, 3])];
    let grads = Grads::like(&params);
    (params, handles, grads)
}

/// A random gradient: all of the vector, and two rows of the table.
fn random_gradient(params: &Params, [vector, table]: [Param; 2], grads: &mut Grads, rng: &mut Rng) {
    let mut tape = Tape::new();
    let pass = tape.pass(params);
    let rows = [rng.below(20), rng.below(20)];
    let cotangent: Vec<f32> = (0..6).map(|_| rng.normal() as f32).collect();
    pass.param(table).rows(&rows).backward_from(&cotangent, grads);
    grads.of_mut(vector).iter_mut().for_each(|g| *g = rng.normal() as f32);
}

#[test]
fn a_gradient_that_is_not_finite_changes_nothing() {
    fn law(mut rule: impl Lawful) {
        let ((mut params, handles, mut grads), mut rng) = (two_parameters(), Rng::new(2));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for spoiled in 0..5 {
                let (before, state) = (params.clone(), whole(&rule));
                random_gradient(&params, handles, &mut grads, &mut rng);
                grads.of_mut(handles[0])[spoiled] = bad;
                assert_eq!(rule.step(&mut params, &mut grads), Step::Refused);
                assert_eq!(bits(params.as_slice()), bits(before.as_slice()), "θ moved");
                assert_eq!(whole(&rule), state, "the rule changed");
                assert!(grads.as_slice().iter().all(|&g| g == 0.0), "the gradient is used up");
                random_gradient(&params, handles, &mut grads, &mut rng);
                assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
                assert_ne!(bits(params.as_slice()), bits(before.as_slice()), "a good step moves θ");
                assert!(grads.as_slice().iter().all(|&g| g == 0.0), "the gradient is used up");
            }
        }
    }
    for_every_rule!(law);
}

/// What is new has no gradient yet: the old goes where it would have gone, and the new stays.
#[test]
fn growing_changes_no_old_path() {
    fn law(mut rule: impl Lawful) {
        let ((mut params, handles, mut grads), mut rng) = (two_parameters(), Rng::new(3));
        for _ in 0..7 {
            random_gradient(&params, handles, &mut grads, &mut rng);
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
        }
        let (mut twin_params, mut twin, mut twin_grads) = (params.clone(), rule.clone(), Grads::like(&params));
        let mut origins = params.clone(); // where each element was, or −1
        for param in handles {
            origins.of_mut(param).iter_mut().enumerate().for_each(|(i, at)| *at = i as f32);
        }
        for (param, axis, by) in [(handles[1], 1, 2), (handles[1], 0, 3), (handles[0], 0, 1)] {
            params.grow(param, axis, by, |i| i as f32);
            origins.grow(param, axis, by, |_| -1.0);
        }
        let grown = params.clone();
        for _ in 0..5 {
            grads.align(params.layout());
            for param in handles {
                for (g, &origin) in grads.of_mut(param).iter_mut().zip(origins.of(param)) {
                    if origin >= 0.0 {
                        *g = rng.normal() as f32;
                        twin_grads.of_mut(param)[origin as usize] = *g;
                    }
                }
            }
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
            assert_eq!(twin.step(&mut twin_params, &mut twin_grads), Step::Taken);
            for param in handles {
                for (i, (x, &origin)) in params.of(param).iter().zip(origins.of(param)).enumerate() {
                    if origin < 0.0 {
                        let was = grown.of(param)[i];
                        assert!((x - was).abs() <= 1e-6 * was.abs(), "what has no gradient stays: {x} {was}");
                    } else {
                        // Sums over θ are added in another order.
                        let expected = twin_params.of(param)[origin as usize];
                        assert!(
                            (x - expected).abs() <= 1e-5 * expected.abs().max(1.0),
                            "{param:?} [{i}]: {x} {expected}"
                        );
                    }
                }
            }
        }
    }
    for_every_rule!(law);
}

#[test]
fn only_what_is_touched_moves_and_it_moves_as_densely() {
    fn law(mut rule: impl Lawful) {
        let ((mut params, handles, mut grads), mut rng) = (two_parameters(), Rng::new(4));
        for _ in 0..20 {
            random_gradient(&params, handles, &mut grads, &mut rng);
            let (before, table) = (params.clone(), grads.of(handles[1]).to_vec());
            let (mut dense_params, mut dense_rule, mut dense) = (params.clone(), rule.clone(), grads.clone());
            dense.of_mut(handles[1]); // all of it counts as touched now
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
            assert_eq!(dense_rule.step(&mut dense_params, &mut dense), Step::Taken);
            for (i, g) in table.iter().enumerate() {
                let [x, was, densely] = [&params, &before, &dense_params].map(|theta| theta.of(handles[1])[i]);
                if *g == 0.0 {
                    assert_eq!(x.to_bits(), was.to_bits(), "[{i}]");
                } else {
                    assert!((x - densely).abs() <= 1e-5 * x.abs().max(1.0), "[{i}]: {x} {densely}");
                }
            }
        }
    }
    for_every_plain_rule!(law);
}

/// θ after some examples, one by one: the gradients of the matrices are outer products.
fn learned(rule: &mut impl Lawful, examples: usize) -> Params {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(3));
    let [body, head] =
        [("body", 6, 9), ("head", 9, 2)].map(|(name, i, o)| Linear::new(&mut params, name, i, o, &mut rng));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    for class in 0..examples {
        let x = Tensor::uniform([6], -1.0, 1.0, &mut rng);
        let pass = tape.pass(&params);
        head.forward(body.forward(pass.input(&x)).tanh()).cross_entropy(&[class % 2]).backward(&mut grads);
        assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
    }
    params
}

#[test]
fn groups_are_settings_of_their_parameters() {
    fn law(rule: impl Lawful) {
        let rate = rule.learning_rate();
        let path = |rule: &_| bits(learned(&mut Clone::clone(rule), 12).as_slice());
        let grouped = |groups: Groups| with(rule.clone(), |rule| *rule.groups_mut() = groups);
        let ones = Groups::from([Group::of("head.*"), Group::of("*.bias").rate(1.0), Group::vectors()]);
        assert_eq!(path(&grouped(ones)), path(&rule));
        let halved = with(rule.clone(), |rule| rule.set_learning_rate(0.5 * rate));
        assert_eq!(path(&grouped(Group::of("*").rate(0.5).into())), path(&halved));
        let some = grouped(Group::of("head.*").rate(0.5).into());
        assert_ne!(path(&some), path(&halved));
        assert_eq!(path(&serde_json::from_str(&whole(&some)).expect("it can be read")), path(&some));
    }
    for_every_plain_rule!(law);
}

#[test]
fn frozen_groups_keep_their_bits() {
    fn law(mut rule: impl Lawful) {
        let (mut params, [vector, table], mut grads) = two_parameters();
        *rule.groups_mut() = Group::of("t*le").frozen().into();
        for _ in 0..4 {
            let before = params.clone();
            grads.of_mut(vector).fill(0.7);
            grads.of_mut(table).fill(f32::NAN); // which nobody looks at
            assert_eq!(rule.step(&mut params, &mut grads), Step::Taken);
            assert_ne!(bits(params.of(vector)), bits(before.of(vector)));
            assert_eq!(bits(params.of(table)), bits(before.of(table)));
            assert!(grads.as_slice().iter().all(|&g| g == 0.0));
        }
    }
    for_every_rule!(law);
}

/// Stopped and read again between any two steps, a rule goes on as if it had not been.
#[test]
fn a_rule_that_is_read_again_goes_on_to_the_bit() {
    fn law(mut rule: impl Lawful) {
        let ((mut params, handles, mut grads), mut rng) = (two_parameters(), Rng::new(5));
        let (mut twin, mut twin_params, mut twin_grads) = (rule.clone(), params.clone(), grads.clone());
        for _ in 0..9 {
            let seed = rng.fork();
            random_gradient(&params, handles, &mut grads, &mut seed.clone());
            random_gradient(&twin_params, handles, &mut twin_grads, &mut seed.clone());
            rule.step(&mut params, &mut grads);
            twin.step(&mut twin_params, &mut twin_grads);
            twin = bincode::deserialize(&bincode::serialize(&twin).expect("it can be written")).expect("and read");
            assert_eq!(bits(params.as_slice()), bits(twin_params.as_slice()));
        }
    }
    for_every_rule!(law);
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

/// One gradient, then silence, then a whisper: what fades reaches zero, and is never denormal.
#[test]
fn nothing_that_is_remembered_is_denormal() {
    fn law(mut rule: impl Lawful) {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [4], |_| 0.0);
        let mut grads = Grads::like(&params);
        grads.of_mut(w).copy_from_slice(&[1.0, -1e-3, 30.0, 1e-18]);
        for step in 0..2_000 {
            rule.step(&mut params, &mut grads);
            if step % 10 == 0 {
                let state = serde_json::to_value(&rule).expect("it is plain data");
                assert!(!has_denormals(&state), "step {step}: {state}");
            }
            grads.of_mut(w).fill(if step < 1_000 { 0.0 } else { 2.0 * f32::MIN_POSITIVE });
        }
    }
    for_every_rule!(law);
}

/// Gradients of any finite size, from the smallest to the largest.
#[test]
fn theta_stays_finite_in_a_storm() {
    fn law(mut rule: impl Lawful) {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [4], |i| i as f32 - 1.5);
        let (mut grads, mut taken) = (Grads::like(&params), 0);
        for step in 0..2000 {
            let size = [1.0, 1e10, 0.0, 1e-30, 4e14, 3e38, f32::MIN_POSITIVE][step % 7];
            grads.of_mut(w).iter_mut().zip([-1.0, 1.0, -0.5, 0.0]).for_each(|(g, sign)| *g = size * sign);
            let before = params.clone();
            match rule.step(&mut params, &mut grads) {
                Step::Taken => taken += 1,
                Step::Refused => assert_eq!(params, before, "a refused step changes nothing"),
            }
            assert!(params.is_finite(), "θ is {:?} after step {step}", params.of(w));
            assert!(rule.vectors().iter().all(|vector| vector.is_finite()), "state after step {step}");
        }
        assert_eq!(taken, (0..2000).filter(|step| step % 7 != 5).count(), "all but the largest");
    }
    for_every_rule!(law);
}

#[test]
#[should_panic(expected = "optim: learning_rate: a finite number of at least 0 expected, found NaN")]
fn a_setting_out_of_bounds_is_a_panic() {
    let (mut params, _, mut grads) = two_parameters();
    Autostep::new(f64::NAN).step(&mut params, &mut grads);
}

/// What is forgotten has no past: its numbers are zero, and those of a rule that goes by each element alone step as at first.
#[test]
fn what_is_forgotten_begins_anew() {
    fn law(rule: impl Lawful, alone: bool) {
        let (params, [_, table], mut grads) = two_parameters();
        let stepped = |rule: &mut dyn Optimizer<f32>, grads: &mut Grads| {
            let (mut params, mut rng) = (params.clone(), Rng::new(3));
            grads.of_mut(table).iter_mut().for_each(|g| *g = rng.normal() as f32);
            assert_eq!(rule.step(&mut params, grads), Step::Taken);
            params.of(table).to_vec()
        };
        let (mut forgets, mut fresh) = (rule.clone(), rule);
        for _ in 0..5 {
            stepped(&mut forgets, &mut grads);
        }
        let before: Vec<Vec<f32>> = forgets.vectors().iter().map(|vector| vector.as_slice().to_vec()).collect();
        assert!(before.iter().flatten().any(|&x| x != 0.0), "there is something to forget");
        forgets.forget(table, 0, 7);
        forgets.forget(table, 1, 2);
        let is_forgotten = |at: usize| at / 3 == 7 || at % 3 == 2;
        for (vector, before) in
            forgets.vectors().into_iter().zip(before).filter(|(vector, _)| !vector.layout().is_empty())
        {
            let start = vector.layout().entry(table).range().start;
            for (at, x) in vector.of(table).iter().enumerate() {
                let expected = if is_forgotten(at) { 0.0 } else { before[start + at] };
                assert_eq!(x.to_bits(), f32::to_bits(expected), "element {at}");
            }
        }
        let [found, first] = [&mut forgets, &mut fresh].map(|rule| stepped(rule, &mut grads));
        for at in (0..60).filter(|&at| alone && is_forgotten(at)) {
            assert_eq!(found[at].to_bits(), first[at].to_bits(), "element {at}");
        }
    }
    law(with(ObGd::new(0.3), |obgd| obgd.trace = 0.5), false);
    law(ObGd::adaptive(0.3), false);
    law(Autostep::new(0.05), false);
    law(Vw::new(0.5), false);
    law(Hypergradient::multiplicative(0.05, 0.01), false);
    law(Idbd::new(0.05, 0.01), true);
    law(Ftrl::new(0.05), true);
    law(ScheduleFree::sgd(0.05), true);
    law(ScheduleFree::adamw(0.05), true);
    law(Cocob::new(), true);
}
