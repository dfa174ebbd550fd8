//! Scores as a whole.

use proptest::prelude::*;

use super::{Metrics, Scores};
use crate::learn::{Prediction, Target, Task};

const LABELS: [&str; 4] = ["a", "b", "c", "d"];

/// A label that came and the probabilities of the labels known by then; none if nothing was predicted.
type Line = (usize, Vec<f32>);

fn lines(rows: usize) -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec(
        (0..4_usize, prop::collection::vec((0..5_u8).prop_map(|p| f32::from(p) / 4.0), 0..5)),
        0..rows,
    )
}

fn owned() -> Vec<String> {
    LABELS.map(str::to_owned).to_vec()
}

fn score(scores: &mut Scores, (truth, probabilities): &Line) {
    let labels = owned();
    let prediction = Prediction::Classes { labels: &labels[..probabilities.len()], probabilities };
    scores.update(&Target::Class(LABELS[*truth]), &prediction, 1.0);
}

/// Every metric of labels; `@` and what follows goes behind each.
fn every_metric(window: &str) -> Metrics {
    let names = "accuracy,balanced_accuracy,kappa,kappa_m,kappa_temporal,mcc,geometric_mean,log_loss,brier,top:2,ece,\
                 precision:micro,recall:of=b,f1,f1:weighted,jaccard,auc,auc:of=c,adjusted_rand,mutual_info,homogeneity,\
                 completeness,normalized_mutual_info,fowlkes_mallows";
    Metrics::parse(&names.split(',').map(|name| format!("{name}{window}")).collect::<Vec<_>>().join(",")).unwrap()
}

fn every_metric_over(windows: &[&str]) -> Metrics {
    Metrics(windows.iter().flat_map(|window| every_metric(window).0).collect())
}

fn values(scores: &Scores) -> Vec<(String, u64)> {
    scores.entries().into_iter().map(|(name, value)| (name.to_owned(), value.to_bits())).collect()
}

#[test]
fn a_row_without_a_prediction_is_not_scored_but_remembered_as_the_last_label() {
    let labels = ["a".to_string(), "b".to_string()];
    let says_a = Prediction::Classes { labels: &labels, probabilities: &[0.75, 0.25] };
    let mut scores = Scores::with(Task::Classify, &Metrics::parse("kappa_m").unwrap()).unwrap();
    scores.update(&Target::Class("a"), &Prediction::Unknown, 1.0);
    assert_eq!((scores.count(), scores.unscored()), (0, 1));
    assert!(scores.entries().iter().all(|(_, value)| value.is_nan()));
    scores.update(&Target::Class("a"), &says_a, 1.0);
    scores.update(&Target::Class("b"), &says_a, 1.0);
    assert_eq!((scores.count(), scores.unscored()), (2, 1));
    assert_eq!(scores.get("accuracy"), Some(0.5));
    assert_eq!(scores.get("log_loss"), Some(-(0.75_f64.ln() + 0.25_f64.ln()) / 2.0));
    // The last label is right for the second row too, because the first one was seen: no better than that.
    assert_eq!((scores.get("kappa_temporal"), scores.get("kappa_m")), (Some(0.0), Some(0.0)));
}

#[test]
fn the_others_of_kappa_are_the_last_and_the_most_frequent_label() {
    let labels = owned();
    let mut scores = Scores::with(Task::Classify, &Metrics::parse("kappa_m,kappa_m@2").unwrap()).unwrap();
    // Right in 3 of 4 rows; the last label repeats in 1 (row 2), the most frequent one comes again in 2 (rows 2 and 4).
    for (truth, said) in [("a", 0), ("a", 1), ("b", 1), ("a", 0)] {
        let mut probabilities = [0.0; 4];
        probabilities[said] = 1.0;
        let prediction = Prediction::Classes { labels: &labels, probabilities: &probabilities };
        scores.update(&Target::Class(truth), &prediction, 1.0);
    }
    assert_eq!(scores.get("kappa_temporal"), Some((0.75 - 0.25) / (1.0 - 0.25)));
    assert_eq!(scores.get("kappa_m"), Some((0.75 - 0.5) / (1.0 - 0.5)));
    assert_eq!(scores.get("kappa_m@2"), Some((1.0 - 0.5) / (1.0 - 0.5)));
}

