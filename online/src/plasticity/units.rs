//! Hidden units: what they have said since someone last asked, and how one begins anew.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Param, Params, Var};
use thalweg_nn::Hidden;
use thalweg_tensor::Rng;

/// 1/√3: uniform within ±1/√inputs, as layers begin.
pub(super) const GAIN: f64 = 0.577_350_269_189_625_8;

/// What the units of a layer have said in the passes since [`clear`](Seen::clear); of fewer or more units than before, it begins
/// anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub hidden: Hidden,
    /// Σ h, of each unit.
    sum: Vec<f64>,
    /// Σ |h|.
    size: Vec<f64>,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
}

impl Seen {
    pub fn new(hidden: Hidden) -> Self {
        Seen { hidden, sum: Vec::new(), size: Vec::new(), rows: 0 }
    }

    /// `[units]` or `[n, units]`.
    pub fn see(&mut self, h: Var<'_>) {
        let units = h.shape().dims().last().map_or(1, |&units| units);
        if self.sum.len() != units {
            self.clear();
            self.sum.resize(units, 0.0);
            self.size.resize(units, 0.0);
        }
        h.with(|h| {
            for row in h.chunks_exact(units.max(1)) {
                for ((sum, size), &h) in self.sum.iter_mut().zip(&mut self.size).zip(row) {
                    *sum += f64::from(h);
                    *size += f64::from(h.abs());
                }
                self.rows += 1;
            }
        });
    }

    /// The means of h and |h| of each unit; none where nothing was seen.
    pub fn means(&self) -> impl ExactSizeIterator<Item = [f64; 2]> {
        let (units, rows) = (if self.rows == 0 { 0 } else { self.sum.len() }, self.rows as f64);
        self.sum[..units].iter().zip(&self.size).map(move |(sum, size)| [sum / rows, size / rows])
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes over what another has seen, which begins anew.
    pub fn take(&mut self, other: &mut Seen) {
        if other.rows == 0 {
            return;
        }
        if self.sum.len() != other.sum.len() {
            *self =
                Seen { sum: vec![0.0; other.sum.len()], size: vec![0.0; other.sum.len()], ..Seen::new(self.hidden) };
        }
        let add = |sums: &mut [f64], more: &[f64]| sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        add(&mut self.sum, &other.sum);
        add(&mut self.size, &other.size);
        self.rows += other.rows;
        other.clear();
    }

    pub fn clear(&mut self) {
        self.sum.fill(0.0);
        self.size.fill(0.0);
        self.rows = 0;
    }

    /// Whether all of its weights may be changed.
    pub fn is_learned(&self, params: &Params) -> bool {
        let Hidden { incoming, outgoing, .. } = self.hidden;
        let mut handles =
            [Some(incoming.weight), incoming.bias, Some(outgoing.weight), outgoing.bias].into_iter().flatten();
        handles.all(|param| params.layout().entry(param).trainable())
    }

    /// Whether it is of this layer of the network of θ, which has at least as many units as were seen, and as these.
    pub fn fits(&self, hidden: &Hidden, units: usize, params: &Params) -> bool {
        let (all, _) = params.layout().entry(hidden.incoming.weight).table();
        let are_numbers = self.sum.iter().chain(&self.size).all(|sum| sum.is_finite());
        self.hidden == *hidden && self.sum.len() == self.size.len() && self.sum.len().max(units) <= all && are_numbers
    }
}

/// The random numbers of a rule, apart from those that a network of the same seed is drawn with: a unit that begins anew would
/// be the copy of another.
pub(super) fn draws(seed: u64) -> Rng {
    const APART: u64 = u64::from_be_bytes(*b"begins a");
    Rng::new(seed ^ APART)
}

/// Who is to forget one index along an axis of a parameter, which begins anew: along 0, a row of a matrix, along 1, a column.
/// Told with θ as it is by then.
pub type Forget<'a> = &'a mut dyn FnMut(&Params, Param, usize, usize);

/// A unit begins anew: its incoming weights are drawn, uniformly within ±gain √(3 / inputs), its bias is 0, and nobody hears
/// it. What those who heard it got from it on average, `mean` times its outgoing weights, becomes part of their biases. The
/// old one is forgotten.
pub(super) fn renew(
    params: &mut Params,
    forget: Forget<'_>,
    hidden: &Hidden,
    unit: usize,
    mean: f32,
    gain: f64,
    rng: &mut Rng,
) {
    let Hidden { incoming, outgoing, .. } = *hidden;
    let [units, inputs] = [0, 1].map(|axis| params.layout().entry(incoming.weight).shape().dims()[axis]);
    let outputs = params.layout().entry(outgoing.weight).shape().dims()[0];
    for output in 0..outputs {
        let weight = std::mem::take(&mut params.of_mut(outgoing.weight)[output * units + unit]);
        if let Some(bias) = outgoing.bias {
            params.of_mut(bias)[output] += weight * mean;
        }
    }
    let bound = gain * (3.0 / inputs.max(1) as f64).sqrt();
    let weights = &mut params.of_mut(incoming.weight)[unit * inputs..][..inputs];
    weights.iter_mut().for_each(|weight| *weight = rng.range(-bound, bound) as f32);
    forget(params, incoming.weight, 0, unit);
    forget(params, outgoing.weight, 1, unit);
    if let Some(bias) = incoming.bias {
        params.of_mut(bias)[unit] = 0.0;
        forget(params, bias, 0, unit);
    }
}
