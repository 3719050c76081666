//! Parts of the interface that this version does not enforce. They are recognised and refused: a section that is silently
//! ignored is a hole that looks like a wall.

/// A key or word of a later version: what it is, and what to do today.
pub(crate) struct Later {
    what: &'static str,
    instead: &'static str,
}

impl Later {
    /// What to tell the user.
    pub(crate) fn message(&self) -> String {
        format!("{}, which this version does not enforce", self.what)
    }

    /// What to do instead.
    pub(crate) fn remedy(&self) -> String {
        self.instead.to_owned()
    }
}

/// A key of a later version, by the dotted names of the tables around it.
pub(crate) fn key(section: &str, key: &str) -> Option<Later> {
    let (what, instead) = match (section, key) {
        ("", "drill") => ("`[drill]` is the attack on one's own API", "leave it out"),
        ("", "egress") => {
            ("`[egress]` guards what the backend calls", "guard it by the network's own rules, and leave this out")
        }
        ("", "secrets") => {
            ("`[secrets]` is the store of secrets", "name secrets by `{ env = \"NAME\" }` or `{ file = \"path\" }`")
        }
        ("store", "url") => ("`url` is PostgreSQL as the store of several nodes", "use one node, with `path`"),
        ("store", "shared") => {
            ("`shared` is counters shared between nodes", "use one node: its counters are in memory")
        }
        ("vault.root", "kms") => {
            ("`kms` is a key management service as root", "use `{ credential = \"…\" }` or `{ file = \"…\" }`")
        }
        ("routes", "rules") => {
            ("`rules` is the Core Rule Set", "leave it out; `bartizan check` shows that nothing inspects for injection")
        }
        ("routes.access", "policy") => (
            "`policy` decides by a Rego rule",
            "write what it decides as `roles`, `scopes`, `attributes`, `owner`, `networks` or `hours`",
        ),
        ("console", _) => {
            ("everything here but `listen` is the web console", "leave everything but `listen` out of `[console]`")
        }
        _ => return None,
    };
    Some(Later { what, instead })
}

/// A word of a later version, by the dotted name of its key.
pub(crate) fn word(place: &str, word: &str) -> Option<Later> {
    let (what, instead) = match (place, word) {
        ("telemetry.otlp.protocol", "grpc" | "http/json") => {
            ("that is another form of OTLP", "use `\"http/protobuf\"`, which every receiver takes, on port 4318")
        }
        _ => return None,
    };
    Some(Later { what, instead })
}
