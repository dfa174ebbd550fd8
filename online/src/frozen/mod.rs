//! A trunk that no longer moves and a head that learns: new classes without forgetting the old ones.
//!
//! ```text
//! row ─▶ Features ─▶ f_θ ─▶ z ─▶ head ─▶ probabilities
//!        frozen      frozen      learns, and grows with every new class
//! ```
//!
//! A network learns features from the classes that it has. They are often good for classes that it has never seen, and then
//! only a [head](crate::head) has to learn: each new class in one pass over its examples, at the cost of a forward pass, and
//! without unlearning an old one (Rebuffi et al. 2017, Hayes & Kanan 2020).
//!
//! | | |
//! |---|---|
//! | [`Extractor`] | the trunk: the layers of a trained [`Deep`](crate::Deep) below its head, or a network from a file |
//! | [`Frozen`] | the learner: an extractor and a [`Head`] |
//!
//! # Example: digits, half of them later
//!
//! A network (`mlp:64,64`, `sgd:0.03`) learns the bundled digits 0 to 4, mixed, and recognises 98.3 % of held-out images of
//! these. Then all classes come one after the other, each image once: 5 to 9 where the network learns on, 0 to 9 where a new
//! head begins. What is recognised of held-out images in the end:
//!
//! | learner | digits 0–4 | digits 5–9 | all |
//! |---|---|---|---|
//! | the network learns on | 0.0 % | 20.3 % | 10.1 % |
//! | the network learns on, with `reservoir:200,replays=4` | 93.3 % | 92.7 % | 93.0 % |
//! | frozen, `softmax:sgd:0.1` | 0.0 % | 20.3 % | 10.1 % |
//! | frozen, `ncm` | 93.3 % | 56.5 % | 74.9 % |
//! | frozen, `slda` | 97.2 % | 89.3 % | 93.2 % |
//! | no network, `ncm` of the scaled pixels | 91.0 % | 89.8 % | 90.4 % |
//! | no network, `slda` of the scaled pixels | 97.2 % | 94.4 % | 95.8 % |
//!
//! Three lessons. Gradient descent forgets, on a frozen trunk too: it is the head that forgets. What counts does not, and
//! `slda` needs no memory to come out where replaying 200 images does. And features are good for what they were learned for:
//! a trunk that saw five digits drops what tells the other five apart, more than the pixels of so small an image do. So ask
//! whether the trunk earns its place; the more it has seen, the better: a network from a file, for instance, that saw
//! thousands of classes.
//!
//! ```
//! use thalweg_online::stream::bundled;
//! use thalweg_online::{Config, Deep, Error, Extractor, Frozen, HeadSpec, Learner, Record, Target, Task};
//!
//! let mut images: Vec<Vec<Record>> = vec![Vec::new(); 10];
//! let mut stream = bundled::find("digits").expect("they are bundled").open()?;
//! loop {
//!     let mut record = Record::new();
//!     if !stream.read(&mut record)? {
//!         break;
//!     }
//!     let class: usize = record.target_text().and_then(|text| text.parse().ok()).expect("a digit");
//!     images[class].push(record);
//! }
//!
//! // Digits 0 to 4, in turn.
//! let mut deep = Deep::new(Config::new(Task::Classify));
//! for turn in (0..170).filter(|turn| turn % 5 != 4) {
//!     for class in 0..5 {
//!         deep.learn_one(&images[class][turn], Target::Class(&class.to_string()))?;
//!     }
//! }
//!
//! // From here on the network stands still. The head sees the first images of 0 to 4 again, and then the new classes.
//! let mut learner = Frozen::new(Extractor::of(&deep)?, &HeadSpec::parse("slda")?);
//! for class in 0..10 {
//!     for image in images[class].iter().take(170).enumerate().filter(|(turn, _)| turn % 5 != 4).map(|(_, image)| image) {
//!         learner.teach_one(image, Target::Class(&class.to_string()))?; // nobody asks for the loss
//!     }
//! }
//! assert_eq!(learner.extractor().fingerprint(), deep.fingerprint());
//!
//! let (mut right, mut asked) = (0, 0);
//! for (class, images) in images.iter().enumerate() {
//!     for image in images.iter().take(170).skip(4).step_by(5) {
//!         right += usize::from(learner.predict_one(image)?.label() == Some(&class.to_string()));
//!         asked += 1;
//!     }
//! }
//! assert!(right * 100 > asked * 85, "{right} of {asked}");
//! # Ok::<(), Error>(())
//! ```

mod adapt;
mod extractor;

pub use extractor::Extractor;

use serde::{Deserialize, Serialize};
use thalweg_nn::Step;

