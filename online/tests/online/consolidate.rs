//! Learning without forgetting, through the public door.

use allocation_counter::measure;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_nn::{AnyOptimizer, Linear, Optimizer, OptimizerSpec, Rng, Step, View};
use thalweg_online::{Consolidation, Task};

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
