//! The program: arguments in, exit code out.

use std::process::ExitCode;

use patchwarden::error::{Failure, end_on_panic};
use patchwarden::{app, cli, sink};

fn main() -> ExitCode {
    end_on_panic();
    ExitCode::from(run().unwrap_or_else(|failure| {
        failure.print();
        failure.exit_code
    }))
}

fn run() -> Result<u8, Failure> {
    match cli::parse(std::env::args_os())? {
        cli::Parsed::Run(command) => app::run(*command),
        cli::Parsed::Show(text) => Ok(u8::from(sink::print(&text).is_err())),
    }
}
