//! Giving up root, once and for good.
//!
//! The process starts as root to bind low ports and read keys, then becomes a user that owns nothing. The order
//! matters: groups before the user (afterwards it would be refused), the user before the capabilities it clears, and a
//! check at the end that there is no way back. Call [`drop_to`] before the first thread is started: the bounding set
//! and `no_new_privs` belong to a thread, and only those started later inherit them.

mod account;

use std::ffi::CString;
use std::fs;
use std::io;

use rustix::process::geteuid;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs,
};

pub use account::Account;

/// What the lesser user keeps of root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing. A reload cannot add a listener below port 1024.
    #[default]
    Nothing,
    /// `CAP_NET_BIND_SERVICE`, through an upgrade too: a reload may add a listener on any port.
    LowPorts,
}

/// Why privileges could not be given up, or an account not be found.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// No such user.
    #[error("there is no user `{0}`")]
    UnknownUser(String),
    /// No such group.
    #[error("there is no group `{0}`")]
    UnknownGroup(String),
    /// A user given by number that has no entry, hence no group of its own.
    #[error("user {0} has no entry that tells its group: name a group too")]
    NoGroup(u32),
    /// The account is root itself.
    #[error("`{0}` is root: dropping to it would drop nothing")]
    IsRoot(String),
    /// Only root may become somebody else.
    #[error("only root can become user `{0}`: start as root, or as `{0}`")]
    NotRoot(String),
    /// The system refused a step.
    #[error("cannot become user `{user}`: {step}: {cause}")]
    Refused {
        /// The user to become.
        user: String,
        /// The step that failed.
        step: &'static str,
        /// Why.
        cause: io::Error,
    },
    /// All steps went well, and yet root is within reach: do not go on.
    #[error("became user `{user}`, but {what}")]
    NotDropped {
        /// The user to become.
        user: String,
        /// What is left of root.
        what: String,
    },
}

/// Becomes `account`, irrevocably, and proves it. After an error the process must end: it may be neither root nor the
/// account.
///
/// A process that is `account` already only forbids itself to gain privileges.
pub fn drop_to(account: &Account, keep: Keep) -> Result<(), PrivilegeError> {
    let refused = |step| move |cause| PrivilegeError::Refused { user: account.name.clone(), step, cause };
    if account.user == 0 {
        return Err(PrivilegeError::IsRoot(account.name.clone()));
    }
    if geteuid().as_raw() == account.user {
        return set_no_new_privs(true).map_err(|e| refused("no_new_privs")(e.into()));
    }
    if !geteuid().is_root() {
        return Err(PrivilegeError::NotRoot(account.name.clone()));
    }
    let kept = match keep {
        Keep::Nothing => CapabilitySet::empty(),
        Keep::LowPorts => CapabilitySet::NET_BIND_SERVICE,
    };
    bound_capabilities(kept).map_err(refused("capability bounding set"))?;
    set_groups(account).map_err(refused("supplementary groups"))?;
    set_ids(account, !kept.is_empty()).map_err(refused("user and group"))?;
    reduce_capabilities(kept).map_err(refused("capabilities"))?;
    set_no_new_privs(true).map_err(|e| refused("no_new_privs")(e.into()))?;
    verify(account, kept).map_err(|what| PrivilegeError::NotDropped { user: account.name.clone(), what })
}

/// For a process that stays root, for want of an account to become: gives up what a server has no use for.
///
/// It keeps low ports, and reading what belongs to others: without the latter, root reads less than anybody expects.
pub fn limit_root() -> Result<(), PrivilegeError> {
    let refused = |step| move |cause| PrivilegeError::Refused { user: "root".into(), step, cause };
    let own = capabilities(None).map_err(|e| refused("capabilities")(e.into()))?.permitted;
    let kept = own & (CapabilitySet::NET_BIND_SERVICE | CapabilitySet::DAC_READ_SEARCH);
    // A container may have taken the right to do so; then there is a bound already.
    if own.contains(CapabilitySet::SETPCAP) {
        bound_capabilities(kept).map_err(refused("capability bounding set"))?;
    }
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    set_capabilities(None, sets).map_err(|e| refused("capabilities")(e.into()))?;
    set_no_new_privs(true).map_err(|e| refused("no_new_privs")(e.into()))
}

