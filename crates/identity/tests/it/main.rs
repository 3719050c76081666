//! The room as a whole: requests in, pages, cookies and tokens out, on real stores and a real audit log.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod account;
mod administration;
mod forms;
mod house;
mod mail;
mod node;
mod passkey;
mod provider;
mod second_factor;
mod sign_in;
mod smtp;
mod store;
mod throttle;
