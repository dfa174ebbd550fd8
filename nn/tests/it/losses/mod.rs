//! Losses: PyTorch's answers, and laws that hold for every one of them.

mod laws;
pub(crate) mod table;
mod torch;
