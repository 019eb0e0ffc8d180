//! Finds and replaces the secrets inside one string.
//!
//! Linear in the string's length: every judgement looks at a bounded piece, or goes on behind what it looked at.

use super::telltale::{SHAPES, WORDS};
use super::{Scrubber, shape, word};

/// What shows in place of a secret.
pub(super) const FILTERED: &str = "[Filtered]";

/// What kind of text a string is, which decides what a word like `password` before something means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Prose, logs, values, representations of objects.
    Text,
    /// A line of source: only literals are secrets, names of variables are not.
    Code,
    /// A URL or path of the application: as text, but `/home/x/` is no home directory.
    Url,
    /// Only secrets with a shape of their own.
    Shapes,
    /// A release or an environment: only what stands behind a `password=`. Numbers and colons belong to names.
    Name,
}

/// A secret: `start..end` of the string is to be replaced by `mark`, because of `rule`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) mark: &'static str,
    pub(super) rule: &'static str,
}

/// What a closer look at a telltale gave.
pub(super) enum Judgement {
    /// There is a secret.
    Secret(Finding),
    /// There is none; the search goes on here.
    Harmless(usize),
}

/// Puts the secrets in `text`, in order and apart from each other, into `findings`. Returns all telltales there are.
pub(super) fn find(scrubber: &Scrubber, text: &str, mode: Mode, findings: &mut Vec<Finding>) -> u32 {
    findings.clear();
    let bytes = text.as_bytes();
    // Everything before this is settled.
    let mut floor = 0;
    let mut seen = 0;
    while let Some((at, bits)) = scrubber.telltale.find(bytes, floor) {
        seen |= bits;
        let mut resume = at + 1;
        if bits & SHAPES != 0 && mode != Mode::Name {
            match shape::judge(text, at, floor, bits, mode) {
                Judgement::Secret(finding) => {
                    floor = finding.end;
                    findings.push(finding);
                    continue;
                }
                Judgement::Harmless(next) => resume = next,
            }
        }
        if bits & WORDS != 0 && mode != Mode::Shapes {
            resume = word::judge(scrubber, text, at, floor, mode, findings).max(at + 1);
        }
        floor = resume;
    }
    if mode == Mode::Name {
        let before = |finding: &Finding| text[..finding.start].trim_end_matches(['"', '\'', ' ']);
        findings.retain(|finding| before(finding).ends_with('='));
    }
    seen
}

/// `text` with its secrets replaced.
pub(super) fn replace(text: &str, findings: &[Finding]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut copied = 0;
    for finding in findings {
        out.push_str(&text[copied..finding.start]);
        out.push_str(finding.mark);
        copied = finding.end;
    }
    out.push_str(&text[copied..]);
    out
}
