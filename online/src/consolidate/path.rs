//! How much each element of θ has done for the loss: the path integral of SI.

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Flat, Grads, Param, Params};
use thalweg_tensor::{Real, kernels};

use super::penalty::anchor_what_is_new;

/// `ω ← ω − g ⊙ Δθ` over the steps of a context, and `ω / ((θ − θ_start)² + ξ)` at its end (equation 5 of the [module](super)).
///
/// In small steps, Σ ω is by how much the loss whose gradient is g has fallen. It is told θ and g before each step, and θ
/// after it; a step that was refused is not told, or told with θ as it was.
///
/// ```
/// use thalweg_autograd::{Grads, Params, Tape};
/// use thalweg_online::consolidate::PathIntegral;
///
/// let mut params = Params::<f64>::new();
/// let w = params.add("w", [2], |_| 1.0);
/// let (mut tape, mut grads, mut path) = (Tape::new(), Grads::like(&params), PathIntegral::new(0.1));
/// for _ in 0..2000 {
///     let pass = tape.pass(&params);
///     (pass.param(w).square() * pass.input(&[1.0, 0.0])).sum().backward(&mut grads); // w₀²
///     path.before_step(&params, &mut grads);
///     grads.apply(-0.001, params.theta_mut());
///     path.after_step(&params);
/// }
/// let [first, second] = [0, 1].map(|i| path.work().of(w)[i]);
/// assert!((first - (1.0 - params.of(w)[0].powi(2))).abs() < 1e-2 && second == 0.0);
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Read<T>")]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct PathIntegral<T: Real = f32> {
    xi: f64,
    work: Flat<T>,
    /// θ where the context began; of what came later, where it began.
    start: Flat<T>,
    #[serde(skip)]
    scratch: Scratch<T>,
}

/// What stands between before a step and after it.
#[derive(Clone, Debug, Default)]
struct Scratch<T: Real> {
    theta: Flat<T>,
    gradient: Flat<T>,
    /// Whether a step has begun.
    begun: bool,
}

impl<T: Real> PathIntegral<T> {
    /// Before the first step. ξ keeps the importance of what has hardly moved finite.
    ///
    /// # Panics
    ///
    /// If ξ is not a finite number above 0.
    #[must_use]
    #[track_caller]
    pub fn new(xi: f64) -> Self {
        assert!(xi.is_finite() && xi > 0.0, "path: ξ above 0 expected, found {xi}");
        PathIntegral { xi, work: Flat::default(), start: Flat::default(), scratch: Scratch::default() }
    }

    /// Everything in it that is laid out like θ.
    pub(super) fn vectors(&self) -> [&Flat<T>; 2] {
        [&self.work, &self.start]
    }

    /// ξ.
    #[must_use]
    pub fn xi(&self) -> f64 {
        self.xi
    }

    /// ω, laid out like θ was at the last step.
    #[must_use]
    pub fn work(&self) -> &Flat<T> {
        &self.work
    }

    /// How much memory its numbers take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Scratch { theta, gradient, .. } = &self.scratch;
        [&self.work, &self.start, theta, gradient].iter().map(|vector| vector.as_slice().len() * T::BYTES).sum()
    }

    /// Remembers θ and the gradient of the step that comes.
    pub fn before_step(&mut self, params: &Params<T>, grads: &mut Grads<T>) {
        let layout = params.layout();
        anchor_what_is_new(&mut self.start, params);
        grads.align(layout);
        let Scratch { theta, gradient, begun } = &mut self.scratch;
        self.work.align(layout);
        for (copy, numbers) in [(theta, params.as_slice()), (gradient, grads.as_slice())] {
            copy.align(layout);
            copy.as_mut_slice().copy_from_slice(numbers);
        }
        *begun = true;
    }

    /// Adds what the step has done. Without a step that has begun it does nothing.
    pub fn after_step(&mut self, params: &Params<T>) {
        let Scratch { theta, gradient, begun } = &mut self.scratch;
        if !std::mem::take(begun) {
            return;
        }
        let before = theta.as_slice().iter().zip(gradient.as_slice());
        let (work, after) = (self.work.as_mut_slice(), params.as_slice());
        kernels::vectorize(
            #[inline(always)]
            || {
                for ((work, (&before, &g)), &after) in work.iter_mut().zip(before).zip(after) {
                    let step = after - before;
                    // A step that was refused may have a gradient that is not finite.
                    *work += if step == T::ZERO { T::ZERO } else { -(g * step) };
                }
            },
        );
    }

    /// The path of elements of a parameter begins anew where they are.
    pub(super) fn begin_anew(&mut self, params: &Params<T>, param: Param, begun: impl Iterator<Item = usize>) {
        anchor_what_is_new(&mut self.start, params);
        self.work.align(params.layout());
        let (start, work, theta) = (self.start.of_mut(param), self.work.of_mut(param), params.of(param));
        for element in begun {
            (start[element], work[element]) = (theta[element], T::ZERO);
        }
    }

    /// `ω / ((θ − θ_start)² + ξ)`, laid out like θ: what went against the gradient is below 0. Then a new path begins at θ.
    pub fn take(&mut self, params: &Params<T>) -> Flat<T> {
        anchor_what_is_new(&mut self.start, params);
        let (mut importance, xi) = (std::mem::take(&mut self.work), T::from_f64(self.xi));
        importance.align(params.layout());
        let places = self.start.as_slice().iter().zip(params.as_slice());
        for (importance, (&start, &theta)) in importance.as_mut_slice().iter_mut().zip(places) {
            let moved = theta - start;
            *importance = *importance / (moved * moved + xi);
        }
        self.start.as_mut_slice().copy_from_slice(params.as_slice());
        importance
    }
}

