//! From rows to the inputs of a network: features by name, scaled and encoded as they come.
//!
//! | a feature whose first value is | becomes | a missing value becomes |
//! |---|---|---|
//! | a number | one column: `z = (x − mean) / deviation`, mean and deviation running (Welford 1962), z clipped; or by another [`Scale`] | z = 0, and 1 in a second column `… missing`, which comes with the first missing value; or as another [`Missing`] says |
//! | text | one column of 0 or 1 for each category, as categories come; or by another [`Encoding`] | zeros |
//! | – | the last known targets as columns `(lag 1)`, and their statistics as columns `(mean 12)`, if a [`FeatureSpec`] asks for them; of classes, one column of 0 or 1 for each | as above |
//!
//! Columns are only ever appended, in order of arrival, so a network grows by inputs at its end and no weight changes
//! its meaning. A feature that is absent from a row counts as missing, but raises no flag; except in rows where [absent
//! means zero](Row::absent_is_zero), as those of sparse formats: there an absent number is 0, in the mean and the
//! deviation too, from the first such row on. So a table learned sparsely gives what it gives with its zeros written
//! out.
//!
//! **One name twice.** A row that names a feature twice gives two readings of it, and both are learned from. Of two
//! numbers the later one is read; of two categories both are 1, or the later one's vector is looked up. A number and
//! then text is an error, as it is between rows.
//!
//! **Clipping.** A feature may stand still for a year and then move: its deviation is then tiny and its standardised
//! values are huge, and a network that has never seen them breaks. So z is limited to ±4, which for anything like a
//! normal distribution is no limit at all. So is what any other scaler gives; what is not scaled is not limited.
//!
//! **How many there may be.** Words that never cease to be new, as in Vowpal Wabbit's text, are names of features. So
//! there are at most 65 536 features, and as many columns, or [`most`](FeatureSpec) of both. Past that a cell with a
//! new name is left out and [counted](Features::ignored), and what would ask an old feature for one more column, a new
//! category or the first missing number, goes without. Only lags, rolling statistics and the last target, which a
//! recurrent network sees, have room in any case: they were asked for, and are as many as that says. So is the memory
//! of a learner bounded, but for its classes, which have no limit. A name of more than 4 KiB is an error.
//!
//! **Answers.** Lags, rolling statistics and the means of `category=target` are made of answers that were
//! [told](Features::told), in the order in which they became known, and of no others: a row never sees its own answer,
//! nor one that is delayed. A row that is read now is given the answers that are known now, whenever its own may come;
//! one that waits for its answer [keeps](crate::Learner::keep) them.

mod answers;
mod category;
mod encoder;
mod pattern;
mod quantile;
mod saved;
mod scaler;
mod setting;
mod spec;
#[cfg(test)]
mod tests;

pub(crate) use answers::{LAST_TARGET, last_target};
pub(crate) use category::Embedded;
pub use quantile::Quantile;
pub use scaler::{Scale, Scaler};
pub use setting::{Encoding, Missing, Rolling, StandIn, Statistic};
pub use spec::FeatureSpec;

use serde::{Deserialize, Serialize};

use crate::delay::KeptRow;
use crate::error::Error;
use crate::learn::Target;
use crate::row::Row;
use answers::Answers;
use encoder::Encoder;

/// Scaled values are limited to ± this; standardised ones, to this many deviations.
pub const CLIP: f64 = 4.0;

/// A feature keeps this many categories apart unless another number is asked for; later ones share a last column,
/// `…=other`. So memory stays bounded when a column turns out to be an identifier.
pub const MOST_CATEGORIES: usize = 256;

/// There are at most this many features, and this many columns, unless `most=` asks for [another number](FeatureSpec).
pub const MOST: usize = 1 << 16;

/// The features of a stream, as they are known so far.
///
/// ```
/// use thalweg_online::{Features, Value};
///
/// let mut features = Features::new();
/// features.observe(&[("wind", Value::Number(3.0)), ("sky", Value::Text("clear"))])?;
/// features.observe(&[("wind", Value::Number(5.0)), ("sky", Value::Text("rain"))])?;
/// let names: Vec<String> = features.columns().collect();
/// assert_eq!(names, ["wind", "sky=clear", "sky=rain"]);
///
/// let (mut raw, mut x) = (Vec::new(), Vec::new());
/// features.read(&[("wind", Value::Number(6.0)), ("sky", Value::Text("rain"))], &mut raw)?;
/// features.scale(&raw, &mut x);
/// assert_eq!(x, [2.0, 0.0, 1.0]); // the winds have mean 4 and deviation 1
/// # Ok::<(), thalweg_online::Error>(())
/// ```
///
/// Of a series, the last values and their mean:
///
/// ```
/// use thalweg_online::features::{FeatureSpec, Features};
/// use thalweg_online::Target;
///
/// let mut features = Features::with(FeatureSpec::parse("scale=none; lags=2; rolling=mean:3")?);
/// let (nothing, mut raw): ([(&str, f64); 0], _) = ([], Vec::new());
/// for y in [1.0, 2.0, 6.0] {
///     features.observe(&nothing)?; // what the row shows, with what was known before it
///     features.told(&nothing, Target::Value(y));
/// }
/// features.read(&nothing, &mut raw)?;
/// assert_eq!(features.columns().collect::<Vec<_>>(), ["(lag 1)", "(mean 3)", "(lag 2)"]); // in order of arrival
/// assert_eq!(raw, [6.0, 3.0, 2.0]);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Features {
    encoder: Encoder,
    answers: Answers,
}

