//! Files opened beneath a directory, with the kernel as the guard.
//!
//! No path arithmetic stands between a request and the file system: `openat2` with `RESOLVE_BENEATH` walks the path
//! and refuses every step (`..`, an absolute symlink, a magic link) that would leave the root, even while another
//! process renames directories. Symlinks that stay inside are followed.
//!
//! A worker calls [`Root::open_cached`], which never touches the disk; on `WouldBlock` it hands [`Root::open`] to the
//! offload pool.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    Access, AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, accessat, fstat, openat2, statat,
};
use rustix::io::Errno;

/// How many names one listing holds; what is beyond is left out and [`Listing::truncated`] says so.
pub const LISTING_ENTRIES_MAX: usize = 10_000;

/// How often a walk is repeated when the kernel saw a rename cross it. A rename storm must not hold a pool thread.
const RENAME_RETRIES_MAX: u32 = 16;

/// A directory whose contents may be opened, and nothing outside of it.
#[derive(Debug)]
pub struct Root {
    directory: OwnedFd,
    /// Device and inode: the directory's identity, whatever its name.
    identity: (u64, u64),
}

/// A regular file or a directory, open for reading, with what `fstat` said about it.
#[derive(Debug)]
pub struct Opened {
    /// The open file. It was opened with `O_NONBLOCK`, which regular files ignore.
    pub file: OwnedFd,
    /// What it is.
    pub metadata: Metadata,
}

/// What a reply needs to know of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Whether it can be sent or listed.
    pub kind: Kind,
    /// Its length in bytes; meaningless for a directory.
    pub length: u64,
    /// Seconds since 1970 of the last change of its content; negative before.
    pub modified_seconds: i64,
    /// Nanoseconds within that second.
    pub modified_nanos: u32,
    /// Its inode: with `device` the identity of the file, whatever its name.
    pub inode: u64,
    /// The device that holds the inode.
    pub device: u64,
}

/// What can be opened. Everything else (FIFOs, devices, sockets) is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
}

/// The names in a directory, in the order the file system gave them.
#[derive(Debug, Default)]
pub struct Listing {
    /// Files and directories; `.` and `..`, special files, and symlinks that lead outside the root are left out.
    pub entries: Vec<Entry>,
    /// More than [`LISTING_ENTRIES_MAX`] names were there.
    pub truncated: bool,
}

/// One name of a directory.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name as the file system has it: any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What it names; for a symlink, what it leads to.
    pub metadata: Metadata,
}

impl Root {
    /// Opens the directory itself, which must be one whose names may be looked up. Blocks: for the building of a plan,
    /// and for the offload pool.
    pub fn open_directory(path: &Path) -> io::Result<Self> {
        let root = Self::resolve(path, ResolveFlags::empty())?;
        accessat(&root.directory, c".", Access::EXEC_OK, AtFlags::EACCESS)?;
        Ok(root)
    }

    /// Opens the directory itself if the kernel can do so from memory alone; else `WouldBlock`.
    pub fn open_directory_cached(path: &Path) -> io::Result<Self> {
        match Self::resolve(path, ResolveFlags::CACHED) {
            Err(Errno::INVAL) => Err(io::ErrorKind::WouldBlock.into()),
            resolved => Ok(resolved?),
        }
    }

