//! What a deep learner does at a drift.

use thalweg_nn::init;

use super::depth::Depth;
use super::expert::Expert;
use super::{Deep, Scratch};
use crate::adapt::{Adapt, Adaptive, PolicySpec, When};
use crate::error::Error;
use crate::learn::{Learner, Prediction, Target};
use crate::row::Row;

/// It can follow every policy. What it says of a row as it learns it is what its loss is made of: by the network in training
/// (with dropout), over the features and the deviations of targets that the row is already a part of.
impl Adapt for Deep {
    fn can(&self, _: &PolicySpec) -> bool {
        true
    }

    fn learn_telling(
        &mut self,
        x: &dyn Row,
        y: Target<'_>,
        when: When,
        tell: &mut dyn FnMut(Prediction<'_>),
    ) -> Result<f64, Error> {
        self.scratch.said_now.clear();
        let (is_first, known) = (self.expert.network.is_none(), self.objective.classes().len());
        let loss = match when {
            When::Now => self.learn_one(x, y),
            When::Late => self.learn_late(x, y),
        }?;
        let Scratch { said_now, said, .. } = &mut self.scratch;
        if is_first || said_now.is_empty() {
            return Ok(loss); // there was no network, or there is no step
        }
        tell(match self.objective.predict(said_now, said) {
            Prediction::Classes { labels, probabilities } => {
                Prediction::Classes { labels: &labels[..known], probabilities: &probabilities[..known] }
            }
            Prediction::Labels { labels, probabilities } => {
                Prediction::Labels { labels: &labels[..known], probabilities: &probabilities[..known] }
            }
            numbers => numbers,
        });
        Ok(loss)
    }

    fn end_context(&mut self) {
        Deep::end_context(self);
    }

    /// Moments, and the place in a schedule.
    fn restart_optimizer(&mut self) {
        self.each_expert(&mut |deep, number| deep.expert.restart_optimizer(&deep.panel.optimizers[number]));
    }

    /// What is remembered stays, and so do what [holds](crate::ConsolidationSpec) the rest of θ and the deviations by which
    /// targets are standardised.
    fn reset_head(&mut self) {
        self.restart_optimizer();
        self.each_expert(&mut |deep, _| {
            let Expert { network, params, rng, context, depth, plasticity, .. } = &mut deep.expert;
            let Some(network) = network else { return };
            depth.iter_mut().for_each(Depth::begin_anew);
            for head in network.heads() {
                let (_, width) = params.layout().entry(head.weight).table();
                let mut draw = init::uniform(init::default_bound(width), rng);
                for param in [Some(head.weight), head.bias].into_iter().flatten() {
                    params.of_mut(param).iter_mut().enumerate().for_each(|(index, value)| *value = draw(index));
                    context.held.begin_anew(params, param);
                    plasticity.begin_anew(param);
                }
            }
        });
    }

    fn scale_rate(&mut self, factor: f64) {
        self.rate = factor;
    }

    fn fresh(&self) -> Option<Self> {
        let mut fresh = Deep::new(self.config.clone());
        fresh.features = self.features.begin_anew();
        fresh.objective.expect_classes(self.objective.classes());
        let recurrent = self.panel.who_knows_the_last(&self.expert).as_ref();
        let recurrent = recurrent.map(|recurrent| recurrent.begin_anew(&self.config));
        fresh.each_expert(&mut |fresh, _| fresh.expert.recurrent.clone_from(&recurrent));
        Some(fresh)
    }

    fn give_way_to(&mut self, fresh: Self) {
        let (rows, steps, refused) = (self.rows, self.expert.steps, self.expert.refused);
        *self = fresh;
        self.rows = rows;
        self.each_expert(&mut |deep, _| {
            deep.expert.steps += steps;
            deep.expert.refused += refused;
        });
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.config == other.config && self.classes() == other.classes()
    }
}

impl Deep {
    /// How many times as high as the optimizer's the learning rate is: 1 unless a policy says [otherwise](Adapt::scale_rate).
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }
}

impl Adaptive<Deep> {
    /// A context ends, for a model in the background, too: see [`Deep::end_context`]. Whether anything is held of it.
    pub fn end_context(&mut self) -> bool {
        // Of all of them, not only up to the first.
        self.learners_mut().map(Deep::end_context).fold(false, |held, also| held | also)
    }

    /// A new sequence begins, for a model in the background, too: see [`Deep::reset_state`].
    pub fn reset_state(&mut self) {
        self.learners_mut().for_each(Deep::reset_state);
    }
}