#[test]
fn probabilities_by_hand() {
    let labels = owned();
    let mut scores = Scores::with(Task::Classify, &Metrics::parse("brier,top:1,top:2,top:3,auc@9").unwrap()).unwrap();
    let mut row = |truth, probabilities: &[f32]| {
        let labels = &labels[..probabilities.len()];
        scores.update(&Target::Class(truth), &Prediction::Classes { labels, probabilities }, 1.0);
    };
    row("b", &[0.5, 0.25, 0.25]); // second, before c with the same probability
    row("a", &[1.0, 0.0, 0.0]);
    row("d", &[0.5, 0.5]); // not among the known ones
    row("c", &[0.5, 0.25, 0.25]);
    assert_eq!(scores.get("brier"), Some(0.5 * (0.25 + 0.5625 + 0.0625 + 0.0 + 1.5 + 0.25 + 0.0625 + 0.5625) / 4.0));
    assert_eq!(["top:1", "top:2", "top:3"].map(|name| scores.get(name)), [Some(0.25), Some(0.5), Some(0.75)]);
    // a: above all others. b: 0.25 among 0, ½, 0.25. c: 0.25 among 0.25, 0, 0. d: 0 among 0, 0, 0.
    assert_eq!(scores.get("auc@9"), Some((1.0 + 0.5 + 2.5 / 3.0 + 0.5) / 4.0));
}

#[test]
fn a_number_that_is_not_finite_is_not_scored() {
    let mut scores = Scores::new(Task::Regress);
    scores.update(&Target::Value(1.0), &Prediction::Value(f64::NAN), 1.0);
    scores.update(&Target::Value(1.0), &Prediction::Value(1.5), 1.0);
    assert_eq!((scores.count(), scores.unscored(), scores.get("mae")), (1, 1, Some(0.5)));
}

