//! What honest users do all day. A gate that refused everything would stop every attack: these must go through.

use http::{Method, StatusCode};
use serde_json::json;

use super::client::{Answer, Call};
use super::issuer::User;
use super::tokens::Tokens;

/// Something that has to work.
#[derive(Debug)]
pub(super) struct Use {
    /// Who does what.
    pub(super) name: &'static str,
    /// The request.
    pub(super) call: fn(&Tokens) -> Call,
    /// Whether the answer is what the user wanted.
    pub(super) served: fn(&Answer) -> bool,
}

/// What honest users do.
pub(super) const USES: &[Use] = &[
    Use {
        name: "anyone looks for a lantern",
        call: |_| Call::get("/products?search=lantern"),
        served: |answer| answer.json().pointer("/0/name").is_some_and(|name| name == "Lantern"),
    },
    Use {
        name: "bob signs in at the shop",
        call: |_| Call::post("/login").with_body(json!({ "username": "bob", "password": "builder" })),
        served: |answer| answer.json().get("token").is_some(),
    },
    Use {
        name: "alice reads her order",
        call: |tokens| Call::get("/orders/42").with_token(tokens.of(User::Alice)),
        served: |answer| answer.json().get("id").is_some_and(|id| id == 42),
    },
    Use {
        name: "alice buys a lantern",
        call: |tokens| {
            let order = json!({ "product_id": 2, "quantity": 1 });
            Call::post("/orders").with_token(tokens.of(User::Alice)).with_body(order)
        },
        served: |answer| answer.status == StatusCode::CREATED,
    },
    Use {
        name: "alice sends her order to another address",
        call: |tokens| {
            let change = json!({ "address": "4 Drawbridge Lane" });
            Call::new(Method::PUT, "/orders/42").with_token(tokens.of(User::Alice)).with_body(change)
        },
        served: |answer| answer.json().get("address").is_some_and(|address| address == "4 Drawbridge Lane"),
    },
    Use {
        name: "alice changes her e-mail address",
        call: |tokens| {
            let change = json!({ "email": "alice@castle.example" });
            Call::new(Method::PATCH, "/users/1").with_token(tokens.of(User::Alice)).with_body(change)
        },
        served: |answer| answer.json().get("email").is_some_and(|email| email == "alice@castle.example"),
    },
    Use {
        name: "the administrator reads the report",
        call: |tokens| Call::get("/admin/report").with_token(tokens.of(User::Admin)),
        served: |answer| answer.json().pointer("/turnover/orders").is_some(),
    },
    Use {
        name: "the administrator removes mallory",
        call: |tokens| Call::new(Method::DELETE, "/users/3").with_token(tokens.of(User::Admin)),
        served: |answer| answer.status == StatusCode::NO_CONTENT,
    },
];
