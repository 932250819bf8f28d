//! The runtime on the memory store, in virtual time.

#[cfg(test)]
mod suite {
    mod agent;
    mod cancel;
    mod crash;
    mod deadline;
    mod event;
    mod fault;
    mod flow;
    mod gone;
    mod human;
    mod observe;
    mod observer;
    mod retry;
    mod secret;
    mod shutdown;
    mod start;
    mod support;
    mod typed;
    mod worker;
}
