//! One order, from the account to the certificate (`RFC 8555 §7`).

use std::io;
use std::time::{Duration, SystemTime};

use bartizan_vault::Secret;
use instant_acme::{
    Account, AuthorizationStatus, CertificateIdentifier, ChallengeType, Error, ExternalAccountKey, Identifier,
    NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use tokio::time::timeout;

use super::Current;
use super::challenges::{Answering, Challenges, NotMade};
use super::http::Client;
use super::schedule::within;
use super::state::State;
use crate::config::{Acme, AcmeChallenge};

/// For the whole of an order; an authority that queues longer is asked again later.
const PATIENCE: Duration = Duration::from_mins(5);
/// How an order's state is asked for while the authority works on it.
const POLLING: RetryPolicy =
    RetryPolicy::new().initial_delay(Duration::from_millis(250)).backoff(1.5).timeout(Duration::from_mins(2));

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum OrderError {
    /// Whom to trust for the authority's own TLS.
    #[error("the authority's server cannot be verified: {0}")]
    Trust(String),
    /// The authority, or the way to it.
    #[error("{0}")]
    Authority(#[from] Error),
    /// What it thinks of a name.
    #[error("the authority could not confirm that {name} is ours: {cause}")]
    NotConfirmed {
        /// The name.
        name: String,
        /// In the authority's words.
        cause: String,
    },
    /// A way to prove a name that the authority does not have.
    #[error("the authority offers no {0} challenge; configure another")]
    NoSuchChallenge(&'static str),
    #[error(transparent)]
    Challenge(#[from] NotMade),
    /// Our own part of the certificate.
    #[error("the key or the request cannot be made: {0}")]
    Request(#[from] rcgen::Error),
    /// The state directory, or a chain that does not fit its key.
    #[error("the certificate cannot be kept: {0}")]
    State(#[from] io::Error),
    #[error("the authority did not finish in 5 minutes")]
    TooSlow,
}

impl OrderError {
    /// Whether the authority said that we ask too often.
    pub(super) fn is_rate_limit(&self) -> bool {
        let Self::Authority(Error::Api(problem)) = self else { return false };
        problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:rateLimited")
    }
}

/// Orders a certificate, and keeps it.
pub(super) async fn issue(
    rules: &Acme,
    state: &State,
    challenges: &Challenges,
    replaced: Option<&CertificateDer<'_>>,
) -> Result<CertifiedKey, OrderError> {
    timeout(PATIENCE, attempt(rules, state, challenges, replaced)).await.unwrap_or(Err(OrderError::TooSlow))
}

async fn attempt(
    rules: &Acme,
    state: &State,
    challenges: &Challenges,
    replaced: Option<&CertificateDer<'_>>,
) -> Result<CertifiedKey, OrderError> {
    let mut order = match new_order(rules, state, replaced).await {
        Err(OrderError::Authority(Error::Api(problem))) if is_about_account(&problem) => {
            // An account that the authority has forgotten is made again.
            state.forget_account()?;
            new_order(rules, state, replaced).await?
        }
        order => order?,
    };
    let answering = Answering(challenges);
    prepare(&mut order, rules.challenge, challenges).await?;
    match order.poll_ready(&POLLING).await {
        Ok(OrderStatus::Ready) => {}
        Ok(_) => return Err(why_not(&mut order, Error::Str("the order became invalid, and nobody says why")).await),
        Err(refused @ Error::Api(_)) => return Err(why_not(&mut order, refused).await),
        Err(fault) => return Err(fault.into()),
    }
    drop(answering);

    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(rules.domains.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    parameters.distinguished_name = DistinguishedName::new();
    order.finalize_csr(parameters.serialize_request(&key)?.der()).await?;
    let chain = order.poll_certificate(&POLLING).await?;
    let pem = Secret::new(format!("{}{chain}", key.serialize_pem()));
    Ok(state.keep_certificate(&pem)?)
}

/// The account of an earlier run, or a new one.
async fn account(rules: &Acme, state: &State) -> Result<Account, OrderError> {
    let client = || Client::new(rules.authorities.as_deref()).map_err(OrderError::Trust);
    if let Some(credentials) = state.account()? {
        let account = Account::builder_with_http(Box::new(client()?)).from_credentials(credentials).await;
        return Ok(account?);
    }
    let contacts: Vec<String> = rules.contacts.iter().map(|contact| format!("mailto:{contact}")).collect();
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    let external =
        rules.external_account.as_ref().map(|given| ExternalAccountKey::new(given.key_id.clone(), given.key.expose()));
    // The operator said so by a key of the configuration, without which there is no `Acme`.
    let new = NewAccount { contact: &contacts, terms_of_service_agreed: true, only_return_existing: false };
    let builder = Account::builder_with_http(Box::new(client()?));
    let (account, credentials) = builder.create(&new, rules.directory.to_string(), external.as_ref()).await?;
    state.keep_account(&credentials)?;
    Ok(account)
}

async fn new_order(rules: &Acme, state: &State, replaced: Option<&CertificateDer<'_>>) -> Result<Order, OrderError> {
    let account = account(rules, state).await?;
    let names: Vec<Identifier> = rules.domains.iter().map(|name| Identifier::Dns(name.to_string())).collect();
    let replaces = replaced.and_then(|leaf| CertificateIdentifier::try_from(leaf).ok());
    if let Some(replaces) = replaces {
        // Said to an authority that knows renewal information; one that does not, or that takes the old certificate for replaced
        // already (`RFC 9773 §5`), gets the plain order.
        if let Ok(order) = account.new_order(&NewOrder::new(&names).replaces(replaces)).await {
            return Ok(order);
        }
    }
    Ok(account.new_order(&NewOrder::new(&names)).await?)
}

fn is_about_account(problem: &Problem) -> bool {
    problem.r#type.as_deref() == Some("urn:ietf:params:acme:error:accountDoesNotExist")
}

/// Puts an answer in place for every name that the authority wants to check, then tells it.
async fn prepare(order: &mut Order, how: AcmeChallenge, challenges: &Challenges) -> Result<(), OrderError> {
    let (kind, spelled) = match how {
        AcmeChallenge::TlsAlpn01 => (ChallengeType::TlsAlpn01, "tls-alpn-01"),
        AcmeChallenge::Http01 => (ChallengeType::Http01, "http-01"),
    };
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let mut challenge = authorization.challenge(kind.clone()).ok_or(OrderError::NoSuchChallenge(spelled))?;
        let key_authorization = challenge.key_authorization();
        match how {
            AcmeChallenge::TlsAlpn01 => challenges.answer_by_handshake(&name, key_authorization.digest().as_ref())?,
            AcmeChallenge::Http01 => challenges.answer_by_document(&challenge.token, key_authorization.as_str()),
        }
        challenge.set_ready().await?;
    }
    Ok(())
}

/// The authority's own words about the name that it did not take for ours; what it said of the order, if it has none.
async fn why_not(order: &mut Order, otherwise: Error) -> OrderError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        let Ok(state) = authorization.refresh().await else { continue };
        let fault = state.challenges.iter().find_map(|challenge| challenge.error.as_ref());
        if let Some(problem) = fault {
            return OrderError::NotConfirmed { name, cause: problem.to_string() };
        }
    }
    OrderError::Authority(otherwise)
}

/// When the authority would have the certificate renewed (`RFC 9773`); `None` if it does not say, or cannot be asked now.
pub(super) async fn suggested_renewal(rules: &Acme, state: &State, current: &Current) -> Option<SystemTime> {
    let leaf = current.key.end_entity_cert().ok()?;
    let id = CertificateIdentifier::try_from(leaf).ok()?;
    let asked = async {
        let credentials = state.account().ok()??;
        let client = Client::new(rules.authorities.as_deref()).ok()?;
        let account = Account::builder_with_http(Box::new(client)).from_credentials(credentials).await.ok()?;
        account.renewal_info(&id).await.ok()
    };
    let (information, _) = timeout(PATIENCE, asked).await.ok()??;
    let window = information.suggested_window;
    Some(within(window.start.into(), window.end.into(), current.dice))
}
