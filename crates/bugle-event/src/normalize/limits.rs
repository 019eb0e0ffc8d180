//! How long things may be.
//!
//! Owns the limits as one table, [`LIMITS`], which the code goes by and documentation can be made from. The numbers
//! are Sentry's (protocol reference, "Event payload") where it has one. Text is cut at a number of characters and
//! ends in `...`; free-form values are cut by [`super::bag`]. Each cut is a problem `value_too_long`.

use super::bag;
use crate::Event;
use crate::json::{Json, Object};
use crate::path::Path;
use crate::problem::{Cut, Problem};
use std::borrow::Cow;

/// The limits of the attributes of one kind of object.
#[derive(Debug)]
pub struct Limits {
    /// Where such objects are: a path with `*` for any key or index, empty for the event itself.
    pub of: &'static str,
    /// Attributes that are text, or lists of text.
    pub texts: &'static [TextLimit],
    /// Attributes that are free-form.
    pub bags: &'static [BagLimit],
}

/// How long a text may be.
#[derive(Debug)]
pub struct TextLimit {
    /// The attribute.
    pub key: &'static str,
    /// What it is cut to, in characters.
    pub chars_max: usize,
    /// By how many characters it may be longer without being cut.
    pub allowance_chars: usize,
}

/// How large a free-form value may be.
#[derive(Debug)]
pub struct BagLimit {
    /// The attribute; `*` for each.
    pub key: &'static str,
    /// About how many bytes of JSON it may take.
    pub bytes_max: usize,
    /// How many levels of arrays and objects may be inside it.
    pub levels_max: usize,
}

/// The longest tag value, in characters.
pub(super) const TAG_VALUE: TextLimit = text("*", 200, 0);

/// How much all of `extra` may take, in bytes.
pub const EXTRA_BYTES_MAX: usize = 256 * 1024;

/// No text limit is smaller: shorter texts need no look at the table.
const TEXT_CHARS_MIN: usize = 32;

/// Every limit there is.
pub const LIMITS: &[&Limits] = &[
    &EVENT,
    &LOGENTRY,
    &EXCEPTION,
    &MECHANISM,
    &STACK,
    &FRAME,
    &THREAD,
    &BREADCRUMB,
    &REQUEST,
    &USER,
    &SDK,
    &CONTEXTS,
    &FLAGS,
    &EXTRA,
    &CSP,
    &CERTIFICATE,
    &DEBUG_META,
    &IMAGE,
];

