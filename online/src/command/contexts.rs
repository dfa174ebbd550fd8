//! How well each context is known: a table for people, an object for programs.

use serde_json::{Value, json};
use thalweg_online::session::ContextScores;

use super::report::{align_right, counted, decimal, grouped, number, table};

/// A wider table is for programs.
const MOST_COLUMNS: usize = 12;

/// The matrix, unless it is too wide (of many phases the last ones), and its figures.
pub fn as_text(contexts: &ContextScores) -> String {
    let names: Vec<&str> = contexts.contexts().map(|(name, ..)| name).collect();
    let hold_out = contexts.hold_out();
    let mut text = format!(
        "Accuracy on rows that were held out: one of {} of each context, {} at most; {} of {} so far.",
        grouped(hold_out.every().into()),
        grouped(hold_out.most() as u64),
        grouped(contexts.held_out() as u64),
        counted(names.len() as u64, "context", "contexts"),
    );
    let last = contexts.phases().len();
    let shown = if names.len() <= MOST_COLUMNS { last.saturating_sub(2 * MOST_COLUMNS)..last } else { 0..0 };
    if shown.is_empty() {
        text += &format!(" Their matrix, {last} by {}, is printed by --json.", names.len());
    } else {
        let mut matrix = table();
        matrix.set_header(std::iter::once("").chain(names.iter().copied()));
        matrix.add_row(std::iter::once("before it".to_owned()).chain(contexts.contexts().map(|(.., b)| decimal(b))));
        for (context, accuracies) in contexts.phases().skip(shown.start) {
            let cells = accuracies.iter().copied().map(decimal);
            matrix.add_row(std::iter::once(format!("after {}", names[context])).chain(cells));
        }
        align_right(&mut matrix);
        text += &format!("\n\n{}\n", matrix.trim_fmt());
    }
    let figures = figures(contexts).map(|(name, value)| format!("{} {}", name.replace('_', " "), decimal(value)));
    text + "\n" + &figures.join(" · ")
}

/// The same for programs; null where no rows are held out.
pub fn as_json(contexts: Option<&ContextScores>) -> Value {
    let Some(contexts) = contexts else { return Value::Null };
    let numbers = |row: &[f64]| row.iter().copied().map(number).collect::<Vec<_>>();
    let context = |(name, held_out, before): (&str, usize, f64)| json!({"name": name, "held_out": held_out, "before": number(before)});
    let names: Vec<&str> = contexts.contexts().map(|(name, ..)| name).collect();
    let phase = |(context, row): (usize, &[f64])| json!({"context": names[context], "accuracies": numbers(row)});
    let mut result = json!({
        "hold_out": contexts.hold_out().to_string(),
        "contexts": contexts.contexts().map(context).collect::<Vec<_>>(),
        "phases": contexts.phases().map(phase).collect::<Vec<_>>(),
    });
    figures(contexts).into_iter().for_each(|(name, value)| result[name] = number(value));
    result
}

fn figures(contexts: &ContextScores) -> [(&'static str, f64); 5] {
    [
        ("average_accuracy", contexts.average_accuracy()),
        ("anytime_accuracy", contexts.anytime_accuracy()),
        ("backward_transfer", contexts.backward_transfer()),
        ("forward_transfer", contexts.forward_transfer()),
        ("forgetting", contexts.forgetting()),
    ]
}
