//! What outlives the process: the account's key, and the certificate with its key. Readable by the gate's user only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use bartizan_vault::Secret;
use instant_acme::AccountCredentials;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::config::Acme;

/// Files of one certificate.
pub(super) struct State {
    directory: PathBuf,
    account: PathBuf,
    certificate: PathBuf,
}

impl State {
    pub(super) fn new(rules: &Acme) -> Self {
        // An account belongs to a directory, and to the account there that it was bound to.
        let external = rules.external_account.as_ref().map_or("", |account| &account.key_id);
        let account = format!("account-{}.json", short_hash(&format!("{} {external}", rules.directory)));
        let name = rules.domains.first().map_or("none", AsRef::as_ref);
        Self {
            account: rules.state.join(account),
            certificate: rules.state.join(format!("{name}.pem")),
            directory: rules.state.clone(),
        }
    }

    pub(super) fn certificate_file(&self) -> &Path {
        &self.certificate
    }

    /// The certificate of an earlier run.
    pub(super) fn certificate(&self) -> io::Result<Option<CertifiedKey>> {
        match read(&self.certificate)? {
            Some(pem) => certified_key(&pem).map(Some),
            None => Ok(None),
        }
    }

    /// Key and chain go into one file, so that no crash leaves a pair that does not fit.
    pub(super) fn keep_certificate(&self, pem: &Secret<String>) -> io::Result<CertifiedKey> {
        let key = certified_key(pem)?;
        self.write(&self.certificate, pem.expose())?;
        Ok(key)
    }

    /// The account of an earlier run.
    pub(super) fn account(&self) -> io::Result<Option<AccountCredentials>> {
        let Some(document) = read(&self.account)? else { return Ok(None) };
        serde_json::from_str(document.expose()).map(Some).map_err(io::Error::other)
    }

    pub(super) fn keep_account(&self, credentials: &AccountCredentials) -> io::Result<()> {
        let document = Secret::new(serde_json::to_string(credentials)?);
        self.write(&self.account, document.expose())
    }

    pub(super) fn forget_account(&self) -> io::Result<()> {
        fs::remove_file(&self.account)
    }

    /// Whole or not at all, also after a power cut.
    fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let beside = file.with_extension("new");
        let mut open = OpenOptions::new();
        let mut written = open.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(&beside, file)?;
        File::open(&self.directory)?.sync_all()
    }
}

fn read(file: &Path) -> io::Result<Option<Secret<String>>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(Secret::new(text))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

fn certified_key(pem: &Secret<String>) -> io::Result<CertifiedKey> {
    let pem = pem.expose().as_bytes();
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(io::Error::other)?;
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(io::Error::other)
}

fn short_hash(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let start = hash.as_ref().iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{start:012x}")
}
