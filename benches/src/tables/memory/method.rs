//! What is compared: recurrent layers, and the rules that they learn by.

use std::fmt;

use super::task::Task;

/// A recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    Rnn,
    Gru,
    Lstm,
    Lru,
    Rtu,
    Elstm,
}

/// How it comes by its gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Rtrl,
    Snap1,
    Uoro,
    Rflo,
    /// The traces of a layer in which no unit hears another.
    Exact,
    /// At every symbol, through so many.
    Tbptt(usize),
    /// Not at all: the head alone learns.
    Output,
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Method {
    pub layer: Layer,
    pub units: usize,
    pub rule: Rule,
    /// γ of Adam's rate γ / (1 + α √t).
    pub rate: f64,
}

/// What `--search` tries. The rates below are what it found.
pub const RATES: [f64; 7] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1];

const fn line(layer: Layer, units: usize, rule: Rule, rate: f64) -> Method {
    Method { layer, units, rule, rate }
}

/// Of the add task: the 32 units of Marschall et al. (2020), half as many where there are gates.
const ADD: [Method; 25] = [
    line(Layer::Rnn, 32, Rule::Rtrl, 0.003),
    line(Layer::Rnn, 32, Rule::Snap1, 0.001),
    line(Layer::Rnn, 32, Rule::Uoro, 0.001),
    line(Layer::Rnn, 32, Rule::Rflo, 0.003),
    line(Layer::Rnn, 32, Rule::Tbptt(1), 0.0003),
    line(Layer::Rnn, 32, Rule::Tbptt(2), 0.0003),
    line(Layer::Rnn, 32, Rule::Tbptt(16), 0.003),
    line(Layer::Rnn, 32, Rule::Output, 0.01),
    line(Layer::Gru, 16, Rule::Rtrl, 0.01),
    line(Layer::Gru, 16, Rule::Snap1, 0.01),
    line(Layer::Gru, 16, Rule::Uoro, 0.003),
    line(Layer::Gru, 16, Rule::Tbptt(1), 0.001),
    line(Layer::Gru, 16, Rule::Tbptt(2), 0.001),
    line(Layer::Gru, 16, Rule::Tbptt(16), 0.003),
    line(Layer::Gru, 16, Rule::Output, 0.01),
    line(Layer::Lstm, 16, Rule::Rtrl, 0.003),
    line(Layer::Lstm, 16, Rule::Snap1, 0.01),
    line(Layer::Lstm, 16, Rule::Uoro, 0.003),
    line(Layer::Lstm, 16, Rule::Tbptt(1), 0.001),
    line(Layer::Lstm, 16, Rule::Tbptt(2), 0.003),
    line(Layer::Lstm, 16, Rule::Tbptt(16), 0.003),
    line(Layer::Lstm, 16, Rule::Output, 0.03),
    line(Layer::Lru, 32, Rule::Exact, 0.003),
    line(Layer::Rtu, 32, Rule::Exact, 0.003),
    line(Layer::Elstm, 32, Rule::Exact, 0.03),
];

const RNN_BY_RTRL: Method = line(Layer::Rnn, 16, Rule::Rtrl, 0.003);

/// Of aⁿbⁿ: the 64 units of Tallec & Ollivier (2018), but for RTRL, which costs n⁴. Their program has both an LSTM and a GRU,
/// which it takes for this stream unless told otherwise.
const AN_BN: [Method; 22] = [
    RNN_BY_RTRL,
    line(Layer::Rnn, 64, Rule::Snap1, 0.003),
    line(Layer::Rnn, 64, Rule::Uoro, 0.001),
    line(Layer::Rnn, 64, Rule::Rflo, 0.001),
    line(Layer::Rnn, 64, Rule::Tbptt(1), 0.003),
    line(Layer::Rnn, 64, Rule::Tbptt(2), 0.001),
    line(Layer::Rnn, 64, Rule::Tbptt(16), 0.001),
    line(Layer::Rnn, 64, Rule::Output, 0.01),
    line(Layer::Gru, 64, Rule::Snap1, 0.0003),
    line(Layer::Gru, 64, Rule::Uoro, 0.001),
    line(Layer::Gru, 64, Rule::Tbptt(1), 0.001),
    line(Layer::Gru, 64, Rule::Tbptt(2), 0.001),
    line(Layer::Gru, 64, Rule::Tbptt(16), 0.0003),
    line(Layer::Gru, 64, Rule::Output, 0.01),
    line(Layer::Lstm, 16, Rule::Rtrl, 0.01),
    line(Layer::Lstm, 64, Rule::Snap1, 0.003),
    line(Layer::Lstm, 64, Rule::Uoro, 0.001),
    line(Layer::Lstm, 64, Rule::Tbptt(1), 0.003),
    line(Layer::Lstm, 64, Rule::Tbptt(2), 0.01),
    line(Layer::Lstm, 64, Rule::Tbptt(16), 0.001),
    line(Layer::Lstm, 64, Rule::Output, 0.03),
    line(Layer::Elstm, 64, Rule::Exact, 0.01),
];

/// Of aⁿbⁿ, too: those that are still learning when the others have learned.
const AN_BN_LONGER: [Method; 3] = [
    line(Layer::Gru, 16, Rule::Rtrl, 0.001),
    line(Layer::Lru, 64, Rule::Exact, 0.003),
    line(Layer::Rtu, 64, Rule::Exact, 0.01),
];

/// Once more, for longer: what is still falling at the end of the first.
const AN_BN_LONGEST: [Method; 1] = [RNN_BY_RTRL];

/// Every table: the task, who learns it, and how many symbols of it.
pub const TABLES: [(Task, &[Method], usize); 6] = [
    (Task::Add([4, 6]), &ADD, 80_000),
    (Task::Add([6, 10]), &ADD, 80_000),
    (Task::Add([10, 15]), &ADD, 80_000),
    (Task::AnBn, &AN_BN, 300_000),
    (Task::AnBn, &AN_BN_LONGER, 2_000_000),
    (Task::AnBn, &AN_BN_LONGEST, 4_000_000),
];

impl Layer {
    /// Whether its state is linear in the past.
    pub fn is_linear(self) -> bool {
        matches!(self, Layer::Lru | Layer::Rtu)
    }
}

impl Rule {
    /// Whether the gradient is the whole one.
    pub fn is_exact(self) -> bool {
        matches!(self, Rule::Rtrl | Rule::Exact)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::Rnn => "RNN",
            Layer::Gru => "GRU",
            Layer::Lstm => "LSTM",
            Layer::Lru => "LRU",
            Layer::Rtu => "RTU",
            Layer::Elstm => "eLSTM",
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Rtrl => f.write_str("RTRL"),
            Rule::Snap1 => f.write_str("SnAp-1"),
            Rule::Uoro => f.write_str("UORO"),
            Rule::Rflo => f.write_str("RFLO, of units that leak"),
            Rule::Exact => f.write_str("exact traces"),
            Rule::Tbptt(back) => write!(f, "TBPTT({back})"),
            Rule::Output => f.write_str("output only"),
        }
    }
}

/// The layer with its units, and the rule.
impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.layer, self.units, self.rule)
    }
}
