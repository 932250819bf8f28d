//! kneo-providers.
