//! Bills of materials: CycloneDX 1.6 with its vulnerabilities (VEX), SPDX 2.3. The same tree gives the same bytes: serial numbers are
//! made of the content, and there is no time in them but `SOURCE_DATE_EPOCH`.

mod cyclonedx;
mod licence;
mod spdx;

use std::collections::{BTreeMap, BTreeSet};

pub use cyclonedx::cyclonedx;
pub(super) use licence::denied;
pub use spdx::spdx;

use sha2::{Digest as _, Sha256};

use super::inventory::Inventory;
use super::package::{Package, Relation, Scope, Source};
use super::purl::purl;
use super::vulnerability::Vulnerability;

/// What a bill of materials is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The project's name.
    pub name: String,
    /// When the bill was made, RFC 3339 in UTC; only where `SOURCE_DATE_EPOCH` says so.
    pub created: Option<String>,
}

/// A package of the tree, however many files name it.
struct Component<'a> {
    package: &'a Package,
    /// Needed by nothing but building and testing, in every file.
    scope: Scope,
    direct: bool,
    /// The files that name it, with the line.
    places: BTreeSet<(&'a str, u32)>,
    /// The package URLs of what it asks for.
    needs: BTreeSet<String>,
    vulnerabilities: BTreeMap<&'a str, (&'a Vulnerability, Option<&'a str>)>,
}

/// The packages of others in the tree by package URL.
fn components(inventory: &Inventory) -> BTreeMap<String, Component<'_>> {
    let mut components = BTreeMap::<String, Component<'_>>::new();
    for (path, file) in &inventory.files {
        let urls: Vec<String> = file.lock.packages.iter().map(purl).collect();
        for (index, (package, url)) in file.lock.packages.iter().zip(&urls).enumerate() {
            if package.source == Source::Path || package.name.is_empty() {
                continue;
            }
            let component = components.entry(url.clone()).or_insert_with(|| Component {
                package,
                scope: Scope::Development,
                direct: false,
                places: BTreeSet::new(),
                needs: BTreeSet::new(),
                vulnerabilities: BTreeMap::new(),
            });
            component.places.insert((path, package.line));
            component.direct |= package.relation != Relation::Transitive;
            if package.scope == Scope::Runtime {
                component.scope = Scope::Runtime;
            }
            if let Some(verdict) = file.verdicts.get(&index) {
                let found = verdict.vulnerabilities.iter();
                component
                    .vulnerabilities
                    .extend(found.map(|found| (found.id.as_str(), (found, verdict.upgrade.as_deref()))));
            }
        }
        for (index, package) in file.lock.packages.iter().enumerate() {
            for parent in &package.parents {
                let (Some(parent), Some(url)) = (urls.get(parent.package), urls.get(index)) else { continue };
                if let Some(component) = components.get_mut(parent) {
                    component.needs.insert(url.clone());
                }
            }
        }
    }
    let known: BTreeSet<String> = components.keys().cloned().collect();
    for component in components.values_mut() {
        component.needs.retain(|url| known.contains(url));
    }
    components
}

/// A UUID that is made of the content (RFC 9562 §5.8): the same bill has the same one everywhere.
fn content_uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let number = u128::from_be_bytes(bytes);
    // Version 8, variant 10.
    let number = number & !(0xf << 76) | (0x8 << 76);
    let number = number & !(0x3 << 62) | (0x2 << 62);
    let text = format!("{number:032x}");
    let mut groups = Vec::with_capacity(5);
    let mut rest = text.as_str();
    for length in [8, 4, 4, 4, 12] {
        let (group, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        groups.push(group);
        rest = after;
    }
    groups.join("-")
}

#[cfg(test)]
mod tests;
