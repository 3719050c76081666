//! The posture for a terminal of 80 columns.

use std::fmt::Write as _;

use super::{ApiPosture, Posture, RoutePosture, Weakness};
use crate::config::render::{Style, counted};

const WIDTH: usize = 80;

impl Posture {
    /// As text for people.
    pub fn render(&self, style: Style) -> String {
        let mut page = Page { text: String::new(), style };
        page.section(
            "Listens",
            &self.listeners.iter().map(|it| (it.url.as_str(), it.serves.as_str())).collect::<Vec<_>>(),
        );
        page.section(
            "Accepts",
            &self.callers.iter().map(|it| (it.name.as_str(), it.accepts.as_str())).collect::<Vec<_>>(),
        );
        page.heading("Holds everywhere");
        self.everywhere.iter().for_each(|fact| page.item("  - ", fact));
        page.section(
            "Forwards to",
            &self.upstreams.iter().map(|it| (it.name.as_str(), it.rules.as_str())).collect::<Vec<_>>(),
        );
        if !self.apis.is_empty() {
            page.heading("Enforces");
            self.apis.iter().for_each(|api| page.api(api));
        }
        page.heading("Serves");
        self.routes.iter().for_each(|route| page.route(route));
        page.heading("Weaker than it could be");
        self.weaker.iter().for_each(|weakness| page.weakness("  ", weakness));
        if self.weaker.is_empty() {
            page.item("  ", "nothing that concerns the whole gate");
        }
        page.text
    }

    /// One line: how much is served, and how many points want a look.
    pub fn summary(&self) -> String {
        let routes = counted(self.routes.len(), "route");
        let weaker = counted(self.count_weaker(), "point");
        format!("{routes}; {weaker} weaker than it could be")
    }
}

struct Page {
    text: String,
    style: Style,
}

impl Page {
    fn paint(&self, code: &str, text: &str) -> String {
        match self.style {
            Style::Plain => text.to_owned(),
            Style::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    fn heading(&mut self, title: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let title = self.paint("1", title);
        let _infallible = writeln!(self.text, "{title}");
    }

    /// Two columns, of which the second is wrapped under itself.
    fn section(&mut self, title: &str, rows: &[(&str, &str)]) {
        if rows.is_empty() {
            return;
        }
        self.heading(title);
        let widest = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0).min(34);
        for (left, right) in rows {
            let gap = widest.saturating_sub(left.chars().count());
            self.item(&format!("  {left}{}  ", " ".repeat(gap)), right);
        }
    }

    /// A text after a first prefix, wrapped under where it begins.
    fn item(&mut self, prefix: &str, text: &str) {
        let indent = prefix.chars().count();
        let mut line = prefix.to_owned();
        let mut column = indent;
        for word in text.split(' ') {
            let length = word.chars().count();
            if column > indent && column + 1 + length > WIDTH {
                self.text.push_str(line.trim_end());
                self.text.push('\n');
                line = " ".repeat(indent);
                column = indent;
            }
            if column > indent {
                line.push(' ');
                column += 1;
            }
            line.push_str(word);
            column += length;
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn api(&mut self, api: &ApiPosture) {
        /// Holes and fields of each kind that are shown; all of them are in the JSON form.
        const MOST: usize = 5;
        let title = self.paint("1", &api.name);
        let _infallible = writeln!(self.text, "  {title}");
        let operations = match api.operations {
            0 => String::new(),
            count => format!(", {}", counted(count, "operation")),
        };
        self.item("    document  ", &format!("{}{operations}", api.title));
        self.item("    requests  ", &api.requests);
        self.item("    answers   ", &api.answers);
        api.weaker.iter().for_each(|weakness| self.weakness("    ", weakness));
        for (category, fields) in &api.carries {
            let shown: Vec<&str> = fields.iter().take(MOST).map(String::as_str).collect();
            let more = fields.len().saturating_sub(MOST);
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            self.item("    carries   ", &format!("{category} data: {}{more}", shown.join("; ")));
        }
        for (advice, places) in &api.holes {
            let shown: Vec<&str> = places.iter().take(MOST).map(String::as_str).collect();
            let more = places.len().saturating_sub(MOST);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            self.item("    ~ ", &format!("{}{more} {advice}", shown.join(", ")));
        }
    }

    fn route(&mut self, route: &RoutePosture) {
        let title = format!("{} {}", route.methods.join(", "), route.path);
        let title = self.paint("1", &title);
        let _infallible = writeln!(self.text, "  {title}\n    {} to {}", route.name, route.upstream);
        self.item("    who     ", &route.who.join("; "));
        if !route.credentials.is_empty() {
            self.item("    by      ", &crate::config::expect::either(&route.credentials));
        }
        self.item("    limits  ", &route.limits.join(", "));
        if !route.answers.is_empty() {
            self.item("    answer  ", &route.answers.join("; "));
        }
        route.weaker.iter().for_each(|weakness| self.weakness("    ", weakness));
    }

    fn weakness(&mut self, indent: &str, weakness: &Weakness) {
        let start = self.text.len();
        self.item(&format!("{indent}! "), &format!("{} ({})", weakness.what, weakness.because));
        if self.style == Style::Coloured {
            let marked = self.text.split_off(start).replacen('!', &self.paint("33", "!"), 1);
            self.text.push_str(&marked);
        }
    }
}
