//! Parameter groups: other settings for some of the parameters, chosen by name.

use std::sync::Arc;

use thalweg_autograd::{Entry, Grads, Layout, Param, Params};
use thalweg_tensor::Real;

use super::hyperparameters::{FROM_ZERO, HyperparameterError, require};

/// Settings for those parameters that a pattern names.
///
/// Without further settings a group learns as everything else does: put first, it excepts its parameters from the groups
/// behind it.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Group {
    which: Which,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::hyperparameters::from_zero"))]
    rate: f64,
    #[cfg_attr(feature = "serde", serde(deserialize_with = "super::hyperparameters::from_zero"))]
    weight_decay: Option<f64>,
    frozen: bool,
}

/// Which parameters belong to a group.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Which {
    /// Those whose name this pattern matches.
    Named(String),
    /// Those of at most one axis.
    Vectors,
}

impl Group {
    /// The parameters whose whole name matches; `*` stands for any characters, dots included: `head.*`, `*.bias`,
    /// `encoder.*.weight_hh_l0`.
    pub fn of(pattern: impl Into<String>) -> Self {
        Self::new(Which::Named(pattern.into()))
    }

    /// The parameters of at most one axis: biases, and the scales and shifts of normalisation, whatever their names.
    pub fn vectors() -> Self {
        Self::new(Which::Vectors)
    }

    fn new(which: Which) -> Self {
        Group { which, rate: 1.0, weight_decay: None, frozen: false }
    }

    /// Multiplies the learning rate, the scheduled one too.
    ///
    /// # Panics
    /// If the factor is not a finite number of at least 0.
    #[track_caller]
    pub fn rate(self, factor: f64) -> Self {
        require(HyperparameterError::unless_within(FROM_ZERO, "rate of a group", factor));
        Group { rate: factor, ..self }
    }

    /// λ, in place of the optimizer's.
    ///
    /// # Panics
    /// If it is not a finite number of at least 0.
    #[track_caller]
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        require(HyperparameterError::unless_within(FROM_ZERO, "weight_decay of a group", weight_decay));
        Group { weight_decay: Some(weight_decay), ..self }
    }

    /// The optimizer leaves them alone, and throws their gradient away. [`Groups::freeze`] saves computing it as well.
    pub fn frozen(self) -> Self {
        Group { frozen: true, ..self }
    }

    /// Whether a parameter matches.
    pub fn contains(&self, entry: &Entry) -> bool {
        match &self.which {
            Which::Named(pattern) => matches(pattern, entry.name()),
            Which::Vectors => entry.shape().rank() < 2,
        }
    }
}

/// Whether a pattern matches the whole name. The leftmost place of each piece between two stars leaves most to the rest.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, pattern)) = pattern.split_once('*') else { return pattern == name };
    let (middle, tail) = pattern.rsplit_once('*').unwrap_or(("", pattern));
    let rest = name.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
    let mut pieces = middle.split('*');
    rest.is_some_and(|rest| pieces.try_fold(rest, |rest, piece| Some(rest.split_once(piece)?.1)).is_some())
}

/// The parameter groups of an optimizer: a parameter belongs to the first group that it matches, or to none.
///
/// Every optimizer has a field `groups`. It is read again whenever the layout of θ changes: parameters that grow stay in
/// their group, and parameters that are added later find theirs.
///
/// ```
/// use thalweg_autograd::{Grads, Params};
/// use thalweg_nn::{Adam, Group, Groups, Optimizer};
///
/// let mut adamw = Adam::<f32>::adamw(0.1);
/// adamw.groups = Group::vectors().weight_decay(0.0).into(); // no decay of biases and normalisation
/// adamw.groups = Groups::from([
///     Group::of("embedding.*").frozen(),
///     Group::of("head.*").rate(0.5),
///     Group::of("*.bias").weight_decay(0.0),
/// ]);
///
/// let mut params = Params::<f32>::new();
/// let [words, head, bias] = ["embedding.weight", "head.weight", "body.bias"].map(|name| params.add(name, [1], |_| 1.0));
/// let mut grads = Grads::like(&params);
/// for param in [words, head, bias] {
///     grads.of_mut(param).fill(1.0);
/// }
/// adamw.step(&mut params, &mut grads);
/// assert_eq!(params.of(words), [1.0]);
/// assert!((params.of(head)[0] - (1.0 - 0.05 * 0.01 - 0.05)).abs() < 1e-6);
/// assert!((params.of(bias)[0] - (1.0 - 0.1)).abs() < 1e-6);
/// ```
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Groups {
    groups: Vec<Group>,
    /// By parameter: the index of its group.
    #[cfg_attr(feature = "serde", serde(skip))]
    member_of: Vec<Option<usize>>,
    #[cfg_attr(feature = "serde", serde(skip))]
    seen: Option<Arc<Layout>>,
}

