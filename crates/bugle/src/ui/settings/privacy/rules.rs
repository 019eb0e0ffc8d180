//! Rules as a list that a form edits: lines are taken away and added, and the text stays the one thing that is stored.
//!
//! Order counts (what runs first sees more), so the text is edited as the tree that keeps it.

use crate::ui::act::Fields;
use bugle_event::json::{self, Json, Object};
use maud::{Markup, html};

/// Kinds that a form offers, with words for them.
const KINDS: [(&str, &str); 17] = [
    ("email", "e-mail addresses"),
    ("ip", "IP addresses"),
    ("creditcard", "credit card numbers"),
    ("iban", "bank accounts (IBAN)"),
    ("us_ssn", "US social security numbers"),
    ("mac", "MAC addresses"),
    ("uuid", "UUIDs"),
    ("imei", "IMEI numbers"),
    ("userpath", "user names in paths"),
    ("pemkey", "PEM keys"),
    ("url_auth", "user and password in URLs"),
    ("bearer", "bearer tokens"),
    ("password", "passwords by their names"),
    ("cookies", "session cookies"),
    ("anything", "the whole value"),
    ("pattern", "what matches this pattern"),
    ("redact_pair", "values whose name matches this pattern"),
];

const METHODS: [(&str, &str); 4] =
    [("replace", "put a text in its place"), ("remove", "remove it"), ("mask", "mask it with *"), ("hash", "hash it")];

/// One rule where it applies.
pub struct Line {
    /// By which the form names it.
    pub at: String,
    pub selector: String,
    pub words: String,
}

/// The lines of a configuration; none of one that cannot be read.
pub fn lines(text: &str) -> Vec<Line> {
    let Ok(Json::Object(config)) = json::read_whole(text) else { return Vec::new() };
    let empty = Object::default();
    let (own, applications) =
        (config.object("rules").unwrap_or(&empty), config.object("applications").unwrap_or(&empty));
    let mut lines = Vec::new();
    for (first, (selector, ids)) in applications.iter().enumerate() {
        for (second, id) in ids.array().unwrap_or(&[]).iter().filter_map(Json::text).enumerate() {
            let words = own.object(id).map_or_else(|| id.to_string(), in_words);
            lines.push(Line { at: format!("{first}.{second}"), selector: selector.to_string(), words });
        }
    }
    lines
}

fn in_words(rule: &Object<'_>) -> String {
    let kind = rule.text("type").unwrap_or("?");
    let what = KINDS.iter().find(|(name, _)| *name == kind).map_or(kind, |(_, words)| words);
    let pattern = rule.text("pattern").or(rule.text("keyPattern")).map(|pattern| format!(" {pattern}"));
    let redaction = rule.object("redaction");
    let method = redaction.and_then(|redaction| redaction.text("method")).unwrap_or("remove");
    let text = redaction.and_then(|redaction| redaction.text("text")).map(|text| format!(" by {text}"));
    format!("{what}{}: {method}{}", pattern.unwrap_or_default(), text.unwrap_or_default())
}

/// The text after what the form wants taken away and added.
///
/// # Errors
/// A sentence, when a line is to be added and something of it is missing, or the text is no JSON object.
pub fn edited(fields: &Fields) -> Result<String, String> {
    let text = fields.get("rules");
    let drops: Vec<&str> = fields.all("drop").collect();
    let (kind, selector) = (fields.get("kind"), fields.get("selector"));
    if drops.is_empty() && kind.is_empty() && selector.is_empty() {
        return Ok(text.to_string());
    }
    let mut config = match json::read_whole(if text.is_empty() { "{}" } else { text }) {
        Ok(Json::Object(config)) => config.into_owned(),
        _ => return Err("The rules are no JSON object, so no line can be taken away or added.".into()),
    };
    drop_lines(&mut config, &drops);
    if !kind.is_empty() || !selector.is_empty() {
        add_line(&mut config, fields)?;
    }
    let is_empty = ["rules", "applications", "vars"].iter().all(|key| config.object(key).is_none_or(Object::is_empty));
    Ok(if is_empty { String::new() } else { pretty(&Json::Object(config)) })
}

