//! What an op is, apart from its inputs: a name and small attributes.

/// The name of an op and what its backward will need besides inputs and output.
///
/// Most ops are just a name, and a `&'static str` converts into one. The rest say what they carry:
///
/// ```
/// use thalweg_autograd::Op;
/// let op = Op::new("cross_entropy").indices(&[3, 1]).saving(20);
/// assert_eq!(op.name(), "cross_entropy");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Op<'i> {
    pub(crate) name: &'static str,
    pub(crate) attributes: [usize; 4],
    pub(crate) scalar: f64,
    pub(crate) indices: &'i [usize],
    pub(crate) saved: usize,
}

impl<'i> Op<'i> {
    /// An op with this name, as it appears in messages.
    pub const fn new(name: &'static str) -> Self {
        Op { name, attributes: [0; 4], scalar: 0.0, indices: &[], saved: 0 }
    }

    /// The name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Up to four sizes: an axis, a stride, where a slice begins. Backward reads them by
    /// [`Back::attributes`](crate::Back::attributes).
    pub fn attributes<const N: usize>(mut self, attributes: [usize; N]) -> Self {
        self.attributes[..N].copy_from_slice(&attributes);
        self
    }

    /// A number. Backward reads it by [`Back::scalar`](crate::Back::scalar).
    pub fn scalar(mut self, scalar: f64) -> Self {
        self.scalar = scalar;
        self
    }

    /// Whole numbers: rows to look up, classes. Backward reads them by [`Back::indices`](crate::Back::indices).
    pub fn indices(mut self, indices: &'i [usize]) -> Self {
        self.indices = indices;
        self
    }

    /// Room for this many numbers behind the output, which forward fills and backward reads by
    /// [`Back::saved`](crate::Back::saved). What it holds at first is unspecified.
    pub fn saving(mut self, numbers: usize) -> Self {
        self.saved = numbers;
        self
    }
}

impl From<&'static str> for Op<'_> {
    fn from(name: &'static str) -> Self {
        Op::new(name)
    }
}
