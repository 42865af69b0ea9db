//! Renderings of the report, one file per form. Pure: report in, bytes out; nothing is decided here.

mod alike;
mod escape;
mod explain;
pub mod intoto;
mod json;
mod junit;
mod markdown;
mod openmetrics;
mod people;
mod sarif;
mod standing;
#[cfg(test)]
mod tests;
mod text;

pub use escape::markdown_line;
pub use explain::explain_gate;
pub use json::{render as json, render_line as json_line};
pub use junit::render as junit;
pub use markdown::render as markdown;
pub use openmetrics::render as openmetrics;
pub use people::{lanes, runtime_repair};
pub use sarif::render as sarif;
pub use text::render as text;
