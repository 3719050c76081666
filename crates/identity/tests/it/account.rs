use std::time::Duration;

use http::StatusCode;

use crate::house::{House, PASSWORD, told};

const NEW: &str = "eleven cranes below the lighthouse";

#[tokio::test]
async fn a_changed_password_ends_every_other_session() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let (here, there) = (house.browser(), house.browser());
    here.sign_in("ada", PASSWORD).await;
    there.sign_in("ada", PASSWORD).await;
    let page = here.get("/auth/account").await;
    let refused: [(&[(&str, &str)], &str); 4] = [
        (&[("password", "wrong"), ("new_password", NEW), ("repeated", NEW)], "not right"),
        (&[("password", PASSWORD), ("new_password", NEW), ("repeated", "other")], "differ"),
        (&[("password", PASSWORD), ("new_password", "ada@example.com1"), ("repeated", "ada@example.com1")], "guessed"),
        (&[("password", PASSWORD), ("new_password", PASSWORD), ("repeated", PASSWORD)], "already"),
    ];
    for (fields, says) in refused {
        let answer = here.submit(&page, "/account/password", fields).await;
        assert!(
            answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.between("role=\"alert\">", "<").contains(says),
            "{says}"
        );
    }
    let fields = [("password", PASSWORD), ("new_password", NEW), ("repeated", NEW)];
    assert!(here.submit(&page, "/account/password", &fields).await.leads_to("/auth/account?done=password"));
    assert_eq!(here.get("/auth/account").await.status, StatusCode::OK);
    assert_eq!(there.get("/auth/account").await.status, StatusCode::SEE_OTHER);
    assert!(house.browser().sign_in("ada", NEW).await.leads_to("/auth/account"));
    assert_eq!(house.browser().sign_in("ada", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn devices_are_listed_and_signed_out_one_or_all() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    house.user("eve", &[]).await;
    let [one, two, three, eve] = [house.browser(), house.browser(), house.browser(), house.browser()];
    for browser in [&one, &two, &three] {
        browser.sign_in("ada", PASSWORD).await;
    }
    eve.sign_in("eve", PASSWORD).await;
    let page = one.get("/auth/account").await;
    assert_eq!(page.html.matches("name=\"session\"").count(), 2);
    let theirs = page.between("name=\"session\" value=\"", "\"");
    let others = eve.get("/auth/account").await;
    let form = others.between("name=\"form\" value=\"", "\"");
    eve.send(http::Method::POST, "/auth/account/sessions/end", &[], format!("form={form}&session={theirs}").into())
        .await;
    for browser in [&two, &three] {
        assert_eq!(browser.get("/auth/account").await.status, StatusCode::OK, "nobody ends a session of somebody else");
    }
    one.submit(&page, "/account/sessions/end", &[]).await;
    let standing = [two.get("/auth/account").await.status, three.get("/auth/account").await.status];
    assert_eq!(standing.iter().filter(|it| **it == StatusCode::OK).count(), 1);
    let page = one.get("/auth/account").await;
    let form = page.between("name=\"form\" value=\"", "\"");
    one.send(http::Method::POST, "/auth/account/sessions/end", &[], format!("form={form}").into()).await;
    assert_eq!(two.get("/auth/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(three.get("/auth/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(one.get("/auth/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn people_take_their_data_along_and_leave_nothing_behind() {
    let mut house = House::build().await;
    let id = house.user("ada", &["staff"]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let export = browser.get("/auth/account/export").await;
    let document: serde_json::Value = serde_json::from_str(&export.html).unwrap();
    assert_eq!((&document["username"], &document["sessions"][0]["address"]), (&"ada".into(), &"192.0.2.7".into()));
    assert!(!export.html.contains("argon2"));

    let page = browser.get("/auth/account").await;
    let spared = browser.submit(&page, "/account/delete", &[("confirm", "somebody")]).await;
    assert_eq!(spared.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(browser.submit(&page, "/account/delete", &[("confirm", "ada")]).await.status, StatusCode::OK);
    assert_eq!(house.browser().sign_in("ada", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let events = house.events().await;
    assert!(told(&events).iter().any(|(action, _, _)| action == "user-deleted"));
    let log = serde_json::to_string(&events).unwrap();
    assert!(log.contains(&id) && !log.contains("ada@example.com") && !log.contains("\"ada\""), "the log names nobody");
}

#[tokio::test]
async fn a_browser_left_open_deletes_nothing() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let page = browser.get("/auth/account").await;
    house.pass(Duration::from_mins(16));
    for (action, fields) in [("/account/delete", vec![("confirm", "ada")])] {
        let answer = browser.submit(&page, action, &fields).await;
        assert!(answer.location.unwrap().starts_with("/auth/login?"), "{action}");
    }
    for path in ["/auth/account/export", "/auth/account/authenticator"] {
        assert!(browser.get(path).await.location.unwrap().contains("prompt=login"), "{path}");
    }
    assert!(house.browser().sign_in("ada", PASSWORD).await.leads_to("/auth/account"), "the account is still there");
}
