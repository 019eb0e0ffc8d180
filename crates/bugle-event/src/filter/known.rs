//! Lists of texts by which the built-in filters know their noise (protocol reference, §13.1). Each list is one automaton,
//! built when it is first needed.

use crate::event::Event;
use regex_automata::meta::Regex;
use std::sync::LazyLock;

/// Errors of React about pages that differ from what the server rendered.
const HYDRATION: &[&str] = &[
    "Minified React error #418",
    "Minified React error #419",
    "Minified React error #422",
    "Minified React error #423",
    "Minified React error #425",
    "error-decoder.html?invariant=418",
    "error-decoder.html?invariant=419",
    "error-decoder.html?invariant=422",
    "error-decoder.html?invariant=423",
    "error-decoder.html?invariant=425",
    "react.dev/errors/418",
    "react.dev/errors/419",
    "react.dev/errors/422",
    "react.dev/errors/423",
    "react.dev/errors/425",
    "Hydration failed",
    "There was an error while hydrating",
    "error occurred during hydration",
    "before it finished hydrating",
    "Text content does not match server-rendered HTML",
    "Text content did not match. Server",
];

/// What the messages of errors from browser extensions and toolbars contain.
const EXTENSION_VALUES: &[&str] = &[
    "top.GLOBALS",
    "originalCreateNotification",
    "canvas.contentDocument",
    "MyApp_RemoveAllHighlights",
    "atomicFindClose",
    "fb_xd_fragment",
    "bmi_SafeAddOnload",
    "EBCallBackMessageReceived",
    "_gCrWeb",
    "conduitPage",
    "Can't find variable: ZiteReader",
    "Can't find variable: gmo",
    "jigsaw is not defined",
    "ComboSearch is not defined",
    "plugin.setSuspendState is not a function",
    "Extension context invalidated",
    "webkit-masked-url:",
    "can't access dead object",
    "Cannot redefine property: solana",
    "Cannot redefine property: ethereum",
    "Cannot redefine property: googletag",
    "Permission denied to access property",
];

/// What the paths of their code begin with or contain.
const EXTENSION_PATHS: &[&str] = &[
    "chrome://",
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "webkit-masked-url",
    "graph.facebook.com",
    "connect.facebook.net",
    "static.woopra.com",
    "127.0.0.1:4001/isrunning",
    "metrics.itunes.apple.com.edgesuite.net",
    "kaspersky-labs.com",
    "eatdifferent.com.woopra-ns.com",
    "webappstoolbarba.texthelp.com",
];

/// What the user agents of crawlers contain.
const CRAWLERS: &[&str] = &[
    "Mediapartners-Google",
    "AdsBot-Google",
    "Googlebot",
    "FeedFetcher-Google",
    "Storebot-Google",
    "BingBot",
    "BingPreview",
    "Baiduspider",
    "Slurp",
    "Sogou",
    "facebook",
    "meta-",
    "ia_archiver",
    "Slack",
    "Calypso AppCrawler",
    "pingdom",
    "lyticsbot",
    "AWS Security Scanner",
    "HubSpot Crawler",
    "Bytespider",
    "Better Uptime",
    "Cloudflare-Healthchecks",
    "GTmetrix",
    "BrightEdgeOnCrawl",
    "ELB-HealthChecker",
    "naver.me/spd",
    "ClaudeBot",
    "CCBot",
    "OAI-SearchBot",
    "GPTBot",
    "PerplexityBot",
    "Applebot",
    "DuckDuckBot",
    "Lightpanda",
];
/// Words that end like this, in a user agent.
const CRAWLER_WORDS: &str = r"(?:bots?|spider)(?:[/\s);,:+]|$)";
/// User agents that are none of them all the same: monitors and assistants that act for a person, and a phone.
const NO_CRAWLERS: &str = r"(?i)Slackbot[\s/]1\.|SentryUptimeBot|ChatGPT-User|\bCubot\b";

static IS_HYDRATION: LazyLock<Regex> = LazyLock::new(|| any_of(HYDRATION, None));
static IS_EXTENSION_VALUE: LazyLock<Regex> = LazyLock::new(|| any_of(EXTENSION_VALUES, None));
static IS_EXTENSION_PATH: LazyLock<Regex> = LazyLock::new(|| any_of(EXTENSION_PATHS, None));
static IS_CRAWLER: LazyLock<Regex> = LazyLock::new(|| any_of(CRAWLERS, Some(CRAWLER_WORDS)));
static IS_NO_CRAWLER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(NO_CRAWLERS).expect("the pattern is fixed, and tests build it"));

/// Any of the texts, whatever their case, or what else is said.
fn any_of(texts: &[&str], or: Option<&str>) -> Regex {
    let mut pattern = String::from("(?i)");
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            pattern.push('|');
        }
        for c in text.chars() {
            if c.is_ascii_punctuation() {
                pattern.push('\\');
            }
            pattern.push(c);
        }
    }
    if let Some(or) = or {
        pattern.push('|');
        pattern.push_str(or);
    }
    Regex::new(&pattern).expect("the lists are fixed, and tests build them")
}

/// `react-hydration-errors`
pub(super) fn is_hydration_error(event: &Event<'_>) -> bool {
    event.exceptions().filter_map(|one| one.value()).any(|value| IS_HYDRATION.is_match(value))
}

/// `chunk-load-error`
pub(super) fn is_chunk_load_error(event: &Event<'_>) -> bool {
    let is_one = |text: &str| text.contains("ChunkLoadError");
    event.exceptions().any(|one| one.kind().is_some_and(is_one) || one.value().is_some_and(is_one))
}

/// `browser-extensions`: by the first exception, and the innermost place of its stack that is known.
pub(super) fn is_of_extension(event: &Event<'_>) -> bool {
    let Some(first) = event.exceptions().next() else { return false };
    if first.value().is_some_and(|value| IS_EXTENSION_VALUE.is_match(value)) {
        return true;
    }
    let is_known = |path: &&str| *path != "<anonymous>" && *path != "[native code]";
    let path = first.stack().and_then(|stack| stack.frames().rev().filter_map(|frame| frame.abs_path()).find(is_known));
    path.is_some_and(|path| IS_EXTENSION_PATH.is_match(path))
}

/// `web-crawlers`
pub(super) fn is_crawler(user_agent: &str) -> bool {
    IS_CRAWLER.is_match(user_agent) && !IS_NO_CRAWLER.is_match(user_agent)
}
