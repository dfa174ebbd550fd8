//! A network that no longer moves.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Params, Tape};
use thalweg_nn::{Mode, Network, State};
use thalweg_tensor::View;

use crate::deep::{Deep, Inputs, fingerprint};
use crate::error::{Error, ErrorKind};
use crate::features::Features;
use crate::row::Row;
use crate::saved::{Checked, checked, ensure};

/// Rows to feature vectors, by a network whose θ never changes.
///
/// ```text
/// z = f_θ(x)      x = the row's cells, scaled and encoded: the first n columns of its Features, n inputs of f
/// ```
///
/// **What is new.** Columns are only ever appended, so those that came after the network was made stand behind its n
/// inputs: they are left out, and with them new features and new categories. A column that is not there yet is 0.
///
/// From a [`Deep`] learner, by [`of`](Extractor::of); or from any network whose θ was made or loaded elsewhere, by
/// [`new`](Extractor::new).
///
/// Here from a file that PyTorch may have written, by thalweg-nn's feature `safetensors`:
///
/// ```
/// use thalweg_nn::weights::safetensors::{self, Loading, Saving};
/// use thalweg_nn::{Network, NetworkSpec, Params, Rng};
/// use thalweg_online::{Extractor, FeatureSpec, Features};
///
/// # let mut there = Params::<f32>::new();
/// # there.add("net.0.weight", [3, 2], |i| [1.0, 2.0, -1.0, 0.0, 0.5, 0.5][i]);
/// # there.add("net.0.bias", [3], |i| [0.0, 0.0, 1.0][i]);
/// # there.add("net.2.weight", [10, 3], |_| 0.1); // its head
/// # let file = safetensors::to_bytes(&there, &Saving::default())?;
/// let (mut params, mut rng) = (Params::new(), Rng::new(1));
/// let spec: NetworkSpec = "linear:3 > relu".parse()?;
/// let network = Network::new(&mut params, "net", &spec, [2], &mut rng)?;
/// let report = safetensors::from_bytes(&file, &mut params, &Loading::partial())?;
/// assert!(report.missing.is_empty(), "{report}");
///
/// // Its inputs have an order, and a scale of their own: features are numbered as they are first observed.
/// let mut features = Features::with(FeatureSpec::parse("scale=none")?);
/// features.observe(&[("width", 0.0), ("height", 0.0)])?;
/// let mut extractor = Extractor::new(features, params, network)?;
/// assert_eq!(extractor.extract_one(&[("height", 2.0), ("width", 1.0), ("new", 9.0)])?, [5.0, 0.0, 2.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Extractor {
    features: Features,
    pub(super) params: Params<f32>,
    network: Network,
    pub(super) inputs: Inputs,
    #[serde(skip)]
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    tape: Tape<f32>,
    raw: Vec<f64>,
    x: Vec<f32>,
    indices: Vec<usize>,
    z: Vec<f32>,
}

/// A clone has its own scratch memory, empty at first.
impl Clone for Scratch {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

checked!(Extractor);

impl Checked for Extractor {
    fn check(&self) -> Result<(), Error> {
        let Extractor { features, params, network, inputs, .. } = self;
        stands_still(features, network)?;
        network.check(params)?;
        let wide = network.input().len();
        let fits = inputs.are_in(params) && inputs.columns() <= wide && inputs.width() == wide;
        ensure(fits, "the inputs that the trunk takes")
    }
}

impl Extractor {
    /// All layers of a learner but the last, its features and their scales, as they are now. θ is copied whole, as it
    /// [predicts](Deep::params_that_predict): of the old head nothing is read any more.
    ///
    /// # Errors
    ///
    /// If the learner has seen no row, its network carries a state from row to row, or its features are made of answers.
    pub fn of(learner: &Deep) -> Result<Self, Error> {
        let none = || Error::new(ErrorKind::Value, "expected a learner that has seen rows, found one that has not");
        let network = learner.network().ok_or_else(none)?;
        let (features, params) = (learner.features().clone(), learner.params_that_predict());
        Self::with_inputs(features, params, network.body().clone(), network.inputs().clone())
    }

    /// Features, and a network over θ that was made for it: handles of another θ are a mistake, and panic sooner or later.
    ///
    /// # Errors
    ///
    /// If the network does not take one vector of features, carries a state from row to row, or looks at whole sequences; or if
    /// features are made of answers (lags, means of the target), which change as the stream goes on, or categories are to be
    /// [vectors](crate::features::Encoding::Embed), which only [`of`](Extractor::of) knows.
    pub fn new(features: Features, params: Params<f32>, network: Network) -> Result<Self, Error> {
        features.spec().check_no_embeddings()?;
        let inputs = Inputs::of_numbers(network.input().len());
        Self::with_inputs(features, params, network, inputs)
    }

    fn with_inputs(
        features: Features,
        mut params: Params<f32>,
        network: Network,
        inputs: Inputs,
    ) -> Result<Self, Error> {
        stands_still(&features, &network)?;
        let all: Vec<_> = params.layout().iter().map(|(param, _)| param).collect();
        all.into_iter().for_each(|param| params.set_trainable(param, false));
        Ok(Extractor { features, params, network, inputs, scratch: Scratch::default() })
    }

    /// How many numbers a feature vector has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.network.output().len()
    }

    /// The features, and what is known of their scales.
    #[must_use]
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// θ.
    #[must_use]
    pub fn params(&self) -> &Params<f32> {
        &self.params
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// A hash of θ, as [`Deep::fingerprint`]: it never changes.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.params)
    }

    /// The feature vector of a row, `[width]`. Nothing that is saved changes.
    ///
    /// # Errors
    ///
    /// If the row cannot be used.
    pub fn extract_one(&mut self, x: &dyn Row) -> Result<&[f32], Error> {
        let Scratch { tape, raw, x: input, indices, z } = &mut self.scratch;
        self.features.read(x, raw)?;
        input.clear();
        input.resize(self.inputs.columns(), 0.0);
        self.features.scale_into(raw, input);
        let pass = tape.pass(&self.params);
        let start = self.network.enter(&pass, &State::default());
        let x = self.inputs.forward(pass.input(View::new([1, input.len()], input)), indices).row(0);
        let (features, _) = self.network.step(x, start, &mut Mode::Eval);
        z.clear();
        features.with(|features| z.extend_from_slice(features));
        Ok(z)
    }

    /// Learns how a row's features are scaled; θ stays.
    pub(super) fn observe(&mut self, x: &dyn Row) -> Result<(), Error> {
        self.features.observe(x)
    }
}

/// A row is written out for the network, be it known or not.
const MOST_INPUTS: usize = 1 << 24;

/// Whether a network of these features can be asked row by row without what came before.
fn stands_still(features: &Features, network: &Network) -> Result<(), Error> {
    let wrong = |expected: &str| Err(Error::expected(ErrorKind::Spec, expected, &network.spec().to_string()));
    if network.is_recurrent() || network.spec().whole_sequences().is_some() {
        return wrong("layers that carry nothing from row to row");
    }
    if network.input().rank() != 1 {
        return wrong(&format!("a network that takes one axis (view?), not {}", network.input()));
    }
    if network.input().len() > MOST_INPUTS {
        return wrong(&format!("a network that takes at most {MOST_INPUTS} numbers"));
    }
    if features.spec().uses_answers() {
        let expected = "features that are not made of answers";
        return Err(Error::expected(ErrorKind::Spec, expected, &features.spec().to_string()));
    }
    Ok(())
}
