//! Whom the process becomes once everything that needs root is open.

use propylon_net::privileges::{Account, Keep, PrivilegeError, drop_to, limit_root};
use rustix::process::geteuid;

use crate::log;

/// The account taken when root starts us and the config names none.
const ACCOUNT_DEFAULT: &str = "propylon";

/// What is to become of the process's rights.
#[derive(Debug)]
pub(crate) enum Rights {
    /// It becomes somebody else.
    Become(Account),
    /// It stays root, for want of an account, with next to no capabilities.
    LimitRoot,
    /// It stays what it is.
    Stay,
}

/// Decides by the config's `user` and by who we are.
///
/// # Errors
/// The account does not exist.
pub(crate) fn choose(user: Option<&(String, Option<String>)>) -> Result<Rights, PrivilegeError> {
    match user {
        // Whoever says it means it.
        Some((name, None)) if name == "root" && geteuid().is_root() => Ok(Rights::Stay),
        Some((name, group)) => Account::find(name, group.as_deref()).map(Rights::Become),
        None if !geteuid().is_root() => Ok(Rights::Stay),
        None => Ok(Account::find(ACCOUNT_DEFAULT, None).map_or(Rights::LimitRoot, Rights::Become)),
    }
}

impl Rights {
    /// Whom files and sockets that the process must reach later should belong to.
    pub(crate) fn account(&self) -> Option<&Account> {
        match self {
            // One who is the account already can give nothing away, and need not.
            Self::Become(account) => geteuid().is_root().then_some(account),
            Self::LimitRoot | Self::Stay => None,
        }
    }

    /// Gives up what is not needed. Low ports stay within reach: a reload may add one.
    ///
    /// # Errors
    /// The system refuses; then the process must not go on.
    pub(crate) fn take(&self) -> Result<(), PrivilegeError> {
        match self {
            Self::Become(account) => drop_to(account, Keep::LowPorts),
            Self::Stay => Ok(()),
            Self::LimitRoot => {
                log::warn(&format!(
                    "running as root, because there is no user `{ACCOUNT_DEFAULT}`: make one \
                     (`useradd --system {ACCOUNT_DEFAULT}`), name one (`user NAME`), or say `user root`"
                ));
                limit_root()
            }
        }
    }
}
