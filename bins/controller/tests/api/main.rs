//! Tests the API as its clients meet it, without a port: requests go into the router, answers come
//! out of it.

mod about;
mod access;
mod capacity;
mod comparisons;
mod dashboard;
mod examples;
mod framing;
mod headers;
mod hostile;
mod live;
mod openapi;
mod operation;
mod problems;
mod rights;
mod runs;
mod safety;
mod scenarios;
mod secrets;
mod sign_in;
mod support;
mod tls;
mod tokens;
mod wire;
