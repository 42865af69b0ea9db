//! The cases, one file per subject.
//! A case of the fake forge tests the fake itself, so that the others may believe it.

mod conformance;
