use std::{
    collections::BTreeSet,
    env,
    io::{BufRead as _, BufReader},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use bartizan_store::{Expect, Query, Store, StoreError, Write};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::engines::{ALL, INSERT, SCHEMA, at, sqlite};

const DIRECTORY: &str = "BARTIZAN_TEST_CRASH_DIRECTORY";

/// The process that is killed or starved: sixteen writers, each of which prints an id once its write was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it is a part of other tests, which start it as a process of its own"]
#[expect(clippy::print_stdout, reason = "its output is what the other tests read")]
async fn writing_process() {
    let Some(directory) = env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let store = Store::open(&sqlite(&directory), &[SCHEMA], at(0)).await.unwrap();
    let next = i64::try_from(store.rows(ALL, &[]).await.unwrap().len()).unwrap() * 1000;
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let store = store.clone();
        writers.spawn(async move {
            for id in (next + writer..).step_by(16) {
                let values = [id.into(), "ada".into(), 1.into(), vec![1_u8; 200].into()];
                match store.write(Write::new(INSERT, values, Expect::One)).await {
                    Ok(_) => println!("written {id}"),
                    Err(error) => return error,
                }
            }
            StoreError::Closed
        });
    }
    let failed = writers.join_all().await;
    println!("stopped {}", failed.first().unwrap());
    println!("readable {}", store.rows(ALL, &[]).await.unwrap().len());
}

fn start(directory: &Path, before: &str) -> Child {
    let script = format!("{before} exec \"$0\" crash::writing_process --exact --ignored --nocapture");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(script).arg(env::current_exe().unwrap()).env(DIRECTORY, directory);
    shell.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

async fn stored(directory: &Path) -> BTreeSet<i64> {
    let store = Store::open(&sqlite(directory), &[SCHEMA], at(0)).await.unwrap();
    let check = store.row(Query::new("PRAGMA integrity_check"), &[]).await.unwrap().unwrap();
    assert_eq!(check.read::<&str>("integrity_check").unwrap(), "ok");
    let rows = store.rows(ALL, &[]).await.unwrap();
    store.close().await;
    rows.iter().map(|row| row.read("id").unwrap()).collect()
}

fn acknowledged(line: &str) -> Option<i64> {
    line.split_once("written ")?.1.trim().parse().ok()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed_while_it_writes() {
    let directory = TempDir::new().unwrap();
    let mut acknowledgements = BTreeSet::new();
    for round in 1..=8 {
        let mut child = start(directory.path(), "");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut written = lines.filter_map(|line| acknowledged(&line));
        acknowledgements.extend(written.by_ref().take(40 * round));
        child.kill().unwrap();
        // What stands in the pipe was acknowledged too.
        acknowledgements.extend(written);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        let stored = stored(directory.path()).await;
        let lost: Vec<_> = acknowledgements.difference(&stored).collect();
        assert!(lost.is_empty(), "round {round}: {lost:?}");
    }
    assert!(acknowledgements.len() >= 40);
}

#[tokio::test]
async fn when_the_disk_takes_no_more_writes_fail_with_the_reason_and_what_was_acknowledged_stays() {
    let directory = TempDir::new().unwrap();
    // No file may grow beyond 256 KiB; a process that ignores the signal gets an error, as from a full disk.
    let child = start(directory.path(), "trap '' XFSZ; ulimit -f 512;");
    let output = child.wait_with_output().unwrap();
    let lines: Vec<String> = BufReader::new(output.stdout.as_slice()).lines().map_while(Result::ok).collect();
    let written: BTreeSet<i64> = lines.iter().filter_map(|line| acknowledged(line)).collect();
    let stopped = lines.iter().find(|line| line.contains("stopped ")).unwrap();
    assert!(stopped.contains("check disk, quota and mount") || stopped.contains("no room left"), "{stopped}");
    assert!(lines.iter().any(|line| line.contains("readable ")), "reading goes on");
    assert!(!written.is_empty());
    assert!(written.is_subset(&stored(directory.path()).await));
}
