//! A step over a batch that is cut into parts, on as many threads as there are.

use std::ops::Range;

use thalweg_autograd::{Grads, Params, Pass, Tape, Var};
use thalweg_tensor::Real;

use crate::Mode;

/// The gradient of a batch from parts of equal size, each on a tape of its own, added in order.
///
/// ```text
/// ∇ Σᵢ Lᵢ  =  Σₛ ∇ Σ_{i ∈ s} Lᵢ        s = [0, k), [k, 2k), …
/// ```
///
/// The batch is cut by the size of the parts, never by the number of threads, and the parts' gradients are added from the
/// first to the last: any number of threads gives the same bits. With feature `rayon` the parts are shared among the
/// threads of rayon's pool, one after the other without it.
///
/// Each part has a [`Mode`] of its own, forked from the batch's in order of the parts, so that random layers draw the same
/// on any number of threads. What was measured in it is noted in the batch's in the same order: to
/// [`BatchNorm`](crate::BatchNorm) each part is a batch, normalised by itself and counted by itself
/// (so none, the last included, may be a single example).
///
/// Each part keeps a tape and a gradient of the size of θ from step to step. So the parts should be few and large: a
/// batch over the number of cores, or somewhat less.
///
/// ```
/// use thalweg_autograd::{Grads, Params};
/// use thalweg_nn::{Dropout, Linear, Mode, Parallel};
/// use thalweg_tensor::{Rng, Tensor};
///
/// let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
/// let head = Linear::new(&mut params, "head", 3, 1, &mut rng);
/// let (x, y) = (Tensor::uniform([64, 3], -1.0, 1.0, &mut rng), Tensor::ones([64, 1]));
///
/// let (mut parallel, mut grads) = (Parallel::new(16), Grads::like(&params));
/// let mut mode = Mode::train(rng.fork());
/// let loss = parallel.backward(&params, 64, &mut grads, &mut mode, |pass, part, mode| {
///     let [x, y] = [&x, &y].map(|t| pass.input(t.slice(0, part.start as isize..part.end as isize)));
///     (head.forward(Dropout::new(0.1).forward(x, mode)) - y).square().sum() / 64.0 // the parts add up to the mean over the batch
/// });
/// assert!(loss > 0.0 && grads.norm() > 0.0);
/// mode.update_buffers(&mut params); // with batch normalisation, after the optimizer's step
/// ```
#[derive(Debug)]
pub struct Parallel<T: Real = f32> {
    size: usize,
    parts: Vec<Part<T>>,
}

/// What one part of a batch needs for itself.
#[derive(Debug, Default)]
struct Part<T: Real> {
    tape: Tape<T>,
    grads: Grads<T>,
    mode: Mode<T>,
    loss: f64,
}

impl<T: Real> Parallel<T> {
    /// For parts of `size` examples each; the last of a batch may have fewer.
    ///
    /// # Panics
    /// If `size` is 0.
    #[track_caller]
    pub fn new(size: usize) -> Self {
        assert!(size > 0, "parallel: parts of at least one example expected");
        Parallel { size, parts: Vec::new() }
    }

