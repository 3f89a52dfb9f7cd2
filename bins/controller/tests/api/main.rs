//! Tests the API as its clients meet it, without a port: requests go into the router, answers come
//! out of it.

mod capacity;
mod comparisons;
mod examples;
mod framing;
mod headers;
mod hostile;
mod live;
mod openapi;
mod operation;
mod problems;
mod runs;
mod scenarios;
mod support;
mod tls;
mod wire;
