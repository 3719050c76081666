use std::{net::TcpListener, time::Instant};

use bartizan_store::{Config, Fault, Store, StoreError};
use bartizan_vault::Secret;

use crate::engines::{SCHEMA, at, postgres, with_database};

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
