//! Which keys a query may look at.

use thalweg_autograd::{Pass, Var};
use thalweg_tensor::Real;

/// Which keys queries may look at: by default, all. A query that may look at none takes nothing: zeros.
///
/// What is hidden has weight 0, so its value must be finite to have no influence.
///
/// ```
/// use thalweg_nn::AttentionMask;
///
/// // Two sequences of up to three elements; the second has one only.
/// let padding = [false, false, false, false, true, true];
/// let mask = AttentionMask { key_padding: Some(&padding), ..AttentionMask::CAUSAL };
/// assert!(mask.causal);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttentionMask<'a> {
    /// Query `i` looks at keys `0..=i` only: not at the future.
    pub causal: bool,
    /// `[n, s]`, or `[s]` for one sequence, row-major: true where a key is padding, which nobody looks at. PyTorch's
    /// `key_padding_mask`.
    pub key_padding: Option<&'a [bool]>,
}

impl AttentionMask<'_> {
    /// Everyone looks at everything.
    pub const NONE: Self = AttentionMask { causal: false, key_padding: None };
    /// Nobody looks at the future.
    pub const CAUSAL: Self = AttentionMask { causal: true, key_padding: None };

    /// Softmax of scores `[n, h, t, s]` over the keys that may be looked at; the others have weight 0.
    #[track_caller]
    pub(super) fn softmax<'p, T: Real>(&self, scores: Var<'p, T>) -> Var<'p, T> {
        let Some(visible) = self.visible(scores.pass(), scores.dims()) else { return scores.softmax() };
        // So low that no weight is left beside any score, and yet finite: a row of nothing else has a softmax, too.
        let lowest = scores.pass().zeros([]) - T::ONE / T::MIN_POSITIVE;
        scores.where_(visible, lowest).softmax() * visible
    }

    /// 1 where a key may be looked at, else 0: `[n, 1, t, s]`.
    #[track_caller]
    fn visible<'p, T: Real>(&self, pass: &'p Pass<'p, T>, [n, _, t, s]: [usize; 4]) -> Option<Var<'p, T>> {
        let AttentionMask { causal, key_padding } = *self;
        if let Some(padding) = key_padding {
            let found = padding.len();
            assert!(found == n * s, "AttentionMask: key padding [{n}, {s}] expected, found {found} elements");
        }
        let hidden =
            |n: usize, i: usize, j: usize| (causal && j > i) || key_padding.is_some_and(|padding| padding[n * s + j]);
        (causal || key_padding.is_some()).then(|| {
            let write = |mask: &mut [T]| {
                for (at, visible) in mask.iter_mut().enumerate() {
                    let (row, j) = (at / s, at % s);
                    *visible = if hidden(row / t, row % t, j) { T::ZERO } else { T::ONE };
                }
            };
            pass.record("attention_mask", [], [n, 1, t, s], |[], mask| write(mask), |_| {})
        })
    }
}
