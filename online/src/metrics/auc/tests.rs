use super::*;
use proptest::prelude::*;

/// The definition: over all pairs.
fn by_pairs(rows: &[(f64, bool, f64)]) -> f64 {
    let (mut pairs, mut all) = (0.0, 0.0);
    for (p, _, pw) in rows.iter().filter(|row| row.1) {
        for (n, _, nw) in rows.iter().filter(|row| !row.1) {
            pairs += pw
                * nw
                * if p > n {
                    1.0
                } else if p == n {
                    0.5
                } else {
                    0.0
                };
            all += pw * nw;
        }
    }
    pairs / all
}

#[test]
fn an_area_needs_both_kinds_of_rows() {
    let mut auc = Auc::new(Resolution::Thresholds(10));
    assert!(auc.get().is_nan());
    auc.update(true, 0.3, 1.0);
    assert!(auc.get().is_nan());
    auc.update(false, 0.3, 1.0);
    assert_eq!(auc.get(), 0.5);
}

#[test]
fn every_score_has_a_bin() {
    for resolution in [Resolution::LogOdds, Resolution::Thresholds(10), Resolution::Thresholds(0)] {
        for score in [0.0, 1e-30, 0.5, 1.0 - 1e-16, 1.0, 1.5, -0.5, f64::NAN, f64::INFINITY] {
            Auc::new(resolution).update(true, score, 1.0);
        }
        assert_eq!((resolution.bin(0.0), resolution.bin(1.0)), (0, resolution.bins() - 1));
    }
}

#[test]
fn a_late_class_was_given_no_chance_before() {
    let (mut late, mut known) = (OneVsRest::new(Resolution::LogOdds), OneVsRest::new(Resolution::LogOdds));
    let rows: [(usize, &[f32]); 4] = [(0, &[1.0]), (0, &[0.6, 0.4]), (1, &[0.3, 0.7]), (2, &[0.2, 0.5, 0.3])];
    for (truth, probabilities) in rows {
        late.update(truth, probabilities, 1.0);
        let mut all = [0.0; 3];
        all[..probabilities.len()].copy_from_slice(probabilities);
        known.update(truth, &all, 1.0);
    }
    assert_eq!(late, known);
    assert_eq!((late.of(0), late.of(2)), (1.0, 1.0));
    let (mut first, mut second) = (OneVsRest::new(Resolution::LogOdds), OneVsRest::new(Resolution::LogOdds));
    rows[..2].iter().for_each(|(truth, p)| first.update(*truth, p, 1.0));
    rows[2..].iter().for_each(|(truth, p)| second.update(*truth, p, 1.0));
    first.merge(&second);
    assert_eq!(first, known);
}

proptest! {
    #[test]
    fn the_exact_area_is_that_of_all_pairs(
        rows in prop::collection::vec(((0..12_u8).prop_map(|p| f64::from(p) / 12.0), any::<bool>(), 0.5..2.0_f64), 0..40)
    ) {
        let (expected, found) = (by_pairs(&rows), exact_auc(&mut rows.clone()));
        prop_assert!((found - expected).abs() < 1e-12 || found.is_nan() && expected.is_nan());
    }

    #[test]
    fn bins_are_off_by_half_the_ties_at_most(rows in prop::collection::vec((0.0..1.0_f64, any::<bool>()), 1..200)) {
        let mut exact: Vec<_> = rows.iter().map(|&(p, positive)| (p, positive, 1.0)).collect();
        let expected = exact_auc(&mut exact);
        prop_assume!(!expected.is_nan());
        for resolution in [Resolution::LogOdds, Resolution::Thresholds(10)] {
            let mut auc = Auc::new(resolution);
            rows.iter().for_each(|&(p, positive)| auc.update(positive, p, 1.0));
            let [negatives, positives] = [0, 1].map(|kind| auc.bins.iter().map(|bin| bin[kind]).sum::<f64>());
            let tied: f64 = auc.bins.iter().map(|bin| bin[0] * bin[1]).sum();
            prop_assert!((auc.get() - expected).abs() <= 0.5 * tied / (positives * negatives) + 1e-12);
        }
    }
}
