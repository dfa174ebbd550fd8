//! Running measures of how good predictions are: updated with every row, read at any time, saved with everything else.
//!
//! [`Scores`] is the door: it holds the metrics of a task and takes in targets and predictions. A [`Metric`] is written as
//! a name, and behind an `@` the rows that count: `accuracy`, `f1:macro@500` (the last 500 rows), `mae@0.999` (each row
//! counts 0.999 times as much as the next).
//!
//! | metrics | of |
//! |---|---|
//! | `accuracy`, `balanced_accuracy`, `kappa`, `mcc`, `geometric_mean`, and for `micro`, `macro` (if nothing is said), `weighted` or `of=LABEL`: `precision`, `recall`, `f1`, `jaccard` | [`Counts`]: how often each class came, was predicted, was right |
//! | `kappa_m`, `kappa_temporal` | the accuracy beside that of the most frequent class, and of the last label |
//! | `log_loss`, `brier`, `top:K` | a [`Mean`] over the rows |
//! | `ece:BINS` | [`Calibration`] |
//! | `auc`, `auc:of=LABEL` | [`Auc`]; over the last rows [`exact_auc`]; `auc:10` has River's thresholds |
//! | `adjusted_rand`, `mutual_info`, `normalized_mutual_info`, `homogeneity`, `completeness`, `fowlkes_mallows` | the whole [`Confusion`] matrix |
//! | `mae`, `mse`, `rmse`, `msle`, `rmsle`, `mape`, `smape`, `bias`, `pinball:Q` | [`MeanLoss`] |
//! | `r2` | [`RSquared`] |
//! | `coverage` | a [`Mean`]: whether the target lies between the first predicted quantile and the last |
//! | `exact_match` (subset accuracy), `hamming_loss`, `jaccard_samples`, and of labels `precision`, `recall`, `f1`, `jaccard` as above | [`MultiLabel`]: sets of labels |
//! | several numbers a row | [`PerOutput`] |
//!
//! A row is looked at once, however many metrics there are: its labels become numbers, and the right-hand column is what
//! is then counted, once for each window. Whatever adds up ([`Sums`]) can be merged, can [roll](Rolling) and can
//! [fade](Fading).
//!
//! # Conventions
//!
//! * A measure without a row is NaN: nothing has been measured. (River says 0.)
//! * A row for which the learner said nothing ([`Prediction::Unknown`](crate::Prediction::Unknown)) is not scored, which is
//!   also River's rule: a learner is judged by what it says. [`Scores::unscored`] tells how many rows that were.
//! * The share of nothing is 0: the precision of a class that was never predicted, the recall of one that never came.
//! * `κ = (p − p₀) / (1 − p₀)` compares the accuracy `p` with that of somebody who knows nothing: `kappa` with chance (see
//!   [`Counts::kappa`]), `kappa_m` with the most frequent class of the rows before (Bifet, de Francisci Morales, Read,
//!   Holmes & Pfahringer, 2015), `kappa_temporal` with the class of the row before (Žliobaitė, Bifet, Read, Pfahringer &
//!   Holmes, 2015). 0 is as good as that, below 0 is worse, 1 is perfect; where the other is always right it is 0. Rows
//!   that are not scored are known to the other all the same; in the first row of a stream the other is wrong.
//! * `brier` is half the sum of squares, from 0 to 1: for two classes `(p − o)²`, for more half of Brier's own figure (1950).
//! * `auc` is the mean over the classes that came, each against the rest. For two classes that is the area of either.
//! * Of predicted quantiles `pinball:Q` looks at that of `Q`, if there is one; else, as all metrics of numbers, at the one
//!   nearest to the median. A number that is predicted alone is an interval from itself to itself.
//! * Of several numbers a row, each metric is the mean over the outputs ([`Scores::outputs`]).
//! * Weights scale what a row counts; the number of rows in a window does not depend on them.

mod auc;
mod average;
mod confusion;
mod count;
mod counts;
mod fading;
mod list;
mod means;
mod metric;
mod probability;
mod reading;
mod rolling;
mod saved;
mod scored;
mod scores;
mod sets;
mod tally;
#[cfg(test)]
mod tests;
mod window;

pub use auc::{Auc, OneVsRest, Resolution, exact_auc};
pub use average::Average;
pub use confusion::Confusion;
pub use count::Count;
pub use counts::Counts;
pub use fading::Fading;
pub use list::Metrics;
pub use means::{Loss, Mean, MeanLoss, RSquared};
pub use metric::Metric;
pub use probability::{Calibration, log_loss};
pub(crate) use reading::Reading;
pub use rolling::Rolling;
pub(crate) use scored::Known;
pub use scores::Scores;
pub use sets::{MultiLabel, PerOutput};
pub use window::{Sums, Window, Windowed};