fn drop_lines(config: &mut Object<'static>, drops: &[&str]) {
    let mut used: Vec<String> = Vec::new();
    if let Some(Json::Object(applications)) = config.get_mut("applications") {
        for (first, (_, ids)) in applications.iter_mut().enumerate() {
            let Json::Array(ids) = ids else { continue };
            let mut second = 0;
            ids.retain(|_| {
                second += 1;
                !drops.contains(&format!("{first}.{}", second - 1).as_str())
            });
            used.extend(ids.iter().filter_map(Json::text).map(String::from));
        }
        applications.retain(|_, ids| !ids.is_empty());
    }
    // What other rules are made of stays; a rule that nothing names goes with its line.
    if let Some(Json::Object(rules)) = config.get_mut("rules") {
        for (_, rule) in rules.iter() {
            let Json::Object(rule) = rule else { continue };
            used.extend(rule.array("rules").iter().filter_map(Json::text).map(String::from));
            used.extend(rule.text("rule").map(String::from));
        }
        rules.retain(|id, _| used.iter().any(|used| used == id));
    }
}

fn add_line(config: &mut Object<'static>, fields: &Fields) -> Result<(), String> {
    let (kind, method, selector) = (fields.get("kind"), fields.get("method"), fields.get("selector"));
    let (pattern, text) = (fields.get("pattern"), fields.get("text"));
    if selector.is_empty() {
        return Err("The new rule says not where it is for. Type a path, such as extra.** or $string.".into());
    }
    if kind.is_empty() {
        return Err("The new rule says not what it is for. Choose what to look for.".into());
    }
    let takes_pattern = matches!(kind, "pattern" | "redact_pair");
    if takes_pattern == pattern.is_empty() {
        return Err(match takes_pattern {
            true => "The new rule needs a pattern: a regular expression.".into(),
            false => "A pattern is only for a rule that looks for one. Empty the field, or choose so.".into(),
        });
    }
    if !config.has("applications") {
        config.set("applications", Object::default());
    }
    let id = if takes_pattern || !text.is_empty() { own_rule(config, fields) } else { format!("@{kind}:{method}") };
    if let Some(Json::Object(applications)) = config.get_mut("applications") {
        match applications.get_mut(selector) {
            Some(Json::Array(ids)) => ids.push(Json::from(id)),
            _ => applications.set(selector.to_string(), vec![Json::from(id)]),
        }
    }
    Ok(())
}

/// Makes a rule of its own; says its name.
fn own_rule(config: &mut Object<'static>, fields: &Fields) -> String {
    if !config.has("rules") {
        config.set("rules", Object::default());
    }
    let own = |name: &str| Json::from(fields.get(name).to_string());
    let mut rule = Object::default();
    rule.set("type", own("kind"));
    match fields.get("kind") {
        "pattern" => rule.set("pattern", own("pattern")),
        "redact_pair" => rule.set("keyPattern", own("pattern")),
        _ => {}
    }
    let mut redaction = Object::default();
    redaction.set("method", own("method"));
    if fields.get("method") == "replace" && !fields.get("text").is_empty() {
        redaction.set("text", own("text"));
    }
    rule.set("redaction", redaction);
    let Some(Json::Object(rules)) = config.get_mut("rules") else { return String::new() };
    let id = (1..).map(|n| format!("rule-{n}")).find(|id| !rules.has(id)).unwrap_or_default();
    rules.set(id.clone(), rule);
    id
}

/// JSON to be read and edited: one line for each rule and place.
pub fn pretty(json: &Json<'_>) -> String {
    let mut out = String::new();
    let line = |out: &mut String, indent: usize, key: &str, value: &str, is_last: bool| {
        let comma = if is_last { "" } else { "," };
        out.push_str(&format!("{}{}: {value}{comma}\n", "  ".repeat(indent), Json::from(key)));
    };
    let Json::Object(config) = json else { return json.to_string() };
    out.push_str("{\n");
    for (at, (key, value)) in config.iter().enumerate() {
        let is_last = at + 1 == config.len();
        match value {
            Json::Object(inner) if !inner.is_empty() => {
                out.push_str(&format!("  {}: {{\n", Json::from(key)));
                for (at, (key, value)) in inner.iter().enumerate() {
                    line(&mut out, 2, key, &value.to_string(), at + 1 == inner.len());
                }
                out.push_str(if is_last { "  }\n" } else { "  },\n" });
            }
            value => line(&mut out, 1, key, &value.to_string(), is_last),
        }
    }
    out.push('}');
    out
}

