//! The gradient of θ.

use std::ops::Deref;
use std::sync::Arc;

use thalweg_tensor::Real;
use thalweg_tensor::kernels::{self, Buffer};

use crate::flat::Flat;
use crate::layout::{Layout, Param};

mod marks;

pub use marks::Touched;
use marks::{Mark, Outer, Piece};

/// ∇L(θ), laid out like θ. [`Var::backward`](crate::Var::backward) *adds* to it; an optimizer's step uses it up and
/// zeroes it.
///
/// It costs what it touches:
///
/// * **Rows.** It remembers which rows were touched, so that a step of an embedding does not visit the vocabulary.
/// * **Outer products.** The gradient of a matrix that met one example is `ȳ xᵀ`. It stays two vectors until someone looks
///   at its elements: plain gradient descent ([`apply`](Grads::apply)) and the [norm](Grads::norm) never do. (Elements that
///   were looked at are rounded once more before they are applied: in the last bit, a program that reads them may differ
///   from one that does not.)
#[derive(Clone, Debug, Default)]
pub struct Grads<T: Real = f32> {
    flat: Flat<T>,
    marks: Vec<Mark>,
    /// The vectors of outer products, each on a cache line, and zeros in between.
    factors: Buffer<T>,
    /// Where ops write what nobody wants: the gradient of a frozen parameter.
    unwanted: Buffer<T>,
}

impl<T: Real> Grads<T> {
    /// Zeros, laid out like `params`.
    pub fn like(params: &Flat<T>) -> Self {
        let mut grads = Grads::default();
        grads.align(params.layout());
        grads
    }

    /// Follows the parameters' layout. When nothing grew this is one pointer comparison.
    pub fn align(&mut self, layout: &Arc<Layout>) {
        if !Arc::ptr_eq(self.flat.layout(), layout) {
            self.multiply_out_all();
            // Rows of a stack may be elsewhere now: what was touched is all of it.
            let stacked = self.marks.iter_mut().zip(layout.entries()).filter(|(_, entry)| entry.blocks() > 1);
            stacked.for_each(|(mark, _)| mark.all |= !mark.rows.is_empty());
        }
        self.flat.align(layout);
        self.marks.resize_with(layout.entries().len(), Mark::default);
    }

    /// The layout.
    pub fn layout(&self) -> &Arc<Layout> {
        self.flat.layout()
    }

