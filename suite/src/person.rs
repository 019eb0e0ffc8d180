//! A person with a browser that runs no script: cookies, links, forms, and the text that can be seen.

use std::time::Duration;

use scraper::{ElementRef, Html, Node, Selector};
use ureq::Agent;
use ureq::http::Request;

use crate::Project;

/// One browser.
pub struct Person {
    base: String,
    agent: Agent,
}

/// One page, or whatever else the address answered.
pub struct Page {
    /// The status code after redirects.
    pub status: u16,
    /// The path it came from.
    pub path: String,
    /// The source.
    pub html: String,
}

/// A form as it stands on a page, with the values that a browser would send.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// Its fields, in order.
    pub fields: Vec<(String, String)>,
}

impl Person {
    /// Nobody yet, in front of the server at `base`.
    pub fn new(base: &str) -> Person {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .into();
        Person { base: base.into(), agent }
    }

    /// Signs in on the page that a stranger is sent to.
    pub fn sign_in(&mut self, email: &str, password: &str) {
        let page = self.get("/");
        let form = page.form_with("password").expect("a stranger meets the sign-in form");
        let page = self.submit(&form.with("email", email).with("password", password));
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.form_with("password").is_none(), "still at the door: {}", page.text());
    }

    /// A page.
    pub fn get(&self, path: &str) -> Page {
        let request = Request::get(format!("{}{path}", self.base)).header("Accept", "text/html").body(());
        let answer = self.agent.run(request.expect("a valid request"));
        Page::read(path, answer.unwrap_or_else(|error| panic!("GET {path}: {error}")))
    }

    /// A page that must be there.
    pub fn page(&self, path: &str) -> Page {
        let page = self.get(path);
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        page
    }

    /// The page of an issue.
    pub fn issue(&self, id: &str) -> Page {
        self.page(&format!("/issues/{id}"))
    }

    /// Adds an alert target on the project's settings page: the one place that knows how its form is built.
    pub fn add_target(&self, project: &Project, kind: &str, address: &str) -> Page {
        let page = self.page(&format!("/projects/{}/settings", project.slug));
        let form = page.form_with("address").unwrap_or_else(|| panic!("no form for targets on {}", page.path));
        let answer = self.submit(&form.with("kind", kind).with("address", address));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// Sends a form as a browser does, which says where it comes from, and follows the redirect.
    pub fn submit(&self, form: &Form) -> Page {
        let body: Vec<String> =
            form.fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        let request = Request::post(format!("{}{}", self.base, form.action))
            .header("Accept", "text/html")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", &self.base)
            .header("Sec-Fetch-Site", "same-origin")
            .body(body.join("&"));
        let answer = self.agent.run(request.expect("a valid request"));
        Page::read(&form.action, answer.unwrap_or_else(|error| panic!("POST {}: {error}", form.action)))
    }
}

impl Page {
    fn read(path: &str, mut answer: ureq::http::Response<ureq::Body>) -> Page {
        let status = answer.status().as_u16();
        let html = answer.body_mut().read_to_string().expect("a page is text");
        Page { status, path: path.into(), html }
    }

    /// The text that can be seen, folded parts included, blanks collapsed.
    pub fn text(&self) -> String {
        visible_text(Html::parse_document(&self.html).root_element())
    }

    /// The text of the first element that matches a selector.
    pub fn text_of(&self, selector: &str) -> Option<String> {
        Html::parse_document(&self.html).select(&parse(selector)).next().map(visible_text)
    }

    /// Fails unless all of these can be seen.
    pub fn shows(&self, texts: &[&str]) {
        let seen = self.text();
        let missing: Vec<_> = texts.iter().filter(|text| !seen.contains(**text)).collect();
        assert!(missing.is_empty(), "{} does not show {missing:#?} but:\n{seen}", self.path);
    }

    /// Where the links of the page lead on this server: paths with their queries, each once.
    pub fn links(&self) -> Vec<String> {
        let page = Html::parse_document(&self.html);
        let links = parse("a[href]");
        let mut paths: Vec<String> = page
            .select(&links)
            .filter_map(|link| link.value().attr("href"))
            .filter(|href| href.starts_with('/') && !href.starts_with("//"))
            .map(|href| href.split('#').next().unwrap_or_default().to_string())
            .collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// The forms of the page.
    pub fn forms(&self) -> Vec<Form> {
        let page = Html::parse_document(&self.html);
        page.select(&parse("form")).map(|form| Form::read(form, &self.path)).collect()
    }

    /// The first form that has a field of that name.
    pub fn form_with(&self, field: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.fields.iter().any(|(name, _)| name == field))
    }

    /// The first form that goes to a path with that end.
    pub fn form_to(&self, end: &str) -> Option<Form> {
        self.forms().into_iter().find(|form| form.action.split('?').next().is_some_and(|path| path.ends_with(end)))
    }
}

impl Form {
    fn read(form: ElementRef<'_>, path: &str) -> Form {
        let action = form.value().attr("action").filter(|action| !action.is_empty()).unwrap_or(path).to_string();
        let mut fields = Vec::new();
        for field in form.select(&parse("input[name], select[name], textarea[name], button[name]")) {
            let attribute = |name: &str| field.value().attr(name);
            let name = attribute("name").unwrap_or_default().to_string();
            let kind = attribute("type").unwrap_or_default();
            let value = match field.value().name() {
                "textarea" => field.text().collect(),
                "select" => selected(field),
                // Which button is pressed is the test's choice: `with` adds it.
                "button" => continue,
                _ if matches!(kind, "checkbox" | "radio") && attribute("checked").is_none() => continue,
                _ if matches!(kind, "checkbox" | "radio") => attribute("value").unwrap_or("on").to_string(),
                _ => attribute("value").unwrap_or_default().to_string(),
            };
            fields.push((name, value));
        }
        Form { action, fields }
    }

    /// The form with one field filled in (added, if it is a box that was not ticked or a button).
    pub fn with(mut self, name: &str, value: &str) -> Form {
        match self.fields.iter_mut().find(|(key, _)| key == name) {
            Some(field) => field.1 = value.into(),
            None => self.fields.push((name.into(), value.into())),
        }
        self
    }
}

fn selected(field: ElementRef<'_>) -> String {
    let options: Vec<ElementRef<'_>> = field.select(&parse("option")).collect();
    let chosen = options.iter().find(|option| option.value().attr("selected").is_some()).or(options.first());
    chosen
        .map(|option| option.value().attr("value").map_or_else(|| option.text().collect(), str::to_string))
        .unwrap_or_default()
}

fn visible_text(root: ElementRef<'_>) -> String {
    let hidden =
        |node: &Node| matches!(node.as_element().map(|e| e.name()), Some("head" | "script" | "style" | "template"));
    let mut text = String::new();
    for node in root.descendants() {
        if let Node::Text(piece) = node.value()
            && !node.ancestors().any(|outer| hidden(outer.value()))
        {
            text.push_str(piece);
            // Neighbouring blocks are apart on the screen; neighbouring spans are not. A blank between any two
            // elements would tear highlighted code apart, so only the end of a block makes one.
        }
        if node.value().as_element().is_some_and(|element| !is_inline(element.name())) {
            text.push(' ');
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_inline(element: &str) -> bool {
    matches!(
        element,
        "a" | "b"
            | "i"
            | "em"
            | "strong"
            | "span"
            | "code"
            | "mark"
            | "small"
            | "s"
            | "u"
            | "kbd"
            | "abbr"
            | "q"
            | "var"
    )
}

fn parse(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"))
}

pub(crate) fn escape(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
