//! Several who want different things of one run at the same instant: one wins, the others are told.
//!
//! Each race is run over the engine and the memory store in a thousand seeded interleavings of single steps, and with
//! real processes on one SQLite file.

#[cfg(test)]
mod races {
    mod cancel_finish;
    mod decide_cancel;
    mod decide_decide;
    mod decide_expire;
    mod fail_together;
    mod history;
    mod outsider;
    mod processes;
    mod racer;
    mod two_workers;
    mod worker;
    mod world;
}
