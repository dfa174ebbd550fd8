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
        let mut known = Known { first: None, others: None };
        self.stretches(|range, at, theta, g| {
            let numbers = known.at(at, &numbers);
            let state = state.each_mut().map(|vector| &mut vector[range.clone()]);
            kernels::vectorize_over(
                theta.len(),
                #[inline(always)]
                || update(numbers, theta, g, state),
            );
        });
        self.grads.zero();
        Step::Taken
    }

    /// The same with the stretch itself, `visit(range of θ, where it stands, θ, g)`, and the gradient is there still: for
    /// optimizers that go over θ a second time. It is zero if the step is refused; `visit` is not called then.
    ///
    /// Give `visit` the attribute `#[inline(always)]`, or its loop is not vectorised.
    pub fn walk(&mut self, mut visit: impl FnMut(Range<usize>, At, &mut [T], &[T])) -> Step {
        if !is_accepted(self.params, self.grads, self.groups) {
            return Step::Refused;
        }
        self.stretches(|range, at, theta, g| {
            kernels::vectorize_over(
                theta.len(),
                #[inline(always)]
                || visit(range, at, theta, g),
            );
        });
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
                let at = At { t: t as f64, rate, decay };
                visit(range.clone(), at, &mut theta[range.clone()], &g[range]);
            });
        }
    }
}

/// The numbers of a step that have been worked out. Where rows and columns have begun anew, one at a time, hardly an element is
/// of the age of the one before; but of a matrix there are no more ages than rows and columns.
struct Known<U> {
    first: Option<(At, U)>,
    /// Those of age t in place t mod 256.
    others: Option<[Option<(At, U)>; 256]>,
}

impl<U> Known<U> {
    fn nothing() -> [Option<(At, U)>; 256] {
        [const { None }; 256]
    }

    #[inline(always)]
    fn at(&mut self, at: At, numbers: impl Fn(At) -> U) -> &U {
        let is_known = |place: &Option<(At, U)>| place.as_ref().is_some_and(|(known, _)| *known == at);
        let place = if self.first.is_none() || is_known(&self.first) {
            &mut self.first
        } else {
            let places = self.others.get_or_insert_with(Self::nothing);
            &mut places[at.t as usize % places.len()]
        };
        if !is_known(place) {
            *place = Some((at, numbers(at)));
        }
        match place {
            Some((_, numbers)) => numbers,
            None => unreachable!("worked out above"),
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
