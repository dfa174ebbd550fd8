//! Batch normalisation, of batches and of streams.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use crate::{Mode, init};

/// Batch normalisation, PyTorch's `nn.BatchNorm1d` and `nn.BatchNorm2d`: `[n, c]`, `[n, c, l]`, `[n, c, h, w]`, or one
/// example `[c]` → the same shape.
///
/// ```text
/// y = w_c (x − μ_c) / √(σ²_c + ε) + b_c
/// ```
///
/// | | μ_c and σ²_c | and then, by [`Mode::update_buffers`] |
/// |---|---|---|
/// | in use | m_c and v_c, what ran before | |
/// | training | mean x̄_c and (biased) variance s²_c of the batch and all its places | m ← (1−ρ) m + ρ x̄,   v ← (1−ρ) v + ρ s² n/(n−1) |
/// | training on a [stream](BatchNormOptions::stream) | m_c and v_c, as constants | m ← (1−ρ) m + ρ x̄,   v ← (1−ρ) v + ρ (s² + (1−ρ) (x̄ − m)²) |
///
/// PyTorch's rule needs more than one value for each channel, and gives another function in training than in use. The rule
/// for streams has neither fault: the statistics that an example is normalised by are those of the examples *before* it.
/// So a batch of one is as good as any, examples of a batch do not depend on each other, training and use agree to the
/// bit, and the statistics are not differentiated. Its v is the exact exponentially weighted variance around m (West 1979):
/// m and `v + m²` are the weighted first and second moments. With both rules it is the caller who decides whether the
/// statistics of a pass count, by `update_buffers`: after a step that the optimizer refused they should not. Of several
/// passes before it, each counts as a batch, in their order.
///
/// A sequence `[t, n, c]` has its channels on another axis. `x.reshape([t * n, c])` is one batch of all its steps (what a
/// `Network` does; padding would be among them); its steps one by one are t batches, and by PyTorch's
/// rule a step of a single stream is one example too few. Over time only the rule for streams looks back alone.
///
/// Parameters `name.weight: [c]`, ones, `name.bias: [c]`, zeros. Frozen: `name.running_mean: [c]`, zeros,
/// `name.running_var: [c]`, ones, `name.num_batches_tracked: []`, zero. A batch without values changes nothing.
///
/// Channels are independent, so it grows: see [`grow`](BatchNorm::grow).
///
/// Source: Ioffe & Szegedy 2015.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::norm::{BatchNorm, BatchNormOptions};
/// use thalweg_nn::Mode;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
/// let options = BatchNormOptions { stream: true, momentum: Some(0.01), ..BatchNormOptions::default() };
/// let norm = BatchNorm::with(&mut params, "norm", 1, options, &mut rng);
/// let mut mode = Mode::train(Rng::new(2));
/// for _ in 0..2000 {
///     let x = [100.0 + 5.0 * rng.normal()]; // examples come one by one
///     norm.forward(tape.pass(&params).input(&x), &mut mode);
///     mode.update_buffers(&mut params);
/// }
/// let y = norm.forward(tape.pass(&params).input(&[110.0]), &mut Mode::Eval).item();
/// assert!((y - 2.0).abs() < 0.5, "110 is two deviations above the mean: {y}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BatchNorm {
    /// w and b, both `[c]`, if there are any.
    pub affine: Option<[Param; 2]>,
    /// m: `[c]`, frozen.
    pub running_mean: Param,
    /// v: `[c]`, frozen.
    pub running_var: Param,
    /// How many batches were tracked: `[]`, frozen. (In `f32` it stops at 2²⁴.)
    pub num_batches_tracked: Param,
    /// ε, ρ, and the rule.
    pub options: BatchNormOptions,
}

/// What a [`BatchNorm`] does; by default what PyTorch's does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BatchNormOptions {
    /// ε: 10⁻⁵.
    pub eps: f64,
    /// ρ, how far one batch moves the running statistics: 0.1. For single examples take less: their weight is gone after
    /// about 1/ρ of them. `None`: ρ is 1 over the number of batches so far, so that all weigh the same; on a stream the
    /// statistics at the start, 0 and 1, count as one of them.
    pub momentum: Option<f64>,
    /// Whether there are w and b: true.
    pub affine: bool,
    /// Whether training, too, normalises by the running statistics: false.
    pub stream: bool,
}

impl Default for BatchNormOptions {
    fn default() -> Self {
        BatchNormOptions { eps: 1e-5, momentum: Some(0.1), affine: true, stream: false }
    }
}