/// A path as it is read: trusted once its numbers are finite.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Real + Deserialize<'de>"))]
struct Read<T: Real> {
    xi: f64,
    work: Flat<T>,
    start: Flat<T>,
}

impl<T: Real> TryFrom<Read<T>> for PathIntegral<T> {
    type Error = &'static str;

    fn try_from(Read { xi, work, start }: Read<T>) -> Result<Self, &'static str> {
        let sound = xi.is_finite() && xi > 0.0 && work.is_finite() && start.is_finite();
        let path = PathIntegral { xi, work, start, scratch: Scratch::default() };
        if sound { Ok(path) } else { Err("the path of parameters contradicts itself") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_autograd::Tape;

    #[test]
    fn by_hand() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |i| [1.0, 2.0][i]);
        let (mut grads, mut path) = (Grads::like(&params), PathIntegral::new(0.5));
        for (g, step) in [([2.0, -1.0], [-0.5, 0.25]), ([1.0, 1.0], [0.25, 0.0])] {
            grads.of_mut(w).copy_from_slice(&g);
            path.before_step(&params, &mut grads);
            params.of_mut(w).iter_mut().zip(step).for_each(|(theta, step)| *theta += step);
            grads.zero();
            path.after_step(&params);
            path.after_step(&params); // of no step
        }
        let work = [1.0 - 0.25, 0.25];
        assert_eq!(path.work().of(w), work);
        let importance = path.take(&params);
        assert_eq!(importance.of(w), [work[0] / (0.0625 + 0.5), work[1] / (0.0625 + 0.5)]);
        assert_eq!(path.take(&params).of(w), [0.0, 0.0], "a new path has begun");
    }

    /// A refused step moves nothing, whatever its gradient was.
    #[test]
    fn a_refused_step_is_no_step() {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [1], |_| 1.0);
        let (mut grads, mut path) = (Grads::like(&params), PathIntegral::new(0.5));
        grads.of_mut(w).fill(f32::NAN);
        path.before_step(&params, &mut grads);
        path.after_step(&params);
        assert_eq!(path.work().of(w), [0.0]);
    }

    /// What is new begins where it is, not at 0.
    #[test]
    fn growth_begins_its_own_path() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [1, 1], |_| 1.0);
        let (mut grads, mut path) = (Grads::like(&params), PathIntegral::new(1.0));
        for step in 0..2 {
            grads.align(params.layout());
            grads.of_mut(w).fill(-1.0);
            path.before_step(&params, &mut grads);
            params.of_mut(w).iter_mut().for_each(|theta| *theta += 1.0);
            path.after_step(&params);
            if step == 0 {
                params.grow(w, 1, 1, |_| 10.0);
            }
        }
        assert_eq!(path.work().of(w), [2.0, 1.0]);
        assert_eq!(path.take(&params).of(w), [2.0 / 5.0, 1.0 / 2.0]);
    }

    /// Σ ω is by how much the loss has fallen, the better the smaller the steps.
    #[test]
    fn work_adds_up_to_the_decrease_of_the_loss() {
        let apart = |rate: f64| {
            let mut params = Params::<f64>::new();
            let v = params.add("v", [3, 2], |i| 0.3 * (i as f64 - 2.0));
            let w = params.add("w", [2, 3], |i| 0.2 * (2.5 - i as f64));
            let (mut tape, mut grads, mut path) = (Tape::new(), Grads::like(&params), PathIntegral::new(0.1));
            let (mut first, mut last) = (None, 0.0);
            for _ in 0..(20.0 / rate) as usize {
                let pass = tape.pass(&params);
                let hidden = pass.input(&[1.0, -0.5]).linear(pass.param(v)).tanh();
                let loss = hidden.linear(pass.param(w)).cross_entropy(&[1]);
                last = *first.get_or_insert(loss.item()) - loss.item();
                loss.backward(&mut grads);
                path.before_step(&params, &mut grads);
                grads.apply(-rate, params.theta_mut());
                path.after_step(&params);
            }
            assert!(last > 0.5, "it learns");
            let work: f64 = path.work().as_slice().iter().sum();
            (work - last).abs() / last
        };
        let [coarse, fine] = [0.1, 0.01].map(apart);
        assert!(fine < 0.01 && fine < coarse / 5.0, "{coarse} {fine}");
    }
}
