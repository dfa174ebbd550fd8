use super::*;
use crate::deep::Model;
use crate::metrics::exact_auc;

fn detector(model: &str, optimizer: &str, spared: Option<f64>) -> Autoencoder {
    let (model, optimizer) = (Model::parse(model).unwrap(), optimizer.parse().unwrap());
    Autoencoder::new(Config { model, optimizer, spared, ..Config::default() }).unwrap()
}

/// Two hidden causes behind eight numbers. An anomaly is of a usual size in each of them, but the eight do not go together
/// as they do elsewhere: each comes from causes of its own, or all of them from other weights.
struct Planted {
    rng: Rng,
    weights: [Vec<[f64; 2]>; 2],
    names: Vec<String>,
    share: f64,
    /// Whether anomalies are like each other.
    alike: bool,
}

impl Planted {
    fn new(seed: u64, share: f64, alike: bool) -> Self {
        let mut rng = Rng::new(seed);
        let weights = [(); 2].map(|()| (0..8).map(|_| [rng.normal(), rng.normal()]).collect());
        Planted { rng, weights, names: (0..8).map(|i| format!("x{i}")).collect(), share, alike }
    }

    fn row(&mut self) -> (Vec<(&str, f64)>, bool) {
        let Planted { rng, weights, names, share, alike } = self;
        let is_anomaly = rng.range(0.0, 1.0) < *share;
        let mut causes = [rng.normal(), rng.normal()];
        let row = names.iter().zip(&weights[usize::from(is_anomaly && *alike)]).map(|(name, [a, b])| {
            if is_anomaly && !*alike {
                causes = [rng.normal(), rng.normal()];
            }
            (name.as_str(), a * causes[0] + b * causes[1] + 0.1 * rng.normal())
        });
        (row.collect(), is_anomaly)
    }
}

/// Area under the ROC curve of what is said before learning, without the first 500 rows: of the error, and of the rank.
fn areas(detector: &mut Autoencoder, mut stream: Planted) -> [f64; 2] {
    let (mut errors, mut ranks) = (Vec::new(), Vec::new());
    for k in 0..5000 {
        let (x, is_anomaly) = stream.row();
        let error = detector.score_one(&x).unwrap();
        if k >= 500 {
            errors.push((error, is_anomaly, 1.0));
            ranks.push((detector.rank(error), is_anomaly, 1.0));
        }
        detector.learn_one(&x).unwrap();
    }
    [errors, ranks].map(|mut scores| exact_auc(&mut scores))
}

#[test]
fn planted_anomalies_are_found() {
    for seed in 1..4 {
        for (model, spared, share) in [
            ("linear:2", None, 0.02),
            ("linear:2", Some(0.99), 0.02),
            ("linear:8 > tanh", None, 0.02),
            ("linear:2", None, 0.2),
        ] {
            let found = areas(&mut detector(model, "sgd:0.03", spared), Planted::new(seed, share, false));
            assert!(found.iter().all(|area| *area > 0.95), "{seed} {model} {spared:?} {share}: {found:.3?}");
        }
    }
}

/// One row of ten is an anomaly, all of one kind, and the network is wide enough to learn both kinds.
#[test]
fn what_is_spared_is_not_learned() {
    for seed in 1..4 {
        let [learned, spared] = [None, Some(0.9)]
            .map(|spared| areas(&mut detector("linear:4", "sgd:0.03", spared), Planted::new(seed, 0.1, true))[0]);
        assert!(learned < 0.9 && spared > 0.98, "{seed}: {learned:.3} {spared:.3}");
    }
}

