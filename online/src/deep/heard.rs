//! What an optimizer is told of a lesson beside its gradient.

use thalweg_autograd::{Grads, Var};
use thalweg_tensor::Rng;

use crate::optim::{Example, Needs};

/// An [`Example`] as it is gathered: means nothing in between.
#[derive(Debug, Default)]
pub(super) struct Heard {
    weight: f64,
    error: f64,
    curvature: f64,
    slopes: Grads<f32>,
    has_slopes: bool,
    /// A number for each output.
    outputs: Vec<f32>,
}

impl Heard {
    /// Looks at what is known right behind the backward pass of a lesson of this weight: at the gradient of the outputs.
    pub fn listen(&mut self, needs: Needs, output: Var<'_>, weight: f64, curvature: f64) {
        (self.weight, self.error, self.curvature, self.has_slopes) = (weight, 1.0, curvature, false);
        if needs == Needs::Gradient {
            return;
        }
        self.outputs.clear();
        self.outputs.resize(output.shape().len(), 0.0);
        output.grad_to(&mut self.outputs);
        let pull = match self.outputs[..] {
            [only] => -f64::from(only),
            ref several => several.iter().map(|&pull| f64::from(pull).powi(2)).sum::<f64>().sqrt(),
        };
        self.error = pull / (weight * curvature);
    }

    /// Looks at the slopes of the outputs, for which it goes back once more; `signs` says which sign each output has. Whoever
    /// needs more than the tape for that adds it to what is returned.
    pub fn listen_again(&mut self, output: Var<'_>, signs: u64) -> &mut Grads<f32> {
        let mut signs = Rng::new(signs);
        self.outputs.iter_mut().for_each(|sign| *sign = [-1.0, 1.0][signs.below(2)]);
        self.slopes.zero();
        output.backward_from(&self.outputs, &mut self.slopes);
        self.has_slopes = true;
        &mut self.slopes
    }

    /// The example, for one step.
    pub fn example(&mut self) -> Example<'_, f32> {
        let &mut Heard { weight, error, curvature, ref mut slopes, has_slopes, .. } = self;
        Example { weight, error, curvature, slopes: has_slopes.then_some(slopes), curve: None }
    }
}
