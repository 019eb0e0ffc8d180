//! An envelope cut into what stays and what differs from one event to the next.
//!
//! What differs decides how well events compress against each other, so it must differ as in real traffic: ids,
//! times, the user, the numbers in the address, addresses of objects. Every value keeps its length; so a new event is
//! a copy of the text with some bytes written over, which takes a few microseconds, and the same value is the same
//! wherever it occurs (the order's number in the URL, in the message and in three locals).
//!
//! Object addresses that several captures share belong to objects that live as long as the process: they vary with
//! the process, of which there are [`PROCESSES`]. The others vary with every event. (The test below compares how
//! generated and captured events of one issue compress.)

use crate::capture::Envelope;
use crate::random::{Random, mix};
use anyhow::{Context, Result};
use bugle_event::json;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many worker processes the events pretend to come from.
pub const PROCESSES: u64 = 8;

/// A captured envelope that can be said again with other values.
pub struct Template {
    text: Vec<u8>,
    values: Vec<Value>,
    slots: Vec<Slot>,
}

/// A place in the text and the value that is written there.
struct Slot {
    at: usize,
    value: usize,
}

/// What a value becomes in a new event.
enum Value {
    /// As many random hex digits.
    Hex(usize),
    /// As many random decimal digits, the first of which is not 0.
    Digits(usize),
    /// The last part of an IPv4 address, of this many digits.
    Octet(usize),
    /// Ten hex digits of the address of an object that lives as long as its process.
    ProcessAddress(u64),
    /// Ten hex digits of the address of an object that lives as long as its request.
    RequestAddress,
    /// The time of the event less this many microseconds.
    TimeBefore(i64),
}

/// Addresses of objects (as hex digits) that more than one envelope contains.
pub fn shared_addresses(captures: &[Envelope]) -> HashSet<String> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for capture in captures {
        let own: HashSet<&str> = addresses(&capture.event).map(|at| &capture.event[at..at + 12]).collect();
        own.into_iter().for_each(|address| *seen.entry(address).or_default() += 1);
    }
    seen.into_iter().filter(|(_, times)| *times > 1).map(|(address, _)| address.to_owned()).collect()
}

impl Template {
    /// Cuts an envelope. Errors when it lacks what every event of an SDK has.
    pub fn of(envelope: &Envelope, shared: &HashSet<String>) -> Result<Template> {
        let text = envelope.text();
        let mut cut = Cut { text: &text, taken: vec![false; text.len()], values: Vec::new(), slots: Vec::new() };
        let tree = json::read(&envelope.event, &mut Vec::new());
        let event = tree.object().context("the event is no object")?;
        let trace = event.object("contexts").and_then(|contexts| contexts.object("trace")).context("no trace")?;
        let user = event.object("user").context("no user")?;
        let request = event.object("request").context("no request")?;

        cut.times(event.text("timestamp").context("no timestamp")?)?;
        for id in [event.text("event_id"), trace.text("trace_id"), trace.text("span_id")] {
            let id = id.context("an id is missing")?;
            cut.everywhere(id, Value::Hex(id.len()));
        }
        if let Some(headers) = request.object("headers") {
            for id in [headers.text("X-Request-Id"), headers.text("X-Signature")].into_iter().flatten() {
                cut.everywhere(id, Value::Hex(id.len()));
            }
        }
        let address = user.text("ip_address").context("no address of the user")?;
        let network = address.rfind('.').context("no IPv4 address")? + 1;
        cut.tails(address, network, Value::Octet(address.len() - network));
        let id = user.text("id").context("no id of the user")?;
        cut.everywhere(id, Value::Digits(id.len()));
        for number in numbers(request.text("url").context("no URL")?, 5) {
            cut.everywhere(number, Value::Digits(number.len()));
        }
        cut.addresses(shared);
        for number in numbers(&text, 9) {
            cut.everywhere(number, Value::Digits(number.len()));
        }
        let Cut { values, slots, .. } = cut;
        Ok(Template { text: text.into_bytes(), values, slots })
    }

