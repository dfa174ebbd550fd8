//! Sources of images.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Error;
use super::settings::wrong;
use crate::learn::Task;
use crate::row::Row;
use crate::stream::{Record, bundled};

/// Labelled grey images of one size.
pub trait Images {
    /// Rows and columns of an image.
    fn shape(&self) -> [usize; 2];

    /// How many images there are: at least one.
    fn len(&self) -> usize;

    /// How many classes there are.
    fn classes(&self) -> usize;

    /// The pixels of an image, row by row, and its class, counted from 0.
    ///
    /// # Panics
    ///
    /// If `index` is not less than [`len`](Images::len).
    fn image(&self, index: usize) -> (&[f32], usize);

    /// Whether there are no images.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The 1 797 [bundled](crate::stream::bundled) digits, 8 × 8, with grey values from 0 to 1. Saved by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digits(Arc<Vec<([f32; 64], usize)>>);

impl Digits {
    /// Reads the bundled digits.
    ///
    /// # Errors
    ///
    /// None in practice: the bytes are part of the program.
    pub fn load() -> Result<Self, Error> {
        let digits = bundled::find("digits").ok_or_else(|| wrong("digits", "expected bundled images".into()))?;
        let (mut stream, mut record, mut images) = (digits.open()?, Record::new(), Vec::new());
        while stream.read(&mut record)? {
            let pixel = |index| record.cell(index).1.number().unwrap_or(0.0) as f32 / 16.0;
            let target = record.target(Task::Classify)?;
            let class = target.and_then(|target| target.class().ok()?.parse().ok()).filter(|class| *class < 10);
            let class = class.ok_or_else(|| wrong("digits", "expected a digit for each image".into()))?;
            images.push((std::array::from_fn(pixel), class));
        }
        Ok(Digits(Arc::new(images)))
    }
}

impl Images for Digits {
    fn shape(&self) -> [usize; 2] {
        [8, 8]
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn classes(&self) -> usize {
        10
    }

    fn image(&self, index: usize) -> (&[f32], usize) {
        let (pixels, class) = &self.0[index];
        (pixels, *class)
    }
}

impl TryFrom<String> for Digits {
    type Error = Error;

    fn try_from(name: String) -> Result<Self, Error> {
        if name == "digits" { Self::load() } else { Err(wrong("images", format!("expected digits, found {name:?}"))) }
    }
}

impl From<Digits> for String {
    fn from(_: Digits) -> Self {
        "digits".to_owned()
    }
}

/// As specifications name them.
impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("digits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_are_all_there() -> Result<(), Error> {
        let digits = Digits::load()?;
        assert_eq!((digits.len(), digits.shape()), (1_797, [8, 8]));
        assert!((0..digits.len()).all(|index| digits.image(index).0.iter().all(|grey| (0.0..=1.0).contains(grey))));
        Ok(())
    }
}
