//! PyTorch's convolutions and pools.

use thalweg_tensor::{ConvOptions, Window};

use crate::support::{Case, read};

/// The cases of one layer, of which there are so many.
fn cases(layer: &str, count: usize) -> Vec<Case> {
    let mut cases = read(include_str!("../fixtures/layers.json"));
    cases.retain(|case| case.layer == layer);
    assert_eq!(cases.len(), count, "{layer}");
    cases
}

fn conv_options<const N: usize>(case: &Case) -> ConvOptions<N> {
    ConvOptions {
        stride: [case.size("stride"); N],
        padding: [case.size("padding"); N],
        dilation: [case.size("dilation"); N],
        groups: case.size("groups"),
    }
}

fn window(case: &Case) -> Window<2> {
    let padding = if case.attrs.get("padding").is_some() { case.size("padding") } else { 0 };
    Window::new([case.size("kernel"); 2]).stride([case.size("stride"); 2]).padding([padding; 2])
}

#[test]
fn conv1d_is_pytorchs() {
    for case in cases("Conv1d", 4) {
        case.check("Conv1d", |v| v["input"].conv1d(v["weight"], Some(v["bias"]), conv_options(&case)));
    }
}

#[test]
fn conv2d_is_pytorchs() {
    for case in cases("Conv2d", 4) {
        case.check("Conv2d", |v| v["input"].conv2d(v["weight"], Some(v["bias"]), conv_options(&case)));
    }
}

#[test]
fn max_pool2d_is_pytorchs() {
    for case in cases("MaxPool2d", 2) {
        case.check("MaxPool2d", |v| v["input"].max_pool2d(window(&case)));
    }
}

#[test]
fn avg_pool2d_is_pytorchs() {
    for case in cases("AvgPool2d", 1) {
        case.check("AvgPool2d", |v| v["input"].avg_pool2d(window(&case)));
    }
}
