//! Change detectors: false alarms, delays and misses.
//!
//! Every detector with its default options, on streams without a change and with one, each drawn from several seeds.
//! A change is in the middle of a stream; it is found if a drift is reported before the end (see [`Detections`]).
//!
//! The gates: no detector has more false alarms than it promises, and the changes that a detector is made for are found, all
//! of them, in time.

use clap::Args;
use thalweg_online::drift::{AnyDetector, Detections, Detector, DetectorSpec, Domain};
use thalweg_tensor::Rng;

use super::Gates;

/// How much is drawn.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many streams with a change are drawn of each kind; of those without one, a fifth as many, five times as long
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(5..))]
    seeds: u64,
}

/// How many values a stream with a change has.
const LENGTH: u64 = 10_000;

/// What values are drawn from.
#[derive(Clone, Copy, Debug)]
enum Values {
    /// 1 with this probability, else 0.
    Errors(f64),
    /// Normal, of this mean and deviation.
    Numbers(f64, f64),
}

impl Values {
    fn draw(self, rng: &mut Rng) -> f64 {
        match self {
            Values::Errors(rate) => f64::from(u8::from(rng.uniform() < rate)),
            Values::Numbers(mean, deviation) => mean + deviation * rng.normal(),
        }
    }

    /// Numbers are as good as always within 0 to 1.
    fn fit(self, domain: Domain) -> bool {
        domain != Domain::Errors || matches!(self, Values::Errors(_))
    }
}

const STATIONARY: [(&str, Values); 5] = [
    ("errors 1 %", Values::Errors(0.01)),
    ("errors 10 %", Values::Errors(0.1)),
    ("errors 30 %", Values::Errors(0.3)),
    ("errors 50 %", Values::Errors(0.5)),
    ("normal, σ = 0.1", Values::Numbers(0.5, 0.1)),
];

/// A change: from what to what, and within how many values.
#[derive(Clone, Copy, Debug)]
struct Change {
    name: &'static str,
    from: Values,
    to: Values,
    width: u64,
}

const CHANGES: [Change; 6] = [
    Change { name: "errors 10 % to 30 %", from: Values::Errors(0.1), to: Values::Errors(0.3), width: 1 },
    Change { name: "errors 20 % to 25 %", from: Values::Errors(0.2), to: Values::Errors(0.25), width: 1 },
    Change {
        name: "errors 10 % to 30 %, within 1 000",
        from: Values::Errors(0.1),
        to: Values::Errors(0.3),
        width: 1000,
    },
    Change { name: "mean up by 1 σ", from: Values::Numbers(0.5, 0.1), to: Values::Numbers(0.6, 0.1), width: 1 },
    Change { name: "mean up by σ/4", from: Values::Numbers(0.5, 0.1), to: Values::Numbers(0.525, 0.1), width: 1 },
    Change { name: "σ doubled", from: Values::Numbers(0.5, 0.1), to: Values::Numbers(0.5, 0.2), width: 1 },
];

impl Change {
    /// The `k`th value: of what is new with a probability that grows from 0 to 1 within the width.
    fn draw(&self, k: u64, rng: &mut Rng) -> f64 {
        let share = (k + 1).saturating_sub(LENGTH / 2) as f64 / self.width as f64;
        let is_new = share >= 1.0 || share > 0.0 && rng.uniform() < share;
        if is_new { self.to.draw(rng) } else { self.from.draw(rng) }
    }
}

/// What must be found, by whom, and within how many values on average: about a third more than it takes with 100 seeds.
const LIMITS: [(&str, &str, f64); 14] = [
    ("errors 10 % to 30 %", "adwin", 150.0),
    ("errors 10 % to 30 %", "ddm", 850.0),
    ("errors 10 % to 30 %", "eddm", 150.0),
    ("errors 10 % to 30 %", "hddm-a", 170.0),
    ("errors 10 % to 30 %", "hddm-w", 250.0),
    ("errors 10 % to 30 %", "page-hinkley", 300.0),
    ("errors 10 % to 30 %, within 1 000", "adwin", 800.0),
    ("errors 10 % to 30 %, within 1 000", "hddm-a", 900.0),
    ("mean up by 1 σ", "adwin", 170.0),
    ("mean up by 1 σ", "page-hinkley", 730.0),
    ("mean up by 1 σ", "kswin", 100.0),
    ("mean up by 1 σ", "cusum", 30.0),
    ("mean up by σ/4", "adwin", 1100.0),
    ("σ doubled", "kswin", 850.0),
];

fn detectors() -> impl Iterator<Item = AnyDetector> {
    DetectorSpec::NAMES.into_iter().map(|name| name.parse().unwrap_or_else(|error| panic!("{name}: {error}")))
}

