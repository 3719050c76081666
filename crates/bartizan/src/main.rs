//! The gate before any backend.
#![forbid(unsafe_code)]
use std::process::ExitCode;
#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let args: Vec<String> = std::env::args().collect();
    let file = std::path::PathBuf::from(args.get(2).cloned().unwrap_or("bartizan.toml".into()));
    match args.get(1).map(String::as_str) {
        Some("serve") => match bartizan::config::load(&file, &bartizan::config::Process) {
            Ok(l) => match bartizan::serve::run(&file, l) {
                Ok(c) => c,
                Err(e) => {
                    tracing::error!("{e:#}");
                    ExitCode::from(3)
                }
            },
            Err(f) => {
                tracing::error!("{}", f.render(bartizan::config::Style::Plain));
                ExitCode::from(2)
            }
        },
        _ => ExitCode::from(2),
    }
}
