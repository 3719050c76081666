//! Payments, shops and money.

use crate::secrets::pattern::{Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    // Before Stripe's, whose form holds theirs.
    token(
        "workos-key",
        ["WorkOS", "API key"],
        &["sk_live_a2v5", "sk_test_a2v5"],
        r"sk_(?:live|test)_(a2V5[A-Za-z0-9+/=]{40,90})",
        ["sk_live_a2V5{a60}", "sk_live_a2V5{a12}"],
    )
    .critical(),
    token(
        "paystack-key",
        ["Paystack", "secret key"],
        &["sk_live_", "sk_test_"],
        r"sk_(?:live|test)_([a-f0-9]{40})",
        ["paystack sk_live_{h40}", "paystack sk_live_{h18}"],
    )
    .entropy(3.0),
    token(
        "stripe-live-key",
        ["Stripe", "live key"],
        &["sk_live_", "rk_live_"],
        r"[sr]k_live_([a-zA-Z0-9]{20,247})",
        ["sk_live_{a24}", "sk_live_{a12}"],
    )
    .critical()
    .entropy(3.4),
    token(
        "stripe-test-key",
        ["Stripe", "test key"],
        &["sk_test_", "rk_test_"],
        r"[sr]k_test_([a-zA-Z0-9]{20,247})",
        ["sk_test_{a24}", "sk_test_{a12}"],
    )
    .low()
    .entropy(3.6),
    token(
        "stripe-webhook-secret",
        ["Stripe", "webhook secret"],
        &["whsec_"],
        r"whsec_([a-zA-Z0-9+/]{32,64}={0,2})",
        ["whsec_{a32}", "whsec_{a20}"],
    )
    .entropy(3.6),
    token(
        "square-token",
        ["Square", "access token"],
        &["sq0atp-", "sq0csp-"],
        r"sq0(?:atp-([\w-]{22})|csp-([\w-]{43}))",
        ["sq0atp-{a22}", "sq0atp-{a18}"],
    ),
    token(
        "square-production-token",
        ["Square", "access token"],
        &["eaaa"],
        r"EAAA([\w+=-]{60})",
        ["EAAA{a60}", "EAAA{a40}"],
    )
    .entropy(4.0),
    token(
        "paypal-braintree-token",
        ["Braintree", "access token"],
        &["access_token$production$", "access_token$sandbox$"],
        r"access_token\$(?:production|sandbox)\$([0-9a-z]{16}\$[0-9a-f]{32})",
        ["access_token$production${l16}${h32}", "access_token$production${l16}"],
    ),
    assigned(
        "paypal-secret",
        ["PayPal", "client secret"],
        &["paypal"],
        r"E[\w-]{79}",
        ["PAYPAL_CLIENT_SECRET=E{a79}", "PAYPAL_CLIENT_SECRET=E{a60}"],
    )
    .entropy(4.0),
    token(
        "shopify-access-token",
        ["Shopify", "access token"],
        &["shpat_"],
        r"shpat_([a-fA-F0-9]{32})",
        ["shpat_{h32}", "shpat_{h31}"],
    ),
    token(
        "shopify-custom-app-token",
        ["Shopify", "custom app token"],
        &["shpca_"],
        r"shpca_([a-fA-F0-9]{32})",
        ["shpca_{h32}", "shpca_{h31}"],
    ),
    token(
        "shopify-private-app-password",
        ["Shopify", "private app password"],
        &["shppa_"],
        r"shppa_([a-fA-F0-9]{32})",
        ["shppa_{h32}", "shppa_{h31}"],
    ),
    token(
        "shopify-shared-secret",
        ["Shopify", "shared secret"],
        &["shpss_"],
        r"shpss_([a-fA-F0-9]{32})",
        ["shpss_{h32}", "shpss_{h31}"],
    ),
    token(
        "adyen-key",
        ["Adyen", "API key"],
        &["aqe"],
        r"AQE([A-Za-z0-9+/]{5,8}[\w+/.=-]{140,260})",
        ["AQE{a170}", "AQE{a100}"],
    )
    .entropy(4.5),
    token(
        "easypost-key",
        ["EasyPost", "API key"],
        &["ezak", "eztk"],
        r"EZ[AT]K([a-zA-Z0-9]{54})",
        ["EZAK{a54}", "EZAK{a40}"],
    ),
    token(
        "flutterwave-key",
        ["Flutterwave", "secret key"],
        &["flwseck-", "flwseck_test-"],
        r"FLWSECK(?:_TEST)?-([a-h0-9]{32})-X",
        ["FLWSECK-{h32}-X", "FLWSECK-{h32}"],
    ),
    token(
        "razorpay-key",
        ["Razorpay", "key id"],
        &["rzp_live_"],
        r"rzp_live_([A-Za-z0-9]{14})",
        ["rzp_live_{a14}", "rzp_live_{a10}"],
    )
    .entropy(3.0),
    token(
        "plaid-token",
        ["Plaid", "access token"],
        &["access-production-", "access-development-", "access-sandbox-"],
        r"access-(?:sandbox|development|production)-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["access-production-{U}", "access-production-{h32}"],
    ),
    assigned(
        "plaid-secret",
        ["Plaid", "secret"],
        &["plaid"],
        "[a-f0-9]{30}",
        ["PLAID_SECRET={h30}", "PLAID_SECRET={h28}"],
    ),
    token(
        "gocardless-token",
        ["GoCardless", "access token"],
        &["live_"],
        r"live_([A-Za-z0-9_=-]{40})",
        ["gocardless live_{a40}", "gocardless live_{a30}"],
    )
    .entropy(4.0),
    assigned(
        "coinbase-secret",
        ["Coinbase", "API secret"],
        &["coinbase"],
        r"[\w-]{64}|[A-Za-z0-9]{32}",
        ["COINBASE_API_SECRET={a64}", "COINBASE_API_SECRET={a50}"],
    )
    .entropy(3.8),
    assigned(
        "binance-secret",
        ["Binance", "API secret"],
        &["binance"],
        "[A-Za-z0-9]{64}",
        ["BINANCE_API_SECRET={a64}", "BINANCE_API_SECRET={a50}"],
    )
    .entropy(4.2),
    assigned(
        "kraken-secret",
        ["Kraken", "private key"],
        &["kraken"],
        "[A-Za-z0-9+/]{86}==",
        ["KRAKEN_PRIVATE_KEY={s86}==", "KRAKEN_PRIVATE_KEY={s80}=="],
    ),
    assigned(
        "wise-token",
        ["Wise", "API token"],
        &["transferwise", "wise_api"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["WISE_API_TOKEN={U}", "WISE_API_TOKEN={h32}"],
    ),
    token(
        "lob-key",
        ["Lob", "API key"],
        &["live_", "test_"],
        r"(?:live|test)_([a-f0-9]{35})",
        ["lob live_{h35}", "lob live_{h30}"],
    )
    .medium(),
    token(
        "shippo-token",
        ["Shippo", "API token"],
        &["shippo_live_", "shippo_test_"],
        r"shippo_(?:live|test)_([a-fA-F0-9]{40})",
        ["shippo_live_{h40}", "shippo_live_{h30}"],
    ),
    token(
        "duffel-token",
        ["Duffel", "API token"],
        &["duffel_live_", "duffel_test_"],
        r"duffel_(?:test|live)_([\w=-]{43})",
        ["duffel_live_{a43}", "duffel_live_{a30}"],
    ),
    token(
        "polar-token",
        ["Polar", "access token"],
        &["polar_oat_", "polar_pat_"],
        r"polar_(?:oat|pat)_([A-Za-z0-9]{40,60})",
        ["polar_oat_{a43}", "polar_oat_{a20}"],
    ),
    token(
        "paddle-key",
        ["Paddle", "API key"],
        &["pdl_live_apikey_", "pdl_sdbx_apikey_"],
        r"pdl_(?:live|sdbx)_apikey_([a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3})",
        ["pdl_live_apikey_{l26}_{a22}_{a3}", "pdl_live_apikey_{l26}"],
    ),
];
