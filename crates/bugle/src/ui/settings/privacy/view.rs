//! How the page looks.

use super::{Own, Sheet, Trial, Typed, rules, trial};
use crate::access::Role;
use crate::ui::act::Fields;
use crate::ui::address::encode;
use crate::ui::form::Said;
use crate::ui::settings::{part, tabs};
use maud::{Markup, html};

pub(super) fn page(sheet: &Sheet, typed: &Typed, said: &Said) -> Markup {
    let own = typed.own.as_ref().unwrap_or(&sheet.saved);
    let person = &sheet.chrome.person;
    let path = match &sheet.project {
        Some(project) => format!("/projects/{}/privacy", encode(&project.slug)),
        None => "/settings/privacy".into(),
    };
    html! {
        @match &sheet.project {
            Some(project) => div.title { div {
                h1 { "Privacy of " (project.name) }
                p.say {
                    a href={ "/projects/" (encode(&project.slug)) "/settings" } { "Settings" } " · "
                    a href="/settings/privacy" { "Privacy of " (person.organization_name) }
                }
            } },
            None => {
                (tabs("/settings/privacy"))
                div.title { div { h1 { "Privacy of " (person.organization_name) } p.say { "It holds for every project. Projects can only be stricter." } } }
            }
        }
        form method="post" action=(path) {
            (said.note("privacy"))
            (part("scrub", "Scrubbing", "before anything is stored", switches(sheet, own)))
            (part("names", "Names", "one in a line", names(own)))
            // What was added is in the list now.
            @let fields = if said.is_refused("privacy") { typed.fields.clone() } else { Fields::default() };
            (part("rules", "Rules", "run before the rest", rules::editor(&own.rules, &fields)))
            (part("trial", "Try it", "nothing is saved", attempt(sheet, typed, said)))
            @if sheet.project.is_some() || person.role == Role::Owner {
                p.acts { button.btn.main name="act" value="save" { "Save" } }
            } @else {
                p.because { "Only an owner of " (person.organization_name) " can change this." }
            }
        }
    }
}

fn switches(sheet: &Sheet, own: &Own) -> Markup {
    let is_project = sheet.project.is_some();
    let verb = if is_project { "" } else { "In every project: " };
    let switch = |name: &str, is_on: bool, words: &str, note: &str| {
        html! {
            p { label { input type="checkbox" name=(name) value="on" checked[is_on]; " " (verb) (words) } " " small.dim { (note) } }
        }
    };
    let organization = &sheet.organization;
    html! {
        (switch("scrub", own.data_scrubber.unwrap_or(is_project), "Scrub secrets", "Passwords, tokens and what is listed below. Without it, only rules run."))
        (switch("defaults", own.data_scrubber_defaults.unwrap_or(is_project), "Use the default rules",
            "Names such as password or api_key, cards, accounts, keys, cookies of sessions. Without them only the names below count."))
        (switch("addresses", own.scrub_ip_addresses.unwrap_or(false), "Remove IP addresses", "Of people and in texts. City and country stay."))
        (switch("binary", own.keep_binary_attachments.unwrap_or(true), "Keep attachments that are no text", "Such as screenshots. Texts are scrubbed as events are."))
        @if is_project && *organization != Own::default() {
            ul.because {
                @if organization.data_scrubber == Some(true) { li { "The organization requires scrubbing, whatever is switched here." } }
                @if organization.data_scrubber_defaults == Some(true) { li { "The organization requires the default rules; safe names of the project count for nothing." } }
                @if organization.scrub_ip_addresses == Some(true) { li { "The organization removes IP addresses." } }
                @if organization.keep_binary_attachments == Some(false) { li { "The organization keeps no attachments but texts." } }
                @if !organization.sensitive_fields.is_empty() { li { "Also sensitive, by the organization: " (organization.sensitive_fields.join(", ")) "." } }
                @if !organization.safe_fields.is_empty() { li { "Also safe, by the organization: " (organization.safe_fields.join(", ")) "." } }
                @if !organization.rules.is_empty() { li { "Rules of the organization run before those of the project." } }
            }
        }
    }
}

fn names(own: &Own) -> Markup {
    html! {
        p.field {
            label for="sensitive" { "Sensitive names" }
            textarea #sensitive name="sensitive" rows="3" spellcheck="false" { (own.sensitive_fields.join("\n")) }
            small.dim { "What has one of these words anywhere in its name is taken out. Case and separators do not count." }
        }
        p.field {
            label for="safe" { "Safe names" }
            textarea #safe name="safe" rows="3" spellcheck="false" { (own.safe_fields.join("\n")) }
            small.dim { "What is called exactly so is left alone, with everything in it. Rules still run." }
        }
    }
}

fn attempt(sheet: &Sheet, typed: &Typed, said: &Said) -> Markup {
    let (sample, event) = (typed.fields.get("sample"), typed.fields.get("event"));
    html! {
        @if let Some(sentence) = said.sentence().filter(|_| said.is_refused("trial")) { p.note.bad role="alert" { (sentence) } }
        p.field {
            label for="sample" { "An event as JSON" }
            textarea #sample name="sample" rows="4" spellcheck="false" placeholder="{\"message\": \"login with password=hunter2\"}" { (sample) }
            small.dim { "It is read, shown back and forgotten: neither stored nor logged." }
        }
        @if !sheet.recent.is_empty() {
            p.field {
                label for="event" { "Or one that came" }
                select #event name="event" {
                    option value="" { "none" }
                    @for (id, title) in &sheet.recent {
                        @let id = id.to_string();
                        option value=(id) selected[id == event] { (title.chars().take(70).collect::<String>()) " · " (&id[..8]) }
                    }
                }
                small.dim { "What was taken out when it came is gone already; this shows what would go in addition." }
            }
        }
        p.acts { button.btn name="act" value="try" { "Try the form on it" } }
        @if let Some(found) = &typed.trial { (outcome(found)) }
    }
}

fn outcome(found: &Trial) -> Markup {
    html! {
        div role="status" {
            @if found.saved == found.typed {
                (trial::table("By the form, and by what is saved", &found.typed))
            } @else {
                (trial::table("By the form", &found.typed))
                (trial::table("By what is saved", &found.saved))
            }
        }
    }
}
