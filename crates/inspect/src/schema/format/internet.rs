//! Names and addresses of the internet.

use std::net::{Ipv4Addr, Ipv6Addr};

/// `Mailbox` of `RFC 5321 §4.1.2`; beyond ASCII as `RFC 6531` has it.
pub(super) fn is_email(text: &str, is_international: bool) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    if !is_international && !text.is_ascii() {
        return false;
    }
    let is_local =
        local.strip_prefix('"').and_then(|it| it.strip_suffix('"')).map_or_else(|| is_dot_string(local), is_quoted);
    let is_domain = match domain.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(literal) => match literal.strip_prefix("IPv6:") {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        },
        None if is_international => is_idn_hostname(domain),
        None => is_hostname(domain),
    };
    text.len() <= 320 && is_local && is_domain
}

fn is_dot_string(local: &str) -> bool {
    let is_atom = |it: char| it.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(it) || !it.is_ascii();
    local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
}

fn is_quoted(content: &str) -> bool {
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        let fits = match character {
            '\\' => characters.next().is_some_and(|it| (' '..='~').contains(&it)),
            '"' => false,
            other => (' '..='~').contains(&other) || !other.is_ascii(),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `RFC 1123 §2.1`, with labels of `RFC 5890 §2.3.2.1` read by IDNA.
pub(super) fn is_hostname(text: &str) -> bool {
    text.is_ascii() && is_ascii_hostname(text) && (!text.to_ascii_lowercase().contains("xn--") || is_idn(text))
}

fn is_ascii_hostname(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            // Kept for labels that say how they are encoded (`RFC 5891 §4.2.3.1`).
            && (label.get(2..4) != Some("--") || label.get(..2).is_some_and(|it| it.eq_ignore_ascii_case("xn")))
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// `RFC 5890 §2.3.2.3`
pub(super) fn is_idn_hostname(text: &str) -> bool {
    // The other full stops of `RFC 3490 §3.1` separate labels too.
    let text: String = text.chars().map(|it| if "\u{3002}\u{ff0e}\u{ff61}".contains(it) { '.' } else { it }).collect();
    if text.is_ascii() { is_hostname(&text) } else { is_idn(&text) }
}

fn is_idn(text: &str) -> bool {
    idna::domain_to_ascii_strict(text).is_ok_and(|ascii| is_ascii_hostname(&ascii))
}

/// `URI` of `RFC 3986 appendix A`, or `IRI` of `RFC 3987 §2.2`.
pub(super) fn is_uri(text: &str, is_iri: bool) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    is_scheme(scheme) && is_reference_after_scheme(rest, is_iri)
}

/// `URI-reference` or `IRI-reference`.
pub(super) fn is_uri_reference(text: &str, is_iri: bool) -> bool {
    let first_segment = text.split(['/', '?', '#']).next().unwrap_or_default();
    match first_segment.split_once(':') {
        Some((scheme, _)) => is_scheme(scheme) && is_uri(text, is_iri),
        None => is_reference_after_scheme(text, is_iri),
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|it: char| it.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_reference_after_scheme(rest: &str, is_iri: bool) -> bool {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match hierarchy.strip_prefix("//") {
        Some(after) => after.split_at(after.find('/').unwrap_or(after.len())),
        None => ("", hierarchy),
    };
    is_authority(authority, is_iri)
        && is_made_of(path, ":@/", is_iri)
        && is_made_of(query, ":@/?", is_iri)
        && is_made_of(fragment, ":@/?", is_iri)
}

fn is_authority(authority: &str, is_iri: bool) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = match host.strip_prefix('[') {
        Some(literal) => {
            let Some((address, after)) = literal.split_once(']') else { return false };
            if !is_ip_literal(address) {
                return false;
            }
            ("", after.strip_prefix(':').unwrap_or(if after.is_empty() { "" } else { "x" }))
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    is_made_of(user, ":", is_iri) && is_made_of(host, "", is_iri) && port.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_ip_literal(address: &str) -> bool {
    let is_future = |it: &str| {
        it.split_once('.').is_some_and(|(version, rest)| {
            !version.is_empty()
                && version.bytes().all(|it| it.is_ascii_hexdigit())
                && !rest.is_empty()
                && is_made_of(rest, ":", false)
        })
    };
    address.parse::<Ipv6Addr>().is_ok() || address.strip_prefix(['v', 'V']).is_some_and(is_future)
}

/// `unreserved`, `pct-encoded`, `sub-delims` and what else the place allows.
fn is_made_of(text: &str, also: &str, is_iri: bool) -> bool {
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
        let fits = match character {
            '%' => {
                let is_escape = rest.get(..2).is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
                rest = rest.get(2..).unwrap_or_default();
                is_escape
            }
            it if it.is_ascii_alphanumeric() || "-._~!$&'()*+,;=".contains(it) || also.contains(it) => true,
            it => is_iri && !it.is_ascii() && !it.is_control(),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// `RFC 6570 §2`, as far as it keeps literals and expressions apart.
pub(super) fn is_uri_template(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (literal, after) = rest.split_at(at);
        let Some((expression, after)) = after.strip_prefix('{').and_then(|after| after.split_once('}')) else {
            return false;
        };
        if !is_literal(literal) || !is_expression(expression) {
            return false;
        }
        rest = after;
    }
    is_literal(rest)
}

fn is_literal(text: &str) -> bool {
    text.chars().all(|it| !it.is_control() && !" \"'<>\\^`{|}".contains(it))
}

fn is_expression(text: &str) -> bool {
    let names = text.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(text);
    names.split(',').all(|name| {
        let name = name.strip_suffix('*').unwrap_or(name);
        let (name, length) = name.split_once(':').map_or((name, None), |(name, length)| (name, Some(length)));
        let is_length = length.is_none_or(|it| {
            (1..=4).contains(&it.len()) && !it.starts_with('0') && it.bytes().all(|byte| byte.is_ascii_digit())
        });
        let is_name = |it: char| it.is_ascii_alphanumeric() || "_%".contains(it);
        name.split('.').all(|part| !part.is_empty() && part.chars().all(is_name)) && is_length
    })
}
