//! Stories of the crate as a user sees it: known answers.

mod support;
mod torch_conv;
mod torch_layers;
mod torch_losses;
