//! Whether a network and its parameters belong together.

use std::ops::Range;

use thalweg_autograd::{Entry, Param, Params};
use thalweg_tensor::{Real, Rng};

use super::Network;
use crate::spec::SpecError;

impl Network {
    /// Which entries of θ are its own. To be asked where a network and its θ come from outside, together: what passes can do
    /// all that it could when it was built, without a panic.
    ///
    /// ```
    /// use thalweg_nn::{Network, Params, Rng};
    ///
    /// let mut params = Params::<f32>::new();
    /// params.add("other", [5], |_| 0.0);
    /// let net = Network::new(&mut params, "net", &"linear:4 > relu".parse()?, [3], &mut Rng::new(1))?;
    /// assert_eq!(net.check(&params)?, 1..3);
    /// let error = net.check(&Params::<f32>::new()).unwrap_err().to_string();
    /// assert_eq!(error, "net: linear:4 > relu: expected its parameters, found others");
    /// # Ok::<(), thalweg_nn::spec::SpecError>(())
    /// ```
    ///
    /// # Errors
    /// If its layers do not fit one another, or it was built over other parameters.
    pub fn check<T: Real>(&self, params: &Params<T>) -> Result<Range<usize>, SpecError> {
        let (name, spec, entries) = (&self.name, &self.spec, params.layout().entries());
        let wrong = || SpecError::new(format!("{name}: {spec}: expected its parameters, found others"));
        spec.output(self.input())?;
        // Before there is room for as many again.
        if spec.weights(self.input()) > params.count() as f64 {
            return Err(wrong());
        }
        let (mut twin, mut twins) = self.twin(0)?;
        let first =
            twins.layout().entries().first().and_then(|entry| params.find(entry.name())).map_or(0, Param::index);
        if first > 0 {
            (twin, twins) = self.twin(first)?;
        }
        let (own, expected) = (first..twins.layout().entries().len(), &twins.layout().entries()[first..]);
        let found = entries.get(own.clone()).unwrap_or_default();
        let alike = |(one, other): (&Entry, &Entry)| {
            (one.name(), one.shape(), one.blocks()) == (other.name(), other.shape(), other.blocks())
        };
        let fits = twin == *self && found.len() == own.len() && found.iter().zip(expected).all(alike);
        if fits { Ok(own) } else { Err(wrong()) }
    }

    /// The same network, built over parameters of its own, of which `before` stand before it.
    fn twin(&self, before: usize) -> Result<(Network, Params<f32>), SpecError> {
        let (name, mut params) = (&self.name, Params::new());
        (0..before).for_each(|index| {
            params.add(&format!("{index} before {name}"), [0], |_| 0.0);
        });
        let twin = Network::new(&mut params, name, &self.spec, self.input(), &mut Rng::new(0))?;
        Ok((twin, params))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Layer;

    fn built(text: &str, input: usize) -> (Network, Params<f32>) {
        let (mut params, spec) = (Params::new(), text.parse().expect("there is such a network"));
        let net = Network::new(&mut params, "net", &spec, [input], &mut Rng::new(3)).expect("it fits");
        (net, params)
    }

    #[test]
    fn what_was_built_and_has_grown_is_its_own() {
        for text in [
            "",
            "linear:4 > relu",
            "lstm:3x2 > residual(linear:3) > layer_norm",
            "lru:3x2 > rtu:4",
            "elstm:3",
            "linear:16 > view:1x16 > conv1d:2x3",
        ] {
            let (mut net, mut params) = built(text, 2);
            params.add("behind", [2], |_| 0.0);
            let own = 0..params.layout().entries().len() - 1;
            assert_eq!(net.check(&params), Ok(own.clone()), "{text}");
            assert!(net.grow_inputs(&mut params, 3), "{text}");
            assert_eq!(net.check(&params), Ok(own), "{text}");
        }
    }

    #[test]
    fn what_is_not_its_own_is_refused() {
        let (net, params) = built("linear:4 > relu > linear:3", 2);
        let refused = |net: &Network, params: &Params<f32>| assert!(net.check(params).is_err());
        refused(&net, &Params::new());
        refused(&net, &built("linear:4 > relu > linear:2", 2).1);
        refused(&net, &built("linear:4 > relu > linear:3", 3).1);
        refused(&Network { name: "other".into(), ..net.clone() }, &params);
        refused(
            &Network { spec: "linear:4 > relu > linear:3".parse().expect("one"), ..built("linear:4", 2).0 },
            &params,
        );
        let mut crossed = net.clone();
        if let [(Layer::Linear(first, _), _), .., (Layer::Linear(last, _), _)] = &mut crossed.chain.layers[..] {
            std::mem::swap(&mut first.bias, &mut last.bias);
        }
        refused(&crossed, &params);
        // Neither is room made for what cannot be there.
        let wide = |text: &str, input: usize| Network {
            chain: super::super::Chain { input: [input].into(), layers: vec![] },
            ..built(text, 2).0
        };
        refused(&wide("layer_norm", 1 << 40), &params);
        refused(&wide("linear:9", 1 << 24), &params);
    }
}
