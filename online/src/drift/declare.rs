//! How a detector, or another thing of a name and options, is declared, read from a specification, written to one, and checked.

use std::fmt::{Debug, Display};

use crate::error::{Error, ErrorKind};
use crate::spec::{Spec, SpecError};

/// A type that an option can have.
pub(crate) trait Field: Sized {
    fn read(spec: &mut Spec, key: &str) -> Result<Option<Self>, SpecError>;

    fn write(&self, key: &str) -> Option<String>;
}

macro_rules! fields {
    ($($field:ty)*) => {$(
        impl Field for $field {
            fn read(spec: &mut Spec, key: &str) -> Result<Option<Self>, SpecError> {
                spec.option(key)
            }

            fn write(&self, key: &str) -> Option<String> {
                Some(format!("{key}={self}"))
            }
        }
    )*};
}

fields! { bool f64 u64 usize super::Direction }

/// A number that need not be given.
impl Field for Option<f64> {
    fn read(spec: &mut Spec, key: &str) -> Result<Option<Self>, SpecError> {
        Ok(spec.option(key)?.map(Some))
    }

    fn write(&self, key: &str) -> Option<String> {
        self.as_ref().and_then(|value| value.write(key))
    }
}

/// An error about the options of what is called `name`.
pub(crate) fn wrong(name: &str, expected: &str, found: &impl Debug) -> Error {
    Error::new(ErrorKind::Spec, format!("{name}: expected {expected}, found {found:?}"))
}

/// The name, and behind it what is written.
pub(crate) fn written(name: &str, options: &[Option<String>]) -> impl Display {
    let options: Vec<&str> = options.iter().flatten().map(String::as_str).collect();
    if options.is_empty() { name.to_owned() } else { format!("{name}:{}", options.join(",")) }
}

/// A struct of options, each with its default and what it must be, and what they must be together.
macro_rules! options {
    (
        $(#[$about:meta])*
        $name:ident as $spec:literal {
            $($(#[$doc:meta])* $field:ident: $type:ty = $default:expr, $expected:literal, $accept:expr;)*
        }
        $together:literal, $fit:expr
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

        impl $name {
            pub(super) const NAME: &'static str = $spec;

            pub(super) fn read(spec: &mut $crate::spec::Spec) -> Result<Self, $crate::Error> {
                use $crate::drift::declare::Field as _;
                let default = Self::default();
                let options = $name { $($field: <$type>::read(spec, stringify!($field))?.unwrap_or(default.$field),)* };
                spec.finish()?;
                options.check().map(|()| options)
            }

            pub(super) fn check(&self) -> Result<(), $crate::Error> {
                use $crate::drift::declare::wrong;
                $({
                    let accept: fn($type) -> bool = $accept;
                    if !accept(self.$field) {
                        return Err(wrong($spec, concat!(stringify!($field), " ", $expected), &self.$field));
                    }
                })*
                let fit: fn(&Self) -> bool = $fit;
                if fit(self) { Ok(()) } else { Err(wrong($spec, $together, self)) }
            }
        }

        /// The specification, without what is the default.
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                use $crate::drift::declare::{Field as _, written};
                let default = Self::default();
                let options = [$((self.$field != default.$field).then(|| self.$field.write(stringify!($field))).flatten(),)*];
                written($spec, &options).fmt(f)
            }
        }
    };
}

/// A detector: its options, its tally, and its state, which is checked when it is read.
///
/// Its file says how one begins (`begin`), and what state there can be (`is_sound`).
macro_rules! detector {
    (
        $(#[$about:meta])*
        $name:ident, $options:ident {
            $($(#[$doc:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "Saved")]
        pub struct $name {
            options: $options,
            tally: $crate::drift::Tally,
            $($(#[$doc])* $field: $type,)*
        }

        /// The same, before it is checked.
        #[derive(serde::Deserialize)]
        struct Saved {
            options: $options,
            tally: $crate::drift::Tally,
            $($field: $type,)*
        }

        impl TryFrom<Saved> for $name {
            type Error = $crate::Error;

            fn try_from(saved: Saved) -> Result<Self, $crate::Error> {
                saved.options.check()?;
                let detector = $name { options: saved.options, tally: saved.tally, $($field: saved.$field,)* };
                let message = || format!("{}: expected a state that values can lead to, found another", $options::NAME);
                let contradiction = || $crate::Error::new($crate::ErrorKind::Checkpoint, message());
                detector.is_sound().then_some(detector).ok_or_else(contradiction)
            }
        }

        impl $name {
            /// A detector that has seen nothing.
            ///
            /// # Errors
            ///
            /// If an option is not what it must be.
            pub fn new(options: $options) -> Result<Self, $crate::Error> {
                options.check().map(|()| Self::begin(options))
            }

            /// What it was made with.
            #[must_use]
            pub fn options(&self) -> &$options {
                &self.options
            }
        }

        /// With the default options.
        impl Default for $name {
            fn default() -> Self {
                Self::begin($options::default())
            }
        }
    };
}

pub(super) use detector;
pub(crate) use options;
