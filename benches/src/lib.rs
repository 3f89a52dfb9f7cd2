//! Holds no code: the benches need a package to belong to.
