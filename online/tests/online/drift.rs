//! The change detectors against River 0.26.1, and where they are not River's. The fixture holds four streams, and at which
//! values (counted from 0) River's detectors report drifts and warnings.

use std::collections::BTreeMap;

use allocation_counter::measure;
use serde::Deserialize;
use thalweg_online::drift::{AnyDetector, Ddm, Detector, DetectorSpec, HddmW, Signal};

#[derive(Deserialize)]
struct Fixture {
    streams: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    detector: String,
    stream: String,
    drift: Vec<usize>,
    n_warning: usize,
    first_warning: Vec<usize>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../fixtures/drift.json")).expect("the fixture is JSON")
}

impl Fixture {
    /// A digit is a value.
    fn stream(&self, name: &str) -> Vec<f64> {
        self.streams[name].chars().map(|digit| digit.to_digit(10).expect("a digit").into()).collect()
    }

    /// Those of one of River's detectors.
    fn cases(&self, detector: &str) -> impl Iterator<Item = &Case> {
        let is_of = move |case: &&Case| case.detector.split('(').next() == Some(detector);
        let cases: Vec<&Case> = self.cases.iter().filter(is_of).collect();
        assert!(!cases.is_empty(), "{detector}");
        cases.into_iter()
    }
}

/// Ours as River's is written.
fn detector(case: &Case) -> AnyDetector {
    let spec = match case.detector.as_str() {
        "ADWIN()" => "adwin",
        "DDM()" => "ddm",
        "EDDM()" => "eddm",
        "EDDM(alpha=0.9,beta=0.8)" => "eddm:alpha=0.9,beta=0.8",
        "HDDMA()" => "hddm-a",
        "HDDMA(two_sided_test=True)" => "hddm-a:watch=both",
        "HDDMW()" => "hddm-w",
        "HDDMW(two_sided_test=True)" => "hddm-w:watch=both",
        "KSWIN(alpha=0.0001,window_size=200,stat_size=100,seed=42)" => {
            "kswin:alpha=0.0001,window_size=200,stat_size=100,seed=42"
        }
        "PageHinkley(mode=up)" => "page-hinkley:watch=up",
        "PageHinkley(mode=down)" => "page-hinkley:watch=down",
        "PageHinkley(mode=both)" => "page-hinkley",
        other => panic!("{other}: not a detector of the fixture"),
    };
    spec.parse().expect("it is a detector")
}

fn signals(detector: &mut AnyDetector, values: &[f64]) -> Vec<Signal> {
    values.iter().map(|&value| detector.update(value)).collect()
}

fn places(signals: &[Signal], of: Signal) -> Vec<usize> {
    (0..signals.len()).filter(|&place| signals[place] == of).collect()
}

#[test]
fn drifts_and_warnings_are_rivers() {
    let fixture = fixture();
    for name in ["DDM", "HDDMA", "HDDMW", "PageHinkley"] {
        for case in fixture.cases(name) {
            let found = signals(&mut detector(case), &fixture.stream(&case.stream));
            assert_eq!(places(&found, Signal::Drift), case.drift, "{} {}", case.detector, case.stream);
            let warnings = places(&found, Signal::Warning);
            let first = warnings.first().copied();
            assert_eq!((warnings.len(), first), (case.n_warning, case.first_warning.first().copied()), "{name}");
        }
    }
}

/// River's warning stands until the next error takes it back, at a drift and at a new maximum, too. Ours is over at both.
#[test]
fn eddm_has_rivers_drifts_and_no_warning_beside_a_drift() {
    let fixture = fixture();
    for case in fixture.cases("EDDM") {
        let found = signals(&mut detector(case), &fixture.stream(&case.stream));
        let (drifts, warnings) = (places(&found, Signal::Drift), places(&found, Signal::Warning));
        assert_eq!(drifts, case.drift, "{} {}", case.detector, case.stream);
        assert_eq!(warnings.first(), case.first_warning.first());
        let both = drifts.iter().filter(|&&drift| found[drift - 1] == Signal::Warning).count();
        assert_eq!(warnings.len() + both, case.n_warning, "{} {}", case.detector, case.stream);
    }
}

