use super::{Metrics, Score};

/// The score of CVSS 4.0 (§8): of the macrovector by table, less the way down within it that the vector has gone.
pub(super) fn score(metrics: &Metrics<'_>) -> Result<Score, &'static str> {
    let vector = Vector::read(metrics)?;
    if ["VC", "VI", "VA", "SC", "SI", "SA"].iter().all(|name| vector.is(name, "N")) {
        return Ok(Score::from_tenths(0.0));
    }
    let macrovector = vector.macrovector();
    let value = lookup(macrovector).ok_or("its macrovector has no score")?;
    let distances = vector.distances(macrovector).ok_or("its macrovector has no highest vector")?;
    let lower = [
        lookup(step(macrovector, 0)),
        lookup(step(macrovector, 1)),
        lower_impact(macrovector),
        lookup(step(macrovector, 3)),
        lookup(step(macrovector, 4)),
    ];
    let depths = depths(macrovector);
    // The mean, over the equivalence classes that have a lower level, of how much of the way to it the vector has gone.
    let (mut sum, mut count) = (0.0, 0.0);
    for ((lower, distance), depth) in lower.into_iter().zip(distances).zip(depths) {
        if let Some(lower) = lower {
            sum += (value - lower) * distance / depth;
            count += 1.0;
        }
    }
    let mean = if count > 0.0 { sum / count } else { 0.0 };
    // Tenths, half up; the small addition is FIRST's own, against binary fractions.
    Ok(Score::from_tenths((value - mean + 1e-5).round()))
}

/// The levels of the six equivalence classes, 0 the most severe.
type MacroVector = [u8; 6];

/// Metrics with a weight in a distance: each value's steps below the highest (FIRST's tables, in tenths).
const LEVELS: [(&str, &[(&str, f64)]); 14] = [
    ("AV", &[("N", 0.0), ("A", 1.0), ("L", 2.0), ("P", 3.0)]),
    ("PR", &[("N", 0.0), ("L", 1.0), ("H", 2.0)]),
    ("UI", &[("N", 0.0), ("P", 1.0), ("A", 2.0)]),
    ("AC", &[("L", 0.0), ("H", 1.0)]),
    ("AT", &[("N", 0.0), ("P", 1.0)]),
    ("VC", &[("H", 0.0), ("L", 1.0), ("N", 2.0)]),
    ("VI", &[("H", 0.0), ("L", 1.0), ("N", 2.0)]),
    ("VA", &[("H", 0.0), ("L", 1.0), ("N", 2.0)]),
    ("CR", &[("H", 0.0), ("M", 1.0), ("L", 2.0)]),
    ("IR", &[("H", 0.0), ("M", 1.0), ("L", 2.0)]),
    ("AR", &[("H", 0.0), ("M", 1.0), ("L", 2.0)]),
    ("SC", &[("S", 0.0), ("H", 1.0), ("L", 2.0), ("N", 3.0)]),
    ("SI", &[("S", 0.0), ("H", 1.0), ("L", 2.0), ("N", 3.0)]),
    ("SA", &[("S", 0.0), ("H", 1.0), ("L", 2.0), ("N", 3.0)]),
];
/// Which of [`LEVELS`] belong to which equivalence class; 3 and 6 are one here.
const CLASSES: [std::ops::Range<usize>; 4] = [0..3, 3..5, 5..11, 11..14];

/// The metrics that count, with defaults and modified values put in place.
struct Vector<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Vector<'a> {
    fn read(metrics: &Metrics<'a>) -> Result<Self, &'static str> {
        let mut values = Vec::with_capacity(LEVELS.len() + 1);
        for (name, levels) in LEVELS {
            let value = match name {
                "CR" | "IR" | "AR" => metrics.get(name).filter(|value| *value != "X").unwrap_or("H"),
                _ => {
                    let base = metrics.get(name).ok_or("a base metric is missing")?;
                    // `S` (safety) exists for the modified integrity and availability alone.
                    if base == "S" || !levels.iter().any(|(letter, _)| *letter == base) {
                        return Err("a metric has a value that does not exist");
                    }
                    metrics.get(&format!("M{name}")).filter(|value| *value != "X").unwrap_or(base)
                }
            };
            if !levels.iter().any(|(letter, _)| *letter == value) || (name == "SC" && value == "S") {
                return Err("a metric has a value that does not exist");
            }
            values.push((name, value));
        }
        let exploited = metrics.get("E").filter(|value| *value != "X").unwrap_or("A");
        if !matches!(exploited, "A" | "P" | "U") {
            return Err("a metric has a value that does not exist");
        }
        values.push(("E", exploited));
        Ok(Self(values))
    }

    fn value(&self, name: &str) -> &'a str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// §8.2, tables 24 to 30.
    fn macrovector(&self) -> MacroVector {
        let easy = [self.is("AV", "N"), self.is("PR", "N"), self.is("UI", "N")];
        let eq1 = match easy.iter().filter(|easy| **easy).count() {
            3 => 0,
            1 | 2 if !self.is("AV", "P") => 1,
            _ => 2,
        };
        let eq2 = u8::from(!(self.is("AC", "L") && self.is("AT", "N")));
        let eq3 = match (self.is("VC", "H"), self.is("VI", "H"), self.is("VA", "H")) {
            (true, true, _) => 0,
            (false, false, false) => 2,
            _ => 1,
        };
        let eq4 = if self.is("SI", "S") || self.is("SA", "S") {
            0
        } else {
            2 - u8::from(["SC", "SI", "SA"].iter().any(|name| self.is(name, "H")))
        };
        let eq5 = match self.value("E") {
            "A" => 0,
            "P" => 1,
            _ => 2,
        };
        let wanted = [("CR", "VC"), ("IR", "VI"), ("AR", "VA")];
        let eq6 = u8::from(!wanted.iter().any(|(need, impact)| self.is(need, "H") && self.is(impact, "H")));
        [eq1, eq2, eq3, eq4, eq5, eq6]
    }

    /// How far the vector is, in each class, below the first of the highest vectors of its macrovector that it is nowhere above.
    fn distances(&self, macrovector: MacroVector) -> Option<[f64; 5]> {
        let [first, second, third, fourth] = highest(macrovector);
        for eq1 in first {
            for eq2 in second {
                for eq3 in third {
                    for eq4 in fourth {
                        let found = [self.below(0, eq1), self.below(1, eq2), self.below(2, eq3), self.below(3, eq4)];
                        if let [Some(eq1), Some(eq2), Some(eq3), Some(eq4)] = found {
                            return Some([eq1, eq2, eq3, eq4, 0.0]);
                        }
                    }
                }
            }
        }
        None
    }

    /// The distance of a class below a highest vector, or none where one metric is above it.
    fn below(&self, class: usize, highest: &str) -> Option<f64> {
        let levels = LEVELS.get(CLASSES.get(class)?.clone())?;
        let mut sum = 0.0;
        for ((name, levels), top) in levels.iter().zip(highest.split(' ')) {
            let level = |letter| levels.iter().find(|(known, _)| *known == letter).map(|(_, level)| *level);
            let distance = level(self.value(name))? - level(top)?;
            if distance < 0.0 {
                return None;
            }
            sum += distance;
        }
        Some(sum)
    }
}

/// The highest vectors of a macrovector (FIRST's table), the letters in the order of [`LEVELS`].
fn highest([eq1, eq2, eq3, eq4, _, eq6]: MacroVector) -> [&'static [&'static str]; 4] {
    let first: &[_] = match eq1 {
        0 => &["N N N"],
        1 => &["A N N", "N L N", "N N P"],
        _ => &["P N N", "A L P"],
    };
    let second: &[_] = if eq2 == 0 { &["L N"] } else { &["H N", "L P"] };
    let third: &[_] = match (eq3, eq6) {
        (0, 0) => &["H H H H H H"],
        (0, _) => &["H H L M M H", "H H H M M M"],
        (1, 0) => &["L H H H H H", "H L H H H H"],
        (1, _) => &["L H L H M H", "L H H H M M", "H L H M H M", "H L L M H H", "L L H H H M"],
        _ => &["L L L H H H"],
    };
    let fourth: &[_] = match eq4 {
        0 => &["H S S"],
        1 => &["H H H"],
        _ => &["L L L"],
    };
    [first, second, third, fourth]
}

