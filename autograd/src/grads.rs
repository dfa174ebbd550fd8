//! The gradient of θ.

use std::ops::{Deref, Range};
use std::sync::Arc;

use thalweg_tensor::Real;
use thalweg_tensor::kernels::{self, Buffer};

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
/// It remembers which rows were touched, so that a step of an embedding costs what it touches and not the vocabulary.
#[derive(Clone, Debug, Default)]
pub struct Grads<T: Real = f32> {
    flat: Flat<T>,
    marks: Vec<Mark>,
    /// Where ops write what nobody wants: the gradient of a frozen parameter.
    unwanted: Buffer<T>,
}

/// What of one entry was touched.
#[derive(Clone, Debug, Default)]
struct Mark {
    all: bool,
    rows: Vec<u32>,
    seen: Vec<bool>,
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
            // Rows of a stack may be elsewhere now: what was touched is all of it.
            let stacked = self.marks.iter_mut().zip(layout.entries()).filter(|(_, entry)| entry.blocks() > 1);
            stacked.for_each(|(mark, _)| mark.all |= !mark.rows.is_empty());
        }
        self.flat.align(layout);
        self.marks.resize_with(layout.entries().len(), Mark::default);
    }

    /// What of a parameter has a gradient.
    pub fn touched(&self, param: Param) -> Touched<'_> {
        match &self.marks[param.index()] {
            Mark { all: true, .. } => Touched::All,
            Mark { rows, .. } if rows.is_empty() => Touched::Nothing,
            Mark { rows, .. } => Touched::Rows(rows),
        }
    }

    /// A parameter's gradient, to write: marks all of it as touched.
    #[track_caller]
    pub fn of_mut(&mut self, param: Param) -> &mut [T] {
        self.marks[param.index()].all = true;
        self.flat.of_mut(param)
    }

    /// Calls `visit(parameter, start in θ, gradient)` for each touched stretch of a trainable parameter: to clip, to scale.
    pub fn for_each(&mut self, mut visit: impl FnMut(Param, usize, &mut [T])) {
        let Grads { flat, marks, .. } = self;
        let layout = Arc::clone(flat.layout());
        for ((param, entry), mark) in layout.iter().zip(marks).filter(|((_, entry), _)| entry.trainable()) {
            mark.stretches(entry, |range| visit(param, range.start, &mut flat.as_mut_slice()[range]));
        }
    }

    /// Uses the gradient up: [`for_each`](Grads::for_each), then [`zero`](Grads::zero), in one sweep.
    pub fn consume(&mut self, mut visit: impl FnMut(Param, usize, &[T])) {
        let Grads { flat, marks, .. } = self;
        let layout = Arc::clone(flat.layout());
        for ((param, entry), mark) in layout.iter().zip(marks) {
            mark.stretches(entry, |range| {
                let g = &mut flat.as_mut_slice()[range.clone()];
                if entry.trainable() {
                    visit(param, range.start, g);
                }
                g.fill(T::ZERO);
            });
            mark.clear();
        }
    }

    /// Sets the gradient to zero, where it was touched: nothing else needs it.
    pub fn zero(&mut self) {
        self.consume(|_, _, _| {});
    }

    /// ‖∇L‖₂ over the touched elements of trainable parameters. It is not finite if any of them is not, or if the
    /// square of one overflows.
    pub fn norm(&self) -> f64 {
        let mut squares = 0.0;
        for (entry, mark) in self.flat.layout().entries().iter().zip(&self.marks).filter(|(entry, _)| entry.trainable())
        {
            mark.stretches(entry, |range| squares += kernels::sum_of_squares(&self.flat.as_slice()[range]).to_f64());
        }
        squares.sqrt()
    }

    /// The gradient memory at `start..start + len` of θ, which lies in `param`; marks it as touched.
    pub(crate) fn place(&mut self, param: Param, start: usize, len: usize) -> &mut [T] {
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
}

/// Reading: [`of`](Flat::of), [`as_slice`](Flat::as_slice).
impl<T: Real> Deref for Grads<T> {
    type Target = Flat<T>;
    fn deref(&self) -> &Flat<T> {
        &self.flat
    }
}

impl Mark {
    fn touch(&mut self, rows: Range<usize>, of: usize) {
        self.seen.resize(of, false);
        for row in rows {
            if !std::mem::replace(&mut self.seen[row], true) {
                self.rows.push(row as u32);
            }
        }
    }

    /// Calls `visit` with each touched range of θ.
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
