//! What others have published for streams that are known by name: to be printed beside ours.
//!
//! Mind the differences: their rows are standardised as ours are, but each figure has its own optimizer and settings.

use thalweg_online::synth::{Seed, Synth};

/// Figures for one stream.
#[derive(Debug)]
pub struct Published {
    /// Its name, in small letters and digits; or the generator.
    stream: &'static str,
    /// After so many rows.
    pub rows: u64,
    pub metric: &'static str,
    pub figures: &'static [(&'static str, f64)],
    pub source: &'static str,
}

const DEEP_RIVER: &str = "deep-river 0.3.4, benchmarks of August 2026";
const RIVER: &str = "River's documentation, benchmarks";

const fn published(
    stream: &'static str,
    rows: u64,
    metric: &'static str,
    source: &'static str,
    figures: &'static [(&'static str, f64)],
) -> Published {
    Published { stream, rows, metric, figures, source }
}

const ALL: [Published; 12] = [
    published(
        "bananas",
        5_300,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.528), ("MLP", 0.548), ("RNN", 0.541), ("LSTM", 0.607)],
    ),
    published(
        "bananas",
        5_300,
        "accuracy",
        RIVER,
        &[("logistic", 0.5432), ("Hoeffding tree", 0.642), ("kNN", 0.8851), ("ARF", 0.8870), ("AMF", 0.8894)],
    ),
    published(
        "elec2",
        45_312,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.837), ("MLP", 0.583), ("RNN", 0.833), ("LSTM, first 38,052 rows", 0.836)],
    ),
    published(
        "elec2",
        45_312,
        "accuracy",
        RIVER,
        &[("logistic", 0.8221), ("Hoeffding tree", 0.796), ("kNN", 0.8531), ("ARF", 0.8766), ("ALMA", 0.9064)],
    ),
    published(
        "phishing",
        1_250,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.849), ("MLP", 0.553), ("RNN", 0.878), ("LSTM", 0.870)],
    ),
    published(
        "phishing",
        1_250,
        "accuracy",
        RIVER,
        &[("logistic", 0.8872), ("Hoeffding tree", 0.880), ("kNN", 0.8815), ("ARF", 0.9079), ("SRP", 0.9135)],
    ),
    published(
        "imagesegments",
        2_310,
        "accuracy",
        RIVER,
        &[("Hoeffding tree", 0.776), ("kNN", 0.8735), ("ARF", 0.8185), ("AMF", 0.9017)],
    ),
    published(
        "trumpapproval",
        1_001,
        "mae",
        DEEP_RIVER,
        &[("mean", 1.568), ("linear", 1.620), ("MLP", 1.315), ("LSTM", 10.7)],
    ),
    published("chickweights", 578, "mae", DEEP_RIVER, &[("linear", 24.49), ("MLP", 24.88), ("LSTM", 100.1)]),
    published(
        "hyperplane:river,seed=42,features=30",
        5_000,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.908), ("MLP", 0.500), ("LSTM", 0.888)],
    ),
    published(
        "led:river,seed=112,noise=0.28",
        5_000,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.361), ("MLP", 0.105), ("LSTM", 0.338)],
    ),
    published(
        "rbf:river,seed=42,classes=4,features=4,centroids=20",
        5_000,
        "accuracy",
        DEEP_RIVER,
        &[("logistic", 0.507), ("MLP", 0.348), ("LSTM", 0.537)],
    ),
];

/// What has been published for a stream: a file by its name without folder and extensions, a generator by its
/// specification with all seeds. Only figures of the metric that is measured.
pub fn find(stream: &str, metric: &str) -> impl Iterator<Item = &'static Published> {
    let is_generator = Synth::parse(stream, Seed::new(0)).is_ok();
    let file = stream.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = file.split('.').next().unwrap_or_default();
    let plain: String = stem.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let (stream, metric) = (stream.to_owned(), metric.to_owned());
    let measured = ALL.iter().filter(move |published| published.metric == metric);
    measured.filter(move |published| match is_generator {
        true => Synth::parse(published.stream, Seed::new(0)).is_ok_and(|synth| synth.to_string() == stream),
        false => published.stream == plain,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_known_by_the_names_they_have() {
        for (name, metric, count) in [
            ("elec2", "accuracy", 2),
            ("elec2", "mae", 0),
            ("data/Elec2.csv.gz", "accuracy", 2),
            ("trump_approval.csv", "mae", 1),
            ("ImageSegments.csv", "accuracy", 1),
            ("elec3.csv", "accuracy", 0),
            ("led:noise=0.28,seed=112", "accuracy", 0),
        ] {
            assert_eq!(find(name, metric).count(), count, "{name}");
        }
        for name in ["hyperplane:river,seed=42,features=30", "led:noise=0.28,river,seed=112"] {
            let canonical = Synth::parse(name, Seed::new(7)).expect("it is a generator").to_string();
            assert_eq!(find(&canonical, "accuracy").count(), 1, "{name}");
        }
        for published in &ALL {
            let is_generator = published.stream.contains(':');
            assert_eq!(Synth::parse(published.stream, Seed::new(0)).is_ok(), is_generator, "{published:?}");
        }
    }
}
