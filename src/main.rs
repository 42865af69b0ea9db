//! The program: arguments in, exit code out. An unexpected panic is a bug and exits 1, never 0.

use std::process::ExitCode;

use patchwarden::{app, cli, error, sink};

fn main() -> ExitCode {
    let ended = std::panic::catch_unwind(|| match cli::parse(std::env::args_os())? {
        cli::Parsed::Run(command) => app::run(*command),
        cli::Parsed::Show(text) => Ok(u8::from(sink::print(&text).is_err())),
    });
    ExitCode::from(match ended {
        Ok(Ok(code)) => code,
        Ok(Err(failure)) => {
            failure.print();
            failure.exit_code
        }
        Err(_) => error::EXIT_BUG,
    })
}
