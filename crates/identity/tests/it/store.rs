use bartizan_identity::MIGRATIONS;
use bartizan_store::{Config, Store};
use bartizan_vault::Secret;
use tempfile::TempDir;

use crate::house::{House, PASSWORD};
use crate::provider;
use crate::smtp::{Inbox, Manner};

/// `./test` sets it where it has installed PostgreSQL, and fails where it could not.
fn has_postgres() -> bool {
    std::env::var_os("BARTIZAN_TEST_POSTGRES").is_some()
}

#[tokio::test]
async fn every_query_is_understood_by_both_engines() {
    let house = House::build().await;
    house.store.prepare(&bartizan_identity::queries()).await.unwrap();
    if !has_postgres() {
        return;
    }
    let postgres = tokio::task::spawn_blocking(bartizan_testkit::Postgres::start).await.unwrap();
    let config = Config::Postgres { url: Secret::new(postgres.url()) };
    let store = Store::open(&config, MIGRATIONS, std::time::UNIX_EPOCH).await.unwrap();
    store.prepare(&bartizan_identity::queries()).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn people_sign_in_on_postgresql_as_they_do_on_sqlite() {
    if !has_postgres() {
        return;
    }
    let postgres = tokio::task::spawn_blocking(bartizan_testkit::Postgres::start).await.unwrap();
    let config = Config::Postgres { url: Secret::new(postgres.url()) };
    let house = House::on(TempDir::new().unwrap(), &config, |_| {}).await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    for _ in 0..6 {
        browser.sign_in("ada", "wrong").await;
    }
    assert_eq!(browser.sign_in("ada", PASSWORD).await.status, 429);
    house.pass(std::time::Duration::from_mins(1));
    assert!(browser.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));
    let (_, codes) = browser.set_up_app(house.now()).await;
    let other = house.browser();
    let second = other.sign_in("ada", PASSWORD).await;
    let code = codes.first().unwrap();
    assert!(other.submit(&second, "/login/second", &[("recovery_code", code)]).await.leads_to("/auth/account"));
    assert_eq!(other.get("/auth/account").await.status, 200);
    house.store.close().await;
}

#[tokio::test]
async fn mails_and_devices_are_the_same_on_postgresql() {
    if !has_postgres() {
        return;
    }
    let postgres = tokio::task::spawn_blocking(bartizan_testkit::Postgres::start).await.unwrap();
    let config = Config::Postgres { url: Secret::new(postgres.url()) };
    let inbox = Inbox::open(Manner::Takes).await;
    let house = House::on(TempDir::new().unwrap(), &config, |config| config.mail = Some(inbox.server())).await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    let page = browser.get("/auth/forgotten").await;
    browser.submit(&page, "/forgotten", &[("username", "ada")]).await;
    house.identity.deliver_waiting_mail().await.unwrap();
    let page = browser.get(&inbox.link()).await;
    let new = "eleven cranes below the lighthouse";
    browser.submit(&page, "/welcome", &[("new_password", new), ("repeated", new)]).await;
    assert!(browser.sign_in("ada", new).await.leads_to("/auth/account"));
    assert!(browser.get("/auth/account").await.html.contains("ada@example.com (verified)"));
    house.store.close().await;
    let another = tokio::task::spawn_blocking(bartizan_testkit::Postgres::start).await.unwrap();
    provider::device::serves_a_device_on(Config::Postgres { url: Secret::new(another.url()) }).await;
}

#[tokio::test]
async fn nothing_that_opens_an_account_lies_on_the_disk_as_it_is() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let (secret, codes) = browser.set_up_app(house.now()).await;
    let token = browser.session().unwrap();
    let all = house.everything_on_disk().await;
    let holds = |text: &str| all.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("ada@example.com"), "this test looks where things are");
    let raw = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    assert!(!holds(PASSWORD) && !holds(&token) && !holds(&secret));
    assert!(!all.windows(raw.len()).any(|window| window == raw));
    for code in codes {
        assert!(!holds(&code) && !holds(&code.replace('-', "")));
    }
}
