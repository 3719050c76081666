use super::ecosystem::Ecosystem;

/// The popular package that a name looks like without being it.
///
/// Precision comes first: only names of the most popular packages are guarded, a name that is itself popular is none's imitation, and
/// the difference is one that typing makes: one letter left out, doubled, exchanged with its neighbour, or a separator moved.
pub(super) fn imitated(ecosystem: Ecosystem, name: &str) -> Option<&'static str> {
    let popular = popular(ecosystem);
    let key = ecosystem.key(name);
    if key.len() < MIN_LENGTH || popular.contains(&&*key) || GENUINE.contains(&(ecosystem, &*key)) {
        return None;
    }
    popular.iter().copied().find(|known| known.len() >= MIN_LENGTH && is_slip(known, &key))
}

/// Shorter names have too many honest neighbours.
const MIN_LENGTH: usize = 6;

/// Packages of their own right, one slip away from a popular one.
const GENUINE: &[(Ecosystem, &str)] = &[(Ecosystem::Npm, "preact"), (Ecosystem::Npm, "requests")];

fn is_slip(known: &str, name: &str) -> bool {
    let bare = |text: &str| text.replace(['-', '_', '.'], "");
    // The same letters with other separators: `event_stream` for `event-stream`.
    if known != name && bare(known) == bare(name) {
        return true;
    }
    // Digits and endings tell versions and languages apart: `boto3`, `types`.
    let (short, long) = if known.len() <= name.len() { (known, name) } else { (name, known) };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if !plain(known) || !plain(name) || (long.starts_with(short) && !ends_doubled(long)) {
        return false;
    }
    known.as_bytes().first() == name.as_bytes().first()
        && strsim::osa_distance(known, name) == 1
        && is_typing(known, name)
}

fn ends_doubled(text: &str) -> bool {
    matches!(text.as_bytes(), [.., one, two] if one == two)
}

/// Whether one comes from the other by leaving out, doubling or exchanging, and not by another letter: `color` and `colors`, `rest` and
/// `test` are different words.
fn is_typing(known: &str, name: &str) -> bool {
    known.len() != name.len() || {
        let mut sorted = [known.as_bytes().to_vec(), name.as_bytes().to_vec()];
        for letters in &mut sorted {
            letters.sort_unstable();
        }
        let [one, other] = sorted;
        one == other
    }
}

/// The most popular packages, as far as imitations of them are known to have been published.
const fn popular(ecosystem: Ecosystem) -> &'static [&'static str] {
    match ecosystem {
        Ecosystem::Npm => NPM,
        Ecosystem::PyPi => PYPI,
        Ecosystem::CratesIo => CRATES,
        Ecosystem::RubyGems => GEMS,
        Ecosystem::NuGet => NUGET,
        _ => &[],
    }
}

const NPM: &[&str] = &[
    "angular",
    "babel-core",
    "babel-loader",
    "bcryptjs",
    "bluebird",
    "body-parser",
    "bootstrap",
    "browserify",
    "cheerio",
    "classnames",
    "coffee-script",
    "commander",
    "compression",
    "concurrently",
    "cookie-parser",
    "cross-env",
    "cross-spawn",
    "discord.js",
    "dotenv",
    "electron",
    "ethers",
    "event-stream",
    "express",
    "express-session",
    "fs-extra",
    "graphql",
    "gulp-util",
    "handlebars",
    "hardhat",
    "inquirer",
    "jquery",
    "jsonwebtoken",
    "lodash",
    "mariadb",
    "minimist",
    "moment",
    "mongodb",
    "mongoose",
    "mysql2",
    "node-fetch",
    "node-sass",
    "nodemailer",
    "nodemon",
    "passport",
    "prettier",
    "prop-types",
    "puppeteer",
    "react-dom",
    "react-router",
    "redux-thunk",
    "request",
    "rimraf",
    "sequelize",
    "shelljs",
    "socket.io",
    "styled-components",
    "tailwindcss",
    "typescript",
    "ua-parser-js",
    "underscore",
    "webpack",
    "winston",
    "xmlhttprequest",
    "yargs-parser",
];

