//! The gradient of θ.

use std::ops::{Deref, Range};
use std::sync::Arc;

use thalweg_tensor::{Real, kernels};

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
        let mut grads = Grads { flat: Flat::default(), marks: Vec::new() };
        grads.align(params.layout());
        grads
    }

    /// Follows the parameters' layout. When nothing grew this is one pointer comparison.
    pub fn align(&mut self, layout: &Arc<Layout>) {
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

    /// Calls `visit(start in θ, gradient)` for each touched stretch of a trainable parameter: to clip, to scale.
    pub fn for_each(&mut self, mut visit: impl FnMut(usize, &mut [T])) {
        let Grads { flat, marks } = self;
        let layout = Arc::clone(flat.layout());
        for (entry, mark) in layout.entries().iter().zip(marks).filter(|(entry, _)| entry.trainable()) {
            mark.stretches(entry, |range| visit(range.start, &mut flat.as_mut_slice()[range]));
        }
    }

    /// Uses the gradient up: [`for_each`](Grads::for_each), then [`zero`](Grads::zero), in one sweep.
    pub fn consume(&mut self, mut visit: impl FnMut(usize, &[T])) {
        let Grads { flat, marks } = self;
        let layout = Arc::clone(flat.layout());
        for (entry, mark) in layout.entries().iter().zip(marks) {
            mark.stretches(entry, |range| {
                let g = &mut flat.as_mut_slice()[range.clone()];
                if entry.trainable() {
                    visit(range.start, g);
                }
                g.fill(T::ZERO);
            });
            mark.clear();
        }
    }

    /// Sets the gradient to zero, where it was touched: nothing else needs it.
    pub fn zero(&mut self) {
        self.consume(|_, _| {});
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
