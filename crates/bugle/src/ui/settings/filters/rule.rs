//! Rules: their list, and the page on which one is written, tried and saved.
//!
//! A rule is a list of conditions of which all or any must hold. Each is a row of fields with the same names, so rows come in
//! the order of the form. A rule whose conditions stand in each other (by REST, or written so) is edited as JSON.

use super::words::{dropped, sentence};
use super::{Sheet, here, load, part, trial, try_out};
use crate::access::Person;
use crate::app::Shared;
use crate::filter::{self, drops, name};
use crate::ui::act::{Act, Fields, Verb};
use crate::ui::error::UiError;
use crate::ui::form::{Said, confirm};
use crate::ui::layout::page;
use crate::ui::moment;
use crate::ui::number::exact;
use crate::ui::settings::project::change;
use crate::ui::toast::Toast;
use axum::extract::{Path, State};
use axum::response::Response;
use bugle_event::filter::rule::{OPS, TESTS_MAX};
use bugle_event::filter::{By, Condition, FIELDS, Field, Filters, Op, Rule, Settings, Test, rule};
use maud::{Markup, html};

/// Days whose drops a rule's page lists.
const DAYS_LISTED: usize = 14;
const DAY_MS: i64 = 86_400_000;

/// The lines of a text area that say something.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_string).collect()
}

/// One row of the form, as it stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Row {
    field: String,
    tag: String,
    is_negated: bool,
    op: String,
    values: String,
}

/// The form, as it stands there: it may make no sense yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Draft {
    id: i64,
    name: String,
    note: String,
    is_active: bool,
    is_any: bool,
    rows: Vec<Row>,
    /// The conditions as JSON, when they are edited so.
    json: Option<String>,
}

impl Draft {
    fn new() -> Draft {
        let row = Row { field: "message".into(), op: "contains".into(), ..Row::default() };
        Draft { is_active: true, rows: vec![row], ..Draft::default() }
    }

    fn of(rule: &Rule) -> Draft {
        let (is_any, list) = match &rule.when {
            Condition::All(list) => (false, list.clone()),
            Condition::Any(list) => (true, list.clone()),
            one => (false, vec![one.clone()]),
        };
        let rows: Option<Vec<Row>> = list.iter().map(Row::of).collect();
        let json = rows.is_none().then(|| serde_json::to_string_pretty(&rule.when).unwrap_or_default());
        Draft {
            id: rule.id,
            name: rule.name.clone(),
            note: rule.note.clone(),
            is_active: rule.is_active,
            is_any,
            rows: rows.unwrap_or_default(),
            json,
        }
    }

    fn read(id: i64, fields: &Fields) -> Draft {
        let column = |name: &'static str| fields.all(name).map(str::to_string).collect::<Vec<_>>();
        let [field, tag, negated, op, values] = ["field", "tag", "negated", "op", "values"].map(column);
        let at = |column: &[String], at: usize| column.get(at).cloned().unwrap_or_default();
        let rows = (0..field.len().min(TESTS_MAX + 1)).map(|n| Row {
            field: at(&field, n),
            tag: at(&tag, n),
            is_negated: at(&negated, n) == "not",
            op: at(&op, n),
            values: at(&values, n),
        });
        Draft {
            id,
            name: fields.get("name").into(),
            note: fields.get("note").into(),
            is_active: fields.get("active") == "on",
            is_any: fields.get("match") == "any",
            rows: rows.collect(),
            json: fields.all("json").next().map(str::to_string),
        }
    }

    /// The rule that the form says.
    fn rule(&self) -> Result<Rule, String> {
        let when = match &self.json {
            Some(json) => {
                serde_json::from_str(json).map_err(|error| format!("The conditions cannot be read: {error}."))?
            }
            None => {
                let tests: Vec<Condition> = self.rows.iter().map(Row::condition).collect::<Result<_, _>>()?;
                if self.is_any { Condition::Any(tests) } else { Condition::All(tests) }
            }
        };
        let (name, note) = (self.name.trim().to_string(), self.note.clone());
        let rule = Rule { id: self.id, name, note, is_active: self.is_active, when };
        rule::check(&rule).map(|()| rule)
    }
}

impl Row {
    fn of(condition: &Condition) -> Option<Row> {
        let (test, is_negated) = match condition {
            Condition::Test(test) => (test, false),
            Condition::Not(one) => match &**one {
                Condition::Test(test) => (test, true),
                _ => return None,
            },
            _ => return None,
        };
        let (field, tag) = match &test.field {
            Field::Known(name) => (name.to_string(), String::new()),
            Field::Tag(key) => ("tag".into(), key.clone()),
        };
        let op = OPS.iter().find(|(op, ..)| *op == test.op).map_or("", |(_, name, _)| name);
        Some(Row { field, tag, is_negated, op: op.into(), values: test.values.join("\n") })
    }

