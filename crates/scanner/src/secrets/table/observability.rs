//! Logs, metrics, errors, flags.

use crate::secrets::checksum::Check;
use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "grafana-service-token",
        ["Grafana", "service account token"],
        &["glsa_"],
        r"glsa_([A-Za-z0-9]{32}_[A-Fa-f0-9]{8})",
        ["glsa_{a32}_{crchex}", "glsa_{a32}_{h8}"],
    )
    .check(Check::Crc32Hex),
    token(
        "grafana-cloud-token",
        ["Grafana Cloud", "access policy token"],
        &["glc_"],
        r"glc_([A-Za-z0-9+/]{32,400}={0,3})",
        ["glc_{json}", "glc_{a64}"],
    )
    .check(Check::Json)
    .reach(420),
    token(
        "grafana-api-key",
        ["Grafana", "API key"],
        &["eyjrijoi"],
        r"(eyJrIjoi[A-Za-z0-9]{70,400}={0,3})",
        ["eyJrIjoi{a80}", "eyJrIjoi{a40}"],
    )
    .reach(420),
    assigned(
        "datadog-key",
        ["Datadog", "API key"],
        &["datadog", "dd_api", "dd-api", "dd_app", "ddapi"],
        "[a-f0-9]{32}|[a-f0-9]{40}",
        ["DD_API_KEY={h32}", "DD_API_KEY={h31}"],
    ),
    token(
        "newrelic-user-key",
        ["New Relic", "user key"],
        &["nrak-"],
        r"NRAK-([A-Z0-9]{27})",
        ["NRAK-{A27}", "NRAK-{A20}"],
    ),
    token(
        "newrelic-insert-key",
        ["New Relic", "insert key"],
        &["nrii-"],
        r"NRII-([\w-]{32})",
        ["NRII-{a32}", "NRII-{a20}"],
    ),
    token("newrelic-license-key", ["New Relic", "license key"], &["nral"], "", ["{h36}NRAL", "{h30}NRAL"])
        .form(Form::Around(36, r"([a-f0-9]{36}NRAL)")),
    token(
        "newrelic-browser-key",
        ["New Relic", "browser key"],
        &["nrjs-"],
        r"NRJS-([a-f0-9]{19})",
        ["NRJS-{h19}", "NRJS-{h16}"],
    )
    .low(),
    token(
        "sentry-org-token",
        ["Sentry", "organization token"],
        &["sntrys_ey"],
        r"sntrys_(eyJ[A-Za-z0-9+/=]{40,400}_[A-Za-z0-9+/]{43})",
        ["sntrys_eyJ{a120}_{a43}", "sntrys_eyJ{a120}"],
    )
    .reach(480),
    token(
        "sentry-user-token",
        ["Sentry", "user token"],
        &["sntryu_"],
        r"sntryu_([a-f0-9]{64})",
        ["sntryu_{h64}", "sntryu_{h60}"],
    ),
    assigned(
        "sentry-legacy-token",
        ["Sentry", "auth token"],
        &["sentry"],
        "[a-f0-9]{64}",
        ["SENTRY_AUTH_TOKEN={h64}", "SENTRY_AUTH_TOKEN={h60}"],
    ),
    token(
        "dynatrace-token",
        ["Dynatrace", "API token"],
        &["dt0c01.", "dt0s01.", "dt0s16."],
        r"dt0[a-z]\d\d\.([A-Z0-9]{24}\.[A-Z0-9]{64})",
        ["dt0c01.{A24}.{A64}", "dt0c01.{A24}"],
    ),
    token(
        "honeycomb-key",
        ["Honeycomb", "ingest key"],
        &["hcaik_", "hcxik_", "hcalk_"],
        r"hc[ax][il]k_([a-z0-9]{58})",
        ["hcaik_{l58}", "hcaik_{l40}"],
    ),
    assigned(
        "honeycomb-legacy-key",
        ["Honeycomb", "API key"],
        &["honeycomb"],
        "[a-f0-9]{32}|[A-Za-z0-9]{22}",
        ["HONEYCOMB_API_KEY={a22}", "HONEYCOMB_API_KEY={a18}"],
    )
    .entropy(3.2),
    token(
        "posthog-key",
        ["PostHog", "personal API key"],
        &["phx_"],
        r"phx_([A-Za-z0-9]{43,48})",
        ["phx_{a43}", "phx_{a30}"],
    ),
    token(
        "launchdarkly-key",
        ["LaunchDarkly", "key"],
        &["sdk-", "api-"],
        r"(?:sdk|api)-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["sdk-{U}", "sdk-{h32}"],
    )
    .medium(),
    token(
        "statsig-secret",
        ["Statsig", "server secret"],
        &["secret-"],
        r"secret-([A-Za-z0-9]{43,48})",
        ["secret-{a43}", "secret-{a30}"],
    )
    .entropy(4.2),
    assigned(
        "rollbar-token",
        ["Rollbar", "access token"],
        &["rollbar"],
        "[0-9a-f]{32}",
        ["ROLLBAR_ACCESS_TOKEN={h32}", "ROLLBAR_ACCESS_TOKEN={h30}"],
    )
    .medium(),
    assigned(
        "bugsnag-key",
        ["Bugsnag", "API key"],
        &["bugsnag"],
        "[0-9a-f]{32}",
        ["BUGSNAG_API_KEY={h32}", "BUGSNAG_API_KEY={h30}"],
    )
    .low(),
    assigned(
        "loggly-token",
        ["Loggly", "token"],
        &["loggly"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["LOGGLY_TOKEN={U}", "LOGGLY_TOKEN={h32}"],
    )
    .medium(),
    assigned(
        "sumologic-key",
        ["Sumo Logic", "access key"],
        &["sumologic", "sumo_"],
        "[A-Za-z0-9]{64}",
        ["SUMO_ACCESS_KEY={a64}", "SUMO_ACCESS_KEY={a50}"],
    )
    .entropy(4.2),
    assigned(
        "splunk-token",
        ["Splunk", "HEC token"],
        &["splunk"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}",
        ["SPLUNK_HEC_TOKEN={U}", "SPLUNK_HEC_TOKEN={h32}"],
    ),
    assigned(
        "pagerduty-key",
        ["PagerDuty", "API key"],
        &["pagerduty", "pager_duty"],
        r"[A-Za-z0-9+_-]{20}|[0-9a-f]{32}",
        ["PAGERDUTY_API_KEY={a20}", "PAGERDUTY_API_KEY={a16}"],
    )
    .entropy(3.3),
    assigned(
        "opsgenie-key",
        ["Opsgenie", "API key"],
        &["opsgenie"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["OPSGENIE_API_KEY={U}", "OPSGENIE_API_KEY={h32}"],
    ),
    assigned(
        "segment-key",
        ["Segment", "write key"],
        &["segment"],
        "[A-Za-z0-9]{32}",
        ["SEGMENT_WRITE_KEY={a32}", "SEGMENT_WRITE_KEY={a28}"],
    )
    .low()
    .entropy(3.8),
    assigned(
        "amplitude-secret",
        ["Amplitude", "secret key"],
        &["amplitude"],
        "[0-9a-f]{32}",
        ["AMPLITUDE_SECRET_KEY={h32}", "AMPLITUDE_SECRET_KEY={h30}"],
    )
    .medium(),
];