    /// Writes a new event's envelope over `out`.
    pub fn write(&self, random: &mut Random, now: Timestamp, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.text);
        let process = random.below(PROCESSES);
        let written: Vec<String> = self.values.iter().map(|value| value.written(process, random, now)).collect();
        for slot in &self.slots {
            let value = written[slot.value].as_bytes();
            out[slot.at..slot.at + value.len()].copy_from_slice(value);
        }
    }
}

impl Value {
    fn written(&self, process: u64, random: &mut Random, now: Timestamp) -> String {
        match *self {
            Value::Hex(digits) => {
                let mut text = String::with_capacity(digits + 16);
                while text.len() < digits {
                    text.push_str(&format!("{:016x}", random.next()));
                }
                text.truncate(digits);
                text
            }
            Value::Digits(digits) => {
                let mut text = char::from(b'1' + random.below(9) as u8).to_string();
                while text.len() < digits {
                    text.push(char::from(b'0' + random.below(10) as u8));
                }
                text
            }
            Value::Octet(digits) => {
                let least = 10u64.pow(digits as u32 - 1);
                (least + random.below((9 * least).min(256 - least))).to_string()
            }
            Value::ProcessAddress(object) => address(mix(object ^ mix(process))),
            Value::RequestAddress => address(random.next()),
            Value::TimeBefore(micros) => {
                let then = Timestamp::from_microsecond(now.as_microsecond() - micros).unwrap_or(now);
                format!("{then:.6}")
            }
        }
    }
}

/// Ten hex digits that end like the address of an object.
fn address(bits: u64) -> String {
    format!("{:010x}", bits & 0xff_ffff_fff0)
}

/// A text on its way to a [`Template`]; a byte belongs to the value that takes it first.
struct Cut<'a> {
    text: &'a str,
    taken: Vec<bool>,
    values: Vec<Value>,
    slots: Vec<Slot>,
}

impl Cut<'_> {
    /// `known` changes wherever it stands alone.
    fn everywhere(&mut self, known: &str, value: Value) {
        self.tails(known, 0, value);
    }

    /// Wherever `known` stands alone, what follows its first `from` bytes changes.
    fn tails(&mut self, known: &str, from: usize, value: Value) {
        let bytes = self.text.as_bytes();
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let found: Vec<usize> = self
            .text
            .match_indices(known)
            .map(|(at, _)| at)
            .filter(|&at| at == 0 || !digit(at - 1))
            .filter(|&at| !digit(at + known.len()))
            .collect();
        for at in found {
            self.take(at + from, known.len() - from, self.values.len());
        }
        self.values.push(value);
    }

    /// Every time of day becomes one as long before the new event as it was before the old one.
    fn times(&mut self, event: &str) -> Result<()> {
        let event: Timestamp = event.parse().context("the event's time")?;
        for key in [r#""timestamp":""#, r#""sent_at":""#] {
            let found: Vec<usize> = self.text.match_indices(key).map(|(at, _)| at + key.len()).collect();
            for at in found {
                let length = self.text[at..].find('"').context("a time without end")?;
                let time: Timestamp = self.text[at..at + length].parse().context("a time")?;
                self.take(at, length, self.values.len());
                self.values.push(Value::TimeBefore(event.as_microsecond() - time.as_microsecond()));
            }
        }
        Ok(())
    }

    /// The addresses of objects.
    fn addresses(&mut self, shared: &HashSet<String>) {
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let text = self.text;
        for at in addresses(text) {
            let address = &text[at..at + 12];
            let value = *known.entry(address).or_insert_with(|| {
                let number = u64::from_str_radix(address, 16).unwrap_or_default();
                let lives_on = shared.contains(address);
                self.values.push(if lives_on { Value::ProcessAddress(number) } else { Value::RequestAddress });
                self.values.len() - 1
            });
            self.take(at + 2, 10, value);
        }
    }

    /// Gives bytes to a value, unless another has some of them.
    fn take(&mut self, at: usize, length: usize, value: usize) {
        let bytes = &mut self.taken[at..at + length];
        if !bytes.contains(&true) {
            bytes.fill(true);
            self.slots.push(Slot { at, value });
        }
    }
}

