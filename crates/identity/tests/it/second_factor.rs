use std::time::Duration;

use http::StatusCode;

use crate::house::{House, PASSWORD, code, told};

#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_is_set_up_and_each_code_counts_once() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let before = browser.session().unwrap();
    let (secret, codes) = browser.set_up_app(house.now()).await;
    assert_eq!(codes.len(), 10);
    assert_ne!(browser.session().unwrap(), before, "more rights, another cookie");
    assert!(house.identity.people().principal(&before).await.unwrap().is_none());

    let other = house.browser();
    let second = other.sign_in("ada", PASSWORD).await;
    assert_eq!((second.status, other.session()), (StatusCode::OK, None), "the password alone lets nobody in");
    let used = code(&secret, house.now());
    let replayed = other.submit(&second, "/login/second", &[("code", &used)]).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY, "the code that set it up was used by that");
    house.pass(Duration::from_secs(30));
    let fresh = code(&secret, house.now());
    assert!(other.submit(&second, "/login/second", &[("code", &fresh)]).await.leads_to("/auth/account"));
    let principal = house.identity.people().principal(&other.session().unwrap()).await.unwrap().unwrap();
    assert!(principal.authentication.is_multi_factor());

    let third = house.browser();
    let page = third.sign_in("ada", PASSWORD).await;
    let replayed = third.submit(&page, "/login/second", &[("code", &fresh)]).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_step_that_was_taken_cannot_be_taken_again_nor_by_another_browser() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let (_, codes) = browser.set_up_app(house.now()).await;
    let other = house.browser();
    let step = other.sign_in("ada", PASSWORD).await;
    let thief = house.browser();
    thief.get("/auth/login").await;
    let pending = step.between("name=\"pending\" value=\"", "\"");
    let own = thief.get("/auth/login").await;
    let form = own.between("name=\"form\" value=\"", "\"");
    let body = format!("form={form}&pending={pending}&recovery_code={}", codes[0]);
    let stolen = thief.send(http::Method::POST, "/auth/login/second", &[], body.into()).await;
    assert_eq!((stolen.status, thief.session()), (StatusCode::UNPROCESSABLE_ENTITY, None));

    assert!(other.submit(&step, "/login/second", &[("recovery_code", &codes[0])]).await.leads_to("/auth/account"));
    let again = other.submit(&step, "/login/second", &[("recovery_code", &codes[1])]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    house.pass(Duration::from_mins(11));
    let late = house.browser();
    let page = late.sign_in("ada", PASSWORD).await;
    house.pass(Duration::from_mins(11));
    let too_late = late.submit(&page, "/login/second", &[("recovery_code", &codes[2])]).await;
    assert_eq!((too_late.status, late.session()), (StatusCode::UNPROCESSABLE_ENTITY, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_use_one_recovery_code_at_once_one_gets_in() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let (_, codes) = browser.set_up_app(house.now()).await;
    let mut racers = Vec::new();
    for number in 0..4 {
        let racer = house.browser_at(&format!("203.0.113.{number}"));
        let page = racer.sign_in("ada", PASSWORD).await;
        let code = codes[0].to_uppercase();
        racers.push(tokio::spawn(async move {
            racer.submit(&page, "/login/second", &[("recovery_code", &code)]).await.status
        }));
    }
    let mut let_in = 0;
    for racer in racers {
        let_in += usize::from(racer.await.unwrap() == StatusCode::SEE_OTHER);
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn codes_cannot_be_tried_one_after_another() {
    let mut house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let (secret, _) = browser.set_up_app(house.now()).await;
    house.pass(Duration::from_mins(1));
    let attacker = house.browser();
    let page = attacker.sign_in("ada", PASSWORD).await;
    for _ in 0..5 {
        assert_eq!(
            attacker.submit(&page, "/login/second", &[("code", "000000")]).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let right = code(&secret, house.now());
    let answer = attacker.submit(&page, "/login/second", &[("code", &right)]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even the right one has to wait");
    assert!(told(&house.events().await).iter().any(|(action, _, reason)| action == "sign-in" && reason == "throttled"));
}

#[tokio::test]
async fn an_administrator_without_a_second_factor_gets_into_nothing_but_its_set_up() {
    let house = House::build().await;
    house.user("root", &["admin"]).await;
    let browser = house.browser();
    assert_eq!(browser.sign_in("root", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let token = browser.session().unwrap();
    let people = house.identity.people();
    assert!(people.principal(&token).await.unwrap().is_none(), "the gate knows nobody by this cookie");
    assert!(people.principal_at_hand(&token).is_none());
    for page in ["/auth/account", "/auth/account/export"] {
        assert!(browser.get(page).await.leads_to("/auth/account/authenticator"), "{page}");
    }
    browser.set_up_app(house.now()).await;
    let principal = people.principal(&browser.session().unwrap()).await.unwrap().unwrap();
    assert!(principal.has_any_role(&["admin".into()]) && principal.authentication.is_multi_factor());
    assert_eq!(browser.get("/auth/account").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_session_is_stepped_up_by_a_second_factor_without_a_new_password() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let (early, browser) = (house.browser(), house.browser());
    early.sign_in("ada", PASSWORD).await;
    browser.sign_in("ada", PASSWORD).await;
    let (secret, _) = browser.set_up_app(house.now()).await;
    house.pass(Duration::from_mins(1));
    let weak = early.session().unwrap();
    let page = early.get("/auth/login?acr_values=urn:bartizan:acr:multi-factor&return_to=/vault").await;
    let fresh = code(&secret, house.now());
    assert!(early.submit(&page, "/login/second", &[("code", &fresh)]).await.leads_to("/vault"));
    let people = house.identity.people();
    assert!(people.principal(&weak).await.unwrap().is_none(), "the weaker cookie is gone");
    assert!(people.principal(&early.session().unwrap()).await.unwrap().unwrap().authentication.is_multi_factor());
}
