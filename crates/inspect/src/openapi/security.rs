//! Security requirements (OpenAPI 3.1 §4.8.30): alternatives, of which each asks for one or more schemes.

use super::components::At;
use crate::schema::Library;

/// Who may call an operation, as the document says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// Any one of them is enough. None: the document says nothing, or takes the requirement away with `security: []`.
    pub alternatives: Vec<Alternative>,
}

/// What has to be shown; all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alternative {
    /// Empty: nobody has to be signed in.
    pub requirements: Vec<Requirement>,
    /// Scopes, and roles of schemes that have no scopes.
    pub scopes: Vec<String>,
}

/// What a scheme asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A token: `http` with `bearer`, `oauth2`, `openIdConnect`.
    Bearer,
    /// A key in this place (`header`, `query`, `cookie`) of this name.
    ApiKey(&'static str, String),
    /// A client certificate.
    MutualTls,
    /// Something that the gate does not check, by its name in the document.
    Other(String),
}

impl Security {
    /// Whether the document demands anything at all.
    pub fn is_effective(&self) -> bool {
        !self.alternatives.is_empty() && self.alternatives.iter().all(|it| !it.requirements.is_empty())
    }
}

/// Reads the requirements that stand at `security`.
pub(super) fn read(security: At<'_>, root: At<'_>, library: &Library) -> Result<Security, String> {
    let alternatives = security.elements().map(|alternative| {
        let mut read = Alternative::default();
        for (name, scopes) in alternative.entries() {
            read.requirements.push(requirement(name, root, library)?);
            read.scopes.extend(scopes.elements().filter_map(|scope| scope.json.as_str().map(str::to_owned)));
        }
        Ok(read)
    });
    Ok(Security { alternatives: alternatives.collect::<Result<_, String>>()? })
}

fn requirement(name: &str, root: At<'_>, library: &Library) -> Result<Requirement, String> {
    let schemes = root.get("components").and_then(|it| it.get("securitySchemes"));
    let scheme = schemes.and_then(|it| it.get(name)).ok_or_else(|| format!("there is no security scheme `{name}`"))?;
    let scheme = scheme.followed(library)?;
    let text = |key| scheme.text(key).unwrap_or_default();
    Ok(match (text("type"), text("scheme"), text("in")) {
        ("http", kind, _) if kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("dpop") => {
            Requirement::Bearer
        }
        ("oauth2" | "openIdConnect", ..) => Requirement::Bearer,
        ("apiKey", _, "header") => Requirement::ApiKey("header", text("name").to_owned()),
        ("apiKey", _, "query") => Requirement::ApiKey("query", text("name").to_owned()),
        ("apiKey", _, "cookie") => Requirement::ApiKey("cookie", text("name").to_owned()),
        ("mutualTLS", ..) => Requirement::MutualTls,
        _ => Requirement::Other(name.to_owned()),
    })
}
