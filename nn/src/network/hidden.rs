//! Hidden units: who makes them, who hears them, and what they say.

use thalweg_autograd::Var;
use thalweg_tensor::Real;

use super::forward::Way;
use super::{Layer, LayerSpec, Network, NetworkSpec, NetworkState};
use crate::{Linear, Mode, Nonlinearity};

/// A layer of hidden units: what stands between two linear layers, with nothing in between but functions of single numbers
/// and dropout. To take a unit out of a network, to draw it anew, or to look at what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Hidden {
    /// The place in the network of the layer whose outputs are what the units say: see
    /// [`step_observed`](Network::step_observed).
    pub place: usize,
    /// What leads to a unit: a row of the weights, an element of the bias.
    pub incoming: Linear,
    /// What hears a unit: a column of the weights.
    pub outgoing: Linear,
}

impl Network {
    /// Its layers of hidden units, from the input to the output. `head`: the linear layer that takes the network's output, if
    /// one does. What is inside of residual, recurrent, attentive and convolutional layers is not among them.
    ///
    /// ```
    /// use thalweg_nn::{Linear, Mode, Network, Params, Rng, State, Tape};
    ///
    /// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
    /// let body = Network::new(&mut params, "body", &"linear:8 > tanh > linear:5 > relu".parse()?, [3], &mut rng)?;
    /// let head = Linear::new(&mut params, "head", 5, 2, &mut rng);
    /// let [first, second] = body.hidden(Some(head))[..] else { panic!("two layers expected") };
    /// assert_eq!((first.place, first.outgoing), (1, second.incoming));
    /// assert_eq!((second.place, second.outgoing), (3, head));
    ///
    /// let pass = tape.pass(&params);
    /// let (x, start) = (pass.input(&[1.0, 0.5, -1.0]), body.enter(&pass, &State::default()));
    /// let mut said = Vec::new();
    /// body.step_observed(x, start, &mut Mode::Eval, &mut |place, h| {
    ///     if place == second.place {
    ///         said = h.to_tensor().as_slice().to_vec();
    ///     }
    /// });
    /// assert!(said.len() == 5 && said.iter().all(|&h| h >= 0.0));
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    pub fn hidden(&self, head: Option<Linear>) -> Vec<Hidden> {
        let (mut found, mut before) = (Vec::new(), None);
        for (place, (spec, (layer, _))) in self.spec.layers.iter().zip(&self.chain.layers).enumerate() {
            match layer {
                Layer::Linear(linear, _) => {
                    let hidden = |incoming| Hidden { place: place - 1, incoming, outgoing: *linear };
                    found.extend(before.replace(*linear).map(hidden));
                }
                _ if keeps_units(spec) => {}
                _ => before = None,
            }
        }
        if let (Some(incoming), Some(outgoing)) = (before, head) {
            found.push(Hidden { place: self.chain.layers.len() - 1, incoming, outgoing });
        }
        found
    }

    /// [`step`](Network::step), which shows what each layer gives, with its place: `[…]`, or `[n, …]` for a batch.
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    pub fn step_observed<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
        see: &mut dyn FnMut(usize, Var<'p, T>),
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        self.refuse_whole_sequences();
        self.run(x, &[0, 1], Way::Step, state, mode, see)
    }

    /// [`sequence`](Network::sequence), which shows what each layer gives, with its place, time and batch as one axis:
    /// `[t, …]`, or `[t n, …]`.
    ///
    /// # Panics
    /// As that does.
    #[track_caller]
    pub fn sequence_observed<'p, T: Real>(
        &self,
        x: Var<'p, T>,
        state: NetworkState<'p, T>,
        mode: &mut Mode<T>,
        see: &mut dyn FnMut(usize, Var<'p, T>),
    ) -> (Var<'p, T>, NetworkState<'p, T>) {
        self.run(x, &[1, 2], Way::Sequence, state, mode, see)
    }
}

impl NetworkSpec {
    /// Whether such a network, under a linear head, has [hidden units](Network::hidden).
    ///
    /// ```
    /// use thalweg_nn::NetworkSpec;
    ///
    /// let has = |text: &str| Ok::<_, thalweg_nn::spec::SpecError>(text.parse::<NetworkSpec>()?.has_hidden_units());
    /// assert!(has("linear:8 > tanh")? && has("linear:8 > linear:3 > softmax")? && has("gru:8 > linear:8")?);
    /// assert!(!has("gru:8")? && !has("linear:8 > softmax")? && !has("linear:8 > layer_norm > linear:8 > softmax")?);
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    pub fn has_hidden_units(&self) -> bool {
        let (mut found, mut before) = (false, false);
        for layer in &self.layers {
            let is_linear = matches!(layer, LayerSpec::Linear { .. });
            found |= before && is_linear;
            before = is_linear || before && keeps_units(layer);
        }
        found || before
    }
}

/// Whether each output of a layer is of one input.
fn keeps_units(layer: &LayerSpec) -> bool {
    match layer {
        LayerSpec::Function(function) => {
            !matches!(function, Nonlinearity::Glu | Nonlinearity::Softmax | Nonlinearity::LogSoftmax)
        }
        LayerSpec::PRelu | LayerSpec::Dropout { .. } => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::Rng;

    /// Outputs are what the outgoing layers make of what was shown.
    #[test]
    fn what_is_shown_is_what_the_next_layer_hears() {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
        for (text, places) in [
            ("mlp:4,3", vec![1, 3]),
            ("linear:4 > gelu > dropout:0.5 > linear:3", vec![2, 3]),
            ("linear:4", vec![0]),
            ("linear:4 > layer_norm > relu", vec![]),
            ("linear:4 > glu > linear:3 > prelu", vec![3]),
            ("gru:4 > linear:3 > tanh", vec![2]),
            ("residual(linear:2 > relu) > linear:3 > sigmoid", vec![2]),
            ("relu", vec![]),
            ("linear:4 > softmax", vec![]),
        ] {
            let net = Network::new(&mut params, text, &text.parse().expect("a network"), [2], &mut rng);
            let net = net.expect("it fits");
            let head = Linear::new(&mut params, &format!("head of {text}"), net.output().len(), 2, &mut rng);
            let hidden = net.hidden(Some(head));
            assert_eq!(hidden.iter().map(|hidden| hidden.place).collect::<Vec<_>>(), places, "{text}");
            assert_eq!(net.spec().has_hidden_units(), !hidden.is_empty(), "{text}");
            assert!(
                hidden.iter().filter(|hidden| hidden.outgoing == head).count()
                    == net.hidden(None).len().abs_diff(hidden.len())
            );
            let mut tape = Tape::new();
            let pass = tape.pass(&params);
            let start = net.enter(&pass, &net.zero_states(&params, 2));
            let mut last = None;
            let x = pass.input(thalweg_tensor::View::new([2, 2], &[1.0, -1.0, 0.5, 2.0]));
            let (y, _) = net.step_observed(x, start, &mut Mode::Eval, &mut |place, h| {
                if hidden.last().is_some_and(|hidden| hidden.place == place) {
                    last = Some(hidden[hidden.len() - 1].outgoing.forward(h));
                }
            });
            let expected = last.unwrap_or_else(|| head.forward(y));
            assert_eq!(head.forward(y).to_tensor(), expected.to_tensor(), "{text}");
        }
    }
}
