use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn what_this_version_cannot_do_is_not_in_the_help() {
    let help = Arguments::command().render_long_help().to_string();
    for later in
        ["scan", "drill", "secret", "user", "report", "model", "policy", "advisories", "backup", "restore", "init"]
    {
        let listed = help.lines().any(|line| line.trim_start().starts_with(&format!("{later} ")));
        assert!(!listed, "`{later}` is in the help");
    }
}
