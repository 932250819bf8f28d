//! The program as a whole: the real binary, in folders of its own.

#[cfg(test)]
mod suite {
    mod advance;
    mod bad_input;
    mod bundle;
    #[cfg(unix)]
    mod canaries;
    mod dash;
    mod doctor;
    mod editor;
    mod explain;
    mod guide;
    mod human;
    mod interrupt;
    mod job;
    mod json;
    mod new;
    mod person;
    mod runs;
    mod screen;
    #[cfg(unix)]
    mod servers;
    #[cfg(unix)]
    mod settings;
    mod spec;
    mod spec_test;
    mod support;
    mod telling;
    mod terminal;
    mod usage;
}