use crate::error::Error;
use crate::head::{Head, HeadSpec};
use crate::labels::Labels;
use crate::learn::{Learner, Prediction, Target, Task};
use crate::metrics::log_loss;
use crate::row::{Row, weight_of};
use crate::saved::{Checked, checked, ensure};

/// A classifier on a trunk that no longer moves: see the [module](self).
///
/// One row goes: cells → [`Extractor`] → [`Head`]. θ of the trunk is the same for ever; so are the scales of the features,
/// unless they are to [follow](Frozen::with_running_scales) the stream.
///
/// A row of [weight](Row::weight) *w* counts *w* times to the head; at most 10¹². Of one that weighs nothing, only the name
/// of its class is learned.
///
/// What [`learn_one`](Learner::learn_one) returns is the cross entropy in nats before the head learned, `−ln p(y)`, and
/// `−ln 10⁻¹⁵` for a class that was unknown.
///
/// ```
/// use thalweg_online::{Config, Deep, Extractor, Frozen, HeadSpec, Learner, Target, Task};
///
/// let mut deep = Deep::new(Config::new(Task::Classify));
/// for k in 0..400 {
///     let (a, b) = (f64::from(k % 7) - 3.0, f64::from(k % 5) - 2.0);
///     deep.learn_one(&[("a", a), ("b", b)], Target::Class(if a * b > 0.0 { "same sign" } else { "other" }))?;
/// }
/// let mut learner = Frozen::new(Extractor::of(&deep)?, &HeadSpec::parse("ncm")?);
/// learner.learn_one(&[("a", 2.0), ("b", 2.0)], Target::Class("north-east"))?;
/// learner.learn_one(&[("a", -2.0), ("b", -1.0)], Target::Class("south-west"))?;
/// assert_eq!(learner.predict_one(&[("a", 3.0), ("b", 1.0)])?.label(), Some("north-east"));
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Frozen {
    extractor: Extractor,
    head: Head,
    head_spec: HeadSpec,
    classes: Labels,
    follows: bool,
    #[serde(deserialize_with = "crate::saved::count")]
    rows: u64,
    #[serde(deserialize_with = "crate::saved::count")]
    refused: u64,
}

checked!(Frozen);

impl Checked for Frozen {
    fn check(&self) -> Result<(), Error> {
        let Frozen { extractor, head, classes, .. } = self;
        let fits = head.width() == extractor.width() && head.classes() <= classes.len();
        ensure(fits, "a head of what the trunk gives, and a label for each of its classes")
    }
}

impl Frozen {
    /// A trunk, and a head that has seen nothing.
    #[must_use]
    pub fn new(extractor: Extractor, head: &HeadSpec) -> Self {
        let (head, head_spec) = (head.build(extractor.width()), head.clone());
        Frozen { extractor, head, head_spec, classes: Labels::new(), follows: false, rows: 0, refused: 0 }
    }

    /// The same, but the scales of the features go on learning: where the stream drifts, or where the features have seen no
    /// row yet. Then the trunk is asked about other numbers for the same row as time goes on, and old means were taken by
    /// the scales of then.
    #[must_use]
    pub fn with_running_scales(self) -> Self {
        Frozen { follows: true, ..self }
    }

    /// Learns as [`learn_one`](Learner::learn_one) does, to the bit, and says nothing of the loss. To ask for it costs [`Slda`], which
    /// solves a system for that, many times what it costs to learn: those who learn many rows before they ask for one are better
    /// off here.
    ///
    /// # Errors
    ///
    /// As [`learn_one`](Learner::learn_one).
    ///
    /// [`Slda`]: crate::head::Slda
    pub fn teach_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<(), Error> {
        self.learn(x, y, |_, _, _| ())
    }

    /// Learns, and returns what `ask` finds out from the head about a feature vector and its class before that.
    fn learn<A>(
        &mut self,
        x: &dyn Row,
        y: Target<'_>,
        ask: impl FnOnce(&mut Head, &[f32], usize) -> A,
    ) -> Result<A, Error> {
        let (weight, label) = (weight_of(x)?, y.class()?);
        if self.follows {
            self.extractor.observe(x)?;
        }
        let z = self.extractor.extract_one(x)?;
        let class = self.classes.insert(label);
        let answer = ask(&mut self.head, z, class);
        if weight > 0.0 && self.head.learn_one(z, class, weight) == Step::Refused {
            self.refused += 1;
        }
        self.rows += 1;
        Ok(answer)
    }

    /// The trunk.
    #[must_use]
    pub fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// How the head was made.
    #[must_use]
    pub fn head_spec(&self) -> &HeadSpec {
        &self.head_spec
    }

    /// The classes seen so far, in order of arrival.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        self.classes.as_slice()
    }

    /// How many examples it has learned from.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// How many examples the head refused, because a feature or a gradient was not finite.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

