//! What every head must do.

use proptest::prelude::*;
use thalweg_nn::Step;
use thalweg_tensor::Rng;

use super::{Head, HeadSpec};

/// Examples of some classes, each around a place of its own.
#[derive(Clone, Debug)]
pub(super) struct Cloud {
    pub width: usize,
    pub examples: Vec<(Vec<f32>, usize)>,
}

pub(super) fn cloud() -> impl Strategy<Value = Cloud> {
    let sizes = (1..6_usize, 1..5_usize, 1..40_usize, any::<u64>());
    sizes.prop_map(|(width, classes, count, seed)| {
        let mut rng = Rng::new(seed);
        let mut example = |_| {
            let class = rng.below(classes);
            let z = (0..width).map(|i| (rng.normal() + 2.0 * ((class + i) % 3) as f64) as f32).collect();
            (z, class)
        };
        Cloud { width, examples: (0..count).map(&mut example).collect() }
    })
}

const ALL: [&str; 4] = ["ncm", "ncm:normalised=true", "slda:0.0001", "softmax:sgd:0.03"];
/// Those that count.
const COUNTING: [&str; 3] = [ALL[0], ALL[1], ALL[2]];

fn heads<'a>(specs: &'a [&str], width: usize) -> impl Iterator<Item = Head> + 'a {
    specs.iter().map(move |text| HeadSpec::parse(text).unwrap().build(width))
}

fn learn(head: &mut Head, examples: &[(Vec<f32>, usize)]) {
    for (z, class) in examples {
        assert_eq!(head.learn_one(z, *class, 1.0), Step::Taken);
    }
}

fn state(head: &Head) -> String {
    serde_json::to_string(head).unwrap()
}

fn means(head: &Head) -> Vec<Vec<f64>> {
    let classes = 0..head.classes();
    match head {
        Head::Ncm(ncm) => classes.map(|class| ncm.mean(class).to_vec()).collect(),
        Head::Slda(slda) => classes.map(|class| slda.mean(class).to_vec()).collect(),
        Head::Softmax(_) => Vec::new(),
    }
}

