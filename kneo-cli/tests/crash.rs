//! The program, killed at random moments: what was committed is neither lost nor done again, and nothing that it
//! started outlives it.
#![cfg(target_os = "linux")]

#[cfg(test)]
mod crash {
    mod campaign;
    mod history;
    mod models;
    mod process;
    mod site;
    mod turns;
    mod uncertain;
}