const EVENT: Limits = Limits {
    of: "",
    texts: &[
        text("transaction", 200, 0),
        text("culprit", 200, 0),
        text("server_name", 256, 0),
        text("logger", 64, 0),
        text("site", 200, 0),
        text("checksum", 128, 0),
        text("fingerprint", 1024, 0),
    ],
    bags: &[bag("modules", 8 * 1024, 1)],
};
const LOGENTRY: Limits = Limits {
    of: "logentry",
    texts: &[text("message", 8192, 200), text("formatted", 8192, 200)],
    bags: &[bag("params", 8 * 1024, 3)],
};
const EXCEPTION: Limits = Limits {
    of: "exception.values.*",
    texts: &[text("type", 256, 20), text("value", 8192, 200), text("module", 256, 20)],
    bags: &[],
};
const MECHANISM: Limits = Limits {
    of: "exception.values.*.mechanism",
    texts: &[
        text("type", 128, 0),
        text("source", 256, 20),
        text("description", 1024, 100),
        text("help_link", 1024, 100),
    ],
    bags: &[bag("data", 2 * 1024, 5), bag("meta", 2 * 1024, 5)],
};
const STACK: Limits = Limits { of: "*.stacktrace", texts: &[], bags: &[bag("registers", 8 * 1024, 1)] };
const FRAME: Limits = Limits {
    of: "*.stacktrace.frames.*",
    texts: &[
        text("function", 512, 20),
        text("raw_function", 512, 20),
        text("symbol", 512, 20),
        text("module", 256, 20),
        text("package", 256, 20),
        text("filename", 256, 20),
        text("abs_path", 2048, 0),
        text("context_line", 1024, 100),
        text("pre_context", 1024, 100),
        text("post_context", 1024, 100),
    ],
    bags: &[bag("vars", 2 * 1024, 5), bag("data", 2 * 1024, 5)],
};
const THREAD: Limits = Limits {
    of: "threads.values.*",
    texts: &[text("name", 1024, 100), text("state", 256, 20)],
    bags: &[bag("held_locks", 16 * 1024, 3)],
};
const BREADCRUMB: Limits = Limits {
    of: "breadcrumbs.values.*",
    texts: &[text("type", 128, 0), text("category", 128, 0), text("message", 8192, 200)],
    bags: &[bag("data", 2 * 1024, 5)],
};
const REQUEST: Limits = Limits {
    of: "request",
    texts: &[text("url", 256, 40), text("fragment", 1024, 100)],
    bags: &[
        bag("query_string", 1024, 3),
        bag("cookies", 2 * 1024, 3),
        bag("headers", 8 * 1024, 3),
        bag("data", 8 * 1024, 7),
        bag("env", 8 * 1024, 5),
    ],
};
const USER: Limits = Limits {
    of: "user",
    texts: &[
        text("id", 128, 0),
        text("username", 128, 0),
        text("email", 75, 0),
        text("name", 128, 0),
        text("segment", 128, 0),
        text("sentry_user", 128, 0),
    ],
    bags: &[bag("data", 8 * 1024, 5), bag("geo", 1024, 2)],
};
const SDK: Limits = Limits {
    of: "sdk",
    texts: &[text("name", 256, 20), text("version", 64, 20)],
    bags: &[bag("packages", 8 * 1024, 3), bag("integrations", 8 * 1024, 2), bag("features", 8 * 1024, 2)],
};
const CONTEXTS: Limits = Limits { of: "contexts", texts: &[], bags: &[bag("*", 8 * 1024, 7)] };
const FLAGS: Limits = Limits { of: "contexts", texts: &[], bags: &[bag("flags", 128 * 1024, 7)] };
const EXTRA: Limits = Limits { of: "extra", texts: &[], bags: &[bag("*", 16 * 1024, 7)] };

const CSP: Limits = Limits {
    of: "csp",
    texts: &[
        text("effective_directive", 200, 0),
        text("violated_directive", 1024, 100),
        text("original_policy", 8192, 200),
        text("blocked_uri", 1024, 100),
        text("document_uri", 1024, 100),
        text("referrer", 1024, 100),
        text("source_file", 1024, 100),
        text("script_sample", 256, 20),
        text("disposition", 64, 0),
    ],
    bags: &[],
};
const CERTIFICATE: Limits = Limits {
    of: "expectct, expectstaple, hpkp",
    texts: &[text("hostname", 256, 0), text("noted_hostname", 256, 0)],
    bags: &[
        bag("served_certificate_chain", 16 * 1024, 1),
        bag("validated_certificate_chain", 16 * 1024, 1),
        bag("known_pins", 4 * 1024, 1),
        bag("scts", 8 * 1024, 3),
    ],
};
const DEBUG_META: Limits = Limits { of: "debug_meta", texts: &[], bags: &[bag("sdk_info", 1024, 1)] };
const IMAGE: Limits = Limits {
    of: "debug_meta.images.*",
    texts: &[
        text("type", 64, 0),
        text("code_file", 1024, 100),
        text("debug_file", 1024, 100),
        text("debug_id", 128, 0),
        text("code_id", 128, 0),
        text("debug_checksum", 128, 0),
        text("arch", 64, 0),
    ],
    bags: &[],
};

const fn text(key: &'static str, chars_max: usize, allowance_chars: usize) -> TextLimit {
    TextLimit { key, chars_max, allowance_chars }
}

const fn bag(key: &'static str, bytes_max: usize, levels_max: usize) -> BagLimit {
    BagLimit { key, bytes_max, levels_max }
}

