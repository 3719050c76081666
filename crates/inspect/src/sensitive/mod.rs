//! Which fields carry personal, payment and health data, by what their documents say (`x-bartizan-data`, formats, names) and by what
//! traffic looked like.
//!
//! No value is kept. A name counts by its last words: `email_address` is an address, `email_template` is a template.

pub(crate) mod checks;
mod names;
#[cfg(test)]
mod tests;
mod traffic;

pub use names::by_name;
pub use traffic::of_traffic;

/// What a field carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// What tells of a person (GDPR Art. 4).
    Personal,
    /// What pays: card numbers, accounts (PCI DSS).
    Payment,
    /// What tells of a person's health (GDPR Art. 9, HIPAA).
    Health,
}

impl Category {
    /// The word for it, which `x-bartizan-data` takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Payment => "payment",
            Self::Health => "health",
        }
    }

    /// The category of that word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Personal, Self::Payment, Self::Health].into_iter().find(|it| it.as_str() == word)
    }
}

/// What a document itself says of a field (`x-bartizan-data`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// It carries this.
    Carries(Category),
    /// It carries nothing of the kind, whatever its name.
    Nothing,
}

impl Declared {
    /// Reads `x-bartizan-data`: `personal`, `payment`, `health` or `none`. Any other word is none of them.
    pub fn named(word: &str) -> Option<Self> {
        if word == "none" { Some(Self::Nothing) } else { Category::named(word).map(Self::Carries) }
    }
}

/// A field that carries such data.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SensitiveField {
    /// Where it is: `query /email`, `body /items/*/name`, `answer 200 /iban`; or a coordinate of a schema, `User.email`.
    pub place: String,
    /// What it carries.
    pub category: Category,
    /// What it is taken for: `email`, `card-number`, or `declared`.
    pub kind: &'static str,
}

/// What a field carries, by what is declared of it, its format, and its name.
pub fn classify(
    name: &str,
    declared: Option<Declared>,
    format: Option<&str>,
    is_truth: bool,
) -> Option<(Category, &'static str)> {
    match (declared, format) {
        (Some(Declared::Carries(category)), _) => Some((category, "declared")),
        (Some(Declared::Nothing), _) => None,
        (None, Some("email" | "idn-email")) => Some((Category::Personal, "email")),
        // Whether there is a phone is no phone.
        (None, _) if is_truth => None,
        (None, _) => by_name(name),
    }
}
