//! The shell: one module per verb, which is only sequence: read, call the core, write, name the exit code.
//! Files, processes, environment and clock are touched here and nowhere below.

pub mod record;
