//! Whether a value is a secret, as a reader would judge it: by its name, by how random it is, and by where it stands.

use bartizan_controls::Confidence;

/// What a file's path says about the values in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nothing: it may be released.
    Ordinary,
    /// It is a test, an example or a manual: most of what stands there was invented.
    Example,
    /// A program wrote it: what looks random there are hashes and numbers.
    Generated,
}

impl Place {
    pub(super) fn of(path: &str) -> Self {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        if is_generated(&name) {
            return Self::Generated;
        }
        let folders = path.split('/').rev().skip(1);
        if is_example_file(&name) || folders.map(str::to_ascii_lowercase).any(|folder| is_example_folder(&folder)) {
            Self::Example
        } else {
            Self::Ordinary
        }
    }
}

/// Whether a value stands without quotes in a file of that name: in source code, what does is code.
pub(super) fn takes_bare_values(path: &str) -> bool {
    const ENDINGS: [&str; 18] = [
        "env",
        "ini",
        "cfg",
        "conf",
        "config",
        "properties",
        "yaml",
        "yml",
        "toml",
        "tf",
        "tfvars",
        "sh",
        "bash",
        "zsh",
        "service",
        "netrc",
        "npmrc",
        "txt",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    ending.is_empty()
        || ENDINGS.contains(&ending.as_str())
        || name.starts_with(".env")
        || name.starts_with("Dockerfile")
}

fn is_generated(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "package-lock.json",
        "npm-shrinkwrap.json",
        "go.sum",
        "pnpm-lock.yaml",
        "gradle.lockfile",
        "verification-metadata.xml",
        ".secrets.baseline",
        "flake.lock",
    ];
    const ENDINGS: [&str; 9] =
        [".lock", ".min.js", ".min.css", ".map", ".svg", ".snap", ".ipynb", ".bundle.js", ".pb.go"];
    NAMES.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn is_example_file(name: &str) -> bool {
    const ENDINGS: [&str; 13] = [
        ".md",
        ".mdx",
        ".rst",
        ".adoc",
        ".txt",
        ".example",
        ".sample",
        ".template",
        ".dist",
        ".tmpl",
        ".po",
        ".stories.tsx",
        ".http",
    ];
    const PARTS: [&str; 9] = ["_test.", ".test.", ".spec.", "_spec.", "-test.", "example", "sample", "mock", "fixture"];
    ENDINGS.iter().any(|ending| name.ends_with(ending))
        || PARTS.iter().any(|part| name.contains(part))
        || ["test_", "test-", "conftest", "testutil", "tests."].iter().any(|start| name.starts_with(start))
}

fn is_example_folder(folder: &str) -> bool {
    const WORDS: [&str; 24] = [
        "test",
        "tests",
        "testing",
        "testdata",
        "spec",
        "specs",
        "fixture",
        "fixtures",
        "mock",
        "mocks",
        "e2e",
        "example",
        "examples",
        "sample",
        "samples",
        "doc",
        "docs",
        "demo",
        "cypress",
        "benchmarks",
        "corpus",
        "corpora",
        "fuzz",
        "fuzzing",
    ];
    let bare = folder.trim_matches('_');
    WORDS.contains(&bare)
        || bare.split(['-', '_', '.']).any(|part| WORDS.contains(&part))
        || bare.ends_with("tests")
        || bare.starts_with("test")
}

/// What a name promises of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A password, which a person may have chosen.
    Password,
    /// A secret that a program made.
    Secret,
    /// A key or token, which may be a harmless one too.
    Key,
}

/// Whether the name means a credential itself, and not its place, its length or its field in a form: its last word decides.
pub(super) fn meaning(name: &[u8]) -> Option<Meaning> {
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
pub(super) fn speaks_of_credentials(name: &[u8]) -> bool {
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

/// How sure it is that a value is a secret, given what its name means. `None` if it is none.
pub(super) fn value(meaning: Meaning, value: &[u8]) -> Option<Confidence> {
    let plausible = (6..=256).contains(&value.len()) && value.iter().all(|byte| (0x21..0x7f).contains(byte));
    if !plausible || is_reference(value) || is_placeholder(value) || is_identifier(value) {
        return None;
    }
    if is_uuid(value) {
        return (meaning == Meaning::Secret).then_some(Confidence::Medium);
    }
    if is_random(value) {
        return Some(Confidence::Medium);
    }
    (meaning == Meaning::Password && is_chosen_password(value)).then_some(Confidence::Low)
}

/// Whether the value names where a secret is, or is code that fetches one, or what is left of one: a hash.
pub(super) fn is_reference(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 22] = [
        b"$", b"@", b"%", b"<", b"&", b"/", b"./", b"../", b"~/", b"#", b"[", b"(", b"arn:", b"vault:", b"ssm:",
        b"ref+", b"env:", b"sha256:", b"sha512-", b"sha1-", b"sha384-", b"{",
    ];
    const PARTS: [&[u8]; 22] = [
        b"${",
        b"{{",
        b"$(",
        b"#{",
        b"<%",
        b"%(",
        b"%s",
        b"://",
        b"()",
        b"process.env",
        b"os.environ",
        b"getenv",
        b"ENV[",
        b"env(",
        b"secrets.",
        b"config.",
        b"=>",
        b"self.",
        b"this.",
        b"%{",
        b"...",
        b"\\u",
    ];
    STARTS.iter().any(|start| value.starts_with(start))
        || PARTS.iter().any(|part| memchr::memmem::find(value, part).is_some())
        || value.iter().any(|byte| b"()[]".contains(byte))
        || value.iter().any(|byte| b"{}<>|*".contains(byte)) && !is_random(value)
        || memchr::memchr_iter(b'/', value).count() >= 2 && !has_many_turns(value)
}

/// Whether the value says itself that it is none.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 38] = [
        b"example",
        b"changeme",
        b"change_me",
        b"change-me",
        b"placeholder",
        b"your",
        b"xxxx",
        b"todo",
        b"dummy",
        b"sample",
        b"fake",
        b"mock",
        b"foobar",
        b"redacted",
        b"masked",
        b"hidden",
        b"undefined",
        b"insert",
        b"replace",
        b"12345",
        b"abcdef",
        b"qwerty",
        b"aaaaaa",
        b"secretkey",
        b"mysecret",
        b"my-secret",
        b"my_secret",
        b"supersecret",
        b"super-secret",
        b"notasecret",
        b"not-a-",
        b"password",
        b"testing",
        b"random",
        b"deadbeef",
        b"cafebabe",
        b"00000000",
        b"lorem",
    ];
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| memchr::memmem::find(&lower, word).is_some()) || is_monotonous(value)
}

