//! Every loss, forward and backward.

use thalweg_autograd::{Grads, Params, Tape, Var};
use thalweg_nn::loss::Reduction;
use thalweg_nn::{Linear, Optimizer, Sgd, Step};
use thalweg_tensor::{Rng, Tensor};

use super::only_the_first_steps_allocate;
use crate::losses::table::{CLASSES, REDUCTIONS, table};

#[test]
fn losses_allocate_nothing() {
    for row in table::<f32>() {
        REDUCTIONS[..3].iter().for_each(|&reduction| steps(|x, t| (row.forward)(x, t, &CLASSES, reduction)));
        steps(|x, t| {
            let weights = x.pass().input(&[1.0, 0.5, 0.0, 2.0]);
            (row.each)(x, t, &CLASSES).weighted(weights).reduce(Reduction::Mean)
        });
    }
}

/// Steps of an affine map `[4, 5] → [4, 3]` under this loss.
#[track_caller]
fn steps(loss: impl for<'p> Fn(Var<'p, f32>, Var<'p, f32>) -> Var<'p, f32>) {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let head = Linear::new(&mut params, "head", 5, 3, &mut rng);
    let (mut tape, mut grads, mut sgd) = (Tape::new(), Grads::like(&params), Sgd::new(0.001));
    let x = Tensor::<f32>::uniform([20, 4, 5], -1.0, 1.0, &mut rng);
    let t = Tensor::<f32>::uniform([20, 4, 3], -2.0, 2.0, &mut rng);
    only_the_first_steps_allocate(|i| {
        let pass = tape.pass(&params);
        let prediction = head.forward(pass.input(x.row(i as isize)));
        loss(prediction, pass.input(t.row(i as isize))).backward(&mut grads);
        assert_eq!(sgd.step(&mut params, &mut grads), Step::Taken);
    });
}