/// Takes every capability but `kept` out of what any later `exec` could give. Needs root, so it comes first.
fn bound_capabilities(kept: CapabilitySet) -> io::Result<()> {
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        // The kernel answers EINVAL beyond the last capability that it knows.
        let Ok(there) = capability_is_in_bounding_set(capability) else { break };
        if there && !kept.contains(capability) {
            remove_capability_from_bounding_set(capability)?;
        }
    }
    Ok(())
}

fn set_groups(account: &Account) -> io::Result<()> {
    let result = match CString::new(account.name.as_str()) {
        Ok(name) if account.listed => {
            // SAFETY: the name is a NUL-terminated string that outlives the call.
            unsafe { libc::initgroups(name.as_ptr(), account.group) }
        }
        // Without an entry there is nothing to look up: the group alone.
        // SAFETY: the pointer is to one valid gid, and the length says one.
        _ => unsafe { libc::setgroups(1, &raw const account.group) },
    };
    checked(result)
}

/// The C library's calls, unlike the bare system calls, change every thread.
fn set_ids(account: &Account, keep_capabilities: bool) -> io::Result<()> {
    let Account { user, group, .. } = *account;
    set_keep_capabilities(keep_capabilities)?;
    // SAFETY: plain integers.
    checked(unsafe { libc::setresgid(group, group, group) })?;
    // SAFETY: plain integers.
    checked(unsafe { libc::setresuid(user, user, user) })?;
    set_keep_capabilities(false)?;
    Ok(())
}

/// Leaves `kept` alone. It goes into the ambient set too, or the `exec` of an upgrade would lose it.
fn reduce_capabilities(kept: CapabilitySet) -> io::Result<()> {
    clear_ambient_capability_set()?;
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: kept })?;
    for capability in kept.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

/// Tries to become root again, and looks at every thread, for a thread that kept its identity is a way back.
fn verify(account: &Account, kept: CapabilitySet) -> Result<(), String> {
    // SAFETY: plain integers.
    if unsafe { libc::setresuid(0, 0, 0) } == 0 || unsafe { libc::seteuid(0) } == 0 {
        return Err("could become root again".into());
    }
    // SAFETY: plain integers.
    if unsafe { libc::setresgid(0, 0, 0) } == 0 {
        return Err("could take the group of root again".into());
    }
    let sets = capabilities(None).map_err(|error| format!("cannot read capabilities: {error}"))?;
    if sets.permitted != kept || sets.effective != kept || sets.inheritable != kept {
        return Err(format!("holds other capabilities than it should: {sets:?}"));
    }
    // Without /proc there is only this thread to be sure of.
    for thread in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        // A thread may end meanwhile.
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
        if !is_harmless(&status, account, kept) {
            return Err(format!("thread {} did not", thread.file_name().display()));
        }
    }
    Ok(())
}

/// Reads a `/proc/…/status` for identities and capabilities.
fn is_harmless(status: &str, account: &Account, kept: CapabilitySet) -> bool {
    let all_are = |rest: &str, id: u32| rest.split_whitespace().all(|word| word.parse() == Ok(id));
    let at_most =
        |rest: &str| u64::from_str_radix(rest.trim(), 16).is_ok_and(|bits| bits & !kept.bits() == 0);
    status.lines().all(|line| match line.split_once(':') {
        Some(("Uid", rest)) => all_are(rest, account.user),
        Some(("Gid", rest)) => all_are(rest, account.group),
        Some(("CapPrm" | "CapEff" | "CapInh" | "CapAmb", rest)) => at_most(rest),
        _ => true,
    })
}

fn checked(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests;
