//! Detectors that watch an error for a rise.

use serde::{Deserialize, Serialize};

use crate::drift::{AnyDetector, Detector, DetectorSpec, Direction, Domain, Signal};
use crate::error::{Error, ErrorKind};
use crate::saved::ensure;

/// A detector, and one that warns of it where it does not itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Watcher {
    asked: DetectorSpec,
    detector: AnyDetector,
    warner: Option<AnyDetector>,
}

impl Watcher {
    /// That has seen nothing. `warns`: warnings are needed.
    pub fn new(asked: DetectorSpec, warns: bool) -> Result<Self, Error> {
        let watching = upward(asked);
        let detector = watching.build()?;
        if detector.watches() == Direction::Down {
            return Err(Error::expected(ErrorKind::Spec, "a detector of errors that rise", &asked.to_string()));
        }
        let warner = sensitive(watching).filter(|_| warns).map(|warner| warner.build()).transpose()?;
        Ok(Watcher { asked, detector, warner })
    }

    /// Whether it is what such a one becomes.
    pub fn check(&self, warns: bool) -> Result<(), Error> {
        let new = Watcher::new(self.asked, warns)?;
        let specs = |watcher: &Watcher| (watcher.detector.spec(), watcher.warner.as_ref().map(AnyDetector::spec));
        ensure(specs(self) == specs(&new), "detectors as they were asked for")
    }

    pub fn asked(&self) -> &DetectorSpec {
        &self.asked
    }

    pub fn domain(&self) -> Domain {
        self.detector.domain()
    }

    /// What is said of an error.
    pub fn update(&mut self, error: f64) -> Signal {
        let warned = self.warner.as_mut().map_or(Signal::Stable, |warner| risen(warner, error));
        match risen(&mut self.detector, error) {
            Signal::Stable if warned != Signal::Stable => Signal::Warning,
            Signal::Drift => {
                // A window that is cut holds some of what was, and would say the same again.
                self.detector.reset();
                self.warner.iter_mut().for_each(Detector::reset);
                Signal::Drift
            }
            signal => signal,
        }
    }
}

/// What looks at distributions has no direction: the mean must have risen.
fn risen(detector: &mut AnyDetector, error: f64) -> Signal {
    let before = detector.segment().mean;
    let signal = detector.update(error);
    let any_direction = detector.watches() == Direction::Both;
    if any_direction && signal == Signal::Drift && detector.segment().mean <= before { Signal::Stable } else { signal }
}

/// The same detector, but of rises alone.
fn upward(mut spec: DetectorSpec) -> DetectorSpec {
    let watch = match &mut spec {
        DetectorSpec::Adwin(options) => &mut options.watch,
        DetectorSpec::HddmA(options) => &mut options.watch,
        DetectorSpec::HddmW(options) => &mut options.watch,
        DetectorSpec::PageHinkley(options) => &mut options.watch,
        DetectorSpec::Cusum(options) => &mut options.watch,
        DetectorSpec::Ddm(_) | DetectorSpec::Eddm(_) | DetectorSpec::Kswin(_) => return spec,
    };
    if *watch == Direction::Both {
        *watch = Direction::Up;
    }
    spec
}

/// The same detector, but sooner; none of what warns itself.
fn sensitive(mut spec: DetectorSpec) -> Option<DetectorSpec> {
    let likelier = |share: f64| share.max((10.0 * share).min(0.5));
    match &mut spec {
        DetectorSpec::Adwin(options) => options.delta = likelier(options.delta),
        DetectorSpec::Kswin(options) => options.alpha = likelier(options.alpha),
        DetectorSpec::PageHinkley(options) => options.threshold /= 2.0,
        DetectorSpec::Cusum(options) => options.threshold /= 2.0,
        DetectorSpec::Ddm(_) | DetectorSpec::Eddm(_) | DetectorSpec::HddmA(_) | DetectorSpec::HddmW(_) => return None,
    }
    Some(spec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher(text: &str) -> Watcher {
        Watcher::new(text.parse().expect("a detector"), true).expect("it watches rises")
    }

    /// Errors from a share to another, as often as a row is below it in some order.
    fn signals(text: &str, before: u32, after: u32) -> (Option<u32>, Option<u32>) {
        let mut watcher = watcher(text);
        let (mut warning, mut drift) = (None, None);
        for row in 0..4000_u32 {
            let percent = if row < 2000 { before } else { after };
            let error = f64::from(u8::from(row.wrapping_mul(2_654_435_761) >> 8 & 1023 < percent * 1024 / 100));
            match watcher.update(error) {
                Signal::Warning => drop(warning.get_or_insert(row)),
                Signal::Drift => drop(drift.get_or_insert(row)),
                Signal::Stable => {}
            }
        }
        (warning, drift)
    }

    #[test]
    fn every_detector_warns_of_a_rise_before_it_drifts() {
        for name in [
            "adwin:clock=1",
            "ddm",
            "hddm-a",
            "page-hinkley",
            "cusum:threshold=40",
            "kswin:alpha=0.00001,window_size=300,stat_size=100",
        ] {
            let (warning, drift) = signals(name, 10, 50);
            let (warning, drift) = (warning.expect(name), drift.expect(name));
            assert!(warning < drift && (2000..2400).contains(&drift), "{name}: {warning} {drift}");
        }
    }

    #[test]
    fn no_detector_minds_errors_that_become_fewer() {
        for name in DetectorSpec::NAMES {
            let drift = if name == "eddm" { None } else { signals(name, 60, 5).1.filter(|&row| row >= 2000) };
            assert_eq!(drift, None, "{name}");
        }
        let error = Watcher::new("cusum:watch=down".parse().expect("a detector"), false).expect_err("it looks down");
        assert_eq!(error.to_string(), r#"expected a detector of errors that rise, found "cusum:watch=down""#);
    }

    #[test]
    fn another_detector_is_refused() {
        assert!(watcher("adwin").check(true).is_ok() && watcher("ddm").check(true).is_ok());
        assert!(watcher("adwin").check(false).is_err(), "nobody asked for a warner");
        assert!(Watcher { asked: "ddm".parse().unwrap(), ..watcher("adwin") }.check(true).is_err());
    }
}