impl Groups {
    /// The groups, in order.
    pub fn as_slice(&self) -> &[Group] {
        &self.groups
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The group that a parameter belongs to.
    pub fn group_of(&self, entry: &Entry) -> Option<&Group> {
        self.groups.iter().find(|group| group.contains(entry))
    }

    /// Freezes in θ itself what is frozen here, so that its gradient is not even computed. What is added to θ later is not
    /// affected.
    pub fn freeze<T: Real>(&self, params: &mut Params<T>) {
        let layout = Arc::clone(params.layout());
        for (param, entry) in layout.iter() {
            if self.group_of(entry).is_some_and(|group| group.frozen) {
                params.set_trainable(param, false);
            }
        }
    }

    /// Follows θ's layout.
    pub(super) fn align(&mut self, layout: &Arc<Layout>) {
        if self.groups.is_empty() || self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, layout)) {
            return;
        }
        let Groups { groups, member_of, seen } = self;
        member_of.clear();
        member_of.extend(layout.entries().iter().map(|entry| groups.iter().position(|group| group.contains(entry))));
        *seen = Some(Arc::clone(layout));
    }

    fn group(&self, param: Param) -> Option<&Group> {
        let member_of = *self.member_of.get(param.index())?;
        member_of.map(|index| &self.groups[index])
    }

    /// The factor of a parameter's learning rate, once a step has been taken over this θ.
    pub fn rate(&self, param: Param) -> f64 {
        self.group(param).map_or(1.0, |group| group.rate)
    }

    /// λ of a parameter, if its group has one of its own, once a step has been taken over this θ.
    pub fn decay(&self, param: Param) -> Option<f64> {
        self.group(param)?.weight_decay
    }

    /// Throws the gradient of what is frozen here away.
    pub(super) fn drop_frozen<T: Real>(&mut self, grads: &mut Grads<T>) {
        self.align(grads.layout());
        self.frozen().for_each(|param| grads.zero_of(param));
    }

    /// The parameters that are frozen, once aligned.
    fn frozen(&self) -> impl Iterator<Item = Param> {
        let all = self.seen.iter().flat_map(|layout| layout.iter()).map(|(param, _)| param);
        all.filter(|&param| self.group(param).is_some_and(|group| group.frozen))
    }
}

impl<const N: usize> From<[Group; N]> for Groups {
    fn from(groups: [Group; N]) -> Self {
        Vec::from(groups).into()
    }
}

impl From<Vec<Group>> for Groups {
    fn from(groups: Vec<Group>) -> Self {
        Groups { groups, ..Self::default() }
    }
}

impl From<Group> for Groups {
    fn from(group: Group) -> Self {
        [group].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: a star is any characters.
    fn matches_by_definition(pattern: &str, name: &str) -> bool {
        match pattern.split_at_checked(1) {
            None => name.is_empty(),
            Some(("*", rest)) => (0..=name.len()).any(|from| matches_by_definition(rest, &name[from..])),
            Some((letter, rest)) => name.strip_prefix(letter).is_some_and(|name| matches_by_definition(rest, name)),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_star_is_any_characters(pattern in "[ab.*]{0,7}", name in "[ab.]{0,8}") {
            prop_assert_eq!(matches(&pattern, &name), matches_by_definition(&pattern, &name));
        }
    }

    #[test]
    fn the_first_match_wins_and_parameters_are_found_when_they_come() {
        let mut groups = Groups::from([
            Group::of("head.*").rate(2.0),
            Group::of("*.bias").rate(3.0).weight_decay(0.5),
            Group::of("*.old.*").frozen(),
            Group::vectors().rate(4.0),
        ]);
        let mut params = Params::<f32>::new();
        let rate_of = |groups: &mut Groups, params: &mut Params, name: &str, dims: &[usize]| {
            let param = params.add(name, dims, |_| 0.0);
            groups.align(params.layout());
            (groups.rate(param), groups.decay(param), groups.frozen().any(|frozen| frozen == param))
        };
        assert_eq!(rate_of(&mut groups, &mut params, "head.bias", &[2]), (2.0, None, false));
        assert_eq!(rate_of(&mut groups, &mut params, "body.bias", &[2]), (3.0, Some(0.5), false));
        assert_eq!(rate_of(&mut groups, &mut params, "body.weight", &[2, 2]), (1.0, None, false));
        assert_eq!(rate_of(&mut groups, &mut params, "the.old.weight", &[2]), (1.0, None, true));
        assert_eq!(rate_of(&mut groups, &mut params, "norm.weight", &[2]), (4.0, None, false));
        groups.freeze(&mut params);
        let trainable: Vec<bool> = params.layout().entries().iter().map(Entry::trainable).collect();
        assert_eq!(trainable, [true, true, true, false, true]);
    }
}
