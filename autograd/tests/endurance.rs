//! A tape is deep and lasts: no recursion over nodes, no memory that grows with the steps.

use thalweg_autograd::{Grads, Params, Tape};

/// `x ← x · 1 + c` a million times over: each link is two nodes, and backward walks them all.
#[test]
fn a_chain_of_a_million_nodes_runs_forward_and_backward() {
    const LINKS: usize = 500_000;
    // A stack of 64 KiB: recursion over the nodes would overflow it a hundred times over.
    let thread = std::thread::Builder::new().stack_size(1 << 16).spawn(|| {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [1], |_| 1.0);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let (w, mut x) = (pass.param(w), pass.input(&[0.0]));
        for _ in 0..LINKS {
            x = x * 1.0 + w;
        }
        assert_eq!(x.item(), LINKS as f32);
        x.backward(&mut grads);
        grads.as_slice()[0]
    });
    let gradient = thread.map(|thread| thread.join());
    assert!(matches!(gradient, Ok(Ok(sum)) if sum == LINKS as f32), "{gradient:?}");
}

/// Learns `y = −½ x` for this many steps: the bytes that the tape holds never change after the first.
fn steps(count: u64) {
    let mut params = Params::<f32>::new();
    let w = params.add("w", [1, 1], |_| 0.0);
    let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
    let mut bytes = None;
    for step in 0..count {
        let x = [(step % 7) as f32 - 3.0];
        let pass = tape.pass(&params);
        let guess = pass.input(&x).linear(pass.param(w));
        guess.mse(pass.input(&[-0.5 * x[0]])).backward(&mut grads);
        grads.apply(-0.01, params.theta_mut());
        assert_eq!(tape.bytes(), *bytes.get_or_insert(tape.bytes()), "step {step}");
    }
    assert!((params.of(w)[0] + 0.5).abs() < 1e-6);
}

#[test]
fn a_million_steps_use_the_memory_of_one() {
    steps(1_000_000);
}

/// The same for ten million: a few seconds of a machine to itself. `cargo test -p thalweg-autograd -- --ignored`
#[test]
#[ignore = "takes seconds"]
fn ten_million_steps_use_the_memory_of_one() {
    steps(10_000_000);
}
