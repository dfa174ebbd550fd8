//! All generators as one type, and their specifications.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::change::{Permuted, Rotated};
use super::drift::{Drift, Recurring};
use super::example::Column;
use super::images::Digits;
use super::random::Seed;
use super::settings::{Options, Settings};
use super::{
    Agrawal, Error, Friedman, Generator, Hyperplane, Led, Mixed, Mv, Planes, Rbf, Sea, Sine, Stagger, Tree, Waveform,
};
use crate::error::{ErrorKind, quoted};
use crate::spec::{Spec, SpecError, unknown};

/// Brackets within brackets: as many as anybody will want, and few enough for the stack.
const DEEPEST: usize = 16;

/// What a specification may name.
const NAMES: [&str; 17] = [
    "sea:variant=…,noise=…",
    "stagger:function=…",
    "sine:function=…",
    "mixed:function=…",
    "agrawal:function=…",
    "led:noise=…,irrelevant",
    "hyperplane:features=…",
    "rbf:classes=…,features=…,centroids=…",
    "waveform",
    "tree",
    "friedman:drift=…",
    "planes",
    "mv",
    "drift(… > …; at=…)",
    "recurring(… > …; every=…)",
    "permuted(digits; every=…)",
    "rotated(digits; every=…)",
];

/// A generator with options, which stands alone.
pub(super) trait Leaf: Generator + Sized {
    fn read(settings: &mut Settings) -> Result<Self, Error>;
}

macro_rules! kinds {
    ($($kind:ident($generator:ty),)*) => {
        /// Any generator.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub(super) enum Kind {
            $($kind($generator),)*
        }

        $(
            impl From<$generator> for Kind {
                fn from(generator: $generator) -> Self {
                    Kind::$kind(generator)
                }
            }
        )*

        impl Generator for Kind {
            fn columns(&self) -> Vec<Column> {
                match self {
                    $(Kind::$kind(generator) => generator.columns(),)*
                }
            }

            fn classes(&self) -> usize {
                match self {
                    $(Kind::$kind(generator) => generator.classes(),)*
                }
            }

            fn fill(&mut self, x: &mut Vec<f64>) -> f64 {
                match self {
                    $(Kind::$kind(generator) => generator.fill(x),)*
                }
            }

            fn check(&self) -> Result<(), Error> {
                match self {
                    $(Kind::$kind(generator) => generator.check(),)*
                }
            }
        }

        impl fmt::Display for Kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Kind::$kind(generator) => generator.fmt(f),)*
                }
            }
        }
    };
}

kinds! {
    Sea(Sea),
    Stagger(Stagger),
    Sine(Sine),
    Mixed(Mixed),
    Agrawal(Agrawal),
    Led(Led),
    Hyperplane(Hyperplane),
    Rbf(Rbf),
    Waveform(Waveform),
    Tree(Tree),
    Friedman(Friedman),
    Planes(Planes),
    Mv(Mv),
    Drift(Drift),
    Recurring(Recurring),
    Permuted(Permuted<Digits>),
    Rotated(Rotated<Digits>),
}

impl Kind {
    /// Reads a specification, at a depth in brackets. `seed` is for what names none.
    pub(super) fn parse(text: &str, seed: Seed, depth: usize) -> Result<Self, Error> {
        let text = text.trim();
        if depth > DEEPEST {
            let what = format!("{}: expected at most {DEEPEST} brackets within brackets, found more", quoted(text));
            return Err(Error::new(ErrorKind::Spec, what));
        }
        let Some((name, rest)) = text.split_once('(') else {
            let mut settings = Settings::new(Spec::parse(text)?, seed)?;
            let kind = Self::read_leaf(&mut settings)?;
            settings.finish()?;
            return Ok(kind);
        };
        let unbalanced = || SpecError::new(format!("{}: expected ( and ) in pairs, ) at the end", quoted(text)));
        let inner = rest.trim_end().strip_suffix(')').ok_or_else(unbalanced)?;
        let mut parts = split(inner, ';').ok_or_else(unbalanced)?;
        if parts.len() > 2 {
            return Err(
                SpecError::new(format!("{}: expected one ; before the options, found more", quoted(text))).into()
            );
        }
        let options = if parts.len() == 2 { format!(":{}", parts.remove(1)) } else { String::new() };
        let mut settings = Settings::new(Spec::parse(&format!("{}{options}", name.trim()))?, seed)?;
        let kind = Self::read_wrapper(&mut settings, parts[0], depth)?;
        settings.finish()?;
        Ok(kind)
    }

    fn read_leaf(settings: &mut Settings) -> Result<Self, Error> {
        Ok(match settings.name() {
            "sea" => Sea::read(settings)?.into(),
            "stagger" => Stagger::read(settings)?.into(),
            "sine" => Sine::read(settings)?.into(),
            "mixed" => Mixed::read(settings)?.into(),
            "agrawal" => Agrawal::read(settings)?.into(),
            "led" => Led::read(settings)?.into(),
            "hyperplane" => Hyperplane::read(settings)?.into(),
            "rbf" => Rbf::read(settings)?.into(),
            "waveform" => Waveform::read(settings)?.into(),
            "tree" => Tree::read(settings)?.into(),
            "friedman" => Friedman::read(settings)?.into(),
            "planes" => Planes::read(settings)?.into(),
            "mv" => Mv::read(settings)?.into(),
            other => return Err(unknown_generator(other)),
        })
    }

    fn read_wrapper(settings: &mut Settings, inner: &str, depth: usize) -> Result<Self, Error> {
        let concepts = |seed: Seed| -> Result<Vec<Kind>, Error> {
            // Those of drift stand in brackets, which are in pairs.
            let parts = split(inner, '>').unwrap_or_default().into_iter().enumerate();
            parts.map(|(index, part)| Kind::parse(part, seed.part(index), depth + 1)).collect()
        };
        Ok(match settings.name() {
            "drift" => {
                let (options, seed) = (Options::read(settings)?, settings.seed()?);
                Drift::of(concepts(seed)?, options, seed)?.into()
            }
            "recurring" => {
                let (options, seed) = (Options::read(settings)?, settings.seed()?);
                Recurring::of(concepts(seed)?, options, seed)?.into()
            }
            "permuted" => {
                let (options, seed) = (Options::read(settings)?, settings.seed()?);
                Permuted::new(images(inner)?, options, seed)?.into()
            }
            "rotated" => {
                let (options, seed) = (Options::read(settings)?, settings.seed()?);
                Rotated::new(images(inner)?, options, seed)?.into()
            }
            other => return Err(unknown_generator(other)),
        })
    }
}

fn unknown_generator(name: &str) -> Error {
    let allowed = NAMES.map(|name| name.replacen('(', ":(", usize::from(!name.contains(':'))));
    let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
    unknown("generator", name, &allowed).into()
}

fn images(name: &str) -> Result<Digits, Error> {
    match name.trim() {
        "digits" => Digits::load(),
        other => Err(unknown("images", other, &["digits"]).into()),
    }
}

/// The parts between separators that stand outside of brackets; `None` if the brackets are not in pairs.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_usize);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => open += 1,
            ')' => open = open.checked_sub(1)?,
            _ if letter == separator && open == 0 => {
                parts.push(&text[start..index]);
                start = index + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (open == 0).then_some(parts)
}
