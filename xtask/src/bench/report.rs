//! What a run found: one table for people, the same as JSON for a page that publishes it.

use bugle_event::json::{Json, Object};

/// One line of the table.
#[derive(Debug, Clone)]
pub struct Figure {
    name: &'static str,
    value: Option<f64>,
    unit: &'static str,
    note: String,
}

impl Figure {
    fn json(&self) -> Json<'_> {
        let mut object = Object::default();
        object.set("name", self.name);
        object.set("value", self.value.map_or(Json::Null, |value| Json::Number(format!("{value:.3}").into())));
        object.set("unit", self.unit);
        object.set("note", self.note.as_str());
        Json::Object(object)
    }
}

/// Everything a run found.
#[derive(Debug, Default)]
pub struct Report {
    facts: Vec<(&'static str, String)>,
    figures: Vec<Figure>,
    failures: Vec<String>,
}

impl Report {
    /// Where and how it was measured.
    pub fn fact(&mut self, name: &'static str, value: String) {
        self.facts.push((name, value));
    }

    /// A figure, its unit and how it came about. One that is no number, as when nothing was counted, is not measured.
    pub fn figure(&mut self, name: &'static str, value: f64, unit: &'static str, note: impl Into<String>) {
        let value = value.is_finite().then_some(value);
        let note = if value.is_some() { note.into() } else { format!("not measured: {}", note.into()) };
        self.figures.push(Figure { name, value, unit, note });
    }

    /// A figure that could not be measured, and why.
    pub fn missing(&mut self, name: &'static str, why: impl std::fmt::Display) {
        self.figures.push(Figure { name, value: None, unit: "", note: format!("not measured: {why}") });
    }

    /// Something that makes the figures worthless.
    pub fn failure(&mut self, what: String) {
        self.failures.push(what);
    }

    /// Whether the figures count.
    pub fn is_good(&self) -> bool {
        self.failures.is_empty()
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.facts {
            text.push_str(&format!("{name:<10} {value}\n"));
        }
        text.push('\n');
        let width = self.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or_default();
        let units = self.figures.iter().map(|figure| figure.unit.chars().count()).max().unwrap_or_default();
        for Figure { name, value, unit, note } in &self.figures {
            let value = value.map_or_else(|| "–".to_owned(), shown);
            let line = format!("{name:<width$}  {value:>10} {unit:<units$}  {note}");
            text.push_str(line.trim_end());
            text.push('\n');
        }
        for failure in &self.failures {
            text.push_str(&format!("\nFAILED: {failure}"));
        }
        text
    }

    /// The same as JSON.
    pub fn json(&self) -> String {
        let mut facts = Object::default();
        self.facts.iter().for_each(|(name, value)| facts.set(*name, value.as_str()));
        let mut report = Object::default();
        report.set("facts", facts);
        report.set("figures", self.figures.iter().map(Figure::json).collect::<Vec<_>>());
        report.set("failures", self.failures.iter().map(|what| Json::from(what.as_str())).collect::<Vec<_>>());
        Json::Object(report).to_string()
    }
}

/// Three digits, or all of a large number with its thousands apart.
fn shown(value: f64) -> String {
    if value >= 100.0 {
        let digits = format!("{value:.0}");
        let groups: Vec<&str> = digits
            .as_bytes()
            .rchunks(3)
            .rev()
            .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
            .collect();
        groups.join(" ")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::json;

    #[test]
    fn a_report_says_the_same_in_both_forms() {
        let mut report = Report::default();
        report.fact("machine", "2 cores".into());
        report.figure("accepted", 12345.6, "events/s", "10 s");
        report.figure("ratio", 2.345, "", "");
        report.missing("issue page", "no form");
        assert!(report.is_good());
        report.failure("the sums differ".into());
        assert!(!report.is_good());
        let table = report.table();
        let found = ["2 cores", "12 346 events/s", "2.35", "not measured: no form", "FAILED: the sums differ"];
        found.iter().for_each(|text| assert!(table.contains(text), "{text} in\n{table}"));
        let json = report.json();
        let tree = json::read(&json, &mut Vec::new());
        let tree = tree.object().unwrap();
        assert_eq!(tree.array("figures").len(), 3);
        assert_eq!(tree.array("figures")[0].object().unwrap().get("value").unwrap().float(), Some(12345.6));
        assert!(tree.array("figures")[2].object().unwrap().get("value").unwrap().is_null());
        assert_eq!(tree.array("failures")[0].text(), Some("the sums differ"));
    }
}
