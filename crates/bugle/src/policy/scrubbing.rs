//! Scrubbing as a project and its organization want it.
//!
//! Owns: the option `scrubbing`, its bounds, and how the two are joined. What the organization says, its projects can
//! only tighten: a switch that it sets stays set; names that it calls sensitive are so everywhere, and no safe name of a
//! project takes them back; its rules run first and always. Where it requires the default rules, safe names of projects
//! count for nothing, since each would be a hole in them.

use crate::options::{self, Options, Scope};
use bugle_db::{DbError, Tx};
use bugle_event::scrub::{Rules, Scrubber, Settings};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// The option's name.
const NAME: &str = "scrubbing";
/// More names are a mistake, such as a pasted file; each is looked for in every name of every event.
const NAMES_MAX: usize = 200;
/// The longest name.
const NAME_CHARS_MAX: usize = 200;
/// Addresses in what belongs to a person or a request, and in text. Where on earth stays.
const ADDRESS_RULES: &str = r#"{"applications": {
    "user.ip_address || sdk.client_ip || request.env.REMOTE_ADDR || $request.headers.'X-Forwarded-For' || $request.headers.'X-Real-Ip'": ["@anything:remove"],
    "**": ["@ip:replace"]}}"#;

static ADDRESSES: LazyLock<Arc<Rules>> =
    LazyLock::new(|| Arc::new(Rules::read(ADDRESS_RULES).expect("a constant that a test reads")));

/// What one project, or one organization, says. `None`: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Own {
    /// Whether to scrub at all. Projects do unless they say no; an organization that says yes requires it.
    pub data_scrubber: Option<bool>,
    /// Whether by the default rules. As above.
    pub data_scrubber_defaults: Option<bool>,
    /// Whether addresses go, which they do not unless somebody says yes.
    pub scrub_ip_addresses: Option<bool>,
    /// Further words in names of secrets.
    pub sensitive_fields: Vec<String>,
    /// Names that are never a secret.
    pub safe_fields: Vec<String>,
    /// Rules in Sentry's form, as they were typed.
    pub rules: String,
    /// Whether attachments that are no text are kept, which they are unless somebody says no.
    pub keep_binary_attachments: Option<bool>,
}

/// What this project, or organization, says.
pub fn of(tx: &mut Tx<'_>, scope: Scope) -> Result<Own, DbError> {
    Ok(options::of(tx, scope)?.get(NAME).unwrap_or_default())
}

/// Says it, after a look at whether it can be meant.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence for the person.
pub fn set(tx: &mut Tx<'_>, scope: Scope, own: &Own) -> Result<(), DbError> {
    check(own).map_err(DbError::Abandoned)?;
    options::set(tx, scope, NAME, (*own != Own::default()).then_some(own))
}

/// What is wrong with it, if anything.
///
/// # Errors
/// Sentences, the first few.
pub fn check(own: &Own) -> Result<(), String> {
    for (what, names) in [("sensitive", &own.sensitive_fields), ("safe", &own.safe_fields)] {
        if names.len() > NAMES_MAX {
            return Err(format!("There are {} {what} names; {NAMES_MAX} are the most.", names.len()));
        }
        if let Some(name) = names.iter().find(|name| name.chars().count() > NAME_CHARS_MAX) {
            let start: String = name.chars().take(30).collect();
            return Err(format!("A name has at most {NAME_CHARS_MAX} characters, and {start:?}… has more."));
        }
        // Without letters or digits it would be in every name, or in none.
        if let Some(name) = names.iter().find(|name| !name.chars().any(char::is_alphanumeric)) {
            return Err(format!("{name:?} has neither letter nor digit, so it is no name."));
        }
    }
    match Rules::read(&own.rules) {
        Ok(_) => Ok(()),
        Err(faults) => {
            let told: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
            Err(told.join(" "))
        }
    }
}

/// Scrubbing as one project has it.
pub struct Scrubbing {
    /// What must not reach the disk.
    pub scrubber: Scrubber,
    /// Whether attachments that are no text are kept.
    pub keeps_binary: bool,
}

impl Scrubbing {
    /// By the options of a project and its organization.
    pub fn of(project: &Options, organization: &Options) -> Scrubbing {
        Scrubbing::new(&project.get(NAME).unwrap_or_default(), &organization.get(NAME).unwrap_or_default())
    }

    /// By what both say.
    pub fn new(project: &Own, organization: &Own) -> Scrubbing {
        let requires_defaults = organization.data_scrubber_defaults == Some(true);
        let is_on = organization.data_scrubber == Some(true) || project.data_scrubber != Some(false);
        let or_none = |wanted: bool, names: &[String]| if wanted { names.to_vec() } else { Vec::new() };
        let mut rules: Vec<Arc<Rules>> = [organization, project].into_iter().filter_map(rules_of).collect();
        if [organization, project].iter().any(|own| own.scrub_ip_addresses == Some(true)) {
            rules.push(Arc::clone(&ADDRESSES));
        }
        let safe = [organization.safe_fields.clone(), or_none(!requires_defaults, &project.safe_fields)].concat();
        Scrubbing {
            scrubber: Scrubber::new(Settings {
                defaults: requires_defaults || is_on && project.data_scrubber_defaults != Some(false),
                sensitive: or_none(is_on, &project.sensitive_fields),
                required: organization.sensitive_fields.clone(),
                safe,
                rules,
            }),
            keeps_binary: [organization, project].iter().all(|own| own.keep_binary_attachments != Some(false)),
        }
    }
}