    /// What of a parameter has a gradient.
    pub fn touched(&self, param: Param) -> Touched<'_> {
        match &self.marks[param.index()] {
            Mark { all: true, .. } | Mark { outer: Some(_), .. } => Touched::All,
            Mark { rows, .. } if rows.is_empty() => Touched::Nothing,
            Mark { rows, .. } => Touched::Rows(rows),
        }
    }

    /// The gradient as a vector, outer products multiplied out.
    pub fn dense(&mut self) -> Dense<'_, T> {
        self.multiply_out_all();
        Dense { grads: self }
    }

    /// A parameter's gradient, row-major.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn of(&mut self, param: Param) -> &[T] {
        self.dense().grads.flat.of(param)
    }

    /// All numbers, those of the room between entries included (they are zero).
    pub fn as_slice(&mut self) -> &[T] {
        self.dense().grads.flat.as_slice()
    }

    /// A parameter's gradient, to write: marks all of it as touched.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn of_mut(&mut self, param: Param) -> &mut [T] {
        self.multiply_out(param);
        self.marks[param.index()].all = true;
        self.flat.of_mut(param)
    }

    /// Calls `visit(parameter, start in θ, gradient)` for each touched stretch of a trainable parameter: to clip, to decay.
    pub fn for_each(&mut self, mut visit: impl FnMut(Param, usize, &mut [T])) {
        self.multiply_out_all();
        let Grads { flat, marks, .. } = self;
        let (layout, values) = flat.parts_mut();
        for ((param, entry), mark) in layout.iter().zip(marks).filter(|((_, entry), _)| entry.trainable()) {
            mark.stretches(entry, |range| visit(param, range.start, &mut values[range]));
        }
    }

    /// Uses the gradient up: [`for_each`](Grads::for_each), then [`zero`](Grads::zero), in one sweep.
    pub fn consume(&mut self, mut visit: impl FnMut(Param, usize, &[T])) {
        self.multiply_out_all();
        self.sweep(|param, at, piece| {
            if let Piece::Numbers(g) = piece {
                visit(param, at, g);
            }
        });
    }

    /// Adds another gradient of the same θ to this one, and uses it up: the parts of a batch, each from a tape of its own,
    /// become the gradient of the whole. Rows stay rows.
    ///
    /// # Panics
    /// If the two are not laid out alike.
    #[track_caller]
    pub fn absorb(&mut self, other: &mut Grads<T>) {
        assert!(self.layout() == other.layout(), "absorb: the two are not laid out alike");
        other.consume(|param, at, g| kernels::axpy(T::ONE, g, self.place(param, at, g.len())));
    }

    /// `target += α ∇L(θ)` over the trainable parameters, and uses the gradient up. With `α = −η` and θ as the target this
    /// is gradient descent.
    ///
    /// # Panics
    /// If the target is not laid out like the gradient.
    #[track_caller]
    pub fn apply(&mut self, alpha: T, target: &mut Flat<T>) {
        self.apply_by(|_| alpha, target);
    }

    /// [`apply`](Grads::apply) with an α for each parameter.
    ///
    /// # Panics
    /// If the target is not laid out like the gradient.
    #[track_caller]
    pub fn apply_by(&mut self, alpha: impl Fn(Param) -> T, target: &mut Flat<T>) {
        let alike = Arc::ptr_eq(self.layout(), target.layout()) || self.layout() == target.layout();
        assert!(alike, "apply: the two are not laid out alike: {} and {}", self.layout().len(), target.layout().len());
        for param in (0..self.marks.len() as u32).map(Param) {
            if alpha(param).abs() > T::ONE {
                self.multiply_out(param); // α times a factor might overflow where α times the product does not
            }
        }
        let target = target.as_mut_slice();
        self.sweep(|param, at, piece| match piece {
            Piece::Numbers(g) => kernels::axpy(alpha(param), g, &mut target[at..][..g.len()]),
            Piece::Outer(left, right) => {
                let alpha = alpha(param);
                left.iter_mut().for_each(|l| *l *= alpha);
                kernels::outer_add(left, right, &mut target[at..][..left.len() * right.len()]);
            }
        });
    }

    /// Sets the gradient to zero, where it was touched: nothing else needs it.
    pub fn zero(&mut self) {
        self.sweep(|_, _, _| {});
    }

    /// Throws one parameter's gradient away, as if no pass had used the parameter.
    ///
    /// # Panics
    /// If the handle is not of this layout.
    #[track_caller]
    pub fn zero_of(&mut self, param: Param) {
        let (layout, values) = self.flat.parts_mut();
        let (entry, mark) = (layout.entry(param), &mut self.marks[param.index()]);
        mark.stretches(entry, |range| values[range].fill(T::ZERO));
        mark.clear();
    }

    /// Multiplies the gradient by a number.
    pub fn scale(&mut self, factor: T) {
        let (layout, values) = self.flat.parts_mut();
        for (entry, mark) in layout.entries().iter().zip(&self.marks) {
            mark.stretches(entry, |range| values[range].iter_mut().for_each(|g| *g *= factor));
            if let Some(outer) = &mark.outer {
                self.factors[outer.left.clone()].iter_mut().for_each(|l| *l *= factor);
            }
        }
    }

    /// ‖∇L‖₂ over the touched elements of trainable parameters. It is not finite if any of them is not, or if the
    /// square of one overflows.
    pub fn norm(&self) -> f64 {
        // Where the square of a factor over- or underflows, that of the product need not.
        let squares_of_factor = |numbers: &[T]| match squares_of(numbers) {
            squares if squares.is_finite() && squares > T::MIN_POSITIVE.to_f64() => squares,
            _ => numbers.iter().map(|x| x.to_f64() * x.to_f64()).sum(),
        };
        let mut squares = 0.0;
        for (entry, mark) in self.layout().entries().iter().zip(&self.marks).filter(|(entry, _)| entry.trainable()) {
            if let Some(Outer { left, right }) = &mark.outer {
                // Σᵢⱼ (lᵢ rⱼ)² = Σᵢ lᵢ² Σⱼ rⱼ²
                let [left, right] = [left, right].map(|range| squares_of_factor(&self.factors[range.clone()]));
                squares += left * right;
            }
            mark.stretches(entry, |range| squares += squares_of(&self.flat.as_slice()[range]));
        }
        squares.sqrt()
    }

    /// Whether the [norm](Grads::norm) is at most `limit`, which is quickly seen where it is far below.
    pub fn is_within(&self, limit: f64) -> bool {
        // Of an outer product, ‖l rᵀ‖ = ‖l‖ ‖r‖ ≤ (‖l‖² + ‖r‖²) / 2; and a sum of squares is at most the square of the sum.
        let factors = squares_of(&self.factors) / 2.0;
        let mut squares = factors * factors;
        for (entry, mark) in self.layout().entries().iter().zip(&self.marks).filter(|(entry, _)| entry.trainable()) {
            mark.stretches(entry, |range| squares += squares_of(&self.flat.as_slice()[range]));
        }
        squares.sqrt() <= limit || self.norm() <= limit
    }
}

/// ‖x‖². Of a short vector it is an inner product; of a long one it is added in blocks, to be accurate.
fn squares_of<T: Real>(numbers: &[T]) -> f64 {
    match numbers.len() {
        ..=1024 => kernels::dot(numbers, numbers).to_f64(),
        _ => kernels::sum_of_squares(numbers).to_f64(),
    }
}

/// A gradient whose elements can all be read: a vector laid out like θ, and what of it was touched.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T: Real> {
    grads: &'a Grads<T>,
}

