//! What learns a stream: a recurrent layer by a rule, and a head that reads it, symbol by symbol.

use thalweg_autograd::{Activation, Grads, Param, Params, Tape, Var};
use thalweg_nn::{
    Adam, Cell, CellOptions, Elstm, Gru, LeakyRnn, Linear, Lru, LruForm, Lstm, Optimizer, Rnn, Rtu, RtuForm, Tbptt,
    init,
};
use thalweg_online::recurrent::{Rflo, Rtrl, Snap1, Traced, TracedElstm, TracedLru, TracedRtu, Uoro};
use thalweg_tensor::Rng;

use super::method::{Layer, Method, Rule};
use super::task::Task;

/// How the learning rate falls: γ / (1 + α √t), α of Tallec & Ollivier (2018).
const ALPHA: f64 = 0.03;
/// Which part of the state of a leaky unit is new, for RFLO: one of those of Marschall et al. (2020).
const LEAK: f64 = 0.5;
/// How many rectifiers read linear units.
const READERS: usize = 32;

/// The losses of a run: means over stretches of so many symbols, each said before it is learned.
///
/// # Panics
/// If the rule is not for such a layer.
pub fn run(method: &Method, rate: f64, task: Task, seed: u64, steps: usize, stretch: usize) -> Vec<f64> {
    let (mut params, mut rng) = (Params::new(), Rng::new(seed));
    let mut body = body(method, task.symbols(), &mut params, &mut rng, seed);
    let mut rest = Rest::new(method, task.symbols(), rate, params, &mut rng);
    let mut stream = task.stream(seed);
    let mut losses = vec![0.0; steps / stretch];
    let mut x = vec![0.0; task.symbols()];
    let nats = task.unit().1;
    for step in 0..steps {
        let [symbol, target] = stream.draw();
        x.fill(0.0);
        x[symbol] = 1.0;
        rest.adam.learning_rate = rate / (1.0 + ALPHA * (step as f64).sqrt());
        let loss = body.learn(&x, target, &mut rest);
        if let Some(sum) = losses.get_mut(step / stretch) {
            *sum += loss / nats / stretch as f64;
        }
    }
    losses
}

/// All but the recurrent layer.
struct Rest {
    params: Params,
    grads: Grads,
    tape: Tape,
    adam: Adam,
    head: Head,
}

impl Rest {
    fn new(method: &Method, symbols: usize, rate: f64, mut params: Params, rng: &mut Rng) -> Self {
        let Method { layer, units, .. } = *method;
        let readers = layer.is_linear().then(|| Linear::new(&mut params, "readers", units, READERS, rng));
        let inputs = if layer.is_linear() { READERS } else { units };
        let head = Head { readers, last: Linear::new(&mut params, "head", inputs, symbols, rng) };
        Rest { grads: Grads::like(&params), params, tape: Tape::new(), adam: Adam::new(rate), head }
    }
}

/// What reads the recurrent layer: a linear layer, behind rectifiers if the units are linear.
#[derive(Clone, Copy)]
struct Head {
    readers: Option<Linear>,
    last: Linear,
}

impl Head {
    /// `[…, units]` → logits `[…, symbols]`.
    fn forward<'p>(&self, h: Var<'p>) -> Var<'p> {
        self.last.forward(self.readers.map_or(h, |readers| readers.forward_with(h, Activation::Relu)))
    }
}

/// A recurrent layer that learns.
trait Body {
    /// Learns a symbol, and returns its loss before the step.
    fn learn(&mut self, x: &[f32], target: usize, rest: &mut Rest) -> f64;
}

/// By traces.
struct ByTraces {
    layer: Box<dyn Traced>,
    /// Whether the layer learns at all.
    learns: bool,
    dh: Vec<f32>,
    dx: Vec<f32>,
}

impl Body for ByTraces {
    fn learn(&mut self, x: &[f32], target: usize, rest: &mut Rest) -> f64 {
        let Rest { params, grads, tape, adam, head } = rest;
        let h = self.layer.step(params, x);
        self.dh.resize(h.len(), 0.0);
        let pass = tape.pass(params);
        let h = pass.leaf(h);
        let loss = head.forward(h).cross_entropy(&[target]);
        let said = f64::from(loss.item());
        loss.backward(grads);
        if self.learns {
            h.grad_to(&mut self.dh);
            self.dx.resize(x.len(), 0.0);
            self.layer.learn(params, &self.dh, grads, &mut self.dx);
        }
        adam.step(params, grads);
        said
    }
}

