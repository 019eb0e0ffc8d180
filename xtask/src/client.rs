//! A blocking HTTP/1.1 client that keeps its connection.
//!
//! The load shares two cores with the server that it measures, so a request costs one `write` and usually one `read`,
//! and nothing is allocated in between. It reads what the server's own answers can be: a length or chunks, no trailers.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take. A server that is slower than this has failed.
const ANSWER_SECONDS_MAX: u64 = 30;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// One connection.
pub struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// Where the body of the last answer starts.
    body_at: usize,
}

impl Connection {
    /// Connects to `address`.
    pub fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
        Ok(Connection { stream, bytes: Vec::with_capacity(4096), body_at: 0 })
    }

    /// Sends a whole request and reads the whole answer. Its status.
    pub fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).context("sending")?;
        self.bytes.clear();
        let mut looked = 0;
        self.body_at = loop {
            if let Some(end) = find(&self.bytes[looked..], b"\r\n\r\n") {
                break looked + end + 4;
            }
            ensure!(self.bytes.len() < HEAD_BYTES_MAX, "the answer's head does not end");
            looked = self.bytes.len().saturating_sub(3);
            self.more()?;
        };
        let status = self.status()?;
        if status == 204 || status == 304 {
            return Ok(status);
        }
        if let Some(length) = self.header("content-length").map(str::parse::<usize>) {
            let end = self.body_at + length.context("content-length")?;
            while self.bytes.len() < end {
                self.more()?;
            }
        } else if self.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            self.join_chunks()?;
        } else {
            bail!("an answer without a length");
        }
        Ok(status)
    }

    /// The first value of a header of the last answer; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All values of a header of the last answer; `name` in lower case.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let head = std::str::from_utf8(&self.bytes[..self.body_at]).unwrap_or_default();
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .filter(move |(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.body_at..]
    }

    fn status(&self) -> Result<u16> {
        let code = self.bytes.get(9..12).and_then(|code| std::str::from_utf8(code).ok());
        code.and_then(|code| code.parse().ok()).context("an answer without a status")
    }

    /// Puts the chunks of the body together.
    fn join_chunks(&mut self) -> Result<()> {
        let mut at = self.body_at;
        let mut body = Vec::new();
        loop {
            let line = loop {
                match find(&self.bytes[at..], b"\r\n") {
                    Some(length) => break at..at + length,
                    None => self.more()?,
                }
            };
            let size = std::str::from_utf8(&self.bytes[line.clone()])?;
            let size = usize::from_str_radix(size.trim(), 16).context("size of a chunk")?;
            let data = line.end + 2;
            while self.bytes.len() < data + size + 2 {
                self.more()?;
            }
            body.extend_from_slice(&self.bytes[data..data + size]);
            at = data + size + 2;
            if size == 0 {
                break;
            }
        }
        self.bytes.truncate(self.body_at);
        self.bytes.append(&mut body);
        Ok(())
    }

    fn more(&mut self) -> Result<()> {
        let mut chunk = [0u8; 16 * 1024];
        let read = self.stream.read(&mut chunk).context("reading the answer")?;
        ensure!(read > 0, "the server closed the connection");
        self.bytes.extend_from_slice(&chunk[..read]);
        Ok(())
    }
}

/// A whole GET request.
pub fn get(host: &str, path: &str, cookie: &str) -> Vec<u8> {
    let cookie = if cookie.is_empty() { String::new() } else { format!("Cookie: {cookie}\r\n") };
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html, */*\r\n{cookie}\r\n").into_bytes()
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// What a client reads when the server answers with these pieces.
    fn answered(pieces: Vec<&'static [u8]>) -> Result<(u16, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 1024];
            assert!(stream.read(&mut request).unwrap() > 0);
            pieces.into_iter().for_each(|piece| stream.write_all(piece).unwrap());
        });
        let mut connection = Connection::open(address)?;
        let status = connection.exchange(&get("localhost", "/", ""))?;
        server.join().unwrap();
        Ok((status, connection.body().to_vec()))
    }

    #[test]
    fn answers_are_read_by_length_and_by_chunks() {
        let sized: Vec<&[u8]> = vec![b"HTTP/1.1 200 OK\r\ncontent-len", b"gth: 5\r\n\r\nhe", b"llo"];
        assert_eq!(answered(sized).unwrap(), (200, b"hello".to_vec()));
        let chunked: Vec<&[u8]> =
            vec![b"HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r", b"\n2\r\nlo\r\n0\r\n", b"\r\n"];
        assert_eq!(answered(chunked).unwrap(), (429, b"hello".to_vec()));
        assert_eq!(answered(vec![b"HTTP/1.1 204 No Content\r\n\r\n"]).unwrap(), (204, Vec::new()));
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        assert!(answered(vec![b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel"]).is_err());
        assert!(answered(vec![b"HTTP/1.1 200 OK\r\n\r\nhello"]).is_err());
    }
}
