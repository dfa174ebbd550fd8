//! W9: what a recurrent layer's gradient costs at every step, by every rule, in time and memory.
//!
//! A step is `x_t → h_t` with the traces, and then the gradient of a loss whose ∂L/∂h is given; neither a head nor an optimizer. The
//! layer has 16 inputs. TBPTT(16) runs and goes back through 16 steps at every one, TBPTT(1) through none but the newest: the
//! least that a gradient costs. All rules of one size, and a step of each cell without any gradient (`forward`), are timed in
//! turn; `times` is how many forward steps of its cell a step takes, and in it, as wherever times are compared, the shortest of
//! each counts.
//! `traces` are the bytes that the rule says it keeps between steps; `held` is what a layer takes of the system, with θ, the
//! gradient and its tapes.
//!
//! | line | gate |
//! |---|---|
//! | `growth`: of the time from 64 to 512 units, beside the growth of P; rules that cost O(P) | at most 2 |
//! | `snap-1`: of an LSTM of 128 units, in forward steps | at most 3 |
//! | `flat`: allocations between 10³ and 10⁶ steps, and bytes more, of 4 units | 0 |
//!
//! `snap-1` is not passed. Time is bytes here: a forward step reads P weights, a gradient is read and written, and so are the
//! traces, of an LSTM two. Of 128 units TBPTT(1), which keeps nothing of the past, takes 2.2 forward steps; SnAp-1 takes 5.0 of an
//! RNN, with a trace, 5.4 of a GRU, and 7.9 of an LSTM, whose weights, traces and gradient are 1.2 MB. Within three forward steps
//! there is room to read less than one trace. In one sweep that moves traces on and adds to the gradient, instead of two, the LSTM
//! was as slow.
//!
//! PyTorch beside it: a window of 16 steps and its gradient, with a head and Adam, which is what TBPTT(16) at every step would
//! cost there. In the folder of the peers' programs: `python w4_online_rnn.py --peers torch --hidden 16,32,64,128,256,512`,
//! lines of `T` 16.

use std::hint::black_box;

use serde_json::json;
use thalweg_autograd::{Grads, Params, Tape};
use thalweg_benches::Stream;
use thalweg_nn::{Cell, Elstm, Gru, LeakyRnn, Lru, Lstm, Rnn, Rtu, State, Tbptt};
use thalweg_online::recurrent::{KfRtrl, Rflo, Rtrl, Snap1, Traced, TracedElstm, TracedLru, TracedRtu, Uoro};
use thalweg_tensor::Rng;

use crate::data;
use crate::timing::{Timer, Unit};

const INPUTS: usize = 16;
const UNITS: [usize; 6] = [16, 32, 64, 128, 256, 512];
/// RTRL costs n⁴: no further than this.
const MOST_OF_RTRL: usize = 64;
/// Of TBPTT.
const WINDOW: usize = 16;
/// From how many units to how many a time should grow like P.
const GROWS: [usize; 2] = [64, 512];
/// How much more than P.
const GROWTH: f64 = 2.0;
/// How many forward steps SnAp-1 may take of an LSTM of so many units.
const SNAP1: (usize, f64) = (128, 3.0);
/// Between how many steps memory must stay what it is, and of how many units: time for a million steps is short.
const FLAT: [u64; 2] = [1000, 1_000_000];
const FLAT_UNITS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Rnn,
    Gru,
    Lstm,
    Lru,
    Rtu,
    Elstm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Forward,
    Rtrl,
    Snap1,
    Eprop,
    Uoro,
    KfRtrl,
    Rflo,
    Exact,
    Tbptt(usize),
}