#[test]
fn the_usual_metrics_come_first_and_each_but_once() {
    let names = |task, asked| {
        let scores = Scores::with(task, &Metrics::parse(asked).unwrap()).unwrap();
        scores.entries().into_iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let expected = ["accuracy", "log_loss", "kappa", "kappa_temporal", "f1:macro", "kappa@5"];
    assert_eq!(names(Task::Classify, "f1,kappa,f1:macro,kappa@5"), expected);
    assert_eq!(names(Task::Regress, "bias"), ["mae", "rmse", "r2", "bias"]);
}

#[test]
fn a_metric_of_another_task_is_refused() {
    let error = Scores::with(Task::Classify, &Metrics::parse("f1,mae@3").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected metrics to classify, found mae@3, which is one to regress");
}

#[test]
#[should_panic(expected = "update: task of the scores = task of the target: regress ≠ classify")]
fn a_target_of_another_task_panics() {
    Scores::new(Task::Regress).update(&Target::Class("a"), &Prediction::Unknown, 1.0);
}

#[test]
#[should_panic(expected = "update: 0 ≤ weight < ∞: -1")]
fn a_negative_weight_panics() {
    Scores::new(Task::Regress).update(&Target::Value(0.0), &Prediction::Value(0.0), -1.0);
}

#[test]
fn sums_of_other_metrics_are_refused() {
    let saved =
        |asked| serde_json::to_value(Scores::with(Task::Regress, &Metrics::parse(asked).unwrap()).unwrap()).unwrap();
    let mut mixed = saved("bias@3");
    mixed["windows"] = saved("bias@4")["windows"].clone();
    assert!(serde_json::from_value::<Scores>(mixed).is_err());
    assert!(serde_json::from_value::<Scores>(saved("bias@3")).is_ok());
}

proptest! {
    #[test]
    fn the_last_rows_are_scored_as_if_there_had_been_no_others(all in lines(40), size in 1..12_usize) {
        let mut rolling = Scores::with(Task::Classify, &every_metric(&format!("@{size}"))).unwrap();
        all.iter().for_each(|line| score(&mut rolling, line));
        // The rows that were scored, with one before them for what `kappa_m` and `kappa_temporal` compare with.
        let scored: Vec<&Line> = all.iter().filter(|line| !line.1.is_empty()).collect();
        let mut alone = Scores::with(Task::Classify, &every_metric("@1000")).unwrap();
        scored[scored.len().saturating_sub(size)..].iter().for_each(|line| score(&mut alone, line));
        for (metric, (name, value)) in every_metric("").0.iter().zip(&rolling.entries()[4..]) {
            if name.starts_with("kappa_") {
                continue; // these look back beyond the window
            }
            let expected = alone.get(&format!("{metric}@1000")).unwrap();
            let same = (value - expected).abs() < 1e-12 || value.is_nan() && expected.is_nan();
            prop_assert!(same, "{name}: {value} is not {expected}");
        }
    }

    #[test]
    fn a_window_that_holds_all_rows_is_running(all in lines(40)) {
        let mut scores = Scores::with(Task::Classify, &every_metric_over(&["", "@99"])).unwrap();
        all.iter().for_each(|line| score(&mut scores, line));
        for metric in every_metric("").0.iter().filter(|metric| !metric.to_string().starts_with("auc")) {
            let [running, rolling] = ["", "@99"].map(|window| scores.get(&format!("{metric}{window}")).unwrap());
            prop_assert!((running - rolling).abs() < 1e-12 || running.is_nan() && rolling.is_nan(), "{metric}");
        }
    }

    #[test]
    fn saved_and_read_scores_go_on_bit_for_bit(all in lines(40), cut in 0..40_usize) {
        let asked = every_metric_over(&["", "@7", "@0.9"]);
        let mut scores = Scores::with(Task::Classify, &asked).unwrap();
        let (head, tail) = all.split_at(cut.min(all.len()));
        head.iter().for_each(|line| score(&mut scores, line));
        let mut read: Scores = bincode::deserialize(&bincode::serialize(&scores).unwrap()).unwrap();
        prop_assert!(read == scores);
        prop_assert_eq!(read.asked(), scores.asked());
        for line in tail {
            score(&mut scores, line);
            score(&mut read, line);
        }
        prop_assert_eq!(values(&read), values(&scores));
    }

    /// Learners that know the labels in another order, or only some of them, are scored alike.
    #[test]
    fn the_order_of_the_labels_does_not_matter(all in lines(30)) {
        let mut there = Scores::with(Task::Classify, &every_metric("")).unwrap();
        let mut back = there.clone();
        let labels = owned();
        for (truth, probabilities) in all.iter().filter(|line| line.1.len() == 4) {
            // Ties go to the first: without any, the order can not be seen.
            let apart: Vec<f32> = probabilities.iter().zip([0.0, 0.01, 0.02, 0.03]).map(|(p, more)| p + more).collect();
            let turned: (Vec<String>, Vec<f32>) = labels.iter().cloned().zip(apart.iter().copied()).rev().unzip();
            let target = Target::Class(LABELS[*truth]);
            there.update(&target, &Prediction::Classes { labels: &labels, probabilities: &apart }, 1.0);
            back.update(&target, &Prediction::Classes { labels: &turned.0, probabilities: &turned.1 }, 1.0);
        }
        for ((name, a), (_, b)) in there.entries().into_iter().zip(back.entries()) {
            prop_assert!((a - b).abs() < 1e-12 || a.is_nan() && b.is_nan(), "{name}: {a} {b}");
        }
    }

    #[test]
    fn repeating_the_last_label_has_a_kappa_temporal_of_zero(truths in prop::collection::vec(0..3_usize, 2..60)) {
        let mut scores = Scores::new(Task::Classify);
        scores.update(&Target::Class(LABELS[truths[0]]), &Prediction::Unknown, 1.0);
        for pair in truths.windows(2) {
            let probabilities = [0, 1, 2, 3].map(|class| f32::from(u8::from(class == pair[0])));
            score(&mut scores, &(pair[1], probabilities.to_vec()));
        }
        prop_assert_eq!(scores.get("kappa_temporal"), Some(0.0));
    }
}
