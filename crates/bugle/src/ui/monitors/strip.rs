//! The newest runs as marks, the newest at the right: low and grey when all was well, high when not. What was missed is
//! hollow, what has begun is brass; the words are in the label.

use super::words;
use crate::monitor::runs::{Run, Status};
use crate::ui::number::counted;
use maud::{Markup, html};

/// Runs that a strip shows.
pub(super) const RUNS_SHOWN: usize = 30;
/// A mark with the space behind it.
const STEP: usize = 5;

/// A strip of these runs, the newest first.
pub(super) fn strip(runs: &[Run]) -> Markup {
    let shown = &runs[..runs.len().min(RUNS_SHOWN)];
    html! {
        svg.runs viewBox={ "0 0 " (RUNS_SHOWN * STEP) " 20" } preserveAspectRatio="none" role="img" aria-label=(label(shown)) {
            @for (at, run) in shown.iter().enumerate() {
                @let x = (RUNS_SHOWN - 1 - at) * STEP;
                @match run.status {
                    Status::Ok => rect.good x=(x) y="12" width="4" height="8" {},
                    Status::Error => rect.bad x=(x) y="0" width="4" height="20" {},
                    Status::Timeout => rect.bad x=(x) y="6" width="4" height="14" {},
                    Status::Missed => rect.gone x=(x as f64 + 0.5) y="0.5" width="3" height="19" {},
                    Status::InProgress => rect.open x=(x) y="16" width="4" height="4" {},
                }
            }
        }
    }
}

/// `30 runs: 28 OK, 1 missed`.
fn label(runs: &[Run]) -> String {
    let kinds = [Status::Ok, Status::Error, Status::Missed, Status::Timeout, Status::InProgress];
    let parts: Vec<String> = kinds
        .iter()
        .map(|kind| (runs.iter().filter(|run| run.status == *kind).count(), words(*kind)))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {}", if word == "OK" { word.into() } else { word.to_lowercase() }))
        .collect();
    format!("The newest {}: {}", counted(runs.len() as i64, "run", "runs"), parts.join(", "))
}
