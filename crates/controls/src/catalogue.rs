//! One entry per defence that this version enforces or checks, grouped by the room that carries it.

use crate::Control;

/// A module of constants per room, and [`CATALOGUE`] of all of them, so that no control can be left out of it.
/// Columns: id, title, promise, OWASP API Top 10, ASVS chapters, CWE numbers.
macro_rules! controls {
    ($($(#[$room_doc:meta])* $room:ident { $($name:ident: $id:literal, $title:literal, $promise:literal,
        [$($owasp:ident),*], [$($asvs:literal),*], [$($cwe:literal),*];)* })*) => {
        $(
            $(#[$room_doc])*
            pub mod $room {
                use crate::{Control, ControlId};

                $(
                    #[doc = $promise]
                    pub const $name: Control = Control {
                        id: ControlId::new($id),
                        title: $title,
                        promise: $promise,
                        owasp_api: &[$(crate::OwaspApi::$owasp),*],
                        asvs: &[$($asvs),*],
                        cwe: &[$($cwe),*],
                    };
                )*
            }
        )*

        /// Every control of this version.
        pub const CATALOGUE: &[Control] = &[$($($room::$name),*),*];
    };
}

controls! {
    /// What stands between a connection and the upstream.
    gate {
        TLS: "gate.tls", "Encrypted transport",
            "Every connection is TLS 1.2 or 1.3 with modern cipher suites; plain HTTP reaches no upstream.",
            [Api8], [12], [319, 326, 327];
        REDIRECT: "gate.redirect", "Plain HTTP only redirects",
            "A plain HTTP listener answers 308 to the HTTPS address and serves nothing else.",
            [Api8], [12], [319];
        REQUEST_INTEGRITY: "gate.request-integrity", "One reading of each request",
            "A message that two parsers could read in two ways is refused before anything acts on it.",
            [Api8], [4], [444, 436];
        PATH_NORMALIZATION: "gate.path-normalization", "One form of each path",
            "A path is normalized once, and exactly the form that was judged is forwarded.",
            [Api1, Api8], [1], [22, 41, 180];
        DECLARED_ROUTES: "gate.declared-routes", "Only declared routes",
            "A path or method that no API and no route declares never reaches an upstream.",
            [Api9, Api8], [4, 15], [1059, 912];
        SIZE_LIMITS: "gate.size-limits", "Bounded messages",
            "Header count, header size, target length and body size are bounded; what exceeds them is refused.",
            [Api4], [4, 15], [400, 770];
        RATE_LIMIT_ADDRESS: "gate.rate-limit.address", "Rate limit by address",
            "One client address gets no more than its rate, whether or not it signs in.",
            [Api4, Api2, Api6], [2, 6], [307, 770, 799];
        RATE_LIMIT_IDENTITY: "gate.rate-limit.identity", "Rate limit by identity",
            "One identity or key gets no more than its rate, from however many addresses.",
            [Api4, Api6], [2], [770, 799];
        LOAD_SHEDDING: "gate.load-shedding", "Load shedding",
            "Beyond the concurrency that the gate can carry, requests are refused at once and do not queue without bound.",
            [Api4], [15], [400, 770];
        UPSTREAM_ISOLATION: "gate.upstream-isolation", "Clients cannot speak for the gate",
            "Hop-by-hop fields and every field that names an identity or a client address are removed from what a client sends.",
            [Api2, Api8], [4, 13], [290, 348, 444];
        ASSERTION: "gate.assertion", "Signed assertion to the upstream",
            "The upstream learns who calls from a short-lived signed statement, which only the gate can make.",
            [Api2], [9, 13], [287, 290, 345];
        SECURITY_HEADERS: "gate.security-headers", "Security headers",
            "Answers carry the fields that browsers need to protect users, and none that describe the server.",
            [Api8], [3], [693, 1021, 200];
        CORS: "gate.cors", "Cross-origin access",
            "Only origins that the configuration names may read answers from a browser.",
            [Api8], [3], [942, 346];
        COOKIE_HARDENING: "gate.cookie-hardening", "Hardened cookies",
            "Cookies set by the upstream leave hidden from scripts, bound to TLS and kept from foreign sites.",
            [Api2, Api8], [3, 7], [614, 1004, 1275];
        ERROR_HYGIENE: "gate.error-hygiene", "Errors that tell nothing",
            "Upstream faults and stack traces are replaced by a problem document with the request id.",
            [Api8, Api3], [16], [209, 497, 550];
        MASKING: "gate.masking", "Masking of sensitive data",
            "Card numbers, bearer tokens and private keys are masked in answers where the route asks for it.",
            [Api3], [14], [200, 201, 359];
    }
    /// Who is calling.
    authn {
        BEARER: "authn.bearer", "Bearer tokens",
            "A token counts only with an allowed algorithm, a key of its issuer, and valid issuer, audience and times.",
            [Api2], [9, 10], [287, 345, 347, 613];
        API_KEY: "authn.api-key", "API keys",
            "A key counts only if its hash is known, it has not expired, and it is used within its scopes.",
            [Api2], [6, 13], [287, 522, 798];
        DPOP: "authn.dpop", "Tokens bound to a key",
            "A token that is bound to a key counts only with a fresh proof, for this request and used once, that its holder has the key.",
            [Api2], [9, 10], [287, 294, 345];
        CLIENT_CERTIFICATE: "authn.client-certificate", "Client certificates",
            "A client certificate speaks only for whom the configuration says, and a token bound to one counts on its connection alone.",
            [Api2], [9, 12], [287, 295, 296];
        INTROSPECTION: "authn.introspection", "Tokens that their issuer is asked about",
            "A token without a signature to check counts only while its issuer says so; if it cannot be asked, nobody passes.",
            [Api2], [9, 10], [287, 613, 636];
        WEBHOOK: "authn.webhook", "Signed webhooks",
            "A webhook counts only with its sender's signature over this body, within the tolerated time, and once.",
            [Api2, Api10], [6, 9], [294, 345, 347];
        CROSS_SITE: "authn.cross-site", "No commands by other sites",
            "A request that a session's cookie alone vouches for changes something only if a page of the same origin sent it.",
            [Api2, Api8], [3, 7], [352];
        AMBIGUITY: "authn.ambiguity", "One credential per request",
            "A request that carries two different credentials is refused, since two parts could believe different ones.",
            [Api2], [4, 6], [287, 436];
    }
    /// What the caller may do.
    authz {
        DENY_BY_DEFAULT: "authz.deny-by-default", "Deny by default",
            "What no rule allows is refused, and so is what a rule could not decide.",
            [Api5, Api1], [8], [276, 636, 862];
        ROLE: "authz.role", "Roles",
            "A route that names roles is open only to callers who hold one of them.",
            [Api5], [8], [285, 862, 863];
        SCOPE: "authz.scope", "Scopes",
            "A route that names scopes is open only to credentials that were granted all of them.",
            [Api5], [8, 10], [285, 863];
        ATTRIBUTE: "authz.attribute", "Attributes",
            "A route that asks for attributes is open only to callers whose verified claims have them.",
            [Api5], [8], [285, 863];
        OWNERSHIP: "authz.ownership", "Ownership of objects",
            "An object with a declared owner is read and changed only by that owner.",
            [Api1], [8], [285, 566, 639];
        FUNCTION: "authz.function", "Functions by privilege",
            "A privileged operation is open only to callers whose rights include it, method by method.",
            [Api5], [8], [285, 425, 862];
        STEP_UP: "authz.step-up", "Step-up authentication",
            "A sensitive route asks for the strength and age of the sign-in that it declares.",
            [Api2, Api6], [6, 8], [287, 306, 308];
        NETWORK: "authz.network", "Network conditions",
            "A route that names networks is open only from them.",
            [Api5], [8], [284, 863];
        TIME: "authz.time", "Time conditions",
            "A route that names hours or an end is open only then.",
            [Api5], [8], [284, 863];
    }
    /// What messages are held against.
    inspect {
        REQUEST_SCHEMA: "inspect.request-schema", "Requests as declared",
            "A request whose parameters or body are not what the OpenAPI document declares never reaches an upstream, undeclared members included.",
            [Api3, Api8], [2, 4], [20, 915, 1287];
        ANSWER_SCHEMA: "inspect.answer-schema", "Answers as declared",
            "Members of an answer that the OpenAPI document does not declare do not leave.",
            [Api3], [4, 14], [200, 201, 213];
        GRAPHQL: "inspect.graphql", "GraphQL operations as the schema has them",
            "A GraphQL operation that its schema does not have, that its caller may not run, or that takes more than it may, never reaches an upstream.",
            [Api4, Api3, Api5], [2, 4], [400, 674, 770, 1287];
        GRPC: "inspect.grpc", "Messages of gRPC as declared",
            "A message that its method's descriptor does not declare never reaches a service, nor does one that parsers could read in two ways.",
            [Api3, Api8], [2, 4], [20, 409, 915, 1287];
    }
    /// What is proven afterwards.
    evidence {
        AUDIT: "evidence.audit", "Audit log",
            "Each request leaves exactly one durable record that names the deciding stage and holds no secret; without room for it, the request is refused.",
            [Api8], [16], [117, 532, 778];
    }
    /// What is not released.
    scan {
        SECRETS: "scan.secrets", "No credential in the source",
            "No credential stands in the files that are released, nor in the history of their repository.",
            [Api2, Api8], [13, 15], [312, 540, 798];
        DEPENDENCIES: "scan.dependencies", "No dependency with a known weakness",
            "Nothing is released on a package with a known weakness, or from a place that can change what it is.",
            [Api8, Api10], [15], [494, 829, 1104, 1395];
        POLICY: "scan.policy", "The project's own rules",
            "What the project's own rules forbid is not released.",
            [Api8], [15], [710];
    }
}