/// Holds the event to the limits, but for its tags.
pub(super) fn apply(event: &mut Event<'_>) {
    let (json, problems) = (&mut event.json, &mut event.problems);
    EVENT.apply(json, None, problems);
    for (key, value) in json.iter_mut() {
        let at = &Path::root(key);
        let Json::Object(object) = value else { continue };
        match key {
            "logentry" => LOGENTRY.apply(object, Some(at), problems),
            "exception" => each(object, at, |exception, at| apply_to_exception(exception, at, problems)),
            "threads" => each(object, at, |thread, at| {
                THREAD.apply(thread, Some(at), problems);
                apply_to_stacks(thread, at, problems);
            }),
            "breadcrumbs" => each(object, at, |crumb, at| BREADCRUMB.apply(crumb, Some(at), problems)),
            "stacktrace" => apply_to_stack(object, at, problems),
            "request" => REQUEST.apply(object, Some(at), problems),
            "user" => USER.apply(object, Some(at), problems),
            "sdk" => SDK.apply(object, Some(at), problems),
            "contexts" => apply_to_contexts(object, at, problems),
            "extra" => apply_to_extra(object, at, problems),
            "template" => FRAME.apply(object, Some(at), problems),
            "csp" => CSP.apply(object, Some(at), problems),
            "expectct" | "expectstaple" | "hpkp" => CERTIFICATE.apply(object, Some(at), problems),
            "debug_meta" => apply_to_images(object, at, problems),
            _ => {}
        }
    }
}

impl Limits {
    fn apply(&self, object: &mut Object<'_>, at: Option<&Path<'_>>, problems: &mut Vec<Problem>) {
        for (key, value) in object.iter_mut() {
            let at = &at.map_or(Path::root(key), |at| at.key(key));
            match value {
                Json::Text(text) if text.len() <= TEXT_CHARS_MIN => {}
                Json::Text(_) | Json::Array(_) | Json::Object(_) => {
                    if let Some(limit) = self.bags.iter().find(|limit| limit.key == key) {
                        limit.apply(value, limit.bytes_max, at, problems);
                    } else if let Some(limit) = self.texts.iter().find(|limit| limit.key == key) {
                        limit.apply(value, at, problems);
                    }
                }
                _ => {}
            }
        }
    }
}

impl TextLimit {
    /// Cuts a text, or each text of a list.
    pub(super) fn apply(&self, value: &mut Json<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
        let text = match value {
            Json::Text(text) => text,
            Json::Array(values) => {
                values.iter_mut().enumerate().for_each(|(index, value)| self.apply(value, &at.index(index), problems));
                return;
            }
            _ => return,
        };
        let allowed_chars = self.chars_max + self.allowance_chars;
        if text.len() <= allowed_chars {
            return;
        }
        let length_chars = text.chars().count();
        if length_chars > allowed_chars {
            let end = text.char_indices().nth(self.chars_max - 3).map_or(text.len(), |(end, _)| end);
            *text = Cow::Owned(format!("{}...", &text[..end]));
            let detail = format!("Cut from {length_chars} to {} characters.", self.chars_max);
            let cut = Cut::Text { chars: length_chars, dots: (end, end + 3) };
            Problem::note_cut(problems, at, cut, detail);
        }
    }
}

impl BagLimit {
    /// Makes `value` fit `bytes_max`, and says how many bytes it takes.
    fn apply(&self, value: &mut Json<'_>, bytes_max: usize, at: &Path<'_>, problems: &mut Vec<Problem>) -> usize {
        let (mut budget_bytes, mut is_cut) = (bytes_max, false);
        bag::fit(value, self.levels_max, &mut budget_bytes, at, &mut |at, cut| {
            is_cut = true;
            Problem::mark_cut(problems, at, cut);
        });
        if is_cut {
            let before = problems.len();
            let detail = format!("Cut to {bytes_max} bytes and {} levels.", self.levels_max);
            Problem::note(problems, "value_too_long", at, detail);
            // The cuts have their marks.
            Problem::displace(&mut problems[before..]);
        }
        bytes_max - budget_bytes
    }
}

fn each<'a>(list: &mut Object<'a>, at: &Path<'_>, mut apply: impl FnMut(&mut Object<'a>, &Path<'_>)) {
    let at = &at.key("values");
    if let Some(Json::Array(values)) = list.get_mut("values") {
        for (index, value) in values.iter_mut().enumerate() {
            if let Json::Object(object) = value {
                apply(object, &at.index(index));
            }
        }
    }
}

