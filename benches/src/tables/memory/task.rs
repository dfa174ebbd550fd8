//! What must be remembered: two streams of symbols whose best loss is known.

use std::collections::VecDeque;
use std::fmt;

use thalweg_tensor::Rng;

/// A stream of symbols, and a symbol to be said at each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Task {
    /// `x_t ~ Bern(½)`, to be said `y_t ~ Bern(½ + ½ x_{t−a} − ¼ x_{t−b})`: the add task of Pitis (2016), in the form of
    /// Marschall, Cho & Savin (2020).
    Add([usize; 2]),
    /// `aⁿ\nbⁿ\n` again and again, n uniform from 1 to 32; to be said is the symbol that comes next (Tallec & Ollivier 2018).
    AnBn,
}

/// The longest run of a symbol in aⁿbⁿ.
const LONGEST: usize = 32;

/// What the best predictor knows, and its mean loss.
pub type Floor = (&'static str, f64);

impl Task {
    /// How many symbols there are, of either kind.
    pub fn symbols(self) -> usize {
        match self {
            Task::Add(_) => 2,
            Task::AnBn => 3,
        }
    }

    /// The unit of losses, and how many nats it has.
    pub fn unit(self) -> (&'static str, f64) {
        match self {
            Task::Add(_) => ("nats", 1.0),
            Task::AnBn => ("bits", std::f64::consts::LN_2),
        }
    }

    /// The losses of the best predictors that know so much, from the least to all that can be known.
    ///
    /// Add: the entropy of y, of which as much of (x_{t−a}, x_{t−b}) is given. aⁿbⁿ: n costs log₂ 32 bits each time it is drawn,
    /// once if the number of b is known to be that of a and twice if not, and a pair of runs has 2·16.5 + 2 symbols.
    pub fn floors(self) -> Vec<Floor> {
        match self {
            Task::Add(_) => {
                let one = |first: f64, second: f64| 0.5 + 0.5 * first - 0.25 * second;
                let mean = |of: &dyn Fn(f64) -> f64| f64::midpoint(of(0.0), of(1.0));
                vec![
                    ("nothing", entropy(one(0.5, 0.5))),
                    ("the second", mean(&|second| entropy(one(0.5, second)))),
                    ("the first", mean(&|first| entropy(one(first, 0.5)))),
                    ("both", mean(&|first| mean(&|second| entropy(one(first, second))))),
                ]
            }
            Task::AnBn => {
                let run = f64::midpoint(1.0, LONGEST as f64);
                let pair = 2.0 * run + 2.0;
                let drawn = (LONGEST as f64).log2();
                let ends = entropy(1.0 / run) / self.unit().1;
                vec![
                    ("the last symbol", (2.0 * run * ends + 2.0) / pair),
                    ("where a run is", 2.0 * drawn / pair),
                    ("all", drawn / pair),
                ]
            }
        }
    }

    /// The loss of the best predictor that knows all.
    pub fn floor(self) -> f64 {
        self.floors().last().map_or(0.0, |(_, loss)| *loss)
    }

    /// The stream of a seed.
    pub fn stream(self, seed: u64) -> Stream {
        let mut rng = Rng::new(seed);
        let past = match self {
            Task::Add(lags) => (0..=lags[0].max(lags[1])).map(|_| rng.below(2)).collect(),
            Task::AnBn => VecDeque::from([NEWLINE]),
        };
        Stream { task: self, rng, past }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Task::Add([first, second]) => write!(f, "add ({first}, {second})"),
            Task::AnBn => f.write_str("aⁿbⁿ"),
        }
    }
}

/// −p ln p − (1 − p) ln (1 − p).
fn entropy(p: f64) -> f64 {
    let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    part(p) + part(1.0 - p)
}

/// Symbols of aⁿbⁿ.
const A: usize = 0;
const B: usize = 1;
const NEWLINE: usize = 2;

/// Symbols, without end.
#[derive(Clone, Debug)]
pub struct Stream {
    task: Task,
    rng: Rng,
    /// Add: the inputs of the last steps, the newest in front. aⁿbⁿ: what is to come, up to the end of a pair of runs.
    past: VecDeque<usize>,
}

impl Stream {
    /// The next symbol, and the one to be said.
    pub fn draw(&mut self) -> [usize; 2] {
        let Stream { task, rng, past } = self;
        match *task {
            Task::Add([first, second]) => {
                past.rotate_right(1);
                past[0] = rng.below(2);
                let one = 0.5 + 0.5 * past[first] as f64 - 0.25 * past[second] as f64;
                [past[0], usize::from(rng.uniform() < one)]
            }
            Task::AnBn => {
                let symbol = past.pop_front().unwrap_or(NEWLINE);
                if past.is_empty() {
                    let n = 1 + rng.below(LONGEST);
                    for letter in [A, B] {
                        past.extend(std::iter::repeat_n(letter, n).chain([NEWLINE]));
                    }
                }
                [symbol, past[0]]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked out elsewhere, to four digits.
    #[test]
    fn floors_are_known() {
        let of = |task: Task| task.floors().iter().map(|(_, loss)| (loss * 1e4).round()).collect::<Vec<f64>>();
        assert_eq!(of(Task::Add([4, 6])), [6616.0, 6277.0, 5192.0, 4545.0]);
        assert_eq!(of(Task::AnBn)[1..], [2857.0, 1429.0]);
    }

    /// The loss of the predictor that knows both inputs is the floor, and so is that of knowing the first.
    #[test]
    fn a_predictor_that_knows_reaches_the_floor() {
        let [first, second] = [3, 5];
        let (mut stream, mut seen) = (Task::Add([first, second]).stream(1), VecDeque::from([0; 6]));
        let [mut of_both, mut of_first] = [0.0; 2];
        const STEPS: usize = 200_000;
        for step in 0..STEPS + 6 {
            let [x, y] = stream.draw();
            seen.rotate_right(1);
            seen[0] = x;
            if step >= 6 {
                let loss = |one: f64| -(if y == 1 { one } else { 1.0 - one }).ln();
                let half = 0.5 * seen[first] as f64;
                of_both += loss(0.5 + half - 0.25 * seen[second] as f64) / STEPS as f64;
                of_first += loss(0.375 + half) / STEPS as f64;
            }
        }
        let floors = Task::Add([first, second]).floors();
        assert!((of_both - floors[3].1).abs() < 0.004 && (of_first - floors[2].1).abs() < 0.004);
    }

    #[test]
    fn runs_come_in_pairs_of_one_length() {
        let mut stream = Task::AnBn.stream(2);
        let symbols: Vec<[usize; 2]> = (0..100_000).map(|_| stream.draw()).collect();
        assert!(symbols.windows(2).all(|pair| pair[0][1] == pair[1][0]));
        let text: Vec<usize> = symbols[1..].iter().map(|[symbol, _]| *symbol).collect();
        let runs: Vec<&[usize]> = text.split(|&symbol| symbol == NEWLINE).collect();
        let pairs = runs[..runs.len() - 2].chunks_exact(2);
        let mut lengths = [0_usize; LONGEST + 1];
        for pair in pairs {
            assert!(
                pair[0].iter().all(|&s| s == A) && pair[1].iter().all(|&s| s == B) && pair[0].len() == pair[1].len()
            );
            lengths[pair[0].len()] += 1;
        }
        let drawn = lengths.iter().sum::<usize>() as f64 / LONGEST as f64;
        assert!(lengths[0] == 0 && lengths[1..].iter().all(|&times| (times as f64 - drawn).abs() < 5.0 * drawn.sqrt()));
    }
}
