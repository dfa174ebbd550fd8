use super::super::*;
use crate::{Nonlinearity, Rng, Window};
use proptest::prelude::*;

fn failure(spec: &str, input: &[usize]) -> String {
    let built = spec.parse().and_then(|spec| {
        Network::new(&mut Params::<f32>::new(), "", &spec, Shape::new(input), &mut Rng::new(1)).map(drop)
    });
    built.err().map_or("no error".to_owned(), |error| error.to_string())
}

/// Layers of all kinds, with numbers of choice, as one would write them.
fn item() -> impl Strategy<Value = String> {
    (0..31_usize, 1..99_usize, 1..9_usize, 0.0..1.0_f64).prop_map(|(which, n, m, p)| match which {
        0 => format!("linear:{n}"),
        1 => format!("linear:{n},bias=false"),
        2 => "glu".into(),
        3 => format!("leaky_relu:{p}"),
        4 => "log_softmax".into(),
        5 => format!("dropout:{p}"),
        6 => "layer_norm".into(),
        7 => "batch_norm:stream=true".into(),
        8 => format!("rnn:{n}x{m},form=relu"),
        9 => format!("lstm:{n},dropout={p},bidirectional"),
        10 => format!("gru:{n},form=chung,bias=false"),
        11 => format!("conv2d:{n}x3,stride={m},padding=1"),
        12 => format!("conv1d:{n}x{m},groups={m},dilation=2,bias=false"),
        13 => format!("max_pool1d:{n}"),
        14 => format!("avg_pool2d:{n},stride={m},padding=1"),
        15 => "flatten".into(),
        16 => format!("view:1x{n}"),
        17 => format!("mlp:{n},7"),
        18 => format!("embedding:{n}x{m}"),
        19 => format!("embedding:{n}x{m},padding=0"),
        20 => format!("attention:heads={m},causal,dropout={p}"),
        21 => format!("attention:heads={m},bias=false"),
        22 => format!("encoder:heads={m},ff={n},causal=true"),
        23 => format!("encoder:heads={m},dropout={p},activation=elu:{p},norm_first=false"),
        24 => "sinusoidal_positions".into(),
        25 => format!("learned_positions:{n}"),
        26 => format!("group_norm:{n}"),
        27 => "global_avg_pool2d > global_max_pool2d".into(),
        28 => "prelu".into(),
        29 => format!("lru:{n}x{m} > elstm:{n},bias=false > rtu:{},form=tanh", 2 * m),
        31 => format!("linear:{n},sparse={p} > layer_norm:affine=false > sparse_mlp:{n},7"),
        30 => format!("leaky_rnn:{n}x{m},alpha={p},bias=false"),
        _ => format!("lstm:{n},form=remembering > layer_norm_lstm:{n} > rms_norm > elu"),
    })
}

/// Some of them within residual connections, also within each other.
fn items() -> impl Strategy<Value = String> {
    let joined = |item: BoxedStrategy<String>| prop::collection::vec(item, 1..5).prop_map(|items| items.join(" > "));
    let layers =
        item().prop_recursive(3, 24, 4, move |inner| joined(inner).prop_map(|text| format!("residual({text})")));
    joined(layers.boxed())
}

proptest! {
    #[test]
    fn what_is_printed_parses_back(text in items()) {
        let spec: NetworkSpec = text.parse().expect("it is right");
        let printed = spec.to_string();
        prop_assert_eq!(&printed.parse::<NetworkSpec>().expect("it was printed"), &spec);
        prop_assert_eq!(printed.parse::<NetworkSpec>().expect("it was printed").to_string(), printed);
    }

    #[test]
    fn nothing_panics_on_any_text(
        text in "\\PC{0,24}|[a-z:,=x>()0-9 ]{0,24}|(attention|glu|lstm|residual|view|conv1d|>|:|,|\\(|\\)|heads=|x|1|2){0,12}",
    ) {
        if let Ok(spec) = text.parse::<NetworkSpec>() {
            let _ = Network::new(&mut Params::<f32>::new(), "", &spec, [2], &mut Rng::new(1));
        }
    }
}

