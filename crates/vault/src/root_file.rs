use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Component, Path},
};

use aws_lc_rs::rand::SecureRandom;
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use rustix::fs::OFlags;

use crate::{RootFileFault, Secret, VaultError, random};

type Key = Secret<[u8; 32]>;

/// The root in the service manager's credential `name`.
///
/// systemd grants a service's user access by an ACL, which shows as read permission of the group; other users have none.
pub(crate) fn credential(directory: &Path, name: &str) -> Result<Key, VaultError> {
    let mut components = Path::new(name).components();
    let (Some(Component::Normal(only)), None) = (components.next(), components.next()) else {
        return Err(VaultError::CredentialName { name: name.to_owned() });
    };
    read(&directory.join(only), 0o440)
}

/// The root in a file that only its owner can read.
pub(crate) fn private(path: &Path) -> Result<Key, VaultError> {
    read(path, 0o600)
}

/// The root in the file at `path`, made there if there is none.
pub(crate) fn load_or_create(path: &Path, random: &dyn SecureRandom) -> Result<Key, VaultError> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path, random)?,
        _ => {}
    }
    // Read back also what was just made: two processes that start at once agree on the one key that is there.
    private(path)
}

fn create(path: &Path, random: &dyn SecureRandom) -> Result<(), VaultError> {
    let key = random::secret::<32>(random)?;
    let uncreatable = |cause| VaultError::RootFile { path: path.to_owned(), fault: RootFileFault::Uncreatable(cause) };
    let directory = path.parent().ok_or_else(|| uncreatable(io::ErrorKind::InvalidFilename.into()))?;
    create_private_directory(directory).map_err(uncreatable)?;

    // The key appears under its name whole and on disk, or not at all: a crash half-way must not leave a shorter key, and a link
    // never replaces a key that another process made meanwhile.
    let unfinished = directory.join(format!("root.key.{:016x}", u64::from_be_bytes(random::bytes(random)?)));
    let linked = write_durably(&unfinished, key.expose()).and_then(|()| fs::hard_link(&unfinished, path));
    let removed = fs::remove_file(&unfinished);
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(uncreatable(error)),
        Ok(()) => removed.and_then(|()| File::open(directory)?.sync_all()).map_err(uncreatable),
    }
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    directory.parent().map_or(Ok(()), |parent| {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent)?.sync_all()
    })
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a key whose file grants at most the permission bits `widest`.
fn read(path: &Path, widest: u32) -> Result<Key, VaultError> {
    let fault = |fault| VaultError::RootFile { path: path.to_owned(), fault };
    // Without O_NONBLOCK, opening a pipe that somebody put there would hang the start.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path);
    let file = file.map_err(|error| fault(RootFileFault::Unreadable(error)))?;
    // The open file is judged, not its name, which could be pointed elsewhere between the two.
    judge(&file, widest).map_err(fault)?;
    let text = Secret::try_filled(Vec::with_capacity(LONGEST + 1), |bytes| {
        file.take(LONGEST as u64 + 1).read_to_end(bytes).map(|_| ())
    });
    let text = text.map_err(|error| fault(RootFileFault::Unreadable(error)))?;
    parse(text.expose()).map_err(fault)
}

fn judge(file: &File, widest: u32) -> Result<(), RootFileFault> {
    let metadata = file.metadata().map_err(RootFileFault::Unreadable)?;
    if !metadata.is_file() {
        return Err(RootFileFault::NotAFile);
    }
    let mode = metadata.mode() & 0o7777;
    if mode & !(widest | 0o600) != 0 {
        return Err(RootFileFault::Open { mode, wanted: widest });
    }
    let (owner, own) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != 0 && owner != own {
        return Err(RootFileFault::ForeignOwner { owner, own });
    }
    Ok(())
}

/// More than any accepted form takes: what is longer is refused without being read.
const LONGEST: usize = 256;

const EITHER_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING),
    GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING),
];

/// 32 raw bytes, or their text in hexadecimal or base64 with white space around it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Key, RootFileFault> {
    if let Ok(raw) = <[u8; 32]>::try_from(bytes) {
        // 32 letters are a passphrase or half a key in hexadecimal: 128 bits or fewer where 256 are promised.
        return if raw.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
            Err(RootFileFault::Weak)
        } else {
            strong(Secret::new(raw))
        };
    }
    let text = bytes.trim_ascii();
    if text.len() == 64 {
        return strong(from_hexadecimal(text).ok_or(RootFileFault::Format)?);
    }
    let decoded = BASE64.iter().find_map(|engine| engine.decode(text).ok().map(Secret::new));
    let decoded = decoded.ok_or(RootFileFault::Format)?;
    let key = decoded.expose().as_slice().try_into().map_err(|_| RootFileFault::Format)?;
    strong(Secret::new(key))
}

fn strong(key: Key) -> Result<Key, RootFileFault> {
    let [first, rest @ ..] = key.expose();
    if rest.iter().all(|byte| byte == first) { Err(RootFileFault::Weak) } else { Ok(key) }
}

fn from_hexadecimal(text: &[u8]) -> Option<Key> {
    Secret::try_filled([0; 32], |key| {
        let (pairs, _) = text.as_chunks::<2>();
        key.iter_mut().zip(pairs).try_for_each(|(byte, &[high, low])| {
            let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(());
            *byte = digit(high)? << 4 | digit(low)?;
            Ok::<(), ()>(())
        })
    })
    .ok()
}
