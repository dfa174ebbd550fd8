//! θ averaged over time.

use std::sync::Arc;

use thalweg_autograd::{Flat, Params, Touched};
use thalweg_tensor::{Real, kernels};

use super::ages::Ages;
use super::hyperparameters::{BELOW_ONE, HyperparameterError, require};

/// A moving average of θ, laid out like θ, to be used in its place for evaluation:
///
/// ```text
/// a ← a + cₜ (θ − a)
/// ```
///
/// | average | cₜ for t > 1 | |
/// |---|---|---|
/// | [`exponential`](Average::exponential) | `1 − β` | begins at the first θ, which weighs most for about `1/(1 − β)` updates |
/// | [`corrected`](Average::corrected) | `(1 − β) / (1 − βᵗ)` | the θ of s updates ago weighs βˢ, the first one no more than that |
/// | [`uniform`](Average::uniform) | `1 / t` | every θ weighs the same: Polyak's average, and SWA's of late points |
///
/// and `c₁ = 1`. t counts the updates of the element: what grows later, or is added, begins at its own θ. Frozen parameters,
/// and so the running statistics of normalisation, are averaged like all others.
///
/// Source: Ruppert 1988; Polyak & Juditsky 1992; the correction: Kingma & Ba 2015, section 3; SWA: Izmailov et al. 2018.
///
/// ```
/// use thalweg_autograd::Params;
/// use thalweg_nn::Average;
///
/// let mut params = Params::<f32>::new();
/// let w = params.add("w", [1], |_| 1.0);
/// let mut average = Average::uniform();
/// for theta in [1.0, 2.0, 6.0] {
///     params.of_mut(w)[0] = theta; // a step of an optimizer
///     average.update(&params);
/// }
/// average.swap(&mut params); // evaluate the average
/// assert_eq!(params.of(w), [3.0]);
/// average.swap(&mut params); // go on learning
/// assert_eq!(params.of(w), [6.0]);
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(bound(serialize = "T: Real + serde::Serialize", deserialize = "T: Real + serde::Deserialize<'de>"))
)]
pub struct Average<T: Real = f32> {
    kind: Kind,
    values: Flat<T>,
    ages: Ages,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
enum Kind {
    Exponential(#[cfg_attr(feature = "serde", serde(deserialize_with = "super::hyperparameters::below_one"))] f64),
    Corrected(#[cfg_attr(feature = "serde", serde(deserialize_with = "super::hyperparameters::below_one"))] f64),
    Uniform,
}

impl Kind {
    /// cₜ.
    fn weight(self, t: u64) -> f64 {
        match self {
            _ if t == 1 => 1.0,
            Kind::Exponential(beta) => 1.0 - beta,
            Kind::Corrected(beta) => (1.0 - beta) / (1.0 - beta.powf(t as f64)),
            Kind::Uniform => (t as f64).recip(),
        }
    }
}

impl<T: Real> Average<T> {
    /// Exponential, β per update, from 0 to below 1; it begins at the first θ.
    ///
    /// # Panics
    /// If β is not.
    #[track_caller]
    pub fn exponential(beta: f64) -> Self {
        require(HyperparameterError::unless_within(BELOW_ONE, "beta", beta));
        Self::new(Kind::Exponential(beta))
    }

    /// Exponential, β per update, from 0 to below 1; where it begins is corrected for.
    ///
    /// # Panics
    /// If β is not.
    #[track_caller]
    pub fn corrected(beta: f64) -> Self {
        require(HyperparameterError::unless_within(BELOW_ONE, "beta", beta));
        Self::new(Kind::Corrected(beta))
    }

    /// The mean of all θ so far.
    pub fn uniform() -> Self {
        Self::new(Kind::Uniform)
    }

    fn new(kind: Kind) -> Self {
        Average { kind, values: Flat::default(), ages: Ages::default() }
    }

    /// Takes in θ as it is now.
    pub fn update(&mut self, params: &Params<T>) {
        let layout = params.layout();
        self.values.align(layout);
        self.ages.align(layout);
        let (theta, average) = (params.as_slice(), self.values.as_mut_slice());
        for (param, entry) in layout.iter() {
            self.ages.update(param.index(), entry, Touched::All, |range, t| {
                let (theta, average) = (&theta[range.clone()], &mut average[range]);
                let weight = T::from_f64(self.kind.weight(t));
                kernels::vectorize(
                    #[inline(always)]
                    || average.iter_mut().zip(theta).for_each(|(a, &theta)| *a += weight * (theta - *a)),
                );
            });
        }
    }

    /// Exchanges θ and its average; what θ has and the average has not seen yet stays. Twice is nothing. Between the two, θ
    /// is not to be changed.
    ///
    /// # Panics
    /// If θ is not what was averaged, perhaps grown.
    #[track_caller]
    pub fn swap(&mut self, params: &mut Params<T>) {
        self.for_what_it_has_seen(params, |theta, average| theta.swap_with_slice(average));
    }

    /// Overwrites θ by its average; what θ has and the average has not seen yet stays.
    ///
    /// # Panics
    /// If θ is not what was averaged, perhaps grown.
    #[track_caller]
    pub fn copy_to(&mut self, params: &mut Params<T>) {
        self.for_what_it_has_seen(params, |theta, average| theta.copy_from_slice(average));
    }

    /// The average, laid out like θ was at the last update.
    pub fn values(&self) -> &Flat<T> {
        &self.values
    }

    fn for_what_it_has_seen(&mut self, params: &mut Params<T>, mut visit: impl FnMut(&mut [T], &mut [T])) {
        let layout = Arc::clone(params.layout());
        self.values.align(&layout);
        self.ages.align(&layout);
        let (theta, average) = (params.theta_mut().as_mut_slice(), self.values.as_mut_slice());
        for (param, entry) in layout.iter() {
            self.ages.each(param.index(), entry, |range, t| {
                if t > 0 {
                    visit(&mut theta[range.clone()], &mut average[range]);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_tensor::Rng;

    /// What element i of θ is at update t.
    fn theta_at(t: usize, i: usize) -> f64 {
        Rng::new((t * 1000 + i) as u64).normal()
    }

    /// The average of what came from update `born` to update `last`, by its definition.
    fn by_definition(kind: Kind, born: usize, last: usize, i: usize) -> f64 {
        let weight = |t: usize| match kind {
            Kind::Uniform => 1.0,
            Kind::Corrected(beta) => beta.powi((last - t) as i32),
            Kind::Exponential(beta) => beta.powi((last - t) as i32) * if t == born { 1.0 } else { 1.0 - beta },
        };
        let total: f64 = (born..=last).map(weight).sum();
        (born..=last).map(|t| weight(t) * theta_at(t, i)).sum::<f64>() / total
    }

    proptest! {
        #[test]
        fn an_average_is_its_definition_from_the_birth_of_each_element(beta in 0.0..0.99, grow_at in 1usize..8, last in 1usize..12) {
            for kind in [Kind::Exponential(beta), Kind::Corrected(beta), Kind::Uniform] {
                let mut params = Params::<f64>::new();
                let w = params.add("w", [3], |_| 0.0);
                params.set_trainable(w, false); // as a running statistic is
                let mut average = Average::new(kind);
                for t in 0..=last {
                    if t == grow_at {
                        params.grow(w, 0, 2, |_| 0.0);
                    }
                    params.of_mut(w).iter_mut().enumerate().for_each(|(i, x)| *x = theta_at(t, i));
                    average.update(&params);
                }
                for (i, a) in average.values().of(w).iter().enumerate() {
                    let expected = by_definition(kind, if i < 3 { 0 } else { grow_at }, last, i);
                    prop_assert!((a - expected).abs() < 1e-12, "{kind:?} [{i}]: {a}, expected {expected}");
                }
            }
        }
    }

    #[test]
    fn swapping_twice_is_nothing_and_what_is_new_stays() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |i| i as f64);
        let mut average = Average::uniform();
        average.update(&params);
        params.of_mut(w).fill(4.0);
        params.grow(w, 0, 1, |_| 7.0);
        let v = params.add("v", [1], |_| 8.0);
        average.swap(&mut params);
        assert_eq!((params.of(w), params.of(v)), (&[0.0, 1.0, 7.0][..], &[8.0][..]));
        let mut copy = params.clone();
        average.swap(&mut params);
        assert_eq!((params.of(w), params.of(v)), (&[4.0, 4.0, 7.0][..], &[8.0][..]));
        average.copy_to(&mut copy);
        assert_eq!(copy.of(w), [0.0, 1.0, 7.0]);
        average.update(&params);
        assert_eq!(average.values().of(w), [2.0, 2.5, 7.0]);
    }
}
