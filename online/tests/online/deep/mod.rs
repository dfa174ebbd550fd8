//! The laws of the deep learner, for every model, optimizer, memory and task.

mod allocations;
mod conformance;
mod contexts;
mod depth;
mod embeddings;
mod features;
mod growth;
mod halving;
mod hedge;
mod labels;
mod losses;
mod outputs;
mod replay;
mod storm;
pub mod support;
mod truncation;
mod twins;
mod weights;
