//! Filters of a project: what it has switched on, its own rules, what they have dropped, and what they would drop.
//!
//! Owns: the two options in which settings and rules are kept, [`drops`] (counts since) and [`trial`] (the dry run). How an
//! event is judged is `bugle_event::filter`; when, `receive::event`. What is kept was checked, and acts at once for events that
//! come from then on: nothing that is stored is ever removed by a filter.

pub mod drops;
pub mod trial;

use crate::options::{self, Options, Scope};
use crate::outcome::Reason;
use bugle_db::{DbError, Tx};
use bugle_event::filter::{BuiltIn, By, Filters, Rule, Settings, rule};
use serde::{Deserialize, Serialize};

/// The option of the built-in filters.
const SETTINGS: &str = "filters";
/// The option of the rules.
const RULES: &str = "filter_rules";

/// The rules of a project, in the order in which they are asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The highest number that was ever given: counts of a rule that is gone must not become another's.
    last: i64,
    /// The rules.
    pub list: Vec<Rule>,
}

/// The filters that a project's options say, compiled.
pub fn compiled(project: &Options) -> Filters {
    let rules: Rules = project.get(RULES).unwrap_or_default();
    Filters::new(project.get(SETTINGS).unwrap_or_default(), &rules.list)
}

/// What a project has switched on.
pub fn settings(tx: &mut Tx<'_>, project: i64) -> Result<Settings, DbError> {
    Ok(options::of(tx, Scope::Project(project))?.get(SETTINGS).unwrap_or_default())
}

/// Switches on and off.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when they make no sense.
pub fn set_settings(tx: &mut Tx<'_>, project: i64, settings: &Settings) -> Result<(), DbError> {
    settings.check().map_err(DbError::Abandoned)?;
    let is_default = *settings == Settings::default();
    options::set(tx, Scope::Project(project), SETTINGS, (!is_default).then_some(settings))
}

/// The rules of a project.
pub fn rules(tx: &mut Tx<'_>, project: i64) -> Result<Rules, DbError> {
    Ok(options::of(tx, Scope::Project(project))?.get(RULES).unwrap_or_default())
}

/// Keeps a rule: a new one when its number is 0, else in place of the one with its number. `None` when there is none.
///
/// # Errors
/// [`DbError::Abandoned`] with a sentence when it makes no sense or there are too many.
pub fn save_rule(tx: &mut Tx<'_>, project: i64, mut rule: Rule) -> Result<Option<Rule>, DbError> {
    rule.name = rule.name.trim().to_string();
    rule::check(&rule).map_err(DbError::Abandoned)?;
    let mut rules = rules(tx, project)?;
    if rule.id != 0 {
        let Some(present) = rules.list.iter_mut().find(|one| one.id == rule.id) else { return Ok(None) };
        *present = rule.clone();
    } else {
        if rules.list.len() >= rule::RULES_MAX {
            let max = rule::RULES_MAX;
            return Err(DbError::Abandoned(format!("A project has at most {max} rules. Delete one first.")));
        }
        rules.last += 1;
        rule.id = rules.last;
        rules.list.push(rule.clone());
    }
    let values: usize = rules.list.iter().map(|rule| rule::values(&rule.when)).sum();
    if values > rule::VALUES_OF_ALL_MAX {
        let max = rule::VALUES_OF_ALL_MAX;
        return Err(DbError::Abandoned(format!("The rules of a project compare with at most {max} values in all.")));
    }
    options::set(tx, Scope::Project(project), RULES, Some(&rules))?;
    Ok(Some(rule))
}

/// Deletes a rule; whether it was there.
pub fn delete_rule(tx: &mut Tx<'_>, project: i64, id: i64) -> Result<bool, DbError> {
    let mut rules = rules(tx, project)?;
    let before = rules.list.len();
    rules.list.retain(|rule| rule.id != id);
    if rules.list.len() == before {
        return Ok(false);
    }
    options::set(tx, Scope::Project(project), RULES, Some(&rules))?;
    Ok(true)
}

/// Under which name its drops are counted.
pub fn name(by: By) -> String {
    match by {
        By::BuiltIn(filter) => filter.id().into(),
        By::Rule(id) => format!("rule:{id}"),
    }
}

/// The ledger's word for it.
pub fn reason(by: By) -> Reason {
    match by {
        By::BuiltIn(BuiltIn::ReactHydration) => Reason::FilterReactHydration,
        By::BuiltIn(BuiltIn::ChunkLoad) => Reason::FilterChunkLoad,
        By::BuiltIn(BuiltIn::Csp) => Reason::FilterCsp,
        By::BuiltIn(BuiltIn::Address) => Reason::FilterAddress,
        By::BuiltIn(BuiltIn::Release) => Reason::FilterRelease,
        By::BuiltIn(BuiltIn::Message) => Reason::FilterMessage,
        By::BuiltIn(BuiltIn::Localhost) => Reason::FilterLocalhost,
        By::BuiltIn(BuiltIn::Extensions) => Reason::FilterExtensions,
        By::BuiltIn(BuiltIn::LegacyBrowsers) => Reason::FilterLegacyBrowsers,
        By::BuiltIn(BuiltIn::Crawlers) => Reason::FilterCrawlers,
        By::Rule(_) => Reason::FilterRule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_event::filter::BUILT_IN;

    #[test]
    fn the_ledger_calls_a_filter_by_its_id() {
        for (filter, id) in BUILT_IN {
            assert_eq!((reason(By::BuiltIn(filter)).as_str(), name(By::BuiltIn(filter)).as_str()), (id, id));
        }
        assert_eq!((reason(By::Rule(3)).as_str(), name(By::Rule(3)).as_str()), ("filter_rule", "rule:3"));
    }
}
