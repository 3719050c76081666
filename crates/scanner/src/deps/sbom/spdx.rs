use serde_json::{Map, Value, json};

use super::cyclonedx::hash;
use super::{Component, Subject, components, content_uuid};
use crate::deps::inventory::Inventory;
use crate::deps::package::{Scope, Source};

/// The inventory as SPDX 2.3 (<https://spdx.github.io/spdx-spec/v2.3/>).
pub fn spdx(inventory: &Inventory, subject: &Subject) -> Value {
    let components = components(inventory);
    let id = |url: &str| format!("SPDXRef-Package-{}", content_uuid(&[url]));
    let mut packages = vec![json!({
        "SPDXID": PROJECT,
        "name": subject.name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "APPLICATION",
    })];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", PROJECT)];
    for (url, component) in &components {
        packages.push(package(&id(url), url, component));
        if component.direct {
            relationships.push(match component.scope {
                Scope::Runtime => relationship(PROJECT, "DEPENDS_ON", &id(url)),
                Scope::Development => relationship(&id(url), "DEV_DEPENDENCY_OF", PROJECT),
            });
        }
        relationships.extend(component.needs.iter().map(|needed| relationship(&id(url), "DEPENDS_ON", &id(needed))));
    }
    let body = json!({ "packages": packages, "relationships": relationships });
    let namespace = format!("https://spdx.org/spdxdocs/bartizan-{}", content_uuid(&[&subject.name, &body.to_string()]));
    // SPDX demands a time; without one that is given, it is the beginning of time, the same in every run.
    let created = subject.created.as_deref().unwrap_or("1970-01-01T00:00:00Z");
    let mut document = Map::new();
    document.insert("spdxVersion".to_owned(), json!("SPDX-2.3"));
    document.insert("dataLicense".to_owned(), json!("CC0-1.0"));
    document.insert("SPDXID".to_owned(), json!("SPDXRef-DOCUMENT"));
    document.insert("name".to_owned(), json!(subject.name));
    document.insert("documentNamespace".to_owned(), json!(namespace));
    let tool = concat!("Tool: bartizan-", env!("CARGO_PKG_VERSION"));
    document.insert("creationInfo".to_owned(), json!({ "created": created, "creators": [tool] }));
    if let Value::Object(body) = body {
        document.extend(body);
    }
    Value::Object(document)
}

const PROJECT: &str = "SPDXRef-Project";

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn package(id: &str, url: &str, component: &Component<'_>) -> Value {
    let package = component.package;
    let mut entry = Map::new();
    entry.insert("SPDXID".to_owned(), json!(id));
    entry.insert("name".to_owned(), json!(package.name));
    if !package.version.is_empty() {
        entry.insert("versionInfo".to_owned(), json!(package.version));
    }
    let location = match &package.source {
        Source::Url(url) => url.clone(),
        Source::Git { url, commit: Some(commit) } => format!("git+{url}@{commit}"),
        Source::Git { url, commit: None } => format!("git+{url}"),
        Source::Registry | Source::Path => "NOASSERTION".to_owned(),
    };
    entry.insert("downloadLocation".to_owned(), json!(location));
    entry.insert("filesAnalyzed".to_owned(), json!(false));
    if let Some((algorithm, value)) = package.integrity.as_deref().and_then(hash) {
        entry.insert(
            "checksums".to_owned(),
            json!([{ "algorithm": algorithm.replace('-', ""), "checksumValue": value }]),
        );
    }
    // What the registry's publisher wrote, which nobody concluded from the files.
    entry.insert("licenseConcluded".to_owned(), json!("NOASSERTION"));
    if let Some(licence) = &package.licence {
        entry.insert("licenseComments".to_owned(), json!(format!("The lock file says: {licence}")));
    }
    let reference = json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": url });
    let advisories = component.vulnerabilities.keys().map(|id| {
        json!({ "referenceCategory": "SECURITY", "referenceType": "advisory", "referenceLocator": format!("https://osv.dev/vulnerability/{id}") })
    });
    entry.insert("externalRefs".to_owned(), std::iter::once(reference).chain(advisories).collect());
    Value::Object(entry)
}
