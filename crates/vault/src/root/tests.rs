use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, thread};

use aws_lc_rs::rand::SystemRandom;
use tempfile::TempDir;

use super::*;
use crate::RootFileFault;

const HEXADECIMAL: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

fn load(source: &RootSource) -> Result<Root, VaultError> {
    Root::load(source, &SystemRandom::new())
}

fn fault(source: &RootSource) -> RootFileFault {
    match load(source) {
        Err(VaultError::RootFile { fault, .. }) => fault,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was accepted"),
    }
}

fn written(directory: &TempDir, contents: &[u8], mode: u32) -> PathBuf {
    let path = directory.path().join("root.key");
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn raw_hexadecimal_and_base64_are_the_same_key() {
    let raw: Vec<u8> = (0..32).collect();
    let directory = TempDir::new().unwrap();
    let forms = [
        raw.clone(),
        HEXADECIMAL.as_bytes().to_vec(),
        format!("  {HEXADECIMAL}\r\n").into_bytes(),
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n".to_vec(),
        b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_vec(),
    ];
    let fingerprints =
        forms.map(|form| load(&RootSource::File(written(&directory, &form, 0o600))).unwrap().fingerprint());
    assert!(fingerprints.iter().all(|fingerprint| *fingerprint == fingerprints[0]), "{fingerprints:?}");
}

#[test]
fn what_does_not_hold_256_bits_is_refused() {
    let directory = TempDir::new().unwrap();
    let cases: [&[u8]; 6] = [b"", b"short", &[1; 31], &[1; 33], &[b'g'; 64], &[b'A'; 4096]];
    for contents in cases {
        let fault = fault(&RootSource::File(written(&directory, contents, 0o600)));
        assert!(matches!(fault, RootFileFault::Format), "{contents:?}: {fault}");
    }
}

#[test]
fn a_passphrase_half_a_hexadecimal_key_and_zeros_are_no_keys() {
    let directory = TempDir::new().unwrap();
    let cases: [&[u8]; 4] =
        [b"correct horse battery staple 123", b"0123456789abcdef0123456789abcdef", &[0; 32], &[b'0'; 64]];
    for contents in cases {
        let fault = fault(&RootSource::File(written(&directory, contents, 0o600)));
        assert!(matches!(fault, RootFileFault::Weak), "{contents:?}: {fault}");
    }
}

#[test]
fn a_key_that_others_can_read_or_replace_is_refused_with_the_remedy() {
    let directory = TempDir::new().unwrap();
    for mode in [0o640, 0o604, 0o660, 0o644, 0o700] {
        let fault = fault(&RootSource::File(written(&directory, HEXADECIMAL.as_bytes(), mode)));
        assert!(matches!(fault, RootFileFault::Open { .. }), "{mode:o}: {fault}");
        assert!(fault.to_string().contains("chmod 0600"), "{fault}");
    }
    for mode in [0o600, 0o400] {
        assert!(load(&RootSource::File(written(&directory, HEXADECIMAL.as_bytes(), mode))).is_ok(), "{mode:o}");
    }
}

#[test]
fn a_key_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return; // Only root can give a file away.
    }
    let directory = TempDir::new().unwrap();
    let path = written(&directory, HEXADECIMAL.as_bytes(), 0o600);
    std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
    assert!(matches!(fault(&RootSource::File(path)), RootFileFault::ForeignOwner { owner: 65_534, .. }));
}

#[test]
fn a_directory_or_a_pipe_in_place_of_the_key_is_refused_and_does_not_hang() {
    let directory = TempDir::new().unwrap();
    assert!(matches!(fault(&RootSource::File(directory.path().to_owned())), RootFileFault::NotAFile));
    let pipe = directory.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(fault(&RootSource::File(pipe)), RootFileFault::NotAFile));
}

#[test]
fn a_missing_file_is_named_and_never_made() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("absent");
    let Err(error) = load(&RootSource::File(path.clone())) else { panic!("it was made") };
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_credential_is_taken_from_the_given_directory_only() {
    let directory = TempDir::new().unwrap();
    written(&directory, HEXADECIMAL.as_bytes(), 0o440);
    let credential =
        |name: &str| RootSource::Credential { directory: directory.path().to_owned(), name: name.to_owned() };
    let root = load(&credential("root.key")).unwrap();
    assert_eq!(root.origin(), &RootOrigin::Credential("root.key".to_owned()));
    for name in ["", ".", "..", "../root.key", "/etc/passwd", "a/b"] {
        assert!(matches!(load(&credential(name)), Err(VaultError::CredentialName { .. })), "{name:?}");
    }
}

#[test]
fn the_automatic_key_is_made_once_privately_and_found_again() {
    let state = TempDir::new().unwrap();
    let source = RootSource::Automatic(state.path().join("state"));
    let first = load(&source).unwrap();
    let RootOrigin::Automatic(path) = first.origin() else { panic!("{:?}", first.origin()) };
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing unfinished stays");
    assert!(load(&source).unwrap().check(first.fingerprint()).is_ok());
}

#[test]
fn processes_that_start_at_once_agree_on_one_automatic_key() {
    let state = TempDir::new().unwrap();
    let source = RootSource::Automatic(state.path().to_owned());
    let starts = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| load(&source).unwrap().fingerprint())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(starts.iter().all(|fingerprint| *fingerprint == starts[0]), "{starts:?}");
}

#[test]
fn an_automatic_key_where_nothing_can_be_written_says_so() {
    let state = TempDir::new().unwrap();
    fs::write(state.path().join("vault"), b"a file in the way").unwrap();
    assert!(matches!(
        fault(&RootSource::Automatic(state.path().to_owned())),
        RootFileFault::Unreadable(_) | RootFileFault::Uncreatable(_)
    ));
}

#[test]
fn keys_differ_by_purpose_and_by_root() {
    let [one, other] = [[1; 32], [2; 32]].map(|mut key| {
        key[0] = 0;
        Root::of(Secret::new(key), RootOrigin::File(PathBuf::new())).unwrap()
    });
    let random = SystemRandom::new();
    let sealed = one.sealing_key(Purpose("a")).unwrap().seal(&random, b"", b"value").unwrap();
    assert!(one.sealing_key(Purpose("a")).unwrap().open(b"", &sealed).is_ok());
    assert!(matches!(one.sealing_key(Purpose("b")).unwrap().open(b"", &sealed), Err(VaultError::Forged)));
    assert!(matches!(other.sealing_key(Purpose("a")).unwrap().open(b"", &sealed), Err(VaultError::OtherRoot { .. })));
    assert!(matches!(other.check(one.fingerprint()), Err(VaultError::OtherRoot { .. })));
}

/// Fingerprint and sealed value come from an implementation of the same format in another language (Python's `hmac` and
/// `cryptography`), for the root 00 01 … 1f.
#[test]
fn the_stored_format_never_changes() {
    const SEALED: &str = "015eac736dd70134c4202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\
        6695744651cfddbc739c739e4bc5248f6c0d1996b9b8533b1b9f4c0f7cc51df5f6d9148c7b1cc67bba4fe36b58";
    let directory = TempDir::new().unwrap();
    let root = load(&RootSource::File(written(&directory, HEXADECIMAL.as_bytes(), 0o600))).unwrap();
    assert_eq!(root.fingerprint().to_string(), "5eac736dd70134c4");

    let (pairs, _) = SEALED.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap());
    let sealed = crate::Sealed::from_bytes(bytes.collect());
    let opened = root.sealing_key(Purpose("vector")).unwrap().open(b"context", &sealed).unwrap();
    assert_eq!(opened.expose(), b"an independent implementation");
}
