use bartizan_shop::{Database, Settings, Shop, StartError};
use http::StatusCode;
use serde_json::json;

use crate::client::{ALICE, BOB, Client, SECRET};

#[tokio::test]
async fn it_refuses_to_listen_on_anything_but_loopback() {
    let settings = Settings {
        listen: "0.0.0.0:0".parse().unwrap(),
        database: Database::Throwaway,
        token_secret: SECRET.to_owned(),
    };
    assert!(matches!(Shop::start(settings).await, Err(StartError::NotLoopback(_))));
}

#[tokio::test]
async fn a_user_signs_in_and_gets_a_token_that_names_id_and_role() {
    let client = Client::new().await;
    let session = client.login("alice", "wonderland").await;
    assert_eq!(session.status, StatusCode::OK);
    let token = session.json()["token"].as_str().unwrap().to_owned();
    let orders = client.send("GET", "/orders", Some(&token), None).await.json();
    assert_eq!(orders.as_array().unwrap().len(), 2);
    assert_eq!(session.json()["user"], json!({ "id": 1, "username": "alice", "role": "customer" }));
}

#[tokio::test]
async fn an_order_takes_from_stock_and_from_the_balance() {
    let client = Client::new().await;
    let placed = client.send_as(ALICE, "POST", "/orders", Some(json!({ "product_id": 2, "quantity": 3 }))).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    assert_eq!(placed.json()["total_cents"], 11_700);
    assert_eq!(client.get("/products/2").await.json()["stock"], 9);
    assert_eq!(client.get_as(ALICE, "/users/1").await.json()["balance_cents"], 38_300);
}

#[tokio::test]
async fn an_order_that_the_balance_does_not_cover_leaves_the_stock_alone() {
    let client = Client::new().await;
    let refused = client.send_as(BOB, "POST", "/orders", Some(json!({ "product_id": 5, "quantity": 2 }))).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert_eq!(client.get("/products/5").await.json()["stock"], 3);
}

#[tokio::test]
async fn buyers_at_once_never_sell_what_is_not_there() {
    let client = Client::new().await;
    let order = || client.send_as(ALICE, "POST", "/orders", Some(json!({ "product_id": 4, "quantity": 1 })));
    let (first, second) =
        (async { tokio::join!(order(), order(), order()) }, async { tokio::join!(order(), order(), order()) });
    let (first, second) = tokio::join!(first, second);
    let answers = [first.0, first.1, first.2, second.0, second.1, second.2];
    let placed = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(placed, 5, "five spyglasses were in stock");
    assert_eq!(client.get("/products/4").await.json()["stock"], 0);
}

#[tokio::test]
async fn what_was_ordered_is_still_there_after_a_restart_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::File(folder.path().join("shop.db"));
    let client = Client::over(database.clone()).await;
    let placed = client.send_as(ALICE, "POST", "/orders", Some(json!({ "product_id": 1, "quantity": 1 }))).await;
    let order = format!("/orders/{}", placed.json()["id"]);
    client.shop.stop().await.unwrap();
    let client = Client::over(database).await;
    assert_eq!(client.get_as(ALICE, &order).await.json(), placed.json());
}

#[tokio::test]
async fn a_mistake_is_answered_as_the_document_says() {
    let client = Client::new().await;
    let no_number = client.get_as(ALICE, "/orders/abc").await;
    assert_eq!(no_number.status, StatusCode::BAD_REQUEST);
    assert!(no_number.json()["error"].is_string());
    let no_field = client.send_as(ALICE, "POST", "/orders", Some(json!({ "product_id": 1 }))).await;
    assert_eq!(no_field.status, StatusCode::BAD_REQUEST);
    assert_eq!(client.get("/orders").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(client.get_as(ALICE, "/orders/999").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn restoring_undoes_every_change() {
    let client = Client::new().await;
    client.send_as(ALICE, "DELETE", "/users/1", None).await;
    client.send_as(BOB, "PUT", "/orders/43", Some(json!({ "address": "elsewhere" }))).await;
    client.shop.restore().await.unwrap();
    assert_eq!(client.get_as(ALICE, "/orders").await.json().as_array().unwrap().len(), 2);
    assert_eq!(client.get_as(BOB, "/orders/43").await.json()["address"], "2 Moat Street, Castleton");
}