/// Every line: which rule, of which cells.
const RULES: [(Rule, &[Kind]); 10] = {
    use Kind::{Elstm, Gru, Lru, Lstm, Rnn, Rtu};
    [
        (Rule::Forward, &[Rnn, Gru, Lstm, Lru, Rtu, Elstm]),
        (Rule::Rtrl, &[Rnn, Gru, Lstm]),
        (Rule::Snap1, &[Rnn, Gru, Lstm]),
        (Rule::Eprop, &[Rnn, Gru, Lstm]),
        (Rule::Uoro, &[Rnn, Gru, Lstm]),
        (Rule::KfRtrl, &[Rnn]),
        (Rule::Rflo, &[Rnn]),
        (Rule::Exact, &[Lru, Rtu, Elstm]),
        (Rule::Tbptt(1), &[Rnn, Gru, Lstm]),
        (Rule::Tbptt(WINDOW), &[Rnn, Gru, Lstm]),
    ]
};

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Rnn => "rnn",
            Kind::Gru => "gru",
            Kind::Lstm => "lstm",
            Kind::Lru => "lru",
            Kind::Rtu => "rtu",
            Kind::Elstm => "elstm",
        }
    }
}

impl Rule {
    fn name(self) -> String {
        let name = match self {
            Rule::Forward => "forward",
            Rule::Rtrl => "rtrl",
            Rule::Snap1 => "snap-1",
            Rule::Eprop => "e-prop",
            Rule::Uoro => "uoro",
            Rule::KfRtrl => "kf-rtrl",
            Rule::Rflo => "rflo",
            Rule::Exact => "exact",
            Rule::Tbptt(window) => return format!("tbptt({window})"),
        };
        name.to_owned()
    }

    /// Whether it is meant to cost O(P).
    fn is_linear(self) -> bool {
        !matches!(self, Rule::Forward | Rule::Rtrl | Rule::KfRtrl)
    }

    fn reaches(self, units: usize) -> bool {
        self != Rule::Rtrl || units <= MOST_OF_RTRL
    }
}

/// The lines of layers of so many units.
fn lines(units: usize) -> impl Iterator<Item = (Rule, Kind)> {
    let all = RULES.into_iter().flat_map(|(rule, kinds)| kinds.iter().map(move |&kind| (rule, kind)));
    all.filter(move |(rule, _)| rule.reaches(units))
}

/// Microseconds a step, and the gates.
pub fn measure(timer: &Timer) -> bool {
    let mut passes = true;
    let mut shortest = Vec::new();
    for units in UNITS {
        let lines: Vec<(Rule, Kind)> = lines(units).collect();
        let mut layers: Vec<Layer> = lines.iter().map(|&(rule, kind)| Layer::new(rule, kind, units)).collect();
        let sizes: Vec<[usize; 3]> =
            layers.iter().map(|layer| [layer.parameters(), layer.traces(), layer.held]).collect();
        let mut calls: Vec<Box<dyn FnMut() + '_>> = Vec::new();
        for layer in &mut layers {
            calls.push(Box::new(move || layer.step()));
        }
        let seconds = timer.in_turn(&mut calls);
        let forward = |kind: Kind| {
            let of_cell = lines.iter().position(|line| *line == (Rule::Forward, kind));
            of_cell.map_or(f64::NAN, |line| seconds[line][0])
        };
        for ((&(rule, kind), seconds), [parameters, traces, held]) in lines.iter().zip(&seconds).zip(sizes) {
            let times = seconds[0] / forward(kind);
            let mut params = json!({
                "rule": rule.name(), "cell": kind.name(), "h": units, "input": INPUTS, "P": parameters,
                "traces": traces, "held": held, "times": times,
            });
            if (rule, kind, units) == (Rule::Snap1, Kind::Lstm, SNAP1.0) {
                params["at most"] = SNAP1.1.into();
                params["passes"] = (times <= SNAP1.1).into();
                passes &= times <= SNAP1.1;
            }
            timer.print_all("W9", params, Unit::Microseconds, seconds);
            shortest.push(((rule, kind, units), seconds[0], parameters as f64));
        }
    }
    let of = |rule, kind, units| shortest.iter().find(|(line, ..)| *line == (rule, kind, units));
    for (rule, kind) in lines(GROWS[1]).filter(|(rule, _)| rule.is_linear()) {
        if let (Some((_, from, fewer)), Some((_, to, more))) = (of(rule, kind, GROWS[0]), of(rule, kind, GROWS[1])) {
            let expected = from * more / fewer;
            let params = json!({
                "what": "growth", "rule": rule.name(), "cell": kind.name(), "h": GROWS,
                "at most": GROWTH, "passes": to / expected <= GROWTH,
            });
            timer.print("W9", params, Unit::Times(expected), *to);
            passes &= to / expected <= GROWTH;
        }
    }
    for (rule, kind) in lines(FLAT_UNITS) {
        let mut layer = Layer::new(rule, kind, FLAT_UNITS);
        let [first, last] = FLAT;
        (0..first).for_each(|_| layer.step());
        let before = layer.traces();
        let later = allocation_counter::measure(|| (first..last).for_each(|_| layer.step()));
        let more = layer.traces().abs_diff(before);
        passes &= later.count_total == 0 && more == 0;
        println!(
            "{}",
            json!({
                "workload": "W9", "peer": "thalweg", "version": env!("CARGO_PKG_VERSION"), "unit": "allocations",
                "params": {
                    "what": "flat", "rule": rule.name(), "cell": kind.name(), "h": FLAT_UNITS, "steps": FLAT,
                    "bytes more": more, "at most": 0, "passes": later.count_total == 0 && more == 0,
                },
                "value": later.count_total,
            })
        );
    }
    passes
}

