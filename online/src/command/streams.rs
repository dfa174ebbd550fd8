//! `thalweg streams`: what is bundled.

use std::io::{self, Write};

use serde_json::{Value, json};
use thalweg_online::stream::bundled;

use super::report::{grouped, table};
use super::{Failure, Output};

/// Lists the bundled streams.
pub fn run(output: Output) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    if output.json {
        let describe = |stream: &bundled::Bundled| {
            json!({
                "name": stream.name,
                "rows": stream.rows,
                "task": stream.task.to_string(),
                "target": stream.target,
                "about": stream.about,
                "source": stream.source,
                "licence": stream.licence,
            })
        };
        return Ok(writeln!(out, "{}", Value::Array(bundled::all().iter().map(describe).collect()))?);
    }
    let mut table = table();
    table.set_header(["name", "rows", "task", "target", "about"]);
    for stream in bundled::all() {
        let (rows, task) = (grouped(stream.rows), stream.task.to_string());
        table.add_row([stream.name, &rows, &task, stream.target, stream.about]);
    }
    writeln!(out, "{}\n\nSources and licences:", table.trim_fmt())?;
    for stream in bundled::all() {
        writeln!(out, "  {}: {}. {}.", stream.name, stream.source, stream.licence)?;
    }
    Ok(())
}
