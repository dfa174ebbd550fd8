//! Affine maps: a matrix product with a weight, and a bias.
//!
//! One example at a time is the main case: a vector, or a few, go through kernels that do not pack. Larger batches go to
//! GEMM.

use thalweg_tensor::{
    Real, Shape,
    kernels::{self, BLOCK_ROWS, FEW, Matrix, gemm},
};

use crate::{Back, Op, Var};

/// What follows an affine map in the same node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Activation {
    /// `y = z`.
    #[default]
    Identity,
    /// `y = max(z, 0)`.
    Relu,
    /// `y = tanh z`.
    Tanh,
    /// `y = σ(z)`.
    Sigmoid,
}

impl<T: Real> Var<'_, T> {
    /// Affine map, PyTorch's `linear`: `[in]` or `[n, in]`, weight `[out, in]`, bias `[out]` → `[out]` or `[n, out]`.
    ///
    /// Forward `y = W x + b`; backward `x̄ += Wᵀȳ`, `W̄ += ȳ xᵀ`, `b̄ += ȳ`, summed over the rows of a batch.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn affine(self, weight: Self, bias: Self) -> Self {
        self.affine_with(weight, Some(bias), Activation::Identity)
    }

    /// [`affine`](Var::affine) without a bias: `x Wᵀ`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn linear(self, weight: Self) -> Self {
        self.affine_with(weight, None, Activation::Identity)
    }

    /// [`affine`](Var::affine) with or without a bias, and an activation in the same node.
    ///
    /// Forward `z = W x + b`, `y = f(z)`; backward `z̄ = ȳ ⊙ f'(z)`, which for these activations follows from `y`, then
    /// `x̄ += Wᵀz̄`, `W̄ += z̄ xᵀ`, `b̄ += z̄`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    #[track_caller]
    pub fn affine_with(self, weight: Self, bias: Option<Self>, activation: Activation) -> Self {
        let [rows, inputs, out] = self.affine_sizes(weight, bias);
        let shape = if self.rank() == 1 { Shape::from([out]) } else { Shape::from([rows, out]) };
        let op = Op::new(if bias.is_some() { "affine" } else { "linear" });
        let op = op.attributes([rows, inputs, out, activation as usize]);
        let op = if activation == Activation::Identity { op } else { op.saving(rows * out) };
        let forward = |x: &[T], w: &[T], b: Option<&[T]>, y: &mut [T]| {
            let (y, _) = y.split_at_mut(rows * out); // what is kept for backward is room alone
            match b {
                Some(b) if rows == 1 => y.copy_from_slice(b),
                Some(b) => y.chunks_exact_mut(out.max(1)).for_each(|y| y.copy_from_slice(b)),
                None => {}
            }
            if rows == 1 {
                kernels::matvec_add(w, x, y)
            } else {
                kernels::linear_add(x, w, inputs, y)
            }
            activation.forward(y);
        };
        let Some(bias) = bias else {
            return self.pass.record(op, [self, weight], shape, |[x, w], y| forward(x, w, None, y), affine_backward);
        };
        self.pass.record(op, [self, weight, bias], shape, |[x, w, b], y| forward(x, w, Some(b), y), affine_backward)
    }

    /// \[rows, inputs, outputs\] of an affine map.
    #[inline]
    #[track_caller]
    fn affine_sizes(self, weight: Self, bias: Option<Self>) -> [usize; 3] {
        let nodes = &self.pass.memory.borrow().nodes;
        let [x, w] = [self, weight].map(|v| &nodes[v.id as usize].shape);
        let sizes = match (x.dims(), w.dims()) {
            (&[n], &[out, inputs]) if n == inputs => [1, inputs, out],
            (&[rows, n], &[out, inputs]) if n == inputs => [rows, inputs, out],
            _ => {
                let op = if bias.is_some() { "affine" } else { "linear" };
                panic!("{op}: [in] or [n, in] and a weight [out, in] expected: {x} and {w}")
            }
        };
        if let Some(b) = bias.map(|b| &nodes[b.id as usize].shape) {
            assert!(b.dims() == [sizes[2]], "affine: bias {b} for weight {w}");
        }
        sizes
    }

    /// An activation by its name.
    pub fn activate(self, activation: Activation) -> Self {
        match activation {
            Activation::Identity => self,
            Activation::Relu => self.relu(),
            Activation::Tanh => self.tanh(),
            Activation::Sigmoid => self.sigmoid(),
        }
    }
}

