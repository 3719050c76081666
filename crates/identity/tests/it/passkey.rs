use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use bartizan_identity::people::UserCommand;
use bartizan_identity::{Aaguid, AdminPasskeys, Config};
use bartizan_vault::sha256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;

use crate::house::{Browser, House, ORIGIN, PASSWORD, Page, told};

/// An authenticator in software, with one passkey.
struct Authenticator {
    key: EcdsaKeyPair,
    id: &'static [u8],
    kind: [u8; 16],
}

impl Authenticator {
    fn new(id: &'static [u8]) -> Self {
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(), id, kind: [0; 16] }
    }

    fn of_kind(self, kind: [u8; 16]) -> Self {
        Self { kind, ..self }
    }

    /// Makes a passkey as the form of `page` asks for it, and sends it.
    async fn enrol(&self, browser: &Browser, page: &Page, name: &str) -> Page {
        self.enrol_at("/account/passkeys", browser, page, name).await
    }

    async fn enrol_at(&self, action: &str, browser: &Browser, page: &Page, name: &str) -> Page {
        let client = client_data("webauthn.create", &challenge(page, "create"));
        let mut data = data(0x45, 0);
        data.extend_from_slice(&self.kind);
        data.extend_from_slice(&u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend_from_slice(self.id);
        let key: PublicKeyX509Der<'_> = self.key.public_key().as_der().unwrap();
        let fields = [
            ("client_data", encode(&client)),
            ("authenticator_data", encode(&data)),
            ("public_key", encode(key.as_ref())),
            ("kind", "-7".to_owned()),
            ("name", name.to_owned()),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submit(page, action, &fields).await
    }

    /// Signs the challenge of `page`, and sends that.
    async fn sign_in(&self, browser: &Browser, page: &Page, flags: u8, counter: u32) -> Page {
        let client = client_data("webauthn.get", &challenge(page, "get"));
        let data = data(flags, counter);
        let signed = [&data[..], &sha256(&client)].concat();
        let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
        let fields = [
            ("id", encode(self.id)),
            ("client_data", encode(&client)),
            ("authenticator_data", encode(&data)),
            ("signature", encode(signature.as_ref())),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.submit(page, "/login/passkey", &fields).await
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn challenge(page: &Page, purpose: &str) -> String {
    page.between(&format!("data-passkey=\"{purpose}\" data-challenge=\""), "\"")
}

fn client_data(purpose: &str, challenge: &str) -> Vec<u8> {
    serde_json::json!({ "type": purpose, "challenge": challenge, "origin": ORIGIN, "crossOrigin": false })
        .to_string()
        .into_bytes()
}

fn data(flags: u8, counter: u32) -> Vec<u8> {
    [&sha256(b"gate.example")[..], &[flags], &counter.to_be_bytes()].concat()
}

async fn enrolled(house: &House, authenticator: &Authenticator) -> Browser {
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let page = browser.get("/auth/account").await;
    let done = authenticator.enrol(&browser, &page, "laptop <1>").await;
    assert!(
        done.html.contains("class=\"codes\""),
        "the first one brings recovery codes: {} {:?}",
        done.status,
        done.location
    );
    browser
}

#[tokio::test]
async fn a_passkey_signs_in_without_a_name_or_a_password() {
    let mut house = House::build().await;
    let id = house.user("ada", &["admin"]).await;
    let authenticator = Authenticator::new(b"one");
    let browser = house.browser();
    browser.sign_in("ada", PASSWORD).await;
    let page = browser.get("/auth/account/authenticator").await;
    authenticator.enrol(&browser, &page, "laptop <1>").await;
    assert!(browser.get("/auth/account").await.html.contains("laptop &lt;1&gt;"), "an administrator is let in by now");

    let other = house.browser();
    let page = other.get("/auth/login?return_to=/vault").await;
    assert!(authenticator.sign_in(&other, &page, 0x05, 0).await.leads_to("/vault"));
    let principal = house.identity.people().principal(&other.session().unwrap()).await.unwrap().unwrap();
    assert_eq!(principal.subject.as_str(), id);
    assert_eq!(principal.authentication.acr.as_deref(), Some("phr"));
    assert!(principal.authentication.is_multi_factor());
    assert!(
        told(&house.events().await).iter().any(|(action, outcome, _)| action == "factor-added" && outcome == "success")
    );
}

#[tokio::test]
async fn a_password_is_not_enough_once_there_is_a_passkey() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let authenticator = Authenticator::new(b"one");
    enrolled(&house, &authenticator).await;
    let other = house.browser();
    let page = other.sign_in("ada", PASSWORD).await;
    assert_eq!((page.status, other.session()), (StatusCode::OK, None));
    assert!(authenticator.sign_in(&other, &page, 0x05, 0).await.leads_to("/auth/account"));
}

#[tokio::test]
async fn an_authenticator_that_verified_nobody_and_a_challenge_of_yesterday_are_refused() {
    let mut house = House::build().await;
    house.user("ada", &[]).await;
    let authenticator = Authenticator::new(b"one");
    enrolled(&house, &authenticator).await;
    let other = house.browser();
    let page = other.get("/auth/login").await;
    assert_eq!(authenticator.sign_in(&other, &page, 0x01, 0).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        Authenticator::new(b"one").sign_in(&other, &page, 0x05, 0).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        Authenticator::new(b"two").sign_in(&other, &page, 0x05, 0).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert!(authenticator.sign_in(&other, &page, 0x05, 0).await.leads_to("/auth/account"));
    let replayed = authenticator.sign_in(&other, &page, 0x05, 0).await;
    assert_eq!(replayed.status, StatusCode::UNPROCESSABLE_ENTITY, "a challenge counts once");
    let late = house.browser();
    let page = late.get("/auth/login").await;
    house.pass(std::time::Duration::from_mins(11));
    assert_eq!(authenticator.sign_in(&late, &page, 0x05, 0).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let told = told(&house.events().await);
    for reason in ["holder-not-verified", "wrong-signature", "unknown-passkey", "passkey-for-another-challenge"] {
        assert!(told.iter().any(|(action, _, it)| action == "sign-in" && it == reason), "{reason}");
    }
}

#[tokio::test]
async fn a_counter_that_goes_backwards_raises_the_alarm() {
    let mut house = House::build().await;
    house.user("ada", &[]).await;
    let authenticator = Authenticator::new(b"one");
    enrolled(&house, &authenticator).await;
    for (counter, is_let_in) in [(5, true), (6, true), (6, false), (3, false), (0, false), (7, true)] {
        let browser = house.browser();
        let page = browser.get("/auth/login").await;
        let answer = authenticator.sign_in(&browser, &page, 0x05, counter).await;
        assert_eq!(answer.leads_to("/auth/account"), is_let_in, "{counter}");
    }
    let alarms = told(&house.events().await).into_iter().filter(|(action, _, _)| action == "passkey-cloned").count();
    assert_eq!(alarms, 3);
}

#[tokio::test]
async fn a_passkey_is_removed_by_its_own_holder_only() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    house.user("eve", &[]).await;
    let authenticator = Authenticator::new(b"one");
    let ada = enrolled(&house, &authenticator).await;
    let page = ada.get("/auth/account").await;
    let id = encode(b"one");
    assert!(page.html.contains(&format!("name=\"passkey\" value=\"{id}\"")));
    let eve = house.browser();
    eve.sign_in("eve", PASSWORD).await;
    let form = eve.get("/auth/account").await.between("name=\"form\" value=\"", "\"");
    let body = format!("form={form}&passkey={id}");
    eve.send(http::Method::POST, "/auth/account/passkeys/remove", &[], body.into()).await;
    let stolen = authenticator.enrol(&eve, &eve.get("/auth/account").await, "mine").await;
    assert!(stolen.leads_to("/auth/account?done=passkey-refused"), "another account has it");
    assert!(ada.get("/auth/account").await.html.contains("laptop &lt;1&gt;"));
    assert!(ada.submit(&page, "/account/passkeys/remove", &[]).await.leads_to("/auth/account?done=passkey-removed"));
    assert!(!ada.get("/auth/account").await.html.contains("laptop &lt;1&gt;"));
}

const AGREED: [u8; 16] =
    [0xcb, 0x69, 0x48, 0x1e, 0x8f, 0xf7, 0x40, 0x39, 0x93, 0xec, 0x0a, 0x27, 0x29, 0xa1, 0x54, 0xa8];

fn only_agreed(config: &mut Config) {
    let agreed = Aaguid::parse("cb69481e-8ff7-4039-93ec-0a2729a154a8").unwrap();
    assert_eq!((agreed.as_bytes(), agreed.to_string().as_str()), (&AGREED, "cb69481e-8ff7-4039-93ec-0a2729a154a8"));
    config.admin_passkeys = AdminPasskeys::Only(vec![agreed]);
}

#[tokio::test]
async fn an_administrator_enrols_only_authenticators_of_the_kinds_that_were_agreed_on() {
    let mut house = House::with(only_agreed).await;
    house.user("root", &["admin"]).await;
    let browser = house.browser();
    browser.sign_in("root", PASSWORD).await;
    let page = browser.get("/auth/account/authenticator").await;
    assert!(page.html.contains("data-attestation=\"direct\""), "browsers tell the kind to those who ask");
    for kind in [[0; 16], [7; 16]] {
        let refused = Authenticator::new(b"one").of_kind(kind).enrol(&browser, &page, "phone").await;
        assert!(refused.html.contains("certain authenticators only"), "{}", refused.html);
    }
    Authenticator::new(b"two").of_kind(AGREED).enrol(&browser, &page, "key").await;
    assert_eq!(browser.get("/auth/account").await.status, StatusCode::OK);
    let told = told(&house.events().await);
    assert!(
        told.iter().any(|(action, _, why)| action == "factor-added" && why == "kind-of-authenticator-not-permitted")
    );
}

#[tokio::test]
async fn a_passkey_that_was_made_before_opens_nothing_once_its_holder_is_an_administrator() {
    let house = House::with(only_agreed).await;
    house.user("ada", &[]).await;
    let authenticator = Authenticator::new(b"one").of_kind([7; 16]);
    enrolled(&house, &authenticator).await;
    let sign_in = async || {
        let browser = house.browser();
        let page = browser.get("/auth/login").await;
        assert!(!page.html.contains("data-attestation=\"direct\""));
        authenticator.sign_in(&browser, &page, 0x05, 0).await
    };
    assert!(sign_in().await.leads_to("/auth/account"), "whoever is no administrator uses what they like");
    let change = serde_json::from_value(serde_json::json!({ "roles": ["admin"] })).unwrap();
    house.administer(UserCommand::Change { who: "ada".to_owned(), change }).await.unwrap();
    assert_eq!(sign_in().await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_invitation_is_taken_up_by_a_passkey_in_place_of_a_password() {
    let house = House::build().await;
    let command = serde_json::json!({ "do": "invite", "username": "ada", "roles": ["staff"] });
    let told = house.administer(serde_json::from_value(command).unwrap()).await.unwrap();
    let link = told["link"].as_str().unwrap().strip_prefix("https://gate.example").unwrap().to_owned();
    let (browser, thief) = (house.browser(), house.browser());
    let (page, copied) = (browser.get(&link).await, thief.get(&link).await);
    let authenticator = Authenticator::new(b"one");
    let done = authenticator.enrol_at("/welcome/passkey", &browser, &page, "phone").await;
    assert!(done.html.contains("class=\"codes\""), "{} {}", done.status, done.html);
    assert_eq!(browser.session(), None, "a link alone lets nobody in");
    let late = Authenticator::new(b"two").enrol_at("/welcome/passkey", &thief, &copied, "mine").await;
    assert_eq!(late.status, StatusCode::GONE, "of two who have the link, one gets in");
    let page = browser.get("/auth/login").await;
    assert!(authenticator.sign_in(&browser, &page, 0x05, 0).await.leads_to("/auth/account"));
}

#[tokio::test]
async fn a_link_for_a_new_password_gives_nobody_a_passkey() {
    let house = House::build().await;
    house.user("ada", &[]).await;
    let told = house.administer(UserCommand::Recover { who: "ada".to_owned() }).await.unwrap();
    let link = told["link"].as_str().unwrap().strip_prefix("https://gate.example").unwrap().to_owned();
    let page = house.browser().get(&link).await;
    assert!(page.status == StatusCode::OK && !page.html.contains("data-passkey"), "it is worth two factors");
}
