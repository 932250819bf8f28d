//! Unpublished: see the folder's files.
