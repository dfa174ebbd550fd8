//! What the crate promises to its users, through its public door.

mod adapt;
mod allocations;
mod anomaly;
mod bounds;
mod checkpoints;
mod consolidate;
mod deep;
mod delay;
mod drift;
mod every_step;
mod features;
mod figures;
mod forecast;
mod formats;
mod frozen;
mod metrics;
mod multitask;
mod optim;
mod resume;
mod small_mnist;
mod streams;
mod synth;
mod synth_laws;
mod synth_shares;
