//! Categories as vectors that are learned.

use thalweg_nn::Embedding;
use thalweg_online::features::FeatureSpec;
use thalweg_online::{
    Autoencoder, Config, Deep, Error, Extractor, Features, Frozen, HeadSpec, Learner, MultiTask, Target, Task, anomaly,
};
use thalweg_tensor::Rng;

use crate::deep::support::{Cell, Example, MODELS, bits, config, elements, learn, reloaded, stream, whole};

const FEATURES: &str = "category(word*)=embed:3,most=3";

fn learner(task: Task, model: &str, optimizer: &str, features: &str) -> Deep {
    let features = FeatureSpec::parse(features).expect("there are such features");
    Deep::new(Config { features, ..config(task, model, optimizer, "reservoir:6,replays=1") })
}

/// The vectors of each feature's categories, in order of arrival; the first is that of none.
fn vectors(learner: &Deep) -> Vec<Vec<Vec<f32>>> {
    let tables = learner.network().into_iter().flat_map(|network| network.inputs().embeddings());
    let rows = |table: Embedding| -> Vec<Vec<f32>> {
        let (_, width) = learner.params().layout().entry(table.weight).table();
        learner.params().of(table.weight).chunks(width).map(<[f32]>::to_vec).collect()
    };
    tables.map(rows).collect()
}

/// The logits of rows at the beginning of a sequence, for a recurrent learner too.
fn logits(learner: &Deep, rows: &[Example]) -> Vec<Vec<u32>> {
    let mut fresh = learner.clone();
    fresh.reset_state();
    rows.iter().map(|row| bits(fresh.logits_one(&row.x).expect("the row is good"))).collect()
}

/// A learner whose row has a new category or a new column of them takes the step of a twin whose row lacks it: the new vector
/// is zero, so neither output nor gradient of what is old can differ; and what it knew it says as before.
#[test]
fn new_vectors_change_nothing_it_knew() {
    let rows = stream(5, 40);
    for model in MODELS {
        for (task, optimizer) in [(Task::Classify, "adam:0.01"), (Task::Regress, "sgd:0.01,momentum=0.9")] {
            let mut old = learner(task, model, optimizer, "category=embed:3,most=4");
            learn(&mut old, &rows);
            assert!(vectors(&old).concat().concat().iter().any(|x| *x != 0.0), "there is something to lose");
            let plain = Example { x: vec![("number 1".into(), Cell::Number(2.0))], ..rows[30].clone() };
            // Twice, so that nothing about it is new later: a recurrent learner sees its answer as the last target.
            learn(&mut old, &[plain.clone(), plain.clone()]);
            for name in ["word 0", "a new word"] {
                let (mut twin, mut grown) = (old.clone(), old.clone());
                let mut novel = plain.clone();
                novel.x.push((name.into(), Cell::Text("a new category".into())));
                let what = format!("{task} {model} {name}");
                let said = |learner: &Deep| logits(learner, std::slice::from_ref(&novel));
                let before = said(&old);
                learn(&mut twin, std::slice::from_ref(&plain));
                learn(&mut grown, std::slice::from_ref(&novel));
                assert_eq!(before, logits(&old, std::slice::from_ref(&plain)), "{what}: what is not known is none");
                let (theta, more) = (elements(twin.params()), elements(grown.params()));
                assert!(more.len() > theta.len(), "{what} is new");
                let mut rest = more.iter();
                assert!(theta.iter().all(|element| rest.any(|other| other == element)), "{what}: all is in place");
                assert_eq!(logits(&twin, &rows), logits(&grown, &rows), "{what}");
            }
        }
    }
}

/// Behind a column that comes late, weights are drawn: with zeros on both sides no gradient would reach either.
#[test]
fn a_column_that_comes_late_is_learned() -> Result<(), Error> {
    for model in ["linear", "mlp:16", "gru:8,window=3,last=false"] {
        let mut learner = learner(Task::Classify, model, "adam:0.01", "category=embed:4");
        let (mut rng, mut right) = (Rng::new(3), 0);
        for row in 0..1500 {
            let word = ["a", "b", "c", "d", "e"][rng.below(5)];
            let cells = [("x", Cell::Number(rng.normal())), ("word", Cell::Text(word.into()))];
            let x = if row < 50 { &cells[..1] } else { &cells[..] };
            let label = if "ace".contains(word) { "vowel or c" } else { "other" };
            right += usize::from(row >= 1000 && learner.predict_one(&x)?.label() == Some(label));
            learner.learn_one(&x, Target::Class(label))?;
        }
        assert!(right > 490, "{model}: {right} of 500");
        let spread = vectors(&learner).concat();
        assert!(
            spread[1..].iter().all(|vector| vector.iter().all(|x| *x != 0.0)),
            "every number of every vector moves"
        );
        assert_eq!(spread[0], [0.0; 4], "that of none never does");
    }
    Ok(())
}

#[test]
fn a_step_moves_the_vectors_of_its_own_rows_alone() {
    for (model, rows) in [("mlp:5", 1), ("gru:4,window=3,last=false", 3)] {
        for optimizer in ["sgd:0.1", "adam:0.01"] {
            let features = FeatureSpec::parse("category=embed:3").expect("there are such features");
            let mut learner = Deep::new(Config { features, ..config(Task::Regress, model, optimizer, "none") });
            let word = |k: u32| [("word", Cell::Text(format!("word {k}")))];
            let y = |k: u32| Target::Value(f64::from(k % 4));
            for k in 0..40 {
                learner.learn_one(&word(k % 20), y(k)).expect("the row is good");
            }
            let before = vectors(&learner);
            learner.learn_one(&word(7), y(9)).expect("the row is good");
            let after = vectors(&learner);
            let moved = before[0].iter().zip(&after[0]).filter(|(a, b)| a != b).count();
            assert_eq!(moved, rows, "{model} {optimizer}");
            assert_ne!(before[0][8], after[0][8], "{model} {optimizer}");
        }
    }
}

