//! What losses of classes have in common: a row of scores and a class for each example.
//!
//! The slope of such a loss is found along with it, so both come from one function of a row. It is kept behind the losses,
//! and backward only multiplies: `x̄ += ℓ̄ · slope`.

use std::fmt;

use thalweg_autograd::{Op, Var};
use thalweg_tensor::{Real, Shape, kernels};

/// Scores `[rows, count]`, and the class of each row.
pub(super) struct Rows<'a, 'p, T: Real> {
    loss: &'static str,
    scores: Var<'p, T>,
    classes: &'a [usize],
    ignored: Option<usize>,
    weight: Option<&'a [f64]>,
    /// How many classes there are.
    pub count: usize,
    /// Of the losses.
    shape: Shape,
}

impl<'a, 'p, T: Real> Rows<'a, 'p, T> {
    /// Checks that everything fits.
    #[track_caller]
    pub fn of(
        loss: &'static str,
        scores: Var<'p, T>,
        classes: &'a [usize],
        ignored: Option<usize>,
        weight: Option<&'a [f64]>,
    ) -> Self {
        let given = scores.shape();
        let (scores, shape) = classes_last(loss, scores);
        let [rows, count] = scores.dims();
        assert!(rows == classes.len(), "{loss}: scores {given} and {} classes", classes.len());
        if let Some(bad) = classes.iter().find(|&&class| class >= count && Some(class) != ignored) {
            panic!("{loss}: there is no class {bad} in scores {given}");
        }
        if let Some(weight) = weight {
            check_weights(loss, weight, count);
        }
        Rows { loss, scores, classes, ignored, weight, count, shape }
    }

    /// `w` of a class.
    pub fn weight_of(&self, class: usize) -> f64 {
        self.weight.map_or(1.0, |weight| weight[class])
    }

    /// One loss for each row but the ignored ones: `of` gives it, and adds its slope to the zeros it is handed.
    pub fn record(&self, of: impl Fn(&[T], usize, &mut [T]) -> T) -> Var<'p, T> {
        let (rows, count) = (self.classes.len(), self.count.max(1));
        let forward = |[x]: [&[T]; 1], y: &mut [T]| {
            let (losses, slopes) = y.split_at_mut(rows);
            slopes.fill(T::ZERO);
            let data = x.chunks_exact(count).zip(slopes.chunks_exact_mut(count));
            for ((loss, &class), (x, slope)) in losses.iter_mut().zip(self.classes).zip(data) {
                if Some(class) != self.ignored {
                    *loss = of(x, class, slope);
                }
            }
        };
        let op = Op::new(self.loss).saving(rows * self.count);
        let each = self.scores.pass().record(op, [self.scores], [rows], forward, |g| {
            let (slopes, dy) = (g.saved(), g.dy());
            let count = slopes.len() / dy.len().max(1);
            let dx = g.dx(0).chunks_exact_mut(count.max(1));
            dx.zip(slopes.chunks_exact(count.max(1)))
                .zip(dy)
                .for_each(|((dx, slope), &dy)| kernels::axpy(dy, slope, dx));
        });
        each.reshape(self.shape)
    }

    /// What each row counts in a mean that is weighted by classes; nothing if all count the same.
    pub fn share(&self) -> Option<Var<'p, T>> {
        if self.weight.is_none() && self.ignored.is_none() {
            return None;
        }
        let fill = |[]: [&[T]; 0], y: &mut [T]| {
            let counted = y.iter_mut().zip(self.classes).filter(|(_, class)| Some(**class) != self.ignored);
            counted.for_each(|(y, &class)| *y = T::from_f64(self.weight_of(class)));
        };
        Some(self.scores.pass().record("class_weights", [], self.shape, fill, |_| {}))
    }
}

/// Scores with the classes on the last axis, `[rows, C]`, and the shape of one loss for each row: `[C]` → `[]`,
/// `[n, C]` → `[n]`, `[n, C, d…]` → `[n, d…]`.
#[track_caller]
pub(super) fn classes_last<'p, T: Real>(loss: &str, x: Var<'p, T>) -> (Var<'p, T>, Shape) {
    let shape = x.shape();
    assert!(shape.rank() > 0, "{loss}: scores [C], [n, C] or [n, C, d…] expected, found {shape}");
    let axis = usize::from(shape.rank() > 1);
    let [examples, count, places] = shape.around(axis);
    let rows = match shape.rank() {
        1 | 2 => x.reshape([examples, count]),
        _ => x.reshape([examples, count, places]).permute(&[0, 2, 1]).reshape([examples * places, count]),
    };
    (rows, shape.without(axis))
}

#[track_caller]
pub(super) fn check_weights(loss: &str, weight: &[f64], count: usize) {
    assert!(weight.len() == count, "{loss}: {count} classes and {} weights", weight.len());
}

/// A class that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassError {
    /// The class that came.
    pub class: usize,
    /// Its place among those that came.
    pub place: usize,
    /// How many classes there are.
    pub classes: usize,
}

impl fmt::Display for ClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClassError { class, place, classes } = self;
        write!(f, "target {place} is class {class}, but there are {classes} classes, counted from 0")
    }
}

impl std::error::Error for ClassError {}

/// Checks targets that come from outside, before a loss panics over them: each is below `classes`.
///
/// ```
/// use thalweg_nn::loss::check_classes;
/// assert!(check_classes(&[0, 2, 1], 3).is_ok());
/// assert_eq!(
///     check_classes(&[0, 3], 3).unwrap_err().to_string(),
///     "target 1 is class 3, but there are 3 classes, counted from 0",
/// );
/// ```
///
/// # Errors
/// The first class that there is not.
pub fn check_classes(targets: &[usize], classes: usize) -> Result<(), ClassError> {
    match targets.iter().position(|&class| class >= classes) {
        Some(place) => Err(ClassError { class: targets[place], place, classes }),
        None => Ok(()),
    }
}
