//! The providers in front of servers that others have written. Each test says so where its program is not there; see
//! [`kneo_tests::programs::find`].

mod aimock;
mod litellm;
mod program;
