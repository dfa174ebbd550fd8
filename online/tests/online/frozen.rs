//! A trunk that stands still, and heads on it.

use allocation_counter::measure;
use thalweg_nn::{Network, NetworkSpec, Params};
use thalweg_online::stream::bundled;
use thalweg_online::{
    Config, Deep, Error, Extractor, FeatureSpec, Features, Frozen, HeadSpec, Learner, Record, Target, Task, conformance,
};
use thalweg_tensor::Rng;

use crate::deep::support::{Cell, Example, MEMORIES, bits, config, everything, learn, stream};

const HEADS: [&str; 4] = ["ncm", "ncm:normalised", "slda", "softmax:sgd:0.1"];

fn head(text: &str) -> HeadSpec {
    HeadSpec::parse(text).expect("there is such a head")
}

/// A learner of the features that the laws use.
fn taught(model: &str) -> Deep {
    let mut deep = Deep::new(config(Task::Classify, model, "sgd:0.03", MEMORIES[0]));
    learn(&mut deep, &stream(1, 60));
    deep
}

/// A network of eight inputs that nobody has taught, and features that have seen nothing.
fn untaught() -> Extractor {
    let (mut params, mut rng) = (Params::new(), Rng::new(7));
    let spec: NetworkSpec = "linear:16 > relu".parse().expect("there is such a network");
    let network = Network::new(&mut params, "random", &spec, [8], &mut rng).expect("it fits");
    Extractor::new(Features::new(), params, network).expect("it takes rows")
}

#[test]
fn every_head_obeys_the_laws_on_every_trunk() {
    let trunks = ["linear", "mlp:7,5", "linear:6 > layer_norm > gelu > dropout:0.3"].map(taught);
    let trunks = trunks.iter().map(|deep| Extractor::of(deep).expect("it has seen rows")).chain([untaught()]);
    for trunk in trunks {
        for text in HEADS {
            let new = || Frozen::new(trunk.clone(), &head(text));
            assert_eq!(conformance::check(new), Ok(()), "{text} on {}", trunk.network().spec());
            assert_eq!(conformance::check(|| new().with_running_scales()), Ok(()), "{text}, scales running");
        }
    }
}

#[test]
fn nothing_of_the_trunk_ever_moves() -> Result<(), Error> {
    let deep = taught("mlp:7,5");
    for text in HEADS {
        let mut learner = Frozen::new(Extractor::of(&deep)?, &head(text));
        let probe = &everything()[1];
        let columns = learner.extractor().features().width();
        let before = bits(learner.extractor().clone().extract_one(&probe.x)?);
        for example in stream(2, 200).iter().chain(&everything()) {
            let mut x = example.x.clone();
            x.push(("new".into(), Cell::Number(0.5)));
            learner.learn_one(&x, example.target(Task::Classify))?;
        }
        assert_eq!(learner.extractor().fingerprint(), deep.fingerprint(), "{text}");
        assert_eq!(learner.extractor().features().width(), columns, "new features are left out");
        assert_eq!(bits(learner.extractor().clone().extract_one(&probe.x)?), before, "{text}");
        assert!(learner.extractor().params().layout().entries().iter().all(|entry| !entry.trainable()));
        assert_eq!((learner.rows(), learner.refused()), (200 + everything().len() as u64, 0));
    }
    Ok(())
}

/// The trunk is what stands below the head: with the old weights on top it says what the learner said.
#[test]
fn the_trunk_is_all_layers_but_the_last() -> Result<(), Error> {
    for model in ["linear", "mlp:7,5", "linear:6 > layer_norm > gelu"] {
        let mut deep = taught(model);
        let mut trunk = Extractor::of(&deep)?;
        let of = |params: &Params<f32>, name: &str| params.of(params.find(name).expect("it is there")).to_vec();
        let (weight, bias) = (of(deep.params(), "head.weight"), of(deep.params(), "head.bias"));
        for example in stream(3, 30) {
            let z = trunk.extract_one(&example.x)?;
            let logits = deep.logits_one(&example.x)?;
            for ((row, bias), logit) in weight.chunks(z.len()).zip(&bias).zip(logits) {
                let again: f32 = row.iter().zip(z).map(|(w, z)| w * z).sum::<f32>() + bias;
                assert!((again - logit).abs() < 1e-4, "{model}");
            }
        }
    }
    Ok(())
}

