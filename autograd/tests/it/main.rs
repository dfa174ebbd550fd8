//! Stories of the crate as a user sees it: known answers.

mod torch_conv;
mod support;
mod torch_layers;
mod torch_losses;
