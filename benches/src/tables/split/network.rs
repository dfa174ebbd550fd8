//! The network, and the batches that it learns.

use thalweg_autograd::{Activation, Params, Var};
use thalweg_nn::Linear;
use thalweg_tensor::{Rng, View};

use super::data::Contexts;
use super::method::Scenario;

/// `pixels-hidden-hidden-outputs`, ReLU between the layers.
#[derive(Clone, Copy, Debug)]
pub struct Mlp([Linear; 3]);

impl Mlp {
    /// Adds the network to θ.
    pub fn new(params: &mut Params<f32>, pixels: usize, hidden: usize, outputs: usize, rng: &mut Rng) -> Self {
        let sizes = [("first", pixels, hidden), ("second", hidden, hidden), ("head", hidden, outputs)];
        Mlp(sizes.map(|(name, inputs, outputs)| Linear::new(params, name, inputs, outputs, rng)))
    }

    /// The outputs of the last hidden layer.
    pub fn features<'p>(&self, x: Var<'p>) -> Var<'p> {
        let [first, second, _] = &self.0;
        second.forward_with(first.forward_with(x, Activation::Relu), Activation::Relu)
    }

    /// The logits.
    pub fn logits<'p>(&self, x: Var<'p>) -> Var<'p> {
        self.0[2].forward(self.features(x))
    }
}

/// Images, what is right, and which outputs are active.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    rows: usize,
    x: Vec<f32>,
    /// The right outputs.
    pub targets: Vec<usize>,
    /// 0 for an output that is active, −∞ for one that is not.
    mask: Vec<f32>,
}

impl Batch {
    /// Some images, each with the outputs of its own context.
    #[must_use]
    pub fn new(contexts: &Contexts<'_>, scenario: Scenario, images: impl Iterator<Item = usize>) -> Self {
        let mut batch = Batch::default();
        for image in images {
            let class = contexts.class(image);
            batch.rows += 1;
            batch.x.extend_from_slice(contexts.data.image(image));
            batch.targets.push(scenario.target(class));
            let active = scenario.active(class / 2);
            batch
                .mask
                .extend((0..scenario.outputs()).map(|k| if active.contains(&k) { 0.0 } else { f32::NEG_INFINITY }));
        }
        batch
    }

    /// Only the classes that the batch has are active: ER-ACE.
    pub fn among_its_own(&mut self) {
        let outputs = self.mask.len() / self.rows;
        for (index, mask) in self.mask.iter_mut().enumerate() {
            if !self.targets.contains(&(index % outputs)) {
                *mask = f32::NEG_INFINITY;
            }
        }
    }

    /// `[n, pixels]`.
    #[must_use]
    pub fn images(&self) -> View<'_, f32> {
        View::new([self.rows, self.x.len() / self.rows], &self.x)
    }

    /// The cross entropy of logits, among the outputs that are active.
    pub fn cross_entropy<'p>(&self, logits: Var<'p>) -> Var<'p> {
        let mask = logits.pass().input(View::new(logits.shape(), &self.mask));
        (logits + mask).cross_entropy(&self.targets)
    }

    /// The mean squared distance from what was said of the same images, over the outputs that are active.
    pub fn distance<'p>(&self, logits: Var<'p>, said: &[f32]) -> Var<'p> {
        let pass = logits.pass();
        let active: Vec<f32> = self.mask.iter().map(|mask| f32::from(u8::from(*mask == 0.0))).collect();
        let [said, shown] = [said, &active].map(|numbers| pass.input(View::new(logits.shape(), numbers)));
        ((logits - said) * shown).square().sum() * active.iter().sum::<f32>().recip()
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::tests::easy;
    use super::*;
    use thalweg_autograd::{Grads, Tape};

    /// The slope of the head's biases: which outputs a batch moves.
    fn moved(scenario: Scenario, images: &[usize], of_its_own: bool, by_distance: bool) -> Vec<bool> {
        let data = easy();
        let contexts = Contexts::new(&data, 3);
        let (mut params, mut tape, mut rng) = (Params::new(), Tape::new(), Rng::new(1));
        let network = Mlp::new(&mut params, data.pixels, 5, scenario.outputs(), &mut rng);
        let images: Vec<usize> =
            images.iter().map(|&class| (0..200).find(|&image| contexts.class(image) == class).unwrap()).collect();
        let mut batch = Batch::new(&contexts, scenario, images.into_iter());
        if of_its_own {
            batch.among_its_own();
        }
        let (pass, mut grads) = (tape.pass(&params), Grads::like(&params));
        let logits = network.logits(pass.input(batch.images()));
        let loss = match by_distance {
            true => batch.distance(logits, &vec![9.0; logits.shape().len()]),
            false => batch.cross_entropy(logits),
        };
        assert!(loss.item().is_finite());
        loss.backward(&mut grads);
        grads.of(network.0[2].bias.unwrap()).iter().map(|slope| *slope != 0.0).collect()
    }

    #[test]
    fn only_active_outputs_have_gradients() {
        let at = |classes: &[usize]| (0..10).map(|class| classes.contains(&class)).collect::<Vec<_>>();
        for by_distance in [false, true] {
            assert_eq!(moved(Scenario::Task, &[4, 5], false, by_distance), at(&[4, 5]));
            assert_eq!(moved(Scenario::Task, &[4, 9], false, by_distance), at(&[4, 5, 8, 9]), "each its own");
            assert_eq!(moved(Scenario::Class, &[4, 5], false, by_distance), [true; 10]);
            assert_eq!(moved(Scenario::Domain, &[4, 5], false, by_distance), [true; 2]);
        }
        assert_eq!(moved(Scenario::Class, &[4, 5, 7], true, false), at(&[4, 5, 7]), "ER-ACE");
    }
}
