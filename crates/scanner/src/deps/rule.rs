use std::borrow::Cow;
use std::sync::Arc;

use bartizan_controls::{Rule, Severity, scan};

use super::advisory::Class;

/// The rules of this kind, made once for a scan.
#[derive(Debug)]
pub(super) struct Rules {
    vulnerable: Arc<Rule>,
    malicious: Arc<Rule>,
    unmaintained: Arc<Rule>,
    unsound: Arc<Rule>,
    notice: Arc<Rule>,
    pub(super) typosquat: Arc<Rule>,
    pub(super) unpinned: Arc<Rule>,
    pub(super) mutable: Arc<Rule>,
    pub(super) no_integrity: Arc<Rule>,
    pub(super) licence: Arc<Rule>,
}

impl Rules {
    #[expect(clippy::too_many_lines, reason = "a table of rules")]
    pub(super) fn new() -> Self {
        Self {
            vulnerable: rule(
                "deps.vulnerable",
                "Dependency with a known vulnerability",
                "How it is attacked is public, and scanners of attackers look for it by its version.",
                "Upgrade to the version that mends it.",
                Severity::High,
                &[1395],
            ),
            malicious: rule(
                "deps.malicious",
                "Malicious dependency",
                "The package was published to attack whoever installs it.",
                "Remove it, treat every machine that installed it as taken over, and rotate the credentials that it could read.",
                Severity::Critical,
                &[506],
            ),
            unmaintained: rule(
                "deps.unmaintained",
                "Unmaintained dependency",
                "Nobody mends what will be found in it.",
                "Replace it by one that is kept.",
                Severity::Low,
                &[1104],
            ),
            unsound: rule(
                "deps.unsound",
                "Unsound dependency",
                "Used in some way it breaks memory safety, without any `unsafe` of the caller.",
                "Upgrade to the version that mends it.",
                Severity::Medium,
                &[1395],
            ),
            notice: rule(
                "deps.notice",
                "Dependency with a notice",
                "Its database has something to say about it.",
                "Read the notice.",
                Severity::Info,
                &[1395],
            ),
            typosquat: rule(
                "deps.typosquat",
                "Dependency with the name of a popular one, misspelled",
                "Such names are published to run their code on the machines of whoever mistypes.",
                "Check the name; if it is meant, suppress this with the reason.",
                Severity::High,
                &[494],
            ),
            unpinned: rule(
                "deps.unpinned",
                "Dependency without a version",
                "What is built depends on the day: the next release is taken, whoever publishes it.",
                "Name a version, or commit a lock file.",
                Severity::Low,
                &[1357],
            ),
            mutable: rule(
                "deps.mutable-reference",
                "Dependency on something that others can change",
                "Whoever may push to the branch or change the archive decides what is built, without a new version.",
                "Name a commit, or a release of the registry.",
                Severity::Medium,
                &[494, 829],
            ),
            no_integrity: rule(
                "deps.no-integrity",
                "Locked packages without a hash",
                "A registry, mirror or proxy that is taken over can serve other content, and nothing notices.",
                "Write the lock file anew with the package manager of today.",
                Severity::Low,
                &[353, 494],
            ),
            licence: rule(
                "deps.licence-denied",
                "Dependency under a licence that the policy denies",
                "The project has decided not to take on its obligations.",
                "Replace the dependency, or change `[scan.licences] deny`.",
                Severity::Medium,
                &[],
            ),
        }
    }

    pub(super) const fn of(&self, class: Class) -> &Arc<Rule> {
        match class {
            Class::Vulnerability => &self.vulnerable,
            Class::Malicious => &self.malicious,
            Class::Unmaintained => &self.unmaintained,
            Class::Unsound => &self.unsound,
            Class::Notice => &self.notice,
        }
    }
}

fn rule(
    id: &'static str,
    title: &'static str,
    why: &'static str,
    remedy: &'static str,
    severity: Severity,
    cwe: &'static [u16],
) -> Arc<Rule> {
    Arc::new(Rule {
        id: id.into(),
        title: title.into(),
        why: why.into(),
        remedy: remedy.into(),
        severity,
        cwe: Cow::Borrowed(cwe),
        controls: Cow::Borrowed(const { &[scan::DEPENDENCIES.id] }),
    })
}
