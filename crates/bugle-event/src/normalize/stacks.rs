//! How much of a long stack is kept.
//!
//! Deep recursion gives thousands of frames that say the same. The newest tell where it happened, the oldest how it
//! began. Source and variables are kept for fewer frames still, in-app ones first, because they are most of an
//! event's weight.

use crate::Event;
use crate::json::{Json, Object};
use crate::meta;
use crate::path::Path;
use crate::problem::{Cut, Problem};
use std::ops::Range;

/// How many frames a longer stack keeps from its beginning.
pub const FRAMES_OLDEST: usize = 50;

/// How many frames a longer stack keeps up to its crash.
pub const FRAMES_NEWEST: usize = 200;

/// How many frames of a stack keep their source and variables.
pub const FRAMES_IN_DETAIL_MAX: usize = 50;

/// Bounds every stack of the event.
pub(super) fn bound(event: &mut Event<'_>) {
    let mut drained = Vec::new();
    let (json, problems) = (&mut event.json, &mut event.problems);
    for owner in ["exception", "threads"] {
        let Some(Json::Object(list)) = json.get_mut(owner) else { continue };
        let Some(Json::Array(values)) = list.get_mut("values") else { continue };
        for (index, value) in values.iter_mut().enumerate() {
            let Json::Object(value) = value else { continue };
            for key in ["stacktrace", "raw_stacktrace"] {
                let (root, Some(Json::Object(stack))) = (Path::root(owner), value.get_mut(key)) else { continue };
                bound_frames(stack, &root.key("values").index(index).key(key), problems, &mut drained);
            }
        }
    }
    if let Some(Json::Object(stack)) = json.get_mut("stacktrace") {
        bound_frames(stack, &Path::root("stacktrace"), problems, &mut drained);
    }
    for (list, gone) in drained {
        meta::move_notes(json, &list, &gone);
    }
}

/// Where a list of frames is, and which of them are gone.
type Drained = (Vec<String>, Range<usize>);

fn bound_frames(stack: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>, drained: &mut Vec<Drained>) {
    let Some(Json::Array(frames)) = stack.get_mut("frames") else { return };
    let (at, count) = (&at.key("frames"), frames.len());
    if count > FRAMES_OLDEST + FRAMES_NEWEST {
        let (list, gone) = (at.steps(), FRAMES_OLDEST..count - FRAMES_NEWEST);
        frames.drain(gone.clone());
        meta::move_problems(problems, &list, &gone);
        drained.push((list, gone));
        let detail = format!("Of {count} frames the {FRAMES_OLDEST} oldest and {FRAMES_NEWEST} newest were kept.");
        Problem::note_cut(problems, at, Cut::Entries(count), detail);
    }
    if frames.len() > FRAMES_IN_DETAIL_MAX {
        strip_detail(frames, at, problems);
    }
}

/// Strips source and variables of all but [`FRAMES_IN_DETAIL_MAX`] frames: first of library frames, from the middle
/// of the stack outwards, and of in-app frames only if there are too many of those alone.
fn strip_detail(frames: &mut [Json<'_>], at: &Path<'_>, problems: &mut Vec<Problem>) {
    let is_in_app = |frame: &Json<'_>| frame.object().and_then(|f| f.get("in_app")).and_then(Json::bool) == Some(true);
    let (in_app, library): (Vec<usize>, Vec<usize>) = (0..frames.len()).partition(|&at| is_in_app(&frames[at]));
    let in_app_kept = in_app.len().min(FRAMES_IN_DETAIL_MAX);
    for (places, kept) in [(&in_app, in_app_kept), (&library, FRAMES_IN_DETAIL_MAX - in_app_kept)] {
        let oldest = kept / 2;
        let newest = kept - oldest;
        for &place in &places[oldest..places.len().saturating_sub(newest).max(oldest)] {
            let Json::Object(frame) = &mut frames[place] else { continue };
            let at = &at.index(place);
            frame.retain(|key, _| {
                let is_detail = matches!(key, "vars" | "pre_context" | "post_context");
                if is_detail {
                    Problem::mark_cut(problems, at.key(key), Cut::Whole);
                }
                !is_detail
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(count: usize, in_app: impl Fn(usize) -> bool) -> (Vec<(i64, bool)>, usize) {
        let frame = |n: usize| format!(r#"{{"lineno":{},"in_app":{},"vars":{{"a":1}}}}"#, n + 1, in_app(n));
        let frames: Vec<_> = (0..count).map(frame).collect();
        let json = format!(r#"{{"exception":{{"values":[{{"stacktrace":{{"frames":[{}]}}}}]}}}}"#, frames.join(","));
        let mut event = Event::stored(&json);
        bound(&mut event);
        let kept = event.stack().unwrap().frames().map(|f| (f.lineno().unwrap(), f.vars().is_some())).collect();
        (kept, event.problems.iter().filter(|problem| !problem.detail.is_empty()).count())
    }

    #[test]
    fn a_long_stack_keeps_both_ends() {
        let (kept, problems) = bounded(1000, |_| false);
        assert_eq!((kept.len(), problems), (250, 1));
        assert_eq!((kept[0].0, kept[49].0, kept[50].0, kept[249].0), (1, 50, 801, 1000));
        let (kept, problems) = bounded(250, |_| false);
        assert_eq!((kept.len(), problems), (250, 0));
    }

    #[test]
    fn in_app_frames_keep_their_detail_first() {
        let detailed = |(kept, _): (Vec<(i64, bool)>, usize)| -> Vec<i64> {
            kept.into_iter().filter(|(_, has_vars)| *has_vars).map(|(line, _)| line).collect()
        };
        assert_eq!(detailed(bounded(50, |_| false)).len(), 50);
        let kept = detailed(bounded(100, |n| n == 49));
        assert_eq!(kept.len(), 50);
        assert!(kept.contains(&50) && kept.contains(&1) && kept.contains(&100) && !kept.contains(&51));
        assert_eq!(detailed(bounded(100, |n| n >= 30)).len(), 50);
    }
}
