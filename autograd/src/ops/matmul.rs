//! Matrix products.

use thalweg_tensor::{Real, Shape, View, matmul_add};

use crate::{Back, Op, Var};

impl<T: Real> Var<'_, T> {
    /// Matrix product: `[…, m, k] · […, k, n] → […, m, n]`. Leading axes are those of batches, and broadcast as NumPy's
    /// do; a vector on the left counts as a row, on the right as a column, and its axis is dropped from the result.
    ///
    /// Forward `Y = A·B`; backward `Ā += Ȳ·Bᵀ`, `B̄ += Aᵀ·Ȳ`, for each matrix of a batch, summed over the axes along which
    /// an operand was broadcast. No operand is copied; products with a vector or with a few rows do not allocate.
    ///
    /// ```
    /// use thalweg_autograd::{Params, Tape};
    /// let (params, mut tape) = (Params::<f32>::new(), Tape::new());
    /// let pass = tape.pass(&params);
    /// assert_eq!(pass.zeros([5, 1, 2, 3]).matmul(pass.zeros([4, 3, 6])).dims(), [5, 4, 2, 6]);
    /// ```
    ///
    /// # Panics
    /// If an operand is a single number, the inner sizes differ, or the batches do not broadcast.
    #[track_caller]
    pub fn matmul(self, b: Self) -> Self {
        self.product(b, [0, 0])
    }

    /// [`matmul`](Var::matmul) with the transpose of the right operand, read where it lies:
    /// `[…, m, k] · […, n, k]ᵀ → […, m, n]`. The scores of attention are `Q.matmul_transposed(K)`.
    ///
    /// Forward `Y = A·Bᵀ`; backward `Ā += Ȳ·B`, `B̄ += Ȳᵀ·A`.
    ///
    /// # Panics
    /// As [`matmul`](Var::matmul), and if the right operand has fewer than two axes.
    #[track_caller]
    pub fn matmul_transposed(self, b: Self) -> Self {
        self.product(b, [0, 1])
    }

    /// [`matmul`](Var::matmul) with the transpose of the left operand, read where it lies:
    /// `[…, k, m]ᵀ · […, k, n] → […, m, n]`.
    ///
    /// Forward `Y = Aᵀ·B`; backward `Ā += B·Ȳᵀ`, `B̄ += A·Ȳ`.
    ///
    /// # Panics
    /// As [`matmul`](Var::matmul), and if the left operand has fewer than two axes.
    #[track_caller]
    pub fn transposed_matmul(self, b: Self) -> Self {
        self.product(b, [1, 0])
    }

    /// `transposed` holds a 1 for an operand that is read as its transpose.
    #[track_caller]
    fn product(self, b: Self, transposed: [usize; 2]) -> Self {
        let shapes = [self.shape(), b.shape()];
        self.pass.record(
            Op::new("matmul").attributes(transposed),
            [self, b],
            turned(shapes[0], transposed[0]).matmul(turned(shapes[1], transposed[1])),
            |x, y| {
                let [a, b] = matrices(shapes, transposed, x);
                matmul_add(a, b, a.shape().matmul(b.shape()), y);
            },
            product_backward,
        )
    }
}

/// The gradient of an operand that was read as its transpose is the transpose of what it would be: `(Ȳ·Bᵀ)ᵀ = B·Ȳᵀ`.
fn product_backward<T: Real>(g: &mut Back<'_, T>) {
    let (shapes, transposed) = ([g.shape(0), g.shape(1)], g.attributes());
    let [a, b] = matrices(shapes, transposed, [g.x(0), g.x(1)]);
    let dy = View::new(a.shape().matmul(b.shape()), g.dy());
    let [[left, _], [_, right]] = shapes.map(Shape::as_matrices);
    if g.wants(0) {
        match transposed[0] {
            0 => matmul_add(dy, b.matrix_transpose(), left, g.dx(0)),
            _ => matmul_add(b, dy.matrix_transpose(), left, g.dx(0)),
        }
    }
    if g.wants(1) {
        match transposed[1] {
            0 => matmul_add(a.matrix_transpose(), dy, right, g.dx(1)),
            _ => matmul_add(dy.matrix_transpose(), a, right, g.dx(1)),
        }
    }
}

/// The operands as batches of matrices, turned where they are transposed.
fn matrices<'a, T: Real>(shapes: [Shape; 2], transposed: [usize; 2], x: [&'a [T]; 2]) -> [View<'a, T>; 2] {
    let [[left, _], [_, right]] = shapes.map(Shape::as_matrices);
    let [a, b] = [View::new(left, x[0]), View::new(right, x[1])];
    let turn = |x: View<'a, T>, transposed| if transposed == 1 { x.matrix_transpose() } else { x };
    [turn(a, transposed[0]), turn(b, transposed[1])]
}

