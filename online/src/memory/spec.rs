//! Memories by their specifications.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::BufferKind;
use crate::error::{Error, ErrorKind};
use crate::saved::saved_as_text;
use crate::spec::{Spec, unknown};

/// What is kept of the past, and how it is learned again. After each new example, `replays` others are drawn.
///
/// | specification | replays | source |
/// |---|---|---|
/// | `none` | nothing | |
/// | `er:500,replays=4` | each by its loss | experience replay; Chaudhry et al. 2019 |
/// | `er-ace:500` | the same; the new example pushes down no class but those of the last `window=10` rows | Caccia et al. 2022 |
/// | `der:500,alpha=0.2` | by α times the squared distance, a mean over outputs, to what the network said when the example was kept | Buzzega et al. 2020 |
/// | `der:500,alpha=0.2,beta=1` | by that and by β times its loss: DER++ | Buzzega et al. 2020 |
/// | `a-gem:500` | nothing: the step is to raise no loss of theirs, together with the new one | Chaudhry et al. 2019 |
/// | `mir:500,candidates=20` | those of `candidates` whose loss the new example has raised most | Aljundi et al. 2019 |
///
/// A replay is a step of its own, after that of the new example: (1 + replays) steps a row. Where the papers learn in batches:
///
/// * ER-ACE takes the classes of the batch that came; here they are those of the last rows, today's included. In a stream
///   that shows one class for long, the new example teaches nothing, and the memory all.
/// * DER++ draws twice, for outputs and for labels; here both are of one draw: the same gradient in the mean, at half the
///   cost. Of outputs that came since, a network that grows would have said 0.
/// * A-GEM's `replays` are the examples whose mean gradient it looks at. There is one step a row; but both gradients have to be
///   written out, which plain SGD of an MLP does not do otherwise: with one replay a row costs 2.8 such steps.
/// * MIR tries a step and takes it back to see which losses it raises; here it is the step that is taken. It runs the network
///   over all candidates twice.
///
/// `buffer=balanced` says which examples are [kept](BufferKind): `reservoir` (the default), `ring`, `balanced` or `greedy`.
/// The name of a buffer alone is that of `er` with it: `reservoir:500,replays=4`.
///
/// ```
/// use thalweg_online::MemorySpec;
///
/// assert_eq!(MemorySpec::parse("er:500,buffer=ring")?.to_string(), "ring:500,replays=1");
/// let text = "a-gem:200,replays=10,buffer=balanced";
/// assert_eq!(MemorySpec::parse(text)?.to_string(), text);
/// # Ok::<(), thalweg_online::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct MemorySpec {
    /// How what is kept is learned again.
    pub replay: Replay,
    /// What is kept.
    pub buffer: BufferKind,
    /// How many examples are kept. 0: none.
    pub size: usize,
    /// How many of them are drawn for each new one.
    pub replays: usize,
}

/// How examples that are drawn from memory are learned again.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Replay {
    /// Each by its loss.
    #[default]
    Er,
    /// Each by its loss; the new example asks only among the classes of the last rows.
    ErAce {
        /// How many rows.
        window: usize,
    },
    /// By what the network once said of it, α, and by its loss, β.
    Der {
        /// What the squared distance of outputs counts.
        alpha: f64,
        /// What the loss counts: 0 is DER, more is DER++.
        beta: f64,
    },
    /// Not at all: the gradient of the new example is projected, so that it does not point against theirs.
    AGem,
    /// Those whose loss the new example has raised most.
    Mir {
        /// Of how many that are drawn.
        candidates: usize,
    },
}

/// Above this, a number of examples is a slip of the keyboard.
const LARGEST: usize = 100_000_000;
/// The same of examples drawn for one row.
const MOST_DRAWN: usize = 10_000;

