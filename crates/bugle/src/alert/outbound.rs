//! The one door through which Bugle calls a URL that a person typed.
//!
//! Against requests forged by way of the server (SSRF):
//! * A URL is parsed once, by [`check_url`], and the parsed form is what is dialled: no second parser can read it
//!   differently. Odd spellings of an address (`2130706433`, `0x7f.1`, full-width digits) are addresses by then.
//! * A name is resolved once, when the connection is made, by a resolver that drops every address we do not dial
//!   and hands on the rest. What was judged is what is dialled, so a name that changes its mind (DNS rebinding)
//!   gains nothing. Connections are not kept, so each request is judged anew.
//! * A redirect is an answer like any other: it is not followed.
//! * Proxies of the environment are not used: they would resolve names themselves, unjudged.
//!
//! Time and bytes are bounded: see the constants. Texts of errors name the host and nothing else of the URL,
//! because paths and queries of webhooks are secrets.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url, redirect, retry};

use super::address::refused_as;

/// The longest wait for a connection, TLS included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for a whole exchange, from resolving the name to the last byte read.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(15);
/// As much of an answer is read as helps a person; the rest is not.
pub const ANSWER_BYTES_MAX: usize = 4096;
/// The longest URL that is taken.
pub const URL_BYTES_MAX: usize = 2048;

const USER_AGENT: &str = concat!("Bugle/", env!("CARGO_PKG_VERSION"));

/// Why a URL is not called. Its text is for the person who typed the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not a URL, or one that a lenient reader and a strict one would read differently.
    Unreadable(String),
    /// A scheme other than http and https.
    Scheme(String),
    /// A name or password before the host.
    Credentials,
    /// An address outside the public internet: the host, and what its address is.
    Private {
        /// The host as it was read.
        host: String,
        /// Such as "a loopback address".
        what: &'static str,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Unreadable(why) => write!(f, "This is not a URL that can be called: {why}."),
            Refusal::Scheme(scheme) => write!(f, "Only http and https URLs can be called, not {scheme}."),
            Refusal::Credentials => {
                f.write_str("The URL holds a user name or a password before its host. Leave them out.")
            }
            Refusal::Private { host, what } => write!(
                f,
                "{host} is {what}, and Bugle calls only the public internet. On the server, \
                 BUGLE_ALLOW_PRIVATE_TARGETS=1 would allow it."
            ),
        }
    }
}

impl Error for Refusal {}

/// Why there is no answer.
#[derive(Debug)]
pub enum PostError {
    /// It was not called, and will not be before somebody changes something.
    Refused(Refusal),
    /// It was called and no answer came; it may come the next time. Names the host only.
    Failed(String),
}

/// What the other side said.
#[derive(Debug)]
pub struct Answer {
    /// Any status, redirects included.
    pub status: StatusCode,
    /// At most [`ANSWER_BYTES_MAX`] of the body, read as far as it came.
    pub body: String,
}

/// Judges a URL by what can be seen in it, without asking the network: for a form, and before each call.
/// Returns the form to store. A name is judged when it is resolved, see the top.
pub fn check_url(text: &str, allow_private: bool) -> Result<Url, Refusal> {
    let text = text.trim();
    if text.len() > URL_BYTES_MAX {
        return Err(Refusal::Unreadable(format!("it is longer than {URL_BYTES_MAX} bytes")));
    }
    // The standard's parser mends these silently; another one would not, so nobody should rely on either.
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(Refusal::Unreadable("it contains a blank, a control character or a backslash".to_owned()));
    }
    let url = Url::parse(text).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refusal::Credentials);
    }
    let Some(host) = url.host_str() else {
        return Err(Refusal::Unreadable("it has no host".to_owned()));
    };
    if let (false, Some(what)) = (allow_private, literally_refused_as(host)) {
        return Err(Refusal::Private { host: host.to_owned(), what });
    }
    Ok(url)
}

/// An HTTP client that keeps the rules above. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: Client,
    allow_private: bool,
}

