use http::{Method, StatusCode};

use crate::house::{House, ORIGIN, PASSWORD};

const LOGIN: &str = "username=ada&password=seven+geese+above+the+harbour";

#[tokio::test]
async fn a_form_that_another_site_sends_signs_nobody_in() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    let page = browser.get("/auth/login").await;
    let token = page.between("name=\"form\" value=\"", "\"");
    let with_token = format!("{LOGIN}&form={token}");
    let forged: [(&[(&str, &str)], &str); 5] = [
        (&[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)], &with_token),
        (&[("sec-fetch-site", "same-site")], &with_token),
        (&[("origin", "https://evil.example")], &with_token),
        (&[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)], LOGIN),
        (&[("origin", "null")], LOGIN),
    ];
    for (headers, body) in forged {
        let answer = browser.send(Method::POST, "/auth/login", headers, body.into()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_eq!(browser.session(), None);
    }
    let another = house.browser();
    another.get("/auth/login").await;
    let answer = another.send(Method::POST, "/auth/login", &[], with_token.clone().into()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "another browser's token");
    let answer = browser.send(Method::POST, "/auth/login", &[], with_token.into()).await;
    assert!(
        answer.leads_to("/auth/account"),
        "a browser that says nothing of where a form comes from is believed its token"
    );
}

#[tokio::test]
async fn what_is_typed_comes_back_as_text_and_never_as_markup() {
    let house = House::build().await;
    let browser = house.browser();
    let page = browser.sign_in("\"><script>alert(1)</script>", "x").await;
    assert!(!page.html.contains("<script>"), "{}", page.html);
    let page = browser.get("/auth/login?login_hint=%22%3E%3Cscript%3E&return_to=/x%22%3E%3Cscript%3E").await;
    assert!(!page.html.contains("<script>"), "{}", page.html);
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let browser = house.browser();
    let mut pages = vec![
        browser.get("/auth/login").await,
        browser.get("/auth/nowhere").await,
        browser.get("/auth/setup?token=x").await,
    ];
    browser.sign_in("ada", PASSWORD).await;
    pages.push(browser.get("/auth/account").await);
    pages.push(browser.get("/auth/account/authenticator").await);
    for page in pages {
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(!page.html.contains("style=") && !page.html.contains("onclick"), "{}", page.html);
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(page.html.contains("<html lang=\"en\">") && page.html.contains("<title>"));
    }
}

#[tokio::test]
async fn pages_speak_the_readers_language() {
    let house = House::build().await;
    let page =
        house.browser().send(Method::GET, "/auth/login", &[("accept-language", "de-CH,de;q=0.9")], Vec::new()).await;
    assert!(page.html.contains("<html lang=\"de\">") && page.html.contains("Anmelden"), "{}", page.html);
}

#[tokio::test]
async fn the_style_is_a_file_that_browsers_may_keep() {
    let house = House::build().await;
    let browser = house.browser();
    let page = browser.get("/auth/login").await;
    let path = page.between("rel=\"stylesheet\" href=\"", "\"");
    let style = browser.get(&path).await;
    assert_eq!(
        (style.status, style.headers["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    assert!(style.headers["cache-control"].to_str().unwrap().contains("immutable"));
}
