//! How long pages take, asked for as a browser does ([`Visitor`]).

use super::load::quantile;
use crate::visitor::Visitor;
use anyhow::{Context, Result, ensure};
use std::time::{Duration, Instant};

/// Between two pages: a person reads, and the server's cores stay with the load.
const PAUSE: Duration = Duration::from_millis(50);

/// Milliseconds within which 95 % of the pages came.
#[derive(Debug, Clone, Copy)]
pub struct PageTimes {
    /// The list of issues.
    pub list_p95_ms: f64,
    /// An issue's page.
    pub issue_p95_ms: f64,
    /// How many of each were asked for.
    pub samples: usize,
}

/// Asks for the issue list and an issue's page in turn until `end`.
pub fn measure(visitor: &mut Visitor, end: Instant) -> Result<PageTimes> {
    let (list, page) = visitor.follow("/")?;
    let issue = issue_link(&page).with_context(|| format!("{list} has no link to an issue"))?;
    let (mut lists, mut issues) = (Vec::new(), Vec::new());
    while Instant::now() < end {
        for (path, times) in [(&list, &mut lists), (&issue, &mut issues)] {
            let start = Instant::now();
            let (status, _) = visitor.get(path)?;
            times.push(start.elapsed().as_micros() as u64);
            ensure!(status == 200, "{path} answered {status}");
            std::thread::sleep(PAUSE);
        }
    }
    let p95 = |times: &mut Vec<u64>| {
        times.sort_unstable();
        quantile(times, 0.95).map(|micros| micros as f64 / 1000.0).context("no page was asked for")
    };
    Ok(PageTimes { samples: lists.len(), list_p95_ms: p95(&mut lists)?, issue_p95_ms: p95(&mut issues)? })
}

/// The first link to an issue's page.
fn issue_link(page: &str) -> Option<String> {
    let link = |rest: &str| -> Option<String> {
        let target = rest.split('"').next()?;
        let (_, id) = target.rsplit_once("/issues/")?;
        let is_id = id.starts_with(|c: char| c.is_ascii_alphanumeric()) && id.chars().any(|c| c.is_ascii_digit());
        (is_id && !id.contains(['/', '?'])).then(|| target.to_owned())
    };
    page.split("href=\"").skip(1).find_map(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issue_is_found_by_its_link() {
        let page = r#"<a href="/issues/?query=x">all</a><a href="/bench/issues/new">n</a><a href="/issues/41">one</a>"#;
        assert_eq!(issue_link(page).as_deref(), Some("/issues/41"));
        assert_eq!(issue_link("<a href=\"/projects/1\">p</a>"), None);
    }
}