/// How many false alarms a million values may cause at most, where the detector promises any.
fn promised(detector: &AnyDetector) -> Option<f64> {
    match detector {
        AnyDetector::Adwin(adwin) => Some(1e6 * adwin.options().delta / adwin.options().clock as f64),
        AnyDetector::HddmA(hddm) => Some(1e6 * hddm.options().drift_confidence),
        AnyDetector::HddmW(hddm) => Some(1e6 * hddm.options().drift_confidence),
        AnyDetector::Kswin(kswin) => Some(1e6 * kswin.options().alpha),
        _ => None,
    }
}

/// Prints the tables.
#[must_use]
pub fn run(arguments: &Arguments) -> Gates {
    let mut gates = Gates::default();
    false_alarms(arguments.seeds / 5, &mut gates);
    for change in &CHANGES {
        delays(change, arguments.seeds, &mut gates);
    }
    gates
}

fn false_alarms(seeds: u64, gates: &mut Gates) {
    println!("False alarms in a million values, of {} values without a change\n", seeds * 5 * LENGTH);
    let names: Vec<&str> = STATIONARY.iter().map(|(name, _)| *name).collect();
    println!("| detector | promised at most | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len() + 1));
    for new in detectors() {
        let mut cells = vec![promised(&new).map_or("–".to_owned(), |most| format!("{most:.0}"))];
        for (name, values) in STATIONARY {
            if !values.fit(new.domain()) {
                cells.push("–".to_owned());
                continue;
            }
            let mut found = Detections::default();
            for seed in 0..seeds {
                let mut rng = Rng::new(seed);
                let stream = (0..5 * LENGTH).map(|_| values.draw(&mut rng));
                found.merge(&Detections::run(&mut new.clone(), stream, &[], 0));
            }
            let rate = found.false_alarms_per_million();
            cells.push(format!("{rate:.0}"));
            if let Some(most) = promised(&new) {
                let what = format!("{}: at most {most:.0} false alarms in a million values, {name}", new.spec());
                gates.check(what, rate <= most);
            }
        }
        println!("| `{}` | {} |", new.spec(), cells.join(" | "));
    }
}

fn delays(change: &Change, seeds: u64, gates: &mut Gates) {
    println!("\n{}, at the {}th of {LENGTH} values, {seeds} seeds\n", change.name, LENGTH / 2);
    println!("| detector | delay | missed | false alarms a stream | repeats a stream |\n|---|---|---|---|---|");
    for new in detectors().filter(|new| change.from.fit(new.domain())) {
        let mut found = Detections::default();
        for seed in 0..seeds {
            let mut rng = Rng::new(seed);
            let stream = (0..LENGTH).map(|k| change.draw(k, &mut rng));
            found.merge(&Detections::run(&mut new.clone(), stream, &[LENGTH / 2], LENGTH));
        }
        let delay = match found.found() {
            0 => "–".to_owned(),
            1 => format!("{:.0}", found.mean_delay()),
            _ => format!("{:.0} ± {:.0}", found.mean_delay(), found.delay_error()),
        };
        let [others, repeats] = [found.false_alarms() - found.repeats(), found.repeats()]
            .map(|count| format!("{:.2}", count as f64 / seeds as f64));
        println!("| `{}` | {delay} | {} | {others} | {repeats} |", new.spec(), found.missed());
        for &(name, detector, most) in &LIMITS {
            if name == change.name && detector == new.spec().to_string() {
                let what = format!("{detector}: finds every one within {most} values on average, {name}");
                gates.check(what, found.missed() == 0 && found.mean_delay() <= most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_of_a_change_and_a_detector_that_takes_it() {
        for (name, detector, most) in LIMITS {
            let change = CHANGES.iter().find(|change| change.name == name).expect("there is this change");
            let detector: AnyDetector = detector.parse().expect("there is this detector");
            assert!(change.from.fit(detector.domain()) && most < (LENGTH / 2) as f64, "{name} {}", detector.spec());
        }
    }

    #[test]
    fn a_change_is_abrupt_or_takes_its_width() {
        let of = |width| Change { name: "", from: Values::Errors(0.0), to: Values::Errors(1.0), width };
        let rng = &mut Rng::new(1);
        let sum = |change: Change, places: std::ops::Range<u64>, rng: &mut Rng| -> f64 {
            places.map(|k| change.draw(k, rng)).sum()
        };
        assert_eq!((sum(of(1), 0..5000, rng), sum(of(1), 5000..10_000, rng)), (0.0, 5000.0));
        assert_eq!((sum(of(1000), 0..5000, rng), sum(of(1000), 5999..10_000, rng)), (0.0, 4001.0));
        assert!((sum(of(1000), 5000..6000, rng) - 500.0).abs() < 60.0);
    }
}
