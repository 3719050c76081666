use std::cmp::Ordering;

use proptest::prelude::*;

use super::npm_range::NpmRange;
use super::*;

/// Pairs with the order that the ecosystems' own implementations give them, made by `tests/versions/generate.py`.
const ORDER: &str = include_str!("../../../tests/versions/order.tsv");

fn scheme(name: &str) -> Scheme {
    match name {
        "semver" => Scheme::SemVer,
        "pep440" => Scheme::Pep440,
        "maven" => Scheme::Maven,
        "gem" => Scheme::Gem,
        "composer" => Scheme::Composer,
        other => panic!("{other}"),
    }
}

fn order(scheme: Scheme, one: &str, other: &str) -> Ordering {
    Version::parse(scheme, one).unwrap().cmp(&Version::parse(scheme, other).unwrap())
}

#[test]
fn versions_stand_in_the_order_that_their_ecosystems_own_tools_give_them() {
    let mut wrong = Vec::new();
    for line in ORDER.lines().filter(|line| !line.starts_with("npm-range")) {
        let [name, one, sign, other] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let expected = match sign {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            _ => Ordering::Greater,
        };
        let found = Version::parse(scheme(name), one)
            .and_then(|one| Ok(one.cmp(&Version::parse(scheme(name), other)?)))
            .map_err(|error| error.to_string());
        if found != Ok(expected) {
            wrong.push(format!("{line}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn an_npm_range_holds_what_node_semver_says_that_it_holds() {
    let mut wrong = Vec::new();
    for line in ORDER.lines().filter(|line| line.starts_with("npm-range")) {
        let [_, range, answer, version] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let found = NpmRange::parse(range).map(|range| range.contains(version));
        if found != Some(answer == "in") {
            wrong.push(format!("{line}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_no_range_of_versions_is_not_taken_for_one() {
    for text in ["latest", "git+https://host/a.git#v1", "npm:other@^1", "workspace:*", "file:../a", ">= ", "1.2.3.4"] {
        assert_eq!(NpmRange::parse(text), None, "{text}");
    }
}

fn ascending(scheme: Scheme, versions: &[&str]) {
    for pair in versions.windows(2) {
        assert_eq!(order(scheme, pair[0], pair[1]), Ordering::Less, "{} < {}", pair[0], pair[1]);
    }
}

fn equal(scheme: Scheme, versions: &[&str]) {
    for pair in versions.windows(2) {
        assert_eq!(order(scheme, pair[0], pair[1]), Ordering::Equal, "{} = {}", pair[0], pair[1]);
    }
}

#[test]
fn semantic_versions_stand_in_the_order_of_the_specifications_example() {
    let example = [
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
    ];
    ascending(Scheme::SemVer, &example);
    ascending(Scheme::SemVer, &["1.9.0", "1.10.0", "18446744073709551616.0.0", "18446744073709551617.0.0"]);
    equal(Scheme::SemVer, &["1.0.0", "1.0.0+build", "1.0", "1"]);
}

#[test]
fn a_go_pseudo_version_stands_between_the_tags_around_its_commit() {
    ascending(
        Scheme::Go,
        &[
            "v0.0.0-20190101000000-abcdefabcdef",
            "v0.0.0-20200101000000-000000000000",
            "v1.2.3",
            "v1.2.4-0.20200101000000-abcdefabcdef",
            "v1.2.4",
        ],
    );
    equal(Scheme::Go, &["v2.0.0+incompatible", "2.0.0", "v2.0.0"]);
}

#[test]
fn python_versions_stand_in_the_order_of_pep_440s_summary() {
    ascending(
        Scheme::Pep440,
        &[
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0+abc.5",
            "1.0+abc.7",
            "1.0+5",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ],
    );
    equal(Scheme::Pep440, &["1.0", "v1", "1.0.0", "01.0"]);
    equal(Scheme::Pep440, &["1.0rc1", "1.0-RC.1", "1.0c1", "1.0_preview1"]);
    for text in ["", "1.", "a", "1.0-", "1.0+", "1.0+a..b", "1..0", "2004d", "1.0 beta"] {
        assert!(Version::parse(Scheme::Pep440, text).is_err(), "{text}");
    }
}

#[test]
fn maven_versions_stand_in_the_order_of_its_documentation() {
    ascending(
        Scheme::Maven,
        &[
            "1-alpha-1",
            "1-alpha-2",
            "1-beta",
            "1-milestone",
            "1-rc",
            "1-SNAPSHOT",
            "1",
            "1-sp",
            "1-jre",
            "1-1",
            "1.1",
            "2.0-alpha",
            "2.0",
            "2.0.1",
            "10",
        ],
    );
    equal(Scheme::Maven, &["1", "1.0", "1-ga", "1.0.0-final", "1-0"]);
    equal(Scheme::Maven, &["1.0a1", "1.0-alpha-1"]);
    ascending(Scheme::Maven, &["31.1-android", "31.1-jre", "32.0.0-android"]);
}

#[test]
fn gems_stand_in_the_order_of_rubygems() {
    ascending(
        Scheme::Gem,
        &["1.0.a", "1.0.a.2", "1.0.b1", "1.0.pre", "1.0.rc1", "1.0.rc2", "1.0", "1.0.1.pre", "1.0.1", "1.10"],
    );
    equal(Scheme::Gem, &["1", "1.0", "1.0.0"]);
}

#[test]
fn nuget_versions_have_four_numbers_and_labels_without_case() {
    ascending(
        Scheme::NuGet,
        &["1.0.0-alpha", "1.0.0-Beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.0.1", "1.0.1", "1.10.0"],
    );
    equal(Scheme::NuGet, &["1.0", "1.0.0", "1.0.0.0", "1.0.0+meta", "01.0"]);
    equal(Scheme::NuGet, &["1.0.0-RC.1", "1.0.0-rc.1"]);
    assert!(Version::parse(Scheme::NuGet, "1.2.3.4.5").is_err());
}

#[test]
fn composer_versions_stand_in_the_order_of_stability() {
    ascending(
        Scheme::Composer,
        &[
            "1.0.0-dev",
            "1.0.0-alpha1",
            "1.0.0-beta2-dev",
            "1.0.0-beta2",
            "1.0.0-RC1",
            "1.0.0",
            "1.0.0-p1",
            "1.0.1",
            "1.0.x-dev",
            "1.1",
        ],
    );
    equal(Scheme::Composer, &["v1.2", "1.2.0", "1.2.0.0", "1.2.0-stable"]);
    assert!(Version::parse(Scheme::Composer, "dev-main").is_err());
}

#[test]
fn pub_orders_builds_and_the_others_do_not() {
    ascending(Scheme::Pub, &["1.0.0-dev", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.0+10", "1.0.0+a", "1.0.1"]);
}

#[test]
fn conan_versions_order_letters_after_their_number() {
    ascending(Scheme::Conan, &["1.1.1-pre", "1.1.1", "1.1.1t", "1.1.1w", "1.1.2", "1.10", "2", "2+1", "cci.20200101"]);
    equal(Scheme::Conan, &["1", "1.0", "1.0.0"]);
}

fn any_scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![
        Just(Scheme::SemVer),
        Just(Scheme::Go),
        Just(Scheme::Pep440),
        Just(Scheme::Maven),
        Just(Scheme::Gem),
        Just(Scheme::NuGet),
        Just(Scheme::Composer),
        Just(Scheme::Pub),
        Just(Scheme::Conan),
    ]
}

/// Texts that are often versions of one scheme or another.
const LIKELY: &str =
    "v?[0-9]{1,3}(\\.[0-9]{1,2}){0,3}([-.+]?(alpha|beta|rc|a|b|dev|post|SNAPSHOT|final|x|0|1|2)[.-]?[0-9]{0,2}){0,3}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn any_text_is_a_version_or_refused(scheme in any_scheme(), text in "\\PC{0,40}") {
        let _ = Version::parse(scheme, &text);
        let _ = NpmRange::parse(&text).map(|range| range.contains(&text));
    }

    #[test]
    fn an_order_has_no_cycles(scheme in any_scheme(), texts in proptest::collection::vec(LIKELY, 3)) {
        let versions: Vec<Version> = texts.iter().filter_map(|text| Version::parse(scheme, text).ok()).collect();
        for one in &versions {
            prop_assert_eq!(one.cmp(one), Ordering::Equal);
            for other in &versions {
                prop_assert_eq!(one.cmp(other), other.cmp(one).reverse());
            }
        }
        // Maven's own order is not transitive where lists meet qualifiers; nothing here sorts by it.
        if let ([one, two, three], true) = (versions.as_slice(), scheme != Scheme::Maven) {
            prop_assert!(!(one <= two && two <= three) || one <= three, "{:?}", texts);
        }
    }

    #[test]
    fn numbers_are_ordered_as_numbers(low in 0_u64..1_000_000, high in 0_u64..1_000_000, scheme in any_scheme()) {
        prop_assume!(scheme != Scheme::Composer || (low < 99_999 && high < 99_999));
        prop_assert_eq!(order(scheme, &format!("{low}.0.0"), &format!("{high}.0.0")), low.cmp(&high));
    }

    #[test]
    fn the_number_after_a_number_is_the_next(number in 0_u64..u64::MAX) {
        prop_assert_eq!(Natural::parse(&number.to_string()).unwrap().next(), Natural::parse(&(u128::from(number) + 1).to_string()).unwrap());
    }
}
