use std::fmt::Write as _;

use super::{escaped, place};
use crate::{FailOn, Report};

/// The report as JUnit's XML, in which each finding is a test: failed from the threshold on, passed below it.
pub fn junit(report: &Report, threshold: FailOn) -> String {
    let fails = |severity| match threshold {
        FailOn::Never => false,
        FailOn::Severity(least) => severity >= least,
    };
    let failures = report.findings.iter().filter(|finding| fails(finding.severity)).count();
    let tests = report.findings.len().max(1);
    let mut page = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bartizan scan\" tests=\"{tests}\" failures=\"{failures}\">\n  \
         <testsuite name=\"bartizan scan\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n"
    );
    if report.findings.is_empty() {
        page.push_str("    <testcase classname=\"bartizan\" name=\"no findings\"/>\n");
    }
    for (number, finding) in report.numbered() {
        let name = format!("{} {} {}:{number}", finding.rule.id, place(finding), finding.fingerprint);
        let _infallible =
            write!(page, "    <testcase classname=\"{}\" name=\"{}\"", escaped(&finding.rule.id), escaped(&name));
        if fails(finding.severity) {
            let _infallible = writeln!(
                page,
                ">\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>",
                finding.severity,
                escaped(&finding.message),
                escaped(&format!("{}\n{} {}", place(finding), finding.rule.why, finding.rule.remedy))
            );
        } else {
            page.push_str("/>\n");
        }
    }
    page.push_str("  </testsuite>\n</testsuites>\n");
    page
}
