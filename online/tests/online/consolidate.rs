//! Learning without forgetting, through the public door.

use allocation_counter::measure;
use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::{AnyOptimizer, Linear, Optimizer, OptimizerSpec, Rng, Sgd, Step, View};
use thalweg_online::stream::bundled;
use thalweg_online::{Config, Consolidation, Deep, Error, Learner, Record, Row, Target, Task};

/// Learns rows from one context to the next, and counts what the steps within the second ask for.
#[test]
fn steps_allocate_nothing_after_the_first() {
    for spec in [
        "none",
        "ewc:10",
        "ewc:10,gamma=0.9,gradient=true",
        "si:1",
        "si:0.1,gradient=true",
        "mas:1",
        "l2:0.1",
        "lwf:1",
        "lwf:1,new=zero",
    ] {
        for optimizer in ["sgd:0.01", "adam:0.001"] {
            let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(2));
            let head = Linear::new(&mut params, "head", 5, 3, &mut rng);
            let spec = spec.parse().expect("there is such a method");
            let optimizer: OptimizerSpec = optimizer.parse().expect("there is such an optimizer");
            let (mut held, mut optimizer): (Consolidation<Linear>, AnyOptimizer) =
                (Consolidation::new(spec, 1), optimizer.build());
            let (mut tape, mut grads, mut rows) = (Tape::new(), Grads::like(&params), 0_u32);
            let mut learn = |held: &mut Consolidation<Linear>, params: &mut Params, times: usize, look: bool| {
                for _ in 0..times {
                    rows += 1;
                    let x: [f32; 5] = std::array::from_fn(|i| ((rows * (i as u32 + 3)) % 7) as f32 - 3.0);
                    let pass = tape.pass(params);
                    let output = head.forward(pass.input(&x));
                    if look {
                        held.look(Task::Classify, output, &[0.0, 1.0, 0.0], 1.0);
                    }
                    let mut loss = output.cross_entropy(&[rows as usize % 3]);
                    if let Some(more) = held.distil(Task::Classify, output, View::from(&x), Linear::forward) {
                        loss = loss + more;
                    }
                    loss.backward(&mut grads);
                    held.before_step(params, &mut grads);
                    if optimizer.step(params, &mut grads) == Step::Taken {
                        held.after_step(params, optimizer.learning_rate());
                    }
                    held.row();
                }
            };
            learn(&mut held, &mut params, 5, true);
            assert!(held.boundary(&params, &head, 5));
            learn(&mut held, &mut params, 5, true);
            let used = measure(|| learn(&mut held, &mut params, 50, true));
            assert_eq!(used.count_total, 0, "{}", held.spec());
            let report = held.report(&params);
            assert_eq!((report.contexts, report.rows), (1, 55));
        }
    }
}

/// A context of empty sets teaches nothing that could be held; what comes behind it is learned as ever.
#[test]
fn before_there_is_a_label_nothing_is_held() -> Result<(), Error> {
    for spec in ["ewc:10", "ewc:10,gamma=0.9", "si:1", "mas:1", "l2:0.1", "lwf:1"] {
        let mut learner = Deep::new(Config { consolidation: spec.parse()?, ..Config::new(Task::MultiLabel) });
        let labelled = |learner: &mut Deep, labels: &[&str]| -> Result<f64, Error> {
            (0..20).try_fold(0.0, |_, k| learner.learn_one(&[("a", f64::from(k % 5))], Target::Labels(labels.into())))
        };
        labelled(&mut learner, &[])?;
        assert!(!learner.end_context(), "{spec}");
        let loss = labelled(&mut learner, &["red"])?;
        assert!(loss.is_finite() && learner.end_context(), "{spec}: {loss}");
        assert!(labelled(&mut learner, &["red", "round"])?.is_finite(), "{spec}");
    }
    Ok(())
}

/// What is pulled back is so by the rate of the step, and not by that of the step before.
#[test]
fn a_schedule_that_has_ended_learning_has_ended_the_pull() -> Result<(), Error> {
    let mut learner = Deep::new(Config {
        consolidation: "l2:50".parse()?,
        optimizer: "sgd:0.01,exponential=1e-12".parse()?,
        ..Config::new(Task::Regress)
    });
    let step = |learner: &mut Deep, x: f64| learner.learn_one(&[("a", x)], Target::Value(1.0 - x));
    step(&mut learner, 1.0)?;
    let after_the_first = learner.params().as_slice().to_vec();
    step(&mut learner, 2.0)?;
    let moved = after_the_first.iter().zip(learner.params().as_slice()).map(|(a, b)| (a - b).abs());
    assert!(moved.fold(0.0, f32::max) < 1e-6, "at the first step's rate the pull halves what it moved");
    Ok(())
}

