//! The LSTM with layer normalisation, against its equations in plain loops.

use proptest::prelude::*;
use thalweg_autograd::Params;
use thalweg_nn::{Cell, CellOptions, LayerNormLstm, LstmForm};
use thalweg_tensor::{Rng, Tensor};

use super::carried;
use crate::support::assert_close;

fn normalised(z: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let n = z.len() as f64;
    let mean = z.iter().sum::<f64>() / n;
    let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / n;
    let scaled = |i: usize| weight[i] * (z[i] - mean) / (variance + 1e-5).sqrt();
    (0..z.len()).map(|i| scaled(i) + bias.map_or(0.0, |bias| bias[i])).collect()
}

fn product(weight: &[f64], v: &[f64]) -> Vec<f64> {
    weight.chunks_exact(v.len()).map(|row| row.iter().zip(v).map(|(w, v)| w * v).sum()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn layer_norm_lstm_computes_its_equations(
        inputs in 1usize..6, hidden in 1usize..8, steps in 1usize..5, bias in any::<bool>(), seed in any::<u64>()
    ) {
        let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(seed));
        let options = CellOptions::new(inputs, hidden).bias(bias);
        let cell = LayerNormLstm::with(&mut params, "cell", options, &mut rng);
        params.theta_mut().as_mut_slice().iter_mut().for_each(|w| *w += rng.range(-0.5, 0.5));
        let of = |name: &str| params.find(&format!("cell.{name}_l0")).map(|param| params.of(param));
        let weight = |name: &str| of(name).expect("it is there");
        let norm = |part: &str, z: &[f64]| {
            normalised(z, weight(&format!("norm_{part}_weight")), of(&format!("norm_{part}_bias")))
        };
        prop_assert_eq!(of("norm_ih_bias").is_some(), bias);
        let x = Tensor::uniform([steps, inputs], -1.0, 1.0, &mut rng);
        let (mut h, mut c, mut expected) = (vec![0.0; hidden], vec![0.0; hidden], Vec::new());
        for x in x.as_slice().chunks_exact(inputs) {
            let of_x = norm("ih", &product(weight("weight_ih"), x));
            let of_h = norm("hh", &product(weight("weight_hh"), &h));
            let sum = |gate: usize, k: usize| of_x[gate * hidden + k] + of_h[gate * hidden + k];
            let sigma = |x: f64| 1.0 / (1.0 + (-x).exp());
            for (k, c) in c.iter_mut().enumerate() {
                *c = sigma(sum(1, k)) * *c + sigma(sum(0, k)) * sum(2, k).tanh();
            }
            let of_c = norm("c", &c);
            h = (0..hidden).map(|k| sigma(sum(3, k)) * of_c[k].tanh()).collect();
            expected.extend_from_slice(&h);
        }
        let mut state = cell.zero_state(&params);
        // Normalising a few numbers that are close to each other is steep: rounding grows.
        assert_close("outputs", &carried(&params, &cell, &x, &mut state), &expected, 1e-9);
        assert_close("c", state.parts[1].as_slice(), &c, 1e-9);
    }
}

#[test]
fn normalisation_makes_the_scale_of_inputs_irrelevant() {
    let (mut params, mut rng) = (Params::<f64>::new(), Rng::new(1));
    let options = CellOptions::new(4, 6).form(LstmForm::REMEMBERING);
    let cell = LayerNormLstm::with(&mut params, "cell", options, &mut rng);
    let x = Tensor::<f64>::uniform([5, 4], 10.0, 20.0, &mut rng);
    let scaled = Tensor::from_fn(x.shape(), |i| 1000.0 * x.as_slice()[i]);
    let [one, other] = [x, scaled].map(|x| carried(&params, &cell, &x, &mut cell.zero_state(&params)));
    assert_close("outputs", &other, &one, 1e-5);
    let forget = params.find("cell.norm_ih_bias_l0").expect("it has biases");
    assert_eq!(params.of(forget)[4..14], [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
}
