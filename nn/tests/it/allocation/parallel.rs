//! A batch in parts, one after the other: each keeps its tape and its gradient. (The pool of feature `rayon` allocates.)

use thalweg_autograd::{Grads, Params};
use thalweg_nn::{Adam, BatchNorm, Cell, Dropout, Embedding, Linear, Lstm, Mode, Optimizer, Parallel, Step, clip_norm};
use thalweg_tensor::Rng;

use super::only_the_first_steps_allocate;

/// Sentences of 3 words in parts of 4; the last part has 2. Rows of the table are touched, the rest is dense.
#[test]
fn a_batch_in_parts_allocates_nothing() {
    let (mut params, mut rng) = (Params::<f32>::new(), Rng::new(1));
    let words = Embedding::new(&mut params, "words", 500, 6, &mut rng);
    let lstm = Lstm::new(&mut params, "lstm", 6, 8, &mut rng);
    let norm = BatchNorm::new(&mut params, "norm", 8, &mut rng);
    let head = Linear::new(&mut params, "head", 8, 4, &mut rng);
    let (mut parallel, mut grads, mut adam) = (Parallel::new(4), Grads::like(&params), Adam::new(0.001));
    let mut mode = Mode::train(rng.fork());
    let starts = [4, 2].map(|n| lstm.zero_states(&params, n));
    let sentences: Vec<usize> = (0..20 * 30).map(|_| rng.below(500)).collect();
    only_the_first_steps_allocate(|i| {
        let sentences = &sentences[30 * i..][..30];
        let loss = parallel.backward(&params, 10, &mut grads, &mut mode, |pass, part, mode| {
            let start = &starts[usize::from(part.len() < 4)];
            let x = words.forward(pass, &sentences[3 * part.start..3 * part.end]).reshape([part.len(), 3, 6]);
            let (h, _) = lstm.last(x.permute(&[1, 0, 2]), lstm.enter(pass, start));
            let h = Dropout::new(0.2).forward(norm.forward(h, mode), mode);
            head.forward(h).square().sum() / 10.0
        });
        assert!(loss > 0.0);
        clip_norm(&mut grads, 1.0);
        assert_eq!(adam.step(&mut params, &mut grads), Step::Taken);
        mode.update_buffers(&mut params);
    });
}
