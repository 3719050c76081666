//! What no provider issues: keys, tokens, passwords by their form or by the name that they are given.

use crate::secrets::checksum::Check;
use crate::secrets::pattern::{Form, Pattern, token};

pub(super) const TABLE: &[Pattern] = &[
    token("private-key", ["", "private key"], &["-----begin"], "", ["{pem}", "{empty_pem}"])
        .form(Form::PrivateKey)
        .critical(),
    token(
        "age-key",
        ["age", "secret key"],
        &["age-secret-key-1"],
        r"AGE-SECRET-KEY-1([QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58})",
        ["AGE-SECRET-KEY-1{bech58}", "AGE-SECRET-KEY-1{bech40}"],
    )
    .critical(),
    token(
        "password-in-url",
        ["", "password in a URL"],
        &["://"],
        "",
        ["postgres://app:{a14}@db.acme-shop.io/app", "postgres://app:${DB_PASSWORD}@db.acme-shop.io/app"],
    )
    .form(Form::Connection),
    token("jwt", ["", "JSON Web Token"], &["eyj"], "", ["{jwt}", "{a20}.{a30}.{a43}"]).form(Form::Jwt).medium(),
    token(
        "basic-authorization",
        ["", "password in an Authorization header"],
        &["basic "],
        r"(?i:basic)\s+([A-Za-z0-9+/]{16,200}={0,2})",
        ["Authorization: Basic {basic}", "Authorization: Basic {a20}"],
    )
    .check(Check::Basic)
    .medium(),
    token(
        "assigned-secret",
        ["", "secret"],
        &[
            "passw",
            "passphrase",
            "passcode",
            "pwd",
            "psw",
            "secret",
            "token",
            "apikey",
            "api_key",
            "api-key",
            "api.key",
            "accesskey",
            "access_key",
            "access-key",
            "authkey",
            "auth_key",
            "auth-key",
            "privatekey",
            "private_key",
            "private-key",
            "credential",
            "encryptionkey",
            "encryption_key",
            "encryption-key",
            "signingkey",
            "signing_key",
            "signing-key",
            "masterkey",
            "master_key",
            "jwtkey",
            "jwt_key",
            "servicekey",
            "service_key",
            "licensekey",
            "license_key",
            "accountkey",
            "account_key",
            "hmac",
        ],
        "",
        ["client_secret = \"{a32}\"", "client_secret = \"${CLIENT_SECRET}\""],
    )
    .form(Form::Generic)
    .medium(),
];
