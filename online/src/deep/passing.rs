//! Rows that go by without a target, or before it.

use super::{Deep, Scratch, with_last};
use crate::error::Error;
use crate::row::Row;

impl Deep {
    /// See [`Learner::pass_one`](crate::Learner::pass_one).
    pub(super) fn pass_by(&mut self, x: &dyn Row) -> Result<(), Error> {
        let Deep { features, objective, expert, panel, scratch, .. } = self;
        if expert.network.is_none() || expert.recurrent.is_none() {
            return Ok(());
        }
        let Scratch { tape, raw, x: input, indices, .. } = scratch;
        features.read(&with_last(x, panel.who_knows_the_last(expert), objective.classes()), raw)?;
        features.scale(raw, input);
        expert.pass_by(tape, input, indices);
        panel.others.iter_mut().for_each(|seat| seat.expert.pass_by(tape, input, indices));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Learner, Model, Prediction, Target, Task};
    use thalweg_autograd::Tape;
    use thalweg_tensor::View;

    type Cells = [(&'static str, f64); 1];

    fn learner(model: &str, rows: u32) -> Deep {
        let model = Model::parse(model).expect("there is such a model");
        let mut learner = Deep::new(Config { model, ..Config::new(Task::Regress) });
        learn(&mut learner, 0, rows);
        learner
    }

    fn row(k: u32) -> Cells {
        [("x", f64::from(k * 7 % 11))]
    }

    fn learn(learner: &mut Deep, from: u32, to: u32) {
        for k in from..to {
            learner.learn_one(&row(k), Target::Value(f64::from(k * 7 % 5))).expect("the row is good");
        }
    }

    fn said(learner: &mut Deep, x: &Cells) -> u64 {
        match learner.predict_one(x).expect("the row is good") {
            Prediction::Value(value) => value.to_bits(),
            other => panic!("expected a number, found {other:?}"),
        }
    }

    #[test]
    fn a_state_moves_on_by_features_and_learning_does_not_notice() {
        for model in ["gru:4", "lstm:4,window=3,last=false", "rnn:3x2"] {
            let (mut passing, mut silent) = (learner(model, 30), learner(model, 30));
            let before = said(&mut passing, &row(40));
            for k in 30..35 {
                passing.pass_one(&row(k)).expect("the row is good");
            }
            assert_ne!(said(&mut passing, &row(40)), before, "{model}");
            for (learner, rows) in [(&mut passing, 5), (&mut silent, 5)] {
                learn(learner, 30, 30 + rows);
            }
            assert_eq!(passing.fingerprint(), silent.fingerprint(), "{model}");
            assert_eq!(said(&mut passing, &row(40)), said(&mut silent, &row(40)), "{model}");
        }
    }

    /// What the network says of the last of the rows, if a sequence begins with the first.
    fn in_one_go(learner: &mut Deep, rows: &[Cells]) -> f32 {
        let (mut x, mut raw, mut scaled) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            learner.features.read(row, &mut raw).expect("the row is good");
            learner.features.scale(&raw, &mut scaled);
            x.extend_from_slice(&scaled);
        }
        let (mut tape, network) = (Tape::new(), learner.expert.network.as_ref().expect("rows were learned"));
        let pass = tape.pass(&learner.expert.params);
        let input = pass.input(View::new([rows.len(), scaled.len()], &x));
        network.say(input, &network.zero_state(&learner.expert.params)).item()
    }

    #[test]
    fn rows_that_went_by_are_the_past_of_the_next() {
        for model in ["gru:4,last=false", "lstm:4x2,last=false", "carry:last=false > rnn:3 > mlp:4"] {
            let mut learner = learner(model, 30);
            let rows = [1, 8, 3, 5].map(row);
            learner.reset_state();
            for row in &rows[..3] {
                learner.pass_one(row).expect("the row is good");
            }
            let after = learner.logits_one(&rows[3]).expect("the row is good")[0];
            let expected = in_one_go(&mut learner, &rows);
            assert!((after - expected).abs() < 1e-5, "{model}: {after} and {expected}");
            assert!((after - in_one_go(&mut learner, &rows[3..])).abs() > 1e-5, "{model} looks back");
        }
    }

    #[test]
    fn what_carries_no_state_stays_as_it_is() {
        let mut learner = learner("mlp:4", 20);
        let before = said(&mut learner, &row(3));
        learner.pass_one(&row(9)).expect("the row is good");
        assert_eq!(said(&mut learner, &row(3)), before);
        assert!(learner.pass_one(&[("x", "text")]).is_ok(), "it does not even look");
    }
}
