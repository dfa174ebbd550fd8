//! The quadratic that holds θ where it was: the one struct under EWC, SI, MAS and L2.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_tensor::{Real, kernels};

/// `λ (½ Σᵢ Ωᵢ (θᵢ − aᵢ)² + c)`: importances Ω and an anchor a, laid out like θ, and a constant (equation 1 of the
/// [module](super)).
///
/// It follows θ's growth. What came after the anchor has Ω = 0 and is free; what is frozen is left alone. Before the first
/// [`add_term`](Penalty::add_term) or [`replace`](Penalty::replace) it is 0 everywhere and costs nothing.
///
/// ```
/// use thalweg_autograd::{Flat, Grads, Params};
/// use thalweg_online::consolidate::Penalty;
///
/// let mut params = Params::<f64>::new();
/// let w = params.add("w", [2], |i| [1.0, -1.0][i]);
/// let mut importance = Flat::like(&params);
/// importance.of_mut(w).copy_from_slice(&[3.0, 0.5]);
/// let mut penalty = Penalty::new(10.0);
/// penalty.add_term(&params, &importance);
///
/// params.of_mut(w).copy_from_slice(&[3.0, 1.0]); // both have moved by 2
/// let mut grads = Grads::like(&params);
/// penalty.add_to(&params, &mut grads);
/// assert_eq!(penalty.value(&params), 10.0 * 0.5 * (3.0 * 4.0 + 0.5 * 4.0));
/// assert_eq!(grads.of(w), [10.0 * 3.0 * 2.0, 10.0 * 0.5 * 2.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Read<T>")]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Penalty<T: Real = f32> {
    strength: f64,
    importance: Flat<T>,
    anchor: Flat<T>,
    /// c, without λ.
    constant: f64,
}

impl<T: Real> Penalty<T> {
    /// Nothing is held yet; later, with strength λ.
    ///
    /// # Panics
    ///
    /// If λ is not a number of at least 0 that is finite in `T`.
    #[must_use]
    #[track_caller]
    pub fn new(strength: f64) -> Self {
        assert!(is_strength::<T>(strength), "penalty: a finite strength of at least 0 expected, found {strength}");
        Penalty { strength, importance: Flat::default(), anchor: Flat::default(), constant: 0.0 }
    }

    /// Everything in it that is laid out like θ.
    pub(super) fn vectors(&self) -> [&Flat<T>; 2] {
        [&self.importance, &self.anchor]
    }

    /// λ.
    #[must_use]
    pub fn strength(&self) -> f64 {
        self.strength
    }

    /// Ω, laid out like θ was when it was last looked at.
    #[must_use]
    pub fn importance(&self) -> &Flat<T> {
        &self.importance
    }

    /// a, laid out like Ω.
    #[must_use]
    pub fn anchor(&self) -> &Flat<T> {
        &self.anchor
    }

