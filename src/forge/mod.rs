//! Speaks to the forge: REST and both artifact protocols. The only part that opens connections.
//! The HTTP crates are named in `client.rs` and `client/` alone.

mod artifacts;
mod artifacts_v3;
mod artifacts_v4;
mod attempts;
mod blob;
mod body;
pub mod capabilities;
mod client;
mod effects;
mod error;
mod inbox;
mod live_artifacts;
mod origin;
mod parallel;
mod request;
pub mod rest;
mod retry;
mod tls;

#[cfg(test)]
mod loopback;
#[cfg(test)]
mod recorded;

pub use artifacts::{
    Artifacts, FetchLimits, Fetched, FetchedFile, Listed, Listing, Protocol,
    check_name as check_artifact_name,
};
pub use attempts::{
    Claim as AttemptClaim, Liveness, Placement, RunAttempts, ServerSays, judge as judge_attempt,
};
pub use blob::Blob;
pub use body::Downloaded;
pub use client::{Client, Proxy, Reply, Settings, Timeouts};
pub use effects::{Applied, Effects, FreshHead, Freshness, Judged, JudgedPull, Writer};
pub use error::{Broken, Exchange, ForgeError};
pub use inbox::{InboxError, post_to_inbox};
pub use live_artifacts::{LiveArtifacts, Remote};
pub use parallel::{Permits, both, each as in_parallel, each_taken as take_in_parallel, processors};
pub use request::{Auth, Method, Payload, Repeat, Request};
pub use retry::{Backoff, Sleeper, ThreadSleeper};
pub use tls::Roots;
