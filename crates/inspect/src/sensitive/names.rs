use super::Category::{self, Health, Payment, Personal};

/// Words in this order at the end of a name, and what it then carries. Longer rows stand before their endings.
const NAMES: &[(&str, Category, &str)] = &[
    ("card number", Payment, "card-number"),
    ("card no", Payment, "card-number"),
    ("card pan", Payment, "card-number"),
    ("credit card", Payment, "card-number"),
    ("debit card", Payment, "card-number"),
    ("primary account number", Payment, "card-number"),
    ("cvv", Payment, "card-code"),
    ("cvv2", Payment, "card-code"),
    ("cvc", Payment, "card-code"),
    ("cvc2", Payment, "card-code"),
    ("card security code", Payment, "card-code"),
    ("card verification code", Payment, "card-code"),
    ("card expiry", Payment, "card-expiry"),
    ("card expiration", Payment, "card-expiry"),
    ("card holder", Payment, "card-holder"),
    ("card holder name", Payment, "card-holder"),
    ("cardholder", Payment, "card-holder"),
    ("cardholder name", Payment, "card-holder"),
    ("iban", Payment, "bank-account"),
    ("bank account", Payment, "bank-account"),
    ("bank account number", Payment, "bank-account"),
    ("account iban", Payment, "bank-account"),
    ("routing number", Payment, "bank-account"),
    ("sort code", Payment, "bank-account"),
    ("first name", Personal, "name"),
    ("last name", Personal, "name"),
    ("middle name", Personal, "name"),
    ("full name", Personal, "name"),
    ("given name", Personal, "name"),
    ("family name", Personal, "name"),
    ("maiden name", Personal, "name"),
    ("birth name", Personal, "name"),
    ("surname", Personal, "name"),
    ("forename", Personal, "name"),
    ("firstname", Personal, "name"),
    ("lastname", Personal, "name"),
    ("fullname", Personal, "name"),
    ("email", Personal, "email"),
    ("emails", Personal, "email"),
    ("e mail", Personal, "email"),
    ("mail address", Personal, "email"),
    ("email address", Personal, "email"),
    ("email addresses", Personal, "email"),
    ("phone", Personal, "phone"),
    ("phones", Personal, "phone"),
    ("phone number", Personal, "phone"),
    ("phone numbers", Personal, "phone"),
    ("telephone", Personal, "phone"),
    ("telephone number", Personal, "phone"),
    ("mobile number", Personal, "phone"),
    ("mobile phone", Personal, "phone"),
    ("cell phone", Personal, "phone"),
    ("msisdn", Personal, "phone"),
    ("fax number", Personal, "phone"),
    ("street", Personal, "address"),
    ("street address", Personal, "address"),
    ("street name", Personal, "address"),
    ("home address", Personal, "address"),
    ("postal address", Personal, "address"),
    ("mailing address", Personal, "address"),
    ("billing address", Personal, "address"),
    ("shipping address", Personal, "address"),
    ("delivery address", Personal, "address"),
    ("address line1", Personal, "address"),
    ("address line2", Personal, "address"),
    ("address line 1", Personal, "address"),
    ("address line 2", Personal, "address"),
    ("postal code", Personal, "address"),
    ("postcode", Personal, "address"),
    ("zip code", Personal, "address"),
    ("zipcode", Personal, "address"),
    ("date of birth", Personal, "birth"),
    ("birth date", Personal, "birth"),
    ("birthdate", Personal, "birth"),
    ("birthday", Personal, "birth"),
    ("birth day", Personal, "birth"),
    ("place of birth", Personal, "birth"),
    ("birth place", Personal, "birth"),
    ("birthplace", Personal, "birth"),
    ("dob", Personal, "birth"),
    ("ssn", Personal, "national-id"),
    ("social security number", Personal, "national-id"),
    ("national id", Personal, "national-id"),
    ("national identity number", Personal, "national-id"),
    ("national insurance number", Personal, "national-id"),
    ("identity card number", Personal, "national-id"),
    ("id card number", Personal, "national-id"),
    ("passport", Personal, "national-id"),
    ("passport no", Personal, "national-id"),
    ("passport number", Personal, "national-id"),
    ("driving licence number", Personal, "national-id"),
    ("drivers license number", Personal, "national-id"),
    ("driver license number", Personal, "national-id"),
    ("tax id", Personal, "national-id"),
    ("tax number", Personal, "national-id"),
    ("tax identification number", Personal, "national-id"),
    ("gender", Personal, "trait"),
    ("ethnicity", Personal, "trait"),
    ("nationality", Personal, "trait"),
    ("religion", Personal, "trait"),
    ("marital status", Personal, "trait"),
    ("sexual orientation", Personal, "trait"),
    ("political opinion", Personal, "trait"),
    ("diagnosis", Health, "diagnosis"),
    ("diagnoses", Health, "diagnosis"),
    ("icd code", Health, "diagnosis"),
    ("icd10", Health, "diagnosis"),
    ("icd10 code", Health, "diagnosis"),
    ("blood type", Health, "blood"),
    ("blood group", Health, "blood"),
    ("blood pressure", Health, "blood"),
    ("medication", Health, "medication"),
    ("medications", Health, "medication"),
    ("prescription", Health, "medication"),
    ("prescriptions", Health, "medication"),
    ("allergy", Health, "allergy"),
    ("allergies", Health, "allergy"),
    ("disability", Health, "disability"),
    ("disabilities", Health, "disability"),
    ("medical history", Health, "record"),
    ("medical condition", Health, "record"),
    ("medical conditions", Health, "record"),
    ("medical record number", Health, "record"),
    ("health record", Health, "record"),
    ("patient id", Health, "record"),
    ("health insurance number", Health, "insurance"),
    ("nhs number", Health, "insurance"),
];

