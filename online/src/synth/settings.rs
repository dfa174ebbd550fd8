//! How the options of a generator are read from a specification, written to one, and checked.

use std::fmt::{self, Display};
use std::ops::{Bound, RangeBounds};

use super::random::{Compat, Seed};
use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, SpecError, unknown};

/// Options of a generator. The macro [`options!`] makes one.
pub(super) trait Options: Sized {
    /// The generator's name.
    const NAME: &'static str;

    fn read(settings: &mut Settings) -> Result<Self, SpecError>;

    /// Writes what is not the default.
    fn write(&self, written: &mut Written);

    fn check(&self) -> Result<(), Error>;
}

/// The options and flags of a specification. A flag is an argument without a value: `irrelevant`.
pub(super) struct Settings {
    spec: Spec,
    flags: Vec<String>,
    known: Vec<String>,
    default: Seed,
}

impl Settings {
    /// `default` is the seed where the specification names none.
    pub(super) fn new(mut spec: Spec, default: Seed) -> Result<Self, SpecError> {
        let flags = spec.all_args("a flag")?;
        Ok(Settings { spec, flags, known: Vec::new(), default })
    }

    pub(super) fn name(&self) -> &str {
        self.spec.name()
    }

    /// `seed=…` and `river`.
    pub(super) fn seed(&mut self) -> Result<Seed, SpecError> {
        let compat = if self.flag("river") { Compat::River } else { self.default.compat };
        Ok(Seed { number: self.spec.option("seed")?.unwrap_or(self.default.number), compat })
    }

    fn flag(&mut self, name: &str) -> bool {
        self.known.push(name.to_owned());
        self.flags.iter().any(|flag| flag == name)
    }

    /// Refuses what has not been asked for.
    pub(super) fn finish(self) -> Result<(), SpecError> {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        match self.flags.iter().find(|flag| !self.known.contains(flag)) {
            Some(flag) => Err(unknown(&format!("flag of {}", self.name()), flag, &known)),
            None => self.spec.finish(),
        }
    }
}

/// Flags and options, to be written after a name.
#[derive(Default)]
pub(super) struct Written(Vec<String>);

impl Written {
    /// The options that are not the default, the seed, and whose rows they are.
    pub(super) fn new(options: &impl Options, seed: Seed) -> Self {
        let mut written = Written::default();
        options.write(&mut written);
        seed.number.write("seed", &mut written);
        seed.is_river().write("river", &mut written);
        written
    }
}

impl Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// A type that an option of a generator can have.
pub(super) trait Field: Sized {
    fn read(settings: &mut Settings, key: &str) -> Result<Option<Self>, SpecError>;

    fn write(&self, key: &str, written: &mut Written);
}

macro_rules! fields {
    ($($field:ty)*) => {$(
        impl Field for $field {
            fn read(settings: &mut Settings, key: &str) -> Result<Option<Self>, SpecError> {
                settings.spec.option(key)
            }

            fn write(&self, key: &str, written: &mut Written) {
                written.0.push(format!("{key}={self}"));
            }
        }
    )*};
}

fields! { f64 u64 usize super::friedman::Change }

/// A flag, which is written if it is set.
impl Field for bool {
    fn read(settings: &mut Settings, key: &str) -> Result<Option<Self>, SpecError> {
        Ok(settings.flag(key).then_some(true))
    }

    fn write(&self, key: &str, written: &mut Written) {
        written.0.extend(self.then(|| key.to_owned()));
    }
}

/// An option without a value of its own: what it is then, the generator says.
impl<T: Field> Field for Option<T> {
    fn read(settings: &mut Settings, key: &str) -> Result<Option<Self>, SpecError> {
        Ok(T::read(settings, key)?.map(Some))
    }

    fn write(&self, key: &str, written: &mut Written) {
        if let Some(value) = self {
            value.write(key, written);
        }
    }
}

/// A number within `range`.
pub(super) fn within<T: PartialOrd + Field>(
    name: &str,
    key: &str,
    value: &T,
    range: impl RangeBounds<T>,
) -> Result<(), Error> {
    if range.contains(value) {
        return Ok(());
    }
    let range = match (range.start_bound(), range.end_bound()) {
        (Bound::Included(least), Bound::Included(most)) => format!("from {} to {}", text(least), text(most)),
        (Bound::Included(least) | Bound::Excluded(least), _) => format!("of {} or more", text(least)),
        (Bound::Unbounded, Bound::Included(most) | Bound::Excluded(most)) => format!("of {} or less", text(most)),
        (Bound::Unbounded, Bound::Unbounded) => "of a number".to_owned(),
    };
    Err(wrong(name, format!("expected {key} {range}, found {}", text(value))))
}

/// A value as it is written in a specification.
fn text(value: &impl Field) -> String {
    let mut written = Written::default();
    value.write("", &mut written);
    written.to_string().trim_start_matches('=').to_owned()
}

/// An error about the options of the generator `name`.
pub(super) fn wrong(name: &str, what: String) -> Error {
    Error::new(ErrorKind::Spec, format!("{name}: {what}"))
}

/// A struct of options, each with its default and the range it must be in.
macro_rules! options {
    (
        $(#[$about:meta])*
        $name:ident as $spec:literal {
            $($(#[$doc:meta])* $field:ident: $type:ty = $default:expr, in $range:expr;)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                $name { $($field: $default,)* }
            }
        }

        impl $crate::synth::settings::Options for $name {
            const NAME: &'static str = $spec;

            fn read(
                settings: &mut $crate::synth::settings::Settings,
            ) -> Result<Self, $crate::spec::SpecError> {
                use $crate::synth::settings::Field;
                let default = Self::default();
                Ok($name { $($field: <$type>::read(settings, stringify!($field))?.unwrap_or(default.$field),)* })
            }

            fn write(&self, written: &mut $crate::synth::settings::Written) {
                use $crate::synth::settings::Field;
                let default = Self::default();
                $(if self.$field != default.$field {
                    self.$field.write(stringify!($field), written);
                })*
            }

            fn check(&self) -> Result<(), $crate::error::Error> {
                $($crate::synth::settings::within($spec, stringify!($field), &self.$field, $range)?;)*
                Ok(())
            }
        }
    };
}

/// What a generator with the fields `options` and `seed` has beside its rows.
macro_rules! generator {
    ($name:ident, $options:ident) => {
        impl $name {
            /// What it was made with.
            #[must_use]
            pub fn options(&self) -> &$options {
                &self.options
            }

            /// What it was started with.
            #[must_use]
            pub fn seed(&self) -> $crate::synth::Seed {
                self.seed
            }
        }

        impl $crate::synth::kind::Leaf for $name {
            fn read(settings: &mut $crate::synth::settings::Settings) -> Result<Self, $crate::error::Error> {
                let options = <$options as $crate::synth::settings::Options>::read(settings)?;
                Self::new(options, settings.seed()?)
            }
        }

        /// The specification: parsing it gives a generator that starts from the first row.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use $crate::synth::settings::{Options, Written};
                write!(f, "{}:{}", $options::NAME, Written::new(&self.options, self.seed))
            }
        }
    };
}

pub(super) use {generator, options};
