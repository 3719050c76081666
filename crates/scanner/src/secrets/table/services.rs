//! Everything else that is sold by the key.

use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "auth0-management-secret",
        ["Auth0", "client secret"],
        &["auth0"],
        "",
        ["AUTH0_CLIENT_SECRET={a64}", "AUTH0_CLIENT_SECRET={a50}"],
    )
    .form(Form::Assigned(r"[\w-]{64}"))
    .entropy(4.2),
    assigned(
        "okta-token",
        ["Okta", "API token"],
        &["okta"],
        r"00[\w-]{40}",
        ["OKTA_API_TOKEN=00{a40}", "OKTA_API_TOKEN=00{a30}"],
    )
    .critical()
    .entropy(4.0),
    token(
        "facebook-token",
        ["Facebook", "access token"],
        &["eaa"],
        r"EAA([A-Za-z0-9]{90,300})",
        ["EAA{a120}", "EAA{a60}"],
    )
    .entropy(4.5)
    .reach(320),
    assigned(
        "facebook-secret",
        ["Facebook", "app secret"],
        &["facebook", "fb_app", "fb_secret"],
        "[a-f0-9]{32}",
        ["FACEBOOK_APP_SECRET={h32}", "FACEBOOK_APP_SECRET={h30}"],
    ),
    assigned(
        "twitter-secret",
        ["X", "API secret"],
        &["twitter"],
        "[A-Za-z0-9]{50}|[A-Za-z0-9]{45}",
        ["TWITTER_API_SECRET={a50}", "TWITTER_API_SECRET={a40}"],
    )
    .entropy(4.0),
    token(
        "twitter-bearer-token",
        ["X", "bearer token"],
        &["aaaaaaaaaaaaaaaaaaaa"],
        r"A{20,22}([A-Za-z0-9%]{80,100})",
        ["AAAAAAAAAAAAAAAAAAAAAA{a85}", "AAAAAAAAAAAAAAAAAAAAAA{a30}"],
    ),
    assigned(
        "linkedin-secret",
        ["LinkedIn", "client secret"],
        &["linkedin"],
        r"[A-Za-z0-9]{16}|WPL_AP\d\.[A-Za-z0-9]{16}\.[A-Za-z0-9]{6}==",
        ["LINKEDIN_CLIENT_SECRET={a16}", "LINKEDIN_CLIENT_SECRET={a12}"],
    )
    .entropy(3.2),
    assigned(
        "twitch-secret",
        ["Twitch", "client secret"],
        &["twitch"],
        "[a-z0-9]{30}",
        ["TWITCH_CLIENT_SECRET={l30}", "TWITCH_CLIENT_SECRET={l26}"],
    )
    .entropy(3.4),
    assigned(
        "spotify-secret",
        ["Spotify", "client secret"],
        &["spotify"],
        "[0-9a-f]{32}",
        ["SPOTIFY_CLIENT_SECRET={h32}", "SPOTIFY_CLIENT_SECRET={h30}"],
    ),
    token(
        "notion-token",
        ["Notion", "integration token"],
        &["ntn_"],
        r"ntn_([0-9]{11}[A-Za-z0-9]{35})",
        ["ntn_{d11}{a35}", "ntn_{d11}{a20}"],
    ),
    token(
        "linear-key",
        ["Linear", "API key"],
        &["lin_api_", "lin_oauth_"],
        r"lin_(?:api|oauth)_([a-zA-Z0-9]{40,64})",
        ["lin_api_{a40}", "lin_api_{a30}"],
    ),
    token(
        "asana-token",
        ["Asana", "access token"],
        &["asana"],
        "",
        ["ASANA_ACCESS_TOKEN=1/{d16}:{h32}", "ASANA_ACCESS_TOKEN=1/{d16}"],
    )
    .form(Form::Assigned(r"[12]/\d{15,17}(?:/\d{15,17})?:[0-9a-f]{32}")),
    token(
        "clickup-token",
        ["ClickUp", "API token"],
        &["pk_"],
        r"pk_(\d{7,9}_[A-Z0-9]{32})",
        ["pk_{d8}_{A32}", "pk_{d8}_{A28}"],
    ),
    token(
        "figma-token",
        ["Figma", "access token"],
        &["figd_", "figu_", "figoh_"],
        r"fig(?:d|u|oh)_([\w-]{38,46})",
        ["figd_{a40}", "figd_{a30}"],
    ),
    token(
        "typeform-token",
        ["Typeform", "access token"],
        &["tfp_"],
        r"tfp_([\w.=-]{44}_[\w]{14}|[\w.=-]{59})",
        ["tfp_{a59}", "tfp_{a40}"],
    ),
    token(
        "hubspot-token",
        ["HubSpot", "private app token"],
        &["pat-na", "pat-eu"],
        r"pat-(?:na|eu)\d-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["pat-na1-{U}", "pat-na1-{h32}"],
    ),
    token(
        "salesforce-token",
        ["Salesforce", "access token"],
        &["00d"],
        r"00D([A-Za-z0-9]{12,15}![A-Za-z0-9._]{96,112})",
        ["00D{a12}!{a96}", "00D{a12}!{a60}"],
    ),
    token(
        "intercom-token",
        ["Intercom", "access token"],
        &["dg9rog"],
        r"dG9rOg([A-Za-z0-9+/]{40,70}={0,2})",
        ["dG9rOg{a54}", "dG9rOg{a20}"],
    ),
    assigned(
        "zendesk-token",
        ["Zendesk", "API token"],
        &["zendesk"],
        "[A-Za-z0-9]{40}",
        ["ZENDESK_API_TOKEN={a40}", "ZENDESK_API_TOKEN={a30}"],
    )
    .entropy(3.8),
    assigned(
        "freshdesk-key",
        ["Freshdesk", "API key"],
        &["freshdesk"],
        "[A-Za-z0-9]{20}",
        ["FRESHDESK_API_KEY={a20}", "FRESHDESK_API_KEY={a16}"],
    )
    .entropy(3.5),
    token(
        "mapbox-secret-token",
        ["Mapbox", "secret token"],
        &["sk.eyj"],
        r"sk\.(eyJ[A-Za-z0-9]{50,90}\.[\w-]{22})",
        ["sk.eyJ{a60}.{a22}", "sk.eyJ{a30}.{a22}"],
    ),
    token("maxmind-key", ["MaxMind", "license key"], &["_mmk"], "", ["{a6}_{a29}_mmk", "{a6}_{a20}_mmk"])
        .form(Form::Around(36, r"([A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk)"))
        .medium(),
    token(
        "frameio-token",
        ["Frame.io", "API token"],
        &["fio-u-"],
        r"fio-u-([\w=-]{64})",
        ["fio-u-{a64}", "fio-u-{a50}"],
    ),
    token(
        "adobe-client-secret",
        ["Adobe", "client secret"],
        &["p8e-"],
        r"p8e-([A-Za-z0-9_-]{32})",
        ["p8e-{a32}", "p8e-{a28}"],
    ),
    token("ionic-token", ["Ionic", "token"], &["ion_"], r"ion_([a-zA-Z0-9]{42})", ["ion_{a42}", "ion_{a30}"])
        .entropy(3.8),
    token(
        "authress-key",
        ["Authress", "access key"],
        &["scauth_", "sc_", "ext_", "authress_"],
        r"(?:sc|ext|scauth|authress)_([A-Za-z0-9]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,120})",
        ["sc_{a10}.{a5}.acc-{l16}.{a60}", "sc_{a10}.{a5}.acc-{l16}"],
    ),
    token(
        "intra42-secret",
        ["42", "client secret"],
        &["s-s4t2"],
        r"s-s4t2(?:ud|af)-([a-f0-9]{64})",
        ["s-s4t2ud-{h64}", "s-s4t2ud-{h40}"],
    ),
    token(
        "zuplo-key",
        ["Zuplo", "consumer key"],
        &["zpka_"],
        r"zpka_([a-z0-9]{32}_[a-z0-9]{8})",
        ["zpka_{l32}_{l8}", "zpka_{l32}"],
    ),
    token(
        "cal-com-key",
        ["Cal.com", "API key"],
        &["cal_live_", "cal_test_"],
        r"cal_(?:live|test)_([a-f0-9]{32})",
        ["cal_live_{h32}", "cal_live_{h30}"],
    ),
    token("webflow-token", ["Webflow", "site token"], &["ws-"], r"ws-([a-f0-9]{64})", ["ws-{h64}", "ws-{h60}"]),
    token(
        "samsara-token",
        ["Samsara", "API token"],
        &["samsara_api_"],
        r"samsara_api_([A-Za-z0-9]{30})",
        ["samsara_api_{a30}", "samsara_api_{a20}"],
    ),
    token("rapidapi-key", ["RapidAPI", "key"], &["msh"], "", ["{l10}mshp1{l14}jsn{l12}", "{l10}mshp1{l14}"])
        .form(Form::Around(10, r"([0-9a-z]{10}msh[0-9a-z]{15,17}jsn[0-9a-z]{12})"))
        .medium()
        .entropy(3.2),
    assigned(
        "shodan-key",
        ["Shodan", "API key"],
        &["shodan"],
        "[A-Za-z0-9]{32}",
        ["SHODAN_API_KEY={a32}", "SHODAN_API_KEY={a28}"],
    )
    .entropy(3.7),
    assigned(
        "virustotal-key",
        ["VirusTotal", "API key"],
        &["virustotal", "vt_api"],
        "[0-9a-f]{64}",
        ["VIRUSTOTAL_API_KEY={h64}", "VIRUSTOTAL_API_KEY={h60}"],
    ),
    assigned(
        "etherscan-key",
        ["Etherscan", "API key"],
        &["etherscan"],
        "[A-Z0-9]{34}",
        ["ETHERSCAN_API_KEY={A34}", "ETHERSCAN_API_KEY={A30}"],
    )
    .low()
    .entropy(3.4),
    assigned(
        "alchemy-key",
        ["Alchemy", "API key"],
        &["alchemy"],
        r"[\w-]{32}",
        ["ALCHEMY_API_KEY={a32}", "ALCHEMY_API_KEY={a28}"],
    )
    .medium()
    .entropy(3.8),
    assigned(
        "infura-key",
        ["Infura", "API key"],
        &["infura"],
        "[0-9a-f]{32}",
        ["INFURA_API_KEY={h32}", "INFURA_API_KEY={h30}"],
    )
    .medium(),
    assigned(
        "openweather-key",
        ["OpenWeather", "API key"],
        &["openweather"],
        "[0-9a-f]{32}",
        ["OPENWEATHER_API_KEY={h32}", "OPENWEATHER_API_KEY={h30}"],
    )
    .low(),
    assigned(
        "bitly-token",
        ["Bitly", "access token"],
        &["bitly"],
        "[0-9a-f]{40}",
        ["BITLY_ACCESS_TOKEN={h40}", "BITLY_ACCESS_TOKEN={h38}"],
    )
    .medium(),
    assigned(
        "reddit-secret",
        ["Reddit", "client secret"],
        &["reddit"],
        r"[\w-]{30}|[\w-]{27}",
        ["REDDIT_CLIENT_SECRET={a30}", "REDDIT_CLIENT_SECRET={a24}"],
    )
    .entropy(3.6),
];
