//! A request's body, read with bounds of size and of patience.
//!
//! A client that trickles holds its own connection and the memory of what it has sent so far; after [`SILENCE_MAX`]
//! without a byte, or [`WHOLE_MAX`] in all, it is let go with an answer. Both leave a phone on a bad line its time: at
//! 10 KB/s the whole of an event takes less than two minutes.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Between two pieces of a body.
pub const SILENCE_MAX: Duration = Duration::from_secs(30);
/// From the first piece of a body to its last.
pub const WHOLE_MAX: Duration = Duration::from_secs(300);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBody {
    /// It is larger than it may be.
    TooLarge,
    /// It broke off before its end.
    Broken,
    /// It came too slowly.
    Slow,
}

/// Reads a whole body of at most `bytes_max` bytes.
pub async fn read(body: Body, bytes_max: usize) -> Result<Bytes, NoBody> {
    read_within(body, bytes_max, SILENCE_MAX, WHOLE_MAX).await
}

async fn read_within(body: Body, bytes_max: usize, silence: Duration, whole: Duration) -> Result<Bytes, NoBody> {
    let mut body = Limited::new(body, bytes_max);
    let end = Instant::now() + whole;
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    loop {
        let deadline = end.min(Instant::now() + silence);
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(NoBody::Slow),
            Ok(None) => break,
            Ok(Some(Err(error))) if error.is::<http_body_util::LengthLimitError>() => return Err(NoBody::TooLarge),
            Ok(Some(Err(_))) => return Err(NoBody::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(piece) = frame.into_data() else { continue };
        // Most bodies come in one piece, which then need not be copied.
        match (first.is_empty(), rest.is_empty()) {
            (true, true) => first = piece,
            (false, true) => {
                rest.extend_from_slice(&first);
                rest.extend_from_slice(&piece);
            }
            _ => rest.extend_from_slice(&piece),
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tokio_stream::{StreamExt, iter, pending};

    async fn of(body: Body) -> Result<Bytes, NoBody> {
        read_within(body, 10, Duration::from_millis(50), Duration::from_millis(200)).await
    }

    fn pieces(pieces: &'static [&'static str]) -> impl tokio_stream::Stream<Item = Result<&'static str, Infallible>> {
        iter(pieces.iter().map(|piece| Ok(*piece)))
    }

    #[tokio::test]
    async fn a_body_comes_in_any_pieces() {
        assert_eq!(of(Body::empty()).await, Ok(Bytes::new()));
        assert_eq!(of(Body::from("0123456789")).await, Ok(Bytes::from("0123456789")));
        assert_eq!(of(Body::from_stream(pieces(&["01", "", "234", "5"]))).await, Ok(Bytes::from("012345")));
        assert_eq!(of(Body::from_stream(pieces(&["01234567", "890"]))).await, Err(NoBody::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_stops_or_trickles_is_let_go() {
        assert_eq!(of(Body::from_stream(pieces(&["01"]).chain(pending()))).await, Err(NoBody::Slow));
        let trickle = iter(std::iter::repeat(Ok::<_, Infallible>(""))).throttle(Duration::from_millis(10));
        assert_eq!(of(Body::from_stream(trickle)).await, Err(NoBody::Slow));
        let broken = iter([Ok("01"), Err("the line is cut")]);
        assert_eq!(of(Body::from_stream(broken)).await, Err(NoBody::Broken));
    }
}
