//! The operator's window, as its users run it: gap ledger, metrics, status, feedback.
//! What stands under examples/contracts is what the program makes of tests/fixtures/window.

mod examples;
