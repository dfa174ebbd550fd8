//! All methods on one small network, which learns one thing after the other.

mod anew;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Params, Tape, Var};
use thalweg_nn::{AnyOptimizer, Linear, Optimizer, OptimizerSpec, Rng, Step};
use thalweg_tensor::View;

use super::{Consolidation, ConsolidationSpec};
use crate::learn::Task;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Network {
    hidden: Linear,
    head: Linear,
}

impl Network {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.head.forward(self.hidden.forward(x).tanh())
    }
}

/// A learner as others are made: what is in a checkpoint, and nothing else.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Learner {
    params: Params,
    network: Network,
    optimizer: AnyOptimizer,
    held: Consolidation<Network>,
    inputs: usize,
}

impl Learner {
    fn new(spec: &str, optimizer: &str) -> Self {
        let (mut params, mut rng) = (Params::new(), Rng::new(3));
        let hidden = Linear::new(&mut params, "hidden", 3, 8, &mut rng);
        let head = Linear::new(&mut params, "head", 8, 2, &mut rng);
        let optimizer: OptimizerSpec = optimizer.parse().expect("there is such an optimizer");
        let spec = spec.parse().expect("there is such a method");
        let (network, optimizer) = (Network { hidden, head }, optimizer.build());
        Learner { params, network, optimizer, held: Consolidation::new(spec, 7), inputs: 3 }
    }

    /// One row of a context: whether the sum of two columns is above 0. The context says which two.
    fn row(&self, context: usize, k: usize) -> (Vec<f32>, usize) {
        let mut rng = Rng::new((context * 10_000 + k) as u64);
        let x: Vec<f32> = (0..self.inputs).map(|_| rng.normal() as f32).collect();
        let class = usize::from(x[context] + x[context + 1] > 0.0);
        (x, class)
    }

    fn learn(&mut self, context: usize, rows: std::ops::Range<usize>) {
        let (mut tape, mut grads) = (Tape::new(), Grads::default());
        for k in rows {
            let (x, class) = self.row(context, k);
            let pass = tape.pass(&self.params);
            let output = self.network.forward(pass.input(&x));
            let mut loss = output.cross_entropy(&[class]);
            let distilled = self.held.distil(Task::Classify, output, View::from(&x), Network::forward);
            if let Some(more) = distilled {
                loss = loss + more;
            }
            loss.backward(&mut grads);
            self.held.before_step(&self.params, &mut grads);
            if self.optimizer.step(&mut self.params, &mut grads) == Step::Taken {
                self.held.after_step(&mut self.params, self.optimizer.learning_rate());
            }
            if self.held.row() {
                self.end(context);
            }
        }
    }

    /// The context ends.
    fn end(&mut self, context: usize) -> bool {
        let mut tape = Tape::new();
        for k in 0..self.held.rows_to_look_at().min(50) {
            let (x, class) = self.row(context, k);
            let pass = tape.pass(&self.params);
            let output = self.network.forward(pass.input(&x));
            let mut answer = vec![0.0; output.shape().len()];
            answer[class] = 1.0;
            self.held.look(Task::Classify, output, &answer, 1.0);
        }
        self.held.boundary(&self.params, &self.network, self.inputs)
    }

    /// The mean loss on rows that were not learned.
    fn loss(&self, context: usize) -> f64 {
        let mut tape = Tape::new();
        let each = (5000..5200).map(|k| {
            let (x, class) = self.row(context, k);
            let pass = tape.pass(&self.params);
            f64::from(self.network.forward(pass.input(&x)).cross_entropy(&[class]).item())
        });
        each.sum::<f64>() / 200.0
    }

    fn bits(&self) -> Vec<u32> {
        self.params.as_slice().iter().map(|theta| theta.to_bits()).collect()
    }

    fn saved(&self) -> Vec<u8> {
        bincode::serialize(self).expect("plain data")
    }
}

const METHODS: [&str; 9] = [
    "ewc:100",
    "ewc:100,fisher=sampled",
    "ewc:100,fisher=empirical",
    "ewc:100,gamma=0.5",
    "si:1",
    "mas:1",
    "l2:0.1,anchor=last",
    "l2:0.1",
    "lwf:3",
];