impl Activation {
    /// Every activation, in the order of their codes.
    pub(super) const ALL: [Activation; 4] =
        [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid];

    /// `f(z)`, in place.
    pub(super) fn forward<T: Real>(self, z: &mut [T]) {
        match self {
            Activation::Identity => {}
            // As `relu`, and not by maximum, which gives a dual number half a slope at 0. NaN stays NaN.
            Activation::Relu => replace(
                z,
                #[inline(always)]
                |z| if z <= T::ZERO { T::ZERO } else { z },
            ),
            Activation::Tanh => replace(
                z,
                #[inline(always)]
                |z| z.tanh(),
            ),
            Activation::Sigmoid => replace(
                z,
                #[inline(always)]
                |z| z.sigmoid(),
            ),
        }
    }

    /// `dz = dy ⊙ f'(z)`, where `y = f(z)`.
    pub(super) fn backward<T: Real>(self, y: &[T], dy: &[T], dz: &mut [T]) {
        match self {
            Activation::Identity => dz.copy_from_slice(dy),
            Activation::Relu => combine(
                y,
                dy,
                dz,
                #[inline(always)]
                |y, dy| if y > T::ZERO { dy } else { T::ZERO },
            ),
            Activation::Tanh => combine(
                y,
                dy,
                dz,
                #[inline(always)]
                |y, dy| dy * (T::ONE - y * y),
            ),
            Activation::Sigmoid => combine(
                y,
                dy,
                dz,
                #[inline(always)]
                |y, dy| dy * y * (T::ONE - y),
            ),
        }
    }
}

fn replace<T: Real>(z: &mut [T], f: impl Fn(T) -> T) {
    kernels::vectorize(
        #[inline(always)]
        || z.iter_mut().for_each(|z| *z = f(*z)),
    );
}

fn combine<T: Real>(y: &[T], dy: &[T], dz: &mut [T], f: impl Fn(T, T) -> T) {
    kernels::vectorize(
        #[inline(always)]
        || dz.iter_mut().zip(y).zip(dy).for_each(|((dz, &y), &dy)| *dz = f(y, dy)),
    );
}

/// `Y += X Wᵀ` for `x: [rows, in]`, `w: [out, in]`. Each row gives the bits that it gives alone.
pub(super) fn rows_times_transposed<T: Real>(x: &[T], w: &[T], rows: usize, y: &mut [T]) {
    match rows {
        0 => {}
        1 => kernels::matvec_add(w, x, y),
        _ => kernels::rows_times_transposed(x, w, x.len() / rows, y),
    }
}

/// `X̄ += Ȳ W` for `dy: [rows, out]`, `w: [out, in]`, `dx: [rows, in]`.
pub(super) fn rows_times<T: Real>(dy: &[T], w: &[T], rows: usize, dx: &mut [T]) {
    if rows == 1 {
        return kernels::matvec_transposed_add(w, dy, dx);
    }
    let (inputs, outputs) = (dx.len() / rows.max(1), dy.len() / rows.max(1));
    if rows >= BLOCK_ROWS {
        let (dy, w) = (Matrix::new(rows, outputs, dy), Matrix::new(outputs, inputs, w));
        return gemm(T::ONE, dy, w, T::ONE, dx);
    }
    for row in 0..rows {
        let (dy, dx) = (&dy[row * outputs..][..outputs], &mut dx[row * inputs..][..inputs]);
        kernels::matvec_transposed_add(w, dy, dx);
    }
}

