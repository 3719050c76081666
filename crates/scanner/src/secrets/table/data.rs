//! Databases and what keeps data.

use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "planetscale-password",
        ["PlanetScale", "password"],
        &["pscale_pw_"],
        r"pscale_pw_([\w=.-]{32,64})",
        ["pscale_pw_{a43}", "pscale_pw_{a20}"],
    )
    .critical(),
    token(
        "planetscale-token",
        ["PlanetScale", "token"],
        &["pscale_tkn_", "pscale_oauth_"],
        r"pscale_(?:tkn|oauth)_([\w=.-]{32,64})",
        ["pscale_tkn_{a43}", "pscale_tkn_{a20}"],
    ),
    token("supabase-token", ["Supabase", "access token"], &["sbp_"], r"sbp_([a-f0-9]{40})", ["sbp_{h40}", "sbp_{h30}"])
        .critical(),
    token(
        "supabase-secret-key",
        ["Supabase", "secret key"],
        &["sb_secret_"],
        r"sb_secret_([\w-]{22}_[\w-]{8})",
        ["sb_secret_{a22}_{a8}", "sb_secret_{a20}"],
    )
    .critical(),
    token("neon-key", ["Neon", "API key"], &["napi_"], r"napi_([a-z0-9]{64})", ["napi_{l64}", "napi_{l40}"]),
    token("neon-password", ["Neon", "password"], &["npg_"], r"npg_([A-Za-z0-9]{12})", ["npg_{a12}", "npg_{a8}"])
        .entropy(3.0),
    token(
        "databricks-token",
        ["Databricks", "access token"],
        &["dapi"],
        r"dapi([a-f0-9]{32}(?:-\d)?)",
        ["dapi{h32}", "dapi{h30}"],
    ),
    token(
        "clickhouse-cloud-secret",
        ["ClickHouse Cloud", "API secret"],
        &["4b1d"],
        r"4b1d([A-Za-z0-9]{38})",
        ["4b1d{a38}", "4b1d{a30}"],
    )
    .entropy(3.8),
    token("aiven-token", ["Aiven", "service password"], &["avns_"], r"AVNS_([\w-]{19})", ["AVNS_{a19}", "AVNS_{a14}"])
        .entropy(3.3),
    assigned(
        "confluent-secret",
        ["Confluent", "API secret"],
        &["confluent"],
        "[A-Za-z0-9+/]{64}|cflt[A-Za-z0-9+/]{60}",
        ["CONFLUENT_API_SECRET={a64}", "CONFLUENT_API_SECRET={a50}"],
    )
    .entropy(4.2),
    assigned(
        "algolia-admin-key",
        ["Algolia", "API key"],
        &["algolia"],
        "[a-f0-9]{32}",
        ["ALGOLIA_ADMIN_KEY={h32}", "ALGOLIA_ADMIN_KEY={h30}"],
    )
    .medium(),
    assigned(
        "elastic-key",
        ["Elastic", "API key"],
        &["elastic"],
        "[A-Za-z0-9]{58}==",
        ["ELASTIC_API_KEY={a58}==", "ELASTIC_API_KEY={a40}=="],
    )
    .entropy(4.0),
    assigned(
        "meilisearch-key",
        ["Meilisearch", "master key"],
        &["meili"],
        r"[\w-]{43}|[a-f0-9]{64}",
        ["MEILI_MASTER_KEY={a43}", "MEILI_MASTER_KEY={a30}"],
    )
    .entropy(3.6),
    assigned(
        "upstash-token",
        ["Upstash", "REST token"],
        &["upstash"],
        "A[A-Za-z0-9]{50,70}={0,2}",
        ["UPSTASH_REDIS_REST_TOKEN=A{a55}", "UPSTASH_REDIS_REST_TOKEN=A{a30}"],
    )
    .entropy(4.0),
    assigned(
        "influxdb-token",
        ["InfluxDB", "token"],
        &["influx"],
        r"[\w-]{86}==",
        ["INFLUXDB_TOKEN={a86}==", "INFLUXDB_TOKEN={a80}=="],
    ),
    token("fauna-secret", ["Fauna", "secret"], &["fnae", "fnaf"], r"fnA[EF]([\w-]{36})", ["fnAE{a36}", "fnAE{a20}"])
        .entropy(3.8),
    assigned(
        "mongodb-atlas-key",
        ["MongoDB Atlas", "private key"],
        &["atlas"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["MONGODB_ATLAS_PRIVATE_KEY={U}", "MONGODB_ATLAS_PRIVATE_KEY={h32}"],
    ),
    token(
        "airtable-token",
        ["Airtable", "personal access token"],
        &["pat"],
        r"pat([A-Za-z0-9]{14}\.[a-f0-9]{64})",
        ["pat{a14}.{h64}", "pat{a14}.{h60}"],
    ),
    token(
        "contentful-token",
        ["Contentful", "management token"],
        &["cfpat-"],
        r"CFPAT-([\w-]{43})",
        ["CFPAT-{a43}", "CFPAT-{a30}"],
    ),
    assigned(
        "contentful-delivery-token",
        ["Contentful", "delivery token"],
        &["contentful"],
        r"[\w=-]{43}",
        ["CONTENTFUL_ACCESS_TOKEN={a43}", "CONTENTFUL_ACCESS_TOKEN={a30}"],
    )
    .medium()
    .entropy(3.8),
    assigned(
        "sanity-token",
        ["Sanity", "API token"],
        &["sanity"],
        "sk[A-Za-z0-9]{80,200}",
        ["SANITY_API_TOKEN=sk{a150}", "SANITY_API_TOKEN=sk{a40}"],
    ),
    token(
        "prisma-key",
        ["Prisma", "API key"],
        &["prisma_api_key", "prisma-api-key"],
        "",
        ["PRISMA_API_KEY={U}", "PRISMA_API_KEY={h32}"],
    )
    .form(Form::Assigned("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")),
    token(
        "dropbox-token",
        ["Dropbox", "access token"],
        &["sl.b.", "sl.u."],
        r"sl\.[bBuU]\.([\w-]{120,1200})",
        ["sl.B.{a140}", "sl.B.{a60}"],
    )
    .reach(1300),
    token(
        "dropbox-short-token",
        ["Dropbox", "short-lived token"],
        &["sl."],
        r"sl\.([\w=-]{135})",
        ["sl.{a135}", "sl.{a100}"],
    )
    .low(),
];
