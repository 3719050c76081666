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
pub struct Story {
    /// Each attack.
    pub attacks: Vec<Trial>,
    /// What honest users did.
    pub uses: Vec<Service>,
}

impl Story {
    /// Whether the gate kept its promises: what it is to stop is stopped, and honest users are served.
    pub fn is_good(&self) -> bool {
        let kept = |trial: &Trial| matches!(trial.verdict, Verdict::Stopped | Verdict::Awaited);
        self.attacks.iter().all(kept) && self.uses.iter().all(|service| service.served)
    }
}

/// How one attack ended.
#[derive(Debug, Serialize)]
pub struct Trial {
    /// What was tried.
    pub name: &'static str,
    /// Its place in the OWASP API Security Top 10 (2023).
    pub owasp: String,
    /// Without the gate.
    pub straight: Outcome,
    /// With it.
    pub gated: Outcome,
    /// What follows from the two.
    pub verdict: Verdict,
    /// What will stop it, where it passes and is known to.
    pub awaits: Option<&'static str>,
}

/// What one side answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The last status; `None` when there was no answer.
    pub status: Option<u16>,
    /// What the attacker got; `None` if nothing.
    pub gained: Option<&'static str>,
    /// In a word why there was nothing to get: the gate's refusal, or the fault of the connection.
    pub because: Option<String>,
}

/// What the two outcomes say about the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
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
pub struct Service {
    /// Who did what.
    pub name: &'static str,
    /// The status through the gate; `None` when there was no answer.
    pub status: Option<u16>,
    /// Whether the answer was what the user wanted.
    pub served: bool,
}

/// The two ways to the shop.
#[derive(Debug)]
pub struct Ways<'a> {
    /// The shop itself; its data is laid anew before every attempt, so that none is helped or hindered by another.
    pub shop: &'a Running,
    /// The gate before it.
    pub gate: SocketAddr,
}

/// Plays everything through, honest users first: the guesses at the end use up the login's limit.
///
/// # Errors
/// When the shop's data cannot be laid anew.
pub async fn play(ways: &Ways<'_>, tokens: &Tokens) -> anyhow::Result<Story> {
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
    let because = last.filter(|_| gained.is_none()).map(|answer| reason(answer));
    Outcome { status: last.map(|answer| answer.status.as_u16()), gained, because }
}

/// The gate's own word where it refused (RFC 9457 `type`); otherwise the answer went out without what the attacker wanted.
fn reason(answer: &Answer) -> String {
    let problem = answer.json();
    let kind = problem.get("type").and_then(|kind| kind.as_str()).and_then(|kind| kind.strip_prefix("urn:bartizan:refusal:"));
    kind.unwrap_or("made harmless").to_owned()
}

fn judge(straight: &Outcome, gated: &Outcome, awaits: Option<&str>) -> Verdict {
    // A gate that cannot reach the shop, or is overloaded, has stopped nothing.
    let speaks_for_itself = gated.status.is_some_and(|status| !(502..=504).contains(&status));
    match (straight.gained, gated.gained, awaits) {
        (None, _, _) => Verdict::Unclear,
        (Some(_), Some(_), Some(_)) => Verdict::Awaited,
        (Some(_), Some(_), None) => Verdict::Passed,
        (Some(_), None, _) if speaks_for_itself => Verdict::Stopped,
        (Some(_), None, _) => Verdict::Unclear,
    }
}
