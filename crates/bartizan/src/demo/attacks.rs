//! What an attacker tries, one entry each: the request, and what in the answers would show that it worked.
//!
//! Nothing here says how it ends. [`Attack::proof`] looks only for what the attacker wanted to have; whether it is there is
//! for the real answers to say, straight from the shop and through the gate.

use http::{Method, StatusCode};
use serde_json::json;

use super::client::{Answer, Call};
use super::issuer::User;
use super::tokens::Tokens;

/// One thing that an attacker tries.
#[derive(Debug)]
pub(super) struct Attack {
    /// What is tried, as in "an attacker can …".
    pub(super) name: &'static str,
    /// Its place in the OWASP API Security Top 10 (2023).
    pub(super) owasp: &'static str,
    /// The request.
    pub(super) call: fn(&Scene<'_>) -> Call,
    /// How often it is sent.
    pub(super) times: usize,
    /// What the attacker holds in hand after these answers; `None` if nothing.
    pub(super) proof: fn(&[Answer]) -> Option<&'static str>,
    /// The capability that this version lacks and that will stop it; `None` where the gate stops it now.
    pub(super) awaits: Option<&'static str>,
}

/// What an attacker knows beforehand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// Tokens, honest and forged.
    pub(super) tokens: &'a Tokens,
    /// The shop's address inside.
    pub(super) shop: &'a str,
}

impl Scene<'_> {
    fn mallory(&self, method: Method, target: &str) -> Call {
        Call::new(method, target).with_token(self.tokens.of(User::Mallory))
    }
}

const VALIDATION: &str = "validation against the OpenAPI document";
const ANSWER_VALIDATION: &str = "validation of answers against the OpenAPI document";
const INSPECTION: &str = "injection inspection";
const IDENTITY: &str = "sign-in by the gate's own identity";

/// Reads every user's name, password hash and card through the product search.
const SQL_INJECTION: &str =
    "/products?search=%27%20UNION%20SELECT%20id,username,password_hash,0,0,card_number%20FROM%20users%20--";

/// More tries than the ten a minute that the login route allows.
const GUESSES: usize = 30;