/// Two layers.
#[derive(Clone, Debug)]
struct Network {
    hidden: Linear,
    head: Linear,
}

impl Network {
    fn forward<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.head.forward(self.hidden.forward(x).relu())
    }
}

type Images = Vec<(Vec<f32>, usize)>;

/// The bundled digits, with grey values from 0 to 1; every fifth is held out.
fn digits() -> Result<[Images; 2], Error> {
    let mut stream = bundled::find("digits").expect("they are bundled").open()?;
    let ([mut train, mut held_out], mut record) = ([Images::new(), Images::new()], Record::new());
    while stream.read(&mut record)? {
        let class = record.target_text().and_then(|text| text.parse().ok()).expect("a digit");
        let grey = |i: usize| record.cell(i).1.number().expect("a grey value") as f32 / 16.0;
        let image = ((0..record.len()).map(grey).collect(), class);
        if (train.len() + held_out.len()) % 5 == 4 { held_out.push(image) } else { train.push(image) }
    }
    Ok([train, held_out])
}

/// Learns the images three times, each time with the pixels in another order, each image once; then the mean accuracy on
/// held-out images over the three orders.
fn permuted_digits([train, held_out]: &[Images; 2], spec: &str, seed: u64) -> f64 {
    let mut orders = [const { Vec::new() }; 3];
    let mut rng = Rng::new(seed);
    orders[0] = (0..64).collect();
    orders[1..].iter_mut().for_each(|order| *order = rng.permutation(64));
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(2));
    let hidden = Linear::new(&mut params, "hidden", 64, 64, &mut rng);
    let network = Network { hidden, head: Linear::new(&mut params, "head", 64, 10, &mut rng) };
    let mut held = Consolidation::new(spec.parse().expect("there is such a method"), 1);
    let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.03));
    let seen = |image: &[f32], order: &[usize]| -> Vec<f32> { order.iter().map(|&pixel| image[pixel]).collect() };
    for order in &orders {
        for (image, class) in train {
            let (x, pass) = (seen(image, order), tape.pass(&params));
            let output = network.forward(pass.input(&x));
            let loss = output.cross_entropy(&[*class]);
            let more = held.distil(Task::Classify, output, View::from(&x), Network::forward);
            more.map_or(loss, |more| loss + more).backward(&mut grads);
            held.before_step(&params, &mut grads);
            assert_eq!(sgd.step(&mut params, &mut grads), Step::Taken);
            held.after_step(&mut params, sgd.learning_rate);
        }
        for (image, _) in train.iter().step_by(7).take(held.rows_to_look_at()) {
            let pass = tape.pass(&params);
            held.look(Task::Classify, network.forward(pass.input(&seen(image, order))), &[], 1.0);
        }
        assert!(held.boundary(&params, &network, 64));
    }
    let mut is_right = |(image, class): &(Vec<f32>, usize), order: &[usize]| {
        let pass = tape.pass(&params);
        let z = network.forward(pass.input(&seen(image, order))).to_tensor();
        z.as_slice().iter().all(|&other| other <= z.as_slice()[*class])
    };
    let right: usize = orders.iter().map(|order| held_out.iter().filter(|image| is_right(image, order)).count()).sum();
    right as f64 / (3 * held_out.len()) as f64
}

/// The figures in the module's docs.
#[test]
fn digits_whose_pixels_move_are_not_forgotten() -> Result<(), Error> {
    let digits = digits()?;
    let accuracies = |spec: &str| [9, 10, 11].map(|seed| permuted_digits(&digits, spec, seed));
    let mean = |accuracies: [f64; 3]| accuracies.iter().sum::<f64>() / 3.0;
    let none = accuracies("none");
    for (spec, more) in [("ewc:100", 0.08), ("si:0.1", 0.04), ("mas:0.1", 0.02), ("lwf:1", 0.05)] {
        let with = accuracies(spec);
        assert!(with.iter().zip(none).all(|(with, none)| *with > none), "{spec}: {with:.3?}, {none:.3?} without");
        assert!(mean(with) > mean(none) + more, "{spec}: {with:.3?}, {none:.3?} without");
        eprintln!("{spec}: {with:.3?}, {none:.3?} without");
    }
    Ok(())
}
