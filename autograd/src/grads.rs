//! The gradient of θ.

use std::ops::{Deref, Range};
use std::sync::Arc;

use thalweg_tensor::Real;
use thalweg_tensor::kernels::{self, Buffer, GRAIN};

use crate::flat::Flat;
use crate::layout::{Entry, Layout, Param};

/// Which part of a parameter has a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touched<'a> {
    /// None: the pass did not use it.
    Nothing,
    /// These rows (indices of the first axis), each once, in the order in which they were reached.
    Rows(&'a [u32]),
    /// All of it.
    All,
}

/// ∇L(θ), laid out like θ. [`Var::backward`](crate::Var::backward) *adds* to it; an optimizer's step uses it up and
/// zeroes it.
///
/// It costs what it touches:
///
/// * **Rows.** It remembers which rows were touched, so that a step of an embedding does not visit the vocabulary.
/// * **Outer products.** The gradient of a matrix that met one example is `ȳ xᵀ`. It stays two vectors until someone looks
///   at its elements: plain gradient descent ([`apply`](Grads::apply)) and the [norm](Grads::norm) never do.
#[derive(Clone, Debug, Default)]
pub struct Grads<T: Real = f32> {
    flat: Flat<T>,
    marks: Vec<Mark>,
    /// The vectors of outer products, each on a cache line.
    factors: Buffer<T>,
    /// Where ops write what nobody wants: the gradient of a frozen parameter.
    unwanted: Buffer<T>,
}

/// What of one entry was touched.
#[derive(Clone, Debug, Default)]
struct Mark {
    all: bool,
    /// All of it, by this outer product, which is not multiplied out: the memory in `flat` is still zero.
    outer: Option<Outer>,
    rows: Vec<u32>,
    seen: Vec<bool>,
}

/// `left rightᵀ`: two stretches of the factors.
#[derive(Clone, Debug)]
struct Outer {
    left: Range<usize>,
    right: Range<usize>,
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

    /// `target += α ∇L(θ)` over the trainable parameters, and uses the gradient up. With `α = −η` and θ as the target this
    /// is gradient descent.
    ///
    /// # Panics
    /// If the target is not laid out like the gradient.
    #[track_caller]
    pub fn apply(&mut self, alpha: T, target: &mut Flat<T>) {
        let alike = Arc::ptr_eq(self.layout(), target.layout()) || self.layout() == target.layout();
        assert!(alike, "apply: the two are not laid out alike: {} and {}", self.layout().len(), target.layout().len());
        let target = target.as_mut_slice();
        self.sweep(|_, at, piece| match piece {
            Piece::Numbers(g) => kernels::axpy(alpha, g, &mut target[at..][..g.len()]),
            Piece::Outer(left, right) => {
                left.iter_mut().for_each(|l| *l *= alpha);
                kernels::outer_add(left, right, &mut target[at..][..left.len() * right.len()]);
            }
        });
    }