    /// Whether it is 0 for every θ.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.strength == 0.0 || self.importance.layout().is_empty()
    }

    /// How much memory its numbers take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.importance.as_slice().len() + self.anchor.as_slice().len()) * T::BYTES
    }

    /// Follows θ's growth: what is new is anchored where it is, and is free. The other methods do so by themselves, but who
    /// [pulls](Penalty::pull) after the step calls this before it.
    pub fn align(&mut self, params: &Params<T>) {
        if !self.is_nothing() {
            self.follow(params);
        }
    }

    /// What it costs to be at θ: `λ (½ Σ Ω (θ − a)² + c)`.
    pub fn value(&mut self, params: &Params<T>) -> f64 {
        if self.is_nothing() {
            return 0.0;
        }
        self.follow(params);
        let mut sum = 0.0;
        for (param, _) in params.layout().iter().filter(|(_, entry)| entry.trainable()) {
            let (omega, anchor) = (self.importance.of(param), self.anchor.of(param));
            for ((omega, anchor), theta) in omega.iter().zip(anchor).zip(params.of(param)) {
                let away = theta.to_f64() - anchor.to_f64();
                sum += omega.to_f64() * away * away;
            }
        }
        self.strength * (0.5 * sum + self.constant)
    }

    /// Adds its gradient, `λ Ω ⊙ (θ − a)`. Parameters of which nothing is important stay untouched.
    pub fn add_to(&mut self, params: &Params<T>, grads: &mut Grads<T>) {
        if self.is_nothing() {
            return;
        }
        self.follow(params);
        grads.align(params.layout());
        let strength = T::from_f64(self.strength);
        for (param, _) in params.layout().iter().filter(|(_, entry)| entry.trainable()) {
            let (omega, anchor) = (self.importance.of(param), self.anchor.of(param));
            if omega.iter().all(|&omega| omega == T::ZERO) {
                continue;
            }
            let (g, theta) = (grads.of_mut(param), params.of(param));
            kernels::vectorize(
                #[inline(always)]
                || {
                    let held = omega.iter().zip(anchor).zip(theta);
                    g.iter_mut().zip(held).for_each(|(g, ((&o, &a), &theta))| *g += strength * o * (theta - a));
                },
            );
        }
    }

    /// Pulls θ back after a step of rate η, which did not contain its gradient: `θ ← a + (θ − a) / (1 + η λ Ω)`.
    ///
    /// This is the proximal step, `argmin_ϑ ½‖ϑ − θ‖² / η + penalty(ϑ)`. A gradient step with η λ Ω > 2 leads away from the
    /// anchor; this one ends between the two whatever λ is, and on the anchor where λ is infinitely large.
    pub fn pull(&mut self, params: &mut Params<T>, rate: f64) {
        if self.is_nothing() {
            return;
        }
        self.follow(params);
        let (strength, layout) = (T::from_f64(rate * self.strength), std::sync::Arc::clone(params.layout()));
        for (param, _) in layout.iter().filter(|(_, entry)| entry.trainable()) {
            let (omega, anchor, theta) = (self.importance.of(param), self.anchor.of(param), params.of_mut(param));
            kernels::vectorize(
                #[inline(always)]
                || {
                    for ((theta, &omega), &anchor) in theta.iter_mut().zip(omega).zip(anchor) {
                        // k / (1 + k), which is 1 for ∞. What is free keeps its bits.
                        let share = T::ONE / (T::ONE + T::ONE / (strength * omega));
                        *theta -= if omega == T::ZERO { T::ZERO } else { share * (*theta - anchor) };
                    }
                },
            );
        }
    }

    /// Adds a term anchored at θ, `½ Σ F (θ − θ*)²`, to those before it: EWC with a penalty for each context. Their sum is
    /// again one quadratic, and is kept as such, exactly (equation 3 of the [module](super)).
    ///
    /// # Panics
    ///
    /// If the importances are not laid out like θ.
    #[track_caller]
    pub fn add_term(&mut self, params: &Params<T>, importance: &Flat<T>) {
        laid_out_alike(params, importance);
        self.follow(params);
        let Penalty { importance: omega, anchor, constant, .. } = self;
        let (omega, anchor) = (omega.as_mut_slice().iter_mut(), anchor.as_mut_slice());
        for (((s, a), &f), &theta) in omega.zip(anchor).zip(importance.as_slice()).zip(params.as_slice()) {
            let total = *s + f;
            if *s == T::ZERO {
                *a = theta;
            } else if total != T::ZERO {
                let (share, away) = (f / total, theta - *a);
                *constant += 0.5 * (*s * share).to_f64() * away.to_f64().powi(2);
                *a += share * away;
            }
            *s = total;
        }
    }

    /// `Ω ← max(0, γ Ω + F)` and `a ← θ`, without a constant: online EWC, SI, MAS, where there is one anchor, the last
    /// (equation 4 of the [module](super)).
    ///
    /// # Panics
    ///
    /// If the importances are not laid out like θ.
    #[track_caller]
    pub fn replace(&mut self, params: &Params<T>, importance: &Flat<T>, gamma: f64) {
        laid_out_alike(params, importance);
        self.follow(params);
        let gamma = T::from_f64(gamma);
        for (omega, &new) in self.importance.as_mut_slice().iter_mut().zip(importance.as_slice()) {
            let sum = gamma * *omega + new;
            *omega = if sum < T::MIN_POSITIVE { T::ZERO } else { sum }; // no denormal numbers; a NaN stays
        }
        self.anchor.as_mut_slice().copy_from_slice(params.as_slice());
        self.constant = 0.0;
    }

    /// [Holds all](Penalty::hold_all), if θ has grown since it did.
    pub(super) fn hold_what_is_new(&mut self, params: &Params<T>) {
        if !std::sync::Arc::ptr_eq(self.importance.layout(), params.layout()) {
            self.hold_all(params);
        }
    }

    /// Elements of a parameter begin anew: they are anchored where they are, and free.
    pub(super) fn begin_anew(&mut self, params: &Params<T>, param: Param, begun: impl Iterator<Item = usize>) {
        if self.is_nothing() {
            return;
        }
        self.follow(params);
        let (anchor, importance, theta) = (self.anchor.of_mut(param), self.importance.of_mut(param), params.of(param));
        for element in begun {
            (anchor[element], importance[element]) = (theta[element], T::ZERO);
        }
    }

    /// Ω = 1 for all that is there, and what had no anchor yet is held where it is now: L2 to where each element began.
    pub fn hold_all(&mut self, params: &Params<T>) {
        self.follow(params);
        for (param, _) in params.layout().iter() {
            self.importance.of_mut(param).fill(T::ONE);
        }
    }

    #[track_caller]
    fn follow(&mut self, params: &Params<T>) {
        anchor_what_is_new(&mut self.anchor, params);
        self.importance.align(params.layout());
    }
}

