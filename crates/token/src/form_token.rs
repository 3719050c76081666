use crate::base64url;
use crate::fingerprint::sha256;

/// The token that proves that a form or a script belongs to the page of a session's own origin: whoever cannot read the session cannot
/// make it, and it says nothing about the session.
pub fn form_token(session: &str) -> String {
    base64url::encode(sha256(format!("bartizan form token/{session}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_token_belongs_to_one_session() {
        assert_eq!(form_token("a"), form_token("a"));
        assert_ne!(form_token("a"), form_token("b"));
        assert!(!form_token("session").contains("session"));
    }
}
