//! Whether a secret, or what people say, is seen anywhere that it must not be.
//!
//! Runs of every kind meet a model's server and servers of tools that repeat whatever they were shown, in every place
//! and form that a protocol has. Then everything that a host or an operator can read is searched.

#[cfg(test)]
mod canaries {
    mod config;
    mod far;
    mod files;
    mod log;
    mod model;
    mod near;
    mod sights;
    mod stage;
    mod table;
    mod web;
    mod whole;
}
