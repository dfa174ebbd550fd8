//! Absurd learning rates and numbers at the ends of what an `f64` holds: θ stays finite, and life goes on.

use thalweg_online::{Config, Deep, Learner, Prequential, Target, Task};
use thalweg_tensor::Rng;

use crate::deep::support::{Cell, Example, TASKS, advance, config, every_learner, learn, stream, whole};

/// Rows of [`stream`] with extremes in many places.
fn storm(seed: u64, rows: usize) -> Vec<Example> {
    const EXTREMES: [f64; 9] =
        [1e300, -1e300, f64::MAX, f64::MIN, 1e-300, f64::MIN_POSITIVE, 1e154, 3e38, f64::INFINITY];
    let mut rng = Rng::new(seed);
    let mut rows = stream(seed, rows);
    for row in &mut rows {
        for (_, cell) in &mut row.x {
            if matches!(cell, Cell::Number(_)) && rng.below(2) == 0 {
                *cell = Cell::Number(EXTREMES[rng.below(9)]);
            }
        }
        if rng.below(2) == 0 {
            row.value = EXTREMES[rng.below(8)]; // a target must be finite
        }
    }
    rows
}

#[track_caller]
fn assert_theta_is_finite(learner: &Deep, what: &str) {
    assert!(learner.params().is_finite(), "{what}: θ is not finite after row {}", learner.rows());
    let moments = learner.moments().into_iter().flatten();
    moments.for_each(|moments| assert!(moments.is_finite(), "{what}: moments after row {}", learner.rows()));
}

#[test]
fn an_absurd_learning_rate_never_makes_theta_infinite() {
    let rows: Vec<Example> = stream(1, 30).into_iter().chain(storm(2, 60)).chain(stream(3, 30)).collect();
    for rate in ["1e6", "1e5", "1e4", "100"] {
        let specs = [
            format!("sgd:{rate}"),
            format!("sgd:{rate},momentum=0.9"),
            format!("sgd:{rate},clip=1"),
            format!("adam:{rate}"),
            format!("adam:{rate},weight_decay=1e-7"),
            format!("adamw:{rate},weight_decay=0"),
        ];
        let specs = specs.each_ref().map(String::as_str);
        every_learner(&specs, |mut learner, name| {
            for row in &rows {
                advance(&mut learner, row); // predicts twice and learns: an error or a panic fails
                assert_theta_is_finite(&learner, name);
            }
            assert_eq!(learner.rows(), rows.len() as u64);
        });
    }
}

/// With a sane learning rate, extreme cells and targets are no reason to refuse a step or to say NaN.
#[test]
fn extreme_numbers_leave_every_prediction_finite() {
    let (calm, storm) = (stream(4, 30), storm(5, 150));
    every_learner(&["sgd:0.001", "sgd:0.0003,momentum=0.9", "adam:0.001", "adamw:0.001"], |mut learner, name| {
        for rows in [&calm, &storm, &calm] {
            for row in rows {
                let prediction = learner.predict_one(&row.x).expect("the row is good");
                assert!(prediction.is_finite(), "{name}: {prediction:?}");
                learn(&mut learner, std::slice::from_ref(row));
                assert_theta_is_finite(&learner, name);
            }
        }
        assert_eq!(learner.refused(), 0, "{name}");
    });
}

/// One cell of 1.8 · 10³⁰⁸ must not be the end of learning.
#[test]
fn it_learns_after_the_storm() -> Result<(), thalweg_online::Error> {
    for model in ["linear", "mlp:16", "gru:8,window=4,last=false"] {
        for optimizer in ["sgd", "adam:0.01"] {
            let mut learner = Deep::new(config(Task::Classify, model, optimizer, "none"));
            for extreme in [f64::MAX, f64::MIN, 1e-300, -1e300] {
                learner.learn_one(&[("struck", extreme)], Target::Class("left"))?;
            }
            let (mut rng, mut right) = (Rng::new(6), 0);
            for row in 0..1500 {
                let x = [("struck", rng.normal()), ("spared", rng.normal())];
                let label = if x[1].1 > 0.0 { "right" } else { "left" };
                right += usize::from(row >= 1000 && learner.predict_one(&x)?.label() == Some(label));
                learner.learn_one(&x, Target::Class(label))?;
            }
            assert!(right > 470, "{model} {optimizer}: {right} of 500");
        }
    }
    Ok(())
}

/// Diverged weights are finite but their products need not be. Then the learner says so, and an evaluation passes it on as
/// an error, row by row.
#[test]
fn a_diverged_learner_is_reported() {
    let rows = stream(8, 40);
    for task in TASKS {
        let mut diverged = 0;
        for seed in 0..20 {
            let mut learner = Deep::new(Config { seed, ..config(task, "mlp:8,8,8", "sgd:1e6", "none") });
            let mut evaluation = Prequential::new(task);
            for row in &rows {
                let finite = learner.predict_one(&row.x).expect("the row is good").is_finite();
                let (before, stepped) = (whole(&learner), evaluation.step(&mut learner, &row.x, row.target(task)));
                assert_eq!(stepped.is_ok(), finite, "{task} {seed}: {stepped:?}");
                if let Err(error) = stepped {
                    assert!(
                        error.to_string().starts_with("expected a finite prediction, found NaN or infinity: "),
                        "{error}"
                    );
                    assert!(whole(&learner) == before, "{task} {seed}");
                    diverged += 1;
                }
                assert_theta_is_finite(&learner, "diverged");
            }
        }
        assert!(diverged > 0, "{task}: none of the seeds diverged");
    }
}