#[test]
fn no_layers_are_written_as_nothing() {
    assert_eq!(" ".parse(), Ok(NetworkSpec::default()));
    assert_eq!(NetworkSpec::default().to_string(), "");
}

/// Every function of the crate can be said.
#[test]
fn every_function_has_its_name() {
    for (name, function) in Nonlinearity::NAMED {
        let spec: NetworkSpec = name.parse().expect("it is a name");
        assert_eq!(spec.layers, [LayerSpec::Function(function)], "{name}");
        assert!(spec.to_string().starts_with(name) && spec.to_string().parse() == Ok(spec));
    }
}

#[test]
fn an_error_says_what_does_not_fit() {
    for (spec, input, expected) in [
        ("linear:0", &[3][..], "expected a size from 1 to 65536, found 0"),
        ("lstm:4x0", &[3], "found \"4x0\""),
        (
            "linear:4 > conv2d:1x3",
            &[3],
            "conv2d:1x3: expected channels and an image (view?), found examples of shape [4]",
        ),
        ("view:2x2", &[3], "view:2x2: expected 4 numbers, found examples of shape [3]"),
        ("max_pool2d:3", &[2, 4], "max_pool2d:3: expected a window that fits, found examples of shape [2, 4]"),
        ("linear:4", &[2, 4], "linear:4: expected examples of one axis (flatten?), found examples of shape [2, 4]"),
        ("dropout:2", &[3], "expected a probability from 0 to 1, found 2"),
        ("linear:4 > ", &[3], "expected a name"),
        ("glu", &[3], "glu: expected a last axis of even size, found examples of shape [3]"),
        ("group_norm:2", &[3, 4], "group_norm:2: expected channels that can be cut into 2 groups"),
        ("conv1d:4x2,groups=2", &[3, 4], "expected channels that can be cut into 2 groups"),
        ("attention:heads=2", &[3], "attention:heads=2: expected features that can be cut into 2 heads"),
        ("attention:causal", &[4], "expected heads=…"),
        ("attention:heads=2,causl", &[4], "unknown option of attention \"causl\"; did you mean \"causal\"?"),
        ("attention:heads=2,causal,causal=false", &[4], "the option causal stands twice"),
        ("encoder:heads=2,activation=glu", &[4], "expected an activation that keeps the shape"),
        (
            "encoder:heads=2,activation=rellu",
            &[4],
            "expected activation to be a function, such as gelu, found \"rellu\"",
        ),
        ("lstm:4,bidirectionl", &[3], "did you mean \"bidirectional\"?"),
        ("lstm:4,form=remembering,bias=false", &[3], "expected biases, for one of them remembers"),
        ("rtu:3", &[3], "expected an even number of units, for they are pairs"),
        ("lru:3,bias=false", &[3], "expected no word on biases, for there are none"),
        ("linear:3,sparse=1.5", &[3], "expected a probability from 0 to 1, found 1.5"),
        ("sparse_mlp", &[3], "expected the width of each layer, as in sparse_mlp:64,64"),
        ("leaky_rnn:3,alpha=0", &[3], "expected alpha above 0 and at most 1"),
        ("leaky_rnn:3,alpha=1.5", &[3], "expected alpha above 0 and at most 1"),
        ("rtu:4,form=thanh", &[3], "did you mean \"tanh\"?"),
        ("lstm:4,form=chung", &[3], "unknown form of lstm \"chung\"; allowed: pytorch, remembering"),
        ("linear:4 > embedding:9x4", &[3], "embedding:9x4: expected to come first, for it takes indices"),
        ("embedding:9x4,padding=9", &[], "expected padding below 9"),
        ("global_avg_pool2d", &[3], "expected images (view?)"),
        ("max_pool1d:2,padding=2", &[8], "expected a window that fits"),
        (
            "residual(linear:4)",
            &[3],
            "expected layers that keep the shape (they give [4]), found examples of shape [3]",
        ),
        ("residual(linaer:4)", &[3], "did you mean \"linear\"?"),
        ("residul(linear:4)", &[3], "unknown layer of layers \"residul\"; did you mean \"residual\"?"),
        ("residual(linear:3", &[3], "expected ), found the end"),
        ("residual(linear:3))", &[3], "expected ( before )"),
        ("residual:3", &[3], "expected layers in parentheses, as in residual(linear:64 > relu)"),
        ("residual(lstm:3>lstm:3)>residual(lstm:3>lstm:3)>gru:2", &[3], "expected at most 8 tensors to carry, found 9"),
        ("mlp > linear:4", &[3], "\"mlp\": expected the width of each layer, as in mlp:64,64"),
        ("lstm:65536", &[3], "lstm:65536: expected at most 2³² weights, found some 17180655616"),
        ("gru:65536x2,bidirectional", &[3], "expected at most 2³² weights"),
        ("embedding:16777216x65536", &[], "expected at most 2³² weights"),
        ("linear:65536 > residual(linear:65536 > linear:65536)", &[3], "expected at most 2³² weights"),
        ("linear:65536 > encoder:heads=1", &[3], "expected at most 2³² weights"),
        ("view:1x1x1 > conv2d:65536x1 > conv2d:65536x3,padding=1", &[1], "expected at most 2³² weights"),
        ("lstm:2>lstm:2>lstm:2>lstm:2>lstm:2", &[3], "expected at most 8 tensors to carry, found 10"),
    ] {
        let found = failure(spec, input);
        assert!(found.contains(expected), "{spec}: {found}");
    }
}