    fn condition(&self) -> Result<Condition, String> {
        let name = if self.field == "tag" { format!("tag:{}", self.tag.trim()) } else { self.field.clone() };
        let field = Field::try_from(name)?;
        let op = OPS.iter().find(|(_, name, _)| *name == self.op).ok_or("Choose how to compare.")?.0;
        let values = if op == Op::Set { Vec::new() } else { lines(&self.values) };
        let test = Condition::Test(Test { field, op, values });
        Ok(if self.is_negated { Condition::Not(Box::new(test)) } else { test })
    }
}

pub(super) async fn begin(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
) -> Result<Response, UiError> {
    let sheet = load(&app, &person, &slug, Toast::default()).await?;
    Ok(answer(&sheet, &Draft::new(), &[], &Said::default()))
}

pub(super) async fn show(
    State(app): State<Shared>,
    person: Person,
    toast: Toast,
    Path((slug, id)): Path<(String, i64)>,
) -> Result<Response, UiError> {
    let sheet = load(&app, &person, &slug, toast).await?;
    let draft = sheet.rules.list.iter().find(|rule| rule.id == id).map(Draft::of).ok_or(UiError::NotFound)?;
    let days = days_of(&app, sheet.project.id, id).await?;
    Ok(answer(&sheet, &draft, &days, &Said::default()))
}

async fn days_of(app: &Shared, project: i64, id: i64) -> Result<Vec<(i64, i64)>, UiError> {
    Ok(app.store.read(move |tx| drops::by_day(tx, project, &name(By::Rule(id)))).await?)
}

pub(super) async fn create(
    State(app): State<Shared>,
    person: Person,
    Path(slug): Path<String>,
    fields: Fields,
) -> Result<Response, UiError> {
    act(&app, &person, &slug, 0, fields).await
}

pub(super) async fn update(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
    Act { verb, fields }: Act<Fields>,
) -> Result<Response, UiError> {
    if id <= 0 {
        return Err(UiError::NotFound);
    }
    if verb == Verb::Create {
        return act(&app, &person, &slug, id, fields).await;
    }
    let gone =
        change(&app, &person, &slug, move |tx, project| Ok(filter::delete_rule(tx, project.id, id)?.then_some(())));
    finished(gone.await?, "The rule is deleted.", &slug)
}

/// Switches a rule on or off from the list.
pub(super) async fn activity(
    State(app): State<Shared>,
    person: Person,
    Path((slug, id)): Path<(String, i64)>,
    Act { verb, .. }: Act<Fields>,
) -> Result<Response, UiError> {
    let is_active = verb == Verb::Create;
    let changed = change(&app, &person, &slug, move |tx, project| {
        let rule = filter::rules(tx, project.id)?.list.into_iter().find(|rule| rule.id == id);
        let Some(rule) = rule else { return Ok(None) };
        Ok(filter::save_rule(tx, project.id, Rule { is_active, ..rule })?.map(drop))
    });
    let said =
        if is_active { "The rule drops events from now on." } else { "The rule drops nothing until you switch it on." };
    finished(changed.await?, said, &slug)
}

fn finished(result: Result<(), String>, said: &str, slug: &str) -> Result<Response, UiError> {
    let said = result.err().unwrap_or_else(|| said.to_string());
    Ok(Toast::new(said).at(&format!("{}#rules", here(slug))))
}

/// What a button of the form wants.
async fn act(app: &Shared, person: &Person, slug: &str, id: i64, fields: Fields) -> Result<Response, UiError> {
    let mut draft = Draft::read(id, &fields);
    let mut said = Said::default();
    let mut tried = None;
    match fields.get("act") {
        "add" => draft.rows.push(Row { field: "message".into(), op: "contains".into(), ..Row::default() }),
        "json" => match draft.rule() {
            Ok(rule) => draft.json = serde_json::to_string_pretty(&rule.when).ok(),
            Err(sentence) => said = Said::refused("rule", sentence, fields.clone()),
        },
        "try" => {
            let rule = draft.rule().map(|rule| Filters::new(Settings::default(), &[Rule { is_active: true, ..rule }]));
            match try_out(app, person, slug, rule, &fields).await? {
                Ok(report) => tried = Some((draft.name.clone(), report)),
                Err(sentence) => said = Said::refused("rule", sentence, fields.clone()),
            }
        }
        other => match other.strip_prefix("remove-").map(|at| at.parse::<usize>().unwrap_or(usize::MAX)) {
            Some(at) if at < draft.rows.len() => drop(draft.rows.remove(at)),
            Some(_) => {}
            None => match save(app, person, slug, &draft).await? {
                Ok(()) => return finished(Ok(()), "The rule is saved. It acts on what comes from now on.", slug),
                Err(sentence) => said = Said::refused("rule", sentence, fields.clone()),
            },
        },
    }
    let mut sheet = load(app, person, slug, Toast::default()).await?;
    if id != 0 && !sheet.rules.list.iter().any(|rule| rule.id == id) {
        return Err(UiError::NotFound);
    }
    sheet.tried = tried;
    let days = days_of(app, sheet.project.id, id).await?;
    Ok(answer(&sheet, &draft, &days, &said))
}