#[test]
fn a_category_beyond_the_limit_shares_a_vector_and_a_missing_one_has_zeros() -> Result<(), Error> {
    let mut learner = learner(Task::Regress, "mlp:6", "sgd:0.1", "category=embed:2,most=3; scale=none");
    let say = |learner: &mut Deep, word: &str| Ok::<_, Error>(bits(learner.logits_one(&[("word", word)])?));
    for k in 0..60 {
        learner.learn_one(&[("word", format!("word {}", k % 9))], Target::Value(f64::from(k % 9)))?;
    }
    assert_eq!(vectors(&learner)[0].len(), 1 + 3 + 1);
    let said = ["word 0", "word 1", "word 2", "word 3"].map(|word| say(&mut learner, word).expect("it is a row"));
    assert!((0..4).all(|a| (0..a).all(|b| said[a] != said[b])), "{said:?}");
    assert_eq!(say(&mut learner, "word 8")?, said[3]);
    assert_eq!(say(&mut learner, "never seen")?, said[3]);
    let missing = bits(learner.logits_one(&[("word", None::<f64>)])?);
    let nothing: [(&str, f64); 0] = [];
    assert_eq!(bits(learner.logits_one(&nothing)?), missing);
    assert!(!said.contains(&missing));
    Ok(())
}

#[test]
fn saved_and_loaded_it_goes_on_to_the_bit() -> Result<(), Error> {
    for model in ["mlp:5", "lstm:4,window=7"] {
        let rows = stream(8, 60);
        let mut straight = learner(Task::Classify, model, "adam:0.01", FEATURES);
        learn(&mut straight, &rows[..25]);
        let mut resumed = reloaded(&straight)?;
        [&mut straight, &mut resumed].into_iter().for_each(|learner| learn(learner, &rows[25..]));
        assert_eq!(whole(&straight), whole(&resumed), "{model}");
        assert_eq!(vectors(&straight).len(), 2, "both words are looked up");
    }
    Ok(())
}

/// Each of 100 cities looks at two numbers in a direction of its own: all cities have two numbers to find, and what is done
/// with them is the same for all.
#[test]
fn what_cities_have_in_common_is_learned_once() -> Result<(), Error> {
    let mut shares = Vec::new();
    for features in ["category=onehot", "category=hash:32", "category=embed:8"] {
        let features = FeatureSpec::parse(features)?;
        let mut learner = Deep::new(Config { features, ..config(Task::Classify, "mlp:32", "adam:0.005", "none") });
        let (mut rng, mut right) = (Rng::new(4), 0);
        for row in 0..5_000 {
            let city = rng.below(100);
            let (angle, a, b) = (city as f64 * 2.4, rng.normal(), rng.normal());
            let label = if a * angle.cos() + b * angle.sin() > 0.0 { "ahead" } else { "behind" };
            let x = [("a", Cell::Number(a)), ("b", Cell::Number(b)), ("city", Cell::Text(format!("city {city}")))];
            right += usize::from(row >= 4_000 && learner.predict_one(&x)?.label() == Some(label));
            learner.learn_one(&x, Target::Class(label))?;
        }
        shares.push(right as f64 / 1000.0);
    }
    let [onehot, hash, embed] = shares[..] else { unreachable!("there are three") };
    println!("onehot {onehot:.3}, hash {hash:.3}, embed {embed:.3}");
    assert!(embed > onehot + 0.02 && embed > hash + 0.02 && embed > 0.9, "{shares:?}");
    Ok(())
}

#[test]
fn a_frozen_trunk_looks_up_the_vectors_that_it_has() -> Result<(), Error> {
    let mut deep = learner(Task::Classify, "linear", "sgd:0.1", "category=embed:2; scale=none");
    for k in 0..30 {
        deep.learn_one(&[("word", ["a", "b"][k % 2])], Target::Class(["up", "down"][k % 2]))?;
    }
    let (vectors, mut extractor) = (vectors(&deep).concat(), Extractor::of(&deep)?);
    for (word, row) in [("a", 1), ("b", 2), ("new", 0)] {
        assert_eq!(extractor.extract_one(&[("word", word)])?, vectors[row], "{word}");
    }
    // Its features go on and meet a new category: there is still no vector of it.
    let mut learner = Frozen::new(Extractor::of(&deep)?, &HeadSpec::parse("ncm")?).with_running_scales();
    for word in ["a", "new", "newer"] {
        learner.learn_one(&[("word", word)], Target::Class(word))?;
    }
    assert_eq!(learner.extractor().clone().extract_one(&[("word", "newer")])?, [0.0; 2]);
    Ok(())
}

#[test]
fn whoever_learns_no_vectors_says_so() -> Result<(), Error> {
    let spec = FeatureSpec::parse("category(city)=embed:2")?;
    let expected = "expected categories that are not learned vectors (onehot, hash), found \"scale=standard; ";
    let config = Config { features: spec.clone(), ..Config::new(Task::Classify) };
    let errors = [
        MultiTask::new(config.clone()).err(),
        Autoencoder::new(anomaly::Config { features: spec.clone(), ..Default::default() }).err(),
        Extractor::new(Features::with(spec), Deep::new(config).params().clone(), {
            let (mut params, spec) = (thalweg_nn::Params::<f32>::new(), "linear:2".parse()?);
            thalweg_nn::Network::new(&mut params, "net", &spec, [1], &mut Rng::new(1))?
        })
        .err(),
    ];
    for error in errors {
        let message = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(message.starts_with(expected), "{message}");
    }
    Ok(())
}