/// Every attack, in the order of the Top 10; the guesses come last, since they use up the login's limit.
pub(super) const ATTACKS: &[Attack] = &[
    Attack {
        name: "read another customer's order",
        owasp: "API1",
        call: |scene| scene.mallory(Method::GET, "/orders/42"),
        times: 1,
        proof: |answers| {
            answers.iter().any(|answer| answer.json().get("address").is_some()).then_some("alice's address")
        },
        awaits: None,
    },
    Attack {
        name: "send another customer's order elsewhere",
        owasp: "API1",
        call: |scene| scene.mallory(Method::PUT, "/orders/42").with_body(json!({ "address": "3 Sally Port" })),
        times: 1,
        proof: |answers| {
            let moved = |answer: &Answer| answer.json().get("address").is_some_and(|address| address == "3 Sally Port");
            answers.iter().any(moved).then_some("the goods")
        },
        awaits: None,
    },
    Attack {
        name: "read another customer's profile",
        owasp: "API1",
        call: |scene| scene.mallory(Method::GET, "/users/1"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.json().get("email").is_some()).then_some("alice's profile"),
        awaits: None,
    },
    Attack {
        name: "be alice with a token nobody signed (alg none)",
        owasp: "API2",
        call: |scene| Call::get("/users/1").with_token(&scene.tokens.unsigned),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.json().get("email").is_some()).then_some("believed"),
        awaits: None,
    },
    Attack {
        name: "be alice with an own token, edited",
        owasp: "API2",
        call: |scene| Call::get("/users/1").with_token(&scene.tokens.edited),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.json().get("email").is_some()).then_some("believed"),
        awaits: None,
    },
    Attack {
        name: "use a stolen token that has expired",
        owasp: "API2",
        call: |scene| Call::get("/users/1").with_token(&scene.tokens.expired),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.json().get("email").is_some()).then_some("believed"),
        awaits: None,
    },
    Attack {
        name: "find out which user names exist",
        owasp: "API2",
        call: |_| Call::post("/login").with_body(json!({ "username": "nobody", "password": "guess" })),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("no user")).then_some("told"),
        awaits: Some(IDENTITY),
    },
    Attack {
        name: "become administrator: a role in the own profile",
        owasp: "API3",
        call: |scene| scene.mallory(Method::PATCH, "/users/3").with_body(json!({ "role": "admin" })),
        times: 1,
        proof: |answers| {
            let promoted = |answer: &Answer| answer.json().get("role").is_some_and(|role| role == "admin");
            answers.iter().any(promoted).then_some("administrator")
        },
        awaits: Some(VALIDATION),
    },
    Attack {
        name: "get a password hash with a profile",
        owasp: "API3",
        call: |scene| scene.mallory(Method::GET, "/users/3"),
        times: 1,
        proof: |answers| {
            answers.iter().any(|answer| answer.json().get("password_hash").is_some()).then_some("the hash")
        },
        awaits: Some(ANSWER_VALIDATION),
    },
    Attack {
        name: "get a full card number with a profile",
        owasp: "API3",
        call: |scene| scene.mallory(Method::GET, "/users/3"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("3782 822463 10005")).then_some("all digits"),
        awaits: None,
    },
    Attack {
        name: "ask for a billion rows at once",
        owasp: "API4",
        call: |_| Call::get("/products?limit=1000000000"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.status.is_success()).then_some("no bound"),
        awaits: Some(VALIDATION),
    },
    Attack {
        name: "remove a user as a customer",
        owasp: "API5",
        call: |scene| scene.mallory(Method::DELETE, "/users/2"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.status == StatusCode::NO_CONTENT).then_some("bob is gone"),
        awaits: None,
    },
    Attack {
        name: "read the administrators' report as a customer",
        owasp: "API5",
        call: |scene| scene.mallory(Method::GET, "/admin/report"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.json().get("turnover").is_some()).then_some("the report"),
        awaits: None,
    },
    Attack {
        name: "be paid for ordering less than nothing",
        owasp: "API6",
        call: |scene| scene.mallory(Method::POST, "/orders").with_body(json!({ "product_id": 5, "quantity": -10 })),
        times: 1,
        proof: |answers| {
            answers.iter().any(|answer| answer.status == StatusCode::CREATED).then_some("1,500.00 paid out")
        },
        awaits: Some(VALIDATION),
    },
    Attack {
        name: "make the server fetch an internal address (SSRF)",
        owasp: "API7",
        call: |scene| {
            let url = format!("{}/debug/env", scene.shop);
            scene.mallory(Method::POST, "/products/import-image").with_body(json!({ "product_id": 1, "url": url }))
        },
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("JWT_SECRET")).then_some("the secret"),
        awaits: Some(INSPECTION),
    },
    Attack {
        name: "read all users through the search (SQL injection)",
        owasp: "API8",
        call: |_| Call::get(SQL_INJECTION),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("mallory")).then_some("all hashes"),
        awaits: Some(INSPECTION),
    },
    Attack {
        name: "run a script in a visitor's page (XSS)",
        owasp: "API8",
        call: |_| Call::get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E"),
        times: 1,
        proof: |answers| answers.iter().any(runs_the_script).then_some("it runs"),
        awaits: None,
    },
    Attack {
        name: "learn the SQL and the source from an error",
        owasp: "API8",
        call: |_| Call::get("/products?search=%27"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("SELECT")).then_some("SQL, file, line"),
        awaits: None,
    },
    Attack {
        name: "learn software and version from a banner",
        owasp: "API8",
        call: |_| Call::get("/health"),
        times: 1,
        proof: |answers| {
            let named =
                |answer: &Answer| answer.header("server").contains("Shop") || !answer.header("x-powered-by").is_empty();
            answers.iter().any(named).then_some("both")
        },
        awaits: None,
    },
    Attack {
        name: "frame, sniff or downgrade: no security headers",
        owasp: "API8",
        call: |_| Call::get("/health"),
        times: 1,
        proof: |answers| {
            const WANTED: [&str; 3] = ["x-content-type-options", "content-security-policy", "referrer-policy"];
            let bare = |answer: &Answer| WANTED.iter().any(|name| answer.header(name).is_empty());
            answers.iter().any(bare).then_some("none is set")
        },
        awaits: None,
    },
    Attack {
        name: "read answers from any web site (CORS)",
        owasp: "API8",
        call: |_| Call::get("/products/1").with_origin("https://evil.example"),
        times: 1,
        proof: |answers| {
            let open =
                |answer: &Answer| ["*", "https://evil.example"].contains(&answer.header("access-control-allow-origin"));
            answers.iter().any(open).then_some("any site may")
        },
        awaits: None,
    },
    Attack {
        name: "take the session cookie from a script",
        owasp: "API8",
        call: |_| Call::post("/login").with_body(json!({ "username": "bob", "password": "builder" })),
        times: 1,
        proof: |answers| answers.iter().any(gives_a_cookie_to_scripts).then_some("readable"),
        awaits: None,
    },
    Attack {
        name: "find a debug page that no document names",
        owasp: "API9",
        call: |_| Call::get("/debug/env"),
        times: 1,
        proof: |answers| answers.iter().any(|answer| answer.body.contains("JWT_SECRET")).then_some("the secret"),
        awaits: None,
    },
    Attack {
        name: "guess a password, thirty tries",
        owasp: "API2",
        call: |_| Call::post("/login").with_body(json!({ "username": "alice", "password": "guess" })),
        times: GUESSES,
        proof: |answers| {
            let judged = answers.iter().filter(|answer| answer.status == StatusCode::UNAUTHORIZED).count();
            (judged == GUESSES).then_some("all 30 judged")
        },
        awaits: None,
    },
];

/// A script in the page is only text where the content security policy lets no inline script run.
fn runs_the_script(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy");
    let directive = |name: &str| policy.split(';').map(str::trim).find(|directive| directive.starts_with(name));
    let scripts = directive("script-src").or_else(|| directive("default-src"));
    let inline_allowed = scripts.is_none_or(|sources| sources.contains("'unsafe-inline'"));
    answer.body.contains("<script>alert(1)") && inline_allowed
}

fn gives_a_cookie_to_scripts(answer: &Answer) -> bool {
    let cookie = answer.header("set-cookie").to_ascii_lowercase();
    !cookie.is_empty() && !cookie.contains("httponly")
}