/// A layer that takes steps, with all that it needs.
struct Layer {
    params: Params,
    grads: Grads,
    stream: Stream,
    dh: Vec<f32>,
    dx: Vec<f32>,
    body: Box<dyn Body>,
    /// How many bytes it took to be made and to take its first steps, and has not given back.
    held: usize,
}

/// What a step is.
trait Body {
    fn step(&mut self, params: &Params, x: &[f32], dh: &[f32], grads: &mut Grads, dx: &mut [f32]);

    /// How many bytes are kept between steps.
    fn traces(&self) -> usize;
}

impl Layer {
    /// It has taken its first steps: no buffer will grow.
    fn new(rule: Rule, kind: Kind, units: usize) -> Self {
        let stream = data::numbers(INPUTS);
        let mut made = None;
        let taken = allocation_counter::measure(|| {
            let mut params = Params::new();
            let body = body(rule, kind, units, &mut params);
            let (grads, dx) = (Grads::like(&params), vec![0.0; INPUTS]);
            let dh = (0..units).map(|k| if k % 2 == 0 { 1e-3 } else { -1e-3 }).collect();
            let mut layer = Layer { params, grads, stream, dh, dx, body, held: 0 };
            (0..2 * WINDOW).for_each(|_| layer.step());
            made = Some(layer);
        });
        let layer = made.expect("it was made");
        Layer { held: usize::try_from(taken.bytes_current).unwrap_or(0), ..layer }
    }

    fn step(&mut self) {
        let Layer { params, grads, stream, dh, dx, body, .. } = self;
        let (x, _) = stream.next(1);
        body.step(params, x, dh, grads, dx);
        black_box(dx);
    }

    fn parameters(&self) -> usize {
        self.params.layout().entries().iter().map(|entry| entry.shape().len()).sum()
    }

    fn traces(&self) -> usize {
        self.body.traces()
    }
}

fn body(rule: Rule, kind: Kind, units: usize, params: &mut Params) -> Box<dyn Body> {
    const SEED: u64 = 1;
    let rng = &mut Rng::new(SEED);
    macro_rules! of {
        ($cell:ident: $new:path; $($pattern:pat => $layer:expr),*) => {{
            let $cell = $new(params, "cell", INPUTS, units, rng);
            match rule {
                Rule::Forward => Box::new(Forward { carried: $cell.zero_state(params), cell: $cell, tape: Tape::new() }),
                Rule::Rtrl => Box::new(ByTraces(Rtrl::new($cell, params))),
                Rule::Uoro => Box::new(ByTraces(Uoro::new($cell, SEED, params))),
                Rule::Tbptt(back) => Box::new(ByWindow { cell: $cell, window: Tbptt::new(1, back), back, tape: Tape::new() }),
                $($pattern => Box::new(ByTraces($layer)),)*
                _ => panic!("{kind:?} does not learn by {rule:?}"),
            }
        }};
    }
    match kind {
        Kind::Rnn => of!(rnn: Rnn::new;
            Rule::Snap1 => Snap1::new(rnn, params),
            Rule::Eprop => Snap1::eprop(rnn, params),
            Rule::KfRtrl => KfRtrl::new(rnn, SEED, params),
            Rule::Rflo => Rflo::rflo(LeakyRnn { rnn, alpha: 0.5 }, params)),
        Kind::Gru => of!(gru: Gru::new;
            Rule::Snap1 => Snap1::new(gru, params),
            Rule::Eprop => Snap1::eprop(gru, params)),
        Kind::Lstm => of!(lstm: Lstm::new;
            Rule::Snap1 => Snap1::new(lstm, params),
            Rule::Eprop => Snap1::eprop(lstm, params)),
        Kind::Lru => of!(lru: Lru::new; Rule::Exact => TracedLru::new(lru, params)),
        Kind::Rtu => of!(rtu: Rtu::new; Rule::Exact => TracedRtu::new(rtu, params)),
        Kind::Elstm => of!(elstm: Elstm::new; Rule::Exact => TracedElstm::new(elstm, params)),
    }
}

