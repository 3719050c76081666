//! How many durable writes a second the embedded store takes, with one, eight and 64 in flight:
//! `cargo run --release -p bartizan-store --example group_commit [DIRECTORY]`.
//!
//! The peer, measured in the same run, is the disk itself: appends of 4 KiB, each followed by `fdatasync`.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::{
    env,
    error::Error,
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use bartizan_store::{Config, Expect, Migrations, Query, Step, Store, StoreError, Write};
use tokio::task::JoinSet;

const SCHEMA: Migrations = Migrations {
    room: "bench",
    steps: &[Step {
        number: 1,
        name: "tokens",
        sqlite: "CREATE TABLE bench_token (id INTEGER PRIMARY KEY, hash BLOB NOT NULL, used INTEGER NOT NULL) STRICT",
        postgres: "CREATE TABLE bench_token (id BIGINT PRIMARY KEY, hash BYTEA NOT NULL, used BIGINT NOT NULL)",
    }],
};
const ISSUE: Query = Query::new("INSERT INTO bench_token (id, hash, used) VALUES ($1, $2, 0)");
const USE: Query = Query::new("UPDATE bench_token SET used = 1 WHERE id = $1 AND used = 0 RETURNING hash");
const TIME: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).map_or_else(|| PathBuf::from("group-commit-state"), PathBuf::from);
    let store = Store::open(&Config::Sqlite { directory: directory.clone() }, &[SCHEMA], SystemTime::now()).await?;
    let next =
        Arc::new(AtomicI64::new(i64::try_from(store.rows(Query::new("SELECT 1 FROM bench_token"), &[]).await?.len())?));
    println!("| what | a second |\n|---|---|\n| append and fdatasync, one at a time | {:.0} |", syncs(&directory)?);
    for in_flight in [1, 8, 64] {
        println!("| rotations, {in_flight} in flight | {:.0} |", rotations(&store, &next, in_flight).await?);
    }
    store.close().await;
    std::fs::remove_dir_all(directory)?;
    Ok(())
}

/// Uses one token and issues the next, as a refresh does.
async fn rotations(store: &Store, next: &Arc<AtomicI64>, in_flight: usize) -> Result<f64, StoreError> {
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..in_flight {
        let (store, next) = (store.clone(), Arc::clone(next));
        clients.spawn(async move {
            let mut done = 0_u32;
            let mut token = next.fetch_add(1, Ordering::Relaxed);
            store.write(Write::new(ISSUE, [token.into(), [7_u8; 32].into()], Expect::One)).await?;
            while begun.elapsed() < TIME {
                let used = token;
                token = next.fetch_add(1, Ordering::Relaxed);
                let rotation = Write::new(USE, [used.into()], Expect::One);
                store.write(rotation.then(ISSUE, [token.into(), [7_u8; 32].into()], Expect::One)).await?;
                done += 1;
            }
            Ok::<u32, StoreError>(done)
        });
    }
    let mut done = 0;
    while let Some(client) = clients.join_next().await {
        done += client.unwrap_or(Err(StoreError::Closed))?;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

fn syncs(directory: &Path) -> Result<f64, Box<dyn Error>> {
    let mut file = File::create(directory.join("syncs"))?;
    let (begun, mut done) = (Instant::now(), 0_u32);
    while begun.elapsed() < TIME {
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        done += 1;
    }
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}
