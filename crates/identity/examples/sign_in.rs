//! What a sign-in costs, and what its time tells: `cargo run --release -p bartizan-identity --example sign_in`.
//!
//! Prints the rate of sign-ins, many at once, against that of bare hashing in the same run, and the medians of 1,000 sign-ins with a name that exists and
//! with one that does not, taken in turns. The cost is the default one: 19 MiB, two passes.
#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use bartizan_evidence::Recorder;
use bartizan_identity::people::UserCommand;
use bartizan_identity::provider::ProviderConfig;
use bartizan_identity::{Command, Config, Cost, Identity, MIGRATIONS, Parts};
use bartizan_store::Store;
use bartizan_vault::random::SystemRandom;
use bartizan_vault::{Root, RootSource};
use bytes::Bytes;
use http::{Method, Request, Response};

const PASSWORD: &str = "seven geese above the harbour";
/// Sign-ins with each kind of name.
const SIGN_INS: u32 = 1000;
const HASHES: u32 = 50;
/// Sign-ins at the same time, and how many of them in all.
const AT_ONCE: u32 = 16;
const TOGETHER: u32 = 400;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let config = bartizan_store::Config::Sqlite { directory: directory.path().to_owned() };
    let store = Store::open(&config, MIGRATIONS, SystemTime::now()).await?;
    let root = Root::load(&RootSource::Automatic(directory.path().to_owned()), &SystemRandom::new())?;
    let (recorder, _writer) = Recorder::start(bartizan_evidence::Config::in_state(directory.path()))?;
    // Half a minute passes at each look at the clock, or tries at one account would have to wait.
    let looks = AtomicU32::new(0);
    let clock = move || SystemTime::now() + Duration::from_secs(31) * looks.fetch_add(1, Ordering::Relaxed);
    let parts = Parts { store, root: &root, recorder, clock: Arc::new(clock) };
    let identity =
        Identity::open(Config::for_origin("https://gate.example"), ProviderConfig::default(), &parts).await?;
    let ada = r#"{"do":"create","username":"ada","password":"seven geese above the harbour"}"#;
    identity.administer(Command::User(serde_json::from_str::<UserCommand>(ada)?)).await?;

    let bare = hashing()?;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    // Each from an address of its own, since the same one would be slowed down.
    for number in 0..SIGN_INS {
        known.push(sign_in(&identity, "ada", number * 2).await?);
        unknown.push(sign_in(&identity, "nobody", number * 2 + 1).await?);
    }
    let (known, unknown) = (median(&mut known), median(&mut unknown));
    println!("bare hashing            {bare:>10.1?}");
    println!("wrong password, median  {known:>10.1?}");
    println!(
        "unknown name, median    {unknown:>10.1?}  ({:.3} of the other)",
        unknown.as_secs_f64() / known.as_secs_f64()
    );
    let threads = Config::for_origin("https://gate.example").passwords.workers.get();
    let (raw, whole) = (raw_rate(threads)?, rate(&identity).await?);
    println!(
        "sign-ins a second       {whole:>10.1}  {:.2} of {raw:.1}, which {threads} threads hash bare",
        whole / raw
    );
    Ok(())
}

/// Hashes a second on as many threads as the sign-in has.
fn raw_rate(threads: usize) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    let running: Vec<_> =
        (0..threads).map(|_| std::thread::spawn(|| hashing().map_err(|cause| cause.to_string()))).collect();
    for thread in running {
        thread.join().map_err(|_| "a thread ended early")??;
    }
    Ok(f64::from(HASHES) * f64::from(u32::try_from(threads)?) / begun.elapsed().as_secs_f64())
}

/// Sign-ins a second with many at once: one waits for its event to be on disk while others hash.
async fn rate(identity: &Arc<Identity>) -> Result<f64, Box<dyn Error>> {
    let begun = Instant::now();
    let next = Arc::new(AtomicU32::new(SIGN_INS * 2));
    let mut running: tokio::task::JoinSet<Result<(), String>> = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (identity, next) = (identity.clone(), next.clone());
        running.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= SIGN_INS * 2 + TOGETHER {
                    return Ok(());
                }
                sign_in(&identity, &format!("somebody-{number}"), number).await.map_err(|cause| cause.to_string())?;
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(f64::from(TOGETHER) / begun.elapsed().as_secs_f64())
}

/// The time of one hash.
fn hashing() -> Result<Duration, Box<dyn Error>> {
    let Cost { memory, passes, lanes } = Cost::default();
    let parameters = Params::new(memory, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let mut blocks = vec![Block::default(); parameters.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    let begun = Instant::now();
    for _ in 0..HASHES {
        let hashed = argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut [0; 32], &mut blocks);
        hashed.map_err(|error| error.to_string())?;
    }
    Ok(begun.elapsed() / HASHES)
}

/// The time of one sign-in with a wrong password, from the form's arrival to the page.
async fn sign_in(identity: &Arc<Identity>, name: &str, number: u32) -> Result<Duration, Box<dyn Error>> {
    let [_, b, c, d] = number.to_be_bytes();
    let address = format!("10.{b}.{c}.{d}");
    let form = identity.answer(request(Method::GET, &address, "", String::new())?).await;
    let cookie =
        form.headers().get("set-cookie").ok_or("no cookie")?.to_str()?.split(';').next().unwrap_or_default().to_owned();
    let html = String::from_utf8(form.into_body().to_vec())?;
    let token =
        html.split_once("name=\"form\" value=\"").and_then(|(_, rest)| rest.split('"').next()).ok_or("no form")?;
    let body = format!("form={token}&username={name}&password=a+wrong+guess+of+many+words");
    let request = request(Method::POST, &address, &cookie, body)?;
    let begun = Instant::now();
    let answer: Response<Bytes> = identity.answer(request).await;
    let took = begun.elapsed();
    if answer.status() == http::StatusCode::UNPROCESSABLE_ENTITY {
        Ok(took)
    } else {
        Err(answer.status().to_string().into())
    }
}

fn request(method: Method, address: &str, cookie: &str, body: String) -> Result<Request<Bytes>, http::Error> {
    Request::builder()
        .method(method)
        .uri("/auth/login")
        .header("x-forwarded-for", address)
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(body))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