/// A rule that keeps traces.
struct ByTraces<L>(L);

impl<L: Traced> Body for ByTraces<L> {
    fn step(&mut self, params: &Params, x: &[f32], dh: &[f32], grads: &mut Grads, dx: &mut [f32]) {
        let ByTraces(layer) = self;
        layer.step(params, x);
        layer.learn(params, dh, grads, dx);
    }

    fn traces(&self) -> usize {
        self.0.bytes()
    }
}

/// No gradient.
struct Forward<C> {
    cell: C,
    carried: State,
    tape: Tape,
}

impl<C: Cell> Body for Forward<C> {
    fn step(&mut self, params: &Params, x: &[f32], _: &[f32], _: &mut Grads, _: &mut [f32]) {
        let Forward { cell, carried, tape } = self;
        let pass = tape.pass(params);
        let (h, next) = cell.step(pass.input(x), cell.enter(&pass, carried));
        cell.leave(next, carried);
        black_box(h);
    }

    fn traces(&self) -> usize {
        self.carried.parts.iter().map(|part| size_of_val(part.as_slice())).sum()
    }
}

/// Through the last steps, again at each.
struct ByWindow<C> {
    cell: C,
    window: Tbptt,
    /// Through how many steps.
    back: usize,
    tape: Tape,
}

impl<C: Cell> Body for ByWindow<C> {
    fn step(&mut self, params: &Params, x: &[f32], dh: &[f32], grads: &mut Grads, _: &mut [f32]) {
        let ByWindow { cell, window, tape, .. } = self;
        window.push(x);
        let pass = tape.pass(params);
        let outputs = window.outputs(&pass, || cell.start(&pass, None), |x, h| cell.sequence(x, h));
        outputs.backward_from(dh, grads);
    }

    /// The inputs that the next window has, too, and the state before it.
    fn traces(&self) -> usize {
        let mut window = self.window.clone();
        let state =
            window.state_mut().map_or(0, |state| state.parts.iter().map(|part| size_of_val(part.as_slice())).sum());
        (self.back - 1) * INPUTS * size_of::<f32>() + state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_takes_steps_and_no_memory() {
        for (rule, kind) in lines(FLAT_UNITS) {
            let mut layer = Layer::new(rule, kind, FLAT_UNITS);
            let before = layer.traces();
            let later = allocation_counter::measure(|| (0..100).for_each(|_| layer.step()));
            assert!(later.count_total == 0 && layer.traces() == before, "{rule:?} of {kind:?}: {later:?}");
            assert!(layer.held > before && before > 0, "{rule:?} of {kind:?}: {before} of {}", layer.held);
            assert_eq!(layer.grads.norm() > 0.0, rule != Rule::Forward, "{rule:?} of {kind:?}");
        }
    }

    #[test]
    fn rtrl_ends_where_it_takes_too_long_and_no_other_rule() {
        let count = |units| lines(units).count();
        assert_eq!(count(MOST_OF_RTRL) - count(MOST_OF_RTRL + 1), 3);
        assert_eq!(lines(512).filter(|(rule, _)| rule.is_linear()).count(), 19);
    }
}
