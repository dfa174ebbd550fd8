//! Numbers laid out like the parameters of one cell.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thalweg_autograd::{Grads, Param, Params};
use thalweg_tensor::{Real, kernels};

/// A number for each parameter of a cell, named and shaped as in θ, and none for the rest of θ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(serialize = "T: Real + Serialize", deserialize = "T: Real + Deserialize<'de>"))]
pub struct Trace<T: Real> {
    of: Vec<Param>,
    /// A θ of its own, with an entry for each of them.
    values: Params<T>,
}

impl<T: Real> Trace<T> {
    /// Zeros.
    #[track_caller]
    pub fn new(of: Vec<Param>, params: &Params<T>) -> Self {
        let mut values = Params::new();
        for &param in &of {
            let entry = params.layout().entry(param);
            values.add_stacked(entry.name(), entry.blocks(), entry.shape(), |_| T::ZERO);
        }
        Trace { of, values }
    }

    /// Takes on the shapes of today: where the cell has grown, old numbers stay in their places and new ones are zero. What
    /// has shrunk begins anew.
    #[track_caller]
    pub fn follow(&mut self, params: &Params<T>) {
        let own = self.values.layout().entries();
        let is_like = own.iter().zip(&self.of).all(|(own, &of)| own.shape() == params.layout().entry(of).shape());
        if is_like {
            return;
        }
        let Trace { of, values } = Trace::new(std::mem::take(&mut self.of), params);
        self.of = of;
        if values.layout().descends_from(self.values.layout()) {
            self.values.theta_mut().align(values.layout());
        } else {
            self.values = values;
        }
    }

    /// Whether it is of these parameters, in this order.
    pub fn is_of(&self, params: impl IntoIterator<Item = Param>) -> bool {
        self.of.iter().copied().eq(params) && self.of.len() == self.values.layout().entries().len()
    }

    /// Back to zeros.
    pub fn reset(&mut self) {
        self.values.theta_mut().fill_zero();
    }

    /// All numbers, parameter by parameter; zeros between them.
    pub fn all(&self) -> &[T] {
        self.values.as_slice()
    }

    /// All numbers, to write. What lies between parameters must stay zero.
    pub fn all_mut(&mut self) -> &mut [T] {
        self.values.theta_mut().as_mut_slice()
    }

    /// Where the numbers of a parameter lie, by its place in the list that the trace was made of.
    pub fn range(&self, index: usize) -> Range<usize> {
        self.values.layout().entries()[index].range()
    }

    /// The numbers of a parameter, by its place in the list.
    pub fn part_mut(&mut self, index: usize) -> &mut [T] {
        let range = self.range(index);
        &mut self.all_mut()[range]
    }

    /// The parameters that it is of.
    pub fn params(&self) -> &[Param] {
        &self.of
    }

    /// `∇L(θ) += dₖ T_k·`, of what is not frozen, for a trace of rows that belong to units: of n units row k, and rows
    /// n + k, 2n + k, … of further gates.
    #[track_caller]
    pub fn add_units_to(&self, d: &[T], grads: &mut Grads<T>) {
        for (&param, entry) in self.of.iter().zip(self.values.layout().entries()) {
            let (trace, (_, width)) = (&self.all()[entry.range()], entry.table());
            let gate = width * d.len();
            let Some(gradient) = wanted(param, grads).filter(|_| gate > 0) else { continue };
            kernels::vectorize(
                #[inline(always)]
                || {
                    for (gradient, trace) in gradient.chunks_exact_mut(gate).zip(trace.chunks_exact(gate)) {
                        if width == 1 {
                            gradient.iter_mut().zip(trace).zip(d).for_each(|((g, &t), &d)| *g += d * t);
                            continue;
                        }
                        let rows = gradient.chunks_exact_mut(width).zip(trace.chunks_exact(width));
                        for ((gradient, trace), &d) in rows.zip(d) {
                            gradient.iter_mut().zip(trace).for_each(|(g, &t)| *g += d * t);
                        }
                    }
                },
            );
        }
    }

    /// `self += ∂/∂θ`, and uses the gradient up. Other parameters' is thrown away.
    pub fn absorb(&mut self, grads: &mut Grads<T>) {
        let (Trace { of, values }, layout) = (self, Arc::clone(grads.layout()));
        grads.consume(|param, at, g| {
            if let Some(index) = of.iter().position(|&of| of == param) {
                let own = values.layout().entries()[index].range();
                let start = own.start + (at - layout.entry(param).range().start);
                kernels::add_assign(g, &mut values.theta_mut().as_mut_slice()[start..][..g.len()]);
            }
        });
    }

    /// `∇L(θ) += α · self`, of what is not frozen.
    #[track_caller]
    pub fn add_to(&self, alpha: T, grads: &mut Grads<T>) {
        for (index, &param) in self.of.iter().enumerate() {
            if let Some(gradient) = wanted(param, grads) {
                kernels::axpy(alpha, &self.all()[self.range(index)], gradient);
            }
        }
    }

    /// How many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.all().len() * T::BYTES
    }
}

/// The gradient of a parameter, to add to; none where it is frozen.
#[track_caller]
pub fn wanted<T: Real>(param: Param, grads: &mut Grads<T>) -> Option<&mut [T]> {
    grads.layout().entry(param).trainable().then(|| grads.of_mut(param))
}