impl Outbound {
    /// `allow_private` is `BUGLE_ALLOW_PRIVATE_TARGETS`; `exchange_timeout` is [`EXCHANGE_TIMEOUT`] unless a test
    /// cannot wait. Fails only where TLS cannot be set up at all.
    pub fn new(allow_private: bool, exchange_timeout: Duration) -> anyhow::Result<Self> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = match builder(allow_private, exchange_timeout).build() {
            Ok(client) => client,
            Err(error) => {
                // A bare container has no authorities' certificates. Serving goes on; https calls say why they fail.
                tracing::warn!(error = deepest(&error), "no certificate authorities found: https webhooks will fail");
                let bare = builder(allow_private, exchange_timeout).tls_certs_only([]);
                bare.build().context("the client for webhooks could not be set up")?
            }
        };
        Ok(Outbound { client, allow_private })
    }

    /// Posts `body` and returns whatever the other side answers, whatever its status.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answer, PostError> {
        let url = check_url(url, self.allow_private).map_err(PostError::Refused)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut request = self.client.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match request.send().await {
            Ok(response) => Ok(Answer { status: response.status(), body: beginning(response).await }),
            Err(error) => Err(failure(&host, &error)),
        }
    }
}

/// The host of a URL for people to read; a URL that cannot be parsed has none to show.
pub fn host_of(url: &str) -> String {
    let host = Url::parse(url.trim()).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "an unreadable URL".to_owned())
}

fn builder(allow_private: bool, exchange_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .no_proxy()
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_TIMEOUT.min(exchange_timeout))
        .timeout(exchange_timeout)
        .dns_resolver(Guard { allow_private })
}

/// What a host is, if that can be told without resolving it. The URL parser has already turned every spelling of
/// an address into the plain one.
fn literally_refused_as(host: &str) -> Option<&'static str> {
    if let Ok(ip) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return refused_as(ip);
    }
    let name = host.trim_end_matches('.');
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_local.then_some("this machine itself")
}

/// Resolves once and hands on only what may be dialled.
struct Guard {
    allow_private: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            // Port 0 stands for "the URL's".
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let dialled = dialled(name.as_str(), found.collect(), allow_private)?;
            Ok(Box::new(dialled.into_iter()) as Addrs)
        })
    }
}