/// Follows θ's layout; what θ has and the anchor had not, is anchored where it is now.
#[track_caller]
pub(super) fn anchor_what_is_new<T: Real>(anchor: &mut Flat<T>, params: &Params<T>) {
    if std::sync::Arc::ptr_eq(anchor.layout(), params.layout()) {
        return;
    }
    let mut known = Flat::like(anchor);
    anchor.layout().iter().for_each(|(param, _)| known.of_mut(param).fill(T::ONE));
    known.align(params.layout());
    anchor.align(params.layout());
    let anchors = anchor.as_mut_slice().iter_mut().zip(known.as_slice());
    for ((anchor, &known), &theta) in anchors.zip(params.as_slice()) {
        if known == T::ZERO {
            *anchor = theta;
        }
    }
}

fn is_strength<T: Real>(strength: f64) -> bool {
    T::from_f64(strength).is_finite() && strength >= 0.0
}

#[track_caller]
fn laid_out_alike<T: Real>(params: &Params<T>, importance: &Flat<T>) {
    let (expected, found) = (params.layout(), importance.layout());
    assert!(expected == found, "penalty: importances are not laid out like θ: {} and {}", found.len(), expected.len());
}

/// A penalty as it is read: trusted once it holds θ by numbers of at least 0 to finite places.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Real + Deserialize<'de>"))]
struct Read<T: Real> {
    strength: f64,
    importance: Flat<T>,
    anchor: Flat<T>,
    constant: f64,
}

impl<T: Real> TryFrom<Read<T>> for Penalty<T> {
    type Error = &'static str;

    fn try_from(Read { strength, importance, anchor, constant }: Read<T>) -> Result<Self, &'static str> {
        let numbers = is_strength::<T>(strength) && constant.is_finite() && constant >= 0.0;
        let held = importance.as_slice().iter().all(|omega| omega.is_finite() && *omega >= T::ZERO);
        match numbers && held && anchor.is_finite() && importance.layout() == anchor.layout() {
            true => Ok(Penalty { strength, importance, anchor, constant }),
            false => Err("a penalty contradicts itself"),
        }
    }
}

#[cfg(test)]
mod tests;
