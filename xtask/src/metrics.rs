//! The server's `/metrics`, read back: counters, and quantiles of histograms between two looks.

use crate::client::{Connection, get};
use anyhow::{Context, Result, ensure};
use std::net::SocketAddr;

/// One look at `/metrics`.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Vec<Sample>);

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: String,
    value: f64,
}

impl Metrics {
    /// Asks the server.
    pub fn of(connection: &mut Connection, address: SocketAddr) -> Result<Metrics> {
        let status = connection.exchange(&get(&address.to_string(), "/metrics", "")).context("GET /metrics")?;
        ensure!(status == 200, "GET /metrics answered {status}");
        Ok(Metrics::read(std::str::from_utf8(connection.body())?))
    }

    /// Reads Prometheus text.
    pub fn read(text: &str) -> Metrics {
        let sample = |line: &str| {
            let (key, value) = line.rsplit_once(' ')?;
            let (name, labels) =
                key.split_once('{').map_or((key, ""), |(name, rest)| (name, rest.trim_end_matches('}')));
            Some(Sample { name: name.into(), labels: labels.into(), value: value.parse().ok()? })
        };
        Metrics(text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect())
    }

    /// The sum of a metric over the samples that carry all of these labels (`category="error"`); 0 when there are none.
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        self.matching(name, labels).fold(0.0, |sum, sample| sum + sample.value)
    }

    /// The value of a metric, or an error when the server has no such metric.
    pub fn required(&self, name: &str) -> Result<f64> {
        ensure!(self.matching(name, &[]).next().is_some(), "the server's /metrics has no {name}");
        Ok(self.sum(name, &[]))
    }

    /// The upper bound of the bucket of a histogram into which this share of what came since `before` falls.
    /// `None` when nothing came; infinite when it lies beyond the last bucket.
    pub fn quantile_since(&self, before: &Metrics, name: &str, share: f64) -> Option<f64> {
        let mut buckets: Vec<(f64, f64)> = self
            .matching(&format!("{name}_bucket"), &[])
            .filter_map(|sample| Some((label(&sample.labels, "le")?.parse().ok()?, sample)))
            .map(|(bound, sample)| (bound, sample.value - before.sum(&sample.name, &[&sample.labels])))
            .collect();
        buckets.sort_by(|one, two| one.0.total_cmp(&two.0));
        let total = buckets.last()?.1;
        let rank = total * share;
        buckets.iter().find(|(_, count)| total > 0.0 && *count >= rank).map(|(bound, _)| *bound)
    }

    fn matching<'a>(&'a self, name: &'a str, labels: &'a [&'a str]) -> impl Iterator<Item = &'a Sample> {
        self.0
            .iter()
            .filter(move |sample| sample.name == name)
            .filter(|sample| labels.iter().all(|wanted| sample.labels.contains(wanted)))
    }
}

/// The value of a label.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = labels.split_once(&format!("{name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "# HELP x y\n\
        items{category=\"error\",dialect=\"sentry\"} 5\nitems{category=\"log\",dialect=\"sentry\"} 7\nbacklog 3\n\
        t_bucket{le=\"0.1\"} 100\nt_bucket{le=\"1\"} 100\nt_bucket{le=\"+Inf\"} 100\nt_count 100\n";
    const AFTER: &str = "t_bucket{le=\"0.1\"} 150\nt_bucket{le=\"1\"} 199\nt_bucket{le=\"+Inf\"} 200\nt_count 200\n";

    #[test]
    fn counters_add_up_over_their_labels() {
        let metrics = Metrics::read(BEFORE);
        assert_eq!(metrics.sum("items", &[]), 12.0);
        assert_eq!(metrics.sum("items", &["category=\"error\""]), 5.0);
        assert_eq!(metrics.required("backlog").unwrap(), 3.0);
        assert!(metrics.required("nothing").is_err());
    }

    #[test]
    fn quantiles_are_of_what_came_in_between() {
        let (before, after) = (Metrics::read(BEFORE), Metrics::read(AFTER));
        assert_eq!(after.quantile_since(&before, "t", 0.5), Some(0.1));
        assert_eq!(after.quantile_since(&before, "t", 0.99), Some(1.0));
        assert_eq!(after.quantile_since(&before, "t", 1.0), Some(f64::INFINITY));
        assert_eq!(before.quantile_since(&before, "t", 0.5), None);
    }
}
