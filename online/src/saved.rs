//! What is read from a checkpoint: whatever the file says, it is sound or refused.
//!
//! Parts that can be judged alone are checked where they are read, by `serde(try_from)`. What must agree with other parts is
//! checked by the value that holds both, which is [`Checked`].

use serde::de::{Deserialize, Deserializer, Error as _};

use crate::error::{Error, ErrorKind};

/// A value whose parts must agree, or it would panic later, never end, or take any amount of memory.
pub(crate) trait Checked {
    /// Whether they do.
    fn check(&self) -> Result<(), Error>;
}

/// Reads a value of this type as the derived code does, and then [checks](Checked) it. The type is derived with
/// `serde(remote = "Self")`.
macro_rules! checked {
    ($type:ty) => {
        impl ::serde::Serialize for $type {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let read = Self::deserialize(deserializer)?;
                $crate::saved::Checked::check(&read).map_err(::serde::de::Error::custom)?;
                Ok(read)
            }
        }
    };
}
pub(crate) use checked;

/// A specification is saved as its text, and read as strictly as any: by `serde(try_from = "String", into = "String")`.
macro_rules! saved_as_text {
    ($spec:ty) => {
        impl TryFrom<String> for $spec {
            type Error = $crate::error::Error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$spec> for String {
            fn from(spec: $spec) -> Self {
                spec.to_string()
            }
        }
    };
}
pub(crate) use saved_as_text;

/// An error unless it is sound.
pub(crate) fn ensure(sound: bool, expected: &str) -> Result<(), Error> {
    let refused = || Error::new(ErrorKind::Checkpoint, format!("expected {expected}, found others"));
    if sound { Ok(()) } else { Err(refused()) }
}

/// No stream has so many rows, and no sum of a few such counts is too large.
const MOST: u64 = 1 << 60;

/// Whether something can have been counted.
pub(crate) fn is_count(count: u64) -> bool {
    count <= MOST
}

/// Reads a count that will go on.
pub(crate) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let count = u64::deserialize(from)?;
    let wrong = || D::Error::custom(format_args!("expected a count of at most {MOST}, found {count}"));
    if is_count(count) { Ok(count) } else { Err(wrong()) }
}

/// How types show what they refuse.
#[cfg(test)]
pub(crate) mod testing {
    use std::fmt::Debug;

    use serde::Serialize;
    use serde::de::DeserializeOwned;

    /// What is wrong, and how it comes about.
    pub type Change<V> = (&'static str, fn(&mut V));

    /// Each of the changes makes a value that is refused when it is read; without any it is not.
    #[track_caller]
    pub fn refuses<V: Clone + Debug + Serialize + DeserializeOwned>(good: &V, changes: &[Change<V>]) {
        let read = |value: &V| bincode::deserialize::<V>(&bincode::serialize(value).expect("it can be written"));
        assert!(read(good).is_ok(), "{:?}", read(good).err());
        for (what, change) in changes {
            let mut changed = good.clone();
            change(&mut changed);
            assert!(read(&changed).is_err(), "{what} is taken for good");
        }
    }
}
