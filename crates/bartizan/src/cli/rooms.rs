use clap::ValueEnum;

/// A room that a process can serve by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Room {
    /// The data plane, with the health, readiness and metrics of its own process
    Gateway,
    /// The gate's own sign-in, which stands behind the gate
    #[value(hide = true)]
    Identity,
    /// The web console
    #[value(hide = true)]
    Console,
}

impl Room {
    /// What to tell whoever asks for a room that this version does not have.
    pub(super) fn missing(rooms: &[Self]) -> Option<String> {
        let missing = rooms.iter().find_map(|room| match room {
            Self::Gateway => None,
            Self::Identity => Some(("identity", "the gate's own sign-in")),
            Self::Console => Some(("console", "the web console")),
        });
        let (name, what) = missing?;
        Some(format!(
            "there is no room `{name}` in this version ({what}); `--only gateway` serves the gate, with health, readiness and \
             metrics on `[console] listen`"
        ))
    }
}
