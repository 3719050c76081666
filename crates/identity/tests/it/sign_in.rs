use std::time::Duration;

use bartizan_identity::people::{Change, UserCommand};
use http::StatusCode;
use serde_json::Map;

use crate::house::{House, PASSWORD, told};

#[tokio::test]
async fn whoever_knows_the_password_is_signed_in_and_signed_out_again() {
    let mut house = House::build().await;
    let id = house.user("ada", &["staff"]).await;
    let browser = house.browser();
    assert!(browser.get("/auth/account").await.leads_to("/auth/login?return_to=%2Fauth%2Faccount"));
    for name in ["ada", " ADA ", "ada@example.com"] {
        assert!(browser.sign_in(name, PASSWORD).await.leads_to("/auth/account"), "{name}");
    }
    let token = browser.session().unwrap();
    let principal = house.identity.people().principal(&token).await.unwrap().unwrap();
    assert_eq!((principal.subject.as_str(), principal.issuer.as_str()), (&*id, "https://gate.example/auth"));
    assert!(principal.has_any_role(&["staff".into()]));
    assert_eq!(principal.authentication.acr.as_deref(), Some("urn:bartizan:acr:single-factor"));

    let account = browser.get("/auth/account").await;
    assert!(account.html.contains("Test &lt;browser&gt;"), "what a browser calls itself is text");
    assert!(browser.submit(&account, "/sign-out", &[]).await.leads_to("/auth/login?done=signed-out"));
    assert_eq!(browser.session(), None);
    assert!(house.identity.people().principal(&token).await.unwrap().is_none(), "the old cookie opens nothing");
    let told = told(&house.events().await);
    let count = |action: &str| told.iter().filter(|(it, outcome, _)| it == action && outcome == "success").count();
    assert_eq!((count("user-created"), count("sign-in"), count("sign-out")), (1, 3, 1));
}

#[tokio::test]
async fn a_name_that_nobody_has_gets_the_answer_of_a_wrong_password() {
    let mut house = House::build().await;
    house.user("ada", &[]).await;
    house.user("off", &[]).await;
    house.administer(UserCommand::Disable { who: "off".to_owned() }).await.unwrap();
    let browser = house.browser();
    let mut pages = Vec::new();
    for (name, password) in
        [("ada", "wrong"), ("nobody", "wrong"), ("off", PASSWORD), ("ada", ""), ("nobody@example.com", PASSWORD)]
    {
        let page = browser.sign_in(name, password).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        let challenge = page.between("data-challenge=\"", "\"");
        let ceremony = page.between("name=\"ceremony\" value=\"", "\"");
        pages.push(page.html.replace(&format!("value=\"{name}\""), "").replace(&challenge, "").replace(&ceremony, ""));
    }
    pages.dedup();
    assert_eq!(pages.len(), 1, "the answers differ");
    assert_eq!(browser.session(), None);
    let told = told(&house.events().await);
    let refused: Vec<_> =
        told.iter().filter(|(action, _, _)| action == "sign-in").map(|(_, _, reason)| reason.as_str()).collect();
    assert_eq!(
        refused,
        ["wrong-credentials", "wrong-credentials", "disabled", "wrong-credentials", "wrong-credentials"]
    );
}

#[tokio::test]
async fn a_session_ends_when_it_was_not_used_or_is_too_old() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    for _ in 0..20 {
        house.pass(Duration::from_mins(50));
        assert_eq!(browser.get("/auth/account").await.status, StatusCode::OK);
    }
    house.pass(Duration::from_mins(61));
    assert_eq!(browser.get("/auth/account").await.status, StatusCode::SEE_OTHER, "an hour without a request");

    browser.sign_in("ada", PASSWORD).await;
    for _ in 0..28 {
        house.pass(Duration::from_mins(50));
        assert_eq!(browser.get("/auth/account").await.status, StatusCode::OK);
    }
    house.pass(Duration::from_mins(50));
    assert_eq!(browser.get("/auth/account").await.status, StatusCode::SEE_OTHER, "a day, whatever its holder does");
}

#[tokio::test]
async fn a_sign_in_changes_the_cookie_and_ends_the_session_before_it() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let planted = browser.session().unwrap();
    browser.sign_in("ada", PASSWORD).await;
    assert_ne!(browser.session().unwrap(), planted);
    assert!(house.identity.people().principal(&planted).await.unwrap().is_none());
}

#[tokio::test]
async fn a_changed_role_counts_from_the_next_request_on_and_a_disabled_account_opens_nothing() {
    let house = House::build().await;
    house.user("ada", &["staff"]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let token = browser.session().unwrap();
    let people = house.identity.people();
    assert!(people.principal(&token).await.unwrap().unwrap().has_any_role(&["staff".into()]));
    let change = Change { roles: Some(Vec::new()), ..Change::default() };
    house.administer(UserCommand::Change { who: "ada".to_owned(), change }).await.unwrap();
    assert!(people.principal_at_hand(&token).is_none(), "nothing in memory outlives the change");
    assert!(people.principal(&token).await.unwrap().unwrap().roles.is_empty());
    house.administer(UserCommand::Disable { who: "ada".to_owned() }).await.unwrap();
    assert!(people.principal(&token).await.unwrap().is_none());
}

#[tokio::test]
async fn a_password_of_another_program_opens_the_account_and_is_replaced() {
    let house = House::build().await;
    let create = UserCommand::Create {
        username: "ada".to_owned(),
        name: None,
        email: None,
        roles: Vec::new(),
        groups: Vec::new(),
        attributes: Map::new(),
        password: None,
        password_hash: Some("$2b$04$abcdefghijklmnopqrstuuqGo28ybLViP.tpw4YLAfleTkyw6w4te".to_owned()),
    };
    house.administer(create).await.unwrap();
    let browser = house.browser();
    assert_eq!(browser.sign_in("ada", "seven goose").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.sign_in("ada", "seven geese").await.leads_to("/auth/account"));
    assert!(browser.sign_in("ada", "seven geese").await.leads_to("/auth/account"), "and again, by the new form");
    let all = house.everything_on_disk().await;
    let wal_or_database = String::from_utf8_lossy(&all);
    assert!(wal_or_database.contains("$argon2id$v=19$m=64,t=1,p=1$"));
}

#[tokio::test]
async fn the_way_back_is_a_path_of_this_place_and_no_other() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    for (asked, followed) in [
        ("/orders?page=2", "/orders?page=2"),
        ("//evil.example/", "/auth/account"),
        ("https://evil.example/", "/auth/account"),
        ("/\\evil.example", "/auth/account"),
    ] {
        let browser = house.browser();
        let query: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
        let page = browser.get(&format!("/auth/login?return_to={query}")).await;
        let answer = browser.submit(&page, "/login", &[("username", "ada"), ("password", PASSWORD)]).await;
        assert!(answer.leads_to(followed), "{asked}: {:?}", answer.location);
        let again = browser.get(&format!("/auth/login?return_to={query}")).await;
        assert!(again.leads_to(followed), "whoever is signed in goes on at once");
    }
}

#[tokio::test]
async fn whoever_has_to_prove_anew_who_they_are_is_asked_anew() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    house.pass(Duration::from_mins(2));
    assert!(browser.get("/auth/login?max_age=300").await.leads_to("/auth/account"));
    for query in ["max_age=60", "prompt=login", "acr_values=phr"] {
        let page = browser.get(&format!("/auth/login?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(page.html.contains("value=\"ada\""), "the name is known already");
    }
}