/// λ and c mean what they mean in the papers, with a factor ½ or without, in value and in gradient: `z = w x` by hand.
#[test]
fn strengths_are_those_of_the_papers() {
    let (x, far) = (2.0_f32, 0.25_f32);
    for (spec, quadratic) in [
        ("ewc:10", 0.5 * 10.0 * 4.0),                        // ½ λ F, F = x²
        ("ewc:10,gamma=0.9", 0.5 * 10.0 * 4.0),              // the same, of one context
        ("ewc:10,fisher=empirical", 0.5 * 10.0 * 4.0 * 9.0), // (y − z)² as much
        ("si:10,xi=0.75", 10.0 * 1.5 / (0.25 + 0.75)),       // c ω / ((Δw)² + ξ), ω = 3 · 0.5
        ("mas:10", 10.0 * 2.0 * 3.0 * 2.0),                  // λ |2 z x|
        ("l2:10,anchor=last", 10.0),                         // λ
    ] {
        let mut params = Params::<f32>::new();
        let network = Linear::without_bias(&mut params, "w", 1, 1, &mut Rng::new(1));
        let spec = format!("{spec},gradient=true");
        let mut held = Consolidation::new(spec.parse().expect("there is such a method"), 1);
        let mut grads = Grads::like(&params);
        params.of_mut(network.weight).fill(1.0);
        grads.of_mut(network.weight).fill(-3.0);
        held.before_step(&params, &mut grads);
        params.of_mut(network.weight).fill(1.5);
        held.after_step(&mut params, 1.0);
        let mut tape = Tape::new();
        held.look(Task::Regress, network.forward(tape.pass(&params).input(&[x])), &[6.0], 1.0);
        assert!(held.boundary(&params, &network, 1));

        params.of_mut(network.weight).fill(1.5 + far);
        grads.zero();
        held.before_step(&params, &mut grads);
        let (value, slope) = (held.report(&params).penalty, f64::from(grads.of(network.weight)[0]));
        let expected = [quadratic * f64::from(far).powi(2), 2.0 * quadratic * f64::from(far)];
        assert!((value - expected[0]).abs() < 1e-5 && (slope - expected[1]).abs() < 1e-5, "{spec}: {value} {slope}");
    }
}

/// After the second context the first is known better than without; and the penalty costs something there.
#[test]
fn each_method_does_something() {
    let after_both = |spec: &str| {
        let mut learner = Learner::new(spec, "sgd:0.03");
        learner.learn(0, 0..600);
        assert!(learner.end(0), "{spec}");
        let at_the_boundary = learner.held.report(&learner.params);
        learner.learn(1, 0..600);
        let report = learner.held.report(&learner.params);
        assert_eq!((report.contexts, report.rows), (1, 600), "{spec}");
        if !spec.starts_with("lwf") && spec != "none" {
            assert!(report.importance > 0.0 && report.penalty > at_the_boundary.penalty, "{spec}: {report:?}");
        }
        learner
    };
    let none = after_both("none").loss(0);
    for spec in METHODS.into_iter().chain(["ewc:10,gradient=true", "si:0.1,gradient=true"]) {
        let learner = after_both(spec);
        // L2 to the start, which nobody has learned anything at, keeps θ small, and that is all.
        let limit = if spec == "l2:0.1" { none * 1.5 } else { none * 0.9 };
        assert!(learner.loss(0) < limit, "{spec}: {} and {none} without", learner.loss(0));
        assert!(learner.held.bytes() > 0);
    }
}

#[test]
fn a_strength_of_zero_is_none_to_the_bit() {
    for optimizer in ["sgd:0.03", "adam:0.01"] {
        let run = |spec: &str| {
            let mut learner = Learner::new(spec, optimizer);
            for context in [0, 1, 0] {
                learner.learn(context, 0..60);
                learner.end(context);
            }
            learner
        };
        let none = run("none").bits();
        for spec in METHODS {
            let (name, rest) = spec.split_once(':').expect("a number follows");
            let options = rest.split_once(',').map(|(_, options)| format!(",{options}")).unwrap_or_default();
            let learner = run(&format!("{name}:0{options}"));
            assert_eq!(learner.bits(), none, "{spec}");
            assert_ne!(run(spec).bits(), none, "{spec} is not nothing");
        }
    }
}

/// Before anything was held, what is to hold it changes nothing.
#[test]
fn the_first_context_is_learned_as_without() {
    let run = |spec: &str| {
        let mut learner = Learner::new(spec, "adam:0.01");
        learner.learn(0, 0..100);
        learner.bits()
    };
    for spec in ["ewc:100", "ewc:100,gamma=0.5", "mas:1", "lwf:3", "l2:1,anchor=last", "ewc:1,gradient=true"] {
        assert_eq!(run(spec), run("none"), "{spec}");
    }
}

#[test]
fn saved_and_loaded_it_goes_on_to_the_bit() {
    for spec in METHODS {
        let mut learner = Learner::new(&format!("{spec},every=70"), "adam:0.01");
        learner.learn(0, 0..100); // in the middle of the second context
        let mut loaded: Learner = bincode::deserialize(&learner.saved()).expect("it was saved");
        for learner in [&mut learner, &mut loaded] {
            learner.learn(1, 0..100);
        }
        assert_eq!(learner.saved(), loaded.saved(), "{spec}");
        assert_eq!(learner.held.report(&learner.params).contexts, 2, "{spec}");
    }
}

