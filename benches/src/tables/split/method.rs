//! What is compared: the scenarios, the methods, and their hyper-parameters.

use std::ops::Range;

use clap::ValueEnum;
use thalweg_online::ConsolidationSpec;

/// What is asked about an image in the end (van de Ven, Tuytelaars & Tolias 2022).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Scenario {
    /// Which of the two digits of its context, which is told: ten outputs, of which two are active
    Task,
    /// Whether it is the first or the second digit of its context, which is not told: two outputs
    Domain,
    /// Which of the ten digits: ten outputs
    Class,
}

impl Scenario {
    /// As in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        ["Task-IL", "Domain-IL", "Class-IL"][self as usize]
    }

    /// How many outputs the network has.
    #[must_use]
    pub fn outputs(self) -> usize {
        if self == Scenario::Domain { 2 } else { 10 }
    }

    /// The output that is right for a class.
    #[must_use]
    pub fn target(self, class: usize) -> usize {
        if self == Scenario::Domain { class % 2 } else { class }
    }

    /// The outputs that are active in a context.
    #[must_use]
    pub fn active(self, context: usize) -> Range<usize> {
        if self == Scenario::Task { 2 * context..2 * context + 2 } else { 0..self.outputs() }
    }
}

/// What is done against forgetting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Method {
    /// Nothing
    None,
    /// Elastic weight consolidation, a term for each context
    Ewc,
    /// The same with one anchor
    OnlineEwc,
    /// Synaptic intelligence
    Si,
    /// Memory aware synapses
    Mas,
    /// Learning without forgetting
    Lwf,
    /// Averaged gradient episodic memory
    AGem,
    /// Experience replay
    Er,
    /// The same; what is new pushes down no class but its own
    ErAce,
    /// Dark experience replay, of outputs and of labels
    #[value(name = "der++")]
    Der,
    /// Replay and distillation by binary losses; the nearest mean of exemplars says the class
    #[value(name = "icarl")]
    Icarl,
    /// Streaming linear discriminant analysis of fixed random features, each image once
    Slda,
    /// All contexts at once
    Joint,
}

impl Method {
    /// As in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::None => "None",
            Method::Ewc => "EWC",
            Method::OnlineEwc => "online EWC",
            Method::Si => "SI",
            Method::Mas => "MAS",
            Method::Lwf => "LwF",
            Method::AGem => "A-GEM",
            Method::Er => "ER",
            Method::ErAce => "ER-ACE",
            Method::Der => "DER++",
            Method::Icarl => "iCaRL",
            Method::Slda => "SLDA",
            Method::Joint => "Joint",
        }
    }

    /// Whether there is such a method in a scenario.
    #[must_use]
    pub fn fits(self, scenario: Scenario) -> bool {
        self != Method::Icarl || scenario == Scenario::Class
    }

    /// Whether it keeps images.
    #[must_use]
    pub fn remembers(self) -> bool {
        matches!(self, Method::AGem | Method::Er | Method::ErAce | Method::Der | Method::Icarl)
    }

    /// Whether it learns images again beside new ones.
    #[must_use]
    pub fn replays(self) -> bool {
        self.remembers() && self != Method::Icarl
    }

    /// What of θ is held: by gradients, as in the papers.
    ///
    /// # Panics
    ///
    /// If the strength cannot be one.
    #[must_use]
    pub fn consolidation(self, scenario: Scenario, strength: Option<f64>) -> ConsolidationSpec {
        // Task, domain, class: EWC's as in the paper; SI's and MAS's the best of some steps of ten by `--search`.
        let (name, usual, options) = match self {
            Method::Ewc => ("ewc", [1e5, 1e10, 1e9], ",gradient=true"),
            Method::OnlineEwc => ("ewc", [1e5, 1e10, 1e9], ",gamma=1,gradient=true"),
            Method::Si => ("si", [100.0, 1e4, 1e4], ",gradient=true"),
            Method::Mas => ("mas", [0.1; 3], ",gradient=true"),
            Method::Lwf => ("lwf", [1.0; 3], ",new=zero"),
            _ => return ConsolidationSpec::default(),
        };
        let text = format!("{name}:{}{options}", strength.unwrap_or(usual[scenario as usize]));
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }
}

/// What is the same for all.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Units in each of the two hidden layers.
    pub hidden: usize,
    /// Steps in each context.
    pub iterations: usize,
    /// Images in a step.
    pub batch: usize,
    /// Images that are replayed beside them.
    pub replayed: usize,
    /// Images of each class that are kept.
    pub budget: usize,
    /// η of Adam.
    pub rate: f64,
    /// What the outputs of then count in DER++, and what the labels.
    pub der: [f64; 2],
    /// Instead of the usual strength of what holds θ, and of LwF.
    pub strength: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_strength_is_one() {
        for &method in Method::value_variants() {
            for &scenario in Scenario::value_variants() {
                let spec = method.consolidation(scenario, None);
                let holds = (Method::Ewc..=Method::Lwf).contains(&method);
                assert_eq!((spec.is_none(), spec.by_gradient()), (!holds, holds && method != Method::Lwf));
            }
        }
    }

    #[test]
    fn what_is_right_is_active() {
        for &scenario in Scenario::value_variants() {
            for class in 0..10 {
                assert!(scenario.active(class / 2).contains(&scenario.target(class)));
            }
        }
        assert_eq!(Scenario::Task.active(4), 8..10);
    }
}