async fn save(app: &Shared, person: &Person, slug: &str, draft: &Draft) -> Result<Result<(), String>, UiError> {
    let rule = match draft.rule() {
        Ok(rule) => rule,
        Err(sentence) => return Ok(Err(sentence)),
    };
    change(app, person, slug, move |tx, project| Ok(filter::save_rule(tx, project.id, rule)?.map(drop))).await
}

fn answer(sheet: &Sheet, draft: &Draft, days: &[(i64, i64)], said: &Said) -> Response {
    let title = if draft.id == 0 { "A new rule".into() } else { format!("The rule {}", draft.name) };
    let body = html! {
        div.title { div {
            h1 { (title) }
            p.say { a href=(sheet.path("")) { "Filters of " (sheet.project.name) } }
        } }
        @if let Some((_, report)) = &sheet.tried { (part("trial", "Dry run", "nothing was dropped", trial::view(report, sheet.now_ms))) }
        (part("rule", "Rule", "what it drops", form(sheet, draft, said)))
        @if draft.id != 0 {
            (part("since", "Since", "what it has dropped", since(sheet, draft, days)))
            (part("delete", "Delete", "", confirm(&sheet.path(&format!("/rules/{}", draft.id)), "Delete this rule", html! {
                h3 { "Delete " (draft.name) "?" }
                p { "Events that it drops are taken again from then on. To stop it for a while, switch it off." }
            }, "Delete the rule")))
        }
    };
    said.answer(page(&sheet.chrome, &title, body))
}

fn form(sheet: &Sheet, draft: &Draft, said: &Said) -> Markup {
    let path = if draft.id == 0 { sheet.path("/rules") } else { sheet.path(&format!("/rules/{}", draft.id)) };
    let days = sheet.tried.as_ref().map_or(crate::filter::trial::DAYS_USUAL, |(_, report)| report.days);
    html! {
        form method="post" action=(path) {
            (said.note("rule"))
            // What the Enter key presses must not remove a condition.
            button.sr name="act" value="save" tabindex="-1" aria-hidden="true" { "Save" }
            p.field {
                label for="rule-name" { "Name" }
                input #rule-name name="name" value=(draft.name) maxlength=(rule::NAME_CHARS_MAX);
            }
            p.field {
                label for="rule-note" { "Note" }
                input #rule-note name="note" value=(draft.note) maxlength=(rule::NOTE_CHARS_MAX);
                small.dim { "Why it is there, for whoever finds it in a year." }
            }
            @match &draft.json { Some(json) => (as_json(json)), None => (rows(draft)) }
            p.acts { label { input type="checkbox" name="active" value="on" checked[draft.is_active]; " It drops events" } }
            p.acts {
                button.btn.main name="act" value="save" { "Save the rule" }
                (super::days(days))
                button.btn name="act" value="try" { "Try it" }
                @if draft.json.is_none() { button.btn.bare name="act" value="json" { "Edit as JSON" } }
            }
        }
    }
}

fn as_json(json: &str) -> Markup {
    html! {
        p.field {
            label for="rule-json" { "Drop an event when" }
            textarea #rule-json name="json" rows="14" cols="70" spellcheck="false" { (json) }
            small.dim {
                code { "all" } " and " code { "any" } " hold lists of conditions, " code { "not" } " one, and " code { "test" }
                " a field, an op (" (OPS.map(|(_, name, _)| name).join(", ")) ") and values."
            }
        }
    }
}

fn rows(draft: &Draft) -> Markup {
    html! {
        p.acts {
            label for="rule-match" { "Drop an event when" }
            select #rule-match name="match" {
                option value="all" selected[!draft.is_any] { "all" }
                option value="any" selected[draft.is_any] { "any" }
            }
            span { "of these hold:" }
        }
        @for (at, row) in draft.rows.iter().enumerate() { (condition(at, row)) }
        p.acts { button.btn name="act" value="add" { "Add a condition" } }
        p.because {
            "Values stand on a line each, and one of them is enough. Case does not matter. “Matches” knows * for any text and ? for one "
            "character; a range is a block of addresses such as 10.0.0.0/8."
        }
    }
}

