//! The load: connections that send until the server is gone, and write down what they were told.

use super::books::{Answer, Books};
use super::envelope::Source;
use crate::client::Connection;
use crate::random::{Random, mix};
use anyhow::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

/// Connections that send at the same time.
const CONNECTIONS: u64 = 8;
/// Requests of each connection that may be sent again.
const REMEMBERED: usize = 32;
/// Of ten envelopes, this many are sent again, byte for byte, as by an SDK or a proxy that retries.
const REPEATS_OF_TEN: u64 = 1;
/// Of twenty envelopes, this many go to a second project with the same ids: there they are other events.
const COPIES_OF_TWENTY: u64 = 1;

/// What all loads of a directory share.
#[derive(Clone)]
pub struct Ground {
    /// What can be sent.
    pub source: Arc<Source>,
    books: Arc<Mutex<Books>>,
}

/// A request whose last delivery got no answer.
pub struct Unanswered {
    envelope: usize,
    request: Arc<[u8]>,
}

/// A load under way.
pub struct Load {
    threads: Vec<JoinHandle<Result<Vec<Unanswered>>>>,
    stop: Arc<AtomicBool>,
    /// One message per acknowledgement.
    pub acknowledgements: mpsc::Receiver<()>,
    /// One message per refusal.
    pub refusals: mpsc::Receiver<()>,
}

impl Ground {
    /// Empty books.
    pub fn new(source: Source) -> Ground {
        Ground { source: Arc::new(source), books: Arc::default() }
    }

    /// The books.
    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Load {
    /// Starts to send, first what a former server has not answered, then at most `envelopes_max` new envelopes.
    pub fn start(
        address: SocketAddr,
        ground: &Ground,
        seed: u64,
        unanswered: Vec<Unanswered>,
        envelopes_max: u64,
    ) -> Load {
        let (acknowledged, acknowledgements) = mpsc::channel();
        let (refused, refusals) = mpsc::channel();
        let stop = Arc::new(AtomicBool::new(false));
        let left = Arc::new(AtomicU64::new(envelopes_max));
        let mut shares: Vec<Vec<Unanswered>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
        unanswered.into_iter().enumerate().for_each(|(at, request)| shares[at % CONNECTIONS as usize].push(request));
        let threads = shares.into_iter().zip(0..).map(|(share, number)| {
            let sender = Sender {
                ground: ground.clone(),
                random: Random::seeded(mix(seed ^ (number + 1))),
                stop: Arc::clone(&stop),
                left: Arc::clone(&left),
                recent: Vec::new(),
                unanswered: Vec::new(),
                acknowledged: acknowledged.clone(),
                refused: refused.clone(),
            };
            std::thread::spawn(move || sender.run(address, share))
        });
        let threads = threads.collect();
        Load { threads, stop, acknowledgements, refusals }
    }

    /// Lets requests in flight end, sends no more.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the connections to end: what was not answered.
    pub fn join(self) -> Result<Vec<Unanswered>> {
        let mut unanswered = Vec::new();
        for thread in self.threads {
            unanswered.extend(thread.join().map_err(|_| anyhow::anyhow!("a connection panicked"))??);
        }
        Ok(unanswered)
    }
}

/// One connection's side.
struct Sender {
    ground: Ground,
    random: Random,
    stop: Arc<AtomicBool>,
    left: Arc<AtomicU64>,
    recent: Vec<(usize, Arc<[u8]>)>,
    unanswered: Vec<Unanswered>,
    acknowledged: mpsc::Sender<()>,
    refused: mpsc::Sender<()>,
}

impl Sender {
    fn run(mut self, address: SocketAddr, first: Vec<Unanswered>) -> Result<Vec<Unanswered>> {
        let mut connection = Connection::open(address).ok();
        for Unanswered { envelope, request } in first {
            // Half of the SDKs give up.
            if self.random.below(2) == 0 {
                self.deliver(&mut connection, address, envelope, &request);
            }
        }
        while connection.is_some() && !self.stop.load(Ordering::Relaxed) && self.take() {
            let made = self.ground.source.make(&mut self.random)?;
            let projects = self.ground.source.projects();
            let project = self.random.below(projects);
            let copies = if self.random.below(20) < COPIES_OF_TWENTY { 2.min(projects) } else { 1 };
            for copy in 0..copies {
                let project = ((project + copy) % projects) as usize;
                let request: Arc<[u8]> = self.ground.source.request(project, &made).into();
                let id = self.ground.source.project(project);
                let envelope = self.ground.books().open(id, made.ids.clone());
                self.deliver(&mut connection, address, envelope, &request);
                self.remember(envelope, request);
            }
            if self.random.below(10) < REPEATS_OF_TEN {
                let (envelope, request) = self.recent[self.random.below(self.recent.len() as u64) as usize].clone();
                self.deliver(&mut connection, address, envelope, &request);
            }
        }
        Ok(self.unanswered)
    }

    /// Takes one of the envelopes that may be sent.
    fn take(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    fn deliver(
        &mut self,
        connection: &mut Option<Connection>,
        address: SocketAddr,
        envelope: usize,
        request: &Arc<[u8]>,
    ) {
        let Some(open) = connection else { return };
        let status = open.exchange(request);
        let answer = match status {
            Ok(200) => Answer::Acknowledged,
            Ok(429) => Answer::Refused,
            _ => Answer::Unanswered,
        };
        let mut books = self.ground.books();
        books.settle(envelope, answer);
        match status {
            Ok(200 | 429) => {}
            Ok(odd) => *books.odd.entry(odd).or_default() += 1,
            Err(_) => *connection = Connection::open(address).ok(),
        }
        drop(books);
        let told = match answer {
            Answer::Acknowledged => &self.acknowledged,
            Answer::Refused => &self.refused,
            Answer::Unanswered => {
                return self.unanswered.push(Unanswered { envelope, request: Arc::clone(request) });
            }
        };
        // Nobody may be counting.
        let _ = told.send(());
    }

    fn remember(&mut self, envelope: usize, request: Arc<[u8]>) {
        if self.recent.len() >= REMEMBERED {
            self.recent.swap_remove(self.random.below(REMEMBERED as u64) as usize);
        }
        self.recent.push((envelope, request));
    }
}
