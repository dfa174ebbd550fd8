//! What is added to the cross entropy, or stands for it: LwF and iCaRL.

use thalweg_autograd::Var;
use thalweg_nn::loss::{BceWithLogitsLoss, Reduction};
use thalweg_online::Task;
use thalweg_online::consolidate::{Consolidation, Teacher};
use thalweg_tensor::View;

use super::method::Scenario;
use super::network::Mlp;

/// What iCaRL divides the outputs of then by.
const TEMPERATURE: f32 = 2.0;

/// What LwF adds to the loss; 0 of other methods.
#[must_use]
pub fn distil<'p>(
    held: &mut Consolidation<Mlp>,
    scenario: Scenario,
    context: usize,
    logits: Var<'p>,
    images: View<'_, f32>,
) -> Var<'p> {
    let mut cost = logits.pass().zeros([]);
    let mut add = |logits: Var<'p>, outputs: std::ops::Range<usize>, factor: f32| {
        let said = held.distil(Task::Classify, logits, images, |network, x| network.logits(x).slice(1, outputs));
        said.into_iter().for_each(|more| cost = cost + more * factor);
    };
    match scenario {
        // Each of the heads of then, by itself.
        Scenario::Task => (0..context).for_each(|old| {
            let outputs = scenario.active(old);
            add(logits.slice(1, outputs.clone()), outputs, 1.0);
        }),
        Scenario::Domain => add(logits, 0..2, context as f32),
        Scenario::Class if context > 0 => add(logits, 0..2 * context, 1.0),
        Scenario::Class => {}
    }
    cost
}

/// iCaRL's loss: for each class that has been seen whether it is this; of old ones, what was said when the last context ended.
#[must_use]
pub fn binary<'p>(
    logits: Var<'p>,
    targets: &[usize],
    seen: usize,
    teacher: Option<&mut Teacher<Mlp>>,
    images: View<'_, f32>,
) -> Var<'p> {
    let mut answers: Vec<f32> =
        targets.iter().flat_map(|&target| (0..seen).map(move |k| f32::from(u8::from(k == target)))).collect();
    if let Some(teacher) = teacher {
        let outputs = logits.shape().dims()[1];
        let said = teacher.say(images, |network, x| network.logits(x)).chunks_exact(outputs);
        for (answers, said) in answers.chunks_exact_mut(seen).zip(said) {
            let old = answers.iter_mut().zip(said).take(seen - 2);
            old.for_each(|(answer, said)| *answer = 1.0 / (1.0 + (-said / TEMPERATURE).exp()));
        }
    }
    let answers = logits.pass().input(View::new([targets.len(), seen], &answers));
    let loss = BceWithLogitsLoss { reduction: Reduction::BatchMean, ..Default::default() };
    loss.forward(logits.slice(1, 0..seen), answers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Params, Tape};
    use thalweg_tensor::Rng;

    /// iCaRL by hand, of two images: the first two classes are old.
    #[test]
    fn old_classes_are_asked_of_the_teacher_and_new_ones_of_the_labels() {
        let (mut params, mut tape) = (Params::new(), Tape::new());
        let network = Mlp::new(&mut params, 3, 4, 10, &mut Rng::new(1));
        let mut teacher = Teacher::new(&network, &params, 3);
        let x = [0.5, -1.0, 2.0, 1.0, 0.0, -0.5];
        let images = View::new([2, 3], &x);
        let said = teacher.say(images, |network, x| network.logits(x)).to_vec();
        let pass = tape.pass(&params);
        let logits = network.logits(pass.input(images));
        let loss = binary(logits, &[2, 3], 4, Some(&mut teacher), images).item();

        let sigmoid = |z: f32| 1.0 / (1.0 + (-z).exp());
        let mut by_hand = 0.0;
        for row in 0..2 {
            for k in 0..4 {
                let z = said[10 * row + k];
                let answer = if k < 2 { sigmoid(z / 2.0) } else { f32::from(u8::from(k == row + 2)) };
                by_hand -= 0.5 * (answer * sigmoid(z).ln() + (1.0 - answer) * sigmoid(-z).ln());
            }
        }
        assert!((loss - by_hand).abs() < 1e-5, "{loss} {by_hand}");
    }

    /// A network that says what it said pays the entropy of that, and nothing moves it.
    #[test]
    fn in_the_first_context_nothing_is_distilled() {
        let (mut params, mut tape) = (Params::new(), Tape::new());
        let network = Mlp::new(&mut params, 3, 4, 10, &mut Rng::new(1));
        let mut held = Consolidation::new("lwf:1,new=zero".parse().expect("a method"), 1);
        let images = View::new([1, 3], &[0.5, -1.0, 2.0]);
        let mut cost = |held: &mut Consolidation<Mlp>, scenario: Scenario, context: usize| {
            let pass = tape.pass(&params);
            distil(held, scenario, context, network.logits(pass.input(images)), images).item()
        };
        assert_eq!(cost(&mut held, Scenario::Task, 0), 0.0);
        held.boundary(&params, &network, 3);
        let heads: Vec<f32> = (1..4).map(|context| cost(&mut held, Scenario::Task, context)).collect();
        assert!(heads[0] > 0.0 && heads[0] <= 2.0_f32.ln() && heads[1] > heads[0] && heads[2] > heads[1], "{heads:?}");
        assert!(cost(&mut held, Scenario::Class, 1) > heads[0], "new classes take their share of the probability");
    }
}