/// First words that make a question or a count of what follows, and no datum.
const ABOUT: [&str; 14] =
    ["is", "has", "can", "may", "should", "needs", "requires", "allow", "allows", "num", "count", "max", "min", "hide"];
/// Before it, an `email` or a `phone` is the company's or the machine's own.
const OF_NOBODY: [&str; 10] =
    ["support", "sender", "company", "noreply", "sales", "system", "server", "default", "template", "street art"];
/// Words of a name that are looked at.
const MOST_WORDS: usize = 12;

/// What a field of that name carries.
pub fn by_name(name: &str) -> Option<(Category, &'static str)> {
    let words = words(name);
    let first = words.first()?;
    let is_about = words.len() > 1 && ABOUT.contains(&first.as_str());
    if is_about || OF_NOBODY.contains(&first.as_str()) {
        return None;
    }
    let ends_with = |row: &str| {
        let row: Vec<&str> = row.split(' ').collect();
        words.len() >= row.len() && words.iter().skip(words.len() - row.len()).map(String::as_str).eq(row)
    };
    NAMES.iter().find(|(row, ..)| ends_with(row)).map(|(_, category, kind)| (*category, *kind))
}

/// The words of `camelCase`, `snake_case`, `kebab-case` and `SCREAMING_CASE`, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut begins, mut was_lower) = (true, false);
    let mut letters = name.chars().take(128).peekable();
    while let Some(letter) = letters.next() {
        if !letter.is_alphanumeric() {
            (begins, was_lower) = (true, false);
            continue;
        }
        // `HTMLEmail` is `html email`: the last capital before a small letter begins a word.
        let ends_acronym = letter.is_uppercase() && letters.peek().is_some_and(|next| next.is_lowercase());
        if begins || (letter.is_uppercase() && (was_lower || ends_acronym)) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(letter.to_lowercase());
        }
        (begins, was_lower) = (false, letter.is_lowercase() || letter.is_numeric());
    }
    words.truncate(MOST_WORDS);
    words
}
