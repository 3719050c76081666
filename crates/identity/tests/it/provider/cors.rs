//! Pages of other origins.

use http::{HeaderMap, Method};

use super::*;

const PAGE: &str = "https://app.example";

fn page_app(id: &str) -> Client {
    let change = |it: &mut Registration| it.grants = vec![GrantType::AuthorizationCode, GrantType::RefreshToken];
    let mut registration = registration();
    change(&mut registration);
    Client::declared(ClientId::new(id).unwrap(), registration, None).unwrap()
}

async fn preflight(node: &Node, path: &str, origin: &str) -> (StatusCode, HeaderMap) {
    let request = http::Request::builder().method(Method::OPTIONS).uri(path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST").body(Bytes::new()).unwrap();
    let answer = node.send(request).await;
    (answer.status(), answer.headers().clone())
}

#[tokio::test]
async fn pages_of_public_clients_may_ask_for_tokens_from_their_registered_origins_and_no_others() {
    let node = Node::start(config(vec![page_app("spa"), app("server", |_| {})])).await;
    for path in ["/auth/token", "/auth/userinfo", "/auth/revoke"] {
        let (status, headers) = preflight(&node, path, PAGE).await;
        assert_eq!((status, headers["access-control-allow-origin"].to_str().unwrap()), (StatusCode::NO_CONTENT, PAGE));
        assert!(!headers.contains_key("access-control-allow-credentials") && headers["vary"] == "Origin");
        for origin in [
            "https://evil.example",
            "http://app.example",
            "https://app.example:8443",
            "null",
            "https://app.example.evil.example",
        ] {
            let (status, headers) = preflight(&node, path, origin).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{path} {origin}");
            assert!(!headers.contains_key("access-control-allow-origin"), "{path} {origin}");
        }
    }
    let form = [("grant_type", "refresh_token"), ("client_id", "spa"), ("refresh_token", "x")];
    let read = node.post("/auth/token", &form, &[("origin", PAGE)]).await;
    assert_eq!(read.headers()["access-control-allow-origin"], PAGE, "a page reads what is wrong, too");
    let unread = node.post("/auth/token", &form, &[("origin", "https://evil.example")]).await;
    assert!(!unread.headers().contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_client_that_keeps_a_secret_has_no_page_that_asks() {
    let node = Node::start(config(vec![app("server", |_| {})])).await;
    assert_eq!(preflight(&node, "/auth/token", PAGE).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn pages_with_cookies_are_open_to_no_other_origin() {
    let node = Node::start(config(vec![page_app("spa")])).await;
    for path in
        ["/auth/login", "/auth/account", "/auth/session", "/auth/consent", "/auth/authorize", "/auth/device/decision"]
    {
        let (status, headers) = preflight(&node, path, PAGE).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{path}");
    }
    for path in ["/auth/jwks", "/auth/.well-known/openid-configuration"] {
        let answer = node.get(path).await;
        assert_eq!(answer.headers()["access-control-allow-origin"], "*", "{path}");
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    }
}
