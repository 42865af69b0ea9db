//! Speaks to the forge: REST and both artifact protocols. The only part that opens connections.
//! The HTTP crate is named in `client.rs` alone.