/// The shape of the transpose, if it is `transposed`.
#[track_caller]
fn turned(shape: Shape, transposed: usize) -> Shape {
    match *shape.dims() {
        _ if transposed == 0 => shape,
        [.., m, n] => shape.with(shape.rank() - 2, n).with(shape.rank() - 1, m),
        _ => panic!("matmul: a matrix to transpose expected, the shape is {shape}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::strategies::tensor;
    use crate::{Params, Tape, Var, gradcheck};
    use proptest::prelude::*;
    use thalweg_tensor::Tensor;

    fn matmul_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        (1usize..5, 1usize..5, 1usize..5, 0usize..4).prop_flat_map(|(m, k, n, ranks)| {
            let a = if ranks & 1 == 0 { vec![m, k] } else { vec![k] };
            let b = if ranks & 2 == 0 { vec![k, n] } else { vec![k] };
            (tensor(a, -2.0, 2.0), tensor(b, -2.0, 2.0)).prop_map(|(a, b)| [a, b])
        })
    }

    /// `[s, m, k]` and `[s, k, n]`.
    fn batch_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        (1usize..4, 1usize..4, 1usize..4, 1usize..4).prop_flat_map(|(s, m, k, n)| {
            (tensor(vec![s, m, k], -2.0, 2.0), tensor(vec![s, k, n], -2.0, 2.0)).prop_map(|(a, b)| [a, b])
        })
    }

    /// Two operands of up to four axes whose batches broadcast.
    fn broadcast_case() -> impl Strategy<Value = [Tensor<f64>; 2]> {
        let batch = prop::collection::vec((1usize..4, 0u8..3), 0..3);
        (batch, 1usize..4, 1usize..4, 1usize..4, 0usize..3).prop_flat_map(|(batch, m, k, n, missing)| {
            let side = |which, [rows, columns]: [usize; 2], missing: usize| {
                let sizes = batch.iter().skip(missing).map(|&(size, one)| if one == which { 1 } else { size });
                tensor(sizes.chain([rows, columns]).collect(), -2.0, 2.0)
            };
            let missing = [missing, 2 - missing].map(|m| m.min(1));
            (side(1, [m, k], missing[0]), side(2, [k, n], missing[1])).prop_map(|(a, b)| [a, b])
        })
    }

    proptest! {
        #[test]
        fn broadcast_matmul_gradient(ab in broadcast_case()) { gradcheck(ab, |[a, b]| a.matmul(b))?; }

        #[test]
        fn transposed_products_gradient([a, b] in broadcast_case()) {
            let turn = |x: &Tensor<f64>| x.view().matrix_transpose().to_tensor();
            gradcheck([a.clone(), turn(&b)], |[a, b]| a.matmul_transposed(b))?;
            gradcheck([turn(&a), b.clone()], |[a, b]| a.transposed_matmul(b))?;
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let ([x, y], [xt, yt]) = ([&a, &b].map(|t| pass.input(t)), [turn(&a), turn(&b)].map(|t| pass.input(&t)));
            let expected = a.view().matmul(b.view());
            for product in [x.matmul(y), x.matmul_transposed(yt), xt.transposed_matmul(y)] {
                prop_assert_eq!(product.shape(), expected.shape());
                prop_assert!(product.with(|p| p.iter().zip(expected.as_slice()).all(|(p, e)| (p - e).abs() < 1e-12)));
            }
        }

        #[test]
        fn matmul_gradient(ab in matmul_case()) { gradcheck(ab, |[a, b]| a.matmul(b))?; }

        #[test]
        fn batch_matmul_gradient(ab in batch_case()) {
            gradcheck(ab.clone(), |[a, b]| a.matmul(b))?;
            gradcheck(ab, |[a, b]| a.matmul(b.row(0)))?;
        }

        #[test]
        fn a_batch_of_products_is_the_products_one_by_one([a, b] in batch_case()) {
            let (params, mut tape) = (Params::<f64>::new(), Tape::new());
            let pass = tape.pass(&params);
            let (a, b) = (pass.input(&a), pass.input(&b));
            let s = a.shape().dims()[0];
            let (each, one): (Vec<_>, Vec<_>) =
                (0..s).map(|i| (a.row(i).matmul(b.row(i)), a.row(i).matmul(b.row(0)))).unzip();
            for difference in [a.matmul(b) - Var::stack(&each), a.matmul(b.row(0)) - Var::stack(&one)] {
                prop_assert!(difference.with(|d| d.iter().all(|d| d.abs() < 1e-12)));
            }
        }
    }

    #[test]
    #[should_panic(expected = "matmul: inner sizes differ: [2, 3] · [4, 5]")]
    fn matmul_panics_on_inner_sizes() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3]).matmul(pass.zeros([4, 5]));
    }

    #[test]
    #[should_panic(expected = "matmul: sizes of the batches differ: [2, 3, 4] · [3, 4, 5]")]
    fn matmul_panics_on_batches_of_different_sizes() {
        let (params, mut tape) = (Params::<f64>::new(), Tape::new());
        let pass = tape.pass(&params);
        pass.zeros([2, 3, 4]).matmul(pass.zeros([3, 4, 5]));
    }
}
