//! Tries everything twice, straight at the shop and through the gate, and judges by the answers.

use std::net::SocketAddr;

use anyhow::Context;
use bartizan_shop::Running;
use serde::Serialize;

use super::attacks::{ATTACKS, Attack, Scene};
use super::client::{Answer, Call, send};
use super::honest::{USES, Use};
use super::tokens::Tokens;

/// How everything ended.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    /// Each attack.
    pub(super) attacks: Vec<Trial>,
    /// What honest users did.
    pub(super) uses: Vec<Service>,
}

impl Story {
    /// Whether the gate kept its promises: what it is to stop is stopped, and honest users are served.
    pub(super) fn is_good(&self) -> bool {
        let kept = |trial: &Trial| matches!(trial.verdict, Verdict::Stopped | Verdict::Awaited);
        self.attacks.iter().all(kept) && self.uses.iter().all(|service| service.served)
    }
}

/// How one attack ended.
#[derive(Debug, Serialize)]
pub(super) struct Trial {
    /// What was tried.
    pub(super) name: &'static str,
    /// Its place in the OWASP API Security Top 10 (2023).
    pub(super) owasp: String,
    /// Without the gate.
    pub(super) straight: Outcome,
    /// With it.
    pub(super) gated: Outcome,
    /// What follows from the two.
    pub(super) verdict: Verdict,
    /// What will stop it, where it passes and is known to.
    pub(super) awaits: Option<&'static str>,
}

/// What one side answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    /// The last status; `None` when there was no answer.
    pub(super) status: Option<u16>,
    /// What the attacker got; `None` if nothing.
    pub(super) gained: Option<&'static str>,
    /// In a word why there was nothing to get: the gate's refusal, or the fault of the connection.
    pub(super) because: Option<String>,
}

/// What the two outcomes say about the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Verdict {
    /// It works straight, and not through the gate.
    Stopped,
    /// It works both ways, and this version is known not to stop it.
    Awaited,
    /// It works both ways, and should not.
    Passed,
    /// Nothing is shown: it did not work straight either, or the gate did not answer for itself.
    Unclear,
}

/// How one honest request ended.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    /// Who did what.
    pub(super) name: &'static str,
    /// The status through the gate; `None` when there was no answer.
    pub(super) status: Option<u16>,
    /// Whether the answer was what the user wanted.
    pub(super) served: bool,
}

/// The two ways to the shop.
#[derive(Debug)]
pub(super) struct Ways<'a> {
    /// The shop itself; its data is laid anew before every attempt, so that none is helped or hindered by another.
    pub(super) shop: &'a Running,
    /// The gate before it.
    pub(super) gate: SocketAddr,
}

/// Plays everything through, honest users first: the guesses at the end use up the login's limit.
///
/// # Errors
/// When the shop's data cannot be laid anew.
pub(super) async fn play(ways: &Ways<'_>, tokens: &Tokens) -> anyhow::Result<Story> {
    let mut uses = Vec::with_capacity(USES.len());
    for honest in USES {
        uses.push(serve(ways, honest, tokens).await?);
    }
    let shop = ways.shop.url();
    let scene = Scene { tokens, shop: &shop };
    let mut attacks = Vec::with_capacity(ATTACKS.len());
    for attack in ATTACKS {
        attacks.push(attempt(ways, attack, &scene).await?);
    }
    restore(ways).await?;
    Ok(Story { attacks, uses })
}

async fn serve(ways: &Ways<'_>, honest: &Use, tokens: &Tokens) -> anyhow::Result<Service> {
    restore(ways).await?;
    let answer = send(ways.gate, (honest.call)(tokens)).await.ok();
    Ok(Service {
        name: honest.name,
        status: answer.as_ref().map(|answer| answer.status.as_u16()),
        served: answer.as_ref().is_some_and(honest.served),
    })
}

async fn attempt(ways: &Ways<'_>, attack: &Attack, scene: &Scene<'_>) -> anyhow::Result<Trial> {
    restore(ways).await?;
    let straight = outcome(ways.shop.address(), attack, (attack.call)(scene)).await;
    restore(ways).await?;
    let gated = outcome(ways.gate, attack, (attack.call)(scene)).await;
    Ok(Trial {
        name: attack.name,
        owasp: format!("{}:2023", attack.owasp),
        verdict: judge(&straight, &gated, attack.awaits),
        straight,
        gated,
        awaits: attack.awaits,
    })
}

