//! The compiler, from outside: specs and what becomes of them, most of it as data under `tests/spec`.

#[cfg(test)]
mod suite {
    mod bundle_mutations;
    mod bundles;
    mod codes;
    mod corpus;
    mod cut;
    mod diagnostics;
    mod differential;
    #[cfg(feature = "fs")]
    mod files;
    mod golden;
    mod growth;
    mod hostile;
    mod json;
    mod mutation;
    mod ok;
    mod random;
    mod schema;
}
