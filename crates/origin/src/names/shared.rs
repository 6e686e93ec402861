//! The one list of watched names. Locked when a plan is built, never while serving.

#![expect(clippy::disallowed_types, reason = "shared.rs is where locks stand")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Host;

/// Watched names, by name. It keeps none alive.
#[derive(Debug, Default)]
pub(super) struct Registry {
    hosts: Mutex<HashMap<Box<str>, Weak<Host>>>,
}

impl Registry {
    /// The host of that name, or a new one if nobody watches it.
    pub(super) fn find_or_insert(&self, name: &str, make: impl FnOnce() -> Arc<Host>) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(name).and_then(Weak::upgrade) {
            return host;
        }
        // The moment to forget those that nobody watches any more: the list never outgrows the plans.
        hosts.retain(|_, host| host.strong_count() > 0);
        let host = make();
        hosts.insert(name.into(), Arc::downgrade(&host));
        host
    }
}
