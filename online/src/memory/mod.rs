//! Update by samples: what is kept of the past, to be learned again beside the new.
//!
//! | buffer | keeps, of at most m items | when to choose it |
//! |---|---|---|
//! | [`Reservoir`] | a uniform sample of everything | the past as it was |
//! | [`Ring`] | the last m | what is old is wrong |
//! | [`Balanced`] | as many of each class, a uniform sample within each | classes of very unequal size |
//! | [`Greedy`] | as many of each class, the first that came | the cheapest balance; classes that do not change |
//!
//! All of them answer an item that is offered with the *place* where it is to be written, if it is to be kept: what stood
//! there can be used again, so that a full memory allocates nothing. An offer and a draw cost the same whatever m is; those
//! that know classes look at the count of each class besides. [`Buffer`] is any of them.

mod a_gem;
mod balanced;
mod buffer;
mod greedy;
mod reservoir;
mod ring;
mod shelves;
mod spec;

pub use a_gem::project;
pub use balanced::Balanced;
pub use buffer::{Buffer, BufferKind};
pub use greedy::Greedy;
pub use reservoir::Reservoir;
pub use ring::Ring;
pub use spec::{MemorySpec, Replay};
