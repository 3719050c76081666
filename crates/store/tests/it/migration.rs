use bartizan_store::{MigrationFault, Migrations, Query, Step, StoreError};
use tokio::task::JoinSet;

use crate::engines::{ALL, Database, SCHEMA, on_each_engine};

const FIRST: Step = Step {
    number: 1,
    name: "first",
    sqlite: "CREATE TABLE room_one (id INTEGER PRIMARY KEY) STRICT",
    postgres: "CREATE TABLE room_one (id BIGINT PRIMARY KEY)",
};
const SECOND: Step = Step {
    number: 2,
    name: "second",
    sqlite: "CREATE TABLE room_two (id INTEGER PRIMARY KEY) STRICT; INSERT INTO room_two VALUES (42)",
    postgres: "CREATE TABLE room_two (id BIGINT PRIMARY KEY); INSERT INTO room_two VALUES (42)",
};
const EDITED: Step = Step { name: "edited", sqlite: "SELECT 1", postgres: "SELECT 1", ..FIRST };
const BROKEN: Step = Step {
    number: 2,
    name: "broken",
    sqlite: "CREATE TABLE room_half (id INTEGER); INSERT INTO nowhere VALUES (1)",
    postgres: "CREATE TABLE room_half (id BIGINT); INSERT INTO nowhere VALUES (1)",
};

const ONE: Migrations = Migrations { room: "room", steps: &[FIRST] };
const TWO: Migrations = Migrations { room: "room", steps: &[FIRST, SECOND] };

async fn fault(database: &Database, rooms: &[Migrations]) -> MigrationFault {
    match database.try_open(rooms).await {
        Err(StoreError::Migration { fault, .. }) => fault,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn each_step_is_applied_once_and_new_ones_at_the_next_start() {
    on_each_engine(async |database| {
        database.try_open(&[ONE]).await.unwrap().close().await;
        database.try_open(&[ONE]).await.unwrap().close().await;
        let store = database.try_open(&[TWO, SCHEMA]).await.unwrap();
        let row = store.row(Query::new("SELECT id FROM room_two"), &[]).await.unwrap().unwrap();
        assert_eq!(row.read::<i64>("id").unwrap(), 42);
        let record = Query::new("SELECT name, at FROM bartizan_migration WHERE room = 'room' ORDER BY number");
        let rows = store.rows(record, &[]).await.unwrap();
        let names: Vec<&str> = rows.iter().map(|row| row.read("name").unwrap()).collect();
        assert_eq!(names, ["first", "second"]);
        assert_eq!(rows.first().unwrap().read::<i64>("at").unwrap(), 1_700_000_000_000_000);
        assert!(store.rows(ALL, &[]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_older_program_refuses_a_newer_schema() {
    on_each_engine(async |database| {
        database.try_open(&[TWO]).await.unwrap().close().await;
        assert_eq!(fault(&database, &[ONE]).await, MigrationFault::Newer { found: 2, known: 1 });
        assert_eq!(fault(&database, &[SCHEMA]).await, MigrationFault::UnknownRoom);
        let Err(error) = database.try_open(&[ONE]).await else { panic!("it was opened") };
        assert!(error.to_string().contains("newer version"), "{error}");
        database.try_open(&[TWO]).await.unwrap().close().await;
    })
    .await;
}

#[tokio::test]
async fn an_edited_step_is_refused() {
    on_each_engine(async |database| {
        database.try_open(&[ONE]).await.unwrap().close().await;
        let edited = Migrations { room: "room", steps: &[EDITED] };
        assert_eq!(fault(&database, &[edited]).await, MigrationFault::Changed { number: 1, name: "edited".to_owned() });
    })
    .await;
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_schema_as_it_was() {
    on_each_engine(async |database| {
        database.try_open(&[ONE]).await.unwrap().close().await;
        let broken = Migrations { room: "room", steps: &[FIRST, BROKEN] };
        let fault = fault(&database, &[SCHEMA, broken]).await;
        assert!(matches!(fault, MigrationFault::Failed { number: 2, .. }), "{fault}");
        let store = database.try_open(&[ONE]).await.unwrap();
        for table in ["SELECT * FROM room_half", "SELECT * FROM ledger_entry"] {
            assert!(store.prepare(&[Query::new(table)]).await.is_err(), "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn steps_are_numbered_without_gaps() {
    on_each_engine(async |database| {
        let misnumbered = Migrations { room: "room", steps: &[SECOND] };
        assert_eq!(fault(&database, &[misnumbered]).await, MigrationFault::Misnumbered);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_apply_each_step_once() {
    let Some(server) = crate::engines::postgres() else { return };
    let url = crate::engines::new_database(&server).await;
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let url = bartizan_vault::Secret::new(url.clone());
        nodes.spawn(async move {
            let config = bartizan_store::Config::Postgres { url };
            let store = bartizan_store::Store::open(&config, &[TWO], crate::engines::at(0)).await?;
            store.close().await;
            Ok::<(), StoreError>(())
        });
    }
    for node in nodes.join_all().await {
        node.unwrap();
    }
}
