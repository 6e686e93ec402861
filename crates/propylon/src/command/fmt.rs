//! `propylon fmt`: configs in their one form.

use std::io::Write;
use std::path::{Path, PathBuf};

use propylon_server::log;

use crate::exit::Exit;
use crate::output::{fail, remark, say};

/// Rewrite configs in their one form: indents, spaces and blank lines
///
/// Comments, quotes and spellings stay as they are. A file with mistakes is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  propylon fmt site.conf\n  propylon fmt --check /etc/propylon/*.conf")]
pub(crate) struct Args {
    /// The configs
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write nothing; name the files that are not formatted, and exit with 1 if there are any
    #[arg(long)]
    check: bool,
    /// Print the result instead of writing it back
    #[arg(long, conflicts_with = "check")]
    stdout: bool,
}

impl Args {
    pub(crate) fn run(self) -> Exit {
        let mut worst = Exit::Done;
        for file in &self.files {
            let exit = self.one(file);
            if exit as u8 > worst as u8 {
                worst = exit;
            }
        }
        worst
    }

    fn one(&self, file: &Path) -> Exit {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return fail(format!("cannot read {}: {error}", file.display())),
        };
        let formatted = match propylon_config::format(file, &text) {
            Ok(formatted) => formatted,
            Err(loaded) => {
                log::diagnostics(&loaded);
                return Exit::ConfigInvalid;
            }
        };
        match () {
            () if self.stdout => say(&formatted),
            () if formatted == text => Exit::Done,
            () if self.check => {
                remark(format!("{} is not formatted", file.display()));
                Exit::Failed
            }
            () => match replace(file, &formatted) {
                Ok(()) => Exit::Done,
                Err(error) => fail(format!("cannot write {}: {error}", file.display())),
            },
        }
    }
}

/// Writes the new text beside the file and then puts it in its place: at no moment is there half a config. A link is
/// followed, and the file keeps its mode.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let real = std::fs::canonicalize(file)?;
    let mut beside = real.clone().into_os_string();
    beside.push(format!(".{}.tmp", std::process::id()));
    let written = write_new(Path::new(&beside), text)
        .and_then(|()| std::fs::set_permissions(&beside, std::fs::metadata(&real)?.permissions()))
        .and_then(|()| std::fs::rename(&beside, &real));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
