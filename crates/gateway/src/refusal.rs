//! Why a request does not pass, and the one place where that becomes an answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bartizan_controls::ControlId;
use bartizan_evidence::{RequestId, Stage};
use bartizan_inspect::graphql;
use bartizan_inspect::openapi::Located;
use bartizan_policy::{Denial, Rate, StepUp, Verdict};
use bartizan_token::{Algorithm, PROOF_ALGORITHMS};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use serde_json::json;

use crate::wire::Fault;

/// Why a request does not pass.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// The message could be read in two ways, or in none.
    Malformed(&'static str),
    /// The message could not be framed in one way: the stage *wire* says how.
    Unframed(&'static str),
    /// The path could be read in two ways.
    AmbiguousPath(&'static str),
    /// `Forwarded` fields that a trusted proxy passed on contradict each other.
    AmbiguousForwarding(&'static str),
    /// The request target is too long.
    TargetTooLong,
    /// Too many header fields, or too many bytes of them.
    HeadTooLarge,
    /// The head did not arrive in time.
    HeadTooSlow,
    /// The body is larger than the route takes.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// `Host` names somebody else.
    Misdirected,
    /// `Expect` asks for something that is not offered.
    ExpectationFailed,
    /// Nothing is declared at this path.
    NotDeclared,
    /// The request is not what the OpenAPI document declares.
    Invalid(Arc<[Located]>),
    /// The GraphQL operation is none that the schema has, or takes more than it may.
    Operation(Arc<[graphql::Fault]>),
    /// A body of a type that the OpenAPI document does not declare, or in an encoding in which it cannot be read.
    ContentNotDeclared,
    /// A gRPC message that its method does not declare.
    Message(&'static str),
    /// Something else than a gRPC call, on a route that takes nothing else.
    NotGrpc,
    /// A WebSocket handshake that does not hold.
    Handshake(&'static str),
    /// A version of WebSocket that nobody speaks any more.
    WebSocketVersion,
    /// A page of another site wants a WebSocket connection.
    ForeignOrigin(&'static str),
    /// A page of another site sends it with a session's cookie.
    CrossSite(&'static str),
    /// The path is declared, the method is not.
    MethodNotAllowed(Vec<Method>),
    /// Two different credentials in one request.
    AmbiguousCredentials(&'static str),
    /// A credential that does not hold.
    CredentialRefused(&'static str),
    /// A token that is bound to a key, and no proof, or one that does not hold.
    ProofRefused(ProofFault),
    /// A proof that lacks a nonce of the gate's own: here is one.
    NonceRequired(Box<str>),
    /// A client certificate that speaks for nobody, or that the token is not bound to.
    CertificateRefused(&'static str),
    /// A message that the webhook's sender did not sign, or not just now.
    WebhookRefused(&'static str),
    /// A message of a webhook that was delivered already.
    Replayed,
    /// Whether the credential holds cannot be known now.
    CredentialUndecided(&'static str),
    /// The caller may not.
    Denied(Denial),
    /// The owner cannot be known: the look-up or the answer does not tell.
    OwnerUnknown(&'static str),
    /// Too often.
    RateLimited(Limited),
    /// Too much at once for this node.
    Overloaded,
    /// The event of this request would have no place in the log.
    Unrecordable,
    /// No connection to the upstream.
    UpstreamUnreachable(&'static str),
    /// The upstream did not answer in time.
    UpstreamTimeout(&'static str),
    /// The upstream's answer cannot be passed on.
    UpstreamFault(&'static str),
    /// The upstream was not asked: it has enough to do, or is known to fail.
    UpstreamBusy(&'static str),
    /// A stage could not do its work.
    Internal(&'static str),
}

/// What is wrong with a proof of possession.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProofFault {
    /// The stable name for events.
    code: &'static str,
    /// Whether the proof is at fault, and not the token.
    is_proof: bool,
}

/// Which limit was reached, and its figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limited {
    /// The limit's name: `address`, `identity`, `route` or `failed-authentication`.
    pub(crate) limit: &'static str,
    /// What it allows.
    pub(crate) rate: Rate,
    /// Where the caller stands.
    pub(crate) verdict: Verdict,
}

impl Refusal {
    /// A refusal for want of a proof that holds.
    pub(crate) const fn proof(code: &'static str, is_proof: bool) -> Self {
        Self::ProofRefused(ProofFault { code, is_proof })
    }

    /// Whether it is the credential that does not hold.
    pub(crate) const fn is_about_credential(&self) -> bool {
        matches!(
            self,
            Self::CredentialRefused(_)
                | Self::ProofRefused(_)
                | Self::NonceRequired(_)
                | Self::CertificateRefused(_)
                | Self::WebhookRefused(_)
        )
    }

    /// Whether it counts as an attempt to guess. Who is told a nonce has done nothing wrong yet.
    pub(crate) const fn is_failed_credential(&self) -> bool {
        self.is_about_credential() && !matches!(self, Self::NonceRequired(_))
    }

    /// The most telling stable word of it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::CredentialRefused(code) => code,
            other => other.reason().0,
        }
    }

    /// The status, the `<name>` of `urn:bartizan:refusal:<name>` and the title: all that a client is told, and nothing an
    /// attacker learns from.
    pub(crate) fn face(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Malformed(_) | Self::Unframed(_) => (S::BAD_REQUEST, "malformed-request", "The request is malformed"),
            Self::AmbiguousPath(_) => (S::BAD_REQUEST, "ambiguous-path", "The path can be read in more than one way"),
            Self::AmbiguousForwarding(_) => {
                (S::BAD_REQUEST, "ambiguous-forwarding", "The forwarding fields contradict each other")
            }
            Self::TargetTooLong => (S::URI_TOO_LONG, "target-too-long", "The request target is too long"),
            Self::HeadTooLarge => {
                (S::REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", "The header fields are too large")
            }
            Self::HeadTooSlow => (S::REQUEST_TIMEOUT, "head-too-slow", "The header fields did not arrive in time"),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body-too-large", "The body is larger than this route takes"),
            Self::BodyTooSlow => (S::REQUEST_TIMEOUT, "body-too-slow", "The body did not arrive in time"),
            Self::Misdirected => (S::MISDIRECTED_REQUEST, "misdirected", "This host is not served here"),
            Self::ExpectationFailed => {
                (S::EXPECTATION_FAILED, "expectation-failed", "The expectation is not supported")
            }
            Self::NotDeclared => (S::NOT_FOUND, "not-found", "Nothing is here"),
            Self::CrossSite(_) => (S::FORBIDDEN, "cross-site", "Pages of other sites may not do this"),
            Self::MethodNotAllowed(_) => {
                (S::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here")
            }
            Self::Invalid(_) => (S::BAD_REQUEST, "invalid-request", "The request is not what this operation declares"),
            Self::Operation(_) => (S::BAD_REQUEST, "invalid-operation", "The operation is not one that is served here"),
            Self::ContentNotDeclared => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "content-not-declared",
                "The body has a type that this operation does not take",
            ),
            Self::Message(_) => (S::BAD_REQUEST, "invalid-message", "The message is not what the method declares"),
            Self::NotGrpc => (S::UNSUPPORTED_MEDIA_TYPE, "not-grpc", "Only gRPC is served here"),
            Self::Handshake(_) => (S::BAD_REQUEST, "websocket-handshake", "The WebSocket handshake does not hold"),
            Self::WebSocketVersion => (S::UPGRADE_REQUIRED, "websocket-version", "Speak version 13 of WebSocket"),
            Self::ForeignOrigin(_) => (S::FORBIDDEN, "foreign-origin", "Pages of this origin may not connect"),
            Self::AmbiguousCredentials(_) => {
                (S::BAD_REQUEST, "ambiguous-credentials", "The request carries more than one credential")
            }
            Self::CredentialRefused(_)
            | Self::ProofRefused(_)
            | Self::NonceRequired(_)
            | Self::CertificateRefused(_)
            | Self::WebhookRefused(_) => (S::UNAUTHORIZED, "credential-refused", "The credential is not accepted"),
            Self::Replayed => (S::CONFLICT, "replayed", "This message was delivered already"),
            Self::CredentialUndecided(_) => {
                (S::SERVICE_UNAVAILABLE, "credential-undecided", "The credential cannot be checked at the moment")
            }
            Self::Denied(Denial::SignInRequired) => (S::UNAUTHORIZED, "sign-in-required", "Sign in first"),
            Self::Denied(Denial::StepUpRequired(_)) => {
                (S::UNAUTHORIZED, "step-up-required", "A stronger or more recent sign-in is needed")
            }
            // Which part of the rule failed stays in the event: a client that learns it has a map of the rules.
            Self::Denied(_) | Self::OwnerUnknown(_) => (S::FORBIDDEN, "forbidden", "This is not allowed"),
            Self::RateLimited(_) => (S::TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
            Self::Overloaded | Self::Unrecordable => {
                (S::SERVICE_UNAVAILABLE, "overloaded", "The service is at its limit")
            }
            Self::UpstreamUnreachable(_) => {
                (S::BAD_GATEWAY, "upstream-unreachable", "The service behind cannot be reached")
            }
            Self::UpstreamTimeout(_) => {
                (S::GATEWAY_TIMEOUT, "upstream-timeout", "The service behind did not answer in time")
            }
            Self::UpstreamFault(_) => (S::BAD_GATEWAY, "upstream-fault", "The service behind gave no usable answer"),
            Self::UpstreamBusy(_) => (S::SERVICE_UNAVAILABLE, "upstream-busy", "The service behind is at its limit"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "The request could not be decided"),
        }
    }

    /// The stable reason for the event: more than the client is told, never a value from the request.
    pub(crate) fn reason(&self) -> (&'static str, String) {
        let (_, name, _) = self.face();
        match self {
            // A word for each: what is being tried on the wire is what an operator wants to count.
            Self::Unframed(why) => (why, String::new()),
            Self::Malformed(why)
            | Self::AmbiguousPath(why)
            | Self::AmbiguousForwarding(why)
            | Self::AmbiguousCredentials(why)
            | Self::CredentialRefused(why)
            | Self::CredentialUndecided(why)
            | Self::OwnerUnknown(why)
            | Self::Handshake(why)
            | Self::ForeignOrigin(why)
            | Self::CrossSite(why)
            | Self::UpstreamUnreachable(why)
            | Self::UpstreamTimeout(why)
            | Self::UpstreamFault(why)
            | Self::UpstreamBusy(why)
            | Self::Internal(why) => (name, (*why).to_owned()),
            // Rules and places are the document's, or names that the client chose: never values.
            Self::Invalid(faults) => (name, summary(faults)),
            // Each by its own word: what is tried on an endpoint that is a language is what an operator wants to count.
            Self::Operation(faults) => match &**faults {
                [] => (name, String::new()),
                [first, ..] => {
                    (first.rule.code(), faults.iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join("; "))
                }
            },
            Self::ProofRefused(fault) => (fault.code, String::new()),
            Self::NonceRequired(_) => ("proof-nonce-required", String::new()),
            Self::CertificateRefused(code) | Self::WebhookRefused(code) | Self::Message(code) => (code, String::new()),
            Self::Denied(Denial::ScopeMissing(scope)) => ("scope-missing", format!("scope `{scope}`")),
            Self::Denied(Denial::AttributeMissing(pointer)) => ("attribute-missing", format!("claim `{pointer}`")),
            Self::Denied(denial) => (denial.code(), String::new()),
            Self::RateLimited(limited) => (name, format!("{} limit of {}", limited.limit, limited.rate)),
            Self::Unrecordable => ("audit-queue-full", String::new()),
            _ => (name, String::new()),
        }
    }

    /// The control that this refusal proves to work.
    pub(crate) fn control(&self, stage: Stage) -> Option<ControlId> {
        use bartizan_controls::{authn, authz, evidence, gate, inspect};
        Some(match self {
            Self::Malformed(_)
            | Self::Unframed(_)
            | Self::AmbiguousForwarding(_)
            | Self::Misdirected
            | Self::ExpectationFailed
            | Self::Handshake(_)
            | Self::WebSocketVersion => gate::REQUEST_INTEGRITY.id,
            Self::ForeignOrigin(_) => gate::CORS.id,
            Self::CrossSite(_) => authn::CROSS_SITE.id,
            Self::AmbiguousPath(_) => gate::PATH_NORMALIZATION.id,
            Self::TargetTooLong | Self::HeadTooLarge | Self::HeadTooSlow | Self::BodyTooLarge | Self::BodyTooSlow => {
                gate::SIZE_LIMITS.id
            }
            Self::NotDeclared | Self::MethodNotAllowed(_) | Self::NotGrpc => gate::DECLARED_ROUTES.id,
            Self::Invalid(_) | Self::ContentNotDeclared => inspect::REQUEST_SCHEMA.id,
            Self::Operation(_) => inspect::GRAPHQL.id,
            Self::Message(_) => inspect::GRPC.id,
            Self::AmbiguousCredentials(_) => authn::AMBIGUITY.id,
            Self::CredentialRefused(_) | Self::CredentialUndecided(_) => authn::BEARER.id,
            Self::ProofRefused(_) | Self::NonceRequired(_) => authn::DPOP.id,
            Self::CertificateRefused(_) => authn::CLIENT_CERTIFICATE.id,
            Self::WebhookRefused(_) | Self::Replayed => authn::WEBHOOK.id,
            Self::Denied(denial) => match denial {
                Denial::SignInRequired => authz::DENY_BY_DEFAULT.id,
                Denial::RoleMissing => authz::ROLE.id,
                Denial::ScopeMissing(_) => authz::SCOPE.id,
                Denial::AttributeMissing(_) => authz::ATTRIBUTE.id,
                Denial::NotOwner => authz::OWNERSHIP.id,
                Denial::StepUpRequired(_) => authz::STEP_UP.id,
                Denial::NetworkRefused => authz::NETWORK.id,
                Denial::OutsideHours | Denial::GrantEnded => authz::TIME.id,
            },
            Self::OwnerUnknown(_) => authz::OWNERSHIP.id,
            Self::RateLimited(_) if stage == Stage::LimitAddress => gate::RATE_LIMIT_ADDRESS.id,
            Self::RateLimited(_) => gate::RATE_LIMIT_IDENTITY.id,
            Self::Overloaded | Self::UpstreamBusy(_) => gate::LOAD_SHEDDING.id,
            Self::Unrecordable => evidence::AUDIT.id,
            Self::UpstreamUnreachable(_) | Self::UpstreamTimeout(_) | Self::UpstreamFault(_) | Self::Internal(_) => {
                return None;
            }
        })
    }

    /// Whether the upstream, not the caller, is at fault.
    pub(crate) fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::UpstreamUnreachable(_)
                | Self::UpstreamTimeout(_)
                | Self::UpstreamFault(_)
                | Self::UpstreamBusy(_)
                | Self::Internal(_)
        )
    }

    /// The answer, as problem+json (`RFC 9457`).
    pub(crate) fn into_response(self, request_id: RequestId) -> Response<Bytes> {
        let (status, name, title) = self.face();
        let mut response = problem(status, name, title, request_id);
        if let Self::Invalid(faults) = &self {
            *response.body_mut() = with_errors(response.body(), faults);
        }
        self.add_fields(response.headers_mut());
        response
    }

    fn add_fields(&self, headers: &mut HeaderMap) {
        match self {
            Self::MethodNotAllowed(methods) => {
                let allow: Vec<&str> = methods.iter().map(Method::as_str).collect();
                insert_text(headers, header::ALLOW, &allow.join(", "));
            }
            Self::CredentialRefused(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_token""#));
            }
            // RFC 9449 §7.1: which of token and proof is at fault, and what a proof may be signed with.
            Self::ProofRefused(fault) => {
                let error = if fault.is_proof { "invalid_dpop_proof" } else { "invalid_token" };
                insert_text(headers, header::WWW_AUTHENTICATE, &dpop_challenge(error));
            }
            Self::NonceRequired(nonce) => {
                insert_text(headers, header::WWW_AUTHENTICATE, &dpop_challenge("use_dpop_nonce"));
                insert_text(headers, DPOP_NONCE, nonce);
            }
            // RFC 9110 §11.6.1 wants a challenge. No scheme is registered for these two, and who does not know it lets it be.
            Self::CertificateRefused(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Certificate"));
            }
            Self::WebhookRefused(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Webhook"));
            }
            Self::Denied(Denial::SignInRequired) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Denied(Denial::StepUpRequired(step_up)) => {
                insert_text(headers, header::WWW_AUTHENTICATE, &step_up_challenge(step_up));
            }
            Self::Denied(Denial::ScopeMissing(scope)) => {
                // RFC 6750 §3.1: naming the scope lets a client ask for it; it is in the API's own document anyway.
                insert_text(
                    headers,
                    header::WWW_AUTHENTICATE,
                    &format!(r#"Bearer error="insufficient_scope", scope="{scope}""#),
                );
            }
            Self::WebSocketVersion => {
                headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            }
            Self::RateLimited(limited) => limited.add_fields(headers),
            Self::Overloaded | Self::Unrecordable | Self::CredentialUndecided(_) | Self::UpstreamBusy(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Malformed(why) => Self::Unframed(why),
            Fault::HeadTooLarge => Self::HeadTooLarge,
            Fault::TargetTooLong => Self::TargetTooLong,
            Fault::HeadTooSlow => Self::HeadTooSlow,
        }
    }
}

impl Limited {
    /// `Retry-After` and the `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn add_fields(&self, headers: &mut HeaderMap) {
        if !self.verdict.allowed {
            insert_text(headers, header::RETRY_AFTER, &ceil_seconds(self.verdict.retry_after).to_string());
        }
        let (name, quota, window) = (self.limit, self.rate.count(), self.rate.period().as_secs());
        insert_text(headers, RATELIMIT_POLICY, &format!(r#""{name}";q={quota};w={window}"#));
        let (remaining, reset) = (self.verdict.remaining, ceil_seconds(self.verdict.reset_after));
        insert_text(headers, RATELIMIT, &format!(r#""{name}";r={remaining};t={reset}"#));
    }
}

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A problem document with the request's id and nothing else.
pub(crate) fn problem(
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    request_id: RequestId,
) -> Response<Bytes> {
    let id = request_id.as_text();
    let status_code = status.as_u16();
    let text = format!(
        r#"{{"type":"urn:bartizan:refusal:{name}","title":"{title}","status":{status_code},"request_id":"{id}"}}"#
    );
    let mut response = Response::new(Bytes::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The problem document with what is wrong, fault by fault (`RFC 9457 §3.2`): where, by which rule of the document, and what the rule
/// demands. Nothing of what the request held.
fn with_errors(problem: &Bytes, faults: &[Located]) -> Bytes {
    let error = |located: &Located| {
        json!({
            "in": located.part.as_str(),
            "pointer": located.fault.pointer,
            "rule": located.fault.rule,
            "message": located.fault.message,
        })
    };
    let errors: Vec<_> = faults.iter().map(error).collect();
    let Ok(mut problem) = serde_json::from_slice::<serde_json::Map<_, _>>(problem) else { return problem.clone() };
    problem.insert("errors".to_owned(), errors.into());
    serde_json::Value::Object(problem).to_string().into()
}

/// The first faults, for the event.
fn summary(faults: &[Located]) -> String {
    const MOST: usize = 4;
    let named = faults.iter().take(MOST).map(|it| {
        let pointer: String = it.fault.pointer.chars().take(80).collect();
        format!("{} at {} {pointer}", it.fault.rule, it.part.as_str()).trim_end().to_owned()
    });
    let more = faults.len().saturating_sub(MOST);
    let more = (more > 0).then(|| format!("{more} more"));
    named.chain(more).collect::<Vec<_>>().join("; ")
}

fn dpop_challenge(error: &str) -> String {
    let algorithms = PROOF_ALGORITHMS.map(Algorithm::as_str).join(" ");
    format!(r#"DPoP error="{error}", algs="{algorithms}""#)
}

/// What would satisfy the step-up (`RFC 9470 §3`).
fn step_up_challenge(step_up: &StepUp) -> String {
    let mut challenge = String::from(
        r#"Bearer error="insufficient_user_authentication", error_description="a stronger or more recent sign-in is needed""#,
    );
    let acr = step_up.acr.join(" ");
    if !acr.is_empty() {
        let _ = write!(challenge, r#", acr_values="{acr}""#);
    }
    if let Some(max_age) = step_up.max_age {
        let _ = write!(challenge, ", max_age={}", max_age.as_secs());
    }
    challenge
}

fn ceil_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Sets a field whose text comes from the configuration; text that cannot stand in a field is left out.
fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
