//! The walk over θ that all optimizers share; an optimizer adds its numbers and its loop.

use std::sync::Arc;

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::{Real, kernels};

use super::ages::Ages;
use super::{Groups, Step};

/// One step of an optimizer: what is walked over, and the settings that groups refine.
pub(super) struct Sweep<'a, T: Real> {
    pub params: &'a mut Params<T>,
    pub grads: &'a mut Grads<T>,
    pub groups: &'a mut Groups,
    pub ages: &'a mut Ages,
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
}

/// Where an update stands: the age of the elements, and the settings of their group.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct At {
    /// How many updates the elements have had, this one included.
    pub t: f64,
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
}

impl At {
    /// The weight decay as two numbers: λ in `g + λθ`, and the factor of θ. One of them is 0, or 1.
    pub fn decays<T: Real>(self, decoupled: bool) -> [T; 2] {
        if decoupled { [T::ZERO, T::from_f64(1.0 - self.rate * self.decay)] } else { [T::from_f64(self.decay), T::ONE] }
    }
}

impl<T: Real> Sweep<'_, T> {
    /// Walks over what was touched, trainable and not frozen, in stretches of one age: `update(numbers, θ, g, state)`. The
    /// numbers are worked out once for each age and group.
    ///
    /// Give `update` the attribute `#[inline(always)]`, or its loop is not vectorised.
    pub fn run<const N: usize, U>(
        self,
        state: [&mut Flat<T>; N],
        numbers: impl Fn(At) -> U,
        update: impl Fn(&U, &mut [T], &[T], [&mut [T]; N]),
    ) -> Step {
        let Sweep { params, grads, groups, ages, rate, decay } = self;
        if !is_accepted(params, grads, groups) {
            return Step::Refused;
        }
        let layout = Arc::clone(params.layout());
        ages.align(&layout);
        let mut state = state.map(|vector| {
            vector.align(&layout);
            vector.as_mut_slice()
        });
        let theta = params.theta_mut().as_mut_slice();
        let gradient = grads.dense();
        let g = gradient.as_slice();
        let mut current: Option<(At, U)> = None;
        for (param, entry) in layout.iter().filter(|(_, entry)| entry.trainable()) {
            let (rate, decay) = (rate * groups.rate(param), groups.decay(param).unwrap_or(decay));
            ages.update(param.index(), entry, gradient.touched(param), |range, t| {
                let at = At { t: f64::from(t), rate, decay };
                let (_, numbers) = match &mut current {
                    Some(known) if known.0 == at => known,
                    unknown => unknown.insert((at, numbers(at))),
                };
                let (theta, g) = (&mut theta[range.clone()], &g[range.clone()]);
                let state = state.each_mut().map(|vector| &mut vector[range.clone()]);
                kernels::vectorize(
                    #[inline(always)]
                    || update(numbers, theta, g, state),
                );
            });
        }
        grads.zero();
        Step::Taken
    }
}

/// Whether a step can be made of this gradient: its square must be far from overflow. If not, it is thrown away. In both
/// cases gradient and groups follow θ's layout, and what is frozen by its group has no gradient any more.
pub(super) fn is_accepted<T: Real>(params: &Params<T>, grads: &mut Grads<T>, groups: &mut Groups) -> bool {
    grads.align(params.layout());
    groups.drop_frozen(grads);
    let accepted = grads.is_within(1e-4 / T::MIN_POSITIVE.to_f64().sqrt());
    if !accepted {
        grads.zero();
    }
    accepted
}

/// The number, or 0 for one that is denormal: arithmetic on those is many times slower, and what a dead unit leaves in an
/// optimizer gets there within a thousand steps.
#[inline(always)]
pub(super) fn flushed<T: Real>(x: T) -> T {
    if x.abs() < T::MIN_POSITIVE { T::ZERO } else { x }
}
