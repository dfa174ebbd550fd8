//! What the tables must show: see the gates of the [module](super).

use thalweg_online::DetectorSpec;

use super::run::Named;
use super::stream::Change;
use super::{ADAM, COLUMNS, Cell, Gates, LEARNERS, Line, SCHEDULE, SLOW, USUAL};
use crate::tables::average::{mean, standard_error};

/// The most that a policy may cost where nothing changes, in points of accuracy.
const MOST_LOST: f64 = 1.0;

/// Every gate.
pub fn check(lines: &[Line], drift: &DetectorSpec, gates: &mut Gates) {
    for learner in LEARNERS {
        let checked = Checked { lines: lines.iter().filter(|line| line.learner == learner).collect(), learner };
        checked.report_is_none(gates);
        checked.costs_little_where_nothing_changes(gates);
        if let DetectorSpec::Adwin(options) = drift {
            checked.few_false_alarms(options.delta / options.clock as f64, gates);
        }
        let abrupt = |line: &Line| line.stream.change == Change::Abrupt;
        let found: Vec<[f64; 2]> = (2..COLUMNS.len()).map(|column| checked.sooner(column, abrupt)).collect();
        let best = (0..found.len()).max_by(|&i, &j| found[i][0].total_cmp(&found[j][0])).unwrap_or(0);
        checked.gate(&format!("abrupt: some policy, here {}, is back sooner", COLUMNS[best + 2]), found[best], gates);
        checked.keeps_promises(gates);
    }
}

/// A learner's lines.
struct Checked<'a> {
    learner: Named,
    lines: Vec<&'a Line>,
}

