use std::fmt::Write as _;

use super::checksum::Check;
use super::pattern::Form;
use super::table::TABLES;

/// The table of patterns as Markdown, written from the patterns themselves.
pub fn reference() -> String {
    let patterns: Vec<_> = TABLES.into_iter().flatten().collect();
    let mut page = format!(
        "# Credentials that `bartizan scan` knows\n\n\
         <!-- Generated from the table of patterns. To write it anew: UPDATE_REFERENCE=1 cargo test -p bartizan-scanner reference -->\n\n\
         {} patterns. *Form* says what gives a credential away: how it begins, the name that it is assigned to, or what it is. *Checked* \
         says what of it is recomputed before it counts.\n\n\
         | rule | provider | credential | severity | form | checked |\n|---|---|---|---|---|---|\n",
        patterns.len()
    );
    for pattern in patterns {
        let form = match pattern.form {
            Form::Token(_) => "its beginning",
            Form::Around(..) => "a mark inside",
            Form::Assigned(_) => "its name and shape",
            Form::Generic => "its name and randomness",
            Form::Connection => "its place in a URL",
            Form::PrivateKey => "PEM",
            Form::Jwt => "header and claims",
        };
        let checked = match pattern.check {
            Check::None => "",
            Check::Crc32Base62 | Check::Crc32Hex => "CRC-32",
            Check::AwsKeyId => "account number",
            Check::Basic => "user and password",
            Check::Discord => "bot's number",
            Check::Json => "JSON",
        };
        let _infallible = writeln!(
            page,
            "| `secrets.{}` | {} | {} | {} | {form} | {checked} |",
            pattern.id, pattern.provider, pattern.what, pattern.severity
        );
    }
    page
}