impl MemorySpec {
    /// Reads a specification.
    ///
    /// # Errors
    ///
    /// If there is no such memory or option (with the nearest match), a size is missing, or a number is out of bounds.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut spec = Spec::parse(text)?;
        let plain = BufferKind::of_name(spec.name());
        let replay = match spec.name() {
            "none" => {
                spec.finish()?;
                return Ok(MemorySpec::default());
            }
            "er" => Replay::Er,
            "er-ace" => Replay::ErAce { window: bounded("window", spec.option("window")?.unwrap_or(10), MOST_DRAWN)? },
            "der" => Replay::Der {
                alpha: factor("alpha", spec.option("alpha")?.unwrap_or(0.2))?,
                beta: factor("beta", spec.option("beta")?.unwrap_or(0.0))?,
            },
            "a-gem" => Replay::AGem,
            "mir" => {
                let candidates = spec.option("candidates")?.unwrap_or(20);
                Replay::Mir { candidates: bounded("candidates", candidates, MOST_DRAWN)? }
            }
            _ if plain.is_some() => Replay::Er,
            other => {
                let known = ["none", "er", "er-ace", "der", "a-gem", "mir", "reservoir", "ring", "balanced", "greedy"];
                return Err(unknown("memory", other, &known).into());
            }
        };
        let buffer = match plain {
            Some(kind) => kind,
            None => match spec.option::<String>("buffer")? {
                Some(name) => BufferKind::of_name(&name)
                    .ok_or_else(|| unknown("buffer", &name, &BufferKind::ALL.map(|(name, _)| name)))?,
                None => BufferKind::default(),
            },
        };
        let size: usize = spec.arg(0, "how many examples are kept")?;
        if size > LARGEST {
            let expected = format!("a memory of at most {LARGEST}");
            return Err(Error::expected(ErrorKind::Spec, &expected, &size.to_string()));
        }
        let replays: usize = spec.option("replays")?.unwrap_or(1);
        if replays > MOST_DRAWN {
            let expected = format!("replays of at most {MOST_DRAWN}");
            return Err(Error::expected(ErrorKind::Spec, &expected, &replays.to_string()));
        }
        spec.finish()?;
        Ok(if size == 0 { MemorySpec::default() } else { MemorySpec { replay, buffer, size, replays } })
    }
}

fn bounded(what: &str, n: usize, most: usize) -> Result<usize, Error> {
    let expected = format!("{what} from 1 to {most}");
    if (1..=most).contains(&n) { Ok(n) } else { Err(Error::expected(ErrorKind::Spec, &expected, &n.to_string())) }
}

fn factor(what: &str, x: f64) -> Result<f64, Error> {
    let expected = format!("{what} of at least 0");
    if x >= 0.0 && x.is_finite() { Ok(x) } else { Err(Error::expected(ErrorKind::Spec, &expected, &x.to_string())) }
}

/// As it is parsed, with defaults written out.
impl fmt::Display for MemorySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MemorySpec { replay, buffer, size, replays } = self;
        let buffer = buffer.name();
        match replay {
            _ if *size == 0 => f.write_str("none"),
            Replay::Er => write!(f, "{buffer}:{size},replays={replays}"),
            Replay::ErAce { window } => {
                write!(f, "er-ace:{size},replays={replays},buffer={buffer},window={window}")
            }
            Replay::Der { alpha, beta } => {
                write!(f, "der:{size},replays={replays},buffer={buffer},alpha={alpha},beta={beta}")
            }
            Replay::AGem => write!(f, "a-gem:{size},replays={replays},buffer={buffer}"),
            Replay::Mir { candidates } => {
                write!(f, "mir:{size},replays={replays},buffer={buffer},candidates={candidates}")
            }
        }
    }
}

saved_as_text!(MemorySpec);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn specifications_print_as_they_parse() {
        for text in [
            "none",
            "reservoir:500,replays=4",
            "balanced:10,replays=0",
            "er-ace:500,replays=1,buffer=reservoir,window=10",
            "der:500,replays=2,buffer=ring,alpha=0.5,beta=1",
            "a-gem:200,replays=10,buffer=greedy",
            "mir:200,replays=1,buffer=reservoir,candidates=50",
        ] {
            assert_eq!(MemorySpec::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(MemorySpec::parse("er:5,buffer=greedy").unwrap(), MemorySpec::parse("greedy:5").unwrap());
        assert_eq!(MemorySpec::parse("er:0").unwrap(), MemorySpec::default());
    }

    #[test]
    fn what_is_no_memory_is_refused() {
        let message = |text: &str| MemorySpec::parse(text).unwrap_err().to_string();
        assert!(message("reservoir").contains("how many examples are kept"));
        assert!(message("resevoir:3").contains(r#"did you mean "reservoir"?"#), "{}", message("resevoir:3"));
        assert!(message("er:3,buffer=rnig").contains(r#"did you mean "ring"?"#));
        assert!(message("ring:3,buffer=ring").contains("buffer"));
        assert!(message("er:3,alpha=1").contains("alpha"));
        assert!(message("der:3,alpha=-1").contains("alpha of at least 0"));
        assert!(message("mir:3,candidates=0").contains("candidates from 1 to 10000"));
        assert!(message("er:3,replays=10001").contains("replays of at most 10000"));
        assert!(message("er:100000001").contains("a memory of at most 100000000"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_printing_parses_back(
            text in "\\PC{0,16}|(er|er-ace|der|mir|a-gem|ring):[0-9]{1,3}(,(replays|alpha|beta|window|candidates)=[0-9.e-]{1,5}){0,2}"
        ) {
            if let Ok(spec) = MemorySpec::parse(&text) {
                prop_assert_eq!(MemorySpec::parse(&spec.to_string()).ok(), Some(spec));
            }
        }
    }
}
