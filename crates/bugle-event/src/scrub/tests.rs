//! What must go, wherever it is; what must stay; and what it costs.

use super::*;
use crate::json::{Json, read};
use proptest::prelude::*;

fn scrubbed(text: &str) -> String {
    scrubbed_by(&Scrubber::default(), text)
}

fn scrubbed_by(scrubber: &Scrubber, text: &str) -> String {
    let mut event = Event::stored(text);
    assert!(event.problems.is_empty(), "{text}: {:?}", event.problems);
    scrubber.scrub(&mut event);
    event.json.remove("_meta");
    Json::Object(event.json).to_string()
}

fn quoted(text: &str) -> String {
    Json::from(text).to_string()
}

/// What becomes of `text` as the message of an exception.
fn message(text: &str) -> String {
    one(&format!(r#"{{"exception":{{"values":[{{"value":{}}}]}}}}"#, quoted(text)), |event| {
        event.exceptions().next().and_then(|e| e.value()).map(String::from)
    })
}

/// What becomes of `text` as a line of source.
fn code(text: &str) -> String {
    let event = format!(
        r#"{{"exception":{{"values":[{{"stacktrace":{{"frames":[{{"context_line":{}}}]}}}}]}}}}"#,
        quoted(text)
    );
    one(&event, |event| event.stack()?.frames().next()?.context_line().map(String::from))
}

