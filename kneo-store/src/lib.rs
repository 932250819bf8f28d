//! kneo-store.
