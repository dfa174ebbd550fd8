//! Convolution: one affine map for every place.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{ConvOptions, Real, Rng, Shape};

use crate::init;

/// Convolution over one axis, PyTorch's `nn.Conv1d`: `[n, in, l]` or `[in, l]` → `[n, out, l′]` or `[out, l′]`.
pub type Conv1d = Conv<1>;

/// Convolution over two axes, PyTorch's `nn.Conv2d`: `[n, in, h, w]` or `[in, h, w]` → `[n, out, h′, w′]` or
/// `[out, h′, w′]`.
pub type Conv2d = Conv<2>;

/// Convolution over `N` axes; use it as [`Conv1d`] or [`Conv2d`].
///
/// ```text
/// yₒ = bₒ + Σ_c w_oc ⋆ x_c        W: [out, in/groups, k…]   b: [out]
/// ```
///
/// `⋆` slides the kernel over the image without turning it round; [`ConvOptions`] say how: stride, zeros around the image,
/// dilation, groups. Parameters `name.weight` and `name.bias`, both uniform in ±1/√(in/groups · Πk) at the start.
///
/// Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel 1989.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::Conv2d;
/// use thalweg_tensor::{ConvOptions, Rng};
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let same = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
/// let conv = Conv2d::with(&mut params, "conv", [3, 8], [3, 3], same, true, &mut rng);
/// assert_eq!(conv.forward(tape.pass(&params).zeros([5, 3, 28, 28])).dims(), [5, 8, 28, 28]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "[usize; N]: serde::Serialize", deserialize = "[usize; N]: serde::Deserialize<'de>"))
)]
pub struct Conv<const N: usize> {
    /// `[out, in/groups, k…]`.
    pub weight: Param,
    /// `[out]`.
    pub bias: Option<Param>,
    /// How the kernel moves.
    pub options: ConvOptions<N>,
}

impl<const N: usize> Conv<N> {
    /// Adds the layer's parameters to θ: stride 1, no padding, with a bias.
    ///
    /// # Panics
    /// If the names are taken.
    #[track_caller]
    pub fn new<T: Real>(
        params: &mut Params<T>,
        name: &str,
        inputs: usize,
        outputs: usize,
        kernel: [usize; N],
        rng: &mut Rng,
    ) -> Self {
        Self::with(params, name, [inputs, outputs], kernel, ConvOptions::default(), true, rng)
    }

    /// With options of choice for [inputs, outputs], with or without a bias.
    ///
    /// # Panics
    /// If the names are taken, or the channels cannot be cut into so many groups.
    #[track_caller]
    pub fn with<T: Real>(
        params: &mut Params<T>,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: [usize; N],
        options: ConvOptions<N>,
        bias: bool,
        rng: &mut Rng,
    ) -> Self {
        let groups = options.groups;
        let fits = groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
        assert!(fits, "Conv: {inputs} inputs and {outputs} outputs cannot be cut into {groups} groups");
        let mut shape = Shape::from([outputs, inputs / groups]);
        kernel.iter().for_each(|&taps| shape = shape.inserted(shape.rank(), taps));
        let bound = init::default_bound(shape.without(0).len());
        let weight = params.add(&format!("{name}.weight"), shape, init::uniform(bound, rng));
        let bias = bias.then(|| params.add(&format!("{name}.bias"), [outputs], init::uniform(bound, rng)));
        Conv { weight, bias, options }
    }

    /// Adds input channels, with weights of zero: no output changes, whatever finite numbers the new inputs are.
    ///
    /// # Panics
    /// If there is more than one group: old channels would change theirs.
    #[track_caller]
    pub fn grow_inputs<T: Real>(&self, params: &mut Params<T>, by: usize) {
        self.assert_ungrouped("grow_inputs");
        params.grow(self.weight, 1, by, init::zeros());
    }

    /// Adds output channels behind the others, which begin as in [`new`](Conv::new). The old ones do not change by a bit.
    ///
    /// # Panics
    /// If there is more than one group: old channels would change theirs.
    #[track_caller]
    pub fn grow_outputs<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        self.assert_ungrouped("grow_outputs");
        let bound = init::default_bound(params.layout().entry(self.weight).shape().without(0).len());
        params.grow(self.weight, 0, by, init::uniform(bound, rng));
        if let Some(bias) = self.bias {
            params.grow(bias, 0, by, init::uniform(bound, rng));
        }
    }

    #[track_caller]
    fn assert_ungrouped(&self, what: &str) {
        let groups = self.options.groups;
        assert!(groups == 1, "{what}: one group expected, the convolution has {groups}");
    }
}

