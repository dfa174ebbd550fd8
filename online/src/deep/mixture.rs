//! What several experts say together.
//!
//! | task | mixed are | written as outputs |
//! |---|---|---|
//! | classes | probabilities, `p = Σ wᵢ softmax(zᵢ)` | `ln p` |
//! | labels | the probability of each, `p = Σ wᵢ σ(zᵢ)` | `ln p − ln(1 − p)` |
//! | numbers, quantiles | standardised values, `z = Σ wᵢ zᵢ` | z |
//!
//! Outputs of this kind are what one network would say that means the mixture: softmax, sigmoid and loss are those of one network.
//!
//! **Who is not listened to.** An expert of which an output is not finite. And of numbers, for which there are no bounds as
//! there are for probabilities: one that has less than a hundredth of the largest weight; and nobody is taken to say what is
//! more than 4 deviations away from what the one with the largest weight says.

use crate::learn::Task;

/// Of numbers: at least this share of the largest weight has who is listened to.
const HEARD: f64 = 0.01;
/// Of numbers: the deviations by which experts may differ.
const APART: f32 = 4.0;

/// Mixes the outputs of experts by their weights. `said` has a row for each; an empty one has nothing to say. Of equal weights
/// the first one is the largest.
pub(super) fn mix(task: Task, weights: impl Fn(usize) -> f64, said: &[Vec<f32>], mixed: &mut Vec<f32>) {
    mixed.clear();
    let speaks = |&(_, said): &(usize, &Vec<f32>)| !said.is_empty() && said.iter().all(|z| z.is_finite());
    let speakers = || said.iter().enumerate().filter(speaks).map(|(i, z)| (weights(i), z)).filter(|(w, _)| *w > 0.0);
    let first = speakers().reduce(|most, next| if next.0 > most.0 { next } else { most });
    let Some((most, of_most)) = first else {
        // Nobody: what anybody says.
        return mixed.extend(said.iter().find(|z| !z.is_empty()).into_iter().flatten());
    };
    if speakers().nth(1).is_none() {
        return mixed.extend_from_slice(of_most);
    }
    match task {
        Task::Classify => {
            mixed.resize(of_most.len(), f32::NEG_INFINITY);
            for (weight, z) in speakers() {
                let (weight, all) = (weight.ln(), log_sum(z));
                // In this order: of a logit that has diverged, what is added to it would be lost.
                let behind = |z: f32| (f64::from(z) - all) + weight;
                mixed.iter_mut().zip(z).for_each(|(p, z)| *p = log_add(f64::from(*p), behind(*z)) as f32);
            }
        }
        Task::MultiLabel => mixed.extend((0..of_most.len()).map(|place| {
            let add = |[yes, no]: [f64; 2], (weight, z): (f64, &Vec<f32>)| {
                let (weight, z) = (weight.ln(), f64::from(z[place]));
                [log_add(yes, weight - softplus(-z)), log_add(no, weight - softplus(z))]
            };
            let [yes, no] = speakers().fold([f64::NEG_INFINITY; 2], add);
            (yes - no) as f32
        })),
        Task::Regress => {
            let heard = || speakers().filter(|(weight, _)| *weight >= HEARD * most);
            let all: f64 = heard().map(|(weight, _)| weight).sum();
            mixed.extend(of_most.iter().enumerate().map(|(place, centre)| {
                let near = |z: &[f32]| f64::from(z[place].clamp(centre - APART, centre + APART));
                (heard().map(|(weight, z)| weight * near(z)).sum::<f64>() / all) as f32
            }));
        }
    }
}

/// `ln Σ e^z`.
fn log_sum(z: &[f32]) -> f64 {
    z.iter().fold(f64::NEG_INFINITY, |sum, z| log_add(sum, f64::from(*z)))
}

/// `ln(eᵃ + eᵇ)`.
fn log_add(a: f64, b: f64) -> f64 {
    let (less, more) = if a < b { (a, b) } else { (b, a) };
    if less == f64::NEG_INFINITY { more } else { more + (less - more).exp().ln_1p() }
}

/// `ln(1 + e^z)`.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed(task: Task, weights: &[f64], said: &[&[f32]]) -> Vec<f32> {
        let said: Vec<Vec<f32>> = said.iter().map(|z| z.to_vec()).collect();
        let mut mixed = vec![9.0];
        mix(task, |i| weights[i], &said, &mut mixed);
        mixed
    }

    fn softmax(z: &[f32]) -> Vec<f64> {
        let all: f64 = z.iter().map(|z| f64::from(*z).exp()).sum();
        z.iter().map(|z| f64::from(*z).exp() / all).collect()
    }

    fn sigmoid(z: f32) -> f64 {
        1.0 / (1.0 + f64::from(-z).exp())
    }

    #[test]
    fn mixtures_by_hand() {
        let (weights, a, b) = ([0.25, 0.75], [0.5, -1.0, 2.0], [3.0, 0.0, -40.0]);
        let p = softmax(&mixed(Task::Classify, &weights, &[&a, &b]));
        let expected = softmax(&a).into_iter().zip(softmax(&b)).map(|(a, b)| 0.25 * a + 0.75 * b);
        p.iter().zip(expected).for_each(|(p, expected)| assert!((p - expected).abs() < 1e-6, "{p} {expected}"));
        for (z, (a, b)) in mixed(Task::MultiLabel, &weights, &[&a, &b]).into_iter().zip(a.into_iter().zip(b)) {
            let expected = 0.25 * sigmoid(a) + 0.75 * sigmoid(b);
            assert!((sigmoid(z) - expected).abs() < 1e-6, "{z} {expected}");
        }
        assert_eq!(mixed(Task::Regress, &weights, &[&a, &b[..2]].map(|z| &z[..2])), [2.375, -0.25]);
    }

    #[test]
    fn far_logits_are_no_infinite_ones() {
        for task in [Task::Classify, Task::MultiLabel] {
            let z = mixed(task, &[0.5, 0.5], &[&[900.0, -900.0], &[800.0, -800.0]]);
            assert!(z.iter().all(|z| z.is_finite()) && z[0] - z[1] > 800.0, "{z:?}");
            // Who is sure, and hardly trusted.
            let p = softmax(&mixed(task, &[0.999, 0.001], &[&[1.0, -1.0], &[-1e30, 1e30]]));
            assert!(p[0] > 0.8, "{p:?}");
        }
    }

    #[test]
    fn nobody_listens_to_what_is_no_number() {
        for task in [Task::Classify, Task::MultiLabel, Task::Regress] {
            let nan = [f32::NAN, 1.0];
            assert_eq!(mixed(task, &[0.9, 0.1], &[&nan, &[1.0, 2.0]]), [1.0, 2.0], "alone to the bit");
            assert_eq!(mixed(task, &[0.9, 0.1], &[&[], &[1.0, 2.0]]), [1.0, 2.0]);
            assert!(mixed(task, &[0.5, 0.5], &[&nan, &nan])[0].is_nan(), "there is nothing better");
        }
    }

    #[test]
    fn numbers_far_away_do_not_pull() {
        assert_eq!(mixed(Task::Regress, &[0.5, 0.5], &[&[1.0], &[1e30]]), [3.0]);
        assert_eq!(mixed(Task::Regress, &[0.999, 0.001], &[&[1.0], &[3.0]]), [1.0]);
    }
}
