use std::fmt;
use std::str::FromStr;

use bartizan_gateway::config::ListenAddress;

use super::Malformed;
use super::address::Address;
use super::quantity::not;

/// Where a listener is: an IP address and a port, or a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(ListenAddress);

impl Place {
    /// The place.
    pub const fn get(&self) -> &ListenAddress {
        &self.0
    }
}

impl FromStr for Place {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.strip_prefix("unix:") {
            None => text.parse::<Address>().map(|address| Self(address.get().into())),
            Some(path) => text.parse().map(Self).map_err(|_| {
                let bare = path.trim_start_matches('/');
                let remedy = format!("write the whole path, such as `\"unix:/run/{bare}\"`");
                Malformed::new(not(text, "a Unix socket"), remedy)
            }),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Permissions of a file, in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(u32);

impl Mode {
    /// Permissions.
    pub const fn new(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_octal = matches!(text.len(), 3 | 4) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let bits = u32::from_str_radix(text, 8).ok().filter(|bits| is_octal && *bits <= 0o777);
        bits.map(Self).ok_or_else(|| {
            Malformed::new(
                not(text, "a file's permissions"),
                "write them in octal, such as `\"0660\"` for user and group",
            )
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04o}", self.0)
    }
}
