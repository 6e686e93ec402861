//! Where the admin socket is, and opening it so that it is its owner's alone from the first moment.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use propylon_net::listener::bind;
use propylon_net::privileges::Account;
use propylon_net::socket::Address;

use crate::log;

/// Where a server of the system has it.
const SYSTEM_SOCKET: &str = "/run/propylon/admin.sock";

/// The socket, bound.
#[derive(Debug)]
pub struct Bound {
    pub(super) fd: OwnedFd,
    pub(super) path: PathBuf,
}

/// Where the socket is if the config does not say: the first of these that can be had.
pub fn default_paths() -> Vec<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    let own = own.map(|folder| Path::new(&folder).join("propylon.sock"));
    std::iter::once(PathBuf::from(SYSTEM_SOCKET)).chain(own).collect()
}

/// Opens the socket that the config names, or a default one, or none.
///
/// # Errors
/// The one that the config names cannot be bound. Without a default one the server goes on.
pub(crate) fn open(configured: Option<&Path>, account: Option<&Account>) -> Result<Option<Bound>, String> {
    if let Some(path) = configured {
        if path.as_os_str().is_empty() {
            return Ok(None);
        }
        let bound = open_at(path, account);
        return bound
            .map(Some)
            .map_err(|error| format!("cannot open the admin socket {}: {error}", path.display()));
    }
    let mut reasons = Vec::new();
    for path in default_paths() {
        match prepare_folder(&path, account).and_then(|()| open_at(&path, account)) {
            Ok(bound) => return Ok(Some(bound)),
            Err(error) => reasons.push(format!("{}: {error}", path.display())),
        }
    }
    log::info(&format!("there is no admin socket ({}); `admin PATH` names one", reasons.join("; ")));
    Ok(None)
}

/// A stale socket is replaced, one that still answers is not. The process's umask makes the socket its owner's before
/// it has a name; the mode set afterwards only takes the bits that mean nothing.
fn open_at(path: &Path, account: Option<&Account>) -> io::Result<Bound> {
    let fd = bind(&Address::Unix(path.to_owned()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    if let Some(account) = account {
        chown(path, Some(account.user), Some(account.group))?;
    }
    Ok(Bound { fd, path: path.to_owned() })
}

/// Makes the folder of the system's socket, or sees that nobody else could put a socket of theirs there.
fn prepare_folder(path: &Path, account: Option<&Account>) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Ok(()) };
    let made = std::fs::DirBuilder::new().mode(0o755).create(folder);
    match made {
        Ok(()) => {
            // The umask took more than is wanted: others may look into the folder, not write to it.
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
            account.map_or(Ok(()), |account| chown(folder, Some(account.user), Some(account.group)))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let found = std::fs::symlink_metadata(folder)?;
            let own = rustix::process::geteuid().as_raw();
            let ours =
                found.uid() == own || found.uid() == 0 || account.is_some_and(|who| found.uid() == who.user);
            if found.is_dir() && ours && found.mode() & 0o022 == 0 {
                return Ok(());
            }
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may write to its folder"))
        }
        Err(error) => Err(error),
    }
}
