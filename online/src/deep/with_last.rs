//! Rows as a recurrent network sees them.

use super::recurrent::Recurrent;
use crate::labels::Labels;
use crate::row::{Row, Value};

/// A row with the last known target behind its cells.
pub(super) struct WithLast<'a> {
    row: &'a dyn Row,
    recurrent: Option<&'a Recurrent>,
    classes: &'a Labels,
}

impl<'a> WithLast<'a> {
    /// A row that was kept has the one of its time already.
    pub fn new(row: &'a dyn Row, recurrent: Option<&'a Recurrent>, classes: &'a Labels) -> Self {
        WithLast { row, recurrent: recurrent.filter(|_| row.beside().is_none()), classes }
    }
}

impl Row for WithLast<'_> {
    fn len(&self) -> usize {
        self.row.len() + self.recurrent.map_or(0, Recurrent::cells)
    }

    fn cell(&self, index: usize) -> (&str, Value<'_>) {
        match (index.checked_sub(self.row.len()), self.recurrent) {
            (Some(behind), Some(recurrent)) => recurrent.cell(behind, self.classes),
            _ => self.row.cell(index),
        }
    }

    /// As in the row: in a sparse stream of numbers, the target before the first one counts as 0.
    fn absent_is_zero(&self) -> bool {
        self.row.absent_is_zero()
    }

    fn weight(&self) -> f64 {
        self.row.weight()
    }

    fn beside(&self) -> Option<usize> {
        self.row.beside()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Model, Truth};
    use super::*;
    use crate::Task;
    use crate::features::LAST_TARGET;

    fn recurrent(model: &str) -> Recurrent {
        let model = Model::parse(model).expect("there is such a model");
        Recurrent::new(&Config { model, ..Config::new(Task::Classify) })
    }

    #[test]
    fn the_last_target_stands_behind_the_other_cells() {
        let mut classes = Labels::new();
        assert_eq!(["up", "new"].map(|label| classes.insert(label)), [0, 1]);
        let x = [("a", 1.0)];
        let cells = |recurrent: &Recurrent| {
            let row = WithLast::new(&x, Some(recurrent), &classes);
            assert_eq!(row.cell(0), ("a", Value::Number(1.0)));
            (1..row.len()).map(|index| format!("{:?}", row.cell(index))).collect::<Vec<_>>()
        };
        let (mut seeing, mut blind) = (recurrent("lstm:2"), recurrent("lstm:2,last=false"));
        for (classes, values, expected) in [
            (vec![0], vec![], vec![(LAST_TARGET, Value::Text("up"))]),
            (vec![], vec![-2.5], vec![(LAST_TARGET, Value::Number(-2.5))]),
            (vec![], vec![], vec![(LAST_TARGET, Value::Missing)]),
            (vec![1, 0], vec![], vec![(LAST_TARGET, Value::Text("new")), (LAST_TARGET, Value::Text("up"))]),
            (vec![], vec![1.0, 2.0], vec![(LAST_TARGET, Value::Number(1.0)), ("(last target 2)", Value::Number(2.0))]),
        ] {
            let truth = Truth { classes, values };
            [&mut seeing, &mut blind].into_iter().for_each(|recurrent| recurrent.told(&truth));
            let expected: Vec<String> = expected.iter().map(|cell| format!("{cell:?}")).collect();
            assert_eq!((cells(&seeing), cells(&blind)), (expected, vec![]), "{truth:?}");
        }
    }
}
