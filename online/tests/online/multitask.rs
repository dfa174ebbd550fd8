//! Several tasks on one trunk.

use allocation_counter::measure;
use thalweg_online::stream::bundled;
use thalweg_online::{Config, Deep, Error, Learner, MultiTask, Prequential, Record, Target, Task};

use crate::deep::support::{Example, MEMORIES, config, everything, stream};

#[test]
fn learning_and_predicting_allocate_nothing_after_the_first_rows() -> Result<(), Error> {
    for optimizer in ["sgd:0.03", "adam"] {
        for memory in MEMORIES {
            let mut model = MultiTask::new(config(Task::Classify, "mlp:9,9", optimizer, memory))?;
            let mut run = |rows: &[Example]| {
                for row in rows {
                    let answers = [("label", Target::Class(&row.label)), ("value", Target::Value(row.value))];
                    assert!(model.learn_tasks(&row.x, &answers).is_ok_and(f64::is_finite));
                    assert!(model.learn_one("other", &row.x, Target::Value(-row.value)).is_ok());
                    assert!(model.predict_one("label", &row.x).is_ok_and(|said| said.is_finite()));
                    assert!(model.predict_one("value", &row.x).is_ok_and(|said| said.is_finite()));
                }
            };
            run(&everything());
            run(&stream(1, 600));
            let rows = stream(2, 150).split_off(50);
            assert_eq!(measure(|| run(&rows)).count_total, 0, "{optimizer} {memory}");
        }
    }
    Ok(())
}

#[test]
fn one_task_of_several_is_evaluated_as_any_learner() -> Result<(), Error> {
    let mut model = MultiTask::new(Config::new(Task::Classify))?;
    let mut evaluation = Prequential::new(Task::Regress);
    for k in 0..500 {
        let x = [("a", f64::from(k % 7))];
        model.learn_one("odd", &x, Target::Class(if k % 7 % 2 == 1 { "odd" } else { "even" }))?;
        evaluation.step(&mut model.learner("twice", Task::Regress), &x, Target::Value(2.0 * x[0].1))?;
    }
    assert!(evaluation.scores().get("r2").is_some_and(|r2| r2 > 0.9), "{:?}", evaluation.scores().get("r2"));
    assert_eq!(model.task("twice"), Some((Task::Regress, 500)));
    let error = model.learner("odd", Task::Regress).learn_one(&[("a", 1.0)], Target::Value(1.0)).unwrap_err();
    assert_eq!(error.to_string(), "column \"odd\": expected a label, found the number 1");
    Ok(())
}

/// Which digit it is, of every image; whether it has a closed loop, of few. Beside a learner that knows of the loops alone.
#[test]
fn a_task_of_few_answers_gains_from_one_of_many() -> Result<(), Error> {
    let has_loop = |digit: &str| if matches!(digit, "0" | "6" | "8" | "9") { "yes" } else { "no" };
    let mut shared = MultiTask::new(Config::new(Task::Classify))?;
    let mut alone = Deep::new(Config::new(Task::Classify));
    let mut right = [0, 0, 0];
    let mut stream = bundled::find("digits").expect("they are bundled").open()?;
    let mut record = Record::new();
    while stream.read(&mut record)? {
        let digit = record.target_text().unwrap_or_default();
        let answers = [("digit", Target::Class(digit)), ("loop", Target::Class(has_loop(digit)))];
        if stream.row() > 1000 {
            right[0] += usize::from(shared.predict_one("loop", &record)?.label() == Some(has_loop(digit)));
            right[1] += usize::from(alone.predict_one(&record)?.label() == Some(has_loop(digit)));
            right[2] += 1;
            continue;
        }
        let known = stream.row() % 20 == 0;
        shared.learn_tasks(&record, &answers[..1 + usize::from(known)])?;
        if known {
            alone.learn_one(&record, answers[1].1)?;
        }
    }
    assert!(right[0] > right[1] + 80, "{right:?}");
    Ok(())
}
