//! One test for each row of the README's table: the fault is there, and it can be used.

use http::StatusCode;
use serde_json::json;

use crate::client::{ALICE, BOB, Client, MALLORY, SECRET};

#[tokio::test]
async fn anyone_reads_the_order_of_another() {
    let client = Client::new().await;
    let order = client.get_as(MALLORY, "/orders/42").await.json();
    assert_eq!((&order["user_id"], &order["address"]), (&json!(ALICE), &json!("1 Rampart Row, Castleton")));
}

#[tokio::test]
async fn anyone_sends_the_order_of_another_elsewhere() {
    let client = Client::new().await;
    client.send_as(MALLORY, "PUT", "/orders/42", Some(json!({ "address": "3 Sally Port" }))).await;
    assert_eq!(client.get_as(ALICE, "/orders/42").await.json()["address"], "3 Sally Port");
}

#[tokio::test]
async fn anyone_removes_a_user() {
    let client = Client::new().await;
    assert_eq!(client.send_as(MALLORY, "DELETE", "/users/2", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.get_as(BOB, "/users/2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.get_as(BOB, "/orders/43").await.status, StatusCode::NOT_FOUND, "the orders went with the user");
}

#[tokio::test]
async fn anyone_reads_the_report_for_administrators() {
    let report = Client::new().await.get_as(MALLORY, "/admin/report").await;
    assert_eq!(report.status, StatusCode::OK);
    assert_eq!(report.json()["users"][0]["card_number"], "4111 1111 1111 1111");
}

#[tokio::test]
async fn a_customer_becomes_an_administrator_by_saying_so() {
    let client = Client::new().await;
    client.send_as(MALLORY, "PATCH", "/users/3", Some(json!({ "role": "admin", "balance_cents": 1_000_000 }))).await;
    let session = client.login("mallory", "password1").await;
    assert_eq!(session.json()["user"]["role"], "admin");
    assert_eq!(client.get_as(MALLORY, "/users/3").await.json()["balance_cents"], 1_000_000);
}

#[tokio::test]
async fn a_profile_carries_the_password_hash_and_the_full_card_number() {
    let user = Client::new().await.get_as(BOB, "/users/1").await.json();
    assert_eq!(user["card_number"], "4111 1111 1111 1111");
    assert_eq!(user["password_hash"].as_str().unwrap().len(), 43);
}

#[tokio::test]
async fn a_search_reads_any_table() {
    let client = Client::new().await;
    // ' UNION SELECT id, username, password_hash, 0, 0, card_number FROM users --
    let attack =
        "/products?search=%27%20UNION%20SELECT%20id,username,password_hash,0,0,card_number%20FROM%20users%20--";
    let stolen = client.get(attack).await;
    assert_eq!(stolen.status, StatusCode::OK);
    assert!(stolen.text.contains("6011 1111 1111 1117"), "the administrator's card: {}", stolen.text);
}

#[tokio::test]
async fn the_server_fetches_an_internal_address_for_anyone() {
    let client = Client::new().await;
    let url = format!("{}/debug/env", client.shop.url());
    let body = json!({ "product_id": 1, "url": url });
    let fetched = client.send_as(MALLORY, "POST", "/products/import-image", Some(body)).await.json();
    assert!(fetched["preview"].as_str().unwrap().contains(SECRET));
}

#[tokio::test]
async fn the_server_reaches_no_other_machine() {
    let client = Client::new().await;
    let body = json!({ "product_id": 1, "url": "http://192.0.2.1/" });
    let refused = client.send_as(MALLORY, "POST", "/products/import-image", Some(body)).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert!(refused.text.contains("loopback only"));
}

#[tokio::test]
async fn a_password_is_tried_as_often_as_one_likes() {
    let client = Client::new().await;
    for _ in 0..100 {
        assert_eq!(client.login("alice", "guess").await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(client.login("alice", "wonderland").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_login_tells_which_names_exist() {
    let client = Client::new().await;
    assert_ne!(client.login("alice", "guess").await.text, client.login("nobody", "guess").await.text);
}

#[tokio::test]
async fn a_token_that_nobody_signed_is_believed() {
    let orders = Client::new().await.get_as(ALICE, "/orders").await;
    assert_eq!(orders.status, StatusCode::OK);
    assert_eq!(orders.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_shows_the_statement_and_the_place_in_the_source() {
    let failure = Client::new().await.get("/products?search=%27").await;
    assert_eq!(failure.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(failure.json()["sql"].as_str().unwrap().starts_with("SELECT id, name"));
    assert!(failure.json()["stack"].as_str().unwrap().contains("products.rs:"));
}

#[tokio::test]
async fn a_debug_endpoint_that_no_document_knows_shows_the_secret() {
    let client = Client::new().await;
    assert_eq!(client.get("/debug/env").await.json()["JWT_SECRET"], SECRET);
    assert!(!include_str!("../../openapi.yaml").contains("/debug/env:"));
}

#[tokio::test]
async fn answers_name_the_software_and_carry_no_security_header() {
    let headers = Client::new().await.get("/health").await.headers;
    assert!(headers.contains_key("server") && headers.contains_key("x-powered-by"));
    for absent in ["x-content-type-options", "content-security-policy", "strict-transport-security", "x-frame-options"]
    {
        assert!(!headers.contains_key(absent), "{absent} is there");
    }
}

#[tokio::test]
async fn any_web_site_may_read_the_answers() {
    let headers = Client::new().await.get("/health").await.headers;
    assert_eq!(headers["access-control-allow-origin"], "*");
}

#[tokio::test]
async fn the_session_cookie_is_open_to_scripts_and_other_sites() {
    let headers = Client::new().await.login("bob", "builder").await.headers;
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("shop_session=ey"));
    assert!(!cookie.contains("HttpOnly") && !cookie.contains("Secure") && !cookie.contains("SameSite"));
}

#[tokio::test]
async fn a_page_runs_the_script_that_a_link_brought() {
    let page = Client::new().await.get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text.contains("<script>alert(1)</script>"));
}

#[tokio::test]
async fn a_negative_quantity_pays_the_buyer() {
    let client = Client::new().await;
    let order = json!({ "product_id": 5, "quantity": -10 });
    assert_eq!(client.send_as(MALLORY, "POST", "/orders", Some(order)).await.status, StatusCode::CREATED);
    assert_eq!(client.get_as(MALLORY, "/users/3").await.json()["balance_cents"], 150_100);
}

#[tokio::test]
async fn a_limit_may_be_as_large_as_one_likes() {
    assert_eq!(Client::new().await.get("/products?limit=1000000000").await.status, StatusCode::OK);
}
