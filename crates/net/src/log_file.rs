//! Opens files that are only ever added to, such as logs.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Opens a log at its end, and makes it, readable and writable by its owner alone, if it is not there.
///
/// With an `owner` a new file is given to that user and group: a process that opens its logs as root can then open
/// them again after it has become somebody else.
///
/// # Errors
/// The system says why not. A symbolic link is not followed: whoever may write to the folder could make root add to
/// any file. What is neither a file nor a device, such as a pipe, would block, and is refused too.
pub fn open(path: &Path, owner: Option<(u32, u32)>) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::fs::open(path, flags | OFlags::CREATE | OFlags::EXCL, Mode::RUSR | Mode::WUSR) {
        Ok(made) => {
            let file = File::from(made);
            if let Some((user, group)) = owner {
                std::os::unix::fs::fchown(&file, Some(user), Some(group))?;
            }
            return Ok(file);
        }
        Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let kind = file.metadata()?.file_type();
    if !(kind.is_file() || kind.is_char_device()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is neither a file nor a device"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_log_is_private_and_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for line in ["a\n", "b\n"] {
            open(&path, None).unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a\nb\n");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(open(&link, None).is_err());
        assert!(open(folder.path(), None).is_err());
        assert!(open(Path::new("/dev/null"), None).is_ok());
    }
}