/// How many steps the levels of the classes are deep (FIRST's table).
const fn depths([eq1, eq2, eq3, eq4, _, eq6]: MacroVector) -> [f64; 5] {
    let first = match eq1 {
        0 => 1.0,
        1 => 4.0,
        _ => 5.0,
    };
    let third = match (eq3, eq6) {
        (0, 0) => 7.0,
        (0, _) => 6.0,
        (1, _) => 8.0,
        _ => 10.0,
    };
    let fourth = match eq4 {
        0 => 6.0,
        1 => 5.0,
        _ => 4.0,
    };
    [first, if eq2 == 0 { 1.0 } else { 2.0 }, third, fourth, 1.0]
}

/// The macrovector with one class a level lower.
fn step(mut macrovector: MacroVector, class: usize) -> MacroVector {
    if let Some(level) = macrovector.get_mut(class) {
        *level += 1;
    }
    macrovector
}

/// Classes 3 and 6 go down together: by the one that can, by the better of both where both can.
fn lower_impact(macrovector: MacroVector) -> Option<f64> {
    let by_impact = lookup(step(macrovector, 2));
    let by_need = lookup(step(macrovector, 5));
    match (macrovector[2], macrovector[5]) {
        (0, 0) => by_impact.into_iter().chain(by_need).reduce(f64::max),
        (1, 0) => by_need,
        _ => by_impact,
    }
}