/// `W̄ += Ȳᵀ X` for `dy: [rows, out]`, `x: [rows, in]`, `W: [out, in]` being input `i`.
pub(super) fn transposed_times<T: Real>(g: &mut Back<'_, T>, i: usize, dy: &[T], x: &[T], rows: usize) {
    match rows {
        0 => {}
        1 => g.add_outer(i, dy, x),
        _ if rows > FEW => {
            let (dy, x) = (Matrix::new(rows, dy.len() / rows, dy), Matrix::new(rows, x.len() / rows, x));
            gemm(T::ONE, dy.t(), x, T::ONE, g.dx(i));
        }
        _ => kernels::outer_sum_add(rows, dy, x, g.dx(i)),
    }
}

/// `X̄ += Z̄ W`, `W̄ += Z̄ᵀ X`, `b̄ += Σ z̄`.
fn affine_backward<T: Real>(g: &mut Back<'_, T>) {
    let (x, w, [rows, _, _, code]) = (g.x(0), g.x(1), g.attributes());
    let dz = match Activation::ALL[code] {
        Activation::Identity => g.dy(),
        activation => {
            let dz = g.scratch();
            activation.backward(g.y(), g.dy(), dz);
            dz
        }
    };
    if g.wants(0) {
        rows_times(dz, w, rows, g.dx(0));
    }
    if g.wants(1) {
        transposed_times(g, 1, dz, x, rows);
    }
    if g.len() > 2 && g.wants(2) {
        add_rows(dz, g.dx(2));
    }
}

/// `sum += Σ rows`, one after the other.
pub(super) fn add_rows<T: Real>(rows: &[T], sum: &mut [T]) {
    /// A sum of rows is their product with ones, which reads and writes `sum` once for all of these.
    const ROWS: usize = 64;
    if rows.len() == sum.len() {
        return kernels::add_assign(rows, sum);
    }
    for rows in rows.chunks((ROWS * sum.len()).max(1)) {
        kernels::matvec_transposed_add(rows, &[T::ONE; ROWS][..rows.len() / sum.len()], sum);
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Activation, Params, Tape, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    /// `[n, in]` (or `[in]`), `[out, in]`, `[out]`: row by row and through GEMM.
    fn affine_case() -> impl Strategy<Value = [Tensor<f64>; 3]> {
        (0usize..24, 1usize..20, 1usize..6).prop_flat_map(|(n, inputs, out)| {
            let x = if n == 0 { vec![inputs] } else { vec![n, inputs] };
            let parts = (tensor(x, -2.0, 2.0), tensor(vec![out, inputs], -2.0, 2.0), tensor(vec![out], -2.0, 2.0));
            parts.prop_map(|(x, w, b)| [x, w, b])
        })
    }

    proptest! {
        #[test]
        fn affine_gradient(case in affine_case()) { gradcheck(case, |[x, w, b]| x.affine(w, b))?; }
        #[test]
        fn linear_gradient([x, w, _] in affine_case()) { gradcheck([x, w], |[x, w]| x.linear(w))?; }

        #[test]
        fn an_activation_in_the_node_is_the_activation_behind_it([x, w, b] in affine_case(), code in 0usize..4) {
            let activation = Activation::ALL[code];
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let inputs = [x.clone(), w.clone(), b.clone()];
            let [x, w, b] = [&x, &w, &b].map(|t| pass.input(t));
            let sums = x.affine(w, b).to_tensor();
            let is_near_the_kink = activation == Activation::Relu && sums.as_slice().iter().any(|sum| sum.abs() < 1e-3);
            if !is_near_the_kink {
                gradcheck(inputs, |[x, w, b]| x.affine_with(w, Some(b), activation))?;
            }
            let behind = (x.affine(w, b).activate(activation), x.linear(w).activate(activation));
            prop_assert_eq!(x.affine_with(w, Some(b), activation).to_tensor(), behind.0.to_tensor());
            prop_assert_eq!(x.affine_with(w, None, activation).to_tensor(), behind.1.to_tensor());
        }

        #[test]
        fn affine_matches_matmul([x, w, b] in affine_case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let [x, w, b] = [&x, &w, &b].map(|t| pass.input(t));
            let (fused, plain) = (x.affine(w, b).to_tensor(), (x.matmul(w.transpose()) + b).to_tensor());
            prop_assert_eq!(fused.shape(), plain.shape());
            for (a, b) in fused.as_slice().iter().zip(plain.as_slice()) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }
}
