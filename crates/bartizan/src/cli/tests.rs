use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn what_this_version_cannot_do_is_not_in_the_help() {
    let help = Arguments::command().render_long_help().to_string();
    for later in ["scan", "drill", "secret", "report", "model", "policy", "advisories", "backup", "restore", "init"] {
        let listed = help.lines().any(|line| line.trim_start().starts_with(&format!("{later} ")));
        assert!(!listed, "`{later}` is in the help");
    }
}

#[test]
fn what_key_new_prints_can_be_pasted_and_opens_the_gate_to_its_key() {
    use bartizan_token::ApiKeys;

    let new = [
        "bartizan",
        "key",
        "new",
        "partner",
        "--role",
        "sta\"ff",
        "--scope",
        "a",
        "--owner",
        "we \"two\"",
        "--expires",
        "never",
    ];
    let arguments = Arguments::try_parse_from(new).unwrap();
    let Command::Key(key::Key::New(new)) = arguments.command else { panic!("another command") };
    let output = Output::new(Format::Text, true, true);
    let text = new.make(&bartizan_vault::random::SystemRandom::new(), &crate::config::Process, output).unwrap();
    let (key, section) = text.split_once("\n\n").unwrap();

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bartizan.toml");
    std::fs::write(&file, format!("[server]\nlisten = \"127.0.0.1:0\"\n\n{section}")).unwrap();
    let loaded = crate::config::load(&file, &crate::config::Process);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults.render(crate::config::Style::Plain)));
    let keys = ApiKeys::new(loaded.gateway.api_keys).unwrap();
    let principal = keys.verify(key, bartizan_policy::Timestamp::from_unix(0)).unwrap();
    assert_eq!(principal.subject.as_str(), "partner");
    assert_eq!(principal.roles[0].as_ref(), "sta\"ff");
}

#[test]
fn a_wrong_command_line_is_told_apart_from_work_that_failed() {
    let code = |arguments: &[&str]| format!("{:?}", run(arguments.iter().map(OsString::from)));
    assert_eq!(code(&["bartizan", "serv"]), format!("{:?}", ExitCode::from(WRONG_USAGE)));
    assert_eq!(code(&["bartizan", "check", "/nowhere/bartizan.toml"]), format!("{:?}", ExitCode::from(WRONG_USAGE)));
    assert_eq!(code(&["bartizan", "audit", "tail", "/nowhere"]), format!("{:?}", ExitCode::from(NOT_DONE)));
}

#[test]
fn every_command_has_its_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    assert_eq!(
        format!("{:?}", run(["bartizan", "man", "--directory", path].map(OsString::from))),
        format!("{:?}", ExitCode::SUCCESS)
    );
    for page in ["bartizan.1", "bartizan-serve.1", "bartizan-health.1", "bartizan-key-new.1"] {
        let text = std::fs::read_to_string(directory.path().join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
}

#[test]
fn a_room_that_does_not_exist_is_refused_and_never_left_out_in_silence() {
    let file = "/nowhere/bartizan.toml";
    for rooms in ["identity", "console", "gateway,identity"] {
        let code = run(["bartizan", "serve", file, "--only", rooms].map(OsString::from));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(WRONG_USAGE)));
    }
    assert!(rooms::Room::missing(&[rooms::Room::Gateway]).is_none());
}
