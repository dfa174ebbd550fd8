//! PyTorch's own answers (2.15, float64) for layers: outputs, gradients, and buffers after the pass.

use std::collections::BTreeMap;

use serde::Deserialize;
use thalweg_autograd::{Grads, Params, Pass, Tape, Var};
use thalweg_nn::norm::LayerNormOptions;
use thalweg_nn::{AttentionMask, AvgPool2d, BatchNorm, Conv1d, Conv2d, Embedding, GroupNorm, LayerNorm, Linear};
use thalweg_nn::{MaxPool2d, Mode, Module, MultiheadAttention, Nonlinearity, PRelu, RmsNorm};
use thalweg_tensor::{ConvOptions, Rng, Tensor, Window};

use crate::support::assert_close;

/// What the two differ by is rounding, in another order of summation.
const TOLERANCE: f64 = 1e-10;

/// A layer, the numbers in it, and what PyTorch made of them. `loss = ⟨output, cotangent⟩`.
#[derive(Deserialize)]
struct Case {
    layer: String,
    attrs: serde_json::Value,
    #[serde(default = "in_training")]
    train: bool,
    /// Inputs, and parameters by their names.
    values: BTreeMap<String, Tensor<f64>>,
    #[serde(default)]
    buffers_before: BTreeMap<String, Tensor<f64>>,
    /// Rows to look up.
    index: Option<Tensor<f64>>,
    outputs: [Tensor<f64>; 1],
    cotangents: [Tensor<f64>; 1],
    loss: f64,
    /// The gradient of the loss with respect to each of `values`.
    grads: BTreeMap<String, Tensor<f64>>,
    #[serde(default)]
    buffers_after: BTreeMap<String, Tensor<f64>>,
}

fn in_training() -> bool {
    true
}

fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }
    let text = include_str!("../fixtures/layers.json");
    serde_json::from_str::<Fixture>(text).expect("the fixture is well formed").cases
}

impl Case {
    fn shape(&self, value: &str) -> Vec<usize> {
        self.values[value].shape().dims().to_vec()
    }

    /// An attribute that is a number; 0 if there is none.
    fn number(&self, name: &str) -> usize {
        self.attrs[name].as_u64().unwrap_or(0) as usize
    }

    fn conv_options<const N: usize>(&self) -> ConvOptions<N> {
        let [stride, padding, dilation] = ["stride", "padding", "dilation"].map(|name| [self.number(name); N]);
        ConvOptions { stride, padding, dilation, groups: self.number("groups") }
    }

    fn window(&self) -> Window<2> {
        let [kernel, stride, padding] = ["kernel", "stride", "padding"].map(|name| [self.number(name); 2]);
        Window::new(kernel).stride(stride).padding(padding)
    }

    /// A layer made by `new`, with the fixture's numbers in place of its own.
    fn check_module<M: Module>(&self, new: impl FnOnce(&mut Params<f64>, &mut Rng) -> M) {
        self.check(new, |layer, inputs, _, mode| layer.forward(inputs["input"], mode));
    }

