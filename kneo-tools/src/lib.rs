//! kneo-tools.
