//! The runtime on the memory store, in virtual time.

#[cfg(test)]
mod suite {
    mod agent;
    mod approval;
    mod cancel;
    mod crash;
    mod deadline;
    mod delegate;
    mod event;
    mod fault;
    mod flow;
    mod gone;
    mod human;
    mod join;
    mod observe;
    mod observer;
    mod output;
    mod probe;
    mod retry;
    mod secret;
    mod server;
    mod server_conformance;
    mod shutdown;
    mod start;
    mod support;
    mod typed;
    mod verify;
    mod worker;
}
