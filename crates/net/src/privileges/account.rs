//! Who to become: a user and group, looked up by name in the system's databases.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use super::PrivilegeError;

/// The size of the first buffer for an entry, and the largest one tried. Groups with many members are long.
const ENTRY_BYTES_FIRST: usize = 1 << 10;
const ENTRY_BYTES_MAX: usize = 1 << 20;

/// A user with its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// As written: a name, or a number.
    pub name: String,
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
    /// There is an entry of that name, so its supplementary groups can be looked up.
    pub(super) listed: bool,
}

impl Account {
    /// Looks up a user and, if given, a group other than the user's own. Numbers are taken when there is no such name.
    pub fn find(user: &str, group: Option<&str>) -> Result<Self, PrivilegeError> {
        let entry = c_string(user).and_then(|name| user_named(&name));
        let (number, own_group) = match entry {
            Some((number, group)) => (number, Some(group)),
            None => (number(user).ok_or_else(|| PrivilegeError::UnknownUser(user.into()))?, None),
        };
        let group = match (group, own_group) {
            (Some(name), _) => c_string(name)
                .and_then(|name| group_named(&name))
                .or_else(|| super::account::number(name))
                .ok_or_else(|| PrivilegeError::UnknownGroup(name.into()))?,
            (None, Some(own)) => own,
            (None, None) => return Err(PrivilegeError::NoGroup(number)),
        };
        Ok(Self { name: user.into(), user: number, group, listed: entry.is_some() })
    }
}

fn c_string(name: &str) -> Option<CString> {
    CString::new(name).ok()
}

/// `u32::MAX` means "unchanged" to the calls that set an identity, so it is none.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|&number| number != u32::MAX)
}

fn user_named(name: &CStr) -> Option<(u32, u32)> {
    with_growing_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and the length is the buffer's.
        let code = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        // SAFETY: a result that is not null points to `entry`, which the call has filled.
        (code, unsafe { found.as_ref() }.map(|entry| (entry.pw_uid, entry.pw_gid)))
    })
}

fn group_named(name: &CStr) -> Option<u32> {
    with_growing_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call, and the length is the buffer's.
        let code = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        // SAFETY: a result that is not null points to `entry`, which the call has filled.
        (code, unsafe { found.as_ref() }.map(|entry| entry.gr_gid))
    })
}

/// Repeats a look-up with larger buffers while it says that the entry did not fit.
fn with_growing_buffer<T>(mut look_up: impl FnMut(&mut [u8]) -> (libc::c_int, Option<T>)) -> Option<T> {
    let mut buffer = vec![0; ENTRY_BYTES_FIRST];
    loop {
        match look_up(&mut buffer) {
            (libc::ERANGE, _) if buffer.len() < ENTRY_BYTES_MAX => buffer.resize(buffer.len() * 2, 0),
            (libc::EINTR, _) => {}
            (_, found) => return found,
        }
    }
}
