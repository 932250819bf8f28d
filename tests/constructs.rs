//! What the language says and what a run does: specs compiled and run, with models that say what a test wants.

#[cfg(test)]
mod constructs {
    mod agents;
    mod fan_out;
    mod guide;
    mod join;
    mod output;
    mod reads;
    mod servers;
    mod support;
}