async fn restore(ways: &Ways<'_>) -> anyhow::Result<()> {
    ways.shop.restore().await.context("cannot lay the shop's data anew")
}

async fn outcome(to: SocketAddr, attack: &Attack, call: Call) -> Outcome {
    let mut answers = Vec::with_capacity(attack.times);
    for _ in 0..attack.times {
        match send(to, call.clone()).await {
            Ok(answer) => answers.push(answer),
            Err(error) => return Outcome { status: None, gained: None, because: Some(error.to_string()) },
        }
    }
    let gained = (attack.proof)(&answers);
    let last = answers.last();
    let because = last.filter(|_| gained.is_none()).map(reason);
    Outcome { status: last.map(|answer| answer.status.as_u16()), gained, because }
}

/// The gate's own word where it refused (RFC 9457 `type`); otherwise the answer went out without what the attacker wanted.
fn reason(answer: &Answer) -> String {
    let problem = answer.json();
    let kind =
        problem.get("type").and_then(|kind| kind.as_str()).and_then(|kind| kind.strip_prefix("urn:bartizan:refusal:"));
    kind.unwrap_or("made harmless").to_owned()
}

fn judge(straight: &Outcome, gated: &Outcome, awaits: Option<&str>) -> Verdict {
    // A gate that cannot reach the shop, or is overloaded, has stopped nothing.
    let speaks_for_itself = gated.status.is_some_and(|status| !(502..=504).contains(&status));
    match (straight.gained, gated.gained, awaits) {
        (Some(_), Some(_), Some(_)) => Verdict::Awaited,
        (Some(_), Some(_), None) => Verdict::Passed,
        (Some(_), None, _) if speaks_for_itself => Verdict::Stopped,
        (_, None, _) | (None, ..) => Verdict::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bartizan_shop::{Database, Settings, Shop};
    use tokio::net::TcpListener;

    use super::super::issuer::RunningIssuer;
    use super::*;

    async fn played(gate: impl FnOnce(&Running) -> SocketAddr) -> Story {
        let free = "127.0.0.1:0";
        let listen = free.parse().unwrap();
        let token_secret = "for this test only".to_owned();
        let shop = Shop::start(Settings { listen, database: Database::Throwaway, token_secret }).await.unwrap();
        let issuer = RunningIssuer::start(TcpListener::bind(free).await.unwrap()).unwrap();
        let tokens = Tokens::new(issuer.issuer(), SystemTime::now()).unwrap();
        play(&Ways { shop: &shop, gate: gate(&shop) }, &tokens).await.unwrap()
    }

    #[tokio::test]
    async fn without_a_gate_every_attack_works_and_every_honest_user_is_served() {
        let story = played(Running::address).await;
        for trial in &story.attacks {
            assert!(trial.straight.gained.is_some(), "{} straight: {:?}", trial.name, trial.straight);
            assert!(trial.gated.gained.is_some(), "{} again: {:?}", trial.name, trial.gated);
        }
        for service in &story.uses {
            assert!(service.served, "{}: {:?}", service.name, service.status);
        }
        assert!(!story.is_good(), "no gate is no good gate");
    }

    #[tokio::test]
    async fn a_gate_that_does_not_answer_has_stopped_nothing() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let story = played(|_| closed).await;
        assert!(story.attacks.iter().all(|trial| trial.verdict == Verdict::Unclear));
        assert!(story.uses.iter().all(|service| !service.served));
    }

    #[test]
    fn an_upstream_fault_is_no_refusal() {
        let worked = Outcome { status: Some(200), gained: Some("all"), because: None };
        let failed = |status| Outcome { status: Some(status), gained: None, because: None };
        assert_eq!(judge(&worked, &failed(403), None), Verdict::Stopped);
        assert_eq!(judge(&worked, &failed(500), None), Verdict::Stopped, "an error page without its secrets");
        for fault in [502, 503, 504] {
            assert_eq!(judge(&worked, &failed(fault), None), Verdict::Unclear);
        }
    }
}