    /// Sets the gradient to zero, where it was touched: nothing else needs it.
    pub fn zero(&mut self) {
        self.sweep(|_, _, _| {});
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
    /// square of one, or of a factor of an outer product, overflows.
    pub fn norm(&self) -> f64 {
        // Of a short vector the square is an inner product; of a long one it is added in blocks, to be accurate.
        let squares_of = |numbers: &[T]| match numbers.len() {
            ..=1024 => kernels::dot(numbers, numbers).to_f64(),
            _ => kernels::sum_of_squares(numbers).to_f64(),
        };
        let mut squares = 0.0;
        for (entry, mark) in self.layout().entries().iter().zip(&self.marks).filter(|(entry, _)| entry.trainable()) {
            if let Some(Outer { left, right }) = &mark.outer {
                // Σᵢⱼ (lᵢ rⱼ)² = Σᵢ lᵢ² Σⱼ rⱼ²
                squares += squares_of(&self.factors[left.clone()]) * squares_of(&self.factors[right.clone()]);
            }
            mark.stretches(entry, |range| squares += squares_of(&self.flat.as_slice()[range]));
        }
        squares.sqrt()
    }

    /// The gradient memory at `start..start + len` of θ, which lies in `param`; marks it as touched.
    pub(crate) fn place(&mut self, param: Param, start: usize, len: usize) -> &mut [T] {
        self.multiply_out(param);
        let entry = self.flat.layout().entry(param);
        if !entry.trainable() {
            self.unwanted.resize(len, T::ZERO);
            return &mut self.unwanted;
        }
        let (rows, width) = entry.table();
        let mark = &mut self.marks[param.index()];
        if len == rows * width {
            mark.all = true;
        } else if !mark.all && len > 0 {
            let offset = start - entry.range().start;
            mark.touch(offset / width..(offset + len).div_ceil(width), rows);
        }
        &mut self.flat.as_mut_slice()[start..start + len]
    }

    /// Adds `left rightᵀ`, row-major, at `start` of θ, within `param`.
    pub(crate) fn add_outer(&mut self, param: Param, start: usize, left: &[T], right: &[T]) {
        let entry = self.flat.layout().entry(param);
        let (whole, mark) = (entry.range().len() == left.len() * right.len(), &mut self.marks[param.index()]);
        if !(whole && entry.trainable() && mark.is_clear()) {
            return kernels::outer_add(left, right, self.place(param, start, left.len() * right.len()));
        }
        let mut keep = |numbers: &[T]| {
            let start = self.factors.len().next_multiple_of(GRAIN);
            self.factors.resize(start + numbers.len(), T::ZERO);
            self.factors[start..].copy_from_slice(numbers);
            start..start + numbers.len()
        };
        mark.outer = Some(Outer { left: keep(left), right: keep(right) });
    }

    /// Turns an outer product into its elements.
    fn multiply_out(&mut self, param: Param) {
        let mark = &mut self.marks[param.index()];
        if let Some(Outer { left, right }) = mark.outer.take() {
            mark.all = true;
            kernels::outer_add(&self.factors[left], &self.factors[right], self.flat.of_mut(param));
        }
    }

    fn multiply_out_all(&mut self) {
        (0..self.marks.len()).for_each(|index| self.multiply_out(Param(index as u32)));
    }

    /// Calls `visit(parameter, start in θ, piece)` for each touched piece of a trainable parameter, and zeroes it.
    fn sweep(&mut self, mut visit: impl FnMut(Param, usize, Piece<'_, T>)) {
        let Grads { flat, marks, factors, .. } = self;
        let (layout, values) = flat.parts_mut();
        for ((param, entry), mark) in layout.iter().zip(marks) {
            if let Some(Outer { left, right }) = mark.outer.take().filter(|_| entry.trainable()) {
                let (before, right_on) = factors.split_at_mut(right.start);
                let piece = Piece::Outer(&mut before[left], &right_on[..right.len()]);
                visit(param, entry.range().start, piece);
            }
            mark.stretches(entry, |range| {
                let g = &mut values[range.clone()];
                if entry.trainable() {
                    visit(param, range.start, Piece::Numbers(g));
                }
                g.fill(T::ZERO);
            });
            mark.clear();
        }
        factors.clear();
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

/// A piece of the gradient, as a sweep meets it.
enum Piece<'a, T> {
    Numbers(&'a [T]),
    /// The two vectors of an outer product.
    Outer(&'a mut [T], &'a [T]),
}

impl Mark {
    fn is_clear(&self) -> bool {
        !self.all && self.outer.is_none() && self.rows.is_empty()
    }

    fn touch(&mut self, rows: Range<usize>, of: usize) {
        self.seen.resize(of, false);
        for row in rows {
            if !std::mem::replace(&mut self.seen[row], true) {
                self.rows.push(row as u32);
            }
        }
    }

    /// Calls `visit` with each touched range of θ that has its elements.
    fn stretches(&self, entry: &Entry, mut visit: impl FnMut(Range<usize>)) {
        if self.all {
            visit(entry.range());
        } else {
            let (start, (_, width)) = (entry.range().start, entry.table());
            self.rows.iter().map(|&row| start + row as usize * width).for_each(|at| visit(at..at + width));
        }
    }

    fn clear(&mut self) {
        self.all = false;
        for &row in &self.rows {
            self.seen[row as usize] = false;
        }
        self.rows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Params, Tape};

    /// Two matrices `[3, 4]` and `[3, 4]`, the second frozen, and the vectors of an outer product for each.
    fn outer_products() -> (Params<f64>, [Param; 2], [[f64; 3]; 2], [[f64; 4]; 2]) {
        let mut params = Params::<f64>::new();
        let handles = ["free", "frozen"].map(|name| params.add(name, [3, 4], |i| i as f64));
        params.set_trainable(handles[1], false);
        (params, handles, [[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]], [[2.0, 0.0, 1.0, -1.0], [1.0, 1.0, -4.0, 0.25]])
    }

    /// `Σₖ leftₖ rightₖᵀ`, row-major.
    fn multiplied(left: &[[f64; 3]], right: &[[f64; 4]]) -> Vec<f64> {
        let element = |i: usize| left.iter().zip(right).map(|(l, r)| l[i / 4] * r[i % 4]).sum();
        (0..12).map(element).collect()
    }

    /// Whether it is read, measured, scaled, applied or added to: two vectors say what their product says.
    #[test]
    fn an_outer_product_is_its_elements() {
        let (mut params, [free, frozen], left, right) = outer_products();
        let mut grads = Grads::like(&params);
        for param in [free, frozen] {
            let start = params.layout().entry(param).range().start;
            grads.add_outer(param, start, &left[0], &right[0]);
        }
        assert_eq!((grads.touched(free), grads.touched(frozen)), (Touched::All, Touched::Nothing));
        let elements = multiplied(&left[..1], &right[..1]);
        let norm = elements.iter().map(|g| g * g).sum::<f64>().sqrt();
        assert!((grads.norm() - norm).abs() < 1e-12);
        let mut read = grads.clone();
        assert_eq!(read.of(free), elements);
        assert!((read.norm() - norm).abs() < 1e-12, "multiplied out");
        assert!(read.of(frozen).iter().all(|&g| g == 0.0));
        let mut scaled = grads.clone();
        scaled.scale(-2.0);
        assert_eq!(scaled.of(free), elements.iter().map(|g| -2.0 * g).collect::<Vec<_>>());

        let mut twice = grads.clone();
        twice.add_outer(free, 0, &left[1], &right[1]);
        assert_eq!(twice.of(free), multiplied(&left, &right));
        let mut seen = 0;
        grads.clone().consume(|param, at, g| {
            assert_eq!((param, at, g), (free, 0, &elements[..]));
            seen += 1;
        });
        assert_eq!(seen, 1);

        let before = params.clone();
        grads.apply(-0.5, params.theta_mut());
        assert!(params.of(free).iter().zip(before.of(free)).zip(&elements).all(|((p, b), g)| *p == b - 0.5 * g));
        assert_eq!(params.of(frozen), before.of(frozen));
        assert_eq!((grads.touched(free), grads.norm()), (Touched::Nothing, 0.0));
        assert!(grads.as_slice().iter().all(|&g| g == 0.0), "the gradient is used up");
    }

    #[test]
    fn an_outer_product_survives_growth() {
        let (mut params, [free, _], left, right) = outer_products();
        let mut grads = Grads::like(&params);
        grads.add_outer(free, 0, &left[0], &right[0]);
        params.grow(free, 0, 1, |_| 0.0);
        grads.align(params.layout());
        assert_eq!(grads.of(free), [multiplied(&left[..1], &right[..1]), vec![0.0; 4]].concat());
        grads.zero();
        grads.add_outer(free, 0, &left[0], &right[0]); // part of it: elements at once
        assert_eq!(grads.touched(free), Touched::Rows(&[0, 1, 2]));
    }

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
    #[should_panic(expected = "align: a vector of 2 entries cannot follow a layout of 1")]
    fn a_vector_does_not_follow_a_smaller_layout() {
        let mut params = Params::<f64>::new();
        params.add("a", [2], |_| 0.0);
        let smaller = params.clone();
        params.add("b", [2], |_| 0.0);
        Flat::like(&params).align(smaller.layout());
    }
}
