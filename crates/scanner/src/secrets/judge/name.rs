/// What a name promises of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Meaning {
    /// A password, which a person may have chosen.
    Password,
    /// A secret that a program made.
    Secret,
    /// A key or token, which may be a harmless one too.
    Key,
}

/// Whether the name means a credential itself, and not its place, its length or its field in a form: its last word decides.
pub(in crate::secrets) fn meaning(name: &[u8]) -> Option<Meaning> {
    let words = words(name);
    let mut rest = words.as_slice();
    while let [before @ .., last] = rest {
        if before.is_empty() || !is_suffix(last) {
            break;
        }
        rest = before;
    }
    let (last, before) = rest.split_last()?;
    let previous = before.last().map_or("", String::as_str);
    // Tokens that anybody gets, or that mean a place in a list or a piece of a grammar.
    if words.iter().any(|word| HARMLESS.contains(&word.as_str())) {
        return None;
    }
    Some(match last.as_str() {
        "password" | "passwd" | "pwd" | "passphrase" | "passcode" | "pass" | "psw" | "pword" => Meaning::Password,
        "secret" | "secretkey" | "clientsecret" | "credential" | "credentials" => Meaning::Secret,
        "token" | "apikey" | "accesskey" | "authkey" | "privatekey" | "apitoken" | "accesstoken" | "authtoken"
        | "pat" => Meaning::Key,
        "key" if matches!(previous, "secret" | "signing" | "encryption" | "private" | "master" | "jwt" | "hmac") => {
            Meaning::Secret
        }
        "key"
            if matches!(previous, "api" | "access" | "auth" | "service" | "app" | "license" | "deploy" | "account") =>
        {
            Meaning::Key
        }
        _ => return None,
    })
}

const HARMLESS: [&str; 30] = [
    "csrf",
    "xsrf",
    "next",
    "page",
    "continuation",
    "cancellation",
    "public",
    "pub",
    "hash",
    "hashed",
    "digest",
    "label",
    "placeholder",
    "error",
    "message",
    "msg",
    "regex",
    "pattern",
    "field",
    "prefix",
    "type",
    "text",
    "title",
    "help",
    "sync",
    "primary",
    "foreign",
    "cache",
    "idempotency",
    "checksum",
];

/// Words after the one that counts.
fn is_suffix(word: &str) -> bool {
    const SUFFIXES: [&str; 20] = [
        "value",
        "prod",
        "production",
        "dev",
        "development",
        "staging",
        "live",
        "test",
        "default",
        "base64",
        "hex",
        "str",
        "string",
        "current",
        "old",
        "new",
        "plain",
        "plaintext",
        "env",
        "var",
    ];
    SUFFIXES.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the name has a word in it that a provider's credential would have.
pub(in crate::secrets) fn speaks_of_credentials(name: &[u8]) -> bool {
    const WORDS: [&str; 17] = [
        "key",
        "apikey",
        "token",
        "secret",
        "password",
        "passwd",
        "pass",
        "pwd",
        "pat",
        "auth",
        "credential",
        "credentials",
        "accesskey",
        "secretkey",
        "license",
        "sid",
        "dsn",
    ];
    let words = words(name);
    words.iter().any(|word| WORDS.iter().any(|known| word == known || (known.len() > 4 && word.ends_with(known))))
        && !words.iter().any(|word| matches!(word.as_str(), "public" | "hash" | "digest" | "checksum" | "sha" | "md5"))
}

/// The words of `someName`, `SOME_NAME`, `some-name` and `some.name`, in small letters.
fn words(name: &[u8]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = b'_';
    for (index, byte) in name.iter().copied().enumerate() {
        if !byte.is_ascii_alphanumeric() {
            previous = byte;
            continue;
        }
        let next_is_lower = name.get(index + 1).is_some_and(u8::is_ascii_lowercase);
        let begins = !previous.is_ascii_alphanumeric()
            || (byte.is_ascii_uppercase()
                && (previous.is_ascii_lowercase() || (previous.is_ascii_uppercase() && next_is_lower)))
            || (byte.is_ascii_digit() != previous.is_ascii_digit());
        if begins || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
        previous = byte;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_name_decides() {
        for name in ["password", "DB_PASSWORD", "dbPassword", "smtp.password", "password_prod", "user-pwd", "password2"]
        {
            assert_eq!(meaning(name.as_bytes()), Some(Meaning::Password), "{name}");
        }
        for name in ["JWT_SECRET", "clientSecret", "django_secret_key", "hmacKey"] {
            assert_eq!(meaning(name.as_bytes()), Some(Meaning::Secret), "{name}");
        }
        for name in ["apiKey", "API_KEY", "github_token", "accessToken"] {
            assert_eq!(meaning(name.as_bytes()), Some(Meaning::Key), "{name}");
        }
    }

    #[test]
    fn names_of_places_and_of_harmless_tokens_mean_nothing() {
        for name in [
            "token_url",
            "passwordField",
            "secret_name",
            "csrf_token",
            "nextPageToken",
            "public_key",
            "primary_key",
            "password_hash",
            "tokenizer",
            "key",
            "cancellation_token",
            "tokenPrefix",
        ] {
            assert_eq!(meaning(name.as_bytes()), None, "{name}");
        }
    }
}
