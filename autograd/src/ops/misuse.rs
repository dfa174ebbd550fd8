//! What happens when an op is used wrongly: a panic at the caller's line, with the op's name and the shapes.

use std::cell::RefCell;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;

use thalweg_tensor::{ConvOptions, Norm, Window};

use crate::{Activation, Grads, Params, Pass, RecurrentWeights, Tape, Var};

/// An op, a wrong use of it, and what the message must hold besides the op's name.
type Misuse = (&'static str, for<'p> fn(&'p Pass<'p, f64>), &'static str);

/// A variable of this shape.
fn v<'p, const N: usize>(pass: &'p Pass<'p, f64>, dims: [usize; N]) -> Var<'p, f64> {
    pass.zeros(dims)
}

/// Throws a result away.
fn done<R>(_result: R) {}

/// Weights of a cell for 3 inputs and 2 hidden units.
fn weights<'p>(pass: &'p Pass<'p, f64>, gates: usize) -> RecurrentWeights<'p, f64> {
    RecurrentWeights { weight_ih: v(pass, [gates * 2, 3]), weight_hh: v(pass, [gates * 2, 2]), bias: None }
}

/// Every op that can be used wrongly. Those of one variable that take any shape cannot.
const MISUSES: &[Misuse] = &[
    ("add", |p| done(v(p, [2]) + v(p, [3])), "[2] and [3]"),
    ("sub", |p| done(v(p, [2]) - v(p, [3])), "[2] and [3]"),
    ("mul", |p| done(v(p, [2]) * v(p, [3])), "[2] and [3]"),
    ("div", |p| done(v(p, [2, 2]) / v(p, [3])), "[2, 2] and [3]"),
    ("pow", |p| done(v(p, [2]).pow(v(p, [3]))), "[2] and [3]"),
    ("gt", |p| done(v(p, [2]).gt(v(p, [3]))), "[2] and [3]"),
    ("ge", |p| done(v(p, [2]).ge(v(p, [3]))), "[2] and [3]"),
    ("lt", |p| done(v(p, [2]).lt(v(p, [3]))), "[2] and [3]"),
    ("le", |p| done(v(p, [2]).le(v(p, [3]))), "[2] and [3]"),
    ("eq", |p| done(v(p, [2]).eq(v(p, [3]))), "[2] and [3]"),
    ("ne", |p| done(v(p, [2]).ne(v(p, [3]))), "[2] and [3]"),
    ("clamp", |p| done(v(p, [2]).clamp(2.0, 1.0)), "2 and 1"),
    ("prelu", |p| done(v(p, [2]).prelu(v(p, [3]))), "[2] and [3]"),
    ("celu", |p| done(v(p, [2]).celu(0.0)), "alpha > 0 expected: 0"),
    ("split", |p| done(v(p, [3, 2]).glu(0)), "axis 0 of [3, 2]"),
    ("maximum", |p| done(v(p, [2]).maximum(v(p, [3]))), "[2] and [3]"),
    ("minimum", |p| done(v(p, [2]).minimum(v(p, [3]))), "[2] and [3]"),
    ("where_", |p| done(v(p, [2]).where_(v(p, [2]), v(p, [3]))), "[2], [3] and mask [2]"),
    ("affine", |p| done(v(p, [2]).affine(v(p, [4, 3]), v(p, [4]))), "[2] and [4, 3]"),
    ("affine", |p| done(v(p, [3]).affine(v(p, [4, 3]), v(p, [3]))), "bias [3] for weight [4, 3]"),
    ("linear", |p| done(v(p, [2]).linear(v(p, [4, 3]))), "[2] and [4, 3]"),
    ("linear", |p| done(v(p, [2]).affine_with(v(p, [4, 3]), None, Activation::Relu)), "[2] and [4, 3]"),
    ("affine", |p| done(v(p, [3]).affine_with(v(p, [4, 3]), Some(v(p, [3])), Activation::Relu)), "bias [3]"),
    ("matmul", |p| done(v(p, [2, 3]).matmul(v(p, [4, 5]))), "[2, 3] · [4, 5]"),
    ("matmul", |p| done(v(p, [2, 3, 4]).matmul(v(p, [3, 4, 5]))), "[2, 3, 4] · [3, 4, 5]"),
    ("matmul", |p| done(v(p, [2, 3, 4]).matmul(v(p, [5, 5]))), "[2, 3, 4] · [5, 5]"),
    ("matmul", |p| done(v(p, []).matmul(v(p, [5]))), "[] · [5]"),
    ("matmul", |p| done(v(p, [2, 3]).matmul_transposed(v(p, [3, 4]))), "[2, 3] · [4, 3]"),
    ("matmul", |p| done(v(p, [2, 3]).matmul_transposed(v(p, [3]))), "[3]"),
    ("matmul", |p| done(v(p, [2, 3]).transposed_matmul(v(p, [3, 4]))), "[3, 2] · [3, 4]"),
    ("conv1d", |p| done(v(p, [2, 5]).conv1d(v(p, [4, 3, 2]), None, ConvOptions::default())), "[2, 5] and [4, 3, 2]"),
    ("conv1d", |p| done(v(p, [2, 5]).conv1d(v(p, [4, 2, 6]), None, ConvOptions::default())), "image of [5]"),
    ("conv2d", |p| done(v(p, [5, 5]).conv2d(v(p, [4, 3, 2]), None, ConvOptions::default())), "[5, 5] and [4, 3, 2]"),
    (
        "conv2d",
        |p| done(v(p, [2, 5, 5]).conv2d(v(p, [4, 2, 3, 3]), Some(v(p, [2])), ConvOptions::default())),
        "bias [2] for weight [4, 2, 3, 3]",
    ),
    ("max_pool1d", |p| done(v(p, [2, 3]).max_pool1d(Window::new([4]))), "image of [3]"),
    ("max_pool2d", |p| done(v(p, [3]).max_pool2d(Window::new([2, 2]))), "[3]"),
    ("avg_pool1d", |p| done(v(p, [2, 3]).avg_pool1d(Window::new([2]).padding([2]))), "half the window"),
    ("avg_pool2d", |p| done(v(p, [2, 3]).avg_pool2d(Window::new([2, 2]).stride([0, 1]))), "stride"),
    ("global_avg_pool2d", |p| done(v(p, [3]).global_avg_pool2d()), "[3]"),
    ("sum_axes", |p| done(v(p, [2]).sum_axis(1)), "[2] has no axis 1"),
    ("mean_axes", |p| done(v(p, [2]).mean_axis(1)), "[2] has no axis 1"),
    ("var_axes", |p| done(v(p, [2]).var_axis(1, true)), "[2] has no axis 1"),
    ("cumsum", |p| done(v(p, [2]).cumsum(1)), "axis 1 in [2]"),
    ("sum_axes", |p| done(v(p, [2]).sum_axes(&[1], true)), "[2] has no axis 1"),
    ("mean_axes", |p| done(v(p, [2]).mean_axes(&[1], true)), "[2] has no axis 1"),
    ("var_axes", |p| done(v(p, [2]).var_axes(&[1], true, true)), "[2] has no axis 1"),
    ("norm_axes", |p| done(v(p, [2]).norm_axes(Norm::Two, &[1], true)), "[2] has no axis 1"),
    ("max_axes", |p| done(v(p, [2]).max_axis(1)), "[2] has no axis 1"),
    ("min_axes", |p| done(v(p, [2, 0]).min_axis(1)), "axis 1 of [2, 0]"),
    ("max_axes", |p| done(v(p, [2]).max_axes(&[1], true)), "[2] has no axis 1"),
    ("min_axes", |p| done(v(p, [2, 0]).min_axes(&[1], true)), "axis 1 of [2, 0]"),
    ("log_sum_exp_axes", |p| done(v(p, [2]).log_sum_exp_axes(&[1], true)), "[2] has no axis 1"),
    ("log_sum_exp", |p| done(v(p, []).log_sum_exp()), "[]"),
    ("reshape", |p| done(v(p, [2]).reshape([3])), "[2] has 2 elements, [3] has 3"),
    ("row", |p| done(v(p, [2, 3]).row(2)), "row 2 in [2, 3]"),
    ("rows", |p| done(v(p, [2, 3]).rows(&[2])), "row 2 in [2, 3]"),
    ("rows", |p| done(v(p, [2]).rows(&[2])), "[2]"),
    ("slice", |p| done(v(p, [2]).slice(0, 1..3)), "1..3 of axis 0 of [2]"),
    ("slice", |p| done(v(p, [2]).slice_step(0, 0..2, 0)), "a step of 0 along axis 0 of [2]"),
    ("split", |p| done(v(p, [5]).split::<2>(0)), "axis 0 of [5]"),
    ("concat", |p| done(Var::concat(&[v(p, [2, 3]), v(p, [2, 4])], 0)), "[2, 3] and [2, 4]"),
    ("concat", |_| done(Var::<f64>::concat(&[], 0)), "at least one part"),
    ("stack", |p| done(Var::stack(&[v(p, [2]), v(p, [3])])), "[2] and [3]"),
    ("stack", |p| done(Var::stack_axis(&[v(p, [2])], 2)), "axis 2 is beyond the rank of [2]"),
    ("transpose", |p| done(v(p, [2]).transpose()), "[2]"),
    ("permute", |p| done(v(p, [2, 3]).permute(&[0, 0])), "[0, 0] does not name every axis of [2, 3]"),
    ("broadcast_to", |p| done(v(p, [2]).broadcast_to([3])), "[2] does not stretch to [3]"),
    ("squeeze", |p| done(v(p, [2]).squeeze(0)), "axis 0 of [2]"),
    ("unsqueeze", |p| done(v(p, [2]).unsqueeze(2)), "axis 2 is beyond the rank of [2]"),
    ("unsqueeze", |p| done(v(p, [1; 6]).unsqueeze(0)), "6 axes already"),
    ("pad", |p| done(v(p, [2]).pad(1, 0, 1)), "axis 1 in [2]"),
    ("tril", |p| done(v(p, [2]).tril(0)), "[2]"),
    ("triu", |p| done(v(p, [2]).triu(0)), "[2]"),
    ("gather", |p| done(v(p, [2, 3]).gather(1, &[0, 3])), "element 3 along axis 1 of [2, 3]"),
    ("gather", |p| done(v(p, [2, 3]).gather(2, &[0])), "[2, 3] has no axis 2"),
    ("gather", |p| done(v(p, [2, 3]).gather(1, &[0, 1, 2])), "3 indices for 2 places along axis 1 of [2, 3]"),
    ("index_select", |p| done(v(p, [2, 3]).index_select(2, &[0])), "axis 2 in [2, 3]"),
    ("index_select", |p| done(v(p, [2, 3]).index_select(1, &[3])), "element 3 along axis 1 of [2, 3]"),
    ("scatter_add", |p| done(v(p, [2, 3]).scatter_add(1, &[0, 3], v(p, [2, 1]))), "element 3 along axis 1 of [2, 3]"),
    ("scatter_add", |p| done(v(p, [2, 3]).scatter_add(1, &[0, 2], v(p, [1, 2]))), "[1, 2] for indices [2, 1]"),
    ("top_k", |p| done(v(p, [2, 3]).top_k(4, &mut Vec::new())), "4 largest of 3 in [2, 3]"),
    ("top_k", |p| done(v(p, []).top_k(0, &mut Vec::new())), "[]"),
    ("index_add", |p| done(v(p, [4, 2]).index_add(&[0, 1], v(p, [3, 2]))), "[3, 2] at 2 indices do not fit [4, 2]"),
    ("index_add", |p| done(v(p, [4, 2]).index_add(&[4], v(p, [1, 2]))), "row 4 in [4, 2]"),
    ("standardize", |p| done(v(p, []).standardize(0.1)), "[]"),
    ("layer_norm", |p| done(v(p, [2, 3]).layer_norm(v(p, [2]), v(p, [3]), 0.1)), "[2, 3]: [2] and [3]"),
    (
        "rnn",
        |p| done(v(p, [4, 5]).rnn(v(p, [2]), weights(p, 1), Activation::Tanh, &[])),
        "weight_ih [2, 5] expected, found [2, 3]",
    ),
    ("lstm", |p| done(v(p, [4, 3]).lstm([v(p, [2]), v(p, [3])], weights(p, 4), &[])), "input [4, 3], found [3]"),
    ("lstm", |p| done(v(p, [4, 3]).lstm([v(p, [2]), v(p, [2])], weights(p, 4), &[4, 4])), "2 lengths for 1 sequences"),
    ("gru", |p| done(v(p, [0, 3]).gru(v(p, [2]), weights(p, 3), &[])), "[0, 3]"),
    ("gru", |p| done(v(p, [4, 3]).gru(v(p, [2]), weights(p, 3), &[5])), "lengths of at most 4 steps expected, found 5"),
    (
        "gru",
        |p| done(v(p, [4, 3]).gru(v(p, [2]), RecurrentWeights { weight_hh: v(p, [6]), ..weights(p, 3) }, &[])),
        "[6]",
    ),
    ("softmax", |p| done(v(p, []).softmax()), "[]"),
    ("log_softmax", |p| done(v(p, []).log_softmax()), "[]"),
    ("cross_entropy", |p| done(v(p, [3]).cross_entropy(&[3])), "class 3 in logits [3]"),
    ("cross_entropy", |p| done(v(p, [2, 3]).cross_entropy(&[0])), "[2, 3] and 1 classes"),
    ("bce_with_logits", |p| done(v(p, [2]).bce_with_logits(v(p, [3]))), "[2] and target [3]"),
    ("mse", |p| done(v(p, [2]).mse(v(p, [3]))), "[2] and target [3]"),
    // What is no op, but is used with them.
    ("item", |p| done(v(p, [2]).item()), "[2]"),
    ("copy_to", |p| v(p, [2]).copy_to(&mut [0.0; 3]), "[2], the slice has length 3"),
    ("grad_to", |p| v(p, [2]).grad_to(&mut [0.0; 3]), "[2] into a slice of 3"),
    ("backward", |p| v(p, [2]).backward(&mut Grads::like(p.params())), "[2]; give a cotangent"),
    ("backward", |p| v(p, [2]).backward_from(&[1.0], &mut Grads::like(p.params())), "[2], the cotangent has length 1"),
    ("check_finite_gradient", |p| done(v(p, [2]).check_finite_gradient()), "[2]"),
];

thread_local! {
    /// The file and the message of this thread's last panic, where this file has asked for it.
    static LAST: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Runs `wrong`, which must panic: the file that the panic names, and its message.
fn panic_of(wrong: impl FnOnce()) -> (String, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let listening = LAST.with_borrow_mut(|last| {
                let file = info.location().map(|location| location.file().to_owned());
                let message = info.payload_as_str().map(str::to_owned);
                last.as_mut().map(|last| *last = (file.unwrap_or_default(), message.unwrap_or_default()))
            });
            if listening.is_none() {
                before(info);
            }
        }));
    });
    LAST.set(Some(Default::default()));
    let result = panic::catch_unwind(AssertUnwindSafe(wrong));
    let last = LAST.take();
    assert!(result.is_err(), "it did not panic");
    last.unwrap_or_default()
}

