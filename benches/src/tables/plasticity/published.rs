//! What was published, read off a figure: means of 100 runs.

use std::ops::RangeInclusive;

/// What is read off a curve.
#[derive(Clone, Copy, Debug)]
pub enum Figure {
    /// The mean of the examples from one to another, in thousands.
    Mean(usize, usize),
    /// The lowest stretch before this many thousand examples.
    Least(usize),
}

/// A figure that was read off: of which column, and between what it lies.
#[derive(Clone, Debug)]
pub struct Published {
    pub column: &'static str,
    pub figure: Figure,
    pub from: f64,
    pub to: f64,
}

/// How far off a mean may be.
pub const TOLERANCE: f64 = 0.06;

/// Dohare et al. 2024, the authors' figure of the error over a million examples.
pub const PUBLISHED: [Published; 20] = [
    read("linear", Figure::Mean(0, 1000), 0.84, 0.93),
    read("relu, 0.01", Figure::Mean(0, 20), 0.62, 0.62),
    read("relu, 0.01", Figure::Mean(180, 200), 1.0, 1.0),
    read("relu, 0.01", Figure::Mean(500, 1000), 1.15, 1.37),
    read("relu, 0.003", Figure::Mean(0, 20), 0.71, 0.71),
    read("relu, 0.003", Figure::Least(100), 0.655, 0.655),
    read("relu, 0.003", Figure::Mean(900, 1000), 1.0, 1.18),
    read("relu, 0.001", Figure::Mean(0, 20), 0.84, 0.84),
    read("relu, 0.001", Figure::Mean(40, 60), 0.72, 0.72),
    read("relu, 0.001", Figure::Mean(400, 600), 0.80, 0.86),
    read("relu, 0.001", Figure::Mean(900, 1000), 0.84, 0.92),
    read("tanh, 0.01", Figure::Mean(0, 20), 0.43, 0.43),
    read("tanh, 0.01", Figure::Least(100), 0.40, 0.40),
    read("tanh, 0.01", Figure::Mean(80, 100), 0.60, 0.60),
    read("tanh, 0.01", Figure::Mean(600, 1000), 0.9, 0.9),
    read("tanh, 0.003", Figure::Mean(0, 20), 0.60, 0.60),
    read("tanh, 0.003", Figure::Mean(900, 1000), 0.90, 0.97),
    read("tanh, 0.001", Figure::Mean(0, 20), 0.80, 0.80),
    read("tanh, 0.001", Figure::Least(1000), 0.69, 0.69),
    read("tanh, 0.001", Figure::Mean(900, 1000), 0.84, 0.84),
];

const fn read(column: &'static str, figure: Figure, from: f64, to: f64) -> Published {
    Published { column, figure, from, to }
}

impl Figure {
    /// Of a curve of errors over stretches of so many examples; `None` where it does not reach so far.
    pub fn of(self, errors: &[f64], stretch: usize) -> Option<f64> {
        let part = |thousands: usize| thousands * 1000 / stretch;
        match self {
            Figure::Mean(from, to) => {
                errors.get(part(from)..part(to)).map(|errors| errors.iter().sum::<f64>() / errors.len() as f64)
            }
            Figure::Least(before) => {
                errors.get(..part(before)).map(|errors| errors.iter().copied().fold(f64::NAN, f64::min))
            }
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Figure::Mean(from, to) => write!(f, "{from} to {to} thousand"),
            Figure::Least(before) => write!(f, "least before {before} thousand"),
        }
    }
}

impl Published {
    /// Within what a mean of ours must lie.
    pub fn accepted(&self) -> RangeInclusive<f64> {
        self.from - TOLERANCE..=self.to + TOLERANCE
    }

    /// As it was read.
    pub fn text(&self) -> String {
        if self.from == self.to { format!("{:.2}", self.from) } else { format!("{:.2} to {:.2}", self.from, self.to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_off_curves() {
        let curve = [4.0, 2.0, 1.0, 3.0, 5.0];
        assert_eq!(Figure::Mean(20, 60).of(&curve, 20_000), Some(1.5));
        assert_eq!(Figure::Least(40).of(&curve, 20_000), Some(2.0));
        assert!(Figure::Mean(80, 120).of(&curve, 20_000).is_none());
    }
}
