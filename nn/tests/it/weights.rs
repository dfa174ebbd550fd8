//! Models in files: as PyTorch wrote them, as PyTorch reads them, and as this crate keeps them.

mod kept;
mod pinned;
#[cfg(feature = "safetensors")]
mod torch;