#[test]
fn a_wrong_use_panics_where_it_is_called_with_the_ops_name_and_the_shapes() {
    let mut faults = Vec::new();
    for (op, wrong, holds) in MISUSES {
        let (params, mut tape) = (Params::new(), Tape::new());
        let pass = tape.pass(&params);
        let (file, message) = panic_of(|| wrong(&pass));
        if file != file!() || !message.starts_with(&format!("{op}: ")) || !message.contains(holds) {
            faults.push(format!("{op}, expected {holds}: at {file}: {message}"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_variable_of_another_pass_is_caught() {
    let (params, mut tape, mut other) = (Params::<f64>::new(), Tape::new(), Tape::new());
    let (here, there) = (tape.pass(&params), other.pass(&params));
    let (a, b) = (here.zeros([2]), there.zeros([2]));
    let (file, message) = panic_of(|| done(a + b));
    assert_eq!((&*file, &*message), (file!(), "add: input 1 is a variable of another pass"));
    let (file, message) = panic_of(|| done(Var::stack(&[a, b])));
    assert_eq!((&*file, &*message), (file!(), "stack: input 1 is a variable of another pass"));
}

/// A method whose docs have a section on panics.
struct Panicking {
    file: PathBuf,
    name: String,
    tracked: bool,
}

/// Those of every source file under `directory`.
fn panicking(directory: &Path, found: &mut Vec<Panicking>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let file = entry?.path();
        if file.is_dir() {
            panicking(&file, found)?;
            continue;
        }
        let (mut panics, mut tracked) = (false, false);
        for line in fs::read_to_string(&file)?.lines().map(str::trim_start) {
            panics |= line.starts_with("/// # Panics");
            tracked |= line.starts_with("#[track_caller]");
            if let Some(signature) = line.strip_prefix("pub fn ").filter(|_| panics) {
                let name = signature.split(['(', '<']).next().unwrap_or_default().to_owned();
                found.push(Panicking { file: file.clone(), name, tracked });
            }
            if !line.starts_with("///") && !line.starts_with("#[") {
                (panics, tracked) = (false, false);
            }
        }
    }
    Ok(())
}

/// Where it says that it panics, it must say where: without `#[track_caller]` the panic names a line of the library.
#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_method_with_a_panics_section_tracks_its_caller() -> std::io::Result<()> {
    let mut found = Vec::new();
    panicking(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found)?;
    assert!(found.len() > 90, "the scan found only {} methods", found.len());
    for Panicking { file, name, tracked } in found {
        assert!(tracked, "{}: {name} lacks #[track_caller]", file.display());
    }
    Ok(())
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn every_op_with_a_panics_section_is_misused() -> std::io::Result<()> {
    let (mut found, here) = (Vec::new(), include_str!("misuse.rs"));
    panicking(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops"), &mut found)?;
    let used = |name: &str| {
        [format!(".{name}("), format!(".{name}::<"), format!("::{name}(")].iter().any(|call| here.contains(call))
    };
    for Panicking { file, name, .. } in found {
        assert!(used(&name), "{}: {name} has no line in the table of misuse.rs", file.display());
    }
    Ok(())
}
