//! Panels of experts: each learns as it would alone, and what they say together is their mixture.

use allocation_counter::measure;
use thalweg_online::optim::hedge::bound;
use thalweg_online::recurrent::GradientSpec;
use thalweg_online::{
    ClassWeights, Deep, Learner, MultiTask, PlasticitySpec, Prediction, Target, Task, Weighted, conformance,
};

use crate::deep::halving::{mean_loss, of_products};
use crate::deep::support::{TASKS, advance, config, everything, learn, reloaded, stream, whole};

const HEDGE: &str = "hedge(sgd|adam:0.01),share=0.01,rates=3";
const HALVING: &str = "halving(sgd:0.03,momentum=0.9),every=4,rates=3";
const MODELS: [(&str, &str); 3] =
    [("mlp:7,5", "reservoir:6,replays=2"), ("gru:4,window=3", "a-gem:6,replays=1"), ("linear", "mir:6,candidates=3")];

#[test]
fn one_rate_is_that_optimizer_to_the_bit() {
    for task in TASKS {
        for (model, memory) in MODELS {
            for panel in ["hedge(adam:0.01),rates=1", "halving(adam:0.01),rates=1,every=3"] {
                let [mut one, mut alone] = [panel, "adam:0.01"].map(|optimizer| {
                    let mut config = config(task, model, optimizer, memory);
                    if task == Task::Classify {
                        config.class_weights = ClassWeights::Balanced;
                    }
                    Deep::new(config)
                });
                for (k, row) in stream(7, 60).iter().enumerate() {
                    assert_eq!(advance(&mut one, row), advance(&mut alone, row), "{task} {model} {panel}, row {k}");
                }
                assert_eq!(one.fingerprint(), alone.fingerprint());
                assert_eq!((one.learning(), one.trust().count()), (1, 1));
            }
        }
    }
}

/// The experts are so many learners; weights and mixture are worked out here.
#[test]
fn a_panel_is_its_experts_alone_and_their_mixture_by_hand() {
    for task in [Task::Classify, Task::Regress] {
        for (model, memory) in MODELS {
            let mut panel = Deep::new(config(task, model, HEDGE, memory));
            let experts: Vec<String> = panel.trust().map(|(optimizer, _)| optimizer.to_string()).collect();
            assert_eq!(experts[..4], ["sgd:0.009", "sgd:0.03", "sgd:0.09", "adam:0.003"]);
            let mut alone: Vec<Deep> =
                experts.iter().map(|optimizer| Deep::new(config(task, model, optimizer, memory))).collect();
            let (mut weights, mut fading, mut bounded) = (vec![1.0 / 6.0; 6], [0.0; 2], Vec::new());
            for (k, row) in stream(11, 80).iter().enumerate() {
                let y = row.target(task);
                let name = format!("{task} {model}, row {k}");
                let said: Vec<Vec<f64>> = alone.iter_mut().map(|one| numbers(one.predict_one(&row.x))).collect();
                let mixture = numbers(panel.predict_one(&row.x));
                if task == Task::Classify {
                    for (class, p) in mixture.iter().enumerate() {
                        let expected: f64 = weights.iter().zip(&said).map(|(w, p)| w * p[class]).sum();
                        assert!((p - expected).abs() < 1e-5, "{name}: {p} {expected}");
                    }
                }
                let losses: Vec<f64> =
                    alone.iter_mut().map(|one| one.learn_one(&row.x, y).expect("the row is good")).collect();
                let loss = panel.learn_one(&row.x, y).expect("the row is good");
                let mut scale = 1.0;
                if task == Task::Regress {
                    fading = [0.999 * fading[0] + loss.min(100.0), 0.999 * fading[1] + 1.0];
                    scale = 0.5 / (fading[0] / fading[1]).max(1e-12);
                } else {
                    let expected = -losses.iter().zip(&weights).map(|(l, w)| w * (-l).exp()).sum::<f64>().ln();
                    assert!((loss - expected).abs() < 1e-4, "{name}: {loss} {expected}");
                }
                bound(&losses, scale, &mut bounded);
                weights.iter_mut().zip(&bounded).for_each(|(w, l)| *w *= (-l).exp());
                let all: f64 = weights.iter().sum();
                weights.iter_mut().for_each(|w| *w = 0.99 * *w / all + 0.01 / 6.0);
                for ((_, trusted), expected) in panel.trust().zip(&weights) {
                    assert!((trusted - expected).abs() < 1e-9, "{name}: {trusted} {expected}");
                }
                let most = (0..6).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).expect("there are six");
                let leading = alone.iter().position(|one| one.fingerprint() == panel.fingerprint());
                assert!(leading.is_some_and(|one| weights[one] > weights[most] - 1e-9), "{name}: {leading:?} {most}");
            }
        }
    }
}

fn numbers(said: Result<Prediction<'_>, thalweg_online::Error>) -> Vec<f64> {
    match said.expect("the row is good") {
        Prediction::Classes { probabilities, .. } => probabilities.iter().map(|&p| f64::from(p)).collect(),
        Prediction::Value(value) => vec![value],
        _ => Vec::new(),
    }
}