const PYPI: &[&str] = &[
    "aiohttp",
    "ansible",
    "beautifulsoup4",
    "botocore",
    "celery",
    "certifi",
    "charset-normalizer",
    "colorama",
    "cryptography",
    "discord-py",
    "django",
    "djangorestframework",
    "docutils",
    "fastapi",
    "flask-login",
    "gunicorn",
    "httplib2",
    "importlib-metadata",
    "ipython",
    "jinja2",
    "jsonschema",
    "jupyter",
    "markupsafe",
    "matplotlib",
    "mysqlclient",
    "networkx",
    "opencv-python",
    "openpyxl",
    "packaging",
    "pandas",
    "paramiko",
    "pillow",
    "protobuf",
    "psycopg2",
    "psycopg2-binary",
    "pyasn1",
    "pycrypto",
    "pydantic",
    "pygments",
    "pymongo",
    "pyopenssl",
    "pyparsing",
    "pytest",
    "python-dateutil",
    "pyyaml",
    "requests",
    "scikit-learn",
    "scrapy",
    "selenium",
    "setuptools",
    "sqlalchemy",
    "telethon",
    "tensorflow",
    "tornado",
    "typing-extensions",
    "urllib3",
    "virtualenv",
    "werkzeug",
];

const CRATES: &[&str] = &[
    "anyhow",
    "async-trait",
    "bitflags",
    "chrono",
    "crossbeam",
    "crossbeam-channel",
    "env_logger",
    "ethers",
    "futures",
    "hashbrown",
    "indexmap",
    "itertools",
    "lazy_static",
    "num_cpus",
    "once_cell",
    "openssl",
    "parking_lot",
    "proc-macro2",
    "reqwest",
    "rust_decimal",
    "rustls",
    "serde_derive",
    "serde_json",
    "serde_yaml",
    "smallvec",
    "thiserror",
    "tokio-util",
    "tracing",
    "tungstenite",
];

const GEMS: &[&str] = &[
    "activerecord",
    "activesupport",
    "atlas-client",
    "bootsnap",
    "bundler",
    "capistrano",
    "capybara",
    "concurrent-ruby",
    "devise",
    "faraday",
    "fastlane",
    "jekyll",
    "mini_magick",
    "nokogiri",
    "rest-client",
    "rspec-core",
    "rubocop",
    "rubyzip",
    "sidekiq",
    "sinatra",
    "strong_password",
];

const NUGET: &[&str] = &[
    "automapper",
    "dapper",
    "entityframework",
    "fluentvalidation",
    "log4net",
    "mediatr",
    "microsoft.data.sqlclient",
    "newtonsoft.json",
    "serilog",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imitations_that_were_published_are_known_by_their_slip() {
        for (ecosystem, name, known) in [
            (Ecosystem::Npm, "crossenv", "cross-env"),
            (Ecosystem::Npm, "lodahs", "lodash"),
            (Ecosystem::Npm, "expres", "express"),
            (Ecosystem::Npm, "mongose", "mongoose"),
            (Ecosystem::Npm, "electorn", "electron"),
            (Ecosystem::PyPi, "reqeusts", "requests"),
            (Ecosystem::PyPi, "requestss", "requests"),
            (Ecosystem::PyPi, "djangoo", "django"),
            (Ecosystem::PyPi, "matplotlb", "matplotlib"),
            (Ecosystem::CratesIo, "rustdecimal", "rust_decimal"),
            (Ecosystem::CratesIo, "serdejson", "serde_json"),
        ] {
            assert_eq!(imitated(ecosystem, name), Some(known), "{name}");
        }
    }

    #[test]
    fn popular_packages_and_honest_neighbours_imitate_nobody() {
        for ecosystem in Ecosystem::ALL {
            for name in popular(ecosystem) {
                assert_eq!(imitated(ecosystem, name), None, "{name}");
            }
        }
        for (ecosystem, name) in [
            (Ecosystem::Npm, "react"),
            (Ecosystem::Npm, "react-dom-client"),
            (Ecosystem::Npm, "preact"),
            (Ecosystem::Npm, "moments"),
            (Ecosystem::Npm, "mysql"),
            (Ecosystem::Npm, "requests"),
            (Ecosystem::Npm, "lodash-es"),
            (Ecosystem::Npm, "passport-jwt"),
            (Ecosystem::PyPi, "boto3"),
            (Ecosystem::PyPi, "pytest-cov"),
            (Ecosystem::PyPi, "Flask_Login"),
            (Ecosystem::PyPi, "psycopg"),
            (Ecosystem::CratesIo, "serde"),
            (Ecosystem::CratesIo, "tokio"),
        ] {
            assert_eq!(imitated(ecosystem, name), None, "{name}");
        }
    }
}