impl Checked<'_> {
    fn name(&self) -> String {
        format!("{}, {}", self.learner.model, self.learner.optimizer)
    }

    fn of(&self, change: Change) -> impl Iterator<Item = &Line> {
        self.lines.iter().copied().filter(move |line| line.stream.change == change)
    }

    fn report_is_none(&self, gates: &mut Gates) {
        let is_same = self.lines.iter().all(|line| line.cells[0].said == line.cells[1].said);
        gates.check(format!("{}: report says what none says, to the bit", self.name()), is_same);
    }

    fn costs_little_where_nothing_changes(&self, gates: &mut Gates) {
        for (column, name) in COLUMNS.iter().enumerate().skip(2) {
            let lost = |line: &Line| mean(&line.cells[0].accuracies) - mean(&line.cells[column].accuracies);
            let worst = self.of(Change::Never).map(|line| (lost(line), line.stream.name));
            let (lost, stream) = worst.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::NAN, "nowhere"));
            let what = format!("{}: never: {name} loses at most {MOST_LOST} points", self.name());
            gates.check(format!("{what}: {lost:.2} on {stream}"), lost <= MOST_LOST);
        }
    }

    /// `promised`: false alarms a row.
    fn few_false_alarms(&self, promised: f64, gates: &mut Gates) {
        let found = || self.of(Change::Never).map(|line| &line.cells[1].detections);
        let [alarms, rows] =
            [found().map(|found| found.false_alarms()).sum(), found().map(|found| found.values()).sum::<u64>()];
        let most = promised * rows as f64;
        let what = format!("{}: never: report declares at most {most:.0} drifts in {rows} rows", self.name());
        gates.check(format!("{what}: {alarms}"), alarms as f64 <= most);
    }

    fn keeps_promises(&self, gates: &mut Gates) {
        let abrupt = |line: &Line| line.stream.change == Change::Abrupt;
        let is = |name: &'static str| move |line: &Line| abrupt(line) && line.stream.name == name;
        let [optimizer, head, rate, background] = [2, 3, 4, 5];
        if self.learner == SCHEDULE {
            self.gate("abrupt: optimizer is back sooner", self.sooner(optimizer, abrupt), gates);
            self.gate("abrupt: background is back sooner", self.sooner(background, abrupt), gates);
        }
        if self.learner == SLOW {
            self.gate("abrupt: rate is back sooner", self.sooner(rate, abrupt), gates);
            let slowly = |line: &Line| matches!(line.stream.change, Change::Gradual | Change::Incremental);
            let more = self.apart(rate, slowly, |cell| &cell.accuracies);
            self.gate("gradual and incremental: rate has more right", more, gates);
        }
        if [USUAL, ADAM, SLOW].contains(&self.learner) {
            self.gate("Sine, abrupt: head is back sooner", self.sooner(head, is("Sine")), gates);
            self.gate("RandomRBF, abrupt: background is back sooner", self.sooner(background, is("RandomRBF")), gates);
        }
        if [USUAL, ADAM].contains(&self.learner) {
            for line in self.of(Change::Abrupt).filter(|line| ["STAGGER", "Sine"].contains(&line.stream.name)) {
                let missed = line.cells[1].detections.missed();
                let what = format!("{}: {}, abrupt: report finds every change", self.name(), line.stream.name);
                gates.check(format!("{what}: {missed} missed"), missed == 0);
            }
        }
    }

    /// By how many rows a policy is back before none, and the standard error.
    fn sooner(&self, column: usize, of: impl Fn(&Line) -> bool) -> [f64; 2] {
        let [later, error] = self.apart(column, of, |cell| &cell.recoveries);
        [-later, error]
    }

    /// The mean difference to none over streams, seed by seed, and its standard error.
    fn apart(&self, column: usize, of: impl Fn(&Line) -> bool, figure: impl Fn(&Cell) -> &Vec<f64>) -> [f64; 2] {
        let lines: Vec<&&Line> = self.lines.iter().filter(|line| of(line)).collect();
        let seeds = lines.first().map_or(0, |line| figure(&line.cells[0]).len());
        let of_seed = |seed: usize| {
            let apart = |line: &&&Line| figure(&line.cells[column])[seed] - figure(&line.cells[0])[seed];
            mean(&lines.iter().map(apart).collect::<Vec<f64>>())
        };
        let apart: Vec<f64> = (0..seeds).map(of_seed).collect();
        [mean(&apart), standard_error(&apart)]
    }

    /// Whether a difference is more than two of its standard errors.
    fn gate(&self, what: &str, [difference, error]: [f64; 2], gates: &mut Gates) {
        let is_more = difference > 2.0 * error;
        gates.check(format!("{}: {what}: by {difference:.1} ± {error:.1}", self.name()), is_more);
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::STREAMS;
    use super::*;
    use thalweg_online::drift::Detections;

    /// A learner's lines on all streams, with recoveries of two seeds in the column of `rate` and in the others.
    fn lines(rate: [f64; 2], others: [f64; 2]) -> Vec<Line> {
        let cell = |recoveries: [f64; 2]| Cell {
            accuracies: vec![90.0, 91.0],
            recoveries: recoveries.to_vec(),
            changes: 6,
            censored: 0,
            detections: Detections::default(),
            said: vec![1, 2],
        };
        let cells: Vec<Cell> = (0..6).map(|column| cell(if column == 4 { rate } else { others })).collect();
        STREAMS.map(|stream| Line { learner: SLOW, stream, cells: cells.clone() }).to_vec()
    }

    fn sooner(rate: [f64; 2], others: [f64; 2]) -> [f64; 2] {
        let lines = lines(rate, others);
        Checked { learner: SLOW, lines: lines.iter().collect() }.sooner(4, |line| line.stream.change == Change::Abrupt)
    }

    #[test]
    fn differences_are_taken_seed_by_seed() {
        assert_eq!(sooner([300.0, 500.0], [400.0, 600.0]), [100.0, 0.0]);
        assert_eq!(sooner([300.0, 500.0], [400.0, 800.0]), [200.0, 100.0]);
        assert_eq!(sooner([400.0, 500.0], [400.0, 400.0]), [-50.0, 50.0]);
    }

    #[test]
    fn a_column_that_says_something_else_or_loses_fails() {
        let passes = |change: fn(&mut Cell), column: usize| {
            let mut lines = lines([300.0, 300.0], [400.0, 400.0]);
            lines.iter_mut().for_each(|line| change(&mut line.cells[column]));
            let checked = Checked { learner: SLOW, lines: lines.iter().collect() };
            let mut gates = Gates::default();
            checked.report_is_none(&mut gates);
            checked.costs_little_where_nothing_changes(&mut gates);
            checked.few_false_alarms(0.001, &mut gates);
            gates.report()
        };
        assert!(passes(|_| {}, 1));
        assert!(!passes(|cell| cell.said[1] = 3, 1));
        assert!(!passes(|cell| cell.accuracies[1] = 88.0, 3));
        assert!(!passes(|cell| cell.detections = Detections::judge(&[], &[3, 9], 1000, 0), 1));
    }
}
