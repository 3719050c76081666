use proptest::prelude::*;

use super::*;

/// `seven geese`, as other programs have stored it (argon2-cffi, Python's bcrypt and hashlib).
const OF_OTHERS: [&str; 6] = [
    "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$hPMul039xV7lHGGrNc1kavJHs1v8v09rD6dkOXBPdYU",
    "$argon2i$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$mKDisWP6Zt+DPx21MFxWGWpU9+u7bZhRk6w+a1DK6Yk",
    "$2b$04$abcdefghijklmnopqrstuuqGo28ybLViP.tpw4YLAfleTkyw6w4te",
    "$scrypt$ln=10,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$wmBHHQ+YJpIBKOdR4OZ9N7wPCPY4lYGh1kbneDNQRJU",
    "pbkdf2_sha256$1000$saltysalt$g+pGLKe6oKapZzXGk4AZxkwnmD6Izj3KHBd+BWNno5o=",
    "$pbkdf2-sha512$1000$./8wMTIzNDU2Nzg5YWJjZA$sEEdxnSqphpsOJh.1XYItU4q1PrDOKGJAyG/mzA1jg3S89WFu3EORtmUPHfSodtoibTwVjN775joxUKprkawyA",
];

fn verify(stored: &str, password: &[u8]) -> bool {
    StoredPassword::parse(stored).unwrap().verify(password, &mut Vec::new()).unwrap()
}

#[test]
fn an_imported_user_base_keeps_its_passwords() {
    for stored in OF_OTHERS {
        assert!(verify(stored, b"seven geese"), "{stored}");
        for wrong in [&b"seven goose"[..], b"", b"SEVEN GEESE"] {
            assert!(!verify(stored, wrong), "{stored}");
        }
    }
}

#[test]
fn what_others_made_is_outdated_and_what_is_made_here_is_not() {
    let cost = Cost { memory: 64, passes: 1, lanes: 1 };
    for stored in OF_OTHERS {
        assert!(StoredPassword::parse(stored).unwrap().is_outdated(Cost::default()), "{stored}");
    }
    let ours = hash(b"seven geese", *b"0123456789abcdef", cost, &mut Vec::new()).unwrap();
    assert_eq!(Some(&*ours), OF_OTHERS.first().copied());
    assert!(!StoredPassword::parse(&ours).unwrap().is_outdated(cost));
}

#[test]
fn a_hash_that_would_cost_a_gigabyte_or_a_minute_is_refused_before_it_is_tried() {
    let costly = [
        "$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$hPMul039xV7lHGGrNc1kavJHs1v8v09rD6dkOXBPdYU",
        "$argon2id$v=19$m=64,t=1000000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$hPMul039xV7lHGGrNc1kavJHs1v8v09rD6dkOXBPdYU",
        "$scrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$wmBHHQ+YJpIBKOdR4OZ9N7wPCPY4lYGh1kbneDNQRJU",
        "$scrypt$ln=64,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$wmBHHQ+YJpIBKOdR4OZ9N7wPCPY4lYGh1kbneDNQRJU",
        "$2b$31$abcdefghijklmnopqrstuuqGo28ybLViP.tpw4YLAfleTkyw6w4te",
        "pbkdf2_sha256$4000000000$saltysalt$g+pGLKe6oKapZzXGk4AZxkwnmD6Izj3KHBd+BWNno5o=",
    ];
    for stored in costly {
        assert_eq!(StoredPassword::parse(stored).err(), Some(UnknownFormat::TooCostly), "{stored}");
    }
}

#[test]
fn what_is_no_hash_is_none() {
    for stored in [
        "",
        "secret",
        "$1$salt$hash",
        "{SSHA}abc",
        "$argon2id$",
        "$2b$04$short",
        "$scrypt$ln=10$a",
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
    ] {
        assert!(StoredPassword::parse(stored).is_err(), "{stored}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_fall(text in "[$a-z0-9=,./+]{0,80}", at in 0_usize..120, from in 0_usize..6) {
        drop(StoredPassword::parse(&text));
        let mut cut = OF_OTHERS[from].to_owned();
        cut.truncate(at);
        drop(StoredPassword::parse(&cut));
        drop(StoredPassword::parse(&format!("{cut}{text}")));
    }
}
