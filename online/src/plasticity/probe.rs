//! How well a network can still learn, by signs that are known to precede its loss.

use std::fmt;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Params, Var};
use thalweg_nn::Hidden;

use super::effective_rank;
use crate::error::Error;
use crate::saved::{Checked, checked, ensure};

/// Looks at hidden units and gradients, over time.
///
/// It keeps what each layer of hidden units has said of the last rows, one row a step, and how long gradients were. It changes
/// nothing.
///
/// ```
/// use thalweg_autograd::{Grads, Params, Tape};
/// use thalweg_nn::{Hidden, Linear, Rng, Activation};
/// use thalweg_online::plasticity::Probe;
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let incoming = Linear::new(&mut params, "hidden", 2, 3, &mut rng);
/// let outgoing = Linear::new(&mut params, "head", 3, 1, &mut rng);
/// params.of_mut(incoming.weight)[..2].fill(0.0); // the first unit
/// params.of_mut(incoming.bias.unwrap())[0] = -1.0; // is dead
///
/// let (mut probe, mut grads) = (Probe::new(&[Hidden { place: 0, incoming, outgoing }], 50), Grads::like(&params));
/// for k in 0..60 {
///     let pass = tape.pass(&params);
///     let h = incoming.forward_with(pass.input(&[(k % 7) as f32, -(k % 5) as f32]), Activation::Relu);
///     outgoing.forward(h).mse(pass.input(&[1.0])).backward(&mut grads);
///     probe.see(0, h);
///     probe.before_step(&grads);
///     grads.zero();
/// }
/// let health = probe.report(&params);
/// assert!(health.layers[0].dormant >= 1 && health.layers[0].effective_rank <= 2.0, "{health}");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Probe {
    rows: usize,
    layers: Vec<Sample>,
    /// ‖∇L‖ on average over about as many steps as rows are kept, and how many steps there were.
    gradient: f64,
    #[serde(deserialize_with = "crate::saved::count")]
    steps: u64,
}

/// The last rows of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Sample {
    place: usize,
    units: usize,
    /// Row by row, the oldest at `next` once it is full.
    said: Vec<f32>,
    next: usize,
    /// What it says of the row that is being learned.
    #[serde(skip)]
    newest: Vec<f32>,
}

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Of each layer of hidden units, from the input to the output.
    pub layers: Vec<LayerHealth>,
    /// ‖θ‖₂, of what is learned.
    pub weights: f64,
    /// ‖∇L‖₂, on average: older steps fade, by 1 − 1/rows each. NaN if there was none.
    pub gradient: f64,
}

/// A layer of hidden units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerHealth {
    /// How many units there are.
    pub units: usize,
    /// How many of them say, on average, at most a hundredth of what all of them say (|h|; Sokar et al. 2023).
    pub dormant: usize,
    /// How many directions what they say really has: the [`effective_rank`] of rows × units.
    pub effective_rank: f64,
}

/// τ.
const DORMANT: f64 = 0.01;
/// The most rows that a [`Probe`] looks at. More is a slip of the keyboard: the rank of so many rows takes its time.
pub const MOST_ROWS: usize = 10_000;

impl Probe {
    /// Of these layers, over so many of the last rows.
    ///
    /// # Panics
    ///
    /// If it is none, or more than ten thousand.
    #[must_use]
    #[track_caller]
    pub fn new(hidden: &[Hidden], rows: usize) -> Self {
        assert!((1..=MOST_ROWS).contains(&rows), "probe: 1 to {MOST_ROWS} rows expected, found {rows}");
        let sample = |hidden: &Hidden| Sample::new(hidden.place, 0, 0);
        Probe { rows, layers: hidden.iter().map(sample).collect(), gradient: 0.0, steps: 0 }
    }

    /// Over how many rows it looks.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it looks at these layers, with at most as many units as they have: to be asked where both come from outside.
    #[must_use]
    pub fn fits(&self, hidden: &[Hidden], params: &Params) -> bool {
        let of = |(sample, hidden): (&Sample, &Hidden)| {
            let (units, _) = params.layout().entry(hidden.incoming.weight).table();
            sample.place == hidden.place && sample.units <= units
        };
        self.layers.len() == hidden.len() && self.layers.iter().zip(hidden).all(of)
    }

    /// What the layer at this place of the network gives: `[units]` or `[n, units]`, of which the last row counts. What is shown last
    /// before a step is kept.
    pub fn see(&mut self, place: usize, h: Var<'_>) {
        let Some(sample) = self.layers.iter_mut().find(|sample| sample.place == place) else { return };
        let units = h.shape().dims().last().map_or(1, |&units| units);
        if sample.units != units {
            *sample = Sample::new(place, units, self.rows);
        }
        h.with(|h| {
            sample.newest.clear();
            sample.newest.extend(h.chunks_exact(units.max(1)).next_back().into_iter().flatten());
        });
    }

