//! Somebody who uses the pages as a browser does: signs in by the form, keeps cookies, follows links.
//!
//! Nothing here knows an address: the form is found in the HTML, as the contract fixes no page but `/`.

use crate::client::{Connection, get};
use crate::server::{OWNER, PASSWORD};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;

const REDIRECTS_MAX: usize = 5;

/// Somebody who is signed in.
pub struct Visitor {
    connection: Connection,
    host: String,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    /// Signs in through the form. Errors when there is no such form or it does not let us in.
    pub fn sign_in(address: SocketAddr) -> Result<Visitor> {
        let connection = Connection::open(address)?;
        let mut visitor = Visitor { connection, host: address.to_string(), cookies: Vec::new() };
        let (path, page) = visitor.follow("/")?;
        let form = form_with_password(&page).with_context(|| format!("{path} has no form with a password"))?;
        let action = attribute(form, "action").filter(|action| !action.is_empty()).unwrap_or(path);
        visitor.post(&action, &fields(form))?;
        let (path, page) = visitor.follow("/")?;
        ensure!(form_with_password(&page).is_none(), "{path} still asks for a password");
        Ok(visitor)
    }

    /// The page at which redirects from `path` end: its path and its HTML.
    pub fn follow(&mut self, path: &str) -> Result<(String, String)> {
        let mut path = path.to_owned();
        for _ in 0..REDIRECTS_MAX {
            let (status, target) = self.get(&path)?;
            match target {
                Some(target) if (300..400).contains(&status) => path = target,
                _ => {
                    ensure!(status == 200, "{path} answered {status}");
                    return Ok((path, String::from_utf8_lossy(self.connection.body()).into_owned()));
                }
            }
        }
        anyhow::bail!("{path} redirects without end")
    }

    /// One page, without following: its status and where it sends.
    pub fn get(&mut self, path: &str) -> Result<(u16, Option<String>)> {
        self.exchange(&get(&self.host, path, &self.cookie()))
    }

    fn post(&mut self, path: &str, fields: &[(String, String)]) -> Result<()> {
        let pair = |(name, value): &(String, String)| format!("{}={}", escaped(name), escaped(value));
        let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
        let (host, cookie, length) = (&self.host, self.cookie(), body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
             Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let (status, _) = self.exchange(request.as_bytes())?;
        ensure!((200..400).contains(&status), "signing in answered {status}");
        Ok(())
    }

    /// Sends a request, keeps the cookies of the answer; its status and where it sends us.
    fn exchange(&mut self, request: &[u8]) -> Result<(u16, Option<String>)> {
        let status = self.connection.exchange(request)?;
        let pair = |cookie: &str| {
            let (name, value) = cookie.split(';').next()?.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        for (name, value) in self.connection.headers("set-cookie").filter_map(pair).collect::<Vec<_>>() {
            self.cookies.retain(|(known, _)| *known != name);
            self.cookies.push((name, value));
        }
        let origin = format!("http://{}", self.host);
        let target = self.connection.header("location");
        Ok((status, target.map(|target| target.strip_prefix(&origin).unwrap_or(target).to_owned())))
    }

    fn cookie(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

/// The first form with a password field, from its tag to its end.
fn form_with_password(page: &str) -> Option<&str> {
    page.split("<form")
        .skip(1)
        .map(|form| form.split("</form>").next().unwrap_or(form))
        .find(|form| form.contains("type=\"password\""))
}

/// What a browser would send for a sign-in form filled in by the owner.
fn fields(form: &str) -> Vec<(String, String)> {
    form.split("<input")
        .skip(1)
        .map(|input| input.split('>').next().unwrap_or(input))
        .filter_map(|input| {
            let value = match attribute(input, "type").as_deref() {
                Some("password") => PASSWORD.to_owned(),
                Some("hidden") => attribute(input, "value").unwrap_or_default(),
                _ => OWNER.to_owned(),
            };
            Some((attribute(input, "name")?, value))
        })
        .collect()
}

/// The value of an attribute of the tag that `tag` starts with.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let tag = tag.split('>').next()?;
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
}

/// A form's value in a body.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_in_as_by_a_person() {
        let page = r#"<form action="/find"><input name="q"></form>
            <form method="post" action="/sign-in?a=1&amp;b=2"><input type="hidden" name="next" value="/&quot;x">
            <input type="email" name="email" required><input name="secret" type="password"><button>Go</button></form>"#;
        let form = form_with_password(page).unwrap();
        assert_eq!(attribute(form, "action").unwrap(), "/sign-in?a=1&b=2");
        let expected = [("next", "/\"x"), ("email", OWNER), ("secret", PASSWORD)];
        assert_eq!(fields(form), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(form_with_password("<form><input type=\"email\"></form>"), None);
    }

    #[test]
    fn form_values_are_escaped() {
        assert_eq!(escaped("a b@c&d"), "a%20b%40c%26d");
    }
}
