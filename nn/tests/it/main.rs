//! Stories of the crate as a user sees it: known answers, laws, growth, refusal, resuming, memory, threads.

mod allocation;
mod attention;
mod composition;
mod growth;
mod laws;
mod losses;
mod norm;
mod optimizers;
mod recurrent;
mod support;
mod threads;
mod torch;
mod torch_layers;
mod weights;
