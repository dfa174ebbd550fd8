//! Sums over all alignments of one sequence, in the log domain, where products of thousands of probabilities do not
//! underflow.
//!
//! Blanks are put around the labels: `ab → −a−b−`, `2L + 1` *states*. An alignment walks through them from one of the
//! first two to one of the last two. At each frame it stays, goes on by one, or skips a blank between different labels:
//!
//! ```text
//! αₜ(s) = xₜ(s) + ln (e^αₜ₋₁(s) + e^αₜ₋₁(s−1) + [skip into s] e^αₜ₋₁(s−2))           all walks that are in s at frame t
//! βₜ(s) = ln (e^(xₜ₊₁(s)+βₜ₊₁(s)) + e^(xₜ₊₁(s+1)+βₜ₊₁(s+1)) + [skip into s+2] …)    all ways on from there
//! ln p  = ln (e^α_T(2L) + e^α_T(2L+1))
//! γₜₖ   = Σ e^(αₜ(s) + βₜ(s) − ln p) over the states s of class k
//! ```
//!
//! (Graves et al. 2006, eq. 6 to 11 and 15, but with `β` that leaves the frame itself out.)

use thalweg_tensor::Real;

/// One sequence in a batch.
pub(super) struct Alignments<'a, T> {
    /// Log-probabilities of the whole batch.
    pub x: &'a [T],
    /// Where the first frame begins.
    pub start: usize,
    /// From frame to frame.
    pub stride: usize,
    /// How many frames there are.
    pub frames: usize,
    pub labels: &'a [usize],
    pub blank: usize,
}

impl<T: Real> Alignments<'_, T> {
    /// How many numbers [`forward`](Self::forward) and [`backward`](Self::backward) work with: `α` of all frames, `β` of
    /// two.
    pub fn work(frames: usize, labels: usize) -> usize {
        (frames + 2) * (2 * labels + 1)
    }

    /// Fills in `α`; `ln p`.
    pub fn forward(&self, work: &mut [T]) -> T {
        let states = self.states();
        if self.frames == 0 {
            return if self.labels.is_empty() { T::ZERO } else { T::NEG_INFINITY }; // nothing stands for nothing
        }
        let alpha = &mut work[..self.frames * states];
        for (s, alpha) in alpha[..states].iter_mut().enumerate() {
            *alpha = if s < 2 { self.x(0, s) } else { T::NEG_INFINITY };
        }
        for t in 1..self.frames {
            let (before, now) = alpha[(t - 1) * states..].split_at_mut(states);
            for s in 0..states {
                let from = |back: usize| if back <= s { before[s - back] } else { T::NEG_INFINITY };
                let skipped = if self.skips_into(s) { from(2) } else { T::NEG_INFINITY };
                now[s] = self.x(t, s) + log_add([from(0), from(1), skipped]);
            }
        }
        let last = &alpha[(self.frames - 1) * states..];
        log_add([last[states - 1], if states > 1 { last[states - 2] } else { T::NEG_INFINITY }, T::NEG_INFINITY])
    }

    /// Subtracts `γ` from the slopes of the batch, from what [`forward`](Self::forward) left.
    pub fn backward(&self, log_probability: T, work: &mut [T], slopes: &mut [T]) {
        let states = self.states();
        let (alpha, betas) = work.split_at_mut(self.frames * states);
        let (mut beta, mut after) = betas[..2 * states].split_at_mut(states);
        for t in (0..self.frames).rev() {
            for s in 0..states {
                beta[s] = if t + 1 == self.frames {
                    if s + 2 >= states { T::ZERO } else { T::NEG_INFINITY }
                } else {
                    let to = |on: usize| {
                        if s + on < states { self.x(t + 1, s + on) + after[s + on] } else { T::NEG_INFINITY }
                    };
                    log_add([to(0), to(1), if self.skips_into(s + 2) { to(2) } else { T::NEG_INFINITY }])
                };
                slopes[self.place(t, s)] -= (alpha[t * states + s] + beta[s] - log_probability).exp();
            }
            std::mem::swap(&mut beta, &mut after);
        }
    }

    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    /// Whether the blank before state `s` may be left out: between two labels that differ.
    fn skips_into(&self, s: usize) -> bool {
        s % 2 == 1 && s > 1 && s < self.states() && self.labels[s / 2] != self.labels[s / 2 - 1]
    }

    /// Where the log-probability of state `s` at frame `t` is.
    fn place(&self, t: usize, s: usize) -> usize {
        let class = if s.is_multiple_of(2) { self.blank } else { self.labels[s / 2] };
        self.start + t * self.stride + class
    }

    fn x(&self, t: usize, s: usize) -> T {
        self.x[self.place(t, s)]
    }
}

/// `ln Σ eˣ`: −∞ of nothing but −∞, NaN with any NaN.
fn log_add<T: Real>(x: [T; 3]) -> T {
    let max = x[0].maximum(x[1]).maximum(x[2]);
    if max == T::NEG_INFINITY { max } else { max + x.map(|x| (x - max).exp()).into_iter().sum::<T>().ln() }
}
