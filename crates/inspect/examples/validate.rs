//! What reading and judging a JSON body costs, and how long a document takes to load; `bench/validate` runs it beside ajv:
//! `cargo run --profile bench -p bartizan-inspect --example validate -- DOCUMENT BODY`.
//!
//! Prints two numbers: milliseconds for loading the document, microseconds of one body for its first operation, as medians.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bartizan_inspect::openapi::{Api, BodyContract, load};

const JSON: &str = "application/json";
const LOADS: usize = 7;
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(200);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(document), Some(body)) = (arguments.next(), arguments.next()) else {
        return Err("usage: validate DOCUMENT BODY".into());
    };
    let (text, body) = (std::fs::read(&document)?, std::fs::read(body)?);
    let mut times = Vec::new();
    let mut loaded = None;
    for _ in 0..LOADS {
        let begin = Instant::now();
        loaded = Some(load(&document, &mut |_| Ok(text.clone()))?);
        times.push(begin.elapsed());
    }
    let api = loaded.ok_or("nothing was loaded")?;
    println!("{:.3} {:.3}", median(times).as_secs_f64() * 1e3, judged(&api, &body)?.as_secs_f64() * 1e6);
    Ok(())
}

/// The time of one body, as the gate judges it: bytes in, verdict out.
fn judged(api: &Api, body: &[u8]) -> Result<Duration, Box<dyn Error>> {
    let operation = api.operations.first().ok_or("the document has no operation")?;
    let BodyContract::Judge(media) = operation.body_contract(Some(JSON), true) else {
        return Err("the first operation takes no JSON".into());
    };
    let verdict = operation.judge_body(media, JSON, body);
    if !verdict.faults.is_empty() || !verdict.undeclared.is_empty() {
        return Err(format!("the body is none of that operation: {:?} {:?}", verdict.faults, verdict.undeclared).into());
    }
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let (begin, mut count) = (Instant::now(), 0_u32);
        while begin.elapsed() < ROUND {
            for _ in 0..100 {
                black_box(operation.judge_body(media, JSON, black_box(body)));
            }
            count += 100;
        }
        times.push(begin.elapsed() / count);
    }
    Ok(median(times))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
