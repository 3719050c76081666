use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Component, Subject, components, content_uuid};
use crate::deps::inventory::Inventory;
use crate::deps::package::{Package, Scope};
use crate::deps::purl::purl;
use crate::deps::vulnerability::Vulnerability;

/// The inventory as CycloneDX 1.6 (<https://cyclonedx.org/docs/1.6/json/>), its vulnerabilities as VEX.
pub fn cyclonedx(inventory: &Inventory, subject: &Subject) -> Value {
    let components = components(inventory);
    let direct: Vec<&str> =
        components.iter().filter(|(_, component)| component.direct).map(|(url, _)| url.as_str()).collect();
    let mut dependencies = vec![json!({ "ref": PROJECT, "dependsOn": direct })];
    dependencies.extend(components.iter().map(|(url, component)| json!({ "ref": url, "dependsOn": component.needs })));
    let body = json!({
        "components": components.iter().map(|(url, component)| self::component(url, component)).collect::<Vec<_>>(),
        "dependencies": dependencies,
        "vulnerabilities": vulnerabilities(&components),
    });
    let mut metadata = Map::new();
    if let Some(created) = &subject.created {
        metadata.insert("timestamp".to_owned(), json!(created));
    }
    metadata.insert(
        "tools".to_owned(),
        json!({ "components": [{ "type": "application", "name": "bartizan", "version": env!("CARGO_PKG_VERSION") }] }),
    );
    metadata.insert("component".to_owned(), json!({ "type": "application", "bom-ref": PROJECT, "name": subject.name }));
    let mut bill = Map::new();
    bill.insert("$schema".to_owned(), json!("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    bill.insert("bomFormat".to_owned(), json!("CycloneDX"));
    bill.insert("specVersion".to_owned(), json!("1.6"));
    bill.insert(
        "serialNumber".to_owned(),
        json!(format!("urn:uuid:{}", content_uuid(&[&subject.name, &body.to_string()]))),
    );
    bill.insert("version".to_owned(), json!(1));
    bill.insert("metadata".to_owned(), Value::Object(metadata));
    if let Value::Object(body) = body {
        bill.extend(body);
    }
    Value::Object(bill)
}

/// The project's own reference. No package URL looks like it.
const PROJECT: &str = "project";

fn component(url: &str, component: &Component<'_>) -> Value {
    let package = component.package;
    let (group, name) = match package.name.split_once([':', '/']) {
        Some((group, name)) if has_group(package) => (Some(group), name),
        _ => (None, package.name.as_str()),
    };
    let mut entry = Map::new();
    entry.insert("type".to_owned(), json!("library"));
    entry.insert("bom-ref".to_owned(), json!(url));
    if let Some(group) = group {
        entry.insert("group".to_owned(), json!(group));
    }
    entry.insert("name".to_owned(), json!(name));
    if !package.version.is_empty() {
        entry.insert("version".to_owned(), json!(package.version));
    }
    entry
        .insert("scope".to_owned(), json!(if component.scope == Scope::Development { "excluded" } else { "required" }));
    if let Some((algorithm, content)) = package.integrity.as_deref().and_then(hash) {
        entry.insert("hashes".to_owned(), json!([{ "alg": algorithm, "content": content }]));
    }
    if let Some(licence) = &package.licence {
        entry.insert("licenses".to_owned(), json!([{ "license": { "name": licence } }]));
    }
    entry.insert("purl".to_owned(), json!(purl(package)));
    let occurrences: Vec<Value> =
        component.places.iter().map(|(path, line)| json!({ "location": path, "line": line })).collect();
    entry.insert("evidence".to_owned(), json!({ "occurrences": occurrences }));
    Value::Object(entry)
}

fn has_group(package: &Package) -> bool {
    use crate::deps::ecosystem::Ecosystem;
    match package.ecosystem {
        Ecosystem::Maven | Ecosystem::Packagist => true,
        Ecosystem::Npm => package.name.starts_with('@'),
        _ => false,
    }
}

/// A hash as lock files write it, `sha256:…` in hexadecimal or `sha512-…` in base64, by CycloneDX's name and in hexadecimal.
pub(super) fn hash(integrity: &str) -> Option<(&'static str, String)> {
    use base64::Engine as _;
    let (name, value) = integrity.split_once([':', '-'])?;
    let (algorithm, digits) = match name {
        "sha1" => ("SHA-1", 40),
        "sha256" => ("SHA-256", 64),
        "sha384" => ("SHA-384", 96),
        "sha512" => ("SHA-512", 128),
        _ => return None,
    };
    let value = if integrity.contains('-') {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.split_whitespace().next()?).ok()?;
        hexadecimal(&bytes)
    } else {
        value.to_ascii_lowercase()
    };
    (value.len() == digits && value.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some((algorithm, value))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

/// Each weakness once, with every component that has it.
fn vulnerabilities(components: &BTreeMap<String, Component<'_>>) -> Vec<Value> {
    let mut found = BTreeMap::<&str, (&Vulnerability, Vec<(&str, &str, Option<&str>)>)>::new();
    for (url, component) in components {
        for (id, (vulnerability, upgrade)) in &component.vulnerabilities {
            let affected = &mut found.entry(id).or_insert_with(|| (vulnerability, Vec::new())).1;
            affected.push((url, &component.package.version, *upgrade));
        }
    }
    found.into_values().map(|(vulnerability, affected)| self::vulnerability(vulnerability, &affected)).collect()
}

fn vulnerability(found: &Vulnerability, affected: &[(&str, &str, Option<&str>)]) -> Value {
    let mut entry = Map::new();
    entry.insert("id".to_owned(), json!(found.id));
    entry.insert(
        "source".to_owned(),
        json!({ "name": "OSV", "url": format!("https://osv.dev/vulnerability/{}", found.id) }),
    );
    if !found.aliases.is_empty() {
        let references: Vec<Value> = found
            .aliases
            .iter()
            .map(|alias| json!({ "id": alias, "source": { "name": "OSV", "url": format!("https://osv.dev/vulnerability/{alias}") } }))
            .collect();
        entry.insert("references".to_owned(), json!(references));
    }
    entry.insert("ratings".to_owned(), json!([rating(found)]));
    if !found.summary.is_empty() {
        entry.insert("description".to_owned(), json!(found.summary));
    }
    if let Some(upgrade) = affected.iter().find_map(|(_, _, upgrade)| *upgrade) {
        entry.insert("recommendation".to_owned(), json!(format!("Upgrade to {upgrade}.")));
    }
    // Whether the weakness can be reached was not looked at.
    entry.insert("analysis".to_owned(), json!({ "state": "in_triage" }));
    let affects: Vec<Value> = affected
        .iter()
        .map(|(url, version, _)| json!({ "ref": url, "versions": [{ "version": version, "status": "affected" }] }))
        .collect();
    entry.insert("affects".to_owned(), json!(affects));
    Value::Object(entry)
}

fn rating(found: &Vulnerability) -> Value {
    match &found.score {
        Some((score, vector)) => {
            let method = match vector.get(..8) {
                Some("CVSS:3.0") => "CVSSv3",
                Some("CVSS:3.1") => "CVSSv31",
                _ => "CVSSv4",
            };
            json!({
                "score": f64::from(score.tenths()) / 10.0,
                "severity": found.severity.as_str(),
                "method": method,
                "vector": vector,
            })
        }
        None => json!({ "severity": found.severity.as_str(), "method": "other" }),
    }
}