    /// Builds the layer, runs it, and compares everything with PyTorch. What is no parameter of the layer is an input.
    fn check<L>(
        &self,
        new: impl FnOnce(&mut Params<f64>, &mut Rng) -> L,
        run: impl for<'p> FnOnce(&L, &BTreeMap<&str, Var<'p, f64>>, &'p Pass<'p, f64>, &mut Mode<f64>) -> Var<'p, f64>,
    ) {
        let (name, mut params) = (&self.layer, Params::<f64>::new());
        let layer = new(&mut params, &mut Rng::new(0));
        let handles: BTreeMap<String, _> = (params.layout().iter())
            .map(|(param, entry)| (entry.name().trim_start_matches("layer.").to_owned(), param))
            .collect();
        for (value, tensor) in self.values.iter().chain(&self.buffers_before) {
            if let Some(&param) = handles.get(value) {
                assert_eq!(params.view(param).shape(), tensor.shape(), "{name}: {value}");
                params.of_mut(param).copy_from_slice(tensor.as_slice());
            }
        }
        let mut mode = if self.train { Mode::train(Rng::new(0)) } else { Mode::Eval };
        let (mut tape, mut grads) = (Tape::new(), Grads::like(&params));
        {
            let pass = tape.pass(&params);
            let inputs: BTreeMap<&str, _> = (self.values.iter())
                .filter(|(value, _)| !handles.contains_key(*value))
                .map(|(value, tensor)| (value.as_str(), pass.leaf(tensor)))
                .collect();
            let y = run(&layer, &inputs, &pass, &mut mode);
            assert_eq!(y.shape(), self.outputs[0].shape(), "{name}");
            assert_close(&format!("{name}: output"), y.to_tensor().as_slice(), self.outputs[0].as_slice(), TOLERANCE);
            let loss = (y * pass.input(&self.cotangents[0])).sum();
            assert_close(&format!("{name}: loss"), &[loss.item()], &[self.loss], TOLERANCE);
            loss.backward(&mut grads);
            assert!(self.grads.keys().eq(self.values.keys()), "{name}: a gradient for each value expected");
            for (value, expected) in &self.grads {
                let mut found = vec![f64::NAN; expected.shape().len()];
                match inputs.get(value.as_str()) {
                    Some(input) => input.grad_to(&mut found),
                    None => found.copy_from_slice(grads.of(handles[value])),
                }
                // PyTorch's own gradient has the 1/6 of this one in single precision.
                let tolerance = if name == "Hardsigmoid" { 1e-7 } else { TOLERANCE };
                assert_close(&format!("{name}: gradient of {value}"), &found, expected.as_slice(), tolerance);
            }
        }
        mode.update_buffers(&mut params);
        for (buffer, expected) in &self.buffers_after {
            assert_close(&format!("{name}: {buffer}"), params.of(handles[buffer]), expected.as_slice(), TOLERANCE);
        }
    }

    /// The activation of this name.
    fn nonlinearity(&self) -> Option<Nonlinearity> {
        Some(match self.layer.as_str() {
            "ReLU" => Nonlinearity::Relu,
            "LeakyReLU" => Nonlinearity::LeakyRelu(0.01),
            "ReLU6" => Nonlinearity::Relu6,
            "ELU" => Nonlinearity::Elu(1.0),
            "SELU" => Nonlinearity::Selu,
            "CELU" => Nonlinearity::Celu(1.0),
            "GELU" if self.attrs["approximate"] == "tanh" => Nonlinearity::GeluTanh,
            "GELU" => Nonlinearity::Gelu,
            "SiLU" => Nonlinearity::Silu,
            "Mish" => Nonlinearity::Mish,
            "Softplus" => Nonlinearity::Softplus,
            "Tanh" => Nonlinearity::Tanh,
            "Tanhshrink" => Nonlinearity::Tanhshrink,
            "Hardtanh" => Nonlinearity::Hardtanh,
            "Sigmoid" => Nonlinearity::Sigmoid,
            "LogSigmoid" => Nonlinearity::LogSigmoid,
            "Hardsigmoid" => Nonlinearity::Hardsigmoid,
            "Hardswish" => Nonlinearity::Hardswish,
            "GLU" => Nonlinearity::Glu,
            "Softmax" => Nonlinearity::Softmax,
            "LogSoftmax" => Nonlinearity::LogSoftmax,
            _ => return None,
        })
    }

    /// Checks a layer that is no activation.
    fn check_layer(&self) {
        let has_bias = self.values.contains_key("bias");
        match self.layer.as_str() {
            "Linear" => self.check_module(|params, rng| {
                let new = if has_bias { Linear::new } else { Linear::without_bias };
                let [outputs, inputs] = self.shape("weight")[..] else { panic!("a weight is a matrix") };
                new(params, "layer", inputs, outputs, rng)
            }),
            "LayerNorm" => self.check_module(|params, rng| {
                LayerNorm::with(params, "layer", self.shape("weight").as_slice(), LayerNormOptions::default(), rng)
            }),
            "RMSNorm" => self.check_module(|params, rng| RmsNorm::new(params, "layer", self.shape("weight")[0], rng)),
            "GroupNorm" => self.check_module(|params, rng| {
                GroupNorm::new(params, "layer", self.number("num_groups"), self.shape("weight")[0], rng)
            }),
            "BatchNorm1d" | "BatchNorm2d" => {
                self.check_module(|params, rng| BatchNorm::new(params, "layer", self.shape("weight")[0], rng));
            }
            "Conv1d" => self.check_module(|params, rng| {
                let ([inputs, taps], options) =
                    ([self.shape("input")[1], self.shape("weight")[2]], self.conv_options());
                Conv1d::with(params, "layer", [inputs, self.shape("weight")[0]], [taps], options, has_bias, rng)
            }),
            "Conv2d" => self.check_module(|params, rng| {
                let [outputs, _, height, width] = self.shape("weight")[..] else { panic!("a kernel has two axes") };
                let (channels, options) = ([self.shape("input")[1], outputs], self.conv_options());
                Conv2d::with(params, "layer", channels, [height, width], options, has_bias, rng)
            }),
            "MaxPool2d" => self.check_module(|_, _| MaxPool2d { window: self.window() }),
            "AvgPool2d" => self.check_module(|_, _| AvgPool2d { window: self.window() }),
            "PReLU" => self.check_module(|params, rng| PRelu::new(params, "layer", rng)),
            "Embedding" => self.check(
                |params, rng| {
                    let [words, width] = self.shape("weight")[..] else { panic!("a table has two axes") };
                    Embedding::new(params, "layer", words, width, rng)
                },
                |words, _, pass, _| {
                    let index = self.index.as_ref().expect("an embedding has indices");
                    let indices: Vec<usize> = index.as_slice().iter().map(|&i| i as usize).collect();
                    words.forward(pass, &indices).reshape(self.outputs[0].shape())
                },
            ),
            "MultiheadAttention" => self.check(
                |params, rng| MultiheadAttention::new(params, "layer", self.shape("q")[2], self.number("heads"), rng),
                |layer, v, _, mode| layer.forward(v["q"], v["k"], v["v"], AttentionMask::NONE, mode),
            ),
            other => panic!("the layer {other} is not tested"),
        }
    }
}

/// Every case of the fixture, by its name; an unknown one panics.
#[test]
fn layers_are_pytorchs() {
    let (mut checked, mut left_out) = (0, Vec::new());
    for case in cases() {
        match case.nonlinearity() {
            Some(nonlinearity) => case.check_module(|_, _| nonlinearity),
            None if case.layer == "Softsign" => {
                left_out.push(case.layer); // kept as an exercise for readers
                continue;
            }
            None => case.check_layer(),
        }
        checked += 1;
    }
    assert_eq!((checked, left_out), (44, vec!["Softsign".to_owned()]));
}
