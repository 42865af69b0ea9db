//! `digest` as a process: over a folder of genuine reports, and over the fake forge.

mod bench;
mod collect;
mod folder;
mod post;
mod terminal;
