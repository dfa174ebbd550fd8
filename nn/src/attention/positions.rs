//! Where an element of a sequence stands.

use thalweg_autograd::{Param, Params, Var};
use thalweg_tensor::{Real, Rng};

use crate::init;

/// Adds sines of many wavelengths, by which positions can be told apart: `[t, d]` or `[n, t, d]` → the same shape.
///
/// ```text
/// y[t, 2i] = x[t, 2i] + sin(t / 10000^(2i/d))        y[t, 2i+1] = x[t, 2i+1] + cos(t / 10000^(2i/d))
/// ```
///
/// They reach to any length, and there is nothing to learn. Source: Vaswani et al. 2017, section 3.5.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::SinusoidalPositions;
///
/// let (params, mut tape) = (Params::<f64>::new(), Tape::new());
/// let y = SinusoidalPositions.forward(tape.pass(&params).zeros([2, 2])).to_tensor();
/// assert_eq!(y.as_slice(), [0.0, 1.0, 1f64.sin(), 1f64.cos()]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SinusoidalPositions;

impl SinusoidalPositions {
    /// Positions 0, 1, 2, …
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        self.forward_from(x, 0)
    }

    /// Positions from `start` on: for a stream that comes in pieces.
    ///
    /// # Panics
    /// If there are fewer than two axes.
    #[track_caller]
    pub fn forward_from<'p, T: Real>(&self, x: Var<'p, T>, start: usize) -> Var<'p, T> {
        let [steps, width] = sequence("SinusoidalPositions", x);
        let write = |y: &mut [T]| {
            for (at, y) in y.iter_mut().enumerate() {
                let (t, column) = ((start + at / width) as f64, at % width);
                let angle = t / 10_000f64.powf((column - column % 2) as f64 / width as f64);
                *y = T::from_f64(if column % 2 == 0 { angle.sin() } else { angle.cos() });
            }
        };
        x + x.pass().record("positions", [], [steps, width], |[], y| write(y), |_| {})
    }
}

/// Adds a learned vector for each position: `[t, d]` or `[n, t, d]` → the same shape.
///
/// ```text
/// y[t] = x[t] + W[t]        W: [positions, d]
/// ```
///
/// One parameter, `name.weight`, normal with deviation 0.02 at the start. The gradient touches the positions of the
/// sequence only. Longer sequences need more of them: [`grow`](LearnedPositions::grow).
///
/// Source: Gehring, Auli, Grangier, Yarats & Dauphin 2017.
///
/// ```
/// use thalweg_autograd::{Params, Tape};
/// use thalweg_nn::LearnedPositions;
/// use thalweg_tensor::Rng;
///
/// let (mut params, mut rng, mut tape) = (Params::<f32>::new(), Rng::new(1), Tape::new());
/// let positions = LearnedPositions::new(&mut params, "positions", 2, 8, &mut rng);
/// positions.grow(&mut params, 1, &mut rng);
/// assert_eq!(positions.forward(tape.pass(&params).zeros([5, 3, 8])).dims(), [5, 3, 8]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LearnedPositions {
    /// `[positions, d]`.
    pub weight: Param,
}

impl LearnedPositions {
    const DEVIATION: f64 = 0.02;

    /// Adds the table to θ.
    ///
    /// # Panics
    /// If the name is taken.
    #[track_caller]
    pub fn new<T: Real>(params: &mut Params<T>, name: &str, positions: usize, width: usize, rng: &mut Rng) -> Self {
        let begin = init::normal(Self::DEVIATION, rng);
        LearnedPositions { weight: params.add(&format!("{name}.weight"), [positions, width], begin) }
    }

    /// Positions 0, 1, 2, …
    ///
    /// # Panics
    /// If the sequence is longer than there are positions, or of another width.
    #[track_caller]
    pub fn forward<'p, T: Real>(&self, x: Var<'p, T>) -> Var<'p, T> {
        let ([steps, width], table) = (sequence("LearnedPositions", x), x.pass().param(self.weight));
        let [positions, found] = table.dims();
        let fits = steps <= positions && width == found;
        assert!(fits, "LearnedPositions: sequences up to [{positions}, {found}] expected, the shape is {}", x.shape());
        x + table.slice(0, 0..steps)
    }

    /// Adds positions at the end. Those before keep their vectors.
    pub fn grow<T: Real>(&self, params: &mut Params<T>, by: usize, rng: &mut Rng) {
        params.grow(self.weight, 0, by, init::normal(Self::DEVIATION, rng));
    }
}

/// [t, d] of `[…, t, d]`.
#[track_caller]
fn sequence<T: Real>(layer: &str, x: Var<'_, T>) -> [usize; 2] {
    match *x.shape().dims() {
        [.., steps, width] => [steps, width],
        _ => panic!("{layer}: [t, d] or [n, t, d] expected, the shape is {}", x.shape()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::{Grads, Tape, Touched};

    #[test]
    fn positions_of_a_piece_are_those_of_the_whole() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        let whole = SinusoidalPositions.forward(pass.zeros([9, 5])).to_tensor();
        let piece = SinusoidalPositions.forward_from(pass.zeros([2, 3, 5]), 4).to_tensor();
        assert!((0..2).all(|n| piece.row(n).to_tensor() == whole.view().slice(0, 4..7).to_tensor()));
        let rows: Vec<_> = (0..9).map(|t| whole.row(t).to_tensor()).collect();
        assert!((0..9).all(|i| (0..i).all(|j| rows[i] != rows[j])), "positions can be told apart");
    }

    #[test]
    fn learned_positions_touch_their_rows_and_grow() {
        let (mut params, mut rng, mut tape) = (Params::<f64>::new(), Rng::new(1), Tape::new());
        let positions = LearnedPositions::new(&mut params, "positions", 4, 3, &mut rng);
        let before = positions.forward(tape.pass(&params).zeros([4, 3])).to_tensor();
        positions.grow(&mut params, 2, &mut rng);
        assert_eq!(positions.forward(tape.pass(&params).zeros([4, 3])).to_tensor(), before);
        let mut grads = Grads::like(&params);
        positions.forward(tape.pass(&params).zeros([7, 2, 3])).sum().backward(&mut grads);
        assert_eq!(grads.touched(positions.weight), Touched::Rows(&[0, 1]));
        assert_eq!(grads.of(positions.weight)[..6], [7.0; 6]);
    }

    #[test]
    #[should_panic(expected = "LearnedPositions: sequences up to [4, 3] expected, the shape is [5, 3]")]
    fn learned_positions_panic_on_a_longer_sequence() {
        let (mut params, mut tape) = (Params::<f64>::new(), Tape::new());
        let positions = LearnedPositions::new(&mut params, "positions", 4, 3, &mut Rng::new(1));
        positions.forward(tape.pass(&params).zeros([5, 3]));
    }
}
