//! Dates and times of `RFC 3339`.

/// `date-time` of `RFC 3339 §5.6`
pub(super) fn is_date_time(text: &str) -> bool {
    let (Some(date), Some(time)) = (text.get(..10), text.get(11..)) else { return false };
    matches!(text.as_bytes().get(10), Some(b'T' | b't')) && is_date(date) && is_time(time)
}

/// `full-date`, of the Gregorian calendar.
pub(super) fn is_date(text: &str) -> bool {
    let [year, month, day] = match *text.split('-').collect::<Vec<_>>().as_slice() {
        [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2 => [year, month, day].map(number),
        _ => return false,
    };
    let (Some(year), Some(month), Some(day)) = (year, month, day) else { return false };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// `full-time`: with its offset. A leap second is the last one of a day in UTC.
pub(super) fn is_time(text: &str) -> bool {
    let Some((clock, offset)) = text.find(['Z', 'z', '+', '-']).and_then(|at| text.split_at_checked(at)) else {
        return false;
    };
    let Some(offset) = offset_minutes(offset) else { return false };
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    if fraction.is_some_and(|it| it.is_empty() || !it.bytes().all(|byte| byte.is_ascii_digit())) {
        return false;
    }
    let Some([hour, minute, second]) = parts(clock) else { return false };
    if hour > 23 || minute > 59 || second > 60 {
        return false;
    }
    second < 60 || (hour * 60 + minute - offset).rem_euclid(24 * 60) == 23 * 60 + 59
}

fn parts(clock: &str) -> Option<[i32; 3]> {
    match *clock.split(':').collect::<Vec<_>>().as_slice() {
        [hour, minute, second] if [hour, minute, second].iter().all(|part| part.len() == 2) => {
            Some([number(hour)?, number(minute)?, number(second)?])
        }
        _ => None,
    }
}

fn offset_minutes(text: &str) -> Option<i32> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, rest) = text.split_at_checked(1)?;
    let (hour, minute) = rest.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = (hour <= 23 && minute <= 59).then_some(hour * 60 + minute)?;
    Some(if sign == "-" { -minutes } else { minutes })
}

/// Digits and nothing else: a sign would pass `parse`.
fn number(text: &str) -> Option<i32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `duration` of `RFC 3339 appendix A`: units in their order, weeks alone, at least one.
pub(super) fn is_duration(text: &str) -> bool {
    let Some(text) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = text.strip_suffix('W') {
        return is_digits(weeks);
    }
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let has_date = !date.is_empty();
    is_units(date, "YMD")
        && (has_date || time.is_some())
        && time.is_none_or(|time| !time.is_empty() && is_units(time, "HMS"))
}

/// Numbers, each with the next or a later unit; no unit between two is left out.
fn is_units(text: &str, units: &str) -> bool {
    let mut rest = text;
    let mut left: Option<&str> = None;
    while !rest.is_empty() {
        let Some(at) = rest.find(|it: char| it.is_ascii_alphabetic()) else { return false };
        let (digits, after) = rest.split_at(at);
        let Some(unit) = after.chars().next() else { return false };
        let may_be = left.unwrap_or(units);
        let Some(position) = may_be.find(unit) else { return false };
        if !is_digits(digits) || (left.is_some() && position != 0) {
            return false;
        }
        left = may_be.get(position + 1..);
        rest = after.get(1..).unwrap_or_default();
    }
    true
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