/// Where the hex digits of 48-bit addresses start that `repr` wrote.
fn addresses(text: &str) -> impl Iterator<Item = usize> {
    const MARK: &str = " at 0x7f";
    text.match_indices(MARK)
        .map(|(at, _)| at + MARK.len() - 2)
        .filter(|&at| text.as_bytes()[at..].iter().take(12).filter(|byte| byte.is_ascii_hexdigit()).count() == 12)
}

/// The runs of at least `digits_min` decimal digits, each once.
fn numbers(text: &str, digits_min: usize) -> Vec<&str> {
    let mut numbers: Vec<&str> =
        text.split(|c: char| !c.is_ascii_digit()).filter(|number| number.len() >= digits_min).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture;
    use bugle_event::json::Object;
    use std::path::Path;

    fn captures() -> Vec<Envelope> {
        capture::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))).unwrap()
    }

    fn events(template: &Template, count: usize) -> Vec<String> {
        let mut random = Random::seeded(7);
        let mut out = Vec::new();
        (0..count)
            .map(|_| {
                template.write(&mut random, Timestamp::now(), &mut out);
                String::from_utf8(out.clone()).unwrap()
            })
            .collect()
    }

    fn object<'a>(json: &'a json::Json<'a>) -> &'a Object<'a> {
        json.object().unwrap()
    }

    #[test]
    fn a_new_event_differs_where_real_ones_do_and_nowhere_else() {
        let captures = captures();
        let shared = shared_addresses(&captures);
        for issue in capture::issues(&captures).iter().flatten() {
            let template = Template::of(issue, &shared).unwrap();
            let texts = events(&template, 2);
            let mut problems = Vec::new();
            let headers = texts.iter().map(|text| text.lines().next().unwrap());
            let headers: Vec<_> = headers.map(|header| json::read(header, &mut problems)).collect();
            let events = texts.iter().map(|text| text.lines().nth(2).unwrap());
            let events: Vec<_> = events.map(|event| json::read(event, &mut problems)).collect();
            assert!(problems.is_empty(), "{problems:?}");
            let (one, two) = (object(&events[0]), object(&events[1]));
            for (header, event) in headers.iter().zip(&events) {
                assert_eq!(object(header).text("event_id"), object(event).text("event_id"));
                let sent: Timestamp = object(header).text("sent_at").unwrap().parse().unwrap();
                let raised: Timestamp = object(event).text("timestamp").unwrap().parse().unwrap();
                assert!(sent >= raised);
            }
            assert_ne!(one.text("event_id"), two.text("event_id"));
            assert_ne!(one.object("user").unwrap().text("id"), two.object("user").unwrap().text("id"));
            let address = one.object("user").unwrap().text("ip_address").unwrap();
            assert!(address.parse::<std::net::Ipv4Addr>().is_ok(), "{address}");
            assert_eq!(one.get("modules"), two.get("modules"));
            assert_eq!(one.get("tags"), two.get("tags"));
        }
    }

    /// Bytes of the second text when the first one is known.
    fn packed_against(first: &str, second: &str) -> usize {
        let mut context = zstd::zstd_safe::CCtx::create();
        context.ref_prefix(first.as_bytes()).unwrap();
        let mut out = vec![0u8; zstd::zstd_safe::compress_bound(second.len())];
        context.compress2(&mut out[..], second.as_bytes()).unwrap()
    }

    #[test]
    fn generated_events_compress_no_better_than_captured_ones() {
        let captures = captures();
        let shared = shared_addresses(&captures);
        let (mut captured, mut generated, mut pairs) = (0, 0, 0);
        for envelopes in capture::by_place(&captures).iter().filter(|envelopes| envelopes.len() > 1) {
            captured += packed_against(&envelopes[0].text(), &envelopes[1].text());
            let [one, two] = [0, 1].map(|at| Template::of(envelopes[at], &shared).unwrap());
            generated += packed_against(&events(&one, 2)[0], &events(&two, 2)[1]);
            pairs += 1;
        }
        println!(
            "captured {} bytes, generated {} bytes per event of a known issue",
            captured / pairs,
            generated / pairs
        );
        assert!(pairs > 10);
        assert!(generated >= captured * 9 / 10, "{generated} against {captured}");
    }
}
