use std::time::Duration;

use bartizan_store::{Constraint, Expect, Query, Store, StoreError, Value, Write};
use tokio::task::JoinSet;

use crate::engines::{ALL, ENTRY, INSERT, NOTE, SPEND, on_each_engine};

fn insert(id: i64, amount: i64) -> Write {
    Write::new(INSERT, [id.into(), "ada".into(), amount.into(), [7_u8, 0, 255].into()], Expect::One)
}

async fn amount(store: &Store, id: i64) -> i64 {
    store.row(ENTRY, &[id.into()]).await.unwrap().unwrap().read("amount").unwrap()
}

#[tokio::test]
async fn what_was_written_is_read_back_with_its_types_and_after_a_restart() {
    on_each_engine(async |database| {
        let store = database.open().await;
        store.write(insert(i64::MAX, 5)).await.unwrap();
        let nulls = [(-1).into(), "žluťoučký 🐎".into(), Value::Null, Value::Null];
        store.write(Write::new(INSERT, nulls, Expect::One)).await.unwrap();
        store.close().await;

        let store = database.open().await;
        let row = store.row(ENTRY, &[i64::MAX.into()]).await.unwrap().unwrap();
        assert_eq!(row.read::<[u8; 3]>("proof").unwrap(), [7, 0, 255]);
        assert_eq!(row.read::<&str>("owner").unwrap(), "ada");
        let row = store.row(ENTRY, &[(-1).into()]).await.unwrap().unwrap();
        assert_eq!(row.read::<&str>("owner").unwrap(), "žluťoučký 🐎");
        assert_eq!(row.read::<Option<i64>>("amount").unwrap(), None);
        assert_eq!(row.read::<Option<Vec<u8>>>("proof").unwrap(), None);
        assert!(store.row(ENTRY, &[0.into()]).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_query_is_prepared_alike_whatever_is_bound_first() {
    on_each_engine(async |database| {
        let store = database.open().await;
        let nulls = [1.into(), "ada".into(), Value::Null, Value::Null];
        store.write(Write::new(INSERT, nulls, Expect::One)).await.unwrap();
        store.write(insert(2, 5)).await.unwrap();
        assert_eq!(amount(&store, 2).await, 5);
    })
    .await;
}

#[tokio::test]
async fn all_statements_of_a_write_happen_or_none() {
    on_each_engine(async |database| {
        let store = database.open().await;
        let failed = store.write(insert(1, 5).then(NOTE, [99.into(), "no such entry".into()], Expect::One)).await;
        assert!(matches!(failed, Err(StoreError::Constraint { constraint: Constraint::ForeignKey })), "{failed:?}");
        assert!(store.rows(ALL, &[]).await.unwrap().is_empty());

        let outcomes =
            store.write(insert(1, 5).then(NOTE, [1.into(), "there it is".into()], Expect::One)).await.unwrap();
        assert_eq!(outcomes.iter().map(|outcome| outcome.count).collect::<Vec<_>>(), [1, 1]);
    })
    .await;
}

#[tokio::test]
async fn an_unmet_expectation_undoes_the_write_and_names_the_statement() {
    on_each_engine(async |database| {
        let store = database.open().await;
        store.write(insert(1, 5)).await.unwrap();
        let spend = |much: i64| insert(2, 0).then(SPEND, [1.into(), much.into()], Expect::One);
        let failed = store.write(spend(6)).await.unwrap_err();
        assert!(matches!(failed, StoreError::Unmet { statement: 1, count: 0 }), "{failed}");
        assert!(failed.is_unmet());
        assert_eq!(store.rows(ALL, &[]).await.unwrap().len(), 1);

        let outcomes = store.write(spend(3)).await.unwrap();
        assert_eq!(outcomes.last().unwrap().rows.first().unwrap().read::<i64>("amount").unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_select_in_a_write_is_counted_by_its_rows() {
    on_each_engine(async |database| {
        let store = database.open().await;
        let unmet = store.write(insert(1, 5).then(ENTRY, [2.into()], Expect::One)).await.unwrap_err();
        assert!(matches!(unmet, StoreError::Unmet { statement: 1, count: 0 }), "{unmet}");
        store.write(insert(1, 5).then(ENTRY, [2.into()], Expect::None)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn rules_of_the_schema_are_told_apart() {
    on_each_engine(async |database| {
        let store = database.open().await;
        store.write(insert(1, 5)).await.unwrap();
        let duplicate = store.write(insert(1, 6)).await.unwrap_err();
        assert!(duplicate.is_duplicate(), "{duplicate}");
        let negative = store.write(insert(2, -1)).await.unwrap_err();
        assert!(matches!(negative, StoreError::Constraint { constraint: Constraint::Check }), "{negative}");
        let missing = [3.into(), Value::Null, Value::Null, Value::Null];
        let missing = store.write(Write::new(INSERT, missing, Expect::One)).await.unwrap_err();
        assert!(matches!(missing, StoreError::Constraint { constraint: Constraint::NotNull }), "{missing}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_spend_the_same_at_once_only_as_many_succeed_as_there_is() {
    on_each_engine(async |database| {
        let store = database.open().await;
        store.write(insert(1, 10)).await.unwrap();
        let mut spenders = JoinSet::new();
        for id in 100..150 {
            let store = store.clone();
            spenders.spawn(async move {
                let write = Write::new(SPEND, [1.into(), 1.into()], Expect::One);
                store.write(write.then(INSERT, [id.into(), "spender".into(), 1.into(), Value::Null], Expect::One)).await
            });
        }
        let (mut done, mut refused) = (0, 0);
        while let Some(spender) = spenders.join_next().await {
            match spender.unwrap() {
                Ok(_) => done += 1,
                Err(error) if error.is_unmet() => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((done, refused), (10, 40));
        assert_eq!(amount(&store, 1).await, 0);
        assert_eq!(store.rows(ALL, &[]).await.unwrap().len(), 11, "a refused spender leaves nothing behind");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_runs_to_its_end_though_its_caller_has_gone() {
    on_each_engine(async |database| {
        let store = database.open().await;
        for id in 0..20 {
            let write = store.write(insert(id, 1));
            tokio::select! {
                biased;
                _ = async { write.await.unwrap() } => {}
                () = tokio::task::yield_now() => {}
            }
        }
        store.write(insert(1000, 1)).await.unwrap();
        // What was begun last may still be on its way where writes do not queue behind one another.
        for _ in 0..100 {
            if store.rows(ALL, &[]).await.unwrap().len() == 21 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} of 21", store.rows(ALL, &[]).await.unwrap().len());
    })
    .await;
}

#[tokio::test]
async fn writes_that_wait_are_finished_before_the_store_closes_and_later_ones_are_refused() {
    on_each_engine(async |database| {
        let store = database.open().await;
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.write(insert(1, 1)).await }
        });
        tokio::task::yield_now().await;
        store.close().await;
        let waiting = waiting.await.unwrap();
        assert!(matches!(waiting, Ok(_) | Err(StoreError::Closed)), "{waiting:?}");
        assert!(matches!(store.write(insert(2, 1)).await, Err(StoreError::Closed)));
        assert!(matches!(store.rows(ALL, &[]).await, Err(StoreError::Closed)));
        let found = database.open().await.rows(ALL, &[]).await.unwrap().len();
        assert_eq!(found, usize::from(waiting.is_ok()));
    })
    .await;
}

#[tokio::test]
async fn both_engines_accept_every_query_and_refuse_one_that_only_one_would_take() {
    on_each_engine(async |database| {
        let store = database.open().await;
        store.prepare(&[INSERT, NOTE, SPEND, ENTRY, ALL]).await.unwrap();
        let error = store.prepare(&[Query::new("SELECT nothing FROM nowhere")]).await.unwrap_err();
        assert!(error.to_string().contains("SELECT nothing FROM nowhere"), "{error}");
        if matches!(store.place(), bartizan_store::Place::Postgres(_)) {
            let error = store.prepare(&[Query::new("SELECT id FROM ledger_entry WHERE 1 + $1 > 2")]).await.unwrap_err();
            assert!(error.to_string().contains("cast it to BIGINT"), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_a_limit_does_not_fill_the_memory() {
    on_each_engine(async |database| {
        const ENDLESS: Query = Query::new(
            "WITH RECURSIVE endless(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless WHERE n < 2000000) SELECT n FROM endless",
        );
        let store = database.open().await;
        let error = store.rows(ENDLESS, &[]).await.unwrap_err();
        assert!(matches!(error, StoreError::TooManyRows { .. }), "{error}");
        store.write(insert(1, 1)).await.unwrap();
        assert_eq!(store.rows(ALL, &[]).await.unwrap().len(), 1, "the connection is usable afterwards");
        store.write(insert(2, 1)).await.unwrap();
        assert!(matches!(store.row(ALL, &[]).await, Err(StoreError::NotOneRow { .. })));
    })
    .await;
}

#[tokio::test]
async fn reading_cannot_change_the_embedded_database() {
    on_each_engine(async |database| {
        let store = database.open().await;
        if matches!(store.place(), bartizan_store::Place::Sqlite(_)) {
            let values = [1.into(), "ada".into(), Value::Null, Value::Null];
            assert!(store.rows(INSERT, &values).await.is_err());
            assert!(store.rows(ALL, &[]).await.unwrap().is_empty());
        }
    })
    .await;
}
