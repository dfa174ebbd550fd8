//! What cannot move θ together.
//!
//! | what | does | so the optimizer must |
//! |---|---|---|
//! | `cbp`, `redo`, `shrink-perturb`, `clip`; a penalty that pulls | moves θ behind a step | leave θ where it finds it: not `schedule-free` |
//! | `upgd`; a penalty with `gradient=true`; A-GEM | makes another gradient of ∇L | not take ∇L for δ ∂ŷ/∂θ: none that is told the error |
//! | hidden layers; vectors of categories | has slopes without a largest one | not shrink θ as slopes grow: `vw` only with `rescales=false` |

use super::Config;
use crate::consolidate::Method;
use crate::error::{Error, ErrorKind};
use crate::memory::Replay;
use crate::optim::Needs;
use crate::plasticity::PlasticitySpec;

/// Whether all that moves θ can.
///
/// # Errors
///
/// If not: with both by name.
pub(super) fn check(config: &Config) -> Result<(), Error> {
    let Config { optimizer, memory, plasticity, consolidation, .. } = config;
    let wrong = |expected: &str, found: &dyn ToString| {
        Err(Error::expected(ErrorKind::Spec, &format!("{expected} for {}", found.to_string()), &optimizer.to_string()))
    };
    if optimizer.is_for_features() {
        if !config.model.layers.layers.is_empty() {
            return wrong("vw with rescales=false", &config.model);
        }
        if config.features.check_no_embeddings().is_err() {
            return wrong("vw with rescales=false", &config.features);
        }
    }
    let is_penalty = !matches!(consolidation.method(), Method::None | Method::Lwf { .. });
    if !optimizer.shares() {
        let expected = "an optimizer that lets others move θ";
        match plasticity {
            PlasticitySpec::None | PlasticitySpec::Upgd(_) => {}
            rule => return wrong(expected, rule),
        }
        if is_penalty && !consolidation.by_gradient() {
            return wrong(expected, consolidation);
        }
    }
    if optimizer.needs() > Needs::Gradient {
        let expected = "an optimizer that is not told the error";
        if matches!(plasticity, PlasticitySpec::Upgd(_)) {
            return wrong(expected, plasticity);
        }
        if is_penalty && consolidation.by_gradient() {
            return wrong(expected, consolidation);
        }
        if memory.replay == Replay::AGem {
            return wrong(expected, memory);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::Task;
    use crate::memory::MemorySpec;
    use crate::{FeatureSpec, Model};

    fn linear() -> Config {
        Config { model: Model::parse("linear").expect("a model"), ..Config::new(Task::Classify) }
    }

    fn checked(optimizer: &str, plasticity: &str, consolidation: &str, memory: &str) -> Result<(), String> {
        let read = "a specification";
        let config = Config {
            optimizer: optimizer.parse().expect(read),
            plasticity: plasticity.parse().expect(read),
            consolidation: consolidation.parse().expect(read),
            memory: MemorySpec::parse(memory).expect(read),
            ..Config::new(Task::Classify)
        };
        check(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_move_theta_together_is_refused_by_name() {
        for [optimizer, plasticity, consolidation, memory, reason] in [
            [
                "schedule-free-sgd",
                "clip",
                "none",
                "none",
                "an optimizer that lets others move θ for clip, found \"sche",
            ],
            ["schedule-free-adamw", "none", "l2:0.1", "none", "for l2:0.1, found \"schedule-free-adamw"],
            [
                "hedge(sgd|schedule-free-sgd)",
                "redo",
                "none",
                "none",
                "for redo, found \"hedge(sgd:0.03|schedule-free-sgd",
            ],
            ["obgd", "upgd", "none", "none", "an optimizer that is not told the error for upgd, found \"obgd"],
            ["autostep", "none", "ewc:1,gradient=true", "none", "for ewc:1,gradient=true, found \"autostep"],
            ["sgd:0.1,bound=0.5", "none", "none", "a-gem:100", "found \"sgd:0.1,bound=0.5\""],
        ] {
            let error = checked(optimizer, plasticity, consolidation, memory).expect_err(reason);
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn what_is_for_features_is_for_linear_models() {
        let with = |model: &str, optimizer: &str| {
            let (model, optimizer) = (Model::parse(model).expect("a model"), optimizer.parse().expect("an optimizer"));
            check(&Config { model, optimizer, ..Config::new(Task::Classify) }).map_err(|error| error.to_string())
        };
        let error = with("mlp:8", "hedge(sgd|vw)").expect_err("they are no features");
        assert_eq!(error, "expected vw with rescales=false for mlp:8, found \"hedge(sgd:0.03|vw:0.5)\"");
        assert_eq!(with("linear", "vw"), Ok(()));
        let features = FeatureSpec::parse("category=embed:4").expect("features");
        let config = Config { optimizer: "vw".parse().expect("an optimizer"), features, ..linear() };
        assert!(check(&config).is_err_and(|error| error.to_string().contains("embed:4")));
        assert_eq!(with("mlp:8", "vw:0.5,rescales=false"), Ok(()));
    }

    #[test]
    fn all_else_can() {
        for [optimizer, plasticity, consolidation, memory] in [
            ["cocob", "cbp", "l2:0.1", "a-gem:100"],
            ["ftrl", "upgd", "l2:0.1,gradient=true", "er:100"],
            ["ftrl", "cbp", "ewc:1", "er:100"],
            ["obgd", "shrink-perturb", "ewc:1", "er:100"],
            ["schedule-free-sgd", "none", "lwf", "a-gem:100"],
        ] {
            assert_eq!(checked(optimizer, plasticity, consolidation, memory), Ok(()));
        }
    }
}
