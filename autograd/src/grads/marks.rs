//! What of θ has a gradient, so that a step costs what was touched: rows, and outer products that nobody multiplied
//! out.

use std::ops::Range;

use thalweg_tensor::Real;
use thalweg_tensor::kernels;

use super::Grads;
use crate::layout::{Entry, Param};

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

impl Touched<'_> {
    /// Calls `visit` with each stretch of θ, within a parameter's entry, that this is.
    pub fn ranges(self, entry: &Entry, mut visit: impl FnMut(Range<usize>)) {
        let (start, (_, width)) = (entry.range().start, entry.table());
        match self {
            Touched::Nothing => {}
            Touched::Rows(rows) => {
                rows.iter().map(|&row| start + row as usize * width).for_each(|at| visit(at..at + width));
            }
            Touched::All => visit(entry.range()),
        }
    }
}

/// What of one entry was touched.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    pub(super) all: bool,
    /// All of it, by this outer product, which is not multiplied out: the memory in `flat` is still zero.
    pub(super) outer: Option<Outer>,
    pub(super) rows: Vec<u32>,
    seen: Vec<bool>,
}

/// `left rightᵀ`: two stretches of the factors.
#[derive(Clone, Debug)]
pub(super) struct Outer {
    pub(super) left: Range<usize>,
    pub(super) right: Range<usize>,
}

/// A piece of the gradient, as a sweep meets it.
pub(super) enum Piece<'a, T> {
    Numbers(&'a [T]),
    /// The two vectors of an outer product.
    Outer(&'a mut [T], &'a [T]),
}

impl<T: Real> Grads<T> {
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
        mark.outer = Some(Outer { left: self.factors.append(left), right: self.factors.append(right) });
    }

    /// Turns an outer product into its elements.
    pub(super) fn multiply_out(&mut self, param: Param) {
        let mark = &mut self.marks[param.index()];
        if let Some(Outer { left, right }) = mark.outer.take() {
            mark.all = true;
            kernels::outer_add(&self.factors[left], &self.factors[right], self.flat.of_mut(param));
        }
    }

    pub(super) fn multiply_out_all(&mut self) {
        (0..self.marks.len()).for_each(|index| self.multiply_out(Param(index as u32)));
    }

    /// Calls `visit(parameter, start in θ, piece)` for each touched piece of a trainable parameter, and zeroes it.
    pub(super) fn sweep(&mut self, mut visit: impl FnMut(Param, usize, Piece<'_, T>)) {
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
    pub(super) fn stretches(&self, entry: &Entry, visit: impl FnMut(Range<usize>)) {
        let touched = if self.all { Touched::All } else { Touched::Rows(&self.rows) };
        touched.ranges(entry, visit);
    }

    pub(super) fn clear(&mut self) {
        self.all = false;
        self.outer = None;
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

    /// The vectors of two outer products `[3, 4]`.
    const LEFT: [[f64; 3]; 2] = [[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]];
    const RIGHT: [[f64; 4]; 2] = [[2.0, 0.0, 1.0, -1.0], [1.0, 1.0, -4.0, 0.25]];

    /// Two matrices `[3, 4]`, the second frozen.
    fn matrices() -> (Params<f64>, [Param; 2]) {
        let mut params = Params::<f64>::new();
        let handles = ["free", "frozen"].map(|name| params.add(name, [3, 4], |i| i as f64));
        params.set_trainable(handles[1], false);
        (params, handles)
    }

    /// `Σₖ leftₖ rightₖᵀ`, row-major.
    fn multiplied(left: &[[f64; 3]], right: &[[f64; 4]]) -> Vec<f64> {
        let element = |i: usize| left.iter().zip(right).map(|(l, r)| l[i / 4] * r[i % 4]).sum();
        (0..12).map(element).collect()
    }

    /// Whether it is read, measured, scaled, applied or added to: two vectors say what their product says.
    #[test]
    fn an_outer_product_is_its_elements() {
        let (mut params, [free, frozen]) = matrices();
        let mut grads = Grads::like(&params);
        for param in [free, frozen] {
            let start = params.layout().entry(param).range().start;
            grads.add_outer(param, start, &LEFT[0], &RIGHT[0]);
        }
        assert_eq!((grads.touched(free), grads.touched(frozen)), (Touched::All, Touched::Nothing));
        let elements = multiplied(&LEFT[..1], &RIGHT[..1]);
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
        twice.add_outer(free, 0, &LEFT[1], &RIGHT[1]);
        assert_eq!(twice.of(free), multiplied(&LEFT, &RIGHT));
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

    /// A factor whose square over- or underflows does not spoil a norm or a step that are moderate.
    #[test]
    fn factors_may_be_far_apart() {
        let mut params = Params::<f32>::new();
        let w = params.add("w", [1, 2], |_| 0.0);
        let mut grads = Grads::like(&params);
        for (alpha, tolerance) in [(-0.5, 1e-6), (-100.0, 1e-4)] {
            grads.add_outer(w, 0, &[2e37], &[3e-37, -4e-37]);
            assert!((grads.norm() - 10.0).abs() < 1e-5, "{}", grads.norm());
            assert!(grads.is_within(10.1) && !grads.is_within(9.9));
            params.of_mut(w).fill(0.0);
            grads.apply(alpha, params.theta_mut());
            let expected = [6.0 * alpha, -8.0 * alpha];
            assert!(params.of(w).iter().zip(expected).all(|(p, e)| (p - e).abs() < tolerance), "{:?}", params.of(w));
        }
        grads.add_outer(w, 0, &[f32::INFINITY], &[0.0, 0.0]);
        assert!(grads.norm().is_nan(), "as the norm of its elements, ∞ · 0");
        assert!(!grads.is_within(f64::MAX));
    }

    #[test]
    fn an_outer_product_survives_growth() {
        let (mut params, [free, _]) = matrices();
        let mut grads = Grads::like(&params);
        grads.add_outer(free, 0, &LEFT[0], &RIGHT[0]);
        params.grow(free, 0, 1, |_| 0.0);
        grads.align(params.layout());
        assert_eq!(grads.of(free), [multiplied(&LEFT[..1], &RIGHT[..1]), vec![0.0; 4]].concat());
        grads.zero();
        grads.add_outer(free, 0, &LEFT[0], &RIGHT[0]); // part of it: elements at once
        assert_eq!(grads.touched(free), Touched::Rows(&[0, 1, 2]));
    }

    #[test]
    fn each_parameter_may_have_a_rate_of_its_own() {
        let mut params = Params::<f64>::new();
        let handles = ["a", "b"].map(|name| params.add(name, [1, 2], |_| 0.0));
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        let pass = tape.pass(&params);
        let [a, b] = handles.map(|param| pass.param(param).matmul(pass.input(&[1.0, 2.0])).sum());
        (a + b).backward(&mut grads);
        grads.apply_by(|param| [-0.5, 3.0][param.index()], params.theta_mut());
        assert_eq!(handles.map(|param| params.of(param).to_vec()), [[-0.5, -1.0], [3.0, 6.0]]);
    }
}