impl<'a, T: Real> Dense<'a, T> {
    /// What of a parameter has a gradient.
    pub fn touched(&self, param: Param) -> Touched<'a> {
        self.grads.touched(param)
    }
}

impl<T: Real> Deref for Dense<'_, T> {
    type Target = Flat<T>;
    fn deref(&self) -> &Flat<T> {
        &self.grads.flat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, Tape};

    /// Whatever an op does with its inputs, a frozen parameter gets no gradient.
    #[test]
    fn a_frozen_parameter_gets_no_gradient() {
        let mut params = Params::<f64>::new();
        let [free, frozen] = ["free", "frozen"].map(|name| params.add(name, [2, 2], |i| i as f64));
        params.set_trainable(frozen, false);
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let (a, b) = (pass.param(free), pass.param(frozen));
        let loss = a.matmul(b).mse(b) + (a + b).bce_with_logits(b.sigmoid()) + crate::Var::stack(&[a, b]).sum();
        loss.backward(&mut grads);
        assert_eq!((grads.touched(free), grads.touched(frozen)), (Touched::All, Touched::Nothing));
        assert!(grads.of(frozen).iter().all(|&g| g == 0.0));
    }

    #[test]
    fn a_gradient_is_applied_to_whatever_is_laid_out_alike() {
        let [params, mut other] = [(); 2].map(|()| {
            let mut params = Params::<f64>::new();
            params.add("w", [2], |i| i as f64);
            params
        });
        let (w, mut grads) = (params.find("w").expect("it was added"), Grads::like(&params));
        grads.of_mut(w).copy_from_slice(&[1.0, 2.0]);
        grads.apply(-0.5, other.theta_mut());
        assert_eq!(other.of(w), [-0.5, 0.0]);
    }

    #[test]
    fn absorbing_adds_what_was_touched_and_uses_it_up() {
        let mut params = Params::<f64>::new();
        let [table, matrix, idle] = ["table", "matrix", "idle"].map(|name| params.add(name, [3, 2], |i| i as f64));
        let (mut tape, [mut sum, mut part]) = (Tape::new(), [(); 2].map(|()| Grads::like(&params)));
        for (row, input) in [(0, 1.0), (2, 10.0), (2, 100.0)] {
            let pass = tape.pass(&params);
            let outputs = pass.input(&[input, 0.0]).linear(pass.param(matrix)).sum();
            (pass.param(table).row(row).sum() + outputs).backward(&mut part);
            sum.absorb(&mut part);
            assert!([table, matrix].iter().all(|&param| part.touched(param) == Touched::Nothing), "it is used up");
        }
        assert_eq!(sum.touched(table), Touched::Rows(&[0, 2]));
        assert_eq!((sum.touched(matrix), sum.touched(idle)), (Touched::All, Touched::Nothing));
        assert_eq!(sum.of(table), [1.0, 1.0, 0.0, 0.0, 2.0, 2.0]);
        assert_eq!(sum.of(matrix), [111.0, 0.0, 111.0, 0.0, 111.0, 0.0]);
    }

    #[test]
    fn a_gradient_does_not_outlive_its_pass() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let mut grads = Grads::like(&params);
        let pass = tape.pass(&params);
        pass.leaf(&[1.0, 2.0]).sum().backward(&mut grads);
        let pass = tape.pass(&params);
        let mut found = [9.0; 2];
        pass.leaf(&[1.0, 2.0]).grad_to(&mut found);
        assert_eq!(found, [0.0; 2]);
    }

    #[test]
    fn a_gradient_thrown_away_was_never_there() {
        let mut params = Params::<f64>::new();
        let [a, b] = ["a", "b"].map(|name| params.add(name, [2, 2], |i| i as f64));
        let (mut tape, mut grads, mut only_b) = (Tape::new(), Grads::like(&params), Grads::like(&params));
        for row in [None, Some(1)] {
            let pass = tape.pass(&params);
            let learn = |param, grads: &mut _| match row {
                None => pass.param(param).matmul(pass.input(&[1.0, 2.0])).sum().backward(grads),
                Some(row) => pass.param(param).row(row).sum().backward(grads),
            };
            learn(b, &mut only_b);
            learn(a, &mut grads);
            learn(b, &mut grads);
            grads.zero_of(a);
            assert_eq!((grads.touched(a), grads.touched(b)), (Touched::Nothing, only_b.touched(b)));
            assert_eq!(grads.norm(), only_b.norm());
            assert_eq!(grads.as_slice(), only_b.as_slice());
            grads.zero();
            only_b.zero();
        }
    }

    #[test]
    #[should_panic(expected = "align: a vector of 2 entries cannot follow a layout of 1")]
    fn a_vector_does_not_follow_a_smaller_layout() {
        let mut params = Params::<f64>::new();
        params.add("a", [2], |_| 0.0);
        let smaller = params.clone();
        params.add("b", [2], |_| 0.0);
        Flat::like(&params).align(smaller.layout());
    }
}
