//! What several of the tests need: cells of every form, states with gradients, sizes, bits.

use proptest::prelude::*;
use thalweg_autograd::{Params, Pass, Var};
use thalweg_nn::{Activation, Carried, Cell, CellOptions, Stackable, State};
use thalweg_nn::{Gru, GruForm, LayerNormLstm, Lstm, LstmForm, Reset, Rnn, RnnForm, Update};
use thalweg_tensor::{Real, Rng, Tensor};

/// A cell that tests can make, in every form it has, and whose state they can see.
pub trait Testable: Stackable {
    /// How many forms there are. Form 0 is PyTorch's default.
    const FORMS: usize;
    /// How many tensors the state has.
    const PARTS: usize = <Self::State<'static, f64>>::PARTS;

    /// One of the forms.
    fn form(index: usize) -> Self::Form;

    /// Adds a cell of this form to θ.
    fn create<T: Real>(
        params: &mut Params<T>,
        name: &str,
        [inputs, hidden]: [usize; 2],
        form: usize,
        bias: bool,
        rng: &mut Rng,
    ) -> Self {
        Self::layer(params, [name, "l0"], &CellOptions { inputs, hidden, bias, form: Self::form(form) }, rng)
    }

    /// The state made of these tensors, in PyTorch's order.
    fn join<'p, T: Real>(parts: &[Var<'p, T>]) -> Self::State<'p, T> {
        Carried::build(|index| parts[index])
    }

    /// The tensors that make the state.
    fn parts<'p, T: Real>(state: Self::State<'p, T>) -> Vec<Var<'p, T>> {
        (0..Self::PARTS).map(|index| state.part(index)).collect()
    }
}

impl Testable for Rnn {
    const FORMS: usize = 3;

    fn form(index: usize) -> RnnForm {
        [Activation::Tanh, Activation::Relu, Activation::Sigmoid][index].into()
    }
}

impl Testable for Lstm {
    const FORMS: usize = 1;

    fn form(_: usize) -> LstmForm {
        LstmForm::default()
    }
}

impl Testable for LayerNormLstm {
    const FORMS: usize = 1;

    fn form(_: usize) -> LstmForm {
        LstmForm::default()
    }
}

/// Every combination of the two choices that the published equations differ in.
pub const GRU_FORMS: [GruForm; 4] = [
    GruForm::PYTORCH,
    GruForm::CHUNG,
    GruForm { reset: Reset::After, update: Update::Takes },
    GruForm { reset: Reset::Before, update: Update::Keeps },
];

impl Testable for Gru {
    const FORMS: usize = GRU_FORMS.len();

    fn form(index: usize) -> GruForm {
        GRU_FORMS[index]
    }
}

/// Checks a law, `law::<Cell>(form, sizes)?`, for the cells of PyTorch, in each of their forms.
macro_rules! for_every_cell {
    ($law:ident, $sizes:expr) => {{
        for form in 0..<thalweg_nn::Rnn as $crate::support::Testable>::FORMS {
            $law::<thalweg_nn::Rnn>(form, $sizes)?;
        }
        $law::<thalweg_nn::Lstm>(0, $sizes)?;
        for form in 0..$crate::support::GRU_FORMS.len() {
            $law::<thalweg_nn::Gru>(form, $sizes)?;
        }
    }};
}
pub(crate) use for_every_cell;

/// The sizes of a random case, and the seed of its numbers.
#[derive(Clone, Debug)]
pub struct Sizes {
    pub inputs: usize,
    pub hidden: usize,
    /// `None`: one example without the leading axis.
    pub batch: Option<usize>,
    pub steps: usize,
    pub bias: bool,
    pub seed: u64,
}

/// Inputs and hidden units up to `width`; perhaps a batch, on both sides of the 16 rows above which GEMM takes over.
pub fn sizes(width: usize) -> impl Strategy<Value = Sizes> {
    let batch = prop::option::of(prop_oneof![1usize..7, 15usize..20]);
    (1..=width, 1..=width, batch, 1usize..5, any::<bool>(), any::<u64>())
        .prop_map(|(inputs, hidden, batch, steps, bias, seed)| Sizes { inputs, hidden, batch, steps, bias, seed })
}

impl Sizes {
    /// `[width]`, or `[n, width]` for a batch.
    pub fn one(&self, width: usize) -> Vec<usize> {
        self.batch.into_iter().chain([width]).collect()
    }

    /// A random sequence: `[steps, inputs]` or `[steps, n, inputs]`.
    pub fn sequence<T: Real>(&self, rng: &mut Rng) -> Tensor<T> {
        let shape = [&[self.steps], self.one(self.inputs).as_slice()].concat();
        Tensor::uniform(shape.as_slice(), -1.5, 1.5, rng)
    }

    /// A random state, as if something had happened before.
    pub fn state<C: Testable, T: Real>(&self, rng: &mut Rng) -> State<T> {
        let part = |_| Tensor::uniform(self.one(self.hidden).as_slice(), -1.0, 1.0, rng);
        State { parts: (0..C::PARTS).map(part).collect() }
    }

    /// A cell of these sizes, alone in its θ.
    pub fn cell<C: Testable, T: Real>(&self, form: usize, rng: &mut Rng) -> (Params<T>, C) {
        let mut params = Params::new();
        let cell = C::create(&mut params, "cell", [self.inputs, self.hidden], form, self.bias, rng);
        (params, cell)
    }
}

/// A sequence through a cell by single steps, from a carried state: what learners do. The outputs, one after another.
pub fn by_steps<'p, C: Cell, T: Real>(
    cell: &C,
    pass: &'p Pass<'p, T>,
    x: &Tensor<T>,
    mut state: C::State<'p, T>,
) -> (Vec<T>, C::State<'p, T>) {
    let (x, mut outputs) = (pass.input(x), Vec::new());
    for t in 0..x.shape().dims()[0] {
        let (output, next) = cell.step(x.row(t), state);
        output.with(|y| outputs.extend_from_slice(y));
        state = next;
    }
    (outputs, state)
}

/// The bit patterns: what "equal to the bit" compares.
pub fn bits<T: Real>(numbers: &[T]) -> Vec<u64> {
    numbers.iter().map(|x| x.bits()).collect()
}

/// Panics, naming what differs, unless all numbers agree to `tolerance` (relative; absolute below 1).
#[track_caller]
pub fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths differ");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let error = (f - e).abs() / e.abs().max(1.0);
        assert!(error <= tolerance, "{what}[{i}]: found {f}, expected {e}");
    }
}
