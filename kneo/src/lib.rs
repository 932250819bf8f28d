//! kneo.