fn apply_to_exception(exception: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    EXCEPTION.apply(exception, Some(at), problems);
    if let Some(Json::Object(mechanism)) = exception.get_mut("mechanism") {
        MECHANISM.apply(mechanism, Some(&at.key("mechanism")), problems);
    }
    apply_to_stacks(exception, at, problems);
}

fn apply_to_stacks(owner: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    for key in ["stacktrace", "raw_stacktrace"] {
        if let Some(Json::Object(stack)) = owner.get_mut(key) {
            apply_to_stack(stack, &at.key(key), problems);
        }
    }
}

fn apply_to_stack(stack: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    STACK.apply(stack, Some(at), problems);
    let at = &at.key("frames");
    if let Some(Json::Array(frames)) = stack.get_mut("frames") {
        for (index, frame) in frames.iter_mut().enumerate() {
            if let Json::Object(frame) = frame {
                FRAME.apply(frame, Some(&at.index(index)), problems);
            }
        }
    }
}

fn apply_to_images(meta: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    DEBUG_META.apply(meta, Some(at), problems);
    if let Some(Json::Array(images)) = meta.get_mut("images") {
        for (index, image) in images.iter_mut().enumerate() {
            if let Json::Object(image) = image {
                IMAGE.apply(image, Some(&at.key("images").index(index)), problems);
            }
        }
    }
}

fn apply_to_contexts(contexts: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    for (name, context) in contexts.iter_mut() {
        let limit = if name == "flags" { &FLAGS.bags[0] } else { &CONTEXTS.bags[0] };
        limit.apply(context, limit.bytes_max, &at.key(name), problems);
    }
}

/// Each entry has its limit, and all have one together.
fn apply_to_extra(extra: &mut Object<'_>, at: &Path<'_>, problems: &mut Vec<Problem>) {
    /// An entry that has only this much left says nothing.
    const ENTRY_BYTES_MIN: usize = 64;
    let limit = &EXTRA.bags[0];
    let mut left_bytes = EXTRA_BYTES_MAX;
    let (before, mut left_out) = (extra.len(), 0usize);
    extra.retain(|name, value| {
        if left_bytes < name.len() + ENTRY_BYTES_MIN {
            left_bytes = 0;
            left_out += 1;
            return false;
        }
        left_bytes -= name.len();
        left_bytes -= limit.apply(value, limit.bytes_max.min(left_bytes), &at.key(name), problems);
        true
    });
    if left_out > 0 {
        let detail = format!("{left_out} entries beyond {EXTRA_BYTES_MAX} bytes were left out.");
        Problem::note_cut(problems, at, Cut::Entries(before), detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        for limits in LIMITS {
            for text in limits.texts {
                assert!(text.chars_max >= TEXT_CHARS_MIN, "{}.{}", limits.of, text.key);
                assert!(limits.bags.iter().all(|bag| bag.key != text.key), "{}.{} has two limits", limits.of, text.key);
            }
        }
    }

    #[test]
    fn text_is_cut_by_characters_with_an_allowance() {
        let cut = |chars: usize| {
            let (mut value, mut problems) = (Json::from("é".repeat(chars)), Vec::new());
            text("x", 40, 5).apply(&mut value, &Path::root("x"), &mut problems);
            (value.text().unwrap().chars().count(), problems.len())
        };
        assert_eq!((cut(40), cut(45), cut(46)), ((40, 0), (45, 0), (40, 1)));
    }

    #[test]
    fn extra_has_a_limit_for_all_of_it() {
        let entries: Vec<_> = (0..30).map(|n| format!("\"k{n}\":\"{}\"", "x".repeat(15_000))).collect();
        let json = format!("{{{}}}", entries.join(","));
        let mut extra = match crate::json::read(&json, &mut Vec::new()) {
            Json::Object(extra) => extra,
            other => panic!("{other}"),
        };
        let mut problems = Vec::new();
        apply_to_extra(&mut extra, &Path::root("extra"), &mut problems);
        assert_eq!(extra.len(), 18);
        assert_eq!(problems.len(), 3, "one entry cut, with its mark, the rest left out: {problems:?}");
        let once = extra.clone();
        apply_to_extra(&mut extra, &Path::root("extra"), &mut problems);
        assert_eq!((extra, problems.len()), (once, 3));
    }
}
