use super::*;
use crate::gradcheck::gradcheck_params;
use crate::ops::strategies::tensor;
use crate::{Activation, Param, RecurrentWeights};
use proptest::prelude::*;
use thalweg_tensor::Rng;

/// A vector of random numbers laid out like θ.
fn random(params: &Params<f64>, rng: &mut Rng) -> Flat<f64> {
    let mut flat = Flat::like(params);
    for (param, _) in params.layout().clone().iter() {
        flat.of_mut(param).fill_with(|| rng.range(-1.0, 1.0));
    }
    flat
}

/// `⟨a, b⟩`.
fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A network of everything that is fused: LSTM, GRU, layer norm, affine, cross entropy; written once for any scalar.
#[derive(Clone, Copy)]
struct Net([Param; 8]);

impl Net {
    fn new(rng: &mut Rng) -> (Params<f64>, Net) {
        let mut params = Params::new();
        let shapes: [&[usize]; 8] = [&[8, 3], &[8, 2], &[6, 2], &[6, 2], &[2], &[2], &[3, 2], &[3]];
        let mut index = 0;
        let net = shapes.map(|shape| {
            index += 1;
            params.add(&format!("p{index}"), shape, |_| rng.range(-1.0, 1.0))
        });
        (params, Net(net))
    }

    /// Three steps of three inputs → logits `[3, 3]`.
    fn logits<'p, T: Real>(self, pass: &'p Pass<'p, T>) -> Var<'p, T> {
        let [lstm_ih, lstm_hh, gru_ih, gru_hh, scale, shift, w, b] = self.0.map(|p| pass.param(p));
        let x = Tensor::from_fn([3, 3], |i| T::from_f64((i as f64).sin()));
        let start = pass.zeros([2]);
        let lstm = RecurrentWeights { weight_ih: lstm_ih, weight_hh: lstm_hh, bias: None };
        let (h, _) = pass.input(&x).lstm([start, start], lstm, &[]);
        let h = h.gru(start, RecurrentWeights { weight_ih: gru_ih, weight_hh: gru_hh, bias: None }, &[]);
        h.layer_norm(scale, shift, T::from_f64(0.1)).softplus().affine(w, b)
    }