impl Learner for Frozen {
    fn task(&self) -> Task {
        Task::Classify
    }

    fn predict_one(&mut self, x: &dyn Row) -> Result<Prediction<'_>, Error> {
        let z = self.extractor.extract_one(x)?;
        let probabilities = self.head.predict_one(z);
        Ok(match probabilities.len() {
            0 => Prediction::Unknown,
            known => Prediction::Classes { labels: &self.classes.as_slice()[..known], probabilities },
        })
    }

    fn learn_one(&mut self, x: &dyn Row, y: Target<'_>) -> Result<f64, Error> {
        self.learn(x, y, |head, z, class| log_loss(head.predict_one(z).get(class).map_or(0.0, |&p| f64::from(p))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deep::{Config, Deep, Inputs, Model};
    use crate::row::Weighted;
    use crate::saved::testing::refuses;

    #[test]
    fn to_be_taught_is_to_learn() {
        let mut deep = Deep::new(Config::new(Task::Classify));
        deep.learn_one(&[("x", 1.0), ("y", 2.0)], Target::Class("a")).expect("the row is good");
        let trunk = Extractor::of(&deep).expect("it has seen a row");
        for text in ["ncm", "slda", "softmax:adam"] {
            let head = HeadSpec::parse(text).expect("a head");
            let mut learns = Frozen::new(trunk.clone(), &head).with_running_scales();
            let mut is_taught = learns.clone();
            for row in 0..40_u8 {
                let x = Weighted([("x", f64::from(row % 7)), ("y", f64::from(row % 5))], f64::from(row % 4));
                let y = ["a", "b", "c"][usize::from(row % 3)];
                learns.learn_one(&x, Target::Class(y)).expect("the row is good");
                is_taught.teach_one(&x, Target::Class(y)).expect("the row is good");
            }
            assert!(is_taught.teach_one(&[("x", 1.0)], Target::Value(1.0)).is_err(), "that is no class");
            let bytes = |frozen: &Frozen| bincode::serialize(frozen).expect("it can be written");
            assert!(bytes(&learns) == bytes(&is_taught), "{text}");
        }
    }

    /// A trunk of Schedule-Free is that of its predictions.
    #[test]
    fn a_trunk_gives_what_its_learner_said() {
        for optimizer in ["adam:0.01", "schedule-free-sgd:0.1"] {
            let mut deep = Deep::new(Config {
                model: Model::parse("mlp:3").expect("a model"),
                optimizer: optimizer.parse().expect("an optimizer"),
                ..Config::new(Task::Regress)
            });
            for k in 0..30_u8 {
                let x = f64::from(k % 7);
                deep.learn_one(&[("x", x)], Target::Value(x * x)).expect("the row is good");
            }
            let mut trunk = Extractor::of(&deep).expect("it has seen rows");
            let params = deep.params_that_predict();
            let [weight, bias] = ["head.weight", "head.bias"].map(|name| params.of(params.find(name).expect("a head")));
            let h = trunk.extract_one(&[("x", 2.0)]).expect("the row is good");
            let said = h.iter().zip(weight).map(|(h, w)| h * w).sum::<f32>() + bias[0];
            let expected = deep.logits_one(&[("x", 2.0)]).expect("the row is good")[0];
            assert!((said - expected).abs() < 1e-5, "{optimizer}: {said} {expected}");
            assert_eq!(params == *deep.params(), optimizer.starts_with("adam"), "{optimizer}");
        }
    }

    #[test]
    fn a_head_that_does_not_fit_its_trunk_is_refused() {
        let mut deep =
            Deep::new(Config { model: Model::parse("mlp:3").expect("a model"), ..Config::new(Task::Classify) });
        deep.learn_one(&[("x", 1.0)], Target::Class("a")).expect("the row is good");
        let trunk = Extractor::of(&deep).expect("it has seen a row");
        for text in ["ncm", "slda", "softmax:adam"] {
            let mut frozen = Frozen::new(trunk.clone(), &HeadSpec::parse(text).expect("a head"));
            frozen.learn_one(&[("x", 1.0)], Target::Class("a")).expect("the row is good");
            refuses(
                &frozen,
                &[
                    ("a class without a label", |frozen| frozen.classes = Labels::new()),
                    ("a head of other features", |frozen| frozen.head = frozen.head_spec.build(4)),
                    ("a trunk of other inputs", |frozen| frozen.extractor.inputs = Inputs::of_numbers(2)),
                    ("any number of inputs", |frozen| frozen.extractor.inputs = Inputs::of_numbers(usize::MAX)),
                    ("a trunk without weights", |frozen| frozen.extractor.params = Default::default()),
                    ("a count that cannot go on", |frozen| frozen.refused = u64::MAX),
                ],
            );
        }
    }
}