/// Few characters over and over, or in the order of the alphabet.
pub(super) fn is_monotonous(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in value {
        if let Some(slot) = seen.get_mut(usize::from(*byte)) {
            *slot = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let steps = value.windows(2).filter(|pair| matches!(pair, [one, two] if two.wrapping_sub(*one) <= 1)).count();
    distinct < 5.min(value.len()) || (value.len() >= 8 && steps * 5 > value.len() * 2)
}

/// Words that are joined as identifiers are, with at most a number behind them.
fn is_identifier(value: &[u8]) -> bool {
    let end = value.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |at| at + 1);
    let body = value.get(..end).unwrap_or_default();
    let digits = body.iter().any(u8::is_ascii_digit);
    let joined = body.iter().all(|byte| byte.is_ascii_alphabetic() || b"_-.:/ ".contains(byte));
    joined && !digits && !has_many_turns(value)
}

/// `8-4-4-4-12` hexadecimal digits.
pub(super) fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether a program must have made it: long, and without the order that words have.
pub(super) fn is_random(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !letters || digits < 2 || is_monotonous(value) {
        return false;
    }
    if value.iter().all(u8::is_ascii_hexdigit) {
        return value.len() >= 24 && entropy(value) >= 3.0;
    }
    let is_symbol = |byte: &&u8| !byte.is_ascii_alphanumeric();
    let symbols = value.iter().filter(is_symbol).count();
    value.len() >= 16 && symbols * 3 <= value.len() && entropy(value) >= 3.4 && has_many_turns(value)
}

/// Whether capitals, small letters, digits and symbols follow each other as they do by chance: in words they stay together.
fn has_many_turns(value: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let turns = value.windows(2).filter(|pair| matches!(pair, [one, two] if class(*one) != class(*two))).count();
    let mixed = value.iter().any(u8::is_ascii_uppercase) && value.iter().any(u8::is_ascii_lowercase);
    // By chance: 60 % of the steps between characters of base 62, 40 % where all letters are small.
    turns * 100 >= value.len() * if mixed { 33 } else { 22 }
}

/// What a person may have chosen: letters, digits and signs, and no word.
fn is_chosen_password(value: &[u8]) -> bool {
    let has = |test: fn(&u8) -> bool| usize::from(value.iter().any(test));
    let classes = has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_digit)
        + has(u8::is_ascii_punctuation);
    value.len() >= 8 && classes >= 3
}

/// Shannon's entropy, in bits a character.
#[expect(clippy::cast_precision_loss, reason = "counts of a few hundred characters")]
pub(super) fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f32;
    let share = |count: u32| count as f32 / total;
    counts.iter().filter(|count| **count > 0).map(|count| -share(*count) * share(*count).log2()).sum()
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

    #[test]
    fn what_a_program_made_is_random_and_what_a_person_wrote_is_not() {
        for value in ["q8Zr2LmX0pVt7NcY5bKd", "9f86d081884c7d659a2feaa0c55ad015", "k3v9x2m7q1w8e5r0t4z6"] {
            assert!(is_random(value.as_bytes()), "{value}");
        }
        for value in
            ["getUserPasswordFromConfig", "some-long-identifier-2", "application/x-www-form", "AbstractTokenFactory1"]
        {
            assert!(!is_random(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn references_and_placeholders_are_no_secrets() {
        for text in [
            "${DB_PASSWORD}",
            "process.env.TOKEN",
            "{{ token }}",
            "/run/secrets/db",
            "your-api-key-here",
            "changeme123",
            "xxxxxxxxxxxxxxxx",
            "$2b$12$abcdefghijklmnopqrstuv",
            "user.password",
            "abcdefghijklmnop1234",
        ] {
            assert_eq!(value(Meaning::Password, text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn places_of_examples_are_known_by_their_names() {
        for path in [
            "src/__tests__/a.js",
            "tests/b.py",
            "pkg/c_test.go",
            "README.md",
            ".env.example",
            "e2e/x.ts",
            "unit_tests/y.py",
        ] {
            assert_eq!(Place::of(path), Place::Example, "{path}");
        }
        for path in ["src/config.js", ".env", "deploy/prod.yaml", "contest/entry.py", "latest/main.go"] {
            assert_eq!(Place::of(path), Place::Ordinary, "{path}");
        }
        assert_eq!(Place::of("web/package-lock.json"), Place::Generated);
    }
}