/// The rules, if there are any. They were read when they were saved.
fn rules_of(own: &Own) -> Option<Arc<Rules>> {
    match Rules::read(&own.rules) {
        Ok(rules) => (!rules.is_empty()).then(|| Arc::new(rules)),
        Err(faults) => {
            tracing::error!(faults = faults.len(), "rules of scrubbing are not understood any more; they do not run");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::Event;

    fn scrubbed(project: &Own, organization: &Own, event: &str) -> String {
        let mut event = Event::stored(event);
        Scrubbing::new(project, organization).scrubber.scrub(&mut event);
        event.json.remove("_meta");
        let mut out = Vec::new();
        event.json.write(&mut out);
        String::from_utf8(out).expect("text")
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| word.to_string()).collect()
    }

    const EVENT: &str = r#"{"extra":{"password":"a1","iban":"b2","badge":"c3","mail":"jo@x.example"}}"#;

    #[test]
    fn a_project_may_loosen_what_its_organization_does_not_say() {
        let project = Own { data_scrubber: Some(false), sensitive_fields: words(&["badge"]), ..Own::default() };
        assert_eq!(scrubbed(&project, &Own::default(), EVENT), EVENT);
        let project = Own { safe_fields: words(&["password"]), ..Own::default() };
        assert_eq!(scrubbed(&project, &Own::default(), EVENT), EVENT);
    }

    #[test]
    fn a_project_cannot_weaken_its_organization() {
        let organization = Own {
            data_scrubber: Some(true),
            data_scrubber_defaults: Some(true),
            sensitive_fields: words(&["IBAN"]),
            rules: r#"{"applications":{"**":["@email:replace"]}}"#.into(),
            ..Own::default()
        };
        let project = Own {
            data_scrubber: Some(false),
            data_scrubber_defaults: Some(false),
            scrub_ip_addresses: Some(false),
            safe_fields: words(&["iban", "password", "mail"]),
            ..Own::default()
        };
        let after = scrubbed(&project, &organization, EVENT);
        assert_eq!(after, r#"{"extra":{"password":"[Filtered]","iban":"[Filtered]","badge":"c3","mail":"[email]"}}"#);
        let only_names = Own { sensitive_fields: words(&["iban"]), ..Own::default() };
        assert!(!scrubbed(&project, &only_names, EVENT).contains("b2"), "even when the project turns all off");
    }

    #[test]
    fn addresses_go_when_somebody_wants_it() {
        let event = r#"{"user":{"ip_address":"10.0.0.1","geo":{"city":"Kiel"}},"request":{"headers":[["X-Forwarded-For","10.0.0.2"],["User-Agent","Chrome/120.0.0.0"]],"env":{"REMOTE_ADDR":"10.0.0.3"}},"sdk":{"client_ip":"10.0.0.4"},"release":"shop@1.2.3.4","logentry":{"formatted":"from 10.0.0.5 to fe80::1"}}"#;
        let yes = Own { scrub_ip_addresses: Some(true), ..Own::default() };
        for (project, organization) in [(&yes, &Own::default()), (&Own::default(), &yes)] {
            let after = scrubbed(project, organization, event);
            assert!(!after.contains("10.0.0.") && !after.contains("fe80"), "{after}");
            for kept in ["from [ip] to [ip]", "Kiel", "Chrome/120.0.0.0", "shop@1.2.3.4"] {
                assert!(after.contains(kept), "{kept}: {after}");
            }
        }
        assert_eq!(scrubbed(&Own::default(), &Own::default(), event), event);
    }

    #[test]
    fn binary_attachments_are_kept_until_somebody_says_no() {
        let no = Own { keep_binary_attachments: Some(false), ..Own::default() };
        for (project, organization, kept) in
            [(Own::default(), Own::default(), true), (no.clone(), Own::default(), false), (Own::default(), no, false)]
        {
            assert_eq!(Scrubbing::new(&project, &organization).keeps_binary, kept);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (own, said) in [
            (Own { sensitive_fields: words(&["--"]), ..Own::default() }, "neither letter nor digit"),
            (Own { safe_fields: vec!["x".into(); 201], ..Own::default() }, "200 are the most"),
            (Own { safe_fields: vec!["x".repeat(201)], ..Own::default() }, "200 characters"),
            (Own { rules: "{".into(), ..Own::default() }, "no JSON"),
        ] {
            assert!(check(&own).expect_err("refused").contains(said), "{own:?}");
        }
    }
}
