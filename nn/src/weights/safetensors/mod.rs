//! Weights to and from other frameworks: the safetensors format.
//!
//! Names and shapes are PyTorch's, so a `state_dict` that Python saved with `safetensors.torch.save_file` loads by name,
//! and what is saved here loads there with `net.load_state_dict(safetensors.torch.load_file(path))`. The layers make θ
//! first; the file then fills it.
//!
//! | | |
//! |---|---|
//! | [`save`], [`to_bytes`], [`Saving`] | θ in a file: in which number format, with which texts beside it |
//! | [`load`], [`from_bytes`], [`Loading`] | θ from a file: all of it or what fits, under the same names or others |
//! | [`Report`] | what was loaded, what was missing, unexpected or of another shape |
//! | [`Dtype`] | the number formats |
//!
//! Transfer: the trunk comes from a file, the head is new.
//!
//! ```
//! use thalweg_autograd::Params;
//! use thalweg_nn::weights::safetensors::{self, Dtype, Loading, Saving};
//! use thalweg_nn::{Linear, Lstm};
//! use thalweg_tensor::Rng;
//!
//! let (mut teacher, mut rng) = (Params::<f32>::new(), Rng::new(1));
//! Lstm::new(&mut teacher, "module.rnn", 3, 8, &mut rng);
//! Linear::new(&mut teacher, "module.head", 8, 10, &mut rng);
//! let saving = Saving { dtype: Some(Dtype::BF16), ..Saving::default() }; // half the size
//! let file = safetensors::to_bytes(&teacher, &saving)?;
//!
//! let mut params = Params::<f32>::new();
//! Lstm::new(&mut params, "rnn", 3, 8, &mut rng);
//! Linear::new(&mut params, "head", 8, 2, &mut rng);
//! let loading = Loading::partial().prefixes(&[("module.", "")]);
//! let report = safetensors::from_bytes(&file, &mut params, &loading)?;
//! assert_eq!(report.to_string(), "\
//! loaded      4
//! misshaped   head.weight: expected [2, 8], found [10, 8]
//! misshaped   head.bias: expected [2], found [10]");
//! # Ok::<(), thalweg_nn::weights::Error>(())
//! ```
//!
//! What the file holds beside θ stays behind: an optimizer, the state of a cell, a generator. To continue training
//! bit-exactly, save [a value with all of them](super) instead.

mod dtype;
mod half;
mod header;
mod loading;
mod report;

use std::collections::BTreeMap;
use std::path::Path;

use thalweg_autograd::Params;
use thalweg_tensor::Real;

use super::{Error, file};
use header::{Header, METADATA, Place};

pub use dtype::Dtype;
pub use loading::{Loading, from_bytes, load};
pub use report::{Misshaped, Report};

/// How θ is saved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saving {
    /// The format of the numbers. `None`: as they are in memory, bit for bit.
    pub dtype: Option<Dtype>,
    /// Whether finite numbers that are too large for the format become infinite, as PyTorch's `half()` makes them. If
    /// not, they are an error.
    pub allow_overflow: bool,
    /// Texts to be kept beside the tensors, by name.
    pub metadata: BTreeMap<String, String>,
}

/// The bytes of a safetensors file of θ, frozen entries included.
///
/// # Errors
///
/// [`Error::Tensor`] if a number is too large for the format, and where the format does not allow a name or a type: a
/// tensor named `__metadata__`, [`Dtype::I64`].
pub fn to_bytes<T: Real>(params: &Params<T>, saving: &Saving) -> Result<Vec<u8>, Error> {
    let dtype = saving.dtype.unwrap_or(Dtype::of::<T>());
    let mut header = Header { metadata: saving.metadata.clone(), ..Header::default() };
    let mut end = 0;
    for entry in params.layout().entries() {
        let (name, shape) = (entry.name(), entry.shape());
        if name == METADATA {
            return Err(Error::tensor(name, "another name", "one that the format keeps for itself"));
        }
        if dtype == Dtype::I64 {
            return Err(Error::tensor(name, "a format with fractions", dtype.name()));
        }
        let begin = end;
        end += shape.len() * dtype.bytes();
        let place = Place { dtype: dtype.name().into(), shape: shape.dims().into(), data_offsets: [begin, end] };
        header.tensors.push((name.to_owned(), place));
    }
    let mut bytes = header.to_bytes()?;
    bytes.reserve_exact(end);
    for (param, entry) in params.layout().iter() {
        dtype.encode(params.of(param), saving.allow_overflow, &mut bytes).map_err(|value| {
            Error::tensor(entry.name(), format!("numbers that {} can hold", dtype.name()), format!("{value:e}"))
        })?;
    }
    Ok(bytes)
}

/// Saves θ in a safetensors file at `path`, which is replaced wholly or not at all.
///
/// # Errors
///
/// As [`to_bytes`], and if the file cannot be written.
pub fn save<T: Real>(path: impl AsRef<Path>, params: &Params<T>, saving: &Saving) -> Result<(), Error> {
    let path = path.as_ref();
    to_bytes(params, saving).and_then(|bytes| file::replace(path, &bytes)).map_err(|error| error.in_file(path))
}

#[cfg(test)]
mod tests;
