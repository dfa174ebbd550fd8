//! What holds of every detector.

use proptest::prelude::*;
use thalweg_tensor::Rng;

use super::*;

fn made(spec: &str) -> AnyDetector {
    spec.parse().unwrap_or_else(|error| panic!("{spec}: {error}"))
}

fn all() -> impl Iterator<Item = AnyDetector> {
    DetectorSpec::NAMES.into_iter().map(made)
}

/// 0 or 1, from `places[i]` on with the probability `rates[i]`.
fn errors(rates: &[f64], length: usize, rng: &mut Rng) -> Vec<f64> {
    let draw = |rate: &f64| -> Vec<f64> { (0..length).map(|_| f64::from(u8::from(rng.uniform() < *rate))).collect() };
    rates.iter().flat_map(draw).collect()
}

fn signals(detector: &mut AnyDetector, values: &[f64]) -> Vec<Signal> {
    values.iter().map(|&value| detector.update(value)).collect()
}

fn specs() -> impl Strategy<Value = String> {
    let direction = prop::sample::select(vec!["up", "down", "both"]);
    prop_oneof![
        (0.0001..0.5, 1..100_u32, direction.clone())
            .prop_map(|(delta, clock, watch)| format!("adwin:delta={delta},clock={clock},watch={watch}")),
        (0..50_u32, 1.0..2.0, 2.0..4.0)
            .prop_map(|(n, w, d)| format!("ddm:warm_start={n},warning_threshold={w},drift_threshold={d}")),
        (0..50_u32, 0.8..0.9).prop_map(|(n, beta)| format!("eddm:warm_start={n},beta={beta}")),
        (0.0001..0.005, direction.clone()).prop_map(|(a, watch)| format!("hddm-a:drift_confidence={a},watch={watch}")),
        (0.01..1.0, direction.clone()).prop_map(|(lambda, watch)| format!("hddm-w:lambda={lambda},watch={watch}")),
        (0.0..0.1, 1.0..20.0, direction.clone())
            .prop_map(|(delta, h, watch)| format!("page-hinkley:delta={delta},threshold={h},watch={watch}")),
        (0.001..0.1, 0..9_u32).prop_map(|(a, seed)| format!("kswin:alpha={a},window_size=60,stat_size=20,seed={seed}")),
        (1.0..9.0, direction).prop_map(|(h, watch)| format!("cusum:threshold={h},warm_start=20,watch={watch}")),
        Just("cusum:mean=0.3,deviation=0.5".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_specification_prints_as_it_is_read(text in specs()) {
        let spec = DetectorSpec::parse(&text).unwrap();
        prop_assert_eq!(DetectorSpec::parse(&spec.to_string()).unwrap(), spec);
        prop_assert_eq!(spec.build().unwrap().spec(), spec);
    }

    /// In any batches, and saved and read in between.
    #[cfg(feature = "checkpoint")]
    #[test]
    fn values_in_batches_and_saved_detectors_are_as_one_by_one(
        text in specs(), seed in 0..1000_u64, cuts in prop::collection::vec(0..600_usize, 0..5),
    ) {
        let values = errors(&[0.2, 0.7, 0.4], 200, &mut Rng::new(seed));
        let (mut one, mut other) = (made(&text), made(&text));
        let expected = signals(&mut one, &values);
        let mut cuts: Vec<usize> = [0, 600].into_iter().chain(cuts).collect();
        cuts.sort_unstable();
        let mut drifts = Vec::new();
        for cut in cuts.windows(2) {
            drifts.extend(other.update_many(&values[cut[0]..cut[1]]).into_iter().map(|place| cut[0] + place));
            let bytes = crate::checkpoint::encode(&other).unwrap();
            let read: AnyDetector = crate::checkpoint::decode(&bytes).unwrap();
            prop_assert_eq!(&read, &other);
            other = read;
        }
        let is_drift = |place: &usize| expected[*place] == Signal::Drift;
        prop_assert_eq!(drifts, (0..600).filter(is_drift).collect::<Vec<_>>());
        prop_assert_eq!(one, other);
    }

    #[test]
    fn whatever_comes_every_number_stays_one(text in specs(), bits in prop::collection::vec(any::<f64>(), 0..200)) {
        let extremes = [0.0, 1.0, -0.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN, 1e140, -1e-300, 0.5];
        let mut detector = made(&text);
        for x in bits {
            detector.update(if x.to_bits() % 3 == 0 { x } else { extremes[(x.to_bits() % 11) as usize] });
            let Segment { width, mean } = detector.segment();
            prop_assert_eq!(mean.is_nan(), width == 0);
            prop_assert!(mean.is_nan() || mean.is_finite());
        }
        #[cfg(feature = "checkpoint")]
        {
            let bytes = crate::checkpoint::encode(&detector).unwrap();
            prop_assert_eq!(crate::checkpoint::decode::<AnyDetector>(&bytes).unwrap(), detector);
        }
    }

    /// Twice the numbers in twice the units: powers of two, so to the bit. A shift rounds, and a hair's breadth may decide; of
    /// these streams it does not.
    #[test]
    fn scale_and_origin_do_not_matter(seed in 0..40_u64, power in -20..20_i32) {
        let mut rng = Rng::new(seed);
        let values: Vec<f64> = (0..1500).map(|k| rng.normal() * 0.125 + if k < 900 { 0.25 } else { 0.5 }).collect();
        let unit = 2.0_f64.powi(power);
        let scaled: Vec<f64> = values.iter().map(|x| x * unit).collect();
        let shifted: Vec<f64> = values.iter().map(|x| x + 16.0).collect();
        let page = |unit: f64| format!("page-hinkley:delta={},threshold={}", 0.0625 * unit, 8.0 * unit);
        for (spec, in_units) in [
            ("adwin".to_owned(), format!("adwin:range={unit}")),
            (page(1.0), page(unit)),
            ("kswin".to_owned(), "kswin".to_owned()),
            ("cusum".to_owned(), "cusum".to_owned()),
        ] {
            let drifts = made(&spec).update_many(&values);
            prop_assert!(!drifts.is_empty(), "{}", spec);
            prop_assert_eq!(&made(&in_units).update_many(&scaled), &drifts, "{}", &spec);
            prop_assert_eq!(&made(&spec).update_many(&shifted), &drifts, "{}", &spec);
        }
    }

    /// What rises from below falls from above.
    #[test]
    fn up_and_down_are_mirror_images(seed in 0..1000_u64) {
        let values = errors(&[0.25, 0.75, 0.125], 400, &mut Rng::new(seed));
        let mirrored: Vec<f64> = values.iter().map(|x| 1.0 - x).collect();
        for name in ["adwin", "hddm-a", "hddm-w", "page-hinkley:threshold=20", "cusum:threshold=30"] {
            let watching = |direction| {
                let separator = if name.contains(':') { ',' } else { ':' };
                made(&format!("{name}{separator}watch={direction}"))
            };
            let rises = watching("up").update_many(&values);
            prop_assert_eq!(&watching("down").update_many(&mirrored), &rises, "{}", name);
            prop_assert!(!rises.is_empty(), "{}", name); // where they are, other tests say
        }
    }
}

#[test]
fn a_detector_that_is_reset_is_as_new() {
    for new in all() {
        let mut detector = new.clone();
        signals(&mut detector, &errors(&[0.1, 0.8], 300, &mut Rng::new(3)));
        detector.update(f64::NAN);
        assert_ne!(detector, new);
        detector.reset();
        assert_eq!(detector, new);
    }
}

#[test]
fn what_cannot_be_taken_changes_nothing_but_is_counted() {
    for mut detector in all() {
        let refused = match detector.domain() {
            Domain::Errors => vec![f64::NAN, f64::INFINITY, 0.5, -1.0, 2.0],
            Domain::Unit => vec![f64::NAN, f64::NEG_INFINITY, -0.1, 1.0 + 1e-15],
            Domain::Numbers => vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        };
        let values = errors(&[0.2, 0.3, 0.5], 100, &mut Rng::new(5));
        let mut untouched = detector.clone();
        for value in values {
            let said = untouched.update(value);
            assert_eq!(detector.update(value), said);
            let stands = if said == Signal::Drift { Signal::Stable } else { said };
            assert!(refused.iter().all(|&refused| detector.update(refused) == stands), "{detector:?}");
        }
        assert_eq!(detector.tally().ignored(), 300 * refused.len() as u64);
        assert_eq!(detector.segment(), untouched.segment());
        assert_eq!(detector.tally().drifts(), untouched.tally().drifts());
    }
}

#[test]
fn every_detector_finds_a_large_change_soon() {
    let values = errors(&[0.1, 0.6], 1000, &mut Rng::new(7));
    for mut detector in all() {
        let found = detector.update_many(&values);
        assert!(found.iter().any(|place| (1000..1200).contains(place)), "{}: {found:?}", detector.spec());
        let Segment { width, mean } = detector.segment();
        assert!(width < 1500 && (mean - 0.6).abs() < 0.15, "{}: {width} {mean}", detector.spec());
    }
}

/// Of each test, over streams without a change: errors of several rates, and numbers. The table of the benches has a
/// million values of each.
#[test]
fn false_alarms_are_at_most_what_is_promised() {
    let mut rng = Rng::new(11);
    let length = 10_000;
    let mut streams: Vec<Vec<f64>> = [0.01, 0.1, 0.3, 0.5].map(|rate| errors(&[rate], length, &mut rng)).into();
    streams.push((0..length).map(|_| rng.uniform()).collect());
    for (spec, promised, tests) in [
        ("adwin", 0.002, length / 32),
        ("adwin:delta=0.1", 0.1, length / 32),
        ("adwin:delta=0.05,clock=1", 0.05, length),
        ("hddm-a:watch=both", 0.002, length),
        ("hddm-a:drift_confidence=0.005", 0.005, length),
        ("hddm-w:watch=both", 0.002, length),
        ("hddm-w:drift_confidence=0.005", 0.005, length),
        ("kswin", 0.005, length),
        ("kswin:alpha=0.05", 0.05, length),
    ] {
        for stream in &streams {
            let found = made(spec).update_many(stream).len();
            assert!(found as f64 <= promised * tests as f64, "{spec}: {found} of {tests}");
        }
    }
}

/// The tables of Montgomery's book, for normal values and known mean and deviation.
#[test]
fn cusum_runs_as_long_as_the_tables_say() {
    let mut rng = Rng::new(13);
    for (threshold, shift, tabled) in [(4, 0.0, 168.0), (4, 1.0, 8.38), (5, 0.5, 38.0), (5, 1.0, 10.4), (5, 2.0, 4.01)]
    {
        let mut cusum = made(&format!("cusum:threshold={threshold},mean=0,deviation=1"));
        let (runs, mut values) = (if shift == 0.0 { 600 } else { 4000 }, 0);
        while cusum.tally().drifts() < runs {
            cusum.update(rng.normal() + shift);
            values += 1;
        }
        let length = f64::from(values) / runs as f64;
        let spread = tabled / (runs as f64).sqrt(); // runs are about as spread as they are long
        assert!((length - tabled).abs() < 4.0 * spread + 0.01 * tabled, "{threshold} {shift}: {length}");
    }
}

#[test]
fn a_state_that_cannot_be_is_refused() {
    for mut detector in all() {
        signals(&mut detector, &errors(&[0.2, 0.6], 150, &mut Rng::new(17)));
        let good = serde_json::to_value(&detector).unwrap();
        assert_eq!(serde_json::from_value::<AnyDetector>(good.clone()).unwrap(), detector);
        let (kind, fields) = good.as_object().and_then(|kinds| kinds.iter().next()).unwrap();
        let bad: &[(&str, serde_json::Value)] = match detector {
            AnyDetector::Adwin(_) => &[("waiting", 32.into())],
            AnyDetector::Ddm(_) => &[("errors", 1000.into()), ("lowest", serde_json::json!([2.0, 0.1]))],
            AnyDetector::Eddm(_) => &[("last", 1000.into()), ("largest", (-1.0).into())],
            AnyDetector::HddmA(_) => &[("all", serde_json::json!({"count": 3, "sum": 4.0}))],
            AnyDetector::HddmW(_) => &[("all", serde_json::Value::Null)],
            AnyDetector::PageHinkley(_) => &[("lowest", 1e9.into())],
            AnyDetector::Kswin(_) => &[("critical", 3.into()), ("window", vec![0.0; 101].into())],
            AnyDetector::Cusum(_) => &[("rise", (-1.0).into()), ("fall", 13.0.into())],
        };
        for (field, value) in bad {
            let mut wrong = fields.clone();
            assert!(wrong.get(*field).is_some(), "{kind} {field}");
            wrong[*field] = value.clone();
            let read = serde_json::from_value::<AnyDetector>(serde_json::json!({kind: wrong}));
            assert!(read.is_err(), "{kind} {field}");
        }
        let mut wrong = fields.clone();
        for option in wrong["options"].as_object_mut().unwrap().values_mut().filter(|option| option.is_number()) {
            *option = (-1.0).into();
        }
        assert!(serde_json::from_value::<AnyDetector>(serde_json::json!({kind: wrong})).is_err(), "{kind}");
    }
}

#[test]
fn what_is_no_detector_is_refused_with_a_reason() {
    for (text, reason) in [
        ("hddm-b", "unknown detector \"hddm-b\"; did you mean \"hddm-a\"? allowed: adwin, ddm, eddm"),
        ("adwin:dleta=1", "unknown option of adwin \"dleta\"; did you mean \"delta\"?"),
        ("adwin:delta=1", "adwin: expected delta above 0 and below 1, found 1.0"),
        ("adwin:0.1", "expected at most 0 arguments"),
        ("ddm:warning_threshold=4", "ddm: expected a drift_threshold of at least warning_threshold, found DdmOptions"),
        ("page-hinkley:watch=sideways", "expected watch to be up, down or both, found \"sideways\""),
        ("kswin:window_size=50", "kswin: expected a window_size of at least twice stat_size"),
        ("kswin:alpha=0.000001,stat_size=5", "enough values to show alpha"),
        ("cusum:mean=0", "cusum: expected a mean and a deviation, or neither"),
    ] {
        let error = DetectorSpec::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