    fn loss<'p, T: Real>(self, pass: &'p Pass<'p, T>) -> Var<'p, T> {
        self.logits(pass).cross_entropy(&[0, 2, 1])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// ⟨u, J v⟩ = ⟨Jᵀu, v⟩, and the rows of J give both.
    #[test]
    fn forward_and_reverse_mode_are_adjoint(seed: u64) {
        let mut rng = Rng::new(seed);
        let (params, net) = Net::new(&mut rng);
        let v = random(&params, &mut rng);
        let u: Vec<f64> = (0..9).map(|_| rng.range(-1.0, 1.0)).collect();
        let (y, along) = jvp(&params, &v, |pass| net.logits(pass));
        let (same, back) = vjp(&params, &u, |pass| net.logits(pass));
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
        prop_assert!(close(y.as_slice(), same.as_slice()));
        prop_assert!((inner(&u, along.as_slice()) - inner(back.as_slice(), v.as_slice())).abs() < 1e-12);
        let rows = jacobian(&params, |pass| net.logits(pass));
        let columns: Vec<f64> = rows.iter().map(|row| inner(row.as_slice(), v.as_slice())).collect();
        prop_assert!(close(&columns, along.as_slice()), "{columns:?} {along:?}");
    }

    /// ⟨u, H v⟩ = ⟨v, H u⟩, and H v is what central differences of the gradient say.
    #[test]
    fn the_hessian_is_symmetric_and_the_slope_of_the_gradient(seed: u64) {
        let mut rng = Rng::new(seed);
        let (params, net) = Net::new(&mut rng);
        let (u, v) = (random(&params, &mut rng), random(&params, &mut rng));
        let [(loss, hu), (_, hv)] = [&u, &v].map(|direction| hvp(&params, direction, |pass| net.loss(pass)));
        prop_assert!((inner(u.as_slice(), hv.as_slice()) - inner(v.as_slice(), hu.as_slice())).abs() < 1e-12);
        let gradient = |step: f64| {
            let mut params = params.clone();
            params.theta_mut().add_scaled(step, &v);
            vjp(&params, &[1.0], |pass| net.loss(pass))
        };
        let ((_, above), (_, below), (y, _)) = (gradient(1e-5), gradient(-1e-5), gradient(0.0));
        prop_assert!((y.item() - loss).abs() < 1e-13);
        for ((a, b), h) in above.as_slice().iter().zip(below.as_slice()).zip(hv.as_slice()) {
            prop_assert!(((a - b) / 2e-5 - h).abs() < 1e-8, "{} {h}", (a - b) / 2e-5);
        }
        gradcheck_params(&params, |pass| net.loss(pass))?;
    }

    /// Of ½ xᵀA x + b·x the Hessian is (A + Aᵀ)/2, whatever x is.
    #[test]
    fn the_hessian_of_a_quadratic_form_is_its_matrix(
        a in tensor(vec![4, 4], -2.0, 2.0), x in tensor(vec![4], -2.0, 2.0), v in tensor(vec![4], -2.0, 2.0),
    ) {
        let mut params = Params::new();
        let p = params.add("x", [4], |i| x.as_slice()[i]);
        let mut direction = Flat::like(&params);
        direction.of_mut(p).copy_from_slice(v.as_slice());
        let constant = Tensor::from_fn([4, 4], |i| Dual::from(a.as_slice()[i]));
        let (_, product) = hvp(&params, &direction, |pass| {
            let x = pass.param(p);
            (x * x.linear(pass.input(&constant))).sum() * Dual::from(0.5) + x.sum()
        });
        for i in 0..4 {
            let expected: f64 = (0..4).map(|j| 0.5 * (a.view().at(&[i, j]) + a.view().at(&[j, i])) * v.as_slice()[j]).sum();
            prop_assert!((product.of(p)[i] - expected).abs() < 1e-12);
        }
    }
}

#[test]
fn what_is_frozen_or_detached_is_constant_in_both_modes() {
    let mut params = Params::<f64>::new();
    let [x, c] = ["x", "c"].map(|name| params.add(name, [1], |_| 3.0));
    params.set_trainable(c, false);
    let mut direction = Flat::like(&params);
    direction.as_mut_slice().fill(1.0);
    // x² · c · detach(x)
    let (_, slope) = jvp(&params, &direction, |pass| pass.param(x).square() * pass.param(c) * pass.param(x).detach());
    assert_eq!(slope.item(), 54.0);
    let (y, curve) = hvp(&params, &direction, |pass| pass.param(x).square() * pass.param(c) * pass.param(x).detach());
    assert_eq!((y, curve.of(x), curve.of(c)), (81.0, &[18.0][..], &[0.0][..]));
}

#[test]
fn segments_that_are_recomputed_have_second_derivatives_too() {
    let mut params = Params::<f64>::new();
    let x = params.add("x", [1], |_| 0.5);
    let mut direction = Flat::like(&params);
    direction.of_mut(x)[0] = 1.0;
    let plain = hvp(&params, &direction, |pass| (pass.param(x) * pass.param(x).sin()).exp());
    let again = hvp(&params, &direction, |pass| {
        pass.recompute([pass.param(x)], move |pass, [x2]| x2 * pass.param(x).sin()).exp()
    });
    assert_eq!(plain, again);
}

#[test]
fn derivatives_at_kinks_are_those_that_the_ops_state() {
    let mut params = Params::<f64>::new();
    let x = params.add("x", [2], |_| 0.0);
    let mut direction = Flat::like(&params);
    direction.of_mut(x).copy_from_slice(&[1.0, 3.0]);
    type Function = for<'p> fn(Var<'p, Dual>) -> Var<'p, Dual>;
    let functions: [(Function, f64); 10] = [
        (|x| x.relu().sum(), 0.0),
        (|x| x.abs().sum(), 0.0),
        (
            |x| {
                x.reshape([2, 1])
                    .affine_with(x.pass().input(&[Dual::ONE]).reshape([1, 1]), None, Activation::Relu)
                    .sum()
            },
            0.0,
        ),
        (|x| x.norm(), 0.0),
        (|x| x.clamp(Dual::ZERO, Dual::ONE).sum(), 4.0),
        (|x| x.leaky_relu(Dual::from(0.5)).sum(), 2.0),
        (|x| x.elu(Dual::ONE).sum(), 4.0),
        (|x| x.softplus().sum(), 2.0), // smooth, but computed from a maximum
        (|x| x.row(0).maximum(x.row(1)), 2.0),
        (|x| x.bce_with_logits(x.pass().zeros([2])), 1.0),
    ];
    for (i, (f, expected)) in functions.into_iter().enumerate() {
        let (_, forward) = jvp(&params, &direction, |pass| f(pass.param(x)));
        let dual = params.cast::<Dual>();
        let (_, reverse) = vjp(&dual, &[Dual::ONE], |pass| f(pass.param(x)));
        let reverse: f64 = reverse.of(x).iter().zip([1.0, 3.0]).map(|(g, v)| g.value * v).sum();
        assert_eq!((forward.item(), reverse), (expected, expected), "function {i}");
    }
}

#[test]
#[should_panic(expected = "hvp: the direction is not laid out like the parameters: lengths 0 and 16")]
fn a_direction_of_another_layout_is_caught() {
    let mut params = Params::<f64>::new();
    let x = params.add("x", [1], |_| 0.0);
    hvp(&params, &Flat::default(), |pass| pass.param(x));
}