#[test]
fn what_contradicts_its_specification_is_not_read() {
    for (spec, other) in [("ewc:2", "ewc:3"), ("si:1,xi=0.1", "si:1,xi=0.2"), ("si:1", "mas:1"), ("lwf:1", "mas:0")] {
        let mut learner = Learner::new(spec, "sgd:0.03");
        learner.learn(0, 0..5);
        learner.end(0);
        let text = serde_json::to_string(&learner.held).expect("plain data");
        let read = |text: &str| serde_json::from_str::<Consolidation<Network>>(text);
        assert!(read(&text).is_ok(), "{spec}");
        let spec: ConsolidationSpec = spec.parse().expect("there is such a method");
        let damaged = text.replace(&format!("\"{spec}\""), &format!("\"{other}\""));
        let error = read(&damaged).expect_err("they differ").to_string();
        assert!(error.starts_with("a consolidation contradicts its specification"), "{error}");
    }
}

/// Growth between contexts: what is new is free until the next boundary, what is old stays held as it was.
#[test]
fn growth_keeps_what_is_held() {
    for spec in METHODS {
        let mut learner = Learner::new(spec, "adam:0.01");
        learner.learn(0, 0..50);
        learner.end(0);
        let before = learner.held.penalty().clone();
        learner.network.hidden.grow_inputs(&mut learner.params, 1);
        learner.network.head.grow_outputs(&mut learner.params, 1);
        learner.inputs += 1;
        learner.learn(2, 0..1); // of the new column, too
        let Learner { params, network, held, .. } = &learner;
        let [weight, bias] = [network.hidden.weight, network.head.bias.expect("it has one")];
        let columns = |vector: &Flat<f32>, n: usize| -> Vec<f32> {
            vector.of(weight).chunks(n).flat_map(|row| row[..3].to_vec()).collect()
        };
        if !spec.starts_with("lwf") {
            assert_eq!(columns(held.penalty().importance(), 4), columns(before.importance(), 3), "{spec}");
            assert_eq!(columns(held.penalty().anchor(), 4), columns(before.anchor(), 3), "{spec}");
            // L2 to the start holds from the start; the others from the next boundary on.
            let expected = if spec == "l2:0.1" { 1.0 } else { 0.0 };
            let new = held.penalty().importance().of(weight).chunks(4).map(|row| row[3]);
            assert!(new.clone().all(|omega| omega == expected), "{spec}");
            assert_eq!(held.penalty().importance().of(bias)[2], expected, "{spec}");
            assert!(params.of(weight).chunks(4).any(|row| row[3] != 0.0), "what is free moves");
        }
        learner.learn(2, 1..50);
        learner.end(2);
        learner.learn(1, 0..20);
        if !spec.starts_with("lwf") {
            let omega = learner.held.penalty().importance().of(weight);
            assert!(omega.chunks(4).any(|row| row[3] > 0.0), "{spec}: the next boundary holds it");
        }
    }
}

#[test]
fn a_context_that_nobody_looked_at_holds_nothing() {
    for (spec, ends) in
        [("ewc:1", false), ("ewc:1,gamma=0.5", false), ("mas:1", false), ("si:1", true), ("lwf:1", true)]
    {
        let mut learner = Learner::new(spec, "sgd:0.03");
        learner.learn(0, 0..5);
        assert_eq!(learner.held.boundary(&learner.params, &learner.network, 3), ends, "{spec}");
        let report = learner.held.report(&learner.params);
        assert_eq!((report.contexts, report.rows), (u64::from(ends), if ends { 0 } else { 5 }), "{spec}");
    }
}

/// Where a gradient step on the penalty throws θ ever farther, a proximal one ends at the anchor.
#[test]
fn a_strong_penalty_needs_steps_of_its_own() {
    let away = |spec: &str| {
        let mut learner = Learner::new(spec, "sgd:0.03");
        learner.learn(0, 0..300);
        learner.end(0);
        let anchor = learner.params.clone();
        learner.learn(1, 0..300);
        let pairs = learner.params.as_slice().iter().zip(anchor.as_slice());
        pairs.map(|(theta, anchor)| (theta - anchor).abs()).fold(0.0, f32::max)
    };
    let [none, strong, proximal] = ["none", "l2:1e6,anchor=last,gradient=true", "l2:1e6,anchor=last"].map(away);
    assert!(strong > 100.0 * none, "{strong} {none}");
    assert!(proximal < 1e-4 * none, "{proximal} {none}");
}
