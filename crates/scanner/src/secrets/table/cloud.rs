//! Clouds and hosting.

use crate::secrets::checksum::Check;
use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "aws-access-key",
        ["AWS", "access key id"],
        &["akia", "abia", "acca"],
        r"(?:AKIA|ABIA|ACCA)([A-Z2-7]{16})",
        ["id: AKIA{B16}", "id: AKIA{B15}"],
    )
    .check(Check::AwsKeyId),
    token(
        "aws-session-key",
        ["AWS", "temporary access key id"],
        &["asia"],
        r"ASIA([A-Z2-7]{16})",
        ["ASIA{B16}", "ASIA{B17}"],
    )
    .check(Check::AwsKeyId)
    .low(),
    assigned(
        "aws-secret-key",
        ["AWS", "secret access key"],
        &[
            "aws_secret",
            "aws-secret",
            "awssecret",
            "secretaccesskey",
            "secret_access_key",
            "secret-access-key",
            "aws_access",
        ],
        "[A-Za-z0-9/+]{40}",
        ["aws_secret_access_key = {s40}", "aws_secret_access_key = {s39}"],
    )
    .critical()
    .entropy(4.0),
    token(
        "aws-bedrock-key",
        ["AWS", "Bedrock API key"],
        &["absk"],
        r"ABSK([A-Za-z0-9+/]{109,269}={0,2})",
        ["ABSK{a128}", "ABSK{a90}"],
    ),
    token(
        "aws-mws-token",
        ["AWS", "Marketplace Web Service token"],
        &["amzn.mws."],
        r"amzn\.mws\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["amzn.mws.{U}", "amzn.mws.{h32}"],
    ),
    token("gcp-api-key", ["Google", "API key"], &["aiza"], r"AIza([\w-]{35})", ["AIza{a35}", "AIza{a34}"])
        .medium()
        .entropy(3.5),
    token(
        "gcp-oauth-secret",
        ["Google", "OAuth client secret"],
        &["gocspx-"],
        r"GOCSPX-([\w-]{28})",
        ["GOCSPX-{a28}", "GOCSPX-{a20}"],
    ),
    token(
        "gcp-oauth-access-token",
        ["Google", "OAuth access token"],
        &["ya29."],
        r"ya29\.([\w-]{40,400})",
        ["ya29.{a60}", "ya29.{a20}"],
    )
    .low()
    .reach(420),
    token(
        "gcp-oauth-refresh-token",
        ["Google", "OAuth refresh token"],
        &["1//0"],
        r"1//0([\w-]{40,120})",
        ["1//0{a90}", "1//0{a20}"],
    )
    .entropy(3.6),
    token(
        "azure-client-secret",
        ["Azure", "client secret"],
        &["8q~", "7q~"],
        "",
        ["secret={a3}8Q~{a34}", "secret={a3}8Q~{a20}"],
    )
    .form(Form::Around(3, r"([A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34})")),
    token(
        "azure-storage-key",
        ["Azure", "storage account key"],
        &["accountkey="],
        r"(?i:accountkey)=([A-Za-z0-9+/]{86}==)",
        ["AccountKey={s86}==", "AccountKey={s80}=="],
    )
    .critical(),
    token(
        "azure-shared-access-key",
        ["Azure", "shared access key"],
        &["sharedaccesskey="],
        r"(?i:sharedaccesskey)=([A-Za-z0-9+/]{43}=)",
        ["SharedAccessKey={s43}=", "SharedAccessKey={s30}="],
    ),
    token(
        "azure-sas-signature",
        ["Azure", "shared access signature"],
        &["sig="],
        r"sig=([A-Za-z0-9%+/]{43,65}(?:%3[dD]|=))",
        ["?sv=2024&sig={s43}=", "?sv=2024&sig={s20}="],
    )
    .medium()
    .entropy(3.6),
    token(
        "azure-devops-token",
        ["Azure DevOps", "personal access token"],
        &["azdo"],
        "",
        ["{a76}AZDO{a4}", "{a60}AZDO{a4}"],
    )
    .form(Form::Around(76, r"([A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})")),
    token(
        "azure-container-registry-key",
        ["Azure", "container registry key"],
        &["+acr"],
        "",
        ["{a42}+ACR{a6}", "{a30}+ACR{a6}"],
    )
    .form(Form::Around(42, r"([A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6})")),
    token("azure-function-key", ["Azure", "function key"], &["azfu"], "", ["{a44}AzFu{a4}==", "{a30}AzFu{a4}=="])
        .form(Form::Around(44, r"([\w-]{44}AzFu[\w-]{4}[A-Za-z0-9=]{0,4}==)")),
    token(
        "digitalocean-token",
        ["DigitalOcean", "token"],
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_([a-f0-9]{64})",
        ["dop_v1_{h64}", "dop_v1_{h63}"],
    )
    .critical(),
    token(
        "digitalocean-spaces-key",
        ["DigitalOcean", "Spaces access key"],
        &["do00", "do80"],
        r"DO(?:00|80)([A-Z0-9]{16})",
        ["DO00{A16}", "DO00{A12}"],
    ),
    token("heroku-key", ["Heroku", "API key"], &["hrku-aa"], r"HRKU-AA([\w-]{58})", ["HRKU-AA{a58}", "HRKU-AA{a40}"]),
    assigned(
        "heroku-uuid-key",
        ["Heroku", "API key"],
        &["heroku"],
        "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        ["HEROKU_API_KEY={U}", "HEROKU_API_KEY={h32}"],
    ),
    token(
        "fly-token",
        ["Fly.io", "access token"],
        &["fo1_", "fm1a_", "fm1r_", "fm2_"],
        r"(?:fo1_([\w-]{43})|fm1[ar]_[A-Za-z0-9+/]{100,}={0,3}|fm2_[A-Za-z0-9+/]{100,}={0,3})",
        ["fo1_{a43}", "fo1_{a30}"],
    )
    .reach(2048),
    token(
        "vercel-token",
        ["Vercel", "token"],
        &["vercel_blob_rw_", "vcp_", "vck_"],
        r"(?:vercel_blob_rw_([A-Za-z0-9]{16}_[A-Za-z0-9]{30,64})|vc[pk]_([A-Za-z0-9]{56}))",
        ["vcp_{a56}", "vcp_{a40}"],
    ),
    assigned(
        "vercel-legacy-token",
        ["Vercel", "token"],
        &["vercel"],
        "[A-Za-z0-9]{24}",
        ["VERCEL_TOKEN={a24}", "VERCEL_TOKEN={a20}"],
    )
    .entropy(3.6),
    token(
        "netlify-token",
        ["Netlify", "access token"],
        &["nfp_", "nfo_", "nfc_"],
        r"nf[poc]_([A-Za-z0-9]{36,40})",
        ["nfp_{a36}", "nfp_{a20}"],
    ),
    assigned(
        "netlify-legacy-token",
        ["Netlify", "access token"],
        &["netlify"],
        r"[\w-]{43}",
        ["NETLIFY_AUTH_TOKEN={a43}", "NETLIFY_AUTH_TOKEN={a30}"],
    )
    .entropy(3.6),
    token("render-key", ["Render", "API key"], &["rnd_"], r"rnd_([A-Za-z0-9]{28,36})", ["rnd_{a32}", "rnd_{a20}"])
        .entropy(3.5),
    assigned(
        "railway-token",
        ["Railway", "token"],
        &["railway"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["RAILWAY_TOKEN={U}", "RAILWAY_TOKEN={h32}"],
    ),
    assigned(
        "cloudflare-key",
        ["Cloudflare", "API token"],
        &["cloudflare", "cf_api", "cf-api"],
        "[A-Za-z0-9_-]{40}|[a-f0-9]{37}",
        ["CLOUDFLARE_API_TOKEN={a40}", "CLOUDFLARE_API_TOKEN={a35}"],
    )
    .entropy(3.3),
    token(
        "cloudflare-origin-ca-key",
        ["Cloudflare", "origin CA key"],
        &["v1.0-"],
        r"v1\.0-([a-f0-9]{24}-[a-f0-9]{146})",
        ["v1.0-{h24}-{h146}", "v1.0-{h24}-{h100}"],
    ),
    assigned(
        "fastly-token",
        ["Fastly", "API token"],
        &["fastly"],
        r"[\w-]{32}",
        ["FASTLY_API_TOKEN={a32}", "FASTLY_API_TOKEN={a28}"],
    )
    .entropy(3.6),
    token(
        "alibaba-access-key",
        ["Alibaba Cloud", "access key id"],
        &["ltai"],
        r"LTAI([A-Za-z0-9]{17,21})",
        ["LTAI{a20}", "LTAI{a12}"],
    )
    .entropy(3.2),
    assigned(
        "alibaba-secret-key",
        ["Alibaba Cloud", "secret key"],
        &["alibaba", "aliyun"],
        "[A-Za-z0-9]{30}",
        ["ALIYUN_ACCESS_KEY_SECRET={a30}", "ALIYUN_ACCESS_KEY_SECRET={a24}"],
    )
    .entropy(3.6),
    token(
        "tencent-secret-id",
        ["Tencent Cloud", "secret id"],
        &["akid"],
        r"AKID([A-Za-z0-9]{32})",
        ["AKID{a32}", "AKID{a20}"],
    )
    .entropy(3.6),
    token("yandex-key", ["Yandex Cloud", "API key"], &["aqvn"], r"AQVN([\w-]{35,38})", ["AQVN{a36}", "AQVN{a20}"]),
    token(
        "yandex-iam-token",
        ["Yandex Cloud", "IAM token"],
        &["t1."],
        r"t1\.([A-Z0-9a-z_-]{40,}={0,2}\.[A-Z0-9a-z_-]{86}={0,2})",
        ["t1.{a60}.{a86}", "t1.{a60}.{a50}"],
    )
    .medium(),
    token(
        "linode-token",
        ["Linode", "personal access token"],
        &["linode"],
        "",
        ["linode_token = {h64}", "linode_token = {h60}"],
    )
    .form(Form::Assigned("[0-9a-f]{64}")),
    assigned(
        "hetzner-token",
        ["Hetzner", "API token"],
        &["hcloud", "hetzner"],
        "[A-Za-z0-9]{64}",
        ["HCLOUD_TOKEN={a64}", "HCLOUD_TOKEN={a50}"],
    )
    .entropy(4.0),
    assigned(
        "vultr-key",
        ["Vultr", "API key"],
        &["vultr"],
        "[A-Z0-9]{36}",
        ["VULTR_API_KEY={A36}", "VULTR_API_KEY={A30}"],
    )
    .entropy(3.5),
    token("scaleway-key", ["Scaleway", "access key"], &["scw"], r"SCW([A-Z0-9]{17})", ["SCW{A17}", "SCW{A12}"])
        .medium()
        .entropy(3.2),
    token(
        "ibm-cloud-key",
        ["IBM Cloud", "API key"],
        &["ibm_cloud", "ibmcloud", "ibm-cloud"],
        "",
        ["IBMCLOUD_API_KEY={b44}", "IBMCLOUD_API_KEY={b30}"],
    )
    .form(Form::Assigned(r"[\w-]{44}"))
    .entropy(3.8),
    token(
        "oracle-cloud-key",
        ["Oracle Cloud", "user id"],
        &["ocid1.user.oc"],
        r"ocid1\.user\.oc\d\.\.([a-z0-9]{60})",
        ["ocid1.user.oc1..{l60}", "ocid1.user.oc1..{l40}"],
    )
    .low(),
    token(
        "terraform-cloud-token",
        ["Terraform Cloud", "API token"],
        &[".atlasv1."],
        "",
        ["{a14}.atlasv1.{a64}", "{a14}.atlasv1.{a40}"],
    )
    .form(Form::Around(14, r"([A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70})")),
    token(
        "vault-service-token",
        ["HashiCorp Vault", "service token"],
        &["hvs."],
        r"hvs\.([\w-]{90,120})",
        ["hvs.{a95}", "hvs.{a50}"],
    )
    .critical(),
    token(
        "vault-batch-token",
        ["HashiCorp Vault", "batch token"],
        &["hvb."],
        r"hvb\.([\w-]{138,300})",
        ["hvb.{a150}", "hvb.{a100}"],
    ),
    token(
        "vault-recovery-token",
        ["HashiCorp Vault", "recovery token"],
        &["hvr."],
        r"hvr\.([\w-]{90,120})",
        ["hvr.{a95}", "hvr.{a50}"],
    ),
    token("pulumi-token", ["Pulumi", "access token"], &["pul-"], r"pul-([a-f0-9]{40})", ["pul-{h40}", "pul-{h39}"]),
    token(
        "openshift-token",
        ["OpenShift", "user token"],
        &["sha256~"],
        r"sha256~([\w-]{43})",
        ["sha256~{a43}", "sha256~{a30}"],
    ),
    token(
        "scalingo-token",
        ["Scalingo", "API token"],
        &["tk-us-"],
        r"tk-us-([\w-]{48})",
        ["tk-us-{a48}", "tk-us-{a30}"],
    ),
    token(
        "tailscale-key",
        ["Tailscale", "key"],
        &["tskey-"],
        r"tskey-(?:auth|api|client|scim|webhook)-([A-Za-z0-9]{10,24}-[A-Za-z0-9]{16,40})",
        ["tskey-auth-{a17}-{a32}", "tskey-auth-{a17}"],
    ),
    token("ngrok-key", ["ngrok", "API key"], &["ngrok"], "", ["NGROK_AUTHTOKEN={a27}_{a21}", "NGROK_AUTHTOKEN={a20}"])
        .form(Form::Assigned("[A-Za-z0-9]{26,28}_[A-Za-z0-9]{21}")),
    token(
        "defined-networking-key",
        ["Defined Networking", "API token"],
        &["dnkey-"],
        r"dnkey-([\w=-]{26}-[\w=-]{52})",
        ["dnkey-{a26}-{a52}", "dnkey-{a26}"],
    ),
];