/// All rows become another kind at once: at first they are spared, in the end they are usual.
#[test]
fn when_the_world_changes_the_strange_becomes_usual() {
    let mut detector = detector("linear:2", "sgd:0.03", Some(0.99));
    let mut stream = Planted::new(1, 0.0, true);
    let share = |detector: &mut Autoencoder, stream: &mut Planted, rows: u64| {
        let before = detector.spared();
        (0..rows).for_each(|_| assert!(detector.learn_one(&stream.row().0).is_ok()));
        (detector.spared() - before) as f64 / rows as f64
    };
    let before = share(&mut detector, &mut stream, 3000);
    stream.share = 1.0;
    let at_first = share(&mut detector, &mut stream, 20);
    share(&mut detector, &mut stream, 3000);
    let in_the_end = share(&mut detector, &mut stream, 1000);
    assert!(before < 0.05 && at_first > 0.3 && in_the_end < 0.05, "{before} {at_first} {in_the_end}");
}

#[test]
fn the_error_is_over_what_the_row_fills() -> Result<(), Error> {
    let mut detector = detector("linear:2", "sgd:0.03", None);
    for k in 0..50 {
        detector.learn_one(&[("a", f64::from(k % 5)), ("b", f64::from(k % 3)), ("c", f64::from(k % 7))])?;
    }
    let full = [("a", 4.0), ("b", 0.0), ("c", 6.0)];
    let (mut raw, mut x) = (Vec::new(), Vec::new());
    let mut by_hand = |row: &dyn Row| -> Result<f64, Error> {
        detector.features.read(row, &mut raw)?;
        detector.features.scale(&raw, &mut x);
        let (mut tape, network) = (Tape::new(), detector.network.as_ref().unwrap());
        let pass = tape.pass(&detector.params);
        let start = network.body.enter(&pass, &State::default());
        let said = network.head.forward(network.body.step(pass.input(&x[..]), start, &mut Mode::Eval).0).to_tensor();
        let errors = said.as_slice().iter().zip(&x).zip(&raw).filter(|(_, raw)| !raw.is_nan());
        let errors: Vec<f64> = errors.map(|((said, x), _)| f64::from(said - x).powi(2)).collect();
        Ok(errors.iter().sum::<f64>() / errors.len().max(1) as f64)
    };
    let expected = [by_hand(&full)?, by_hand(&&full[..2])?, 0.0];
    let nothing: [(&str, f64); 0] = [];
    let found = [detector.score_one(&full)?, detector.score_one(&&full[..2])?, detector.score_one(&nothing)?];
    assert!(
        found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-5),
        "{found:?} {expected:?}"
    );
    Ok(())
}

#[test]
fn the_rank_of_an_error_is_its_share_under_a_normal_curve() {
    let mut detector = detector("linear:2", "sgd:0.03", None);
    assert_eq!(detector.rank(3.0), 0.5, "nothing is known");
    detector.errors = Scaler::Adaptive { fading: 0.01, mean: Some(1.0), variance: 4.0 };
    assert_eq!(detector.rank(1.0_f64.exp()), 0.5);
    assert!((detector.rank(3.0_f64.exp()) - 0.841_345).abs() < 1e-6);
    assert!((detector.rank((1.0_f64 - 2.0 * 1.959_964).exp()) - 0.025).abs() < 1e-6);
    assert_eq!(detector.rank(f64::INFINITY), 1.0);
    assert!(detector.rank(f64::NAN).is_nan(), "NaN does not vanish");
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let message = |config: Config| Autoencoder::new(config).unwrap_err().to_string();
    let model = |text| Config { model: Model::parse(text).unwrap(), ..Config::default() };
    assert!(message(model("lstm:4")).contains("carry nothing from row to row"));
    assert!(message(Config { fading: 0.0, ..Config::default() }).contains("above 0 and at most 1, found \"0\""));
    for rank in [0.4, 1.5] {
        let found = format!("a rank from 0.5 to 1, found \"{rank}\"");
        assert!(message(Config { spared: Some(rank), ..Config::default() }).contains(&found));
    }
    let lags = crate::FeatureSpec::parse("lags=2").unwrap();
    assert!(message(Config { features: lags, ..Config::default() }).contains("not made of answers"));
}