/// Those of `found` that may be dialled; if there were some and none may, why not.
fn dialled(host: &str, found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, Refusal> {
    if allow_private {
        return Ok(found);
    }
    let refused = found.iter().find_map(|address| refused_as(address.ip()));
    let kept: Vec<SocketAddr> = found.into_iter().filter(|address| refused_as(address.ip()).is_none()).collect();
    match refused {
        // Which address it is stays here: a form must not be a map of the network behind the server.
        Some(what) if kept.is_empty() => Err(Refusal::Private { host: host.to_owned(), what }),
        _ => Ok(kept),
    }
}

/// As much of the body as comes, up to the bound. Its status is the answer: a body that breaks off changes nothing.
async fn beginning(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

/// An error of the client in words that name the host only (its own text holds the whole URL).
fn failure(host: &str, error: &reqwest::Error) -> PostError {
    if let Some(refusal) = causes(error).find_map(|cause| cause.downcast_ref::<Refusal>()) {
        return PostError::Refused(refusal.clone());
    }
    PostError::Failed(if error.is_timeout() {
        format!("{host} did not answer in time.")
    } else if error.is_dns() {
        format!("The name {host} could not be resolved: {}.", deepest(error))
    } else if error.is_connect() {
        format!("No connection to {host}: {}.", deepest(error))
    } else if error.is_builder() {
        format!("The request to {host} could not be built.")
    } else {
        format!("The exchange with {host} broke off: {}.", deepest(error))
    })
}

fn deepest(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| "no reason given".to_owned(), |cause| cause.to_string())
}

/// What lies behind an error, without the error itself.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_every_spelling() {
        let spellings = "http://127.0.0.1 http://127.1 http://2130706433 http://0x7f.1 http://0x7f000001/x \
            http://0177.0.0.1 http://017700000001 http://127.0.0.1. http://[::1] http://[::] \
            http://[0:0:0:0:0:0:0:1]:8080 http://[::ffff:127.0.0.1] http://[::ffff:7f00:1] \
            http://[::127.0.0.1] http://[64:ff9b::127.0.0.1] http://[fe80::1] http://[fd00::1] http://0 \
            http://0.0.0.0:9 http://10.0.0.1 http://192.168.1.1 http://169.254.169.254/latest \
            http://100.100.100.200 http://localhost http://LOCALHOST:8000/ http://localhost. \
            http://db.localhost/ http://１２７.0.0.1 http://127。0。0。1 http://%31%32%37.0.0.1 http:127.0.0.1 \
            https:///127.0.0.1/";
        for url in spellings.split_whitespace() {
            let refused = check_url(url, false).expect_err(url);
            assert!(matches!(refused, Refusal::Private { .. }), "{url}: {refused}");
            assert!(refused.to_string().contains("BUGLE_ALLOW_PRIVATE_TARGETS=1 would allow it"), "{refused}");
            assert!(check_url(url, true).is_ok(), "{url} with the flag");
        }
    }

    #[test]
    fn what_is_no_plain_web_address_is_refused_even_with_the_flag() {
        let cases = [
            ("http://a@b.example", Refusal::Credentials),
            ("http://good.example@evil.example/", Refusal::Credentials),
            ("https://:secret@b.example", Refusal::Credentials),
            ("ftp://b.example", Refusal::Scheme("ftp".into())),
            ("file:///etc/passwd", Refusal::Scheme("file".into())),
            ("gopher://b.example", Refusal::Scheme("gopher".into())),
            ("javascript:alert(1)", Refusal::Scheme("javascript".into())),
        ];
        for (url, refusal) in cases {
            assert_eq!(check_url(url, true), Err(refusal), "{url}");
        }
        let long = format!("https://b.example/{}", "x".repeat(URL_BYTES_MAX));
        let unreadable = [
            "",
            "b.example/hook",
            "http://",
            "https://?x",
            "http:\\\\127.0.0.1",
            "http://good.example\\@127.0.0.1",
            "http://b.example/a b",
            "http://b.exa\tmple",
            "http://b.example/\r\nHost: c",
            "http://[fe80::1%25eth0]/",
            "http://[::1",
            "http://256.256.256.256",
            "http://b.example:99999",
            long.as_str(),
        ];
        for url in unreadable {
            assert!(matches!(check_url(url, true), Err(Refusal::Unreadable(_))), "{url:?}: {:?}", check_url(url, true));
        }
    }

    #[test]
    fn a_refusal_repeats_nothing_but_the_host() {
        for url in
            ["http://10.0.0.1/services/SECRET?token=SECRET", "http://u:SECRET@b.example", "ftp://b.example/SECRET"]
        {
            assert!(!check_url(url, false).expect_err(url).to_string().contains("SECRET"));
        }
    }

    #[test]
    fn public_addresses_pass_and_come_back_in_one_form() {
        let url = check_url("  HTTPS://Hooks.Example.com:443/services/T0/B0/x?y=1 ", false).unwrap();
        assert_eq!(url.as_str(), "https://hooks.example.com/services/T0/B0/x?y=1");
        assert_eq!(check_url("http://bücher.example", false).unwrap().as_str(), "http://xn--bcher-kva.example/");
        assert!(check_url("http://[2606:4700::1111]:8080/", false).is_ok());
    }

    #[test]
    fn of_a_names_addresses_only_public_ones_are_dialled() {
        let addresses =
            |list: &[&str]| list.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect::<Vec<_>>();
        let mixed = addresses(&["127.0.0.1", "1.1.1.1", "fd00::1"]);
        assert_eq!(dialled("rebind.example", mixed.clone(), false), Ok(addresses(&["1.1.1.1"])));
        assert_eq!(dialled("rebind.example", mixed.clone(), true), Ok(mixed));
        let refused = dialled("inner.example", addresses(&["10.1.2.3"]), false).unwrap_err();
        assert!(
            !refused.to_string().contains("10.1.2.3") && refused.to_string().contains("inner.example"),
            "{refused}"
        );
    }

    #[tokio::test]
    async fn the_resolver_itself_keeps_loopback_out() {
        let resolve = |allow_private| Guard { allow_private }.resolve("localhost".parse().unwrap());
        let refused = resolve(false).await.err().expect("localhost is not dialled");
        assert!(refused.downcast_ref::<Refusal>().is_some(), "{refused}");
        assert!(resolve(true).await.unwrap().all(|address| address.ip().is_loopback()));
    }
}
