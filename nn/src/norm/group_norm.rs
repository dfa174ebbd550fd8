//! Group normalisation.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use crate::init;

/// Group normalisation, PyTorch's `nn.GroupNorm`: `[n, c, …]` → the same shape.
///
/// ```text
/// y = w_c (x − μ) / √(σ² + ε) + b_c        μ, σ² (biased): over c/groups channels of one example, and all places
/// ```
///
/// Parameters `name.weight: [c]`, ones, and `name.bias: [c]`, zeros. One group normalises whole examples, as many groups
/// as channels each channel by itself (instance normalisation). It does not grow: a group's channels share μ and σ².
///
/// Source: Wu & He 2018.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::GroupNorm;
/// use thalweg_tensor::{Rng, Tensor};
///
/// let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let norm = GroupNorm::new(&mut params, "norm", 2, 4, &mut Rng::new(1));
/// let x = Tensor::new([1, 4, 1], vec![1.0, 3.0, 10.0, 30.0]);
/// let y = norm.forward(tape.pass(&params).input(&x)).to_tensor();
/// assert!(y.as_slice().iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(y, expected)| (y - expected).abs() < 1e-4));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GroupNorm {
    /// w: `[c]`.
    pub weight: Param,
    /// b: `[c]`.
    pub bias: Param,
    /// Into how many groups the channels are cut.
    pub groups: usize,
    /// ε: 10⁻⁵ at first.
    pub eps: f64,
}

impl GroupNorm {
    /// Adds the layer's parameters to θ; groups come first, as in PyTorch.
    ///
    /// # Panics
    /// If the names are taken, or the channels cannot be cut into so many groups.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, groups: usize, channels: usize, _rng: &mut Rng) -> Self {
        let fits = groups > 0 && channels.is_multiple_of(groups);
        assert!(fits, "GroupNorm: {channels} channels cannot be cut into {groups} groups");
        let weight = params.add(&format!("{name}.weight"), [channels], |_| T::ONE);
        let bias = params.add(&format!("{name}.bias"), [channels], init::zeros());
        GroupNorm { weight, bias, groups, eps: 1e-5 }
    }

    /// `y = w_c (x − μ) / √(σ² + ε) + b_c`.
    ///
    /// # Panics
    /// If `x` is not `[n, c, …]`, or there are no groups.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let (shape, [weight, bias]) = (x.shape(), [self.weight, self.bias].map(|param| x.pass().param(param)));
        let [channels] = weight.dims();
        let fits = shape.rank() >= 2 && shape.dims()[1] == channels;
        assert!(fits, "GroupNorm: [n, {channels}, …] expected, the shape is {shape}");
        let groups = self.groups;
        assert!(groups > 0, "GroupNorm: {channels} channels cannot be cut into {groups} groups");
        let [n, _, places] = shape.around(1);
        let grouped = x.reshape([n, groups, channels / groups * places]);
        let normalised = grouped.standardize(T::from_f64(self.eps)).reshape([n, channels, places]);
        (normalised * weight.reshape([channels, 1]) + bias.reshape([channels, 1])).reshape(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LayerNorm;
    use proptest::prelude::*;
    use thalweg_autograd::{Tape, gradcheck_params};
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        #[test]
        fn group_norm_gradient(n in 0usize..3, groups in 1usize..3, each in 1usize..3, places in 2usize..4, seed: u64) {
            let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
            let norm = GroupNorm { eps: 0.1, ..GroupNorm::new(&mut params, "norm", groups, groups * each, &mut rng) };
            let x = params.add("x", [n, groups * each, places], |_| rng.range(-2.0, 2.0));
            gradcheck_params(&params, |pass| norm.forward(pass.param(x)))?;
        }

        /// One group without weights is layer normalisation of the whole example.
        #[test]
        fn one_group_is_layer_norm(n in 1usize..4, channels in 1usize..5, places in 2usize..5, seed: u64) {
            let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
            let group = GroupNorm::new(&mut params, "group", 1, channels, &mut rng);
            let layer = LayerNorm::with(&mut params, "layer", [channels, places], Default::default(), &mut rng);
            let pass = tape.pass(&params);
            let x = pass.input(&Tensor::uniform([n, channels, places], -2.0, 2.0, &mut rng));
            prop_assert!((group.forward(x) - layer.forward(x)).abs().sum().item() < 1e-10);
        }
    }

    #[test]
    #[should_panic(expected = "GroupNorm: 4 channels cannot be cut into 0 groups")]
    fn forward_panics_without_groups() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let norm = GroupNorm { groups: 0, ..GroupNorm::new(&mut params, "norm", 2, 4, &mut Rng::new(1)) };
        norm.forward(tape.pass(&params).zeros([2, 4]));
    }

    #[test]
    #[should_panic(expected = "GroupNorm: [n, 4, …] expected, the shape is [4, 3]")]
    fn forward_panics_on_other_channels() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let norm = GroupNorm::new(&mut params, "norm", 2, 4, &mut Rng::new(1));
        norm.forward(tape.pass(&params).zeros([4, 3]));
    }
}
