//! Code hosting, building and package registries.

use crate::secrets::checksum::Check;
use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "github-token",
        ["GitHub", "personal access token"],
        &["ghp_"],
        r"ghp_([0-9A-Za-z]{36})",
        ["ghp_{a30}{crc62}", "ghp_{a36}"],
    )
    .check(Check::Crc32Base62)
    .critical(),
    token(
        "github-oauth-token",
        ["GitHub", "OAuth token"],
        &["gho_"],
        r"gho_([0-9A-Za-z]{36})",
        ["gho_{a30}{crc62}", "gho_{a36}"],
    )
    .check(Check::Crc32Base62),
    token(
        "github-app-token",
        ["GitHub", "app token"],
        &["ghu_", "ghs_"],
        r"gh[us]_([0-9A-Za-z]{36})",
        ["ghs_{a30}{crc62}", "ghs_{a36}"],
    )
    .check(Check::Crc32Base62),
    token(
        "github-refresh-token",
        ["GitHub", "refresh token"],
        &["ghr_"],
        r"ghr_([0-9A-Za-z]{76})",
        ["ghr_{a70}{crc62}", "ghr_{a76}"],
    )
    .check(Check::Crc32Base62),
    token(
        "github-fine-grained-token",
        ["GitHub", "fine-grained token"],
        &["github_pat_"],
        r"github_pat_([0-9A-Za-z]{22}_[0-9A-Za-z]{59})",
        ["github_pat_{a22}_{a59}", "github_pat_{a22}_{a40}"],
    )
    .critical(),
    token(
        "gitlab-token",
        ["GitLab", "personal access token"],
        &["glpat-"],
        r"glpat-([\w-]{20}|[\w-]{27,300}\.[0-9a-z]{9})",
        ["glpat-{a20}", "glpat-{a14}"],
    )
    .critical(),
    token(
        "gitlab-deploy-token",
        ["GitLab", "deploy token"],
        &["gldt-"],
        r"gldt-([\w-]{20})",
        ["gldt-{a20}", "gldt-{a14}"],
    ),
    token(
        "gitlab-runner-token",
        ["GitLab", "runner token"],
        &["glrt-", "glrtr-"],
        r"glrtr?-((?:t\d_)?[\w-]{20}|t\d_[\w-]{27,300}\.[0-9a-z]{9})",
        ["glrt-{a20}", "glrt-{a14}"],
    ),
    token(
        "gitlab-runner-registration-token",
        ["GitLab", "runner registration token"],
        &["gr1348941"],
        r"GR1348941([\w-]{20})",
        ["GR1348941{a20}", "GR1348941{a14}"],
    ),
    token(
        "gitlab-trigger-token",
        ["GitLab", "pipeline trigger token"],
        &["glptt-"],
        r"glptt-([0-9a-f]{40})",
        ["glptt-{h40}", "glptt-{h39}"],
    ),
    token(
        "gitlab-job-token",
        ["GitLab", "job token"],
        &["glcbt-"],
        r"glcbt-([0-9a-zA-Z]{1,5}_[\w-]{20})",
        ["glcbt-{a2}_{a20}", "glcbt-{a20}"],
    )
    .low(),
    token("gitlab-feed-token", ["GitLab", "feed token"], &["glft-"], r"glft-([\w-]{20})", ["glft-{a20}", "glft-{a14}"])
        .medium(),
    token(
        "gitlab-mail-token",
        ["GitLab", "incoming mail token"],
        &["glimt-"],
        r"glimt-([\w-]{25})",
        ["glimt-{a25}", "glimt-{a14}"],
    )
    .medium(),
    token(
        "gitlab-agent-token",
        ["GitLab", "Kubernetes agent token"],
        &["glagent-"],
        r"glagent-([\w-]{50})",
        ["glagent-{a50}", "glagent-{a40}"],
    ),
    token(
        "gitlab-oauth-secret",
        ["GitLab", "OAuth application secret"],
        &["gloas-"],
        r"gloas-([\w-]{64})",
        ["gloas-{a64}", "gloas-{a40}"],
    ),
    token(
        "gitlab-scim-token",
        ["GitLab", "SCIM token"],
        &["glsoat-"],
        r"glsoat-([\w-]{20})",
        ["glsoat-{a20}", "glsoat-{a14}"],
    ),
    token(
        "gitlab-feature-flag-token",
        ["GitLab", "feature flag client token"],
        &["glffct-"],
        r"glffct-([\w-]{20})",
        ["glffct-{a20}", "glffct-{a14}"],
    )
    .medium(),
    token(
        "bitbucket-app-password",
        ["Bitbucket", "app password"],
        &["atbb"],
        r"ATBB([A-Za-z0-9]{24}[A-F0-9]{8})",
        ["ATBB{a24}{H8}", "ATBB{a24}"],
    ),
    token(
        "atlassian-token",
        ["Atlassian", "API token"],
        &["atatt3xffgf0"],
        r"ATATT3xFfGF0([\w=-]{171,190})",
        ["ATATT3xFfGF0{a180}", "ATATT3xFfGF0{a90}"],
    ),
    token(
        "atlassian-admin-key",
        ["Atlassian", "admin key"],
        &["atctt3xffgn0"],
        r"ATCTT3xFfGN0([\w=-]{160,200})",
        ["ATCTT3xFfGN0{a180}", "ATCTT3xFfGN0{a90}"],
    ),
    assigned(
        "atlassian-legacy-token",
        ["Atlassian", "API token"],
        &["atlassian", "jira", "confluence"],
        "[A-Za-z0-9]{24}",
        ["JIRA_API_TOKEN={a24}", "JIRA_API_TOKEN={a20}"],
    )
    .entropy(3.6),
    token("npm-token", ["npm", "access token"], &["npm_"], r"npm_([0-9A-Za-z]{36})", ["npm_{a30}{crc62}", "npm_{a36}"])
        .check(Check::Crc32Base62)
        .critical(),
    token(
        "npm-legacy-token",
        ["npm", "access token"],
        &["_authtoken"],
        r"(?i:_authtoken)\s*=\s*([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["_authToken={U}", "_authToken={h32}"],
    ),
    token(
        "pypi-token",
        ["PyPI", "upload token"],
        &["pypi-ageichlwas5vcmc", "pypi-ageidgvzdc5wexbplm9yz"],
        r"pypi-(?:AgEIcHlwaS5vcmc|AgENdGVzdC5weXBpLm9yZw)([\w-]{50,1000})",
        ["pypi-AgEIcHlwaS5vcmc{a120}", "pypi-AgEIcHlwaS5vcmc{a30}"],
    )
    .critical()
    .reach(1100),
    token(
        "rubygems-token",
        ["RubyGems", "API key"],
        &["rubygems_"],
        r"rubygems_([a-f0-9]{48})",
        ["rubygems_{h48}", "rubygems_{h47}"],
    )
    .critical(),
    token("crates-token", ["crates.io", "API token"], &["cio"], r"cio([A-Za-z0-9]{32})", ["cio{a32}", "cio{a28}"])
        .critical()
        .entropy(4.0),
    token("nuget-key", ["NuGet", "API key"], &["oy2"], r"oy2([a-z0-9]{43})", ["oy2{l43}", "oy2{l40}"])
        .critical()
        .entropy(3.6),
    token(
        "clojars-token",
        ["Clojars", "deploy token"],
        &["clojars_"],
        r"CLOJARS_([a-z0-9]{60})",
        ["CLOJARS_{l60}", "CLOJARS_{l40}"],
    ),
    token(
        "docker-hub-token",
        ["Docker Hub", "access token"],
        &["dckr_pat_", "dckr_oat_"],
        r"dckr_(?:pat|oat)_([\w-]{27,32})",
        ["dckr_pat_{a27}", "dckr_pat_{a20}"],
    ),
    token(
        "docker-registry-auth",
        ["a container registry", "login"],
        &["\"auth\""],
        r#""auth"\s*:\s*"([A-Za-z0-9+/]{16,}={0,2})""#,
        [r#""auth": "{basic}""#, r#""auth": "{a16}""#],
    )
    .check(Check::Basic),
    token(
        "artifactory-key",
        ["JFrog Artifactory", "API key"],
        &["akcp"],
        r"AKCp([A-Za-z0-9]{69})",
        ["AKCp{a69}", "AKCp{a40}"],
    )
    .entropy(4.0),
    token(
        "artifactory-reference-token",
        ["JFrog Artifactory", "reference token"],
        &["cmvmd"],
        r"cmVmd([A-Za-z0-9]{59})",
        ["cmVmd{a59}", "cmVmd{a40}"],
    )
    .entropy(4.0),
    token(
        "circleci-token",
        ["CircleCI", "personal token"],
        &["ccipat_", "cciprj_"],
        r"CCI(?:PAT|PRJ)_([A-Za-z0-9]{22}_[a-f0-9]{40})",
        ["CCIPAT_{a22}_{h40}", "CCIPAT_{a22}"],
    ),
    token(
        "buildkite-token",
        ["Buildkite", "API token"],
        &["bkua_"],
        r"bkua_([a-f0-9]{40})",
        ["bkua_{h40}", "bkua_{h30}"],
    ),
    token(
        "buildkite-agent-token",
        ["Buildkite", "agent token"],
        &["bkct_"],
        r"bkct_([A-Za-z0-9]{40,60})",
        ["bkct_{a44}", "bkct_{a20}"],
    ),
    assigned(
        "travis-token",
        ["Travis CI", "access token"],
        &["travis"],
        "[A-Za-z0-9_-]{22}",
        ["TRAVIS_TOKEN={a22}", "TRAVIS_TOKEN={a18}"],
    )
    .entropy(3.5),
    assigned(
        "drone-token",
        ["Drone", "access token"],
        &["drone"],
        "[A-Za-z0-9]{32}",
        ["DRONE_TOKEN={a32}", "DRONE_TOKEN={a28}"],
    )
    .entropy(3.3),
    assigned(
        "codecov-token",
        ["Codecov", "upload token"],
        &["codecov"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["CODECOV_TOKEN={U}", "CODECOV_TOKEN={h32}"],
    )
    .medium(),
    token(
        "sonar-token",
        ["SonarQube", "token"],
        &["squ_", "sqp_", "sqa_"],
        r"sq[upa]_([a-f0-9]{40})",
        ["squ_{h40}", "squ_{h30}"],
    ),
    token(
        "snyk-token",
        ["Snyk", "token"],
        &["snyk_uat.", "snyk_sat."],
        r"snyk_[us]at\.([a-z0-9]{8}\.[\w.-]{20,400})",
        ["snyk_uat.{l8}.{a60}", "snyk_uat.{l8}"],
    )
    .reach(420),
    assigned(
        "snyk-key",
        ["Snyk", "API key"],
        &["snyk"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["SNYK_TOKEN={U}", "SNYK_TOKEN={h32}"],
    ),
    token(
        "sourcegraph-token",
        ["Sourcegraph", "access token"],
        &["sgp_"],
        r"sgp_((?:[a-fA-F0-9]{16}_|local_)?[a-fA-F0-9]{40})",
        ["sgp_{h16}_{h40}", "sgp_{h30}"],
    ),
    token(
        "harness-token",
        ["Harness", "token"],
        &["pat.", "sat."],
        r"[ps]at\.([\w-]{22}\.[a-zA-Z0-9]{24}\.[a-zA-Z0-9]{20})",
        ["pat.{a22}.{a24}.{a20}", "pat.{a22}.{a24}"],
    ),
    token("octopus-key", ["Octopus Deploy", "API key"], &["api-"], r"API-([A-Z0-9]{26})", ["API-{A26}", "API-{A20}"])
        .entropy(3.4),
    token(
        "prefect-token",
        ["Prefect", "API key"],
        &["pnu_", "pnb_"],
        r"pn[ub]_([a-zA-Z0-9]{36})",
        ["pnu_{a36}", "pnu_{a30}"],
    ),
    token("infracost-key", ["Infracost", "API key"], &["ico-"], r"ico-([a-zA-Z0-9]{32})", ["ico-{a32}", "ico-{a28}"])
        .entropy(3.6),
    token("readme-key", ["ReadMe", "API key"], &["rdme_"], r"rdme_([a-z0-9]{70})", ["rdme_{l70}", "rdme_{l60}"]),
    token(
        "postman-key",
        ["Postman", "API key"],
        &["pmak-"],
        r"PMAK-([a-f0-9]{24}-[a-f0-9]{34})",
        ["PMAK-{h24}-{h34}", "PMAK-{h24}"],
    ),
    token(
        "doppler-token",
        ["Doppler", "token"],
        &["dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|ct|sa|scim|audit|st(?:\.[\w-]{2,35})?)\.([a-zA-Z0-9]{40,44})",
        ["dp.pt.{a43}", "dp.pt.{a30}"],
    )
    .critical(),
    token(
        "infisical-token",
        ["Infisical", "service token"],
        &["st."],
        r"st\.([a-f0-9]{24}\.[a-f0-9]{32}\.[a-f0-9]{32})",
        ["st.{h24}.{h32}.{h32}", "st.{h24}.{h32}"],
    ),
    token(
        "onepassword-service-token",
        ["1Password", "service account token"],
        &["ops_eyj"],
        r"ops_eyJ([A-Za-z0-9+/]{250,}={0,3})",
        ["ops_eyJ{a260}", "ops_eyJ{a100}"],
    )
    .critical()
    .reach(2048),
    token(
        "onepassword-secret-key",
        ["1Password", "secret key"],
        &["a3-"],
        r"A3-([A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5})",
        ["A3-{A6}-{A6}-{A5}-{A5}-{A5}-{A5}", "A3-{A6}-{A6}"],
    )
    .entropy(3.4),
    token(
        "bitwarden-token",
        ["Bitwarden", "access token"],
        &["bws_access", "bitwarden"],
        "",
        ["BWS_ACCESS_TOKEN=0.{U}.{a30}:{s22}==", "BWS_ACCESS_TOKEN=0.{U}.{a30}"],
    )
    .form(Form::Assigned(
        r"0\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\.[A-Za-z0-9]{30}:[A-Za-z0-9+/]{22}==)",
    )),
    token(
        "jenkins-token",
        ["Jenkins", "API token"],
        &["jenkins"],
        "",
        ["JENKINS_API_TOKEN=11{h32}", "JENKINS_API_TOKEN=11{h30}"],
    )
    .form(Form::Assigned("11[0-9a-f]{32}")),
    token(
        "expo-token",
        ["Expo", "access token"],
        &["expo_token", "expo-token", "expotoken"],
        "",
        ["EXPO_TOKEN={a40}", "EXPO_TOKEN={a30}"],
    )
    .form(Form::Assigned(r"[\w-]{40}"))
    .entropy(3.8),
];