/// River forgets the whole window after a drift, of KSWIN, too, whose newest values it keeps only until the next one comes.
/// Resetting ours does the same, and gives River's drifts.
#[test]
fn windows_that_are_reset_at_each_drift_have_rivers_drifts() {
    let fixture = fixture();
    for case in fixture.cases("ADWIN").chain(fixture.cases("KSWIN")) {
        let mut detector = detector(case);
        let mut drifts = Vec::new();
        for (place, value) in fixture.stream(&case.stream).into_iter().enumerate() {
            if detector.update(value) == Signal::Drift {
                drifts.push(place);
                detector.reset();
            }
        }
        assert_eq!(drifts, case.drift, "{} {}", case.detector, case.stream);
    }
}

/// The paper's window begins with the newest values, of which 57 of 100 are from before the change: they are found out, too.
#[test]
fn kswin_keeps_its_newest_values_where_river_forgets_them() {
    let fixture = fixture();
    let case = fixture.cases("KSWIN").next().expect("a case of KSWIN");
    assert_eq!(detector(case).update_many(&fixture.stream(&case.stream)), [case.drift[0], case.drift[0] + 100]);
}

/// The paper drops what is proved to be old, and keeps the rest: so the first drift is River's, what is left are values from
/// about the change on, and an early remainder of the old ones is proved to be old at a later test.
#[test]
fn adwin_keeps_the_newer_part_of_its_window_where_river_forgets_all() {
    let fixture = fixture();
    for (stream, expected) in [
        ("s1", vec![1023, 1055]),
        ("s2", vec![1055, 1087, 1119, 1247]),
        ("s3", vec![543, 575, 607, 1055, 1567, 1599, 1759]),
    ] {
        let case = fixture.cases("ADWIN").find(|case| case.stream == stream).expect("a case of ADWIN");
        let (mut adwin, values) = (detector(case), fixture.stream(stream));
        let drifts = adwin.update_many(&values);
        assert_eq!((&drifts, drifts[0]), (&expected, case.drift[0]), "{stream}");
        let segment = adwin.segment();
        let last = &values[values.len() - segment.width as usize..];
        assert!((segment.mean - last.iter().sum::<f64>() / last.len() as f64).abs() < 1e-12, "{stream}: {segment:?}");
    }
}

/// By the paper's equations p + s of no errors is 0, and 0 plus three times 0 is surpassed by whatever comes: River reports a
/// drift at place 100.
#[test]
fn ddm_takes_a_first_error_for_no_drift_where_river_does() {
    let mut ddm = Ddm::default();
    let errors: Vec<f64> = (0..200).map(|place| f64::from(u8::from(place == 100))).collect();
    assert!(ddm.update_many(&errors).is_empty());
    // A rate of errors that stays after many without is one.
    let drifts = ddm.update_many(&[0.0, 0.0, 0.0, 1.0].repeat(20));
    assert!(!drifts.is_empty() && ddm.tally().drifts() > 0);
}

/// The square of the first weight is 1 in the paper, λ² + (1 − λ)² in River, whose bounds are narrower: it reports the drift
/// at place 40.
#[test]
fn hddm_w_has_the_papers_first_weight_where_river_is_early() {
    let mut values = vec![0.0; 20];
    values.resize(80, 1.0);
    assert_eq!(HddmW::default().update_many(&values).first(), Some(&43));
}

#[test]
fn after_the_first_values_nothing_is_allocated() {
    let mut rng = thalweg_tensor::Rng::new(1);
    let mut value = |mean: f64| f64::from(u8::from(rng.uniform() < mean));
    let values: Vec<f64> = (0..40_000).map(|k| value(if k / 2_000 % 2 == 0 { 0.2 } else { 0.6 })).collect();
    for name in DetectorSpec::NAMES {
        let mut detector: AnyDetector = name.parse().expect("it is a detector");
        signals(&mut detector, &values[..20_000]);
        let before = detector.tally().drifts();
        let used = measure(|| {
            for &value in &values[20_000..] {
                detector.update(value);
            }
        });
        assert_eq!(used.count_total, 0, "{name}");
        assert!(detector.tally().drifts() > before, "{name} found changes");
    }
}
