//! What a learner keeps of the past, in the same words wherever it is shown: its memory by class, what is held of contexts
//! that have ended, traces, which optimizer is trusted, and how well it can still learn.

use serde_json::{Map, Value, json};
use thalweg_online::consolidate::Report;
use thalweg_online::{AnyLearner, Deep, OptimizerSpec};

use super::report::{counted, decimal, grouped};

/// A list of classes that is longer than this is no part of a line.
const WIDEST: usize = 60;

/// What a line on the way says of them: `memory 500 (up 260, down 240)`, `held 2 contexts, importance 0.8125, penalty
/// 0.0313`. Asking costs a look at all that is kept.
pub fn notes(learner: &AnyLearner) -> Vec<String> {
    let memory = memory(learner, WIDEST).map(|memory| format!("memory {memory}"));
    let held = held(learner).map(|held| format!("held {held}"));
    let trusted = trusted(learner, LEADING).map(|trusted| format!("trusted {trusted}"));
    let depths = depths(learner).map(|depths| format!("depths {depths}"));
    memory.into_iter().chain(held).chain(trusted).chain(depths).chain(health(learner)).collect()
}

/// How much the optimizers are trusted that are trusted most, so many of them: `sgd:0.09 0.72, adam:0.003 0.21 of 14`.
/// `None` of a single one.
pub fn trusted(learner: &AnyLearner, most: usize) -> Option<String> {
    let deep = learner.as_deep()?;
    let mut trusted: Vec<(&OptimizerSpec, f64)> = deep.trust().collect();
    let all = trusted.len();
    if all == 1 {
        return None;
    }
    trusted.sort_by(|(_, a), (_, b)| b.total_cmp(a)); // of equals in the order of the grid
    let leading = trusted.iter().take(most).filter(|(_, weight)| *weight >= 0.005);
    let leading: Vec<String> = leading.map(|(optimizer, weight)| format!("{optimizer} {weight:.2}")).collect();
    let learning = if deep.learning() < all { format!(", {} learning", deep.learning()) } else { String::new() };
    Some(format!("{} of {all}{learning}", leading.join(", ")))
}

/// How well it can still learn, and how many units have begun anew for that. `None` where nobody asked.
pub fn health(learner: &AnyLearner) -> Option<String> {
    let deep = learner.as_deep()?;
    let replaced = match deep.replaced() {
        0 => None,
        units => Some(format!("{} anew", counted(units, "unit", "units"))),
    };
    let told: Vec<String> = deep.health().map(|health| health.to_string()).into_iter().chain(replaced).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// What recurrent layers keep that learn without a window. `None` where there are none.
pub fn traces(learner: &AnyLearner) -> Option<String> {
    let bytes = learner.as_deep().map_or(0, Deep::traces);
    (bytes > 0).then(|| counted(bytes as u64, "byte", "bytes"))
}

/// How much each depth is trusted, from the inputs on: `0.61 0.24 0.15`. `None` where there is one exit alone.
pub fn depths(learner: &AnyLearner) -> Option<String> {
    let alpha = learner.as_deep().map(Deep::depths).filter(|alpha| !alpha.is_empty())?;
    Some(alpha.iter().map(|alpha| format!("{alpha:.2}")).collect::<Vec<_>>().join(" "))
}

/// So many optimizers are named in a line.
const LEADING: usize = 3;

/// How many rows are kept, and of which classes: all of them, if they are not wider than this. `None` without a memory.
pub fn memory(learner: &AnyLearner, widest: usize) -> Option<String> {
    let deep = learner.as_deep().filter(|deep| deep.config().memory.size > 0)?;
    Some(contents(deep.remembered(), deep.classes(), &deep.remembered_by_class(), widest))
}

fn contents(all: usize, classes: &[String], counts: &[usize], widest: usize) -> String {
    let all = grouped(all as u64);
    let (Some(least), Some(most)) = (counts.iter().min(), counts.iter().max()) else { return all };
    let [least, most] = [least, most].map(|&count| grouped(count as u64));
    let each = classes.iter().zip(counts).map(|(class, &count)| format!("{class} {}", grouped(count as u64)));
    let each = each.collect::<Vec<_>>().join(", ");
    match each.chars().count() <= widest && !each.contains(char::is_control) {
        true => format!("{all} ({each})"),
        false => format!("{all} ({least} to {most} of each of {} classes)", grouped(counts.len() as u64)),
    }
}

/// How many contexts have ended, and what it costs now to be elsewhere than they were. `None` where nothing is held.
pub fn held(learner: &AnyLearner) -> Option<String> {
    let Report { contexts, importance, penalty, .. } = report(learner)?;
    let contexts = counted(contexts, "context", "contexts");
    match importance > 0.0 {
        true => Some(format!("{contexts}, importance {}, penalty {}", decimal(importance), decimal(penalty))),
        false => Some(contexts), // it is a network that is held to what it said, not θ
    }
}

fn report(learner: &AnyLearner) -> Option<Report> {
    learner.as_deep().map(Deep::held).filter(|held| held.contexts > 0 || held.importance > 0.0)
}

/// All of them, for programs.
pub fn as_json(learner: &AnyLearner) -> Map<String, Value> {
    let trust = |deep: &Deep| -> Vec<Value> {
        let single = deep.trust().count() == 1;
        let all = deep.trust().filter(|_| !single);
        all.map(|(optimizer, weight)| json!({"optimizer": optimizer.to_string(), "weight": weight})).collect()
    };
    let members = [
        ("trust", json!(learner.as_deep().map_or_else(Vec::new, trust))),
        ("depths", json!(learner.as_deep().map_or(&[][..], Deep::depths))),
        ("experts_learning", json!(learner.as_deep().map_or(1, Deep::learning))),
        ("held", json!(report(learner))),
        ("health", json!(learner.as_deep().and_then(Deep::health))),
        ("units_anew", json!(learner.as_deep().map_or(0, Deep::replaced))),
        ("trace_bytes", json!(learner.as_deep().map_or(0, Deep::traces))),
        ("remembered", json!(learner.as_deep().map_or(0, Deep::remembered))),
        ("remembered_by_class", json!(learner.as_deep().map_or_else(Vec::new, Deep::remembered_by_class))),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_stays_on_its_line() {
        let classes = |count: usize| (0..count).map(|class| format!("class {class}")).collect::<Vec<_>>();
        assert_eq!(contents(1500, &classes(2), &[1260, 240], WIDEST), "1,500 (class 0 1,260, class 1 240)");
        assert_eq!(contents(45, &classes(9), &[1, 2, 3, 4, 5, 6, 7, 8, 9], WIDEST), "45 (1 to 9 of each of 9 classes)");
        assert_eq!(contents(7, &["a\nb".to_owned()], &[7], WIDEST), "7 (7 to 7 of each of 1 classes)");
        assert_eq!(contents(500, &[], &[], WIDEST), "500", "numbers have no classes");
    }
}
