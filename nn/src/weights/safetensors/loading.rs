//! θ from a file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use thalweg_autograd::{Param, Params};
use thalweg_tensor::Real;

use super::header::{Header, Place};
use super::{Dtype, Error, Misshaped, Report, file};

/// The largest file that is read: 16 GiB. Larger ones can be mapped into memory and given to [`from_bytes`].
const LIMIT: u64 = 16 << 30;

/// The name in θ of a tensor with this name in the file; `None`: it is left out.
type Rename<'f> = dyn Fn(&str) -> Option<String> + 'f;

/// How a file is loaded into θ: all or nothing, or what fits; under the same names, or under others.
pub struct Loading<'f> {
    partial: bool,
    rename: Box<Rename<'f>>,
}

impl<'f> Loading<'f> {
    /// The file must hold θ, all of it and nothing else: else nothing changes.
    pub fn strict() -> Self {
        Loading { partial: false, rename: Box::new(|name| Some(name.to_owned())) }
    }

    /// What fits by name and shape is loaded, the rest of θ keeps its bits.
    pub fn partial() -> Self {
        Loading { partial: true, ..Self::strict() }
    }

    /// With other names: `rename` gives the name in θ of a tensor in the file, or `None` if it is to be left out.
    ///
    /// ```
    /// use thalweg_nn::weights::safetensors::Loading;
    ///
    /// // Everything but the head.
    /// let loading = Loading::partial().rename(|name| (!name.starts_with("head.")).then(|| name.to_owned()));
    /// # let _ = loading;
    /// ```
    #[must_use]
    pub fn rename(mut self, rename: impl Fn(&str) -> Option<String> + 'f) -> Self {
        self.rename = Box::new(rename);
        self
    }

    /// With other names: of each pair, the first is how a name begins in the file, the second how it begins in θ. The
    /// first pair that fits counts; a name that none fits stays.
    #[must_use]
    pub fn prefixes(self, pairs: &'f [(&'f str, &'f str)]) -> Self {
        self.rename(move |name| {
            let renamed = pairs.iter().find_map(|(old, new)| name.strip_prefix(old).map(|rest| format!("{new}{rest}")));
            Some(renamed.unwrap_or_else(|| name.to_owned()))
        })
    }
}

impl fmt::Debug for Loading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loading").field("partial", &self.partial).finish_non_exhaustive()
    }
}

/// Loads θ from the bytes of a safetensors file. On an error θ keeps every bit.
///
/// The numbers are converted to θ's: exactly from fewer bits, to the nearest from more. PyTorch's counters
/// (`num_batches_tracked`) are left out where θ has no place for them.
///
/// # Errors
///
/// A file that is not well formed; a number that θ cannot hold (finite there, infinite here); a type that is not one of
/// [`Dtype`] in a tensor that is to be loaded; two tensors that are to go to the same place; and, if it is to be
/// [strict](Loading::strict), [`Error::Incomplete`] with the report.
pub fn from_bytes<T: Real>(bytes: &[u8], params: &mut Params<T>, loading: &Loading<'_>) -> Result<Report, Error> {
    let (header, numbers) = Header::parse(bytes)?;
    let (report, plan) = plan(header, numbers, params, loading)?;
    if !loading.partial && !report.is_complete() {
        return Err(Error::Incomplete(Box::new(report)));
    }
    for (param, dtype, bytes) in plan {
        dtype.decode(bytes, params.of_mut(param));
    }
    Ok(report)
}

/// Loads θ from the safetensors file at `path`. On an error θ keeps every bit.
///
/// # Errors
///
/// As [`from_bytes`], and if the file cannot be read or is larger than 16 GiB.
pub fn load<T: Real>(path: impl AsRef<Path>, params: &mut Params<T>, loading: &Loading<'_>) -> Result<Report, Error> {
    let path = path.as_ref();
    let bytes = file::read(path, LIMIT + 1).and_then(|bytes| match bytes.len() as u64 {
        found if found > LIMIT => Err(Error::TooLarge { limit: LIMIT, found: None }),
        _ => Ok(bytes),
    });
    bytes.and_then(|bytes| from_bytes(&bytes, params, loading)).map_err(|error| error.in_file(path))
}

/// What is to be written where.
type Plan<'b> = Vec<(Param, Dtype, &'b [u8])>;

/// Finds what can go wrong before anything changes.
fn plan<'b, T: Real>(
    header: Header,
    numbers: &'b [u8],
    params: &Params<T>,
    loading: &Loading<'_>,
) -> Result<(Report, Plan<'b>), Error> {
    let mut report = Report { metadata: header.metadata, ..Report::default() };
    let names: BTreeMap<&str, Param> = params.layout().iter().map(|(param, entry)| (entry.name(), param)).collect();
    let mut found: BTreeMap<Param, (String, Place)> = BTreeMap::new();
    for (name, place) in header.tensors {
        let Some(renamed) = (loading.rename)(&name) else {
            report.left_out.push(name);
            continue;
        };
        match names.get(renamed.as_str()) {
            Some(param) => {
                if let Some((first, _)) = found.insert(*param, (name.clone(), place)) {
                    return Err(Error::tensor(&name, "a place of its own", format!("{renamed:?}, as for {first:?}")));
                }
            }
            None if name.ends_with("num_batches_tracked") => report.left_out.push(name),
            None => report.unexpected.push(name),
        }
    }
    let mut plan = Vec::new();
    for (param, entry) in params.layout().iter() {
        let (name, expected) = (entry.name().to_owned(), entry.shape().dims().to_vec());
        let Some((in_file, Place { dtype, shape, data_offsets: [begin, end] })) = found.remove(&param) else {
            report.missing.push(name);
            continue;
        };
        if shape != expected {
            report.misshaped.push(Misshaped { name, expected, found: shape });
            continue;
        }
        let dtype = Dtype::named(&dtype).ok_or_else(|| Error::tensor(&in_file, Dtype::READ, dtype))?;
        let bytes = &numbers[begin..end];
        if let Some(value) = dtype.refused::<T>(bytes) {
            return Err(Error::tensor(&in_file, format!("numbers that {} can hold", Dtype::of::<T>().name()), value));
        }
        report.loaded.push(name);
        plan.push((param, dtype, bytes));
    }
    Ok((report, plan))
}
