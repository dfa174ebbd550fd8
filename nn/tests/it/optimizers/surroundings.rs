//! What surrounds optimizers: gradients of several passes, averages, schedules; all of it is plain data.

use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{Adam, Average, Linear, Optimizer, Plateau, Schedule, Sgd, Step};
use thalweg_tensor::{Rng, Tensor};

use super::{Lawful, reload, whole};
use crate::support::{assert_close, bits};

/// k passes before a step, their gradient scaled by 1/k, are one pass over the batch.
#[test]
fn several_passes_are_one_batch() {
    fn law(new: impl Fn() -> Box<dyn Optimizer<f64>>) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
        let layer = Linear::new(&mut params, "layer", 5, 3, &mut rng);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let (mut twin_params, mut twin_grads) = (params.clone(), grads.clone());
        let (mut one_by_one, mut at_once) = (new(), new());
        for _ in 0..4 {
            let [x, y] = [5, 3].map(|width| Tensor::<f64>::uniform([4, width], -1.0, 1.0, &mut rng));
            for row in 0..4 {
                let pass = tape.pass(&params);
                layer.forward(pass.input(x.row(row))).mse(pass.input(y.row(row))).backward(&mut grads);
            }
            grads.scale(0.25);
            assert_eq!(one_by_one.step(&mut params, &mut grads), Step::Taken);
            let pass = tape.pass(&twin_params);
            layer.forward(pass.input(&x)).mse(pass.input(&y)).backward(&mut twin_grads);
            assert_eq!(at_once.step(&mut twin_params, &mut twin_grads), Step::Taken);
            assert_close("θ", params.as_slice(), twin_params.as_slice(), 1e-9);
        }
    }
    law(|| Box::new(Sgd::new(0.1)));
    law(|| Box::new(Sgd::with_momentum(0.1, 0.9, true)));
    law(|| Box::new(Adam::new(0.1)));
}

#[test]
fn averages_resume_where_they_stopped() {
    for new in [Average::uniform, || Average::exponential(0.9), || Average::corrected(0.9)] {
        let (mut params, mut average, mut rng) = (Params::<f32>::new(), new(), Rng::new(1));
        let w = params.add("w", [3, 2], |_| 0.0);
        let mut saved = None;
        for step in 0..20 {
            if step % 6 == 5 {
                params.grow(w, step % 2, 1, |_| 1.0);
            }
            if step == 9 {
                saved = Some(reload(&average));
            }
            params.of_mut(w).iter_mut().for_each(|x| *x += rng.normal() as f32);
            for average in [&mut average].into_iter().chain(&mut saved) {
                average.update(&params);
            }
        }
        let saved: Average = saved.expect("it was saved at step 9");
        assert_eq!(whole(&saved), whole(&average));
        assert_eq!(bits(saved.values().as_slice()), bits(average.values().as_slice()));
    }
}

#[test]
fn schedules_are_saved_as_they_are() {
    let schedules = [
        Schedule::MultiStep { rate: 0.1, milestones: vec![3, 5], factor: 0.5 },
        Schedule::Cosine { rate: 0.1, lowest: 1e-3, steps: 10, stretch: Some(2) },
        Schedule::one_cycle(0.1, 30).with_warm_up(3),
    ];
    assert!(schedules.iter().all(|schedule| reload(schedule) == *schedule));
    let mut plateau = Plateau::new(0.1);
    (plateau.patience, plateau.cooldown) = (2, 3);
    let metric = |t: u64| if t < 5 { 1.0 } else { 2.0 };
    assert!((0..3).all(|t| plateau.observe(metric(t)) == 0.1));
    let mut saved = reload(&plateau);
    assert!((3..30).all(|t| plateau.observe(metric(t)) == saved.observe(metric(t))));
    assert_eq!(saved, plateau);
    assert!(plateau.rate < 1e-3);
}

#[test]
fn everything_may_go_to_another_thread() {
    fn is_plain<V: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &V) {}
    fn law(optimizer: impl Lawful + std::fmt::Debug + 'static) {
        is_plain(&optimizer);
    }
    super::for_every_optimizer!(law);
    is_plain(&Average::<f64>::uniform());
    is_plain(&Schedule::cosine(0.1, 10));
    is_plain(&Plateau::new(0.1));
}
