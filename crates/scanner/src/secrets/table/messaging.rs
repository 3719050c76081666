//! Chat, mail, telephony.

use crate::secrets::checksum::Check;
use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "slack-bot-token",
        ["Slack", "bot token"],
        &["xoxb-"],
        r"xoxb-(\d{9,14}-(?:\d{9,14}-)?[a-zA-Z0-9]{18,34})",
        ["xoxb-{d12}-{d12}-{a24}", "xoxb-{d12}-{d12}"],
    ),
    token(
        "slack-user-token",
        ["Slack", "user token"],
        &["xoxp-", "xoxe-"],
        r"xox[pe]-((?:\d{9,14}-){2,3}[a-zA-Z0-9]{28,34})",
        ["xoxp-{d12}-{d12}-{d12}-{h32}", "xoxp-{d12}-{h32}"],
    )
    .critical(),
    token(
        "slack-legacy-token",
        ["Slack", "legacy token"],
        &["xoxa-", "xoxr-", "xoxs-", "xoxo-"],
        r"xox[aros]-((?:\d-)?(?:\d{9,14}-){1,3}[a-zA-Z0-9]{20,48})",
        ["xoxs-{d12}-{d12}-{d12}-{h32}", "xoxs-{h12}"],
    ),
    token(
        "slack-app-token",
        ["Slack", "app token"],
        &["xapp-"],
        r"xapp-\d-([A-Z0-9]{9,13}-\d{9,14}-[a-f0-9]{64})",
        ["xapp-1-{A11}-{d13}-{h64}", "xapp-1-{A11}-{d13}"],
    ),
    token(
        "slack-config-token",
        ["Slack", "configuration token"],
        &["xoxe.xoxb-", "xoxe.xoxp-", "xoxe-1-"],
        r"xoxe(?:\.xox[bp])?-\d-([A-Z0-9a-z]{140,170})",
        ["xoxe.xoxp-1-{A164}", "xoxe.xoxp-1-{A100}"],
    ),
    token(
        "slack-webhook",
        ["Slack", "webhook"],
        &["hooks.slack.com/"],
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{43,56})",
        ["hooks.slack.com/services/T{A8}/B{A10}/{a24}", "hooks.slack.com/services/T{A8}"],
    )
    .entropy(3.6),
    assigned(
        "discord-bot-token",
        ["Discord", "bot token"],
        &["discord", "bot_token", "bottoken", "bot-token"],
        r"[MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,38}",
        ["DISCORD_TOKEN={discord}", "DISCORD_TOKEN={a26}.{a6}.{a38}"],
    )
    .check(Check::Discord),
    token(
        "discord-webhook",
        ["Discord", "webhook"],
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"discord(?:app)?\.com/api/webhooks/(\d{17,20}/[\w-]{60,72})",
        ["discord.com/api/webhooks/{d18}/{a68}", "discord.com/api/webhooks/{d18}"],
    ),
    assigned(
        "discord-client-secret",
        ["Discord", "client secret"],
        &["discord"],
        r"[\w-]{32}",
        ["DISCORD_CLIENT_SECRET={a32}", "DISCORD_CLIENT_SECRET={a28}"],
    )
    .entropy(3.6),
    token("telegram-bot-token", ["Telegram", "bot token"], &[":aa"], "", ["{d10}:AA{b33}", "{d10}:AA{b20}"])
        .form(Form::Around(10, r"(\d{8,10}:AA[\w-]{33})"))
        .entropy(4.0),
    token(
        "teams-webhook",
        ["Microsoft Teams", "webhook"],
        &["webhook.office.com/webhookb2/"],
        r"webhook\.office\.com/webhookb2/([0-9a-f-]{36}@[0-9a-f-]{36}/IncomingWebhook/[0-9a-f]{32}/[0-9a-f-]{36})",
        ["webhook.office.com/webhookb2/{U}@{U}/IncomingWebhook/{h32}/{U}", "webhook.office.com/webhookb2/{U}"],
    )
    .medium(),
    assigned(
        "mattermost-token",
        ["Mattermost", "access token"],
        &["mattermost"],
        "[a-z0-9]{26}",
        ["MATTERMOST_TOKEN={l26}", "MATTERMOST_TOKEN={l20}"],
    )
    .entropy(3.3),
    token("twilio-key", ["Twilio", "API key"], &["sk"], r"SK([0-9a-f]{32})", ["SK{h32}", "SK{h30}"]).entropy(3.2),
    assigned(
        "twilio-auth-token",
        ["Twilio", "auth token"],
        &["twilio"],
        "[0-9a-f]{32}",
        ["TWILIO_AUTH_TOKEN={h32}", "TWILIO_AUTH_TOKEN={h30}"],
    )
    .critical(),
    token(
        "sendgrid-key",
        ["SendGrid", "API key"],
        &["sg."],
        r"SG\.([\w-]{22}\.[\w-]{43})",
        ["SG.{a22}.{a43}", "SG.{a22}.{a30}"],
    ),
    token("mailgun-key", ["Mailgun", "API key"], &["key-"], r"key-([a-f0-9]{32})", ["key-{h32}", "key-{h30}"])
        .entropy(3.1),
    assigned(
        "mailgun-signing-key",
        ["Mailgun", "signing key"],
        &["mailgun"],
        "[a-h0-9]{32}-[a-h0-9]{8}-[a-h0-9]{8}",
        ["MAILGUN_SIGNING_KEY={h32}-{h8}-{h8}", "MAILGUN_SIGNING_KEY={h32}"],
    ),
    token("mailchimp-key", ["Mailchimp", "API key"], &["-us"], "", ["{h32}-us12", "{h30}-us12"])
        .form(Form::Around(32, r"([0-9a-f]{32}-us\d{1,2})")),
    token("mandrill-key", ["Mandrill", "API key"], &["md-"], r"md-([\w-]{22})", ["md-{a22}", "md-{a18}"]).entropy(3.8),
    token(
        "brevo-key",
        ["Brevo", "API key"],
        &["xkeysib-", "xsmtpsib-"],
        r"x(?:key|smtp)sib-([a-f0-9]{64}-[a-zA-Z0-9]{16})",
        ["xkeysib-{h64}-{a16}", "xkeysib-{h64}"],
    ),
    token(
        "resend-key",
        ["Resend", "API key"],
        &["re_"],
        r"re_([A-Za-z0-9]{8}_[A-Za-z0-9]{24})",
        ["re_{a8}_{a24}", "re_{a8}_{a18}"],
    )
    .entropy(3.8),
    assigned(
        "postmark-token",
        ["Postmark", "server token"],
        &["postmark"],
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        ["POSTMARK_SERVER_TOKEN={U}", "POSTMARK_SERVER_TOKEN={h32}"],
    ),
    assigned(
        "sparkpost-key",
        ["SparkPost", "API key"],
        &["sparkpost"],
        "[a-f0-9]{40}",
        ["SPARKPOST_API_KEY={h40}", "SPARKPOST_API_KEY={h30}"],
    ),
    assigned(
        "vonage-secret",
        ["Vonage", "API secret"],
        &["nexmo", "vonage"],
        "[A-Za-z0-9]{16}",
        ["VONAGE_API_SECRET={a16}", "VONAGE_API_SECRET={a12}"],
    )
    .entropy(3.2),
    assigned(
        "messagebird-key",
        ["MessageBird", "access key"],
        &["messagebird"],
        "[A-Za-z0-9]{25}",
        ["MESSAGEBIRD_ACCESS_KEY={a25}", "MESSAGEBIRD_ACCESS_KEY={a20}"],
    )
    .entropy(3.6),
    assigned(
        "plivo-token",
        ["Plivo", "auth token"],
        &["plivo"],
        "[A-Za-z0-9]{40}",
        ["PLIVO_AUTH_TOKEN={a40}", "PLIVO_AUTH_TOKEN={a30}"],
    )
    .entropy(3.8),
    assigned(
        "pusher-secret",
        ["Pusher", "secret"],
        &["pusher"],
        "[0-9a-f]{20}",
        ["PUSHER_SECRET={h20}", "PUSHER_SECRET={h18}"],
    )
    .medium(),
    assigned(
        "zoom-secret",
        ["Zoom", "client secret"],
        &["zoom_", "zoom-", "zoomclient"],
        "[A-Za-z0-9]{32}",
        ["ZOOM_CLIENT_SECRET={a32}", "ZOOM_CLIENT_SECRET={a28}"],
    )
    .entropy(3.6),
    assigned(
        "sendbird-token",
        ["Sendbird", "API token"],
        &["sendbird"],
        "[0-9a-f]{40}",
        ["SENDBIRD_API_TOKEN={h40}", "SENDBIRD_API_TOKEN={h38}"],
    ),
    assigned(
        "onesignal-key",
        ["OneSignal", "API key"],
        &["onesignal"],
        "[A-Za-z0-9]{48}|os_v2_app_[a-z2-7]{103}",
        ["ONESIGNAL_API_KEY={a48}", "ONESIGNAL_API_KEY={a40}"],
    )
    .entropy(3.8),
];