    /// Whether both are the same directory, by whatever names they were opened.
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    fn resolve(path: &Path, how: ResolveFlags) -> rustix::io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat2(CWD, path, flags, Mode::empty(), how)?;
        let stat = fstat(&directory)?;
        Ok(Self { directory, identity: (stat.st_dev, stat.st_ino) })
    }

    /// Opens `relative` if the kernel can do so from memory alone; `WouldBlock` if it would have to read a directory
    /// from disk, or cannot promise that it need not (kernels before 5.12).
    ///
    /// The path is relative to the root; an empty one means the root itself. Errors are those of [`Self::open`].
    pub fn open_cached(&self, relative: &[u8]) -> io::Result<Opened> {
        let relative = checked(relative)?;
        match self.walk(relative, READ, ResolveFlags::CACHED) {
            // The flag is unknown to the kernel; nothing else in the call can be invalid.
            Err(Errno::INVAL) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Err(error.into()),
            Ok(file) => Opened::inspect(file),
        }
    }

    /// Opens `relative`, reading directories from disk where needed: for the offload pool.
    ///
    /// A path or symlink that leads outside the root fails with `CrossesDevices`, a special file with
    /// `PermissionDenied`.
    pub fn open(&self, relative: &[u8]) -> io::Result<Opened> {
        Opened::inspect(self.walk_patiently(checked(relative)?, READ)?)
    }

    /// Lists the directory `relative`: for the offload pool.
    pub fn list(&self, relative: &[u8]) -> io::Result<Listing> {
        let opened = self.open(relative)?;
        if opened.metadata.kind != Kind::Directory {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let mut listing = Listing::default();
        let mut directory = Dir::new(opened.file)?;
        while let Some(found) = directory.read() {
            let found = found?;
            let name = found.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if listing.entries.len() == LISTING_ENTRIES_MAX {
                listing.truncated = true;
                break;
            }
            if let Some(metadata) = self.metadata_of(&directory, relative, name, found.file_type()) {
                listing.entries.push(Entry { name: name.to_bytes().to_vec(), metadata });
            }
        }
        Ok(listing)
    }

    /// Describes one name of a directory, or nothing if it vanished meanwhile or may not be served.
    fn metadata_of(&self, directory: &Dir, parent: &[u8], name: &CStr, kind: FileType) -> Option<Metadata> {
        let mut stat = None;
        if kind != FileType::Symlink {
            stat = Some(statat(directory.fd().ok()?, name, AtFlags::SYMLINK_NOFOLLOW).ok()?);
        }
        // Some file systems do not tell the type in the directory, so a link may show only now.
        if stat.is_none_or(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink) {
            // From the root, not from the directory: `../other` is fine as long as it stays beneath the root.
            let path = [parent, b"/", name.to_bytes()].concat();
            let path = if parent.is_empty() { &path[1..] } else { &path };
            stat = Some(fstat(self.walk_patiently(path, OFlags::PATH).ok()?).ok()?);
        }
        Metadata::from_stat(&stat?)
    }

    fn walk_patiently(&self, relative: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        for _ in 0..RENAME_RETRIES_MAX {
            match self.walk(relative, flags, ResolveFlags::empty()) {
                // A rename crossed the walk at a `..`, so the kernel could not tell whether it stayed beneath.
                Err(Errno::AGAIN | Errno::INTR) => {}
                walked => return Ok(walked?),
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    fn walk(&self, relative: &[u8], flags: OFlags, how: ResolveFlags) -> rustix::io::Result<OwnedFd> {
        let how = how | ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.directory, relative, flags | OFlags::CLOEXEC, Mode::empty(), how)
    }
}

impl Opened {
    fn inspect(file: OwnedFd) -> io::Result<Self> {
        let metadata = Metadata::of(&file)?;
        Ok(Self { file, metadata })
    }
}

impl Metadata {
    /// What an open file is now. Never waits for a disk: an open file's inode is in memory.
    pub fn of(file: impl AsFd) -> io::Result<Self> {
        let metadata = Self::from_stat(&fstat(file)?);
        metadata.ok_or_else(|| io::ErrorKind::PermissionDenied.into())
    }

    /// `None` for what is neither a file nor a directory.
    fn from_stat(stat: &Stat) -> Option<Self> {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Directory,
            _ => return None,
        };
        Some(Self {
            kind,
            length: u64::try_from(stat.st_size).unwrap_or(0),
            modified_seconds: stat.st_mtime,
            modified_nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            inode: stat.st_ino,
            device: stat.st_dev,
        })
    }
}

/// `O_NONBLOCK` keeps the open of a FIFO from waiting for its writer, `O_NOCTTY` that of a terminal from taking it.
const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Whether a failure tells of the system's limits and not of the file: too many open files, or no memory.
pub fn is_exhaustion(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn checked(relative: &[u8]) -> io::Result<&[u8]> {
    if relative.contains(&0) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(if relative.is_empty() { b"." } else { relative })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn tree() -> (tempfile::TempDir, Root) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::write(outer.path().join("secret"), "secret").unwrap();
        fs::write(root.join("a.txt"), "hello").unwrap();
        fs::write(root.join("sub/b.txt"), "b").unwrap();
        symlink("../a.txt", root.join("sub/inside")).unwrap();
        symlink("../../secret", root.join("sub/outside")).unwrap();
        symlink("/etc/passwd", root.join("absolute")).unwrap();
        symlink("gone", root.join("dangling")).unwrap();
        rustix::fs::mknodat(CWD, root.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        let opened = Root::open_directory(&root).unwrap();
        (outer, opened)
    }

    fn kind_of(root: &Root, path: &str) -> io::ErrorKind {
        root.open(path.as_bytes()).unwrap_err().kind()
    }

    #[test]
    fn opens_and_describes_files() {
        let (_outer, root) = tree();
        let metadata = root.open(b"a.txt").unwrap().metadata;
        assert_eq!((metadata.kind, metadata.length), (Kind::File, 5));
        assert!(metadata.modified_seconds > 1_600_000_000);
        assert_eq!(root.open(b"sub/inside").unwrap().metadata, metadata);
        assert_eq!(root.open(b"sub/../a.txt").unwrap().metadata, metadata);
        assert_eq!(root.open(b"sub/").unwrap().metadata.kind, Kind::Directory);
        assert_eq!(root.open(b"").unwrap().metadata.kind, Kind::Directory);
    }

    #[test]
    fn never_escapes() {
        let (_outer, root) = tree();
        for path in ["../secret", "sub/outside", "absolute", "/etc/passwd", "sub/../../secret", ".."] {
            assert_eq!(kind_of(&root, path), io::ErrorKind::CrossesDevices, "{path}");
            assert!(root.open_cached(path.as_bytes()).is_err(), "{path}");
        }
        let proc = Root::open_directory(Path::new("/proc/self")).unwrap();
        assert!(proc.open(b"root/etc/passwd").is_err(), "a magic link was followed");
    }

    #[test]
    fn knows_a_root_by_its_inode() {
        let (outer, root) = tree();
        let link = outer.path().join("current");
        symlink(outer.path().join("root"), &link).unwrap();
        assert!(Root::open_directory(&link).unwrap().is_same(&root));
        match Root::open_directory_cached(&link) {
            Ok(cached) => assert!(cached.is_same(&root)),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        assert!(!Root::open_directory(outer.path()).unwrap().is_same(&root));
        let refused = |path: &str| Root::open_directory(&outer.path().join(path)).unwrap_err().kind();
        assert_eq!(
            (refused("gone"), refused("secret")),
            (io::ErrorKind::NotFound, io::ErrorKind::NotADirectory)
        );
    }

    #[test]
    fn refuses_what_is_no_file() {
        let (_outer, root) = tree();
        assert_eq!(kind_of(&root, "fifo"), io::ErrorKind::PermissionDenied);
        assert_eq!(kind_of(&root, "dangling"), io::ErrorKind::NotFound);
        assert_eq!(kind_of(&root, "a.txt/x"), io::ErrorKind::NotADirectory);
        assert_eq!(kind_of(&root, "a\0b"), io::ErrorKind::InvalidInput);
        assert_eq!(root.open_cached(b"a\0b").unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn opens_from_memory_what_was_opened_before() {
        let (_outer, root) = tree();
        let slow = root.open(b"sub/b.txt").unwrap();
        match root.open_cached(b"sub/b.txt") {
            Ok(fast) => assert_eq!(fast.metadata, slow.metadata),
            // Kernels without RESOLVE_CACHED, and file systems that must revalidate.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }

    #[test]
    fn lists_what_may_be_served() {
        let (_outer, root) = tree();
        let names = |path: &[u8]| {
            let mut names: Vec<_> = root
                .list(path)
                .unwrap()
                .entries
                .into_iter()
                .map(|entry| (entry.name, entry.metadata.length))
                .collect();
            names.retain_mut(|(name, length)| {
                *length *= u64::from(name.contains(&b'.') || name.starts_with(b"in"));
                true
            });
            names.sort();
            names
        };
        assert_eq!(names(b""), [(b"a.txt".to_vec(), 5), (b"sub".to_vec(), 0)]);
        assert_eq!(names(b"sub"), [(b"b.txt".to_vec(), 1), (b"deep".to_vec(), 0), (b"inside".to_vec(), 5)]);
        assert_eq!(root.list(b"a.txt").unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn caps_a_listing() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..=LISTING_ENTRIES_MAX {
            fs::write(directory.path().join(number.to_string()), "").unwrap();
        }
        let listing = Root::open_directory(directory.path()).unwrap().list(b"").unwrap();
        assert_eq!(listing.entries.len(), LISTING_ENTRIES_MAX);
        assert!(listing.truncated);
    }
}
