use std::fmt::Write as _;

use super::ecosystem::Ecosystem;
use super::package::{Package, Source};

/// The package URL of a package (<https://github.com/package-url/purl-spec>).
pub fn purl(package: &Package) -> String {
    let name = package.ecosystem.key(&package.name);
    let (kind, namespace, name) = match package.ecosystem {
        Ecosystem::CratesIo => ("cargo", None, &*name),
        Ecosystem::Pub => ("pub", None, &*name),
        // The specification has Go's names in lower case.
        Ecosystem::Go => return with_version(package, &path("golang", &name.to_ascii_lowercase())),
        Ecosystem::Hex => ("hex", None, &*name),
        Ecosystem::Maven => {
            let (group, artifact) = name.split_once(':').unwrap_or(("", &name));
            ("maven", Some(group), artifact)
        }
        // A scope keeps its `@`, encoded.
        Ecosystem::Npm => match name.split_once('/') {
            Some((scope, name)) => ("npm", Some(scope), name),
            None => ("npm", None, &*name),
        },
        Ecosystem::NuGet => ("nuget", None, package.name.as_str()),
        Ecosystem::Packagist => match name.split_once('/') {
            Some((vendor, name)) => ("composer", Some(vendor), name),
            None => ("composer", None, &*name),
        },
        Ecosystem::PyPi => ("pypi", None, &*name),
        Ecosystem::RubyGems => ("gem", None, &*name),
        Ecosystem::ConanCenter => ("conan", None, &*name),
    };
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    let address =
        namespace.map_or_else(|| path(kind, name), |namespace| format!("{}/{}", path(kind, namespace), encode(name)));
    with_version(package, &address)
}

fn path(kind: &str, name: &str) -> String {
    let segments: Vec<String> = name.split('/').filter(|segment| !segment.is_empty()).map(encode).collect();
    format!("pkg:{kind}/{}", segments.join("/"))
}

fn with_version(package: &Package, address: &str) -> String {
    let mut purl = address.to_owned();
    if !package.version.is_empty() {
        // Infallible: a String takes everything.
        let _ = write!(purl, "@{}", encode(&package.version));
    }
    match &package.source {
        Source::Git { url, commit } => {
            let commit = commit.as_ref().map(|commit| format!("@{commit}")).unwrap_or_default();
            let _ = write!(purl, "?vcs_url={}", encode(&format!("git+{url}{commit}")));
        }
        Source::Url(url) => {
            let _ = write!(purl, "?download_url={}", encode(url));
        }
        Source::Registry | Source::Path => {}
    }
    purl
}

/// Percent-encodes all but the unreserved characters and `:`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b':') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_urls_are_those_of_the_specifications_examples() {
        for (ecosystem, name, version, expected) in [
            (Ecosystem::CratesIo, "rand", "0.7.2", "pkg:cargo/rand@0.7.2"),
            (Ecosystem::Npm, "@angular/animation", "12.3.1", "pkg:npm/%40angular/animation@12.3.1"),
            (Ecosystem::Npm, "foobar", "12.3.1", "pkg:npm/foobar@12.3.1"),
            (
                Ecosystem::Maven,
                "org.apache.xmlgraphics:batik-anim",
                "1.9.1",
                "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1",
            ),
            (Ecosystem::PyPi, "Django_allauth", "12.23", "pkg:pypi/django-allauth@12.23"),
            (Ecosystem::Go, "google.golang.org/genproto", "v1.0.0", "pkg:golang/google.golang.org/genproto@v1.0.0"),
            (Ecosystem::RubyGems, "ruby-advisory-db-check", "0.12.4", "pkg:gem/ruby-advisory-db-check@0.12.4"),
            (Ecosystem::NuGet, "EnterpriseLibrary.Common", "6.0.1304", "pkg:nuget/EnterpriseLibrary.Common@6.0.1304"),
            (Ecosystem::Packagist, "Laravel/Laravel", "5.5.0", "pkg:composer/laravel/laravel@5.5.0"),
            (Ecosystem::Hex, "jason", "1.1.2", "pkg:hex/jason@1.1.2"),
            (Ecosystem::Pub, "characters", "1.2.0", "pkg:pub/characters@1.2.0"),
            (Ecosystem::ConanCenter, "openssl", "3.0.3", "pkg:conan/openssl@3.0.3"),
            (Ecosystem::PyPi, "a", "1.0+local.1", "pkg:pypi/a@1.0%2Blocal.1"),
        ] {
            assert_eq!(purl(&Package::new(ecosystem, name, version, 1)), expected);
        }
    }

    #[test]
    fn what_comes_from_a_repository_says_so() {
        let mut package = Package::new(Ecosystem::CratesIo, "tool", "1.0.0", 1);
        package.source = Source::Git { url: "https://git.example/tool".to_owned(), commit: Some("0123456".to_owned()) };
        assert_eq!(purl(&package), "pkg:cargo/tool@1.0.0?vcs_url=git%2Bhttps:%2F%2Fgit.example%2Ftool%400123456");
    }
}