/// Forward, which is another op for each number of axes.
macro_rules! forward {
    ($axes:literal, $op:ident, $shapes:literal) => {
        impl Conv<$axes> {
            #[doc = concat!("The convolution of ", $shapes, ": see [`Var::", stringify!($op), "`].")]
            ///
            /// # Panics
            /// If the input has other channels, or the kernel does not fit into the padded input.
            #[track_caller]
            pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
                let pass = x.pass();
                x.$op(pass.param(self.weight), self.bias.map(|bias| pass.param(bias)), self.options)
            }
        }
    };
}

forward!(1, conv1d, "`[n, in, l]` or `[in, l]`");
forward!(2, conv2d, "`[n, in, h, w]` or `[in, h, w]`");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Linear;
    use proptest::prelude::*;
    use thalweg_autograd::Tape;
    use thalweg_tensor::{Rng, Tensor};

    proptest! {
        /// Old outputs are equal after any growth.
        #[test]
        fn growth_changes_no_old_output(
            (c, o, side) in (1usize..20, 1usize..20, 3usize..7), (more_in, more_out) in (0usize..20, 0usize..4), seed: u64,
        ) {
            let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(seed), Tape::new());
            let conv = Conv2d::new(&mut params, "conv", c, o, [3, 3], &mut rng);
            let x = Tensor::<f32>::uniform([c, side, side], -1.0, 1.0, &mut rng);
            let before = conv.forward(tape.pass(&params).input(&x)).to_tensor();
            conv.grow_inputs(&mut params, more_in);
            conv.grow_outputs(&mut params, more_out, &mut rng);
            let news = Tensor::<f32>::uniform([more_in, side, side], -1.0, 1.0, &mut rng);
            let x = Tensor::concat(&[x.view(), news.view()], 0);
            let after = conv.forward(tape.pass(&params).input(&x)).to_tensor();
            prop_assert_eq!(&after.as_slice()[..before.shape().len()], before.as_slice());
            prop_assert_eq!(after.shape().dims()[0], o + more_out);
        }

        /// A kernel of one tap is a linear layer at every place.
        #[test]
        fn one_tap_is_a_linear_layer((c, o, h, w) in (1usize..6, 1usize..6, 1usize..5, 1usize..5), seed: u64) {
            let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(seed), Tape::new());
            let conv = Conv2d::new(&mut params, "conv", c, o, [1, 1], &mut rng);
            let linear = Linear::new(&mut params, "linear", c, o, &mut rng);
            let copied = [params.of(conv.weight).to_vec(), params.of(conv.bias.expect("a bias")).to_vec()];
            params.of_mut(linear.weight).copy_from_slice(&copied[0]);
            params.of_mut(linear.bias.expect("a bias")).copy_from_slice(&copied[1]);
            let pass = tape.pass(&params);
            let x = pass.input(&Tensor::uniform([2, c, h, w], -1.0, 1.0, &mut rng));
            let places = linear.forward(x.permute(&[0, 2, 3, 1])).permute(&[0, 3, 1, 2]);
            prop_assert!((conv.forward(x) - places).abs().sum().item() < 1e-12);
        }
    }

    #[test]
    fn names_shapes_and_starts_are_pytorchs() {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
        let options = ConvOptions { groups: 2, ..ConvOptions::default() };
        let conv = Conv1d::with(&mut params, "net.0", [4, 6], [3], options, true, &mut rng);
        assert_eq!(params.find("net.0.weight"), Some(conv.weight));
        assert_eq!(params.find("net.0.bias"), conv.bias);
        assert_eq!(params.view(conv.weight).shape().dims(), [6, 2, 3]);
        let largest = params.of(conv.weight).iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        assert!(largest <= 6f64.sqrt().recip() && largest > 0.8 * 6f64.sqrt().recip());
    }

    #[test]
    #[should_panic(expected = "Conv: 4 inputs and 5 outputs cannot be cut into 2 groups")]
    fn with_panics_on_channels_that_do_not_divide() {
        let options = ConvOptions { groups: 2, ..ConvOptions::default() };
        Conv1d::with(&mut Params::<f32>::new(), "conv", [4, 5], [3], options, true, &mut Rng::new(1));
    }

    #[test]
    #[should_panic(expected = "grow_inputs: one group expected, the convolution has 2")]
    fn groups_do_not_grow() {
        let mut params = Params::<f32>::new();
        let options = ConvOptions { groups: 2, ..ConvOptions::default() };
        let conv = Conv1d::with(&mut params, "conv", [4, 4], [3], options, true, &mut Rng::new(1));
        conv.grow_inputs(&mut params, 2);
    }
}
