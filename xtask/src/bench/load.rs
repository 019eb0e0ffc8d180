//! The two kinds of load.
//!
//! *Closed*: each connection sends its next request as soon as the last one is answered. It finds the highest rate, and
//! its latencies say little, as a slow server is asked less often.
//!
//! *Open*: requests have a time at which they are due, independent people's times (exponential gaps), whatever the
//! server does. Latency counts from that time, not from when a connection was free; so a stall costs everything
//! that was due during it (no coordinated omission). It includes what the generator's own wake-up costs.

use super::pool::Request;
use crate::client::Connection;
use crate::random::Random;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What became of some requests.
#[derive(Debug, Default)]
pub struct Load {
    /// Answers by status; 0 counts those that never came.
    pub statuses: BTreeMap<u16, u64>,
    /// Microseconds per answered request, sorted.
    pub latencies_us: Vec<u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Whether the requests ran out before the time.
    pub ran_out: bool,
}

impl Load {
    /// Requests answered with 200.
    pub fn accepted(&self) -> u64 {
        self.statuses.get(&200).copied().unwrap_or_default()
    }

    /// Accepted requests per second.
    pub fn accepted_per_second(&self) -> f64 {
        self.accepted() as f64 / self.elapsed.as_secs_f64()
    }

    /// Milliseconds within which this share of the answers came.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        quantile(&self.latencies_us, share).map(|micros| micros as f64 / 1000.0)
    }

    fn count(&mut self, answer: &Result<u16>, since: Instant) {
        *self.statuses.entry(*answer.as_ref().unwrap_or(&0)).or_default() += 1;
        if answer.is_ok() {
            self.latencies_us.push(since.elapsed().as_micros() as u64);
        }
    }

    fn join(mut self, other: Load) -> Load {
        other.statuses.into_iter().for_each(|(status, count)| *self.statuses.entry(status).or_default() += count);
        self.latencies_us.extend(other.latencies_us);
        self
    }
}

/// The value in a sorted list below which this share lies.
pub fn quantile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}

/// Sends as fast as `connections` allow, until the time is over or the requests are.
pub fn closed(address: SocketAddr, requests: &[Request], connections: usize, duration: Duration) -> Result<Load> {
    let started = Instant::now();
    let end = started + duration;
    send(address, requests, connections, started, |_| (Instant::now() < end).then(Instant::now))
}

/// Sends `per_second` requests at times of their own, counted from `started`, until they are all sent.
pub fn open(
    address: SocketAddr,
    requests: &[Request],
    connections: usize,
    per_second: f64,
    started: Instant,
) -> Result<Load> {
    let due = schedule(requests.len(), per_second);
    send(address, requests, connections, started, |at| {
        let due = started + due[at];
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        Some(due)
    })
}

/// When the requests of an open load are due, from its start.
fn schedule(count: usize, per_second: f64) -> Vec<Duration> {
    let mut random = Random::seeded(count as u64);
    let mut seconds = 0.0;
    let next = |_| {
        seconds -= random.unit().ln() / per_second;
        Duration::from_secs_f64(seconds)
    };
    (0..count).map(next).collect()
}

/// Sends requests on `connections` threads; `begin` waits for a request's time and says when its latency starts.
fn send(
    address: SocketAddr,
    requests: &[Request],
    connections: usize,
    started: Instant,
    begin: impl Fn(usize) -> Option<Instant> + Sync,
) -> Result<Load> {
    let next = AtomicUsize::new(0);
    let worker = |mut connection: Connection| -> Result<Load> {
        let mut load = Load::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(request) = requests.get(at) else {
                load.ran_out = true;
                return Ok(load);
            };
            let Some(since) = begin(at) else { return Ok(load) };
            let answer = connection.exchange(&request.bytes);
            load.count(&answer, since);
            if answer.is_err() {
                connection = Connection::open(address)?;
            }
        }
    };
    let mut load = std::thread::scope(|scope| -> Result<Load> {
        let mut running = Vec::new();
        for _ in 0..connections {
            let connection = Connection::open(address)?;
            running.push(scope.spawn(|| worker(connection)));
        }
        let mut all = Load::default();
        for worker in running {
            let load = worker.join().ok().context("a worker panicked")??;
            all.ran_out |= load.ran_out;
            all = all.join(load);
        }
        Ok(all)
    })?;
    load.elapsed = started.elapsed();
    load.latencies_us.sort_unstable();
    Ok(load)
}

#[cfg(test)]
mod tests {
    use super::super::pool::{Source, tests::root};
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex};

    /// A server that takes every event and remembers the envelope headers.
    fn sink() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let shared = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = shared.clone();
                std::thread::spawn(
                    move || while take(&mut BufReader::new(stream.as_ref().unwrap()), &shared).is_some() {},
                );
            }
        });
        (address, taken)
    }

    fn take(reader: &mut BufReader<&TcpStream>, taken: &Mutex<Vec<String>>) -> Option<()> {
        let mut length = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            if let Some(value) = line.strip_prefix("Content-Length: ") {
                length = value.trim().parse().ok();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length?];
        reader.read_exact(&mut body).ok()?;
        let mut text = String::new();
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).ok()?;
        taken.lock().unwrap().push(text.lines().next()?.to_owned());
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").ok()
    }

    fn requests(address: SocketAddr, count: usize) -> Vec<Request> {
        Source::new(root(), &address.to_string(), "/api/1/envelope/", "k").unwrap().make(count).unwrap()
    }

    #[test]
    fn every_request_is_sent_once() {
        let (address, taken) = sink();
        let load = closed(address, &requests(address, 500), 8, Duration::from_secs(60)).unwrap();
        let mut headers = taken.lock().unwrap().clone();
        headers.sort();
        headers.dedup();
        assert_eq!((load.accepted(), load.latencies_us.len(), headers.len()), (500, 500, 500));
        assert!(load.ran_out);
    }

    #[test]
    fn a_request_that_waited_for_its_turn_is_late() {
        let (address, _) = sink();
        let made = requests(address, 50);
        let started = Instant::now() - Duration::from_secs(3);
        let load = open(address, &made, 1, 100.0, started).unwrap();
        assert_eq!(load.accepted(), 50);
        assert!(load.quantile_ms(0.01).unwrap() > 1000.0, "due up to three seconds ago, and all are answered now");
    }

    #[test]
    fn a_schedule_has_its_rate() {
        let due = schedule(20_000, 1000.0);
        assert!(due.is_sorted());
        let seconds = due[due.len() - 1].as_secs_f64();
        assert!((19.0..21.0).contains(&seconds), "{seconds}");
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<u64> = (1..=100).collect();
        assert_eq!([0.5, 0.99, 1.0].map(|share| quantile(&sorted, share)), [Some(50), Some(99), Some(100)]);
        assert_eq!(quantile(&[], 0.5), None);
    }
}
