//! 1. A network by hand: what learning is, with nothing but θ, a tape and ops.
//!
//! Two moons embrace each other in the plane, and a network is to tell from which one a point comes. No layer is used: two
//! matrices and two vectors are added to θ, the forward pass is written as its formula, and so is the update. Every loop
//! in the other examples is this one; layers and optimizers only give its parts a name.
//!
//! The same network without its tanh is a straight line, which shows what the tanh is for.
//!
//! Run: `cargo run --release -p thalweg-nn --example network_by_hand`
//! Read: `autograd/src/tape.rs`, how a gradient comes about. Next: `sine_by_lstm.rs`.

use std::f64::consts::PI;

use thalweg_nn::{Activation, Grads, Params, Rng, Tape};

fn main() {
    let [line, curve] = [Activation::Identity, Activation::Tanh].map(learn);
    println!("of 2000 points that it never saw, the network knows the moon of");
    println!("  {:.1} % with tanh\n  {:.1} % without, as a straight line", 100.0 * curve, 100.0 * line);
    assert!(curve > 0.98, "the moons can be told apart");
    assert!(line < 0.92, "but not by a straight line");
}

/// Learns from 20 000 points, one by one; the share of 2000 others that it gets right.
fn learn(activation: Activation) -> f64 {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let w1 = params.add("w1", [16, 2], |_| rng.normal() as f32);
    let b1 = params.add("b1", [16], |_| 0.0);
    let w2 = params.add("w2", [1, 16], |_| 0.25 * rng.normal() as f32);
    let b2 = params.add("b2", [1], |_| 0.0);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));

    let mut right = 0;
    for step in 0..22_000 {
        let (point, moon) = draw(&mut rng);

        // The forward pass: z = W₂ f(W₁ x + b₁) + b₂, and how far it is from the truth.
        let pass = tape.pass(&params);
        let hidden = pass.input(&point).affine(pass.param(w1), pass.param(b1)).activate(activation);
        let z = hidden.affine(pass.param(w2), pass.param(b2));
        if step >= 20_000 {
            right += usize::from((z.item() > 0.0) == (moon == 1.0));
            continue;
        }
        let loss = z.bce_with_logits(pass.input(&[moon]));

        // The backward pass: ∇L(θ), added to what is in `grads`.
        loss.backward(&mut grads);

        // θ ← θ − η ∇L(θ). Both are flat vectors, in the same order.
        let theta = params.theta_mut().as_mut_slice();
        theta.iter_mut().zip(grads.as_slice()).for_each(|(w, g)| *w -= 0.1 * g);
        grads.zero();
    }
    right as f64 / 2000.0
}

/// A point of one of the moons, somewhat beside it, and which one it is: 0 or 1.
fn draw(rng: &mut Rng) -> ([f32; 2], f32) {
    let (angle, moon) = (rng.range(0.0, PI), rng.below(2));
    let place = match moon {
        0 => [angle.cos(), angle.sin()],
        _ => [1.0 - angle.cos(), 0.5 - angle.sin()],
    };
    (place.map(|x| (x + 0.1 * rng.normal()) as f32), moon as f32)
}
