//! A step that does not point against the past.

use thalweg_autograd::Grads;
use thalweg_tensor::{Real, kernels};

/// Averaged gradient episodic memory: turns `g` as little as it takes for a step not to raise the loss whose gradient is `r`,
/// and uses `r` up. Returns whether there was something to turn.
///
/// ```text
///   g·r ≥ 0:  g                         a small step along −g does not raise the memory's loss
///   g·r < 0:  g − (g·r / r·r) r         the nearest g̃ with g̃·r = 0
/// ```
///
/// (Chaudhry, Ranzato, Rohrbach & Elhoseiny, "Efficient lifelong learning with A-GEM", 2019, equation 11.) Frozen parameters
/// count nothing.
///
/// # Panics
///
/// If the two are not laid out alike.
///
/// ```
/// use thalweg_autograd::{Grads, Params};
/// use thalweg_online::memory::project;
///
/// let mut params = Params::<f64>::new();
/// let w = params.add("w", [2], |_| 0.0);
/// let [mut g, mut r] = [(); 2].map(|()| Grads::like(&params));
/// g.of_mut(w).copy_from_slice(&[1.0, -1.0]);
/// r.of_mut(w).copy_from_slice(&[0.0, 2.0]);
/// assert!(project(&mut g, &mut r));
/// assert_eq!(g.of(w), [1.0, 0.0]);
/// ```
#[track_caller]
pub fn project<T: Real>(g: &mut Grads<T>, r: &mut Grads<T>) -> bool {
    assert!(g.layout() == r.layout(), "project: the two are not laid out alike");
    let (mut product, mut square) = (0.0, 0.0);
    let dense = g.dense();
    r.for_each(|_, at, r| {
        product += kernels::dot(&dense.as_slice()[at..][..r.len()], r).to_f64();
        square += kernels::dot(r, r).to_f64();
    });
    // NaN is not below 0: it stays in g, where the optimizer refuses it.
    let turns = product < 0.0 && square > 0.0;
    if turns {
        r.scale(T::from_f64(-product / square));
        g.absorb(r);
    } else {
        r.zero();
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use thalweg_autograd::{Params, Tape};

    /// Of a row of a table and of a matrix that met an example: touched rows and outer products.
    fn gradient(params: &Params<f64>, row: usize, x: &[f64], grads: &mut Grads<f64>) {
        let [table, matrix] = ["table", "matrix"].map(|name| params.find(name).expect("it was added"));
        let mut tape = Tape::new();
        let pass = tape.pass(params);
        let loss = pass.param(table).row(row).square().sum() + pass.input(x).linear(pass.param(matrix)).tanh().sum();
        loss.backward(grads);
    }

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    proptest! {
        /// The projection against its formula on plain vectors; it never points against the memory's gradient, and what
        /// pointed with it stays as it is.
        #[test]
        fn the_projection_is_that_of_the_formula(
            rows in prop::array::uniform2(0..3_usize),
            x in prop::array::uniform2(prop::array::uniform2(-2.0..2.0)),
        ) {
            let mut params = Params::<f64>::new();
            params.add("table", [3, 2], |i| i as f64 - 2.5);
            params.add("matrix", [3, 2], |i| 0.3 * i as f64 - 0.7);
            let [mut g, mut r] = [(); 2].map(|()| Grads::like(&params));
            gradient(&params, rows[0], &x[0], &mut g);
            gradient(&params, rows[1], &x[1], &mut r);
            let [before, memory] = [g.as_slice().to_vec(), r.as_slice().to_vec()];
            let turned = project(&mut g, &mut r);
            let after = g.as_slice().to_vec();
            let product = dot(&before, &memory);
            prop_assert_eq!(turned, product < 0.0);
            prop_assert!(dot(&after, &memory) >= -1e-9);
            for ((after, before), memory_of) in after.iter().zip(&before).zip(&memory) {
                let factor = if turned { product / dot(&memory, &memory) } else { 0.0 };
                prop_assert!((after - (before - factor * memory_of)).abs() < 1e-9);
            }
            prop_assert!(r.as_slice().iter().all(|&r| r == 0.0), "it is used up");
        }
    }

    #[test]
    fn nothing_remembered_and_nothing_finite_turn_nothing() {
        let mut params = Params::<f64>::new();
        let w = params.add("w", [2], |_| 0.0);
        for (g, r) in [([1.0, 2.0], [0.0, 0.0]), ([f64::NAN, 2.0], [-1.0, -1.0]), ([1.0, 2.0], [f64::NAN, 1.0])] {
            let [mut grads, mut reference] = [(); 2].map(|()| Grads::like(&params));
            grads.of_mut(w).copy_from_slice(&g);
            reference.of_mut(w).copy_from_slice(&r);
            assert!(!project(&mut grads, &mut reference));
            let bits = |x: &[f64]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(grads.of(w)), bits(&g));
        }
    }
}
