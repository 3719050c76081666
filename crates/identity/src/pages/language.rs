//! The languages of the pages. A language is one file beside this one; the compiler asks for each text in each of them.

mod de;
mod en;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    German,
}

impl Language {
    pub(crate) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The language of a tag such as `de-AT`, if it is one of ours.
    pub(crate) fn of_tag(tag: &str) -> Option<Self> {
        match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &en::TEXTS,
            Self::German => &de::TEXTS,
        }
    }
}

/// The language that a browser prefers among ours (`RFC 9110 §12.5.4`); English where it says nothing of use.
pub(crate) fn of(headers: &HeaderMap) -> Language {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let ranges = accepted.split(',').take(32).filter_map(|range| {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let weight = match parameters.trim().strip_prefix("q=") {
            Some(weight) => weight.trim().parse::<f32>().ok().filter(|it| (0.0..=1.0).contains(it))?,
            None => 1.0,
        };
        let language = if tag.trim() == "*" { Language::English } else { Language::of_tag(tag)? };
        (weight > 0.0).then_some((weight, language))
    });
    // Of two with the same weight, the first one stands.
    let best = ranges.fold(None, |best: Option<(f32, Language)>, one| match best {
        Some(best) if best.0 >= one.0 => Some(best),
        _ => Some(one),
    });
    best.map_or(Language::English, |(_, language)| language)
}

macro_rules! texts {
    ($($name:ident),+ $(,)?) => {
        /// Everything that the pages say.
        pub(crate) struct Texts {
            $(pub(crate) $name: &'static str,)+
        }
    };
}

texts! {
    sign_in, signed_in, go_on, username, password, wrong_credentials, too_many_tries, out_of_order, form_too_old,
    not_found, second_factor, second_factor_why, code_from_app, code_from_app_hint, verify, use_recovery_code, recovery_code, wrong_code,
    step_too_old, link_too_old, link_too_old_why, welcome, welcome_why, new_password, repeat_password, set_password, passwords_differ,
    password_hint, password_too_short, password_too_long, password_guessable, password_unchanged, password_set, setup, setup_why,
    create_account, name_taken, bad_name, your_account, signed_in_as, sign_out, change_password, current_password, wrong_password,
    second_factors, app_is_set_up, app_is_not_set_up, set_up_app, remove_app, app_removed, app_required, scan_code,
    cannot_scan, recovery_codes, recovery_codes_why, recovery_codes_left, new_recovery_codes, written_down, devices, devices_why,
    this_device, device_signed_in, device_last_used, sign_out_device, sign_out_others, signed_out_others, your_data, export_data,
    delete_account, delete_account_why, type_username, username_differs, account_deleted, signed_out, email_address,
    sign_in_with_passkey, passkey_failed, passkeys, passkey_name, passkey_name_hint, add_passkey, passkey_not_made, no_passkeys, passkey_made, remove_passkey, passkey_added, passkey_removed, passkey_refused, or_passkey,
    ask_to_sign_out, did_not_work, request_too_old, client_unknown, request_malformed, for_developers, allow_access,
    client_asks_for, client_leads_to, allow, do_not_allow, scope_openid, scope_profile, scope_email, scope_roles,
    scope_groups, scope_attributes, scope_offline_access, forgotten, new_password_by_mail, forgotten_why, send_link,
    link_is_sent, email_verified, email_not_verified, verify_email, verification_sent, verify_email_title,
    verify_email_why, email_is_verified, mail_hello, mail_reset_subject, mail_reset_body, mail_reset_not_you,
    mail_verify_subject, mail_verify_body, mail_verify_not_you, mail_invitation_subject, mail_invitation_body,
    mail_invitation_not_you, mail_changed_subject, mail_changed_body, mail_changed_not_you, mail_account,
    welcome_passkey, passkey_set, passkey_kind_refused, device_title, device_why, device_code, device_code_hint,
    device_unknown, device_check, device_connected, device_refused, applications, applications_why, no_applications,
    see_applications, allowed_on, take_back, taken_back,
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_reader_gets_the_language_that_the_browser_prefers() {
        let of =
            |accepted: &'static str| of(&HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted))]));
        assert_eq!(of("de-AT,de;q=0.9,en;q=0.8"), Language::German);
        assert_eq!(of("fr,en;q=0.5,de;q=0.7"), Language::German);
        assert_eq!(of("de;q=0,fr"), Language::English);
        assert_eq!(of("xx;q=9,,;;"), Language::English);
    }
}
