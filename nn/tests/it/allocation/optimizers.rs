//! Every optimizer, with groups, a schedule and an average; dense and sparse gradients.

use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{
    AnyOptimizer, Average, Embedding, Group, Groups, Linear, Optimizer, OptimizerSpec, Schedule, Step, clip_value,
};
use thalweg_tensor::Rng;

use super::only_the_first_steps_allocate;
use crate::optimizers::spec::SPECS;
use crate::optimizers::{Lawful, for_every_optimizer};

fn groups() -> Groups {
    [Group::of("body.*").rate(0.5), Group::of("*.bias").weight_decay(0.0), Group::of("frozen.*").frozen()].into()
}

fn learn(mut optimizer: impl Lawful) {
    optimizer.set_groups(groups());
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let words = Embedding::new(&mut params, "words", 200, 8, &mut rng);
    let [body, frozen, head] = [("body", 8, 16), ("frozen", 16, 16), ("head", 16, 4)]
        .map(|(name, inputs, outputs)| Linear::new(&mut params, name, inputs, outputs, &mut rng));
    head.grow_outputs(&mut params, 1);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let (mut average, schedule) = (Average::corrected(0.99), Schedule::cosine(0.01, 100).with_warm_up(5));
    only_the_first_steps_allocate(|i| {
        optimizer.set_learning_rate(schedule.rate(i as u64));
        let pass = tape.pass(&params);
        let x = words.forward(&pass, &[i, 150 - i, 3 * i]).mean_axis(0);
        head.forward(frozen.forward(body.forward(x).tanh())).cross_entropy(&[i % 5]).backward(&mut grads);
        clip_value(&mut grads, 0.5);
        assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
        average.update(&params);
        average.swap(&mut params);
        average.swap(&mut params);
    });
}

/// With the schedule and the bound that it has.
fn learn_plainly(mut optimizer: AnyOptimizer) {
    let mut params = Params::<f32>::new();
    let layer = Linear::new(&mut params, "layer", 8, 4, &mut Rng::new(1));
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    only_the_first_steps_allocate(|i| {
        layer.forward(tape.pass(&params).input(&[i as f32; 8])).cross_entropy(&[i % 4]).backward(&mut grads);
        assert_eq!(optimizer.step(&mut params, &mut grads), Step::Taken);
    });
}

#[test]
fn optimizers_and_what_surrounds_them_allocate_nothing() {
    for_every_optimizer!(learn);
    for spec in SPECS {
        learn_plainly(spec.parse::<OptimizerSpec>().expect("there is such an optimizer").build());
    }
}
