use super::*;

/// What each of these names carries.
const CARRYING: [(&str, Category, &str); 34] = [
    ("email", Category::Personal, "email"),
    ("userEmail", Category::Personal, "email"),
    ("EMAIL_ADDRESS", Category::Personal, "email"),
    ("contact-email", Category::Personal, "email"),
    ("HTMLEmail", Category::Personal, "email"),
    ("firstName", Category::Personal, "name"),
    ("customer_last_name", Category::Personal, "name"),
    ("surname", Category::Personal, "name"),
    ("phoneNumber", Category::Personal, "phone"),
    ("mobile_phone", Category::Personal, "phone"),
    ("msisdn", Category::Personal, "phone"),
    ("billingAddress", Category::Personal, "address"),
    ("addressLine1", Category::Personal, "address"),
    ("zip_code", Category::Personal, "address"),
    ("dateOfBirth", Category::Personal, "birth"),
    ("dob", Category::Personal, "birth"),
    ("SSN", Category::Personal, "national-id"),
    ("passportNumber", Category::Personal, "national-id"),
    ("tax_id", Category::Personal, "national-id"),
    ("gender", Category::Personal, "trait"),
    ("cardNumber", Category::Payment, "card-number"),
    ("credit_card", Category::Payment, "card-number"),
    ("cvv", Category::Payment, "card-code"),
    ("cardCvc", Category::Payment, "card-code"),
    ("cardExpiry", Category::Payment, "card-expiry"),
    ("iban", Category::Payment, "bank-account"),
    ("bankAccountNumber", Category::Payment, "bank-account"),
    ("sort_code", Category::Payment, "bank-account"),
    ("diagnosis", Category::Health, "diagnosis"),
    ("icd10Code", Category::Health, "diagnosis"),
    ("bloodType", Category::Health, "blood"),
    ("current_medications", Category::Health, "medication"),
    ("medicalHistory", Category::Health, "record"),
    ("nhs_number", Category::Health, "insurance"),
];

/// Names that only look alike, from real documents.
const ALIKE: [&str; 66] = [
    "emailTemplate",
    "email_template_id",
    "emailVerified",
    "is_email",
    "hasPhone",
    "emailsSent",
    "emailCount",
    "email_enabled",
    "supportEmail",
    "sender_email",
    "requires_phone_number",
    "phoneModel",
    "phone_verified_at",
    "telephony",
    "cardLayout",
    "dashboardCard",
    "card",
    "cards",
    "cardType",
    "scorecard",
    "cardinality",
    "wildcard",
    "discard",
    "businessCardTheme",
    "name",
    "fileName",
    "displayName",
    "hostname",
    "username_hint",
    "nameSpace",
    "company_name",
    "productName",
    "first",
    "last",
    "lastNameSort",
    "firstNameColumn",
    "ipAddress",
    "mac_address",
    "address",
    "addressable",
    "emailDomain",
    "memoryAddress",
    "street_art_id",
    "streetlight",
    "zip",
    "zipFile",
    "unzip",
    "birthdayPartyTheme",
    "passportEnabled",
    "passportStrategy",
    "national",
    "genderNeutral",
    "region",
    "religionsCount",
    "cvvRequired",
    "ivan",
    "ibanValidatorVersion",
    "accountNumberFormat",
    "routing",
    "routingKey",
    "sortOrder",
    "sort",
    "diagnosticsUrl",
    "bloodhound",
    "medicationReminderEnabled",
    "mobile",
];

#[test]
fn names_tell_what_they_carry_in_every_way_of_writing_them() {
    for (name, category, kind) in CARRYING {
        assert_eq!(by_name(name), Some((category, kind)), "{name}");
    }
}

#[test]
fn names_that_only_look_alike_carry_nothing() {
    let taken: Vec<_> = ALIKE.iter().filter(|name| by_name(name).is_some()).collect();
    assert_eq!(taken, Vec::<&&str>::new());
}

#[test]
fn a_document_says_it_itself_and_its_word_counts() {
    let declared = |word| classify("email", Declared::named(word), None, false);
    assert_eq!(declared("none"), None);
    assert_eq!(declared("health"), Some((Category::Health, "declared")));
    assert_eq!(declared("secret"), Some((Category::Personal, "email")));
    assert_eq!(classify("contact", None, Some("email"), false), Some((Category::Personal, "email")));
    assert_eq!(classify("phone", None, None, true), None);
}

#[test]
fn traffic_shows_what_names_do_not_tell() {
    use crate::json::{Limits, read};
    use crate::learn::{LearnedAnswer, Learning};

    const CARDS: [&str; 6] = [
        "4111111111111111",
        "5500 0000 0000 0004",
        "340000000000009",
        "6011000000000004",
        "30000000000004",
        "4012888888881881",
    ];
    const ACCOUNTS: [&str; 2] = ["DE89370400440532013000", "NO9386011117947"];
    let learning = Learning::default();
    for (at, card) in CARDS.iter().enumerate() {
        let text = format!(
            r#"{{"a":"{card}","b":"{}","c":"ann{at}@people.example","d":"{}","nested":[{{"phoneNumber":"1"}}],"isEmail":true}}"#,
            ACCOUNTS[at % 2],
            4_111_111_111_111_111_u64 + u64::try_from(at).unwrap(),
        );
        let body = read(text.as_bytes(), Limits::default()).unwrap();
        let answer =
            LearnedAnswer { status: 200, content_type: Some("application/json"), body: Some(&body), faults: &[] };
        learning.answer("shop", "GET /a", &answer, 1);
    }
    let learned = learning.learned();
    let found = of_traffic(&learned.apis["shop"]["GET /a"]);
    let found: Vec<_> = found.iter().map(|it| (it.place.as_str(), it.kind)).collect();
    let expected = [
        ("answer 200 /a", "card-number"),
        ("answer 200 /b", "bank-account"),
        ("answer 200 /c", "email"),
        ("answer 200 /nested/*/phoneNumber", "phone"),
    ];
    assert_eq!(found, expected, "`d` looks like cards, but its check digits are not all right");
    let kept = serde_json::to_string(&learned).unwrap();
    assert!(!kept.contains("4111") && !kept.contains("DE89") && !kept.contains("ann0"), "{kept}");
}
