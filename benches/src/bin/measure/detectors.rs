//! W7: change detectors, one value at a time; the 100,000 values of a stream over and over.

use serde_json::json;
use thalweg_online::drift::{AnyDetector, Detector};

use crate::data::{DATA_SEED, SplitMix};
use crate::timing::{Timer, Unit};

const VALUES: usize = 100_000;

/// Streams by name: errors and sums of twelve uniforms, near normal, whose mean is 0.2, or in turn 0.2 and 0.8 for 10,000
/// values each.
fn streams() -> [(&'static str, Vec<f64>); 3] {
    let mut rng = SplitMix::new(DATA_SEED);
    let mut unit = || f64::from(rng.unit());
    let mean = |k: usize| if (k / 10_000).is_multiple_of(2) { 0.2 } else { 0.8 };
    let errors = (0..VALUES).map(|k| f64::from(u8::from(unit() < mean(k)))).collect();
    let noise: Vec<f64> = (0..VALUES).map(|_| 0.1 * ((0..12).map(|_| unit()).sum::<f64>() - 6.0)).collect();
    let switching = noise.iter().enumerate().map(|(k, noise)| mean(k) + noise).collect();
    let stationary = noise.iter().map(|noise| 0.2 + noise).collect();
    [("bits, switching", errors), ("gauss, switching", switching), ("gauss, stationary", stationary)]
}

/// Every detector on the streams it takes, with the most nanoseconds that an update should take: a tenth of River's, and
/// for ADWIN 30 million updates a second. None is said where River was not measured.
const TARGETS: [(&str, Option<f64>, &[usize]); 8] = [
    ("adwin", Some(33.3), &[0, 1, 2]),
    ("ddm", Some(56.1), &[0]),
    ("eddm", None, &[0]),
    ("hddm-a", Some(676.6), &[0]),
    ("hddm-w", None, &[0]),
    ("page-hinkley", Some(54.7), &[1]),
    ("kswin", Some(25_214.5), &[1]),
    ("cusum", None, &[1]),
];

/// Nanoseconds an update.
pub fn measure(timer: &Timer) {
    let streams = streams();
    for (what, target, taken) in TARGETS {
        for (name, values) in taken.iter().map(|&stream| &streams[stream]) {
            let mut detector: AnyDetector = what.parse().unwrap_or_else(|error| panic!("{what}: {error}"));
            let params = json!({"what": what, "stream": name, "target": target});
            timer.report("W7", params, Unit::Nanoseconds(VALUES as f64), || {
                for &value in values {
                    detector.update(std::hint::black_box(value));
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_online::drift::DetectorSpec;

    #[test]
    fn every_detector_is_measured_and_finds_what_switches() {
        assert_eq!(TARGETS.map(|(what, ..)| what), DetectorSpec::NAMES);
        let streams = streams();
        for (what, _, taken) in TARGETS {
            let mut detector: AnyDetector = what.parse().expect("it is a detector");
            detector.update_many(&streams[taken[0]].1);
            assert!(detector.tally().drifts() >= 5 && detector.tally().ignored() == 0, "{detector:?}");
        }
    }
}