impl Features {
    /// No features yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No features yet, and how they are to be scaled and encoded.
    #[must_use]
    pub fn with(spec: FeatureSpec) -> Self {
        Features { answers: Answers::new(&spec), encoder: Encoder::new(spec) }
    }

    /// No features yet, in the same place of the same stream: past answers are known.
    pub(crate) fn begin_anew(&self) -> Self {
        Features { answers: self.answers.clone(), encoder: Encoder::new(self.spec().clone()) }
    }

    /// How they are scaled and encoded.
    #[must_use]
    pub fn spec(&self) -> &FeatureSpec {
        &self.encoder.spec
    }

    /// How many columns there are: the inputs of a network, unless it looks up [vectors](Encoding::Embed).
    #[must_use]
    pub fn width(&self) -> usize {
        self.encoder.width()
    }

    /// How many features there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.encoder.len()
    }

    /// Whether no feature has been seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many cells were left out because there were [as many features](MOST) as there may be when their names came.
    #[must_use]
    pub fn ignored(&self) -> u64 {
        self.encoder.ignored()
    }

    /// The name of each feature, in order of arrival.
    #[must_use]
    pub fn names(&self) -> &[String] {
        self.encoder.names()
    }

    /// What each column means: `wind`, `wind missing`, `sky=rain`, `sky#12`, `sky mean`,
    /// `sky category`, `(lag 1)`.
    pub fn columns(&self) -> impl Iterator<Item = String> {
        self.encoder.column_names(&self.answers.classes).into_iter()
    }

    /// The columns that hold numbers of categories, in order of arrival, by the names of their features.
    pub(crate) fn embedded(&self) -> impl Iterator<Item = (&str, Embedded)> {
        self.encoder.embedded()
    }

    /// Learns from a row: new features and categories, means and deviations.
    ///
    /// # Errors
    ///
    /// If there is text where a feature has had numbers ([`ErrorKind::Type`](crate::ErrorKind)), or a name is too long;
    /// nothing is learned then.
    pub fn observe(&mut self, row: &dyn Row) -> Result<(), Error> {
        self.encoder.observe(&self.answers.beside(row), &self.answers)
    }

    /// A row as raw values, one for each column: numbers as they are (missing ones NaN), flags as 0 or 1. What has not
    /// been [observed](Features::observe) is left out.
    ///
    /// # Errors
    ///
    /// If there is text where a feature has had numbers.
    pub fn read(&self, row: &dyn Row, raw: &mut Vec<f64>) -> Result<(), Error> {
        self.encoder.read(&self.answers.beside(row), raw, &self.answers)
    }

    /// A copy of a row with the answers that are known now.
    pub(crate) fn keep(&self, row: &dyn Row, kept: &mut KeptRow) {
        let beside = self.answers.beside(row);
        kept.keep_with(&beside, beside.len() - beside.own());
    }

    /// Raw values, read now or earlier, as the inputs of a network: scaled by what is known today.
    /// Columns that came after they were read are 0.
    pub fn scale(&self, raw: &[f64], x: &mut Vec<f32>) {
        x.clear();
        x.resize(self.width(), 0.0);
        self.scale_into(raw, x);
    }

    /// [`scale`](Features::scale) into a slice of [`width`](Features::width) zeros.
    pub(crate) fn scale_into(&self, raw: &[f64], x: &mut [f32]) {
        self.encoder.scale_into(raw, x);
    }

    /// Learns the answer to a row that was [observed](Features::observe), now or earlier. Answers are to be told in the
    /// order in which they become known. Columns that they ask for, of new classes, come with the next row. A number
    /// that is not finite is passed over, and so are several.
    pub fn told(&mut self, row: &dyn Row, target: Target<'_>) {
        if self.encoder.spec.uses_answers()
            && let Some(answer) = self.answers.number(target)
        {
            self.encoder.told(&self.answers.beside(row), answer);
            self.answers.update(&self.encoder.spec, answer);
        }
    }

    /// A new sequence begins, such as another stream: the last answers, those behind lags and rolling statistics, are
    /// forgotten, and so are the last numbers, which may [stand](StandIn::Last) for missing ones. A row without an
    /// answer, or a state that is not finite, begins none.
    pub fn new_sequence(&mut self) {
        self.encoder.new_sequence();
        self.answers.new_sequence();
    }
}
