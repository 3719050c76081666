use std::time::Duration;

use bartizan_identity::people::{Change, UserCommand};
use http::StatusCode;
use serde_json::{Map, Value};

use crate::house::{House, PASSWORD, told};

fn create(username: &str, email: Option<&str>) -> UserCommand {
    UserCommand::Create {
        username: username.to_owned(),
        name: None,
        email: email.map(str::to_owned),
        roles: Vec::new(),
        groups: Vec::new(),
        attributes: Map::new(),
        password: None,
        password_hash: None,
    }
}

/// The path and query of a link.
fn path(link: &Value) -> String {
    link.as_str().unwrap().strip_prefix("https://gate.example").unwrap().to_owned()
}

#[tokio::test]
async fn the_first_administrator_is_made_by_the_link_once_and_sets_up_a_second_factor() {
    let house = House::build().await;
    let stale = house.identity.setup_link().await.unwrap().unwrap();
    let link = house.identity.setup_link().await.unwrap().unwrap();
    let path = |link: &str| link.strip_prefix("https://gate.example").unwrap().to_owned();
    let browser = house.browser();
    assert_eq!(browser.get(&path(&stale)).await.status, StatusCode::GONE, "a newer link took its place");
    let page = browser.get(&path(&link)).await;
    let fields = [("username", "Root"), ("new_password", PASSWORD), ("repeated", PASSWORD)];
    let done = browser.submit(&page, "/setup", &fields).await;
    assert!(done.leads_to("/auth/account"));
    assert!(browser.get("/auth/account").await.leads_to("/auth/account/authenticator"));
    assert_eq!(house.browser().get(&path(&link)).await.status, StatusCode::GONE, "it opened once");
    assert!(house.identity.setup_link().await.unwrap().is_none(), "there is one now");
    browser.set_up_app(house.now()).await;
    let principal = house.identity.people().principal(&browser.session().unwrap()).await.unwrap().unwrap();
    assert!(principal.has_any_role(&["admin".into()]));
}

#[tokio::test]
async fn an_invitation_sets_a_password_once_and_grows_old() {
    let house = House::build().await;
    let made = house.administer(create("ada", Some("ada@example.com"))).await.unwrap();
    let browser = house.browser();
    let page = browser.get(&path(&made["link"])).await;
    assert!(page.html.contains("ada"));
    let weak = browser.submit(&page, "/welcome", &[("new_password", "password"), ("repeated", "password")]).await;
    assert_eq!(weak.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("new_password", PASSWORD), ("repeated", PASSWORD)];
    assert!(browser.submit(&page, "/welcome", &fields).await.leads_to("/auth/login?done=password"));
    assert_eq!(browser.session(), None, "a link alone lets nobody in");
    assert_eq!(browser.submit(&page, "/welcome", &fields).await.status, StatusCode::GONE);
    assert!(browser.sign_in("ada", PASSWORD).await.leads_to("/auth/account"));

    let made = house.administer(create("eve", None)).await.unwrap();
    house.pass(Duration::from_hours(24 * 7 + 1));
    assert_eq!(house.browser().get(&path(&made["link"])).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn an_administrator_who_lost_everything_is_back_in_seconds() {
    let mut house = House::build().await;
    house.user("root", &["admin"]).await;
    let before = house.browser();
    before.sign_in("root", PASSWORD).await;
    before.set_up_app(house.now()).await;
    house.administer(UserCommand::Disable { who: "root".to_owned() }).await.unwrap();
    let recovered = house.administer(UserCommand::Recover { who: "root".to_owned() }).await.unwrap();
    assert_eq!(before.get("/auth/account").await.status, StatusCode::SEE_OTHER, "whoever was in is out");
    let browser = house.browser();
    let page = browser.get(&path(&recovered["link"])).await;
    let new = "nine otters under the old bridge";
    browser.submit(&page, "/welcome", &[("new_password", new), ("repeated", new)]).await;
    browser.sign_in("root", new).await;
    assert!(browser.get("/auth/account").await.leads_to("/auth/account/authenticator"));
    let told = told(&house.events().await);
    for action in ["user-disabled", "user-enabled", "factor-removed", "link-made", "password-changed"] {
        assert!(told.iter().any(|(it, _, _)| it == action), "{action}");
    }
}

#[tokio::test]
async fn what_an_operator_gets_wrong_is_said_with_the_remedy() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    for (command, says) in [
        (create("ADA", None), "another account"),
        (create("eve", Some("ADA@example.com")), "another account"),
        (create("a b", None), "letters"),
        (create("eve", Some("nonsense")), "name@example.com"),
        (UserCommand::Show { who: "nobody".to_owned() }, "bartizan user list"),
        (UserCommand::Delete { who: String::new() }, "bartizan user list"),
    ] {
        let refused = house.administer(command).await.unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
}

#[tokio::test]
async fn an_account_is_shown_changed_and_listed() {
    let house = House::build().await;
    let id = house.user("ada", &["staff"]).await;
    house.user("eve", &[]).await;
    let change: Change = serde_json::from_value(serde_json::json!({
        "name": "Ada", "groups": ["engineers"], "attributes": { "department": "sales" }, "email": "ada@new.example"
    }))
    .unwrap();
    let shown = house.administer(UserCommand::Change { who: id, change }).await.unwrap();
    assert_eq!(
        (&shown["roles"][0], &shown["groups"][0], &shown["attributes"]["department"]),
        (&"staff".into(), &"engineers".into(), &"sales".into())
    );
    assert_eq!(shown["email_verified"], false);
    let listed = house.administer(UserCommand::List).await.unwrap();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["ada", "eve"]);
    let claims = house
        .identity
        .people()
        .claims(&bartizan_identity::people::UserId::new(shown["id"].as_str().unwrap()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((claims.name.as_deref(), claims.email.as_deref()), (Some("Ada"), Some("ada@new.example")));
}
