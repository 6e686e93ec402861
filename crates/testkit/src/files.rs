//! A temporary tree of files, gone with its value.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that every user may read, also when the test runs as root and the server does not.
#[derive(Debug)]
pub struct Tree {
    dir: TempDir,
}

impl Tree {
    /// An empty directory.
    pub fn empty() -> Self {
        let dir = tempfile::Builder::new().prefix("propylon-test-").tempdir();
        let dir = dir.expect("the temporary directory is writable");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("the directory is ours");
        Self { dir }
    }

    /// A directory with these files; directories on their way are made.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let tree = Self::empty();
        for (name, content) in files {
            tree.write(name, content);
        }
        tree
    }

    /// The directory, or with a name something beneath it.
    pub fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.dir.path().to_owned() } else { self.dir.path().join(name) }
    }

    /// Writes a file and returns where it is.
    #[track_caller]
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().unwrap_or(Path::new("/"));
        let made = fs::create_dir_all(parent).and_then(|()| fs::write(&path, content));
        made.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }

    /// Reads a file that the server wrote.
    #[track_caller]
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
    }

    /// Makes a symbolic link to `target`.
    #[track_caller]
    pub fn link(&self, name: &str, target: impl AsRef<Path>) {
        std::os::unix::fs::symlink(target, self.path(name)).expect("a link can be made in the tree");
    }
}