fn condition(at: usize, row: &Row) -> Markup {
    let label = |what: &str| format!("{what} of condition {}", at + 1);
    html! {
        div.hang {
            p.acts {
                select name="field" aria-label=(label("Field")) {
                    option value="tag" selected[row.field == "tag"] { "Tag" }
                    @for (name, words) in FIELDS { option value=(name) selected[row.field == name] { (words) } }
                }
                input name="tag" value=(row.tag) size="12" placeholder="key, for a tag" aria-label=(label("Tag"));
                select name="negated" aria-label=(label("Sense")) {
                    option value="" { "–" }
                    option value="not" selected[row.is_negated] { "not" }
                }
                select name="op" aria-label=(label("Comparison")) {
                    @for (_, name, words) in OPS { option value=(name) selected[row.op == name] { (words) } }
                }
                button.btn.bare name="act" value={ "remove-" (at) } { "Remove" span.sr { " condition " (at + 1) } }
            }
            textarea name="values" rows=(row.values.lines().count().clamp(1, 8)) cols="60" spellcheck="false" aria-label=(label("Values")) {
                (row.values)
            }
        }
    }
}

fn since(sheet: &Sheet, draft: &Draft, days: &[(i64, i64)]) -> Markup {
    html! {
        p.say { "It has " (dropped(sheet.dropped.get(&name(By::Rule(draft.id))), sheet.now_ms)) "." }
        @if !days.is_empty() {
            table.books {
                caption.sr { "Events that it has dropped, by day" }
                thead { tr { th scope="col" { "Day, UTC" } th.num scope="col" { "Events" } } }
                tbody {
                    @for (day, quantity) in days.iter().take(DAYS_LISTED) {
                        tr { th scope="row" { (moment::utc(day * DAY_MS, "%-d %b %Y")) } td.num { (exact(*quantity)) } }
                    }
                }
            }
        }
    }
}

/// The rules on the page of filters.
pub(super) fn list(sheet: &Sheet) -> Markup {
    html! {
        p.because {
            "A rule drops events by any field: release, message, tag, person, address, frame. They are asked in this order, after the "
            "built-in filters; the first that holds drops the event."
        }
        @if sheet.rules.list.is_empty() { p.say { "There is no rule." } }
        @for rule in &sheet.rules.list { (listed(sheet, rule)) }
        p.acts { a.btn href=(sheet.path("/rules/new")) { "Write a rule" } }
    }
}

fn listed(sheet: &Sheet, rule: &Rule) -> Markup {
    let path = sheet.path(&format!("/rules/{}", rule.id));
    html! {
        div.hang id={ "rule-" (rule.id) } {
            h3 { a href=(path) { (rule.name) } @if !rule.is_active { " " span.state { "switched off" } } }
            p { (sentence(&rule.when)) "." }
            @if !rule.note.is_empty() { p.dim { (rule.note) } }
            form.acts method="post" action={ (path) "/activity" } {
                @if rule.is_active {
                    input type="hidden" name="_method" value="DELETE";
                    button.btn { "Switch off" }
                } @else { button.btn { "Switch on" } }
                small.dim { (dropped(sheet.dropped.get(&name(By::Rule(rule.id))), sheet.now_ms)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    #[test]
    fn a_form_is_a_rule_and_a_rule_is_a_form() {
        let draft = Draft::read(
            3,
            &fields(&[
                ("name", " Old "),
                ("match", "any"),
                ("active", "on"),
                ("field", "tag"),
                ("tag", "plan"),
                ("negated", "not"),
                ("op", "is"),
                ("values", "paid\r\n\r\n team "),
                ("field", "url"),
                ("tag", ""),
                ("negated", ""),
                ("op", "set"),
                ("values", ""),
            ]),
        );
        let rule = draft.rule().expect("a rule");
        assert_eq!(sentence(&rule.when), "Tag plan is not “paid” or “team” or URL is set");
        assert_eq!(Draft::of(&rule).rule(), Ok(rule));
    }

    #[test]
    fn conditions_in_each_other_are_edited_as_json() {
        let text = r#"{"all":[{"any":[{"test":{"field":"url","op":"set"}}]}]}"#;
        let mut draft = Draft { name: "Deep".into(), json: Some(text.into()), ..Draft::default() };
        let rule = draft.rule().expect("a rule");
        assert!(Draft::of(&rule).json.is_some_and(|json| json.contains("\"any\"")));
        draft.json = Some("{".into());
        assert!(draft.rule().is_err_and(|sentence| sentence.starts_with("The conditions cannot be read")));
    }
}