fn say_the_same(a: &mut Head, b: &mut Head, examples: &[(Vec<f32>, usize)], tolerance: f32) {
    for (z, _) in examples {
        let (a, b) = (a.predict_one(z), b.predict_one(z));
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance), "{a:?} {b:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_examples_does_not_matter_to_what_counts(Cloud { width, examples } in cloud(), seed in any::<u64>()) {
        let (mut shuffled, mut rng) = (examples.clone(), Rng::new(seed));
        (1..shuffled.len()).rev().for_each(|last| shuffled.swap(last, rng.below(last + 1)));
        for (mut straight, mut mixed) in heads(&COUNTING, width).zip(heads(&COUNTING, width)) {
            learn(&mut straight, &examples);
            learn(&mut mixed, &shuffled);
            say_the_same(&mut straight, &mut mixed, &examples, 1e-4);
        }
    }

    #[test]
    fn a_new_class_moves_no_other_mean(Cloud { width, examples } in cloud(), z in -5.0_f32..5.0) {
        for mut head in heads(&COUNTING, width) {
            learn(&mut head, &examples);
            let before = means(&head);
            head.learn_one(&vec![z; width], head.classes(), 1.0);
            prop_assert_eq!(&means(&head)[..before.len()], &before[..]);
        }
    }

    #[test]
    fn a_weight_is_so_many_repeats(Cloud { width, examples } in cloud()) {
        for (mut weighted, mut repeated) in heads(&COUNTING, width).zip(heads(&COUNTING, width)) {
            for (index, (z, class)) in examples.iter().enumerate() {
                let weight = 1 + index % 3;
                weighted.learn_one(z, *class, weight as f64);
                (0..weight).for_each(|_| learn(&mut repeated, &[(z.clone(), *class)]));
            }
            say_the_same(&mut weighted, &mut repeated, &examples, 1e-4);
        }
    }

    #[test]
    fn predictions_are_probabilities_and_change_nothing(Cloud { width, examples } in cloud(), large in 0.0_f32..38.0) {
        for mut head in heads(&ALL, width) {
            for (z, class) in &examples {
                let before = state(&head);
                let said = head.predict_one(z);
                prop_assert!(said.is_empty() || (said.iter().sum::<f32>() - 1.0).abs() < 1e-4, "{said:?}");
                prop_assert_eq!(state(&head), before);
                learn(&mut head, &[(z.clone(), *class)]);
            }
        }
        for mut head in heads(&COUNTING, width) {
            for (index, (z, class)) in examples.iter().enumerate() {
                let scale = if index % 2 == 0 { 10.0_f32.powf(large) } else { 1e-30 };
                let z: Vec<f32> = z.iter().map(|z| (scale * z).clamp(f32::MIN, f32::MAX)).collect();
                learn(&mut head, &[(z.clone(), *class)]);
                prop_assert!((head.predict_one(&z).iter().sum::<f32>() - 1.0).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn saved_and_loaded_it_goes_on(Cloud { width, examples } in cloud()) {
        for mut head in heads(&ALL, width) {
            let (first, second) = examples.split_at(examples.len() / 2);
            learn(&mut head, first);
            #[cfg(feature = "checkpoint")]
            let mut loaded: Head = crate::checkpoint::decode(&crate::checkpoint::encode(&head).unwrap()).unwrap();
            #[cfg(not(feature = "checkpoint"))]
            let mut loaded = head.clone();
            learn(&mut head, second);
            learn(&mut loaded, second);
            say_the_same(&mut head, &mut loaded, &examples, 0.0);
        }
    }
}

#[test]
fn what_is_refused_changes_nothing_and_nan_does_not_vanish() {
    for mut head in heads(&ALL, 2) {
        learn(&mut head, &[(vec![1.0, 2.0], 0), (vec![-1.0, 0.5], 1)]);
        let before = state(&head);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(head.learn_one(&[0.0, bad], 2, 1.0), Step::Refused);
            assert!(head.predict_one(&[0.0, bad]).iter().all(|p| p.is_nan()), "{head:?}");
        }
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(head.learn_one(&[0.0, 1.0], 2, weight), Step::Refused);
        }
        assert_eq!(state(&head), before);
    }
}

#[test]
fn a_class_without_examples_is_never_said_by_what_counts() {
    for mut head in heads(&COUNTING, 1) {
        assert!(head.predict_one(&[1.0]).is_empty());
        learn(&mut head, &[(vec![5.0], 3)]);
        assert_eq!(head.predict_one(&[0.0]), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!((head.classes(), head.width()), (4, 1));
    }
}

#[test]
fn there_may_be_no_features() {
    for mut head in heads(&ALL, 0) {
        learn(&mut head, &[(vec![], 0), (vec![], 1), (vec![], 1)]);
        assert!((head.predict_one(&[]).iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn specifications_print_as_they_parse() {
    for text in ALL {
        assert_eq!(HeadSpec::parse(text).unwrap().to_string(), text);
    }
    assert_eq!(HeadSpec::parse("ncm:normalised").unwrap().to_string(), ALL[1]);
    assert_eq!(HeadSpec::parse("softmax").unwrap().to_string(), ALL[3]);
    let message = |text| HeadSpec::parse(text).unwrap_err().to_string();
    assert!(message("slda:0").contains("an ε from 1e-12 to 1"));
    assert!(message("softmax:sgdd").contains(r#"did you mean "sgd"?"#));
    assert!(message("ncm:normalized").contains(r#"did you mean "normalised"?"#), "{}", message("ncm:normalized"));
}

#[test]
#[should_panic(expected = "Slda: 3 features expected, found 2")]
fn another_width_is_a_mistake() {
    HeadSpec::parse("slda").unwrap().build(3).learn_one(&[1.0, 2.0], 0, 1.0);
}
