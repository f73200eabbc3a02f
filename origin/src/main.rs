//! The binary `footfall`.

use std::process::ExitCode;

fn main() -> ExitCode {
    footfall::cli::run()
}