fn every_panel(mut law: impl FnMut(Deep, &str)) {
    for panel in [HEDGE, HALVING, "hedge(schedule-free-sgd|autostep),rates=1", "halving(schedule-free-adamw),every=5"] {
        for task in TASKS {
            // Who is told the error does not learn by another gradient.
            for (model, memory) in
                MODELS.into_iter().filter(|(_, memory)| !(panel.contains("autostep") && memory.contains("a-gem")))
            {
                law(Deep::new(config(task, model, panel, memory)), &format!("{task} {model} {panel}"));
            }
        }
        let mut by_rule = config(Task::Classify, "carry:last=true > gru:5 > mlp:4", panel, "none");
        by_rule.gradient = GradientSpec::parse("snap1").expect("a rule");
        if !panel.contains("schedule-free") {
            by_rule.plasticity = PlasticitySpec::parse("cbp").expect("a rule");
            by_rule.consolidation = "ewc:1".parse().expect("a rule");
        }
        by_rule.probe = 10;
        law(Deep::new(by_rule), &format!("a rule, {panel}"));
    }
}

#[test]
fn panels_resume_to_the_bit_and_grow() {
    every_panel(|mut unbroken, name| {
        let mut stopped = unbroken.clone();
        for (k, row) in stream(3, 40).iter().enumerate() {
            assert_eq!(advance(&mut stopped, row), advance(&mut unbroken, row), "{name}, row {k}");
            if k % 9 == 8 {
                assert_eq!(stopped.end_context(), unbroken.end_context(), "{name}, row {k}");
            }
            if k % 3 == 0 {
                stopped = reloaded(&stopped).unwrap_or_else(|error| panic!("{name}, row {k}: {error}"));
            }
        }
        assert!(whole(&stopped) == whole(&unbroken), "{name}");
        let all: f64 = unbroken.trust().map(|(_, weight)| weight).sum();
        assert!((all - 1.0).abs() < 1e-9, "{name}: {all}");
    });
}

/// Of late labels, too: rows go by, and are learned behind others.
#[test]
fn experts_hear_rows_that_go_by() {
    let optimizer = "hedge(adam:0.01),rates=3";
    let mut panel = Deep::new(config(Task::Regress, "gru:4,window=3", optimizer, "none"));
    let mut alone = ["adam:0.003", "adam:0.01", "adam:0.03"]
        .map(|optimizer| Deep::new(config(Task::Regress, "gru:4,window=3", optimizer, "none")));
    let rows = stream(5, 60);
    for (k, row) in rows.iter().enumerate() {
        for learner in alone.iter_mut().chain([&mut panel]) {
            learner.pass_one(&row.x).expect("the row is good");
            if k > 2 {
                learner.learn_late(&rows[k - 2].x, Target::Value(rows[k - 2].value)).expect("the row is good");
            }
        }
        let leader = panel.fingerprint();
        let leads = alone.iter().position(|one| one.fingerprint() == leader);
        assert!(leads.is_some(), "row {k}");
    }
}

#[test]
fn panels_obey_the_laws_of_learners() {
    for (panel, model) in [(HEDGE, "gru:3"), (HALVING, "mlp:4")] {
        let config = config(Task::Classify, model, panel, "none");
        assert_eq!(conformance::check(|| Deep::new(config.clone())), Ok(()), "{panel} {model}");
    }
}

#[test]
fn panels_learn_without_new_memory() {
    for task in TASKS {
        for (model, memory) in MODELS {
            let mut learner = Deep::new(config(task, model, HEDGE, memory));
            learn(&mut learner, &everything());
            learn(&mut learner, &stream(1, 300));
            let rows = stream(2, 100);
            let used = measure(|| {
                for row in &rows[50..] {
                    learner.predict_one(&row.x).expect("the row is good");
                    learner.learn_one(&row.x, row.target(task)).expect("the row is good");
                }
            });
            assert_eq!(used.count_total, 0, "{task} {model}");
        }
    }
}

/// Nobody has to know which rate is right: some of them diverge, some crawl.
#[test]
fn a_panel_is_about_as_good_as_the_best_of_it() {
    let losses: Vec<f64> = "hedge(sgd)"
        .parse::<thalweg_online::OptimizerSpec>()
        .expect("it is one")
        .experts()
        .iter()
        .map(|optimizer| mean_loss(&mut Deep::new(of_products(&optimizer.to_string())), 0..3000, 1.0))
        .collect();
    let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
    let worst = losses.iter().copied().fold(0.0, f64::max);
    assert!(worst > 10.0 * best, "there is something to choose: {losses:?}");
    for panel in ["hedge(sgd)", "halving(sgd),every=100"] {
        let found = mean_loss(&mut Deep::new(of_products(panel)), 0..3000, 1.0);
        assert!(found < 1.5 * best, "{panel}: {found}, {losses:?}");
    }
}

#[test]
fn several_tasks_have_a_single_optimizer() {
    let refused =
        MultiTask::new(config(Task::Classify, "mlp:4", "hedge(sgd)", "none")).map(drop).unwrap_err().to_string();
    assert!(refused.contains("expected a single optimizer, for several tasks, found"), "{refused}");
}

/// As heavy as a row may be: what experts are trusted stays a number, and the learner can be saved.
#[test]
fn a_row_of_any_weight_is_survived() {
    for panel in [HEDGE, HALVING] {
        let mut learner = Deep::new(config(Task::Regress, "mlp:4", panel, "none"));
        for (k, row) in stream(9, 60).iter().enumerate() {
            let weight = if k % 20 == 19 { f64::MAX } else { 1.0 };
            let _loss = learner.learn_one(&Weighted(&row.x, weight), row.target(Task::Regress));
            let all: f64 = learner.trust().map(|(_, weight)| weight).sum();
            assert!((all - 1.0).abs() < 1e-9, "{panel}, row {k}: {all}");
        }
        reloaded(&learner).unwrap_or_else(|error| panic!("{panel}: {error}"));
    }
}