    /// Adds the gradient of a batch of `examples` to `grads`; returns the loss. `loss` gives a part's share of it, from the
    /// range of its examples and the mode of the part: what the parts give is added, so a mean over the batch is a sum
    /// divided by `examples`.
    ///
    /// # Panics
    /// If a share is not one number; and whatever `loss` panics with.
    #[track_caller]
    pub fn backward(
        &mut self,
        params: &Params<T>,
        examples: usize,
        grads: &mut Grads<T>,
        mode: &mut Mode<T>,
        loss: impl for<'p> Fn(&'p Pass<'p, T>, Range<usize>, &mut Mode<T>) -> Var<'p, T> + Sync,
    ) -> f64 {
        let (size, count) = (self.size, examples.div_ceil(self.size));
        self.parts.resize_with(count.max(self.parts.len()), Part::default);
        let parts = &mut self.parts[..count];
        parts.iter_mut().for_each(|part| mode.fork_into(&mut part.mode));
        let backward = |(index, part): (usize, &mut Part<T>)| {
            part.grads.zero(); // of a call that a panic ended
            let pass = part.tape.pass(params);
            let share = loss(&pass, index * size..examples.min((index + 1) * size), &mut part.mode);
            share.backward(&mut part.grads);
            part.loss = share.item().to_f64();
        };
        #[cfg(feature = "rayon")]
        {
            use rayon::prelude::*;
            parts.par_iter_mut().enumerate().for_each(backward);
        }
        #[cfg(not(feature = "rayon"))]
        parts.iter_mut().enumerate().for_each(backward);

        grads.align(params.layout());
        for part in parts.iter_mut() {
            grads.absorb(&mut part.grads);
            mode.absorb(&mut part.mode);
        }
        parts.iter().map(|part| part.loss).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm, Cell, Dropout, Embedding, Linear, Lstm};
    use proptest::prelude::*;
    use thalweg_autograd::Touched;
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Whatever the size of the parts, their gradients add up to that of the batch; and a second call to that of a
        /// second batch, whatever the first was.
        #[test]
        fn parts_add_up_to_the_whole(n in 1usize..20, size in 1usize..20, seed: u64) {
            let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
            let words = Embedding::new(&mut params, "words", 30, 4, &mut rng);
            let lstm = Lstm::new(&mut params, "lstm", 4, 3, &mut rng);
            let head = Linear::new(&mut params, "head", 3, 1, &mut rng);
            let sentences: Vec<usize> = (0..2 * n).map(|_| rng.below(30)).collect();
            let mut parallel = Parallel::new(size);
            let mut tape = Tape::new();
            for batch in [n, n.div_ceil(2)] {
                let (mut whole, mut added) = (Grads::like(&params), Grads::like(&params));
                let pass = tape.pass(&params);
                let expected = share(&pass, 0..batch, (&words, &lstm, &head), &params, &sentences);
                expected.backward(&mut whole);
                let found = parallel.backward(&params, batch, &mut added, &mut Mode::Eval, |pass, part, _| {
                    share(pass, part, (&words, &lstm, &head), &params, &sentences)
                });
                prop_assert!((found - expected.item()).abs() <= 1e-12 * found.abs().max(1.0));
                let Touched::Rows(rows) = added.touched(words.weight) else { panic!("rows stay rows") };
                prop_assert!(rows.len() <= 2 * batch);
                for (a, b) in whole.as_slice().iter().zip(added.as_slice()) {
                    prop_assert!((a - b).abs() <= 1e-12, "{a} {b}");
                }
            }
        }
    }

    /// The loss of some sentences of two words.
    fn share<'p>(
        pass: &'p Pass<'p, f64>,
        part: Range<usize>,
        (words, lstm, head): (&Embedding, &Lstm, &Linear),
        params: &Params<f64>,
        sentences: &[usize],
    ) -> Var<'p, f64> {
        let n = part.len();
        let x = words.forward(pass, &sentences[2 * part.start..2 * part.end]).reshape([n, 2, 4]).permute(&[1, 0, 2]);
        let (h, _) = lstm.last(x, lstm.enter(pass, &lstm.zero_states(params, n)));
        head.forward(h).square().sum()
    }

    /// A network that draws and measures.
    struct Net(Linear, BatchNorm, Dropout);

    impl Net {
        fn new(params: &mut Params<f32>) -> Self {
            let rng = &mut Rng::new(1);
            Net(Linear::new(params, "l", 40, 7, rng), BatchNorm::new(params, "n", 7, rng), Dropout::new(0.4))
        }

        fn loss<'p>(&self, pass: &'p Pass<'p>, x: &Tensor, part: Range<usize>, mode: &mut Mode) -> Var<'p> {
            let Net(linear, norm, dropout) = self;
            let x = pass.input(x.slice(0, part.start as isize..part.end as isize));
            (dropout.forward(norm.forward(linear.forward(x), mode), mode) + 0.1).square().sum()
        }
    }

    fn bits(numbers: &[f32]) -> Vec<u32> {
        numbers.iter().map(|number| number.to_bits()).collect()
    }

    /// By definition: passes one after the other, each with the next fork of the mode and counted as a batch.
    #[test]
    fn parts_draw_and_measure_as_passes_one_by_one() {
        let mut params = Params::new();
        let net = Net::new(&mut params);
        let x = Tensor::uniform([98, 40], -1.0, 1.0, &mut Rng::new(2));
        let (mut expected, mut expected_params, mut rng) = (Grads::like(&params), params.clone(), Rng::new(3));
        let (mut found, mut mode, mut parallel) = (Grads::like(&params), Mode::train(rng.clone()), Parallel::new(9));
        for _ in 0..2 {
            let mut total = 0.0;
            for start in (0..98).step_by(9) {
                let (mut mode, mut tape, mut grads) = (Mode::train(rng.fork()), Tape::new(), Grads::like(&params));
                let pass = tape.pass(&params);
                let share = net.loss(&pass, &x, start..98.min(start + 9), &mut mode);
                share.backward(&mut grads);
                expected.absorb(&mut grads);
                total += f64::from(share.item());
                mode.update_buffers(&mut expected_params);
            }
            let loss = parallel
                .backward(&params, 98, &mut found, &mut mode, |pass, part, mode| net.loss(pass, &x, part, mode));
            mode.update_buffers(&mut params);
            assert_eq!(loss, total);
            assert_eq!(bits(found.as_slice()), bits(expected.as_slice()));
            assert_eq!(bits(params.as_slice()), bits(expected_params.as_slice()));
        }
        assert_eq!(params.of(net.1.num_batches_tracked), [22.0]);
    }

    /// The parts are the same for any number of threads, and are added in the same order.
    #[test]
    #[cfg(feature = "rayon")]
    fn any_number_of_threads_gives_the_same_bits() {
        let x = Tensor::uniform([98, 40], -1.0, 1.0, &mut Rng::new(2));
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let mut params = Params::new();
            let net = Net::new(&mut params);
            let (mut parallel, mut grads, mut mode) =
                (Parallel::new(9), Grads::like(&params), Mode::train(Rng::new(3)));
            let losses = [(); 3].map(|()| {
                let loss = pool.install(|| {
                    parallel
                        .backward(&params, 98, &mut grads, &mut mode, |pass, part, mode| net.loss(pass, &x, part, mode))
                });
                mode.update_buffers(&mut params);
                loss.to_bits()
            });
            (losses, bits(grads.as_slice()), bits(params.as_slice()))
        };
        let one = on(1);
        for threads in [2, 3, 8] {
            assert!(on(threads) == one, "{threads} threads");
        }
    }

    #[test]
    fn a_batch_of_nothing_has_no_gradient() {
        let mut params = Params::<f32>::new();
        let head = Linear::new(&mut params, "head", 3, 1, &mut Rng::new(1));
        let mut grads = Grads::like(&params);
        let loss = Parallel::new(4).backward(&params, 0, &mut grads, &mut Mode::Eval, |pass, _, _| {
            head.forward(pass.input(&Tensor::ones([3]))).sum()
        });
        assert_eq!((loss, grads.norm()), (0.0, 0.0));
    }
}
