//! Random numbers for choices that need no secrecy.