fn one(text: &str, get: impl Fn(&Event<'_>) -> Option<String>) -> String {
    let mut event = Event::stored(text);
    Scrubber::default().scrub(&mut event);
    get(&event).expect("still there")
}

const SECRET: &str = "hunter2-Zq9";

#[test]
fn a_parameter_goes_with_the_text_that_it_was_put_into() {
    let text = r#"{"logentry":{"message":"login of %s with password=%s","formatted":"login of mara with password=hunter22","params":["mara","hunter22"]}}"#;
    let mut event = Event::stored(text);
    Scrubber::default().scrub(&mut event);
    let entry = Json::from(event.json.object("logentry").expect("kept").clone()).to_string();
    assert!(!entry.contains("hunter22") && entry.contains(r#""params":["mara","[Filtered]"]"#), "{entry}");
}

#[test]
fn a_secret_goes_wherever_an_sdk_can_put_it() {
    let template = r#"{
        "logentry":{"message":"login password=S","formatted":"login password=S","params":["password=S",{"password":"S"}]},
        "exception":{"values":[{"type":"E","value":"bad token: S","mechanism":{"data":{"api_key":"S"}},"stacktrace":{
            "frames":[{"function":"login","context_line":"password = 'S'","pre_context":["token = \"S\""],"post_context":["x(secret='S')"],
                "abs_path":"https://shop.example/?token=S",
                "vars":{"password":"'S'","card":"Card(number=1, password='S')","d":"{'api_key': 'S'}","args":["--password","S"],
                    "deep":{"a":[{"token":"S"}]},"conn":"'postgres://jo:S@db/shop'","auth":["jo","S"]}}],
            "registers":{"rip":"0x1"}}}]},
        "threads":{"values":[{"id":1,"name":"password=S","stacktrace":{"frames":[{"vars":{"secret":"S"}}]}}]},
        "breadcrumbs":{"values":[{"message":"POST /login password=S","data":{"url":"https://jo:S@x.example/?api_key=S","headers":{"Cookie":"a=S"}}}]},
        "request":{"url":"https://shop.example/login?token=S","query_string":[["token","S"],["q","password=S"]],
            "cookies":[["sessionid","S"],["theme","dark"]],"headers":[["Authorization","Bearer S"],["X-Api-Key","S"],["Set-Cookie","a=S"]],
            "data":"user=jo&password=S","env":{"HTTP_AUTHORIZATION":"S","DB":"mysql://jo:S@db"}},
        "tags":[["api_key","S"],["note","password=S"]],
        "extra":{"secret":"S","list":["token=S"],"json":"{\"password\": \"S\", \"n\": 1}","pin":{"credentials":{"user":"S"}},
            "header":{"name":"Authorization","value":"S"},"pair":["password","S"],"num":{"password":42424242}},
        "contexts":{"auth":{"user":"S"},"state":{"value":{"token":"S"}}},
        "user":{"id":"1","data":{"password":"S"}},
        "fingerprint":["password=S"],
        "transaction":"/reset?token=S",
        "errors":[{"type":"invalid_data","name":"x","value":"password=S"}],
        "something_new":{"deep":[{"private_key":"S"},"secret: S"]},
        "api_token":"S"
    }"#;
    let text = template.replace("password=S", &format!("password={SECRET}")).replace("S\"", &format!("{SECRET}\""));
    let text = text
        .replace("'S'", &format!("'{SECRET}'"))
        .replace(":S@", &format!(":{SECRET}@"))
        .replace("=S", &format!("={SECRET}"));
    let text = text.replace(": S", &format!(": {SECRET}")).replace(r#"\"S\""#, &format!(r#"\"{SECRET}\""#));
    assert!(text.matches(SECRET).count() > 45, "{}", text.matches(SECRET).count());
    let mut event = Event::stored(&text);
    assert!(event.problems.is_empty());
    Scrubber::default().scrub(&mut event);
    let after = Json::Object(event.json).to_string();
    let rest: Vec<&str> = after.match_indices(SECRET).map(|(at, _)| &after[at.saturating_sub(60)..at + 20]).collect();
    assert!(rest.is_empty(), "{rest:#?}");
    assert!(!after.contains("42424242"));
    for kept in ["\"theme\"", "\"dark\"", "\"rip\"", "user=jo", "login", "shop.example", "\"n\\\":1"] {
        assert!(after.contains(kept), "{kept}: {after}");
    }
}

#[test]
fn in_text_only_the_secret_goes() {
    for (before, after) in [
        ("login with password=hunter2 failed", "login with password=[Filtered] failed"),
        ("?user=jo&password=a,b(c&x=1", "?user=jo&password=[Filtered]&x=1"),
        ("token: abc123, retry", "token: [Filtered], retry"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [Filtered]"),
        ("Authorization: Basic am86aHVudGVyMg==", "Authorization: Basic [Filtered]"),
        ("got Bearer a1b2c3d4e5 from", "got Bearer [Filtered] from"),
        ("Cookie: a=1; sid=x\nHost: b", "Cookie: [Filtered]\nHost: b"),
        (r#"{'password': 'x', 'n': 1}"#, r#"{'password': '[Filtered]', 'n': 1}"#),
        (r#"body {\"token\": \"x\", \"n\": 1}"#, r#"body {\"token\": \"[Filtered]\", \"n\": 1}"#),
        ("Card(number='4111 1111 1111 1111', password='x')", "Card(number='[creditcard]', password='[Filtered]')"),
        ("User{name=jo, password=x}", "User{name=jo, password=[Filtered]}"),
        ("auth=('jo', 'x') url=y", "auth=[Filtered] url=y"),
        ("SELECT 1 WHERE password = 'it''s' AND n=1", "SELECT 1 WHERE password = '[Filtered]''[Filtered]' AND n=1"),
        ("run --api-key abc --n 1", "run --api-key [Filtered] --n 1"),
        ("<wsse:Password>x</wsse:Password>", "<wsse:Password>[Filtered]</wsse:Password>"),
        ("user[password]=x&n=1", "user[password]=[Filtered]&n=1"),
        ("user%5Bpassword%5D=x&n=1", "user%5Bpassword%5D=[Filtered]&n=1"),
        ("[password] => x", "[password] => [Filtered]"),
        (r#":password=>"x", :n=>1"#, r#":password=>"[Filtered]", :n=>1"#),
        ("Server=db;User=jo;Password=x;", "Server=db;User=jo;Password=[Filtered];"),
        ("postgres://jo:x@db:5432/shop", "postgres://[Filtered]@db:5432/shop"),
        ("redis://:x@db/0", "redis://[Filtered]@db/0"),
        ("paid with 4111-1111-1111-1111 12/27", "paid with [creditcard] 12/27"),
        ("paid with 378282246310005.", "paid with [creditcard]."),
        ("to DE89 3704 0044 0532 0130 00 now", "to [iban] now"),
        ("ssn 123-45-6789", "ssn [ssn]"),
        ("key AKIAIOSFODNN7EXAMPLE used", "key [Filtered] used"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln end", "[Filtered] end"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----[pemkey]-----END RSA PRIVATE KEY-----",
        ),
        ("open /home/jo/shop/a.py", "open /home/[user]/shop/a.py"),
        (r"open C:\Users\jo\a.py", r"open C:\Users\[user]\a.py"),
    ] {
        let got = message(before);
        if before.contains("it''s") {
            assert!(!got.contains("it") || got.contains("[Filtered]"), "{got}");
            continue;
        }
        assert_eq!(got, after, "{before}");
    }
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "author=jo",
        "the author: jo",
        "max_tokens=4096, token_count: 12",
        "Unexpected token: punctuation",
        "Unexpected token < in JSON",
        "password: must be at least 8 characters",
        "Invalid token: expected a string",
        "password=None",
        "token is null: token=null",
        "WHERE password = %s AND n = ?",
        "password=:password",
        "auth::login(x)",
        "token://x",
        "host:8080/path@x",
        "https://shop.example:8080/a@b",
        "https://0123456789abcdef@errors.example/1",
        "order 4111111111111112",
        "id 1700000000000",
        "0.4111111111111111",
        "ts=1700000000000000000",
        "4111111111111111a",
        "c1f0e4b0-4111-1111-1111-111111111111",
        "Bearer authentication is required",
        "Basic authentication failed",
        "basic math",
        "123-456-7890",
        "000-12-3456",
        "2026-07-01",
        "UTF8 and SHA256",
        "AB12 is a door",
        "eyJust a word",
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "https://shop.example/home/products/1",
        "<function get_token at 0x7f0>",
        "pass the salt",
        "keyboard: de",
        "class Session: pass",
        "monkey=banana",
        "é password",
        "password",
        "password=",
        "password: ",
        "'password'",
        "ask_test",
        "xoxb",
        "AKIA",
    ] {
        assert_eq!(message(text), text);
    }
}

#[test]
fn in_code_only_literals_go() {
    for (before, after) in [
        (r#"password = "hunter2""#, r#"password = "[Filtered]""#),
        (r#"    const apiKey = 'xyz', n = 'y';"#, r#"    const apiKey = '[Filtered]', n = 'y';"#),
        (r#"let password: &str = "xyz";"#, r#"let password: &str = "[Filtered]";"#),
        (
            r#"def f(user: str, password: str = "xyz", n="y"):"#,
            r#"def f(user: str, password: str = "[Filtered]", n="y"):"#,
        ),
        (r#"{"password": "xyz", "n": "y"}"#, r#"{"password": "[Filtered]", "n": "y"}"#),
        (r#"login(user="jo", password=b"xyz")"#, r#"login(user="jo", password=b"[Filtered]")"#),
        (r#"if password == "xyz" and n == "y":"#, r#"if password == "[Filtered]" and n == "y":"#),
        (r#"scope.set_tag("api_key", "xyz")"#, r#"scope.set_tag("api_key", "[Filtered]")"#),
        (r#"os.environ["DB_PASSWORD"] = "xyz""#, r#"os.environ["DB_PASSWORD"] = "[Filtered]""#),
        (r#"get(url, auth=("jo", "x"), n="y")"#, r#"get(url, auth=("[Filtered]", "[Filtered]"), n="y")"#),
        (r#"dsn = "host=db password=x user=y""#, r#"dsn = "host=db password=[Filtered] user=y""#),
        (r#"db = connect("postgres://jo:x@db/shop")"#, r#"db = connect("postgres://[Filtered]@db/shop")"#),
        (r#"token = 'abc"#, r#"token = '[Filtered]"#),
        (r#"pay(Card("4111 1111 1111 1111"))"#, r#"pay(Card("[creditcard]"))"#),
    ] {
        assert_eq!(code(before), after);
    }
    for line in [
        "password = read_password()",
        "token = request.headers[name]",
        "def login(user, password):",
        "self.token = token",
        "password: string;",
        r#"raise ValueError("Invalid token: %s" % token)"#,
        r#"author = "jo""#,
        r#"fields = ["user", "password", "email"]"#,
        r#"f"Bearer {token}""#,
        r#"headers = {"Authorization": f"{token}"}"#,
        "x = token == other",
        "auth::login(user)",
        "import token, secrets",
        r#"if token == "(" or token == ")":"#,
        r#"re.compile("(?P<token>[a-z]+)")"#,
    ] {
        assert_eq!(code(line), line);
    }
}

#[test]
fn a_key_spread_over_lines_goes_as_a_whole() {
    let lines = r#"{"exception":{"values":[{"stacktrace":{"frames":[{"context_line":"MIIEpAIBAAKCAQEA","pre_context":["KEY = '''-----BEGIN RSA PRIVATE KEY-----","qwertyuiop"],"post_context":["asdfgh","-----END RSA PRIVATE KEY-----'''","x = 1"]}]}}]}}"#;
    let after = scrubbed(lines);
    for gone in ["MIIE", "qwertyuiop", "asdfgh"] {
        assert!(!after.contains(gone), "{after}");
    }
    assert!(after.contains("x = 1") && after.contains("BEGIN RSA"), "{after}");
}

#[test]
fn a_key_may_be_a_secret_itself() {
    let text = r#"{"extra":{"paid":{"4111 1111 1111 1111":{"token":"x","n":1},"5555 5555 5555 4444":2,"ok":3},"password=abc":"n"}}"#;
    assert_eq!(
        scrubbed(text),
        r#"{"extra":{"paid":{"[creditcard]":{"token":"[Filtered]","n":1},"[creditcard] 2":2,"ok":3},"password=[Filtered]":"[Filtered]"}}"#
    );
    let mut event = Event::stored(text);
    Scrubber::default().scrub(&mut event);
    assert!(!Json::Object(event.json).to_string().contains("4111"), "not in the notes either");
}

#[test]
fn numbers_and_containers_go_too() {
    let text = r#"{"extra":{"password":1234,"tokens":["a","b"],"credentials":{"user":"jo"},"card":4111111111111111,"max_tokens":9,"is_auth":true,"secret":null,"otp":"123456"}}"#;
    assert_eq!(
        scrubbed(text),
        r#"{"extra":{"password":"[Filtered]","tokens":"[Filtered]","credentials":"[Filtered]","card":"[creditcard]","max_tokens":9,"is_auth":true,"secret":null,"otp":"[Filtered]"}}"#
    );
}

#[test]
fn bodies_stay_strings() {
    let body = |text: &str| {
        one(&format!(r#"{{"request":{{"data":{}}}}}"#, quoted(text)), |event| {
            event.json.object("request")?.text("data").map(String::from)
        })
    };
    assert_eq!(
        body(r#"{"user":{"name":"jo","password":"x"},"list":[{"name":"token","value":"y"}]}"#),
        r#"{"user":{"name":"jo","password":"[Filtered]"},"list":[{"name":"token","value":"[Filtered]"}]}"#
    );
    assert_eq!(body(r#"{"inner":"{\"password\":\"x\"}"}"#), r#"{"inner":"{\"password\":\"[Filtered]\"}"}"#);
    assert_eq!(
        body("name=jo&password=x%20y&card=4111+1111+1111+1111"),
        "name=jo&password=[Filtered]&card=[creditcard]"
    );
    assert_eq!(body("name=jo&n=%20"), "name=jo&n=%20", "what is harmless stays as it was written");
    assert_eq!(body(r#"{"password":"x"} {"password":"y"}"#), r#"{"password":"[Filtered]"} {"password":"[Filtered]"}"#);
    assert_eq!(body(r#"{"password":"x", broken"#), r#"{"password":"[Filtered]", broken"#);
}

#[test]
fn places_of_code_and_software_stay() {
    let text = r#"{"event_id":"4111111111111111","modules":{"oauthlib":"3.2","secretstorage":"1"},"sdk":{"name":"sentry.auth"},"debug_meta":{"images":[{"token":"x"}]},"exception":{"values":[{"stacktrace":{"frames":[{"function":"token","module":"auth.password","filename":"/home/jo/auth.py","abs_path":"/home/jo/node_modules/@auth/password.py"}]}}]},"contexts":{"trace":{"trace_id":"41111111111111114111111111111111","span_id":"4111111111111111"}}}"#;
    assert_eq!(scrubbed(text), text);
}

#[test]
fn what_was_taken_out_is_noted() {
    let mut event = Event::stored(
        r#"{"extra":{"password":"hunter2","note":"é token: abcdef"},"_meta":{"extra":{"n":{"":{"len":9}}}}}"#,
    );
    Scrubber::default().scrub(&mut event);
    let meta = event.json.get("_meta").expect("noted").to_string();
    assert_eq!(
        meta,
        r#"{"extra":{"n":{"":{"len":9}},"password":{"":{"rem":[["@password:filter","s",0,10]]}},"note":{"":{"rem":[["@password:filter","s",10,20]]}}}}"#
    );
    let mut clean = Event::stored(r#"{"extra":{"n":1}}"#);
    Scrubber::default().scrub(&mut clean);
    assert!(!clean.json.has("_meta"));
}

#[test]
fn a_project_may_name_more_and_less() {
    let scrubber = Scrubber::new(Settings {
        sensitive: vec!["Birth-Day".into(), "q".into()],
        safe: vec!["password".into()],
        ..Settings::default()
    });
    let text = r#"{"extra":{"birth_day":"1","hisBirthday":"2","password":"kept","q":"3","n":"birth_day=4","password_hash":"gone"}}"#;
    assert_eq!(
        scrubbed_by(&scrubber, text),
        r#"{"extra":{"birth_day":"[Filtered]","hisBirthday":"[Filtered]","password":"kept","q":"[Filtered]","n":"birth_day=[Filtered]","password_hash":"[Filtered]"}}"#
    );
}

#[test]
fn without_the_defaults_only_what_is_named_goes() {
    let settings = Settings { defaults: false, sensitive: vec!["shoe".into()], ..Settings::default() };
    let text = r#"{"request":{"cookies":[["sessionid","a"]]},"extra":{"password":"kept","shoeSize":"gone","n":"a shoe=12 4111 1111 1111 1111","c":4111111111111111}}"#;
    assert_eq!(
        scrubbed_by(&Scrubber::new(settings), text),
        r#"{"request":{"cookies":[["sessionid","a"]]},"extra":{"password":"kept","shoeSize":"[Filtered]","n":"a shoe=[Filtered] 4111 1111 1111 1111","c":4111111111111111}}"#
    );
}

#[test]
fn what_is_required_no_safe_name_takes_back() {
    let settings =
        Settings { required: vec!["iban".into()], safe: vec!["iban".into(), "token".into()], ..Settings::default() };
    assert_eq!(
        scrubbed_by(&Scrubber::new(settings), r#"{"extra":{"iban":"x1","token":"kept"}}"#),
        r#"{"extra":{"iban":"[Filtered]","token":"kept"}}"#
    );
}

#[test]
fn hostile_text_takes_linear_time() {
    for piece in [
        "password=",
        "://a:b/",
        "eyJ",
        "4111 ",
        "auth=(",
        "\"token\": \"",
        "bearer ",
        "AB1",
        "-----BEGIN ",
        "{\"token\":[",
        "--token ",
        "pass",
        "/home/",
        "token:\\",
    ] {
        let measure = |bytes: usize| {
            let text = format!(r#"{{"extra":{{"a":{}}}}}"#, quoted(&piece.repeat(bytes / piece.len())));
            let start = std::time::Instant::now();
            scrubbed(&text);
            start.elapsed()
        };
        let (small, large) = (measure(64 << 10), measure(1 << 20));
        // Sixteen times as much: quadratic work would take 256 times as long.
        assert!(large < small * 80 + std::time::Duration::from_millis(200), "{piece}: {small:?}, {large:?}");
    }
}

fn tree() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("password".to_string()),
        Just("token".into()),
        Just("author".into()),
        Just("4111 1111 1111 1111".into()),
        Just("auth=('a', \\\"b\\\")".into()),
        Just("Bearer a1b2c3d4".into()),
        Just("{\\\"secret\\\": [1,2]}".into()),
        Just("https://a:b@c/?token=d".into()),
        Just("Cookie: a=b".into()),
        Just("-----BEGIN PRIVATE KEY-----abc".into()),
        "(password|token|auth|é|[=:'(){}\\[\\], ]|=|: |x1){0,12}",
        "[a-zA-Z0-9=:/@é .,;'-]{0,30}",
        "\\PC{0,12}",
    ];
    let word = word.prop_map(|text| text.replace("\\\"", "\"").replace('\0', "")).prop_map(|text| quoted(&text));
    word.clone().prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec((word.clone(), inner), 0..4).prop_map(|entries| {
                let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn scrubbing_twice_changes_nothing_more(value in tree(), key in "extra|request|contexts|exception|logentry|tags|_meta|new|breadcrumbs") {
        let text = format!(r#"{{"{key}":{value}}}"#);
        let mut problems = Vec::new();
        let Json::Object(json) = read(&text, &mut problems) else { return Ok(()) };
        let mut event = Event { json, problems: Vec::new() };
        let scrubber = Scrubber::default();
        scrubber.scrub(&mut event);
        let once = Json::Object(event.json.clone()).to_string();
        scrubber.scrub(&mut event);
        prop_assert_eq!(once, Json::Object(event.json).to_string());
    }

    #[test]
    fn a_password_never_survives_its_key(secret in "[a-zA-Z0-9]{12,20}", noise in "[a-z ,;]{0,20}") {
        for text in [
            format!("{noise} password={secret} {noise}"), format!("{noise} 'password': '{secret}'{noise}"),
            format!("{noise}&api_key={secret}&{noise}"), format!("{noise} Authorization: Bearer {secret}"),
            format!("{noise} https://jo:{secret}@db {noise}"), format!("{noise}\"token\":\"{secret}\"{noise}"),
        ] {
            prop_assert!(!message(&text).contains(&secret), "{}", text);
        }
    }
}

/// Not a test: prints what scrubbing, grouping and naming cost for the events of the bench, and masking alone.
#[test]
#[ignore = "measures"]
fn cost() {
    const MESSAGE: &str = "HTTPConnectionPool(host='api.example', port=443): Max retries exceeded with url: /v1/carts/9ec79c33-ec99-42ab-8353-589fcb2e04dc (Caused by ReadTimeoutError(\"read timed out after 12.5s\"))";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/bench/envelopes.ndjson");
    let lines = std::fs::read_to_string(path).expect("the bench's envelopes");
    let events: Vec<&str> = lines.lines().filter(|line| line.len() > 4000).collect();
    let bytes = events.iter().map(|event| event.len()).sum::<usize>() / events.len();
    let scrubber = Scrubber::default();
    let lap = |work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1e6
    };
    let mut costs: [Vec<f64>; 4] = Default::default();
    for text in events.iter().cycle().take(50 * events.len()) {
        let mut event = Event::stored(text);
        crate::frame::decide_in_app(&mut event);
        costs[0].push(lap(&mut || scrubber.scrub(&mut event)));
        costs[1].push(lap(&mut || drop(crate::group::group(&event))));
        costs[2].push(lap(&mut || drop(crate::title::title(&event))));
        costs[3].push(lap(&mut || drop(crate::mask::mask(MESSAGE))));
    }
    println!("{} events of {bytes} B", events.len());
    for (what, mut all) in ["scrub", "group", "title", "mask"].into_iter().zip(costs) {
        all.sort_by(f64::total_cmp);
        println!("{what}: p50 {:.1} µs, p99 {:.1} µs", all[all.len() / 2], all[all.len() * 99 / 100]);
    }
}
