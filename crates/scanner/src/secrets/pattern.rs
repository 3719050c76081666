use std::borrow::Cow;

use bartizan_controls::{Rule, Severity, scan};

use super::checksum::Check;

/// One kind of credential: how it looks, and how to tell it from what only looks like it.
#[derive(Debug)]
pub struct Pattern {
    /// The name; the rule's id is `secrets.` and this.
    pub id: &'static str,
    /// Who issues it.
    pub provider: &'static str,
    /// What it is.
    pub what: &'static str,
    /// How bad it is in strange hands.
    pub severity: Severity,
    /// Texts of which one stands in or beside each such credential, whatever the letters' case.
    pub(super) keywords: &'static [&'static str],
    pub(super) form: Form,
    pub(super) check: Check,
    /// How far behind its keyword a credential may end, in bytes.
    pub(super) reach: usize,
    /// The least entropy of what is random in it, in bits a character.
    pub(super) entropy: f32,
    /// What must be found, and what must not, as the tests assemble them: `{h32}` stands for 32 random hexadecimal digits (see
    /// `samples.rs`), so that no scanner, this one among them, takes the table for a leak.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests alone, and kept beside what it proves"))]
    pub(super) sample: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the tests alone, and kept beside what it proves"))]
    pub(super) miss: &'static str,
}

/// Where a credential stands, seen from a keyword.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// It begins with the keyword and matches the expression. A group of the expression is its random part.
    Token(&'static str),
    /// It begins at most so many bytes before the keyword.
    Around(usize, &'static str),
    /// It is assigned to a name that has the keyword in it, and the whole value matches.
    Assigned(&'static str),
    /// It is assigned to a name that means a credential, and is judged by what it looks like.
    Generic,
    /// The password of a URL.
    Connection,
    /// A PEM block.
    PrivateKey,
    /// A JSON Web Token.
    Jwt,
}

/// What a form usually takes.
const REACH: usize = 320;

/// A credential that its own beginning gives away.
pub(super) const fn token(
    id: &'static str,
    [provider, what]: [&'static str; 2],
    keywords: &'static [&'static str],
    expression: &'static str,
    [sample, miss]: [&'static str; 2],
) -> Pattern {
    Pattern {
        id,
        provider,
        what,
        severity: Severity::High,
        keywords,
        form: Form::Token(expression),
        check: Check::None,
        reach: REACH,
        entropy: 2.8,
        sample,
        miss,
    }
}

/// A credential that only the name beside it gives away.
pub(super) const fn assigned(
    id: &'static str,
    names: [&'static str; 2],
    keywords: &'static [&'static str],
    value: &'static str,
    samples: [&'static str; 2],
) -> Pattern {
    let mut pattern = token(id, names, keywords, "", samples);
    pattern.form = Form::Assigned(value);
    pattern
}

impl Pattern {
    pub(super) const fn critical(mut self) -> Self {
        self.severity = Severity::Critical;
        self
    }

    pub(super) const fn medium(mut self) -> Self {
        self.severity = Severity::Medium;
        self
    }

    pub(super) const fn low(mut self) -> Self {
        self.severity = Severity::Low;
        self
    }

    pub(super) const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    pub(super) const fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    pub(super) const fn reach(mut self, bytes: usize) -> Self {
        self.reach = bytes;
        self
    }

    pub(super) const fn entropy(mut self, bits: f32) -> Self {
        self.entropy = bits;
        self
    }

    /// The rule of its findings.
    pub(super) fn rule(&self) -> Rule {
        let name = self.name();
        Rule {
            id: format!("secrets.{}", self.id).into(),
            title: format!("{name} in a file").into(),
            why: "Whoever reads the file, or any copy of its history, can use the credential as its owner.".into(),
            remedy: format!(
                "Revoke it {}, and let the program read its successor from the environment or a secret store.",
                match self.provider {
                    "" => "where it is accepted".to_owned(),
                    provider => format!("with {provider}"),
                }
            )
            .into(),
            severity: self.severity,
            cwe: Cow::Borrowed(&[798, 540]),
            controls: Cow::Borrowed(&[scan::SECRETS.id]),
        }
    }

    /// `GitHub personal access token`.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.provider, self.what).trim_start().to_owned()
    }
}