    /// The gradient that a step is about to be made of. Gradients that are not finite are refused, and do not count.
    pub fn before_step(&mut self, grads: &Grads) {
        let norm = grads.norm();
        if norm.is_finite() {
            self.steps += 1;
            self.gradient += (norm - self.gradient) / self.steps.min(self.rows as u64) as f64;
        }
        self.layers.iter_mut().for_each(|sample| sample.keep(self.rows));
    }

    /// How things stand.
    #[must_use]
    pub fn report(&self, params: &Params) -> Health {
        let learned = params.layout().iter().filter(|(_, entry)| entry.trainable());
        let squares = learned.flat_map(|(param, _)| params.of(param)).map(|&theta| f64::from(theta).powi(2));
        Health {
            layers: self.layers.iter().map(Sample::health).collect(),
            weights: squares.sum::<f64>().sqrt(),
            gradient: if self.steps == 0 { f64::NAN } else { self.gradient },
        }
    }
}

impl Sample {
    /// Of so many units, with room for so many rows.
    fn new(place: usize, units: usize, rows: usize) -> Self {
        let (said, newest) = (Vec::with_capacity(units * rows), Vec::with_capacity(units));
        Sample { place, units, said, next: 0, newest }
    }

    /// Keeps the newest row, if there is one, in place of the oldest of so many.
    fn keep(&mut self, rows: usize) {
        let Sample { units, said, next, newest, .. } = self;
        if said.len() < rows * *units {
            said.extend_from_slice(newest);
        } else if !newest.is_empty() {
            said[*next * *units..][..*units].copy_from_slice(newest);
            *next = (*next + 1) % rows;
        }
        newest.clear();
    }

    fn health(&self) -> LayerHealth {
        let mut sizes = vec![0.0; self.units];
        for row in self.said.chunks_exact(self.units.max(1)) {
            sizes.iter_mut().zip(row).for_each(|(size, &h)| *size += f64::from(h.abs()));
        }
        let average = sizes.iter().sum::<f64>() / self.units as f64;
        LayerHealth {
            units: self.units,
            dormant: sizes.iter().filter(|&&size| size <= DORMANT * average).count(),
            effective_rank: effective_rank(self.units, &self.said),
        }
    }
}

checked!(Probe);

impl Checked for Probe {
    fn check(&self) -> Result<(), Error> {
        let is_sound = |sample: &Sample| {
            let most = self.rows.checked_mul(sample.units);
            most.is_some_and(|most| sample.said.len() <= most)
                && sample.said.len().is_multiple_of(sample.units.max(1))
                && sample.next < self.rows
        };
        let is_norm = self.gradient.is_finite() && self.gradient >= 0.0;
        let sound = is_norm && (1..=MOST_ROWS).contains(&self.rows) && self.layers.iter().all(is_sound);
        ensure(sound, "a probe of a few rows of each layer")
    }
}

/// In one line: `dormant 3 of 64, rank 12.3; weights 4.2, gradient 0.13`.
impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for LayerHealth { units, dormant, effective_rank } in &self.layers {
            write!(f, "dormant {dormant} of {units}, rank {effective_rank:.1}; ")?;
        }
        let size = |norm: f64| match norm {
            0.0 | 1e-2..1e6 => format!("{norm:.3}"),
            _ => format!("{norm:.2e}"),
        };
        write!(f, "weights {}, gradient {}", size(self.weights), size(self.gradient))
    }
}

#[cfg(test)]
mod tests {
    use thalweg_autograd::Tape;
    use thalweg_nn::Linear;
    use thalweg_tensor::Rng;

    use super::*;

    /// A window is shown again at every step, in pieces: each row of the stream is kept once.
    #[test]
    fn each_step_keeps_the_newest_row() {
        let (mut params, mut tape) = (Params::<f32>::new(), Tape::new());
        let rng = &mut Rng::new(1);
        let incoming = Linear::new(&mut params, "hidden", 1, 2, rng);
        let outgoing = Linear::new(&mut params, "head", 2, 1, rng);
        let mut probe = Probe::new(&[Hidden { place: 3, incoming, outgoing }], 4);
        let grads = Grads::like(&params);
        for step in 0..6_u8 {
            let pass = tape.pass(&params);
            let h = |row: u8| [f32::from(row), 1.0];
            probe.see(3, pass.input(&h(step.saturating_sub(2))));
            probe.see(3, pass.input(&[h(step.saturating_sub(1)), h(step)].concat()).reshape([2, 2]));
            probe.see(0, pass.input(&[9.0, 9.0]));
            probe.before_step(&grads);
        }
        let sample = &probe.layers[0];
        assert_eq!((&sample.said[..], sample.next), (&[4.0, 1.0, 5.0, 1.0, 2.0, 1.0, 3.0, 1.0][..], 2));
        // A step without a look keeps nothing.
        let before = probe.layers.clone();
        probe.before_step(&grads);
        assert_eq!(probe.layers, before);
    }
}
