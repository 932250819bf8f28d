//! kneo-runtime.