/// It could be used and saved, but never be read again.
#[test]
fn what_cannot_be_written_is_refused() {
    let pool = |kernel| LayerSpec::Pool { axes: 1, largest: true, window: Window::new([kernel]) };
    let lstm = |layers, dropout| {
        let (cell, bidirectional, bias) = (CellName::Lstm, false, true);
        LayerSpec::Recurrent { cell, hidden: 2, layers, bidirectional, dropout, bias }
    };
    for layer in [
        LayerSpec::Linear { width: 65_537, bias: true, sparse: 0.0 },
        LayerSpec::Linear { width: 0, bias: true, sparse: 0.0 },
        LayerSpec::Dropout { p: f64::NAN },
        LayerSpec::Function(Nonlinearity::LeakyRelu(f64::INFINITY)),
        LayerSpec::GroupNorm { groups: 0 },
        LayerSpec::View(Shape::scalar()),
        lstm(0, 0.0),
        lstm(1, 7.0),
        pool(0),
    ] {
        let spec = NetworkSpec { layers: vec![LayerSpec::Residual(NetworkSpec { layers: vec![layer] })] };
        let built = Network::new(&mut Params::<f32>::new(), "", &spec, [1], &mut Rng::new(1));
        assert!(built.is_err(), "{spec}");
    }
    assert!(pool(0).output(Shape::from([4, 8])).is_err(), "a window of nothing fits nowhere");
    let spec = NetworkSpec { layers: vec![lstm(2, 0.5)] };
    assert_eq!(spec.output([3]), Ok([2].into()));
}

#[cfg(feature = "serde")]
#[test]
fn a_specification_is_saved_as_its_text() -> Result<(), Box<dyn std::error::Error>> {
    let spec: NetworkSpec = "residual(lstm:2) > linear:4,bias=false".parse()?;
    let json = serde_json::to_string(&spec)?;
    assert_eq!(json, r#""residual(lstm:2) > linear:4,bias=false""#);
    assert_eq!(serde_json::from_str::<NetworkSpec>(&json)?, spec);
    assert!(serde_json::from_str::<NetworkSpec>(r#""lstm:0""#).is_err());
    Ok(())
}

#[test]
fn a_deep_nest_is_refused_not_overflown() {
    let nest = |depth: usize| "residual(".repeat(depth) + "tanh" + &")".repeat(depth);
    assert_eq!(failure(&nest(16), &[3]), "no error");
    for depth in [17, 100_000] {
        assert_eq!(failure(&nest(depth), &[3]), "expected at most 16 residuals within each other");
    }
}
