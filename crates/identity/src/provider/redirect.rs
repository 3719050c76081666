//! Where answers of the authorization endpoint may go: exactly where the client's registration says, and nowhere else.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::client::ClientKind;

/// A redirect URI that a client registered.
///
/// What a request asks for has to equal it, character for character (`RFC 9700 §4.1.3`): no prefixes, no patterns, no normal form. The
/// one exception is the port of a native application on the loopback, which the system gives it anew each time (`RFC 8252 §7.3`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

/// Why a URI cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    /// Empty, too long, with white space, or without a scheme.
    #[error("is no absolute URI")]
    NotAUri,
    /// `RFC 6749 §3.1.2`.
    #[error("has a fragment, which browsers keep to themselves")]
    Fragment,
    /// A pattern would let answers go where nobody meant.
    #[error("has a `*`: it is compared as it stands, and fits nothing else")]
    Wildcard,
    /// `user:password@`, or what looks like it.
    #[error("has an `@` before its path, which hides the host that it leads to")]
    UserInfo,
    /// Anybody on the way could read the code.
    #[error("is plain `http` to another machine; write `https`, or the loopback for a native application")]
    Plain,
    /// A scheme of one's own is claimed by a native application, and has to be a domain turned around (`RFC 8252 §7.1`).
    #[error(
        "has a scheme that any application could claim; a native application's is its domain turned around: `com.example.app:/callback`"
    )]
    Scheme,
}

impl RedirectUri {
    /// Takes a URI that a client of `kind` may register.
    ///
    /// # Errors
    /// A [`RedirectUriError`] that says what is wrong with it.
    pub fn new(uri: &str, kind: ClientKind) -> Result<Self, RedirectUriError> {
        const LONGEST: usize = 2048;
        let is_plain_text = uri.bytes().all(|byte| byte.is_ascii_graphic());
        let Some((scheme, rest)) = uri.split_once(':').filter(|_| is_plain_text && uri.len() <= LONGEST) else {
            return Err(RedirectUriError::NotAUri);
        };
        if uri.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if uri.contains('*') {
            return Err(RedirectUriError::Wildcard);
        }
        match scheme {
            "https" | "http" => {
                let parts = Parts::of(uri).ok_or(RedirectUriError::NotAUri)?;
                if parts.authority_has_user() {
                    return Err(RedirectUriError::UserInfo);
                }
                if scheme == "http" && !parts.is_loopback() {
                    return Err(RedirectUriError::Plain);
                }
            }
            _ if kind == ClientKind::Native && is_private_scheme(scheme) && rest.starts_with('/') => {}
            _ => return Err(RedirectUriError::Scheme),
        }
        Ok(Self(uri.to_owned()))
    }

    /// Whether a request may ask for `asked`.
    pub fn admits(&self, asked: &str, kind: ClientKind) -> bool {
        if self.0 == asked {
            return true;
        }
        kind == ClientKind::Native && self.is_same_but_for_the_port(asked)
    }

    /// The origin of a page at it, as browsers write it (`RFC 6454 §6.2`); `None` for a scheme that has no pages.
    pub fn origin(&self) -> Option<String> {
        let parts = Parts::of(&self.0).filter(|parts| ["https", "http"].contains(&parts.scheme))?;
        let usual = if parts.scheme == "https" { ":443" } else { ":80" };
        let authority = parts.authority.strip_suffix(usual).unwrap_or(parts.authority);
        Some(format!("{}://{}", parts.scheme, authority.to_ascii_lowercase()))
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_same_but_for_the_port(&self, asked: &str) -> bool {
        let (Some(ours), Some(theirs)) = (Parts::of(&self.0), Parts::of(asked)) else { return false };
        ours.scheme == "http"
            && theirs.scheme == "http"
            && ours.is_loopback_address()
            && ours.host == theirs.host
            && ours.rest == theirs.rest
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A URI with an authority, in the parts that are compared.
struct Parts<'a> {
    scheme: &'a str,
    authority: &'a str,
    host: &'a str,
    /// Path and query, as they are written.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, after) = uri.split_once("://")?;
        let end = after.find(['/', '?', '#', '\\']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let host = match authority.strip_prefix('[') {
            Some(bracketed) => {
                let (address, port) = bracketed.split_once(']')?;
                Self::is_port(port).then_some(address)?
            }
            None => match authority.split_once(':') {
                Some((host, port)) => port.bytes().all(|digit| digit.is_ascii_digit()).then_some(host)?,
                None => authority,
            },
        };
        (!host.is_empty()).then_some(Self { scheme, authority, host, rest })
    }

    fn is_port(text: &str) -> bool {
        text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|digit| digit.is_ascii_digit()))
    }

