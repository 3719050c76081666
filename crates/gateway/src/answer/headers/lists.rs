//! The lists: what is set, and what is removed.

use std::collections::HashSet;

use http::header::{HeaderName, HeaderValue};

use super::judge;

/// Two years, the OWASP project's value; browsers' preload lists ask for one.
pub(super) const HSTS: &str = "max-age=63072000; includeSubDomains";
pub(super) const HSTS_PRELOAD: &str = "max-age=63072000; includeSubDomains; preload";

/// For what nothing renders.
pub(super) const DATA_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// For what a browser shows by its own means: no script, its own bytes, the styles inside an SVG.
pub(super) const MEDIA_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     img-src 'self' data:; media-src 'self'; object-src 'self'; style-src 'unsafe-inline'";
/// For pages without a policy of their own. `upgrade-insecure-requests` would break a page that is served plainly.
pub(super) const PAGE_POLICY_OVER_TLS: &str = "default-src 'self'; base-uri 'self'; font-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
     style-src 'self' 'unsafe-inline'; upgrade-insecure-requests";
pub(super) const PAGE_POLICY_OVER_PLAIN: &str = "default-src 'self'; base-uri 'self'; font-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
     style-src 'self' 'unsafe-inline'";

pub(super) const EMBEDDER_POLICY: &str = "require-corp";
pub(super) const NO_STORE: &str = "no-store, max-age=0";

/// Features of the browser that an answer gives up. The list is the OWASP project's.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), \
     encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), midi=(), \
     payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(self), usb=(), web-share=(), \
     xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), interest-cohort=(), \
     serial=(), unload=()";

/// Name, value, and which of an upstream's values are kept instead.
pub(super) const FIXED: [(&str, &str, judge::Protects); 11] = [
    ("cross-origin-opener-policy", "same-origin", judge::opener_policy),
    ("cross-origin-resource-policy", "same-origin", judge::resource_policy),
    ("origin-agent-cluster", "?1", judge::agent_cluster),
    ("permissions-policy", PERMISSIONS, judge::permissions_policy),
    ("referrer-policy", "no-referrer", judge::referrer_policy),
    ("x-content-type-options", "nosniff", judge::nosniff),
    ("x-dns-prefetch-control", "off", judge::never),
    ("x-download-options", "noopen", judge::never),
    ("x-frame-options", "DENY", judge::frame_options),
    ("x-permitted-cross-domain-policies", "none", judge::cross_domain_policies),
    // The filter of old browsers could be turned against the page; every one that still has it is told to leave it off.
    ("x-xss-protection", "0", judge::never),
];

pub(super) fn embedder_policy() -> HeaderName {
    HeaderName::from_static("cross-origin-embedder-policy")
}

/// What the OWASP project's list of headers to remove names.
pub(super) const REMOVED_BY_OWASP: [&str; 87] = [
    "$wsep",
    "host-header",
    "k-proxy-request",
    "liferay-portal",
    "oraclecommercecloud-version",
    "pega-host",
    "powered-by",
    "product",
    "server",
    "sourcemap",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-atmosphere-error",
    "x-atmosphere-first-request",
    "x-atmosphere-tracking-id",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-backside-transport",
    "x-beserver",
    "x-calculatedbetarget",
    "x-cf-powered-by",
    "x-cms",
    "x-cocoon-version",
    "x-content-encoded-by",
    "x-datadog-origin",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-datadog-trace-id",
    "x-diaginfo",
    "x-dtagentid",
    "x-dthealthcheck",
    "x-dtinjectedservlet",
    "x-envoy-attempt-count",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-dst-host",
    "x-envoy-upstream-service-time",
    "x-feserver",
    "x-framework",
    "x-generated-by",
    "x-generator",
    "x-gitlab-meta",
    "x-jitsi-release",
    "x-joomla-version",
    "x-kong-admin-latency",
    "x-kong-client-latency",
    "x-kong-proxy-latency",
    "x-kong-request-id",
    "x-kong-response-latency",
    "x-kong-third-party-latency",
    "x-kong-total-latency",
    "x-kong-upstream-latency",
    "x-kong-upstream-status",
    "x-kubernetes-pf-flowschema-ui",
    "x-kubernetes-pf-prioritylevel-uid",
    "x-litespeed-cache",
    "x-litespeed-cache-control",
    "x-litespeed-purge",
    "x-litespeed-tag",
    "x-litespeed-vary",
    "x-mod-pagespeed",
    "x-nextjs-cache",
    "x-nextjs-matched-path",
    "x-nextjs-page",
    "x-nextjs-redirect",
    "x-old-content-length",
    "x-oneagent-js-injection",
    "x-owa-version",
    "x-page-speed",
    "x-php-version",
    "x-powered-by",
    "x-powered-by-plesk",
    "x-powered-cms",
    "x-redirect-by",
    "x-ruxit-js-agent",
    "x-server-powered-by",
    "x-sourcefiles",
    "x-sourcemap",
    "x-turbo-charged-by",
    "x-tyk-trace-id",
    "x-umbraco-version",
    "x-varnish-backend",
    "x-varnish-server",
    "x-woodpecker-version",
];

/// What tells as much and is not on that list: timings, debuggers, host names; and key pinning, which can lock a site out.
pub(super) const REMOVED_BESIDES: [&str; 19] = [
    "public-key-pins",
    "public-key-pins-report-only",
    "x-backend-server",
    "x-chromelogger-data",
    "x-chromephp-data",
    "x-clockwork-id",
    "x-clockwork-path",
    "x-clockwork-version",
    "x-debug-exception",
    "x-debug-exception-file",
    "x-debug-token",
    "x-debug-token-link",
    "x-drupal-cache",
    "x-drupal-cache-contexts",
    "x-drupal-cache-tags",
    "x-drupal-dynamic-cache",
    "x-hostname",
    "x-runtime",
    "x-served-by",
];

/// The names to remove, behind a filter that lets most names of an answer pass without hashing.
#[derive(Debug, Clone)]
pub(super) struct Unwanted {
    names: HashSet<HeaderName>,
    /// For each length of a name, the last bytes that occur, as bits.
    endings: [u32; 64],
}

impl Unwanted {
    /// A header that a route sets is not removed first: it is replaced.
    pub(super) fn new(besides: &[HeaderName], set: &[(HeaderName, HeaderValue)]) -> Self {
        let listed = REMOVED_BY_OWASP.into_iter().chain(REMOVED_BESIDES).map(HeaderName::from_static);
        let is_set = |name: &HeaderName| set.iter().any(|(set, _)| set == name) && !besides.contains(name);
        let names: HashSet<_> = listed.chain(besides.iter().cloned()).filter(|name| !is_set(name)).collect();
        let mut endings = [0; 64];
        for name in &names {
            let (length, ending) = outline(name);
            if let Some(bits) = endings.get_mut(length) {
                *bits |= ending;
            }
        }
        Self { names, endings }
    }

    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        let (length, ending) = outline(name);
        self.endings.get(length).is_some_and(|bits| bits & ending != 0) && self.names.contains(name)
    }
}

fn outline(name: &HeaderName) -> (usize, u32) {
    let text = name.as_str();
    (text.len() % 64, 1 << (text.as_bytes().last().copied().unwrap_or_default() % 32))
}
