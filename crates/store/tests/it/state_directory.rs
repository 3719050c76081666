use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use bartizan_store::{DirectoryFault, Expect, Fault, Query, Store, StoreError, Value, Write};
use tempfile::TempDir;

use crate::engines::{ALL, INSERT, SCHEMA, at, sqlite};

async fn open(directory: &Path) -> Result<Store, StoreError> {
    Store::open(&sqlite(directory), &[SCHEMA], at(0)).await
}

async fn refusal(directory: &Path) -> DirectoryFault {
    match open(directory).await {
        Err(StoreError::Directory { fault, .. }) => fault,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn nobody_else_can_read_the_state() {
    let directory = TempDir::new().unwrap();
    let state = directory.path().join("new").join("state");
    let store = open(&state).await.unwrap();
    let values = [1.into(), "ada".into(), 1.into(), Value::Null];
    store.write(Write::new(INSERT, values, Expect::One)).await.unwrap();
    assert_eq!(mode(&state), 0o700);
    let files: Vec<_> = fs::read_dir(&state).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(files.len() >= 3, "database, journal and lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_database_that_others_could_read_is_closed_to_them() {
    let directory = TempDir::new().unwrap();
    open(directory.path()).await.unwrap().close().await;
    let database = directory.path().join("bartizan.db");
    fs::set_permissions(&database, fs::Permissions::from_mode(0o664)).unwrap();
    open(directory.path()).await.unwrap().close().await;
    assert_eq!(mode(&database), 0o600);
}

#[tokio::test]
async fn a_directory_that_every_user_can_write_is_refused() {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    assert_eq!(refusal(directory.path()).await, DirectoryFault::Open { mode: 0o1777 });
}

#[tokio::test]
async fn a_second_process_on_the_same_state_is_refused_and_told_who_holds_it() {
    let directory = TempDir::new().unwrap();
    let first = open(directory.path()).await.unwrap();
    let fault = refusal(directory.path()).await;
    assert_eq!(fault, DirectoryFault::InUse { process: Some(std::process::id()) });
    assert!(fault.to_string().contains(&std::process::id().to_string()), "{fault}");
    first.close().await;
    open(directory.path()).await.unwrap();
}

#[tokio::test]
async fn a_path_that_cannot_be_written_is_named_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, b"in the way").unwrap();
    for path in [file.clone(), file.join("state"), Path::new("/proc/bartizan").to_owned()] {
        let Err(error) = open(&path).await else { panic!("{} was opened", path.display()) };
        let message = error.to_string();
        assert!(message.contains(path.to_str().unwrap()) && message.contains("[store] path"), "{message}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_as_it_is() {
    let directory = TempDir::new().unwrap();
    let database = directory.path().join("bartizan.db");
    let garbage = b"this was a database once".repeat(1000);
    fs::write(&database, &garbage).unwrap();
    match open(directory.path()).await {
        Err(StoreError::Engine { fault: Fault::Damaged(_), .. }) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
    assert_eq!(fs::read(&database).unwrap(), garbage);
}

#[tokio::test]
async fn a_full_database_refuses_writes_whole_and_goes_on_reading() {
    const LIMIT: Query = Query::new("PRAGMA max_page_count = 20");
    let directory = TempDir::new().unwrap();
    let store = open(directory.path()).await.unwrap();
    let entry = |id: i64, bytes: usize| {
        let values = [id.into(), "ada".into(), 1.into(), vec![1_u8; bytes].into()];
        Write::new(INSERT, values, Expect::One)
    };
    store.write(entry(1, 10)).await.unwrap();
    // What the engine does when the disk is full: here a limit of pages, which one connection keeps to.
    store.write(Write::new(LIMIT, [], Expect::Any)).await.unwrap();
    let (small, large) = tokio::join!(store.write(entry(2, 10)), store.write(entry(3, 1 << 20)));
    match large {
        Err(StoreError::Engine { fault: Fault::DiskFull, .. }) => {}
        other => panic!("{other:?}"),
    }
    let kept = store.rows(ALL, &[]).await.unwrap().len();
    assert_eq!(kept, 1 + usize::from(small.is_ok()), "what was answered is what is there: {small:?}");
    store.write(entry(4, 10)).await.unwrap();
}
