//! W7: what it costs to learn examples again, in steps: a learner that replays beside one that does not.
//!
//! `replays=r` is to cost at most 1 + r steps a row: the step of the new example, and one for each that is drawn. Rows of 16
//! features go through the whole learner ([`Deep`], features included), and all learners go through the same rows in turn, so
//! that a clock that drifts, or somebody else's work, is the same to all; the shortest time of each counts.
//!
//! | memory | what a row costs, by its definition | at most, in steps |
//! |---|---|---|
//! | `er`, `er-ace`, `der` (DER++) | 1 + r steps | 1 + r |
//! | `a-gem` | a step, r gradients, and the projection of one on the others | 1 + r |
//! | `mir` | 1 + r steps, and two passes of each of c candidates, half a step each | 1 + r + c |
//!
//! All learn by plain SGD, which writes no gradient of an MLP out: it goes from two vectors into θ. A-GEM has to write out two,
//! to multiply them, and takes more than 1 + r of such steps.
//!
//! A ring keeps every row, a reservoir fewer and fewer: what keeping costs shows between them. `bytes` is what an example that
//! is kept adds to a checkpoint.

use serde_json::json;
use thalweg_benches::Stream;
use thalweg_online::memory::Replay;
use thalweg_online::{AnyLearner, Config, Deep, Learner, MemorySpec, Model, Target, Task, checkpoint};

use crate::data;
use crate::timing::{Timer, Unit};

const INPUTS: usize = 16;
/// Turns for each repeat that is asked for.
const TURNS: u32 = 30;

/// Models, and rows at a turn: so few that there is a turn which nobody breaks in upon.
const MODELS: [(&str, usize); 2] = [("mlp:64,64", 16), ("lstm:32", 2)];

const MEMORIES: [&str; 9] = [
    "er:1000,replays=1",
    "er:1000,replays=2",
    "er:1000,replays=4",
    "er:1000,replays=8",
    "er:1000,replays=1,buffer=ring",
    "er-ace:1000,replays=1",
    "der:1000,replays=1,alpha=0.2,beta=1",
    "a-gem:1000,replays=1",
    "mir:1000,replays=1,candidates=20",
];

/// Steps a row, of each memory.
pub fn measure(timer: &Timer) {
    let rows = Rows::new();
    for (model, turn) in MODELS {
        let memories = || ["none"].into_iter().chain(MEMORIES);
        let mut learners: Vec<Taught<'_>> = memories().map(|memory| Taught::new(model, memory, &rows)).collect();
        let bytes: Vec<usize> = learners.iter().map(Taught::bytes).collect();
        let mut turns: Vec<Box<dyn FnMut() + '_>> = Vec::new();
        for taught in &mut learners {
            turns.push(Box::new(move || taught.learn(turn)));
        }
        let seconds = timer.shortest(TURNS, &mut turns);
        let params = json!({"what": "step", "model": model, "d": INPUTS});
        timer.print("W7", params, Unit::Nanoseconds(turn as f64), seconds[0]);
        for ((memory, took), bytes_of) in memories().zip(&seconds).zip(&bytes).skip(1) {
            let spec = spec(memory);
            let most = at_most(&spec);
            let (passes, bytes) = (took / seconds[0] <= most, bytes_of.saturating_sub(bytes[0]) / spec.size);
            let params = json!({
                "what": "replay", "model": model, "memory": memory, "at most": most, "passes": passes, "bytes": bytes,
            });
            timer.print("W7", params, Unit::Times(seconds[0]), *took);
        }
    }
}

fn spec(memory: &str) -> MemorySpec {
    MemorySpec::parse(memory).unwrap_or_else(|error| panic!("{memory}: {error}"))
}

/// How many steps a memory may take for a row.
fn at_most(memory: &MemorySpec) -> f64 {
    let candidates = if let Replay::Mir { candidates } = memory.replay { candidates } else { 0 };
    (1 + memory.replays + candidates) as f64
}

/// The rows that all learners go through, with the labels `no` and `yes`.
struct Rows(Vec<(Vec<(String, f64)>, &'static str)>);

impl Rows {
    fn new() -> Self {
        let mut stream = data::labels(INPUTS);
        let row = |_| {
            let (x, y) = stream.next(1);
            let cells = x.iter().enumerate().map(|(k, &x)| (format!("x{k}"), f64::from(x)));
            (cells.collect(), if y[0] == 1.0 { "yes" } else { "no" })
        };
        Rows((0..Stream::LEN).map(row).collect())
    }
}

/// A learner, and where it is in the rows.
struct Taught<'a> {
    learner: Deep,
    rows: &'a Rows,
    at: usize,
}

impl<'a> Taught<'a> {
    /// It has been through all rows once: its memory is full.
    fn new(model: &str, memory: &str, rows: &'a Rows) -> Self {
        let model = Model::parse(model).unwrap_or_else(|error| panic!("{model}: {error}"));
        let learner = Deep::new(Config { model, memory: spec(memory), ..Config::new(Task::Classify) });
        let mut taught = Taught { learner, rows, at: 0 };
        taught.learn(Stream::LEN);
        taught
    }

    /// The next so many rows, which are a part of all.
    fn learn(&mut self, count: usize) {
        for (x, y) in &self.rows.0[self.at..][..count] {
            self.learner.learn_one(x, Target::Class(y)).expect("the row is good");
        }
        self.at = (self.at + count) % Stream::LEN;
    }

    /// Of its checkpoint.
    fn bytes(&self) -> usize {
        checkpoint::encode(&AnyLearner::from(self.learner.clone())).expect("it can be saved").len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_may_take_a_step_for_each_replay_and_mir_its_looks() {
        let memories = ["er:10,replays=4", "a-gem:10,replays=2", "mir:10,replays=1,candidates=20"];
        assert_eq!(memories.map(|memory| at_most(&spec(memory))), [5.0, 3.0, 22.0]);
    }

    #[test]
    fn memories_are_full_and_take_the_steps_that_are_counted() {
        let rows = Rows::new();
        for memory in MEMORIES {
            let learner = Taught::new("mlp:4", memory, &rows).learner;
            let spec = spec(memory);
            let steps = if spec.replay == Replay::AGem { 1 } else { 1 + spec.replays };
            assert_eq!((learner.remembered(), learner.rows()), (1000, Stream::LEN as u64), "{memory}");
            // Nothing is kept yet when the first row comes.
            assert_eq!(learner.steps() as usize, Stream::LEN * steps - (steps - 1), "{memory}");
        }
    }
}
