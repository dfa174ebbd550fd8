//! What a table draws of itself.
//!
//! A [`Drawing`] is what is to be seen, plain data; [`Plot`] is the option by which it is asked for:
//!
//! ```text
//! tables tracking --plot tracking.svg
//! ```

mod svg;

use std::fs::OpenOptions;
use std::path::PathBuf;

use clap::Args;

use super::Gates;

/// Whether a table is drawn, and where to.
#[derive(Clone, Debug, Default, Args)]
pub struct Plot {
    /// Draw the table into this SVG file, too
    #[arg(long = "plot", value_name = "FILE.svg", value_parser = writable)]
    file: Option<PathBuf>,
}

/// One or several diagrams.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// What it is about, above all diagrams.
    pub title: String,
    pub diagrams: Vec<Diagram>,
    /// How many of them stand side by side, if it is above 0.
    pub across: usize,
}

/// Curves over one axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagram {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub curves: Vec<Curve>,
    /// Values of y that something is compared with: dashed lines, each with its name.
    pub levels: Vec<(String, f64)>,
}

/// An axis: what it counts, and whether by its logarithm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    pub name: String,
    pub is_logarithmic: bool,
}

/// A name and points (x, y). What is not finite is left out, and the line broken there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

impl Axis {
    /// An axis as it is.
    pub fn new(name: &str) -> Self {
        Axis { name: name.to_owned(), is_logarithmic: false }
    }

    /// An axis of logarithms: what is not above zero is left out.
    pub fn logarithmic(name: &str) -> Self {
        Axis { is_logarithmic: true, ..Axis::new(name) }
    }

    fn shows(&self, value: f64) -> bool {
        value.is_finite() && (!self.is_logarithmic || value > 0.0)
    }
}

impl Plot {
    /// Draws, if a file was asked for. What cannot be written fails the table.
    pub fn draw(&self, gates: &mut Gates, drawing: impl FnOnce() -> Drawing) {
        let Some(file) = &self.file else { return };
        let svg = svg::draw(&drawing()).map_err(|error| error.to_string());
        match svg.and_then(|svg| std::fs::write(file, svg).map_err(|error| error.to_string())) {
            Ok(()) => println!("\ndrawn into {}", file.display()),
            Err(error) => gates.check(format!("--plot {}: {error}", file.display()), false),
        }
    }
}

/// A file that can be written: asked before a long run, not after it. What it holds already stays.
fn writable(text: &str) -> Result<PathBuf, String> {
    let opened = OpenOptions::new().create(true).append(true).open(text);
    opened.map(|_| PathBuf::from(text)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_before_the_run_and_fails_it_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let [good, bad] = [at("plot.svg"), at("missing/plot.svg")];
        assert!(writable(&bad.display().to_string()).is_err());
        assert_eq!(writable(&good.display().to_string()), Ok(good.clone()));

        let mut gates = Gates::default();
        gates.check("a gate", true);
        Plot::default().draw(&mut gates, || unreachable!("nothing was asked for"));
        Plot { file: Some(good.clone()) }.draw(&mut gates, Drawing::default);
        assert!(gates.report() && std::fs::read_to_string(good).expect("it is there").starts_with("<svg"));
        Plot { file: Some(bad) }.draw(&mut gates, Drawing::default);
        assert!(!gates.report());
    }
}