/// The score of a macrovector in tenths, or none where it does not exist.
fn lookup([eq1, eq2, eq3, eq4, eq5, eq6]: MacroVector) -> Option<f64> {
    if eq1 > 2 || eq2 > 1 || eq3 > 2 || eq4 > 2 || eq5 > 2 || eq6 > 1 {
        return None;
    }
    let row = SCORES.get(usize::from((eq1 * 2 + eq2) * 3 + eq3))?;
    row.get(usize::from((eq4 * 3 + eq5) * 2 + eq6)).filter(|score| **score != NO).map(|score| f64::from(*score))
}

/// No macrovector has these levels.
const NO: u8 = u8::MAX;

/// FIRST's table of the scores of macrovectors, in tenths. A row for classes 1 to 3, a column for 4 to 6.
#[rustfmt::skip]
const SCORES: [[u8; 18]; 18] = [
    [100, 99, 98, 95, 95, 92, 100, 96, 93, 87, 91, 81, 93, 90, 89, 80, 81, 68], // 000
    [98, 95, 95, 92, 90, 84, 93, 92, 89, 81, 81, 65, 88, 80, 78, 70, 69, 48], // 001
    [NO, 92, NO, 82, NO, 72, NO, 79, NO, 69, NO, 50, NO, 69, NO, 55, NO, 27], // 002
    [99, 97, 95, 92, 92, 85, 95, 91, 90, 83, 84, 71, 92, 81, 82, 71, 72, 53], // 010
    [95, 93, 92, 85, 85, 73, 92, 82, 80, 72, 70, 59, 84, 70, 71, 52, 50, 30], // 011
    [NO, 86, NO, 75, NO, 52, NO, 71, NO, 52, NO, 29, NO, 63, NO, 29, NO, 17], // 012
    [98, 95, 94, 87, 91, 81, 94, 89, 86, 74, 77, 64, 87, 75, 74, 63, 63, 49], // 100
    [94, 89, 88, 77, 76, 67, 86, 76, 74, 58, 59, 50, 72, 57, 57, 52, 52, 25], // 101
    [NO, 83, NO, 70, NO, 54, NO, 65, NO, 58, NO, 26, NO, 53, NO, 21, NO, 13], // 102
    [95, 90, 88, 76, 76, 70, 90, 77, 75, 62, 61, 53, 77, 66, 68, 59, 52, 30], // 110
    [89, 78, 76, 67, 62, 58, 74, 59, 57, 57, 47, 23, 61, 52, 57, 29, 24, 16], // 111
    [NO, 71, NO, 59, NO, 30, NO, 58, NO, 26, NO, 15, NO, 23, NO, 13, NO, 6], // 112
    [93, 87, 86, 72, 75, 58, 86, 74, 74, 61, 56, 34, 70, 54, 52, 40, 40, 22], // 200
    [85, 75, 74, 55, 62, 51, 72, 57, 55, 41, 46, 19, 53, 36, 34, 19, 19, 8], // 201
    [NO, 64, NO, 51, NO, 20, NO, 47, NO, 21, NO, 11, NO, 24, NO, 9, NO, 4], // 202
    [88, 75, 73, 53, 60, 50, 73, 55, 59, 40, 41, 20, 54, 43, 45, 22, 20, 11], // 210
    [75, 55, 58, 45, 40, 21, 61, 51, 48, 18, 20, 9, 46, 18, 17, 7, 8, 2], // 211
    [NO, 53, NO, 24, NO, 14, NO, 24, NO, 12, NO, 5, NO, 10, NO, 3, NO, 1], // 212
];