#[test]
fn what_changes_from_row_to_row_has_no_frozen_trunk() {
    let untaught = Deep::new(Config::new(Task::Classify));
    let message = |deep: &Deep| Extractor::of(deep).map(drop).unwrap_err().to_string();
    assert_eq!(message(&untaught), "expected a learner that has seen rows, found one that has not");
    let recurrent = message(&taught("gru:4"));
    assert!(recurrent.contains("expected layers that carry nothing from row to row"), "{recurrent}");
    let features = FeatureSpec::parse("lags=2").expect("there are such features");
    let mut lagging = Deep::new(Config { features, ..Config::new(Task::Regress) });
    lagging.learn_one(&[("a", 1.0)], Target::Value(2.0)).expect("the row is good");
    assert!(message(&lagging).contains("expected features that are not made of answers"));
}

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() -> Result<(), Error> {
    let deep = taught("mlp:9,9");
    for text in HEADS {
        for follows in [false, true] {
            let mut learner = Frozen::new(Extractor::of(&deep)?, &head(text));
            learner = if follows { learner.with_running_scales() } else { learner };
            let mut run = |rows: &[Example]| {
                for row in rows {
                    assert!(learner.predict_one(&row.x).is_ok_and(|said| said.is_finite()));
                    assert!(learner.learn_one(&row.x, row.target(Task::Classify)).is_ok());
                }
            };
            run(&everything());
            run(&stream(1, 60));
            let rows = stream(2, 150).split_off(50);
            assert_eq!(measure(|| run(&rows)).count_total, 0, "{text}");
        }
    }
    Ok(())
}

/// The bundled digits by class; of each class every fifth image is held out.
struct Digits {
    train: Vec<Vec<Record>>,
    held_out: Vec<Vec<Record>>,
}

impl Digits {
    fn read() -> Result<Self, Error> {
        let mut digits = Digits { train: vec![Vec::new(); 10], held_out: vec![Vec::new(); 10] };
        let mut stream = bundled::find("digits").expect("they are bundled").open()?;
        loop {
            let mut record = Record::new();
            if !stream.read(&mut record)? {
                return Ok(digits);
            }
            let class: usize = record.target_text().and_then(|text| text.parse().ok()).expect("a digit");
            let seen = digits.train[class].len() + digits.held_out[class].len() + 1;
            let part = if seen.is_multiple_of(5) { &mut digits.held_out } else { &mut digits.train };
            part[class].push(record);
        }
    }

    /// The classes in turn, as they come.
    fn mixed(&self, learner: &mut dyn Learner, classes: std::ops::Range<usize>) -> Result<(), Error> {
        for turn in 0..200 {
            for class in classes.clone() {
                if let Some(image) = self.train[class].get(turn) {
                    learner.learn_one(image, Target::Class(&class.to_string()))?;
                }
            }
        }
        Ok(())
    }

    /// One class after the other.
    fn one_by_one(&self, learner: &mut dyn Learner, classes: std::ops::Range<usize>) -> Result<(), Error> {
        for class in classes {
            for image in &self.train[class] {
                learner.learn_one(image, Target::Class(&class.to_string()))?;
            }
        }
        Ok(())
    }

    /// The share of held-out images of these classes that are recognised.
    fn accuracy(&self, learner: &mut dyn Learner, classes: std::ops::Range<usize>) -> Result<f64, Error> {
        let (mut right, mut asked) = (0, 0);
        for class in classes {
            for image in &self.held_out[class] {
                right += usize::from(learner.predict_one(image)?.label() == Some(&class.to_string()));
                asked += 1;
            }
        }
        Ok(f64::from(right as u32) / f64::from(asked))
    }

    fn all(&self, learner: &mut dyn Learner) -> Result<[f64; 3], Error> {
        Ok([self.accuracy(learner, 0..5)?, self.accuracy(learner, 5..10)?, self.accuracy(learner, 0..10)?])
    }
}

/// The table in the module's docs.
#[test]
fn new_digits_are_learned_without_forgetting_the_old() -> Result<(), Error> {
    let digits = Digits::read()?;
    let mut deep = Deep::new(Config::new(Task::Classify));
    digits.mixed(&mut deep, 0..5)?;
    let known = digits.accuracy(&mut deep, 0..5)?;
    assert!(known > 0.95, "{known}");
    let on_trunk = |text: &str| {
        let mut learner = Frozen::new(Extractor::of(&deep)?, &head(text));
        digits.one_by_one(&mut learner, 0..10)?;
        assert_eq!(learner.extractor().fingerprint(), deep.fingerprint());
        digits.all(&mut learner)
    };
    let [ncm, slda, softmax] = [on_trunk("ncm")?, on_trunk("slda")?, on_trunk("softmax:sgd:0.1")?];
    // The pixels themselves, scaled.
    let mut linear = Deep::new(config(Task::Classify, "linear", "sgd:0.03", "none"));
    digits.mixed(&mut linear, 0..5)?;
    let mut pixels = Frozen::new(Extractor::of(&linear)?, &head("slda"));
    digits.one_by_one(&mut pixels, 0..10)?;
    let pixels = digits.all(&mut pixels)?;
    digits.one_by_one(&mut deep, 5..10)?;
    let learns_on = digits.all(&mut deep)?;
    let all = format!("ncm {ncm:.3?} slda {slda:.3?} softmax {softmax:.3?} on {learns_on:.3?} pixels {pixels:.3?}");
    assert!(learns_on[0] < 0.2 && softmax[0] < 0.2, "gradient descent forgets: {all}");
    assert!(slda[0] > known - 0.05 && slda[1] > 0.8 && slda[2] > 0.88, "{all}");
    assert!(ncm[0] > 0.85 && ncm[2] > 0.65, "{all}");
    assert!(pixels[2] > 0.92, "{all}");
    Ok(())
}
