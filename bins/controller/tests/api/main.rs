//! Tests the API as its clients meet it, without a port: requests go into the router, answers come
//! out of it.

mod access;
mod capacity;
mod comparisons;
mod examples;
mod headers;
mod live;
mod openapi;
mod operation;
mod problems;
mod rights;
mod runs;
mod safety;
mod scenarios;
mod sign_in;
mod support;
mod tokens;
mod wire;
