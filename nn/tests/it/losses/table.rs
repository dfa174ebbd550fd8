//! Every loss in one table, over data that all of them can be given.

use thalweg_autograd::Var;
use thalweg_nn::loss::*;
use thalweg_tensor::Real;

/// The class of each of the four examples, out of three. None is 0, which is the blank of CTC.
pub const CLASSES: [usize; 4] = [2, 1, 1, 2];

/// A loss of predictions `[n, 3]` against targets `[n, 3]`, both between −2 and 2, or against `n` classes. It brings them
/// to where it is defined.
pub struct Row<T: Real> {
    pub name: &'static str,
    /// Before they are reduced.
    pub each: Box<Each<T>>,
    /// With this reduction.
    pub forward: Box<Forward<T>>,
}

type Each<T> = dyn for<'p> Fn(Var<'p, T>, Var<'p, T>, &[usize]) -> Losses<'p, T>;
type Forward<T> = dyn for<'p> Fn(Var<'p, T>, Var<'p, T>, &[usize], Reduction) -> Var<'p, T>;

pub const REDUCTIONS: [Reduction; 4] = [Reduction::Mean, Reduction::BatchMean, Reduction::Sum, Reduction::None];

macro_rules! table {
    ($($name:literal: $loss:expr, $each:ident $forward:ident |$x:ident, $t:ident, $classes:ident| $args:tt;)*) => {
        /// Every loss with its defaults, and some with their options.
        pub fn table<T: Real>() -> Vec<Row<T>> {
            vec![$(
                {
                    let plain = $loss;
                    let reduced = REDUCTIONS.map(|reduction| {
                        let mut loss = plain.clone();
                        loss.reduction = reduction;
                        loss
                    });
                    Row {
                        name: $name,
                        each: Box::new(move |$x, $t, $classes| {
                            let _ = ($t, $classes);
                            plain.$each $args
                        }),
                        forward: Box::new(move |$x, $t, $classes, reduction| {
                            let _ = ($t, $classes);
                            let loss = REDUCTIONS.iter().zip(&reduced).find(|(r, _)| **r == reduction);
                            loss.expect("every reduction is there").1.$forward $args
                        }),
                    }
                },
            )*]
        }
    };
}

table! {
    "mse": MseLoss::default(), each forward |x, t, c| (x, t);
    "l1": L1Loss::default(), each forward |x, t, c| (x, t);
    "huber": HuberLoss { delta: 0.6, ..Default::default() }, each forward |x, t, c| (x, t);
    "smooth l1": SmoothL1Loss { beta: 0.6, ..Default::default() }, each forward |x, t, c| (x, t);
    "smooth l1 with beta 0": SmoothL1Loss { beta: 0.0, ..Default::default() }, each forward |x, t, c| (x, t);
    "quantile": QuantileLoss::of(&[0.1, 0.5, 0.9]), each forward |x, t, c| (x, t.sum_axis(1));
    "cross entropy": CrossEntropyLoss::default(), each forward |x, t, c| (x, c);
    "cross entropy, options": cross_entropy(), each forward |x, t, c| (x, c);
    "cross entropy, probabilities": cross_entropy(), each_of_probabilities forward_probabilities
        |x, t, c| (x, t.softmax());
    "nll": NllLoss::default(), each forward |x, t, c| (x.log_softmax(), c);
    "nll, options": NllLoss { weight: Some(vec![0.0, 0.5, 2.0]), ..Default::default() }, each forward
        |x, t, c| (x.log_softmax(), c);
    "multi margin": MultiMarginLoss::default(), each forward |x, t, c| (x, c);
    "multi margin, options": multi_margin(), each forward |x, t, c| (x, c);
    "bce": BceLoss::default(), each forward |x, t, c| (x.sigmoid(), t.sigmoid());
    "bce with logits": BceWithLogitsLoss::default(), each forward |x, t, c| (x, t.sigmoid());
    "bce with logits, pos_weight": bce_with_logits(), each forward |x, t, c| (x, t.sigmoid());
    "hinge": HingeLoss::default(), each forward |x, t, c| (x, t.sign());
    "hinge, squared": HingeLoss { squared: true, ..Default::default() }, each forward |x, t, c| (x, t.sign());
    "kl": KlDivLoss::default(), each forward |x, t, c| (x.log_softmax(), t.softmax());
    "kl, log_target": KlDivLoss { log_target: true, ..Default::default() }, each forward
        |x, t, c| (x.log_softmax(), t.log_softmax());
    "poisson": PoissonNllLoss::default(), each forward |x, t, c| (x, t.exp());
    "poisson, options": PoissonNllLoss { log_input: false, full: true, ..Default::default() }, each forward
        |x, t, c| (x.exp(), t.exp());
    "gaussian": GaussianNllLoss { full: true, ..Default::default() }, each forward |x, t, c| (x, t.exp(), t);
    "hinge embedding": HingeEmbeddingLoss::default(), each forward |x, t, c| (x, t.sign());
    "cosine embedding": CosineEmbeddingLoss { margin: 0.1, ..Default::default() }, each forward
        |x, t, c| (x, t, t.sum_axis(1).sign());
    "negative sampling": NegativeSamplingLoss::default(), each forward
        |x, t, c| (x, t, Var::stack_axis(&[t * T::from_f64(0.5), -t], 1));
    "ctc": CtcLoss::default(), each forward |x, t, c| (frames(x), c, &[3; 64][..c.len()], &[1; 64][..c.len()]);
}

fn cross_entropy() -> CrossEntropyLoss {
    CrossEntropyLoss { weight: Some(vec![1.5, 0.5, 2.0]), label_smoothing: 0.2, ..Default::default() }
}

fn multi_margin() -> MultiMarginLoss {
    MultiMarginLoss { p: 2, margin: 0.7, weight: Some(vec![1.5, 0.5, 2.0]), ..Default::default() }
}

fn bce_with_logits() -> BceWithLogitsLoss {
    BceWithLogitsLoss { pos_weight: Some(vec![1.0, 3.0, 0.5]), ..Default::default() }
}

/// Three frames for each example: `[n, 3] → [3, n, 3]`.
fn frames<T: Real>(x: Var<'_, T>) -> Var<'_, T> {
    Var::stack(&[x, x * T::from_f64(0.5), -x]).log_softmax()
}
