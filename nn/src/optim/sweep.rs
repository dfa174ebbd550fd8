//! The walk over θ that all optimizers share; an optimizer adds its numbers and its loop.

use std::ops::Range;
use std::sync::Arc;

use thalweg_autograd::{Flat, Grads, Params};
use thalweg_tensor::{Real, kernels};

use super::ages::Ages;
use super::{Groups, Step};

/// One step of an optimizer: what is walked over, and the settings that groups refine. The door for optimizers of one's own,
/// and all that the ones here have in common: refusal, growth, groups, sparse rows, ages.
///
/// ```
/// use thalweg_autograd::{Flat, Grads, Params};
/// use thalweg_nn::optim::{Ages, Groups, Sweep};
///
/// /// Steps of one length, whatever the gradient, half as long at first.
/// fn step(params: &mut Params<f64>, grads: &mut Grads<f64>, groups: &mut Groups, ages: &mut Ages) {
///     let sweep = Sweep { params, grads, groups, ages, rate: 0.5, decay: 0.0 };
///     sweep.run(
///         [],
///         |at| if at.t == 1.0 { at.rate / 2.0 } else { at.rate },
///         #[inline(always)]
///         |&rate, theta, g, []| theta.iter_mut().zip(g).for_each(|(theta, g)| *theta -= rate * g.signum()),
///     );
/// }
///
/// let mut params = Params::<f64>::new();
/// let w = params.add("w", [1], |_| 3.0);
/// let (mut grads, mut groups, mut ages) = (Grads::like(&params), Groups::default(), Ages::default());
/// for _ in 0..2 {
///     grads.of_mut(w)[0] = 7.0;
///     step(&mut params, &mut grads, &mut groups, &mut ages);
/// }
/// assert_eq!(params.of(w), [3.0 - 0.25 - 0.5]);
/// ```
#[derive(Debug)]
pub struct Sweep<'a, T: Real> {
    /// θ.
    pub params: &'a mut Params<T>,
    /// ∇L(θ).
    pub grads: &'a mut Grads<T>,
    /// Other settings for some of the parameters.
    pub groups: &'a mut Groups,
    /// How many updates each element has had.
    pub ages: &'a mut Ages,
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
}

/// Where an update stands: the age of the elements, and the settings of their group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct At {
    /// How many updates the elements have had, this one included.
    pub t: f64,
    /// η.
    pub rate: f64,
    /// λ.
    pub decay: f64,
}

impl At {
    /// The weight decay as two numbers: λ in `g + λθ`, and the factor of θ. One of them is 0, or 1.
    pub(super) fn decays<T: Real>(self, decoupled: bool) -> [T; 2] {
        if decoupled { [T::ZERO, T::from_f64(1.0 - self.rate * self.decay)] } else { [T::from_f64(self.decay), T::ONE] }
    }
}

impl<T: Real> Sweep<'_, T> {
    /// Walks over what was touched, trainable and not frozen, in stretches of one age: `update(numbers, θ, g, state)`, and
    /// uses the gradient up. The numbers are worked out once for each age and group.
    ///
    /// Give `update` the attribute `#[inline(always)]`, or its loop is not vectorised.
    pub fn run<const N: usize, U>(
        mut self,
        state: [&mut Flat<T>; N],
        numbers: impl Fn(At) -> U,
        update: impl Fn(&U, &mut [T], &[T], [&mut [T]; N]),
    ) -> Step {
        if !is_accepted(self.params, self.grads, self.groups) {
            return Step::Refused;
        }
        let mut state = state.map(|vector| {
            vector.align(self.params.layout());
            vector.as_mut_slice()
        });
        let mut current: Option<(At, U)> = None;
        self.stretches(|range, at, theta, g| {
            let (_, numbers) = match &mut current {
                Some(known) if known.0 == at => known,
                unknown => unknown.insert((at, numbers(at))),
            };
            let state = state.each_mut().map(|vector| &mut vector[range.clone()]);
            kernels::vectorize(
                #[inline(always)]
                || update(numbers, theta, g, state),
            );
        });
        self.grads.zero();
        Step::Taken
    }

    /// The same with the stretch itself, `visit(range of θ, where it stands, θ, g)`, and the gradient is there still: for
    /// optimizers that go over θ a second time. It is zero if the step is refused; `visit` is not called then.
    pub fn walk(&mut self, visit: impl FnMut(Range<usize>, At, &mut [T], &[T])) -> Step {
        if !is_accepted(self.params, self.grads, self.groups) {
            return Step::Refused;
        }
        self.stretches(visit);
        Step::Taken
    }

    fn stretches(&mut self, mut visit: impl FnMut(Range<usize>, At, &mut [T], &[T])) {
        let Sweep { params, grads, groups, ages, rate, decay } = self;
        let layout = Arc::clone(params.layout());
        ages.align(&layout);
        let theta = params.theta_mut().as_mut_slice();
        let gradient = grads.dense();
        let g = gradient.as_slice();
        for (param, entry) in layout.iter().filter(|(_, entry)| entry.trainable()) {
            let (rate, decay) = (*rate * groups.rate(param), groups.decay(param).unwrap_or(*decay));
            ages.update(param.index(), entry, gradient.touched(param), |range, t| {
                let at = At { t: f64::from(t), rate, decay };
                visit(range.clone(), at, &mut theta[range.clone()], &g[range]);
            });
        }
    }
}

/// Whether a step can be made of this gradient: its square must be far from overflow. If not, it is thrown away. In both
/// cases gradient and groups follow θ's layout, and what is frozen by its group has no gradient any more.
pub fn is_accepted<T: Real>(params: &Params<T>, grads: &mut Grads<T>, groups: &mut Groups) -> bool {
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
pub fn flushed<T: Real>(x: T) -> T {
    if x.abs() < T::MIN_POSITIVE { T::ZERO } else { x }
}
