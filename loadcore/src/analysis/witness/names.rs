//! Turns the name of a series into what it speaks of: a resource that may run short, or the requests
//! themselves, which move with every trouble and explain none.

/// What a service can run short of, and what it does when it does, as the exporters of many languages
/// call it.
const RESOURCES: [&str; 39] = [
    "cpu",
    "memory",
    "_rss",
    "resident",
    "heap",
    "alloc",
    "_gc",
    "gc_",
    "garbage",
    "pool",
    "queue",
    "lock",
    "mutex",
    "contention",
    "semaphore",
    "permit",
    "_fds",
    "descriptor",
    "open_files",
    "thread",
    "goroutine",
    "worker",
    "executor",
    "eventloop",
    "event_loop",
    "disk",
    "iowait",
    "io_time",
    "swap",
    "pressure",
    "throttl",
    "evict",
    "cache",
    "connections",
    "backlog",
    "_wait",
    "pause",
    "load1",
    "saturation",
];
/// What the requests do.
const REQUESTS: [&str; 13] = [
    "http",
    "request",
    "response",
    "latency",
    "duration",
    "grpc",
    "rpc",
    "inflight",
    "in_flight",
    "in_progress",
    "transmit",
    "receive",
    "bytes_sent",
];

/// Its name speaks of a resource.
pub(super) fn is_resource(series: &str) -> bool {
    speaks_of(series, &RESOURCES)
}

/// Which of those that moved with a trouble comes first, by how much alike they were and by how many rows
/// before it: what moves after it follows from it, as a rule.
pub(super) fn score(series: &str, correlation: f64, lead: i64) -> f64 {
    let by_lead = if lead < 0 { 0.8 } else { 1.0 + 0.01 * lead as f64 };
    correlation.abs() * weight(series) * by_lead
}

/// How much its word counts beside that of others that move as much: what the requests do themselves
/// follows from the trouble, and does not bring it about.
fn weight(series: &str) -> f64 {
    match (is_resource(series), speaks_of(series, &REQUESTS)) {
        (true, false) => 1.0,
        (true, true) => 0.95,
        (false, false) => 0.9,
        (false, true) => 0.75,
    }
}

fn speaks_of(series: &str, words: &[&str]) -> bool {
    let name = series.split('{').next().unwrap_or(series).to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_counts_more_than_what_the_requests_do() {
        let resources =
            ["process_cpu_seconds_total", "jvm_gc_pause_seconds", "db_pool_waiting{a=\"b\"}"];
        let requests = ["http_request_duration_seconds", "grpc_server_handled_total{x=\"cpu\"}"];
        assert!(resources.iter().all(|name| weight(name) == 1.0));
        assert!(requests.iter().all(|name| weight(name) == 0.75));
        assert!(weight("rows_read") == 0.9 && weight("http_worker_queue") == 0.95);
    }
}
