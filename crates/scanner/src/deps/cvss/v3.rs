use super::{Metrics, Score};

/// The base score of CVSS 3.0 and 3.1 (3.1 §7.1; for base scores the two differ only in how they round, and nowhere in the result).
pub(super) fn score(metrics: &Metrics<'_>) -> Result<Score, &'static str> {
    let value = |name, values: &[(&str, f64)]| {
        let given = metrics.get(name).ok_or("a base metric is missing")?;
        values
            .iter()
            .find(|(letter, _)| *letter == given)
            .map(|(_, weight)| *weight)
            .ok_or("a metric has a value that does not exist")
    };
    let changed = match metrics.get("S") {
        Some("U") => false,
        Some("C") => true,
        _ => return Err("the scope is missing"),
    };
    let impact = |name| value(name, &[("N", 0.0), ("L", 0.22), ("H", 0.56)]);
    let privileges: &[_] =
        if changed { &[("N", 0.85), ("L", 0.68), ("H", 0.5)] } else { &[("N", 0.85), ("L", 0.62), ("H", 0.27)] };
    let exploitability = 8.22
        * value("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?
        * value("AC", &[("L", 0.77), ("H", 0.44)])?
        * value("PR", privileges)?
        * value("UI", &[("N", 0.85), ("R", 0.62)])?;
    let sub_score = 1.0 - (1.0 - impact("C")?) * (1.0 - impact("I")?) * (1.0 - impact("A")?);
    let impact =
        if changed { 7.52 * (sub_score - 0.029) - 3.25 * (sub_score - 0.02).powi(15) } else { 6.42 * sub_score };
    if impact <= 0.0 {
        return Ok(Score::from_tenths(0.0));
    }
    let factor = if changed { 1.08 } else { 1.0 };
    Ok(round_up((factor * (impact + exploitability)).min(10.0)))
}

/// The smallest tenth that is not below the value, without the errors of binary fractions (3.1, Appendix A).
fn round_up(value: f64) -> Score {
    let hundred_thousandths = (value * 100_000.0).round();
    let tenths = (hundred_thousandths / 10_000.0).floor();
    let is_exact = hundred_thousandths % 10_000.0 == 0.0;
    Score::from_tenths(if is_exact { tenths } else { tenths + 1.0 })
}
