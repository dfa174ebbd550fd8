//! The `thalweg` command: deep models that learn from every row of a stream.

#![forbid(unsafe_code)]

mod command;

fn main() -> std::process::ExitCode {
    command::main()
}
