//! kneo-spec.