/// Through a window.
struct ByWindow<C> {
    cell: C,
    window: Tbptt,
}

impl<C: Cell> Body for ByWindow<C> {
    fn learn(&mut self, x: &[f32], target: usize, rest: &mut Rest) -> f64 {
        let Rest { params, grads, tape, adam, head } = rest;
        self.window.push(x);
        let pass = tape.pass(params);
        let outputs = self.window.outputs(&pass, || self.cell.start(&pass, None), |x, h| self.cell.sequence(x, h));
        let loss = head.forward(outputs).cross_entropy(&[target]);
        let said = f64::from(loss.item());
        loss.backward(grads);
        adam.step(params, grads);
        said
    }
}

/// Weights of inputs that are 0 but for one: normal, of the variance 1/symbols, so that a symbol is heard from the first step on.
/// Uniform in ±1/√units it is drowned by the state. Those of Marschall et al. (2020), and what Tallec & Ollivier (2018) come to
/// by vectors of symbols under a linear layer.
fn hear(params: &mut Params, weights: Param, symbols: usize, rng: &mut Rng) {
    init::restart(params, weights, |_| init::normal((symbols as f64).sqrt().recip(), rng));
}

fn body(method: &Method, symbols: usize, params: &mut Params, rng: &mut Rng, seed: u64) -> Box<dyn Body> {
    let Method { layer, units, rule, .. } = *method;
    let by = |layer: Box<dyn Traced>| -> Box<dyn Body> {
        Box::new(ByTraces { layer, learns: rule != Rule::Output, dh: Vec::new(), dx: Vec::new() })
    };
    fn window<C: Cell + 'static>(cell: C, back: usize) -> Box<dyn Body> {
        Box::new(ByWindow { cell, window: Tbptt::new(1, back) })
    }
    let ring = LruForm { r_min: 0.9, r_max: 0.999, ..LruForm::default() };
    macro_rules! rules {
        ($cell:expr; $($pattern:pat => $rule:expr),*) => {
            match rule {
                Rule::Rtrl => by(Box::new(Rtrl::new($cell, params))),
                Rule::Uoro => by(Box::new(Uoro::new($cell, seed, params))),
                Rule::Tbptt(back) => window($cell, back),
                $($pattern => by(Box::new($rule)),)*
                _ => panic!("{layer} does not learn by {rule}"),
            }
        };
    }
    match layer {
        Layer::Rnn => {
            let rnn = Rnn::new(params, "rnn", symbols, units, rng);
            hear(params, rnn.weights().weight_ih, symbols, rng);
            init::restart(params, rnn.weights().weight_hh, |shape| init::orthogonal(shape, 1.0, rng));
            let leaky = LeakyRnn { rnn, alpha: LEAK };
            rules!(rnn; Rule::Snap1 | Rule::Output => Snap1::new(rnn, params), Rule::Rflo => Rflo::rflo(leaky, params))
        }
        Layer::Gru => {
            let gru = Gru::new(params, "gru", symbols, units, rng);
            hear(params, gru.weights().weight_ih, symbols, rng);
            rules!(gru; Rule::Snap1 | Rule::Output => Snap1::new(gru, params))
        }
        Layer::Lstm => {
            let lstm = Lstm::new(params, "lstm", symbols, units, rng);
            hear(params, lstm.weights().weight_ih, symbols, rng);
            rules!(lstm; Rule::Snap1 | Rule::Output => Snap1::new(lstm, params))
        }
        Layer::Lru => {
            let lru = Lru::with(params, "lru", CellOptions::new(symbols, units).form(ring), rng);
            rules!(lru; Rule::Exact => TracedLru::new(lru, params))
        }
        Layer::Rtu => {
            let form = RtuForm { activation: Activation::Identity, ring };
            let rtu = Rtu::with(params, "rtu", CellOptions::new(symbols, units).form(form), rng);
            rules!(rtu; Rule::Exact => TracedRtu::new(rtu, params))
        }
        Layer::Elstm => {
            let elstm = Elstm::new(params, "elstm", symbols, units, rng);
            hear(params, elstm.weight_ih, symbols, rng);
            rules!(elstm; Rule::Exact => TracedElstm::new(elstm, params))
        }
    }
}