    fn authority_has_user(&self) -> bool {
        self.authority.contains('@')
    }

    fn is_loopback_address(&self) -> bool {
        self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    fn is_loopback(&self) -> bool {
        self.is_loopback_address() || self.host == "localhost"
    }
}

fn is_private_scheme(scheme: &str) -> bool {
    scheme.contains('.')
        && scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(uri: &str) -> Result<RedirectUri, RedirectUriError> {
        RedirectUri::new(uri, ClientKind::Web)
    }

    #[test]
    fn rfc_9700_4_1_a_redirect_uri_fits_character_for_character_and_in_no_other_way() {
        let registered = web("https://client.example/cb?app=1").unwrap();
        assert!(registered.admits("https://client.example/cb?app=1", ClientKind::Web));
        for asked in [
            "https://client.example/cb",
            "https://client.example/cb?app=1&next=https://evil.example",
            "https://client.example/cb/?app=1",
            "https://client.example/cb/../evil?app=1",
            "https://client.example:443/cb?app=1",
            "https://CLIENT.example/cb?app=1",
            "https://client.example.evil.example/cb?app=1",
            "https://client.example@evil.example/cb?app=1",
            "https://evil.example/?https://client.example/cb?app=1",
            "http://client.example/cb?app=1",
            "https://client.example/cb?app=1#",
            " https://client.example/cb?app=1",
        ] {
            assert!(!registered.admits(asked, ClientKind::Web), "{asked}");
            assert!(!registered.admits(asked, ClientKind::Native), "{asked}");
        }
    }

    #[test]
    fn a_native_application_on_the_loopback_may_have_any_port_and_nothing_else() {
        let registered = RedirectUri::new("http://127.0.0.1/callback", ClientKind::Native).unwrap();
        for asked in ["http://127.0.0.1/callback", "http://127.0.0.1:49152/callback"] {
            assert!(registered.admits(asked, ClientKind::Native), "{asked}");
        }
        assert!(!registered.admits("http://127.0.0.1:49152/callback", ClientKind::Web), "a web client has a port");
        for asked in [
            "http://127.0.0.1:49152/other",
            "http://127.0.0.2:49152/callback",
            "http://localhost:49152/callback",
            "https://127.0.0.1:49152/callback",
            "http://127.0.0.1:49152@evil.example/callback",
            "http://127.0.0.1:49152\\@evil.example/callback",
            "http://[::1]:49152/callback",
        ] {
            assert!(!registered.admits(asked, ClientKind::Native), "{asked}");
        }
        let six = RedirectUri::new("http://[::1]/callback", ClientKind::Native).unwrap();
        assert!(six.admits("http://[::1]:8000/callback", ClientKind::Native));
        assert!(!six.admits("http://[::1]evil.example/callback", ClientKind::Native));
    }

    #[test]
    fn the_origin_of_a_page_is_written_as_browsers_write_it() {
        for (uri, origin) in [
            ("https://App.example:443/cb?x=1", Some("https://app.example")),
            ("https://app.example:8443/cb", Some("https://app.example:8443")),
            ("http://localhost:3000", Some("http://localhost:3000")),
        ] {
            assert_eq!(web(uri).unwrap().origin().as_deref(), origin);
        }
        let native = RedirectUri::new("com.example.app:/callback", ClientKind::Native).unwrap();
        assert_eq!(native.origin(), None);
    }

    #[test]
    fn what_could_lead_elsewhere_cannot_be_registered() {
        use RedirectUriError as E;
        let refused = [
            ("", E::NotAUri),
            ("/callback", E::NotAUri),
            ("https://", E::NotAUri),
            ("https://client.example/a b", E::NotAUri),
            ("https://client.example/cb#part", E::Fragment),
            ("https://*.client.example/cb", E::Wildcard),
            ("https://user@client.example/cb", E::UserInfo),
            ("http://client.example/cb", E::Plain),
            ("javascript:alert(1)", E::Scheme),
            ("data:text/html,x", E::Scheme),
            ("myapp:/callback", E::Scheme),
        ];
        for (uri, why) in refused {
            assert_eq!(RedirectUri::new(uri, ClientKind::Web), Err(why.clone()), "{uri}");
            assert_eq!(RedirectUri::new(uri, ClientKind::Native), Err(why), "{uri}");
        }
        assert!(RedirectUri::new("com.example.app:/callback", ClientKind::Native).is_ok());
        assert_eq!(web("com.example.app:/callback"), Err(E::Scheme));
    }
}
