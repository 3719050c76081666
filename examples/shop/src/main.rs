//! `bartizan-shop [ADDRESS]`: runs the sample alone, on 127.0.0.1:3000 unless told otherwise. `SHOP_DATABASE` names a file for
//! its data (in memory otherwise), `JWT_SECRET` the secret of its tokens (a random one otherwise).

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use aws_lc_rs::rand;
use bartizan_shop::{Database, Settings, Shop};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const WARNING: &str = "
  ****************************************************************************
  *  THIS SHOP IS VULNERABLE ON PURPOSE. It is a sample to try Bartizan on:  *
  *  anyone who reaches it can read and change everything in it. It listens  *
  *  on loopback only. Keep it there, and put no real data into it.          *
  ****************************************************************************";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell a closed standard error.
            let _ = writeln!(std::io::stderr(), "bartizan-shop: {error}");
            ExitCode::from(3)
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let listen: SocketAddr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned()).parse()?;
    let database =
        std::env::var_os("SHOP_DATABASE").map_or(Database::Throwaway, |file| Database::File(PathBuf::from(file)));
    let token_secret = std::env::var("JWT_SECRET").or_else(|_| random_secret())?;
    let shop = Shop::start(Settings { listen, database, token_secret }).await?;
    writeln!(std::io::stderr(), "{WARNING}\n")?;
    writeln!(std::io::stdout(), "listening on {}", shop.url())?;
    tokio::signal::ctrl_c().await?;
    shop.stop().await?;
    Ok(())
}

fn random_secret() -> Result<String, Box<dyn std::error::Error>> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).map_err(|_| "the system gave no randomness")?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
