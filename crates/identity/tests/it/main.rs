//! The sign-in as browsers meet it: requests in, pages and cookies out, on a real store and a real audit log.
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
mod passkey;
mod second_factor;
mod sign_in;
mod store;
mod throttle;
