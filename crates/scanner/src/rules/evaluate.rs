//! The process that runs a policy: it has its question on standard input, an answer on standard output, and nothing else.

use std::io::{self, Read, Write};

use regorus::{Engine, Value};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

/// The largest question, in bytes: what policies get, with the weight that JSON adds.
const MAX_QUESTION: u64 = 512 << 20;
/// Memory, in bytes: documents are some tens of times larger in it than as text.
const MEMORY: u64 = 1 << 30;
/// Processor time, in seconds.
const SECONDS: u64 = 5;

/// What a policy is asked.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// What faults call it.
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) ask: Ask,
    /// `input` of the policy.
    pub(super) input: serde_json::Value,
}

/// Which of the policy's rules is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ask {
    /// What it says of itself.
    Rule,
    /// What it finds.
    Findings,
}

impl Ask {
    const fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Findings => "findings",
        }
    }
}

/// What it answers.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    Value(serde_json::Value),
    Fault(String),
}

/// Answers one question of the parent process.
///
/// A policy that recurses until the stack ends, or asks for more memory or time than there is, ends this process and no other.
///
/// # Errors
/// What reading and writing end with.
pub fn evaluate(input: impl Read, mut output: impl Write) -> io::Result<()> {
    confine();
    let mut text = String::new();
    input.take(MAX_QUESTION).read_to_string(&mut text)?;
    let question: Question = serde_json::from_str(&text)?;
    drop(text);
    let answer = match answer(question) {
        Ok(value) => Answer::Value(value),
        Err(fault) => Answer::Fault(fault),
    };
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}

/// Gives up what a policy has no use for. A limit that the system refuses is one that is lower already.
fn confine() {
    let limits = [
        (Resource::As, MEMORY),
        (Resource::Cpu, SECONDS),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
        (Resource::Nproc, 0),
    ];
    for (resource, limit) in limits {
        let _lower_already = setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) });
    }
}

fn answer(question: Question) -> Result<serde_json::Value, String> {
    let ask = question.ask.name();
    let mut engine = Engine::new();
    let package = engine.add_policy(question.name, question.policy).map_err(|error| error.to_string())?;
    engine.set_input(Value::from(question.input));
    let value = engine.eval_rule(format!("{package}.{ask}")).map_err(|error| error.to_string())?;
    if value == Value::Undefined {
        return Err(format!("it has no rule `{ask}`, or that is undefined"));
    }
    let text = value.to_json_str().map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
