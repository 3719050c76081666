use super::shape::{has_many_turns, is_monotonous, is_random};

/// Whether the value names where a secret is, or is code that fetches one, or what is left of one: a hash.
pub(in crate::secrets) fn is_reference(value: &[u8]) -> bool {
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
        || is_list_of_words(value)
        || memchr::memchr_iter(b'/', value).count() >= 2 && !has_many_turns(value)
}

/// Rules of a form (`required|between:60,60`), and words to choose from.
fn is_list_of_words(value: &[u8]) -> bool {
    let is_word = |part: &[u8]| {
        part.first().is_some_and(u8::is_ascii_lowercase)
            && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-:,.".contains(byte))
    };
    value.contains(&b'|') && value.split(|byte| *byte == b'|').all(is_word)
}

/// Whether the value says itself that it is none.
pub(in crate::secrets) fn is_placeholder(value: &[u8]) -> bool {
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
