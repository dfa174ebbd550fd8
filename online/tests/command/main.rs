//! The `thalweg` command, as an operator meets it: what it prints, how it resumes, how it refuses.

mod adapt;
mod anomalies;
mod bad_checkpoints;
mod bad_streams;
mod compare;
mod config;
mod contexts;
mod delay;
#[cfg(target_os = "linux")]
mod disks;
mod forecast;
mod formats;
mod generate;
mod kill;
mod learn;
mod metrics;
mod operator;
mod predict;
mod readers;
#[cfg(unix)]
mod readme;
mod results;
mod resume;
mod support;
mod trunk;
