use std::{net::TcpListener, time::Instant};

use bartizan_store::{Config, Expect, Fault, Store, StoreError, Value, Write};
use bartizan_testkit::{Certificate, Postgres};
use bartizan_vault::Secret;

use crate::engines::{ALL, INSERT, SCHEMA, at, postgres, with_database};

async fn failure(url: &str) -> (StoreError, Fault) {
    let config = Config::Postgres { url: Secret::new(url.to_owned()) };
    match Store::open(&config, &[SCHEMA], at(0)).await {
        Err(error @ StoreError::Engine { .. }) => {
            let StoreError::Engine { fault, .. } = &error else { panic!("{error}") };
            let fault = fault.clone();
            (error, fault)
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_at_once_and_its_password_is_not() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = Instant::now();
    let (error, fault) = failure(&format!("postgres://ada:hunter2@{free}/gate")).await;
    assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");
    let message = format!("{error} {error:?}");
    assert!(message.contains(&format!("{free}/gate")), "{message}");
    assert!(!message.contains("hunter2") && !message.contains("ada"), "{message}");
    assert!(begun.elapsed().as_secs() < 5);
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_, fault) = failure(&format!("postgres://ada:hunter2@{}/gate", silent.local_addr().unwrap())).await;
    assert!(matches!(fault, Fault::Unreachable(_)), "{fault}");
}

#[tokio::test]
async fn a_missing_database_and_a_demand_for_tls_are_told_apart() {
    let Some(server) = postgres() else { return };
    let (_, fault) = failure(&with_database(&server, "no_such_database")).await;
    assert_eq!(fault, Fault::NoDatabase);
    let url = with_database(&server, "postgres");
    let separator = if url.contains('?') { '&' } else { '?' };
    let (_, fault) = failure(&format!("{url}{separator}sslmode=require")).await;
    assert!(matches!(fault, Fault::Tls(_)), "{fault}");
}

fn insert(id: i64) -> Write {
    Write::new(INSERT, [id.into(), "ada".into(), 1.into(), Value::Null], Expect::One)
}

#[tokio::test]
async fn a_server_that_is_lost_and_comes_back_costs_errors_but_no_write_that_was_acknowledged() {
    if postgres().is_none() {
        return;
    }
    let mut server = Postgres::start();
    let config = Config::Postgres { url: Secret::new(server.url()) };
    let store = Store::open(&config, &[SCHEMA], at(0)).await.unwrap();
    store.write(insert(1)).await.unwrap();
    server.kill();
    for failed in [store.write(insert(2)).await.map(|_| ()), store.rows(ALL, &[]).await.map(|_| ())] {
        let error = failed.unwrap_err();
        let StoreError::Engine { fault, .. } = &error else { panic!("{error}") };
        assert!(matches!(fault, Fault::Unreachable(_) | Fault::Exhausted), "{error}");
        assert!(!error.to_string().contains("correct-horse"), "{error}");
    }
    server.restart();
    store.write(insert(3)).await.unwrap();
    let ids = store.rows(ALL, &[]).await.unwrap();
    let ids: Vec<i64> = ids.iter().map(|row| row.read("id").unwrap()).collect();
    assert_eq!(ids, [1, 3]);
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_and_a_unix_socket_serves_too() {
    if postgres().is_none() {
        return;
    }
    let server = Postgres::start();
    let (error, fault) = failure(&server.url().replace("correct-horse", "wrong-horse")).await;
    assert_eq!(fault, Fault::Credentials);
    assert!(!error.to_string().contains("wrong-horse"), "{error}");
    let config = Config::Postgres { url: Secret::new(server.socket_url()) };
    Store::open(&config, &[SCHEMA], at(0)).await.unwrap().write(insert(1)).await.unwrap();
}

#[tokio::test]
async fn a_server_whose_certificate_cannot_be_verified_is_refused() {
    if postgres().is_none() {
        return;
    }
    let mut server = Postgres::start();
    let right = server.enable_tls(&Certificate::for_names(&["localhost"]));
    let url = server.url().replace("127.0.0.1", "localhost");
    let (_, fault) = failure(&format!("{url}?sslmode=verify-full")).await;
    assert!(matches!(fault, Fault::Tls(_)), "no authority that is known: {fault}");
    let (_, fault) = failure(&format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), right.display())).await;
    assert!(matches!(fault, Fault::Tls(_)), "another name: {fault}");
    let url = Secret::new(format!("{url}?sslmode=verify-full&sslrootcert={}", right.display()));
    Store::open(&Config::Postgres { url }, &[SCHEMA], at(0)).await.unwrap().write(insert(1)).await.unwrap();
}
