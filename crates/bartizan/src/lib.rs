//! The binary as a library: its command line, and the configuration file that it turns into each room's typed `Config`.
//! `main.rs` only calls [`cli::run`].
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod demo;
mod inventory;
mod learned;
pub mod serve;
