//! Agents as browsers send them.

use super::*;
use proptest::prelude::*;
use std::time::Instant;

/// Agent, browser, system, device.
const AGENTS: &[(&str, &str, &str, &str)] = &[
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Chrome 126.0.0.0",
        "Windows 10",
        "",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.2592.68",
        "Edge 126.0.2592.68",
        "Windows 10",
        "",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "Safari 17.5",
        "Mac OS X 10.15.7",
        "Mac",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
        "Mobile Safari 17.5",
        "iOS 17.5.1",
        "iPhone",
    ),
    (
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
        "Chrome Mobile iOS 126.0.6478.54",
        "iOS 16.6",
        "iPad",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "Mobile Safari UI/WKWebView",
        "iOS 16.0",
        "iPhone",
    ),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox 127.0", "Ubuntu", ""),
    ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox Mobile 127.0", "Android 14", ""),
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
        "Chrome Mobile 126.0.0.0",
        "Android 10",
        "",
    ),
    (
        "Mozilla/5.0 (Linux; Android 13; SM-S908B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
        "Samsung Internet 25.0",
        "Android 13",
        "SM-S908B",
    ),
    (
        "Mozilla/5.0 (Linux; Android 12; Pixel 6 Build/SD1A.210817.023; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/94.0.4606.71 Mobile Safari/537.36",
        "Chrome Mobile WebView 94.0.4606.71",
        "Android 12",
        "Pixel 6",
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100 Build/IML74K) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
        "Android 4.0.3",
        "Android 4.0.3",
        "GT-I9100",
    ),
    ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", "IE 9.0", "Windows 7", ""),
    ("Mozilla/5.0 (Windows NT 6.3; Trident/7.0; rv:11.0) like Gecko", "IE 11.0", "Windows 8.1", ""),
    ("Opera/9.80 (Windows NT 6.0) Presto/2.12.388 Version/12.14", "Opera 12.14", "Windows Vista", ""),
    (
        "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
        "Opera Mini 7.1.32052",
        "",
        "",
    ),
    (
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Chrome 126.0.0.0",
        "Chrome OS 14541.0.0",
        "",
    ),
    (
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Googlebot 2.1",
        "Android 6.0.1",
        "Spider",
    ),
    ("curl/8.5.0", "curl 8.5.0", "", ""),
    ("", "", "", ""),
    ("something else entirely", "", "", ""),
];

fn words(product: Option<&Product<'_>>) -> String {
    product.map_or(String::new(), |one| format!("{} {}", one.name, one.version).trim().to_string())
}

#[test]
fn agents_are_told_apart() {
    for (text, browser, os, device) in AGENTS {
        let agent = parse(text);
        let read = (words(agent.browser.as_ref()), words(agent.os.as_ref()));
        assert_eq!(read, (browser.to_string(), os.to_string()), "{text}");
        assert_eq!(agent.device.map_or("".into(), |device| device.family), *device, "{text}");
    }
    assert_eq!(parse(AGENTS[0].0).browser.and_then(|browser| browser.major()), Some(126));
}

#[test]
fn hints_say_what_agents_hide() {
    let list = r#""Not/A)Brand";v="8.0.0.0", "Chromium";v="126.0.6478.63", "Google Chrome";v="126.0.6478.63""#;
    assert_eq!(words(hints::browser(list).as_ref()), "Chrome 126.0.6478.63");
    assert_eq!(words(hints::browser(r#""Chromium";v="110", "Not A(Brand";v="24""#).as_ref()), "Chromium 110");
    assert_eq!(hints::browser("nonsense"), None);
    assert_eq!(words(hints::os("\"Windows\"", Some("\"15.0.0\"")).as_ref()), "Windows 11");
    assert_eq!(words(hints::os("\"macOS\"", Some("\"14.5.0\"")).as_ref()), "Mac OS X 14.5.0");
    assert_eq!(hints::device("\"\""), None);
    assert_eq!(hints::device("\"Pixel 7\"").and_then(|device| device.brand), Some("Google"));
}

proptest! {
    #[test]
    fn no_agent_breaks_it(text in "\\PC*", mark in proptest::sample::select(AGENTS), at in 0usize..200) {
        parse(&text);
        hints::browser(&text);
        hints::os(&text, Some(&text));
        let cut = mark.0.char_indices().nth(at).map_or(mark.0.len(), |(at, _)| at);
        parse(&format!("{}{text}{}", &mark.0[..cut], &mark.0[cut..]));
    }
}

/// Not a test: prints what an agent costs.
#[test]
#[ignore = "measures"]
fn cost() {
    for _ in 0..5 {
        let start = Instant::now();
        for _ in 0..1000 {
            for (text, ..) in AGENTS {
                std::hint::black_box(parse(std::hint::black_box(text)));
            }
        }
        println!("{:.2} µs", start.elapsed().as_secs_f64() * 1e6 / 1000.0 / AGENTS.len() as f64);
    }
}
