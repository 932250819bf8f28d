//! Tests of the stores from outside.

#[cfg(test)]
mod suite {
    mod differential;
    mod fault;
    mod kit;
    mod memory;
    mod migration;
    mod process;
    mod refusal;
    mod runtime;
    mod sqlite;
}