/// The control of that id, as an event or a report names it.
pub fn by_id(id: &str) -> Option<&'static Control> {
    CATALOGUE.iter().find(|control| control.id.as_str() == id)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn is_kebab(word: &str) -> bool {
        !word.is_empty()
            && word
                .split('-')
                .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
    }

    #[test]
    fn no_two_controls_share_an_id() {
        let ids: HashSet<_> = CATALOGUE.iter().map(|control| control.id).collect();
        assert_eq!(ids.len(), CATALOGUE.len());
    }

    #[test]
    fn ids_are_a_room_and_kebab_case_names() {
        for control in CATALOGUE {
            let parts: Vec<_> = control.id.as_str().split('.').collect();
            assert!((2..=3).contains(&parts.len()) && parts.iter().all(|part| is_kebab(part)), "{}", control.id);
        }
    }

    #[test]
    fn every_control_promises_something_and_answers_a_known_risk() {
        for control in CATALOGUE {
            assert!(control.promise.ends_with('.') && !control.title.is_empty(), "{}", control.id);
            assert!(!control.owasp_api.is_empty() && !control.cwe.is_empty(), "{}", control.id);
            assert!(
                !control.asvs.is_empty() && control.asvs.iter().all(|chapter| (1..=17).contains(chapter)),
                "{}",
                control.id
            );
        }
    }

    #[test]
    fn a_control_is_found_by_the_id_that_an_event_names() {
        assert_eq!(by_id("authz.ownership"), Some(&authz::OWNERSHIP));
        assert_eq!(by_id("authz.unknown"), None);
    }
}