impl BatchNorm {
    /// Adds the layer's parameters and buffers to θ: PyTorch's rule.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, channels: usize, rng: &mut Rng) -> Self {
        Self::with(params, name, channels, BatchNormOptions::default(), rng)
    }

    /// With options of choice.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        channels: usize,
        options: BatchNormOptions,
        _rng: &mut Rng,
    ) -> Self {
        let affine = options.affine.then(|| {
            [("weight", T::ONE), ("bias", T::ZERO)]
                .map(|(part, start)| params.add(&format!("{name}.{part}"), [channels], |_| start))
        });
        let [running_mean, running_var] = [("running_mean", T::ZERO), ("running_var", T::ONE)]
            .map(|(part, start)| params.add(&format!("{name}.{part}"), [channels], |_| start));
        let num_batches_tracked = params.add(&format!("{name}.num_batches_tracked"), [], init::zeros());
        for buffer in [running_mean, running_var, num_batches_tracked] {
            params.set_trainable(buffer, false);
        }
        BatchNorm { affine, running_mean, running_var, num_batches_tracked, options }
    }

    /// `y = w_c (x − μ_c) / √(σ²_c + ε) + b_c`.
    ///
    /// # Panics
    /// If `x` has other channels. By PyTorch's rule in training: if there is but one value for each channel.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> Var<'p, T> {
        let (pass, shape) = (x.pass(), x.shape());
        let [channels] = pass.param(self.running_mean).dims();
        let [n, found, places] = match shape.rank() {
            0 | 1 => [1, shape.len(), 1],
            _ => shape.around(1),
        };
        assert!(found == channels, "BatchNorm: [n, {channels}, …] or [{channels}] expected, the shape is {shape}");
        let x = x.reshape([n, channels, places]);
        let of_channels = |param: Param| pass.param(param).reshape([1, channels, 1]);
        let mut statistics = [self.running_mean, self.running_var].map(of_channels);
        if mode.is_training() && n * places > 0 {
            let measured = self.measure(x, mode);
            statistics = if self.options.stream { statistics } else { measured };
        }
        let [mean, variance] = statistics;
        let normalised = (x - mean) / (variance + T::from_f64(self.options.eps)).sqrt();
        let y = match self.affine.map(|params| params.map(of_channels)) {
            Some([weight, bias]) => normalised * weight + bias,
            None => normalised,
        };
        y.reshape(shape)
    }

    /// Mean and biased variance of each channel of a batch `[n, c, places]`, both `[1, c, 1]`; and notes them for
    /// [`follow`](BatchNorm::follow).
    #[track_caller]
    fn measure<'p, T: Real>(&self, x: Var<'p, T>, mode: &mut Mode<T>) -> [Var<'p, T>; 2] {
        let [n, _, places] = x.dims();
        let count = (n * places) as f64;
        let (mean, variance) = (x.mean_axes(&[0, 2], true), x.var_axes(&[0, 2], false, true));
        let tracked = if self.options.stream {
            variance
        } else {
            assert!(
                count > 1.0,
                "BatchNorm: more than one value for each channel expected in training; \
                 for single examples there is the option `stream`"
            );
            variance * T::from_f64(count / (count - 1.0))
        };
        mean.with(|mean| tracked.with(|variance| mode.measured(*self, [mean, variance])));
        [mean, variance]
    }

    /// Moves the running statistics by the means and then the variances of one batch, and counts it.
    #[track_caller]
    pub(crate) fn follow<T: Real>(&self, params: &mut Params<T>, measured: &[T]) {
        let batches = &mut params.of_mut(self.num_batches_tracked)[0];
        *batches += T::ONE;
        // Examples are normalised by v from the first on: with ρ = 1 that of a single one, 0, would be all that is known.
        let all = if self.options.stream { *batches + T::ONE } else { *batches };
        let rho = self.options.momentum.map_or(T::ONE / all, T::from_f64);
        let (means, variances) = measured.split_at(measured.len() / 2);
        let channels = params.of(self.running_mean).len();
        assert!(means.len() == channels, "update_buffers: {channels} channels, but {} were measured", means.len());
        for (c, (&mean, &variance)) in means.iter().zip(variances).enumerate() {
            let m = &mut params.of_mut(self.running_mean)[c];
            let away = if self.options.stream { mean - *m } else { T::ZERO };
            *m = (T::ONE - rho) * *m + rho * mean;
            let v = &mut params.of_mut(self.running_var)[c];
            *v = (T::ONE - rho) * *v + rho * (variance + (T::ONE - rho) * away * away);
        }
    }

    /// Adds channels, which begin as in [`new`](BatchNorm::new). The old outputs do not change by a bit.
    pub fn grow<T: Real>(&self, params: &mut Params<T>, by: usize) {
        let [weight, bias] = self.affine.map_or([None; 2], |params| params.map(Some));
        for (param, start) in [(weight, T::ONE), (bias, T::ZERO)] {
            param.into_iter().for_each(|param| params.grow(param, 0, by, |_| start));
        }
        params.grow(self.running_mean, 0, by, |_| T::ZERO);
        params.grow(self.running_var, 0, by, |_| T::ONE);
    }
}
