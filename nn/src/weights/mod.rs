//! Models in files: to continue exactly where one stopped, and to exchange weights with other frameworks.
//!
//! | | feature | what it holds |
//! |---|---|---|
//! | [`save`], [`load`], [`Container`] | `checkpoint`, on by default | any serde value, every bit of it: θ with its layout, optimizer, state, generator |
//! | `safetensors` | `safetensors` | θ by name, for PyTorch and others; half precision where wanted |
//!
//! The first is for the program itself. A value goes in as a whole and comes back as a whole, bit by bit, and the file
//! is replaced wholly or not at all: stop anywhere, go on as if nothing had been.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use thalweg_autograd::{Grads, Params, Tape};
//! use thalweg_nn::{Adam, Cell, Linear, Lstm, Optimizer, State, weights};
//! use thalweg_tensor::Rng;
//!
//! /// All that learning depends on.
//! #[derive(Serialize, Deserialize)]
//! struct Checkpoint {
//!     params: Params<f32>,
//!     lstm: Lstm,
//!     head: Linear,
//!     optimizer: Adam<f32>,
//!     carried: State<f32>,
//!     rng: Rng,
//! }
//!
//! impl Checkpoint {
//!     fn new(seed: u64) -> Self {
//!         let (mut params, mut rng) = (Params::new(), Rng::new(seed));
//!         let lstm = Lstm::new(&mut params, "lstm", 1, 8, &mut rng);
//!         let head = Linear::new(&mut params, "head", 8, 1, &mut rng);
//!         let carried = lstm.zero_state(&params);
//!         Checkpoint { params, lstm, head, optimizer: Adam::new(0.01), carried, rng }
//!     }
//!
//!     /// Learns to sum what comes. The loss before each update.
//!     fn train(&mut self, steps: usize) -> Vec<f32> {
//!         let (mut tape, mut grads) = (Tape::new(), Grads::like(&self.params)); // hold nothing between steps
//!         let mut step = |_| {
//!             let x = self.rng.normal() as f32;
//!             let pass = tape.pass(&self.params);
//!             let (h, state) = self.lstm.step(pass.input(&[x]), self.lstm.enter(&pass, &self.carried));
//!             let loss = self.head.forward(h).mse(pass.input(&[0.5 * x]));
//!             let value = loss.item();
//!             loss.backward(&mut grads);
//!             self.lstm.leave(state, &mut self.carried);
//!             self.optimizer.step(&mut self.params, &mut grads);
//!             value
//!         };
//!         (0..steps).map(&mut step).collect()
//!     }
//! }
//!
//! let mut model = Checkpoint::new(1);
//! model.train(20);
//! let path = std::env::temp_dir().join(format!("thalweg-doc-{}.weights", std::process::id()));
//! weights::save(&path, &model)?;
//! let unbroken = model.train(20);
//! drop(model); // the program ends, and another begins
//!
//! let mut resumed: Checkpoint = weights::load(&path)?;
//! assert_eq!(resumed.train(20), unbroken); // to the last bit
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), weights::Error>(())
//! ```
//!
//! The functions here write files of one kind, for quick use; a program that keeps its files for long gives them a magic
//! and a version of its own: a [`Container`]. What is read is limited in size, checksummed, and checked by the types that
//! it becomes (a layout must be sound, a vector as long as its layout says): damage is an [`Error`], never a panic. What no
//! type sees alone is not checked: that handles and moments belong to this θ, and not to another.
//!
//! bincode, which encodes the payload, is unmaintained (RUSTSEC-2025-0141); `container` is the only module of the
//! workspace that names it.

#[cfg(feature = "checkpoint")]
mod container;
mod error;
mod file;
#[cfg(feature = "safetensors")]
pub mod safetensors;

#[cfg(feature = "checkpoint")]
pub use self::checkpoint::{from_bytes, load, save, to_bytes};
#[cfg(feature = "checkpoint")]
pub use container::Container;
pub use error::Error;
pub use file::sweep;

/// The kind of file for quick use.
#[cfg(feature = "checkpoint")]
mod checkpoint {
    use std::path::Path;

    use serde::{Serialize, de::DeserializeOwned};

    use super::{Container, Error};

    /// Its version changes with any type of this crate, and of those below, that can be saved.
    const CONTAINER: Container = Container::new(*b"THALWNN\0", 4, "weight file of thalweg");

    /// The bytes of a file that holds `value`: [`Container::to_bytes`].
    ///
    /// # Errors
    ///
    /// If the value cannot be serialised or needs more than 4 GiB.
    pub fn to_bytes<V: Serialize>(value: &V) -> Result<Vec<u8>, Error> {
        CONTAINER.to_bytes(value)
    }

    /// The value in the bytes of a file: [`Container::from_bytes`].
    ///
    /// # Errors
    ///
    /// If it is another kind of file, of another version, damaged in any way, or not a `V`.
    pub fn from_bytes<V: DeserializeOwned>(bytes: &[u8]) -> Result<V, Error> {
        CONTAINER.from_bytes(bytes)
    }

    /// Writes `value` to the file at `path`, wholly or not at all: [`Container::save`].
    ///
    /// # Errors
    ///
    /// As [`to_bytes`], and if the file cannot be written.
    pub fn save<V: Serialize>(path: impl AsRef<Path>, value: &V) -> Result<(), Error> {
        CONTAINER.save(path, value)
    }

    /// Reads the value in the file at `path`: [`Container::load`].
    ///
    /// # Errors
    ///
    /// As [`from_bytes`], and if the file cannot be read.
    pub fn load<V: DeserializeOwned>(path: impl AsRef<Path>) -> Result<V, Error> {
        CONTAINER.load(path)
    }
}