/// The list, the fields of a new line, and the text.
pub fn editor(text: &str, fields: &Fields) -> Markup {
    let lines = lines(text);
    let chosen = |name: &str| fields.get(name);
    html! {
        @if !lines.is_empty() {
            table.books {
                caption.sr { "Rules in the order in which they run" }
                thead { tr { th scope="col" { "What" } th scope="col" { "Where" } th scope="col" { "" } } }
                tbody {
                    @for line in &lines {
                        tr {
                            th scope="row" { (line.words) }
                            td { code { (line.selector) } }
                            td.num { label { input type="checkbox" name="drop" value=(line.at); " take away" } }
                        }
                    }
                }
            }
        }
        div role="group" aria-label="Another rule" {
            h3 { "Another rule" }
            p.acts {
                label for="kind" { "Look for" }
                select #kind name="kind" {
                    option value="" { "nothing more" }
                    @for (name, words) in KINDS { option value=(name) selected[chosen("kind") == name] { (words) } }
                }
                label for="pattern" { "pattern" }
                input #pattern name="pattern" size="18" value=(chosen("pattern"));
            }
            p.acts {
                label for="selector" { "in" }
                input #selector name="selector" size="24" placeholder="extra.** or $string" value=(chosen("selector"));
                label for="method" { "and" }
                select #method name="method" {
                    @for (name, words) in METHODS { option value=(name) selected[chosen("method") == name] { (words) } }
                }
                label for="text" { "text" }
                input #text name="text" size="12" placeholder="[Filtered]" value=(chosen("text"));
            }
        }
        details open[lines.is_empty() && !text.is_empty()] {
            summary { "All rules as JSON" }
            p.field {
                label for="rules" { "In the form that Sentry calls advanced data scrubbing" }
                textarea #rules name="rules" rows="8" spellcheck="false" maxlength="131072" { (text) }
                small.dim {
                    "Paths name one value; " code { ".**" } " at the end means all in it. Also " code { "$string" } ", "
                    code { "$frame.vars.**" } ", " code { "$attachments.'app.log'" } ", joined by && and ||, with ! for not."
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    }

    #[test]
    fn lines_are_added_and_taken_away() {
        let one = edited(&fields(&[("kind", "email"), ("selector", "**"), ("method", "mask")])).expect("added");
        assert_eq!(one, "{\n  \"applications\": {\n    \"**\": [\"@email:mask\"]\n  }\n}");
        let two = edited(&fields(&[
            ("rules", &one),
            ("kind", "pattern"),
            ("pattern", "a+"),
            ("selector", "extra.x"),
            ("method", "replace"),
            ("text", "b"),
        ]));
        let two = two.expect("added");
        let all: Vec<String> =
            lines(&two).into_iter().map(|line| format!("{} {} {}", line.at, line.selector, line.words)).collect();
        assert_eq!(all, ["0.0 ** @email:mask", "1.0 extra.x what matches this pattern a+: replace by b"]);
        let left = edited(&fields(&[("rules", &two), ("drop", "1.0")])).expect("taken away");
        assert_eq!(left, "{\n  \"applications\": {\n    \"**\": [\"@email:mask\"]\n  },\n  \"rules\": {}\n}");
        assert_eq!(edited(&fields(&[("rules", &left), ("drop", "0.0")])).expect("taken away"), "");
        assert_eq!(edited(&fields(&[("rules", "as typed")])).expect("left alone"), "as typed");
    }

    #[test]
    fn half_a_line_is_refused() {
        for (pairs, said) in [
            (vec![("kind", "email")], "says not where"),
            (vec![("selector", "**")], "says not what"),
            (vec![("kind", "pattern"), ("selector", "**")], "needs a pattern"),
            (vec![("kind", "email"), ("selector", "**"), ("pattern", "x")], "only for a rule"),
            (vec![("drop", "0.0"), ("rules", "[")], "no JSON object"),
        ] {
            assert!(edited(&fields(&pairs)).expect_err("refused").contains(said), "{pairs:?}");
        }
    }
}
