//! What a server needs before it is started: config with its placeholders filled, environment, user.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::command::propylon;
use crate::files::Tree;
use crate::port::Port;
use crate::server::{Server, Started};

/// A server to be started.
///
/// In the config, `{DIR}` is the server's own temporary directory, `{ADMIN}` the path of its admin socket,
/// `{ADDR:name}` a free loopback `IP:PORT` and `{PORT:name}` the port alone (the same name is the same port),
/// and `{NAME}` whatever [`Self::set`] says. Other braces are left as they are.
#[derive(Debug)]
pub struct Setup {
    config: String,
    words: Vec<(String, String)>,
    env: Vec<(String, String)>,
    args: Vec<String>,
    user: Option<u32>,
    binary: Option<PathBuf>,
}

impl Server {
    /// Prepares a server with this config.
    pub fn setup(config: &str) -> Setup {
        let config = config.to_owned();
        Setup { config, words: Vec::new(), env: Vec::new(), args: Vec::new(), user: None, binary: None }
    }
}

impl Setup {
    /// Replaces `{NAME}` in the config.
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.words.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds an argument after the config file.
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Runs the server as this user and group; needs root. The server's directory is given to it.
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// Runs this binary instead of the one under test: another build, to take over from or to hand over to.
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Starts the server and waits until it says that it is ready.
    #[track_caller]
    pub fn start(self) -> Server {
        match self.try_start() {
            Ok(server) => server,
            Err(said) => panic!("{said}"),
        }
    }

    /// Starts the server; when it does not become ready, returns why and what it said.
    pub fn try_start(self) -> Result<Server, String> {
        let tree = Tree::empty();
        let mut ports = BTreeMap::new();
        let config = self.fill(&self.config, &tree, &mut ports);
        let file = tree.write("propylon.conf", config);
        let socket = notify_socket(&tree);
        if let Some(id) = self.user {
            let given = std::os::unix::fs::chown(tree.path(""), Some(id), Some(id));
            given.expect("only root can start a server as another user");
        }
        let mut command = Command::new(self.binary.clone().unwrap_or_else(propylon));
        command.arg("run").arg(&file).args(&self.args).stdin(Stdio::null());
        command.env("NOTIFY_SOCKET", tree.path("notify.sock"));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        let started = Started::spawn(command).map_err(|error| format!("cannot start: {error}"))?;
        Server::when_ready(self, started, tree, ports, socket)
    }

    /// Fills the placeholders of a config; also that of a later reload.
    pub(crate) fn fill(&self, text: &str, tree: &Tree, ports: &mut BTreeMap<String, Port>) -> String {
        let dir = tree.path("").display().to_string();
        let admin = tree.path("admin.sock").display().to_string();
        let mut text = text.replace("{DIR}", &dir).replace("{ADMIN}", &admin);
        for (name, value) in &self.words {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        for (kind, before) in [("ADDR", "127.0.0.1:"), ("PORT", "")] {
            while let Some((all, name)) = placeholder(&text, kind) {
                let port = ports.entry(name).or_insert_with(Port::claim).number();
                text = text.replace(&all, &format!("{before}{port}"));
            }
        }
        text
    }
}

/// The first `{KIND:name}`: the whole and the name.
fn placeholder(text: &str, kind: &str) -> Option<(String, String)> {
    let start = text.find(&format!("{{{kind}:"))?;
    let all = &text[start..=start + text[start..].find('}')?];
    let name = &all[kind.len() + 2..all.len() - 1];
    Some((all.to_owned(), name.to_owned()))
}

/// The socket on which the server says that it is ready; a server of any user may write to it.
fn notify_socket(tree: &Tree) -> UnixDatagram {
    let path = tree.path("notify.sock");
    let socket = UnixDatagram::bind(&path).expect("a socket can be bound in the server's directory");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("the socket is ours");
    socket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stay() {
        let setup = Server::setup("").set("ORIGIN", "http://o");
        let (tree, mut ports) = (Tree::empty(), BTreeMap::new());
        let text = "listen {ADDR:web}\n{\n{ORIGIN} {rest} {PORT:web} {PORT:other} {DIR}/x";
        let filled = setup.fill(text, &tree, &mut ports);
        let (web, other) = (ports["web"].number(), ports["other"].number());
        let dir = tree.path("").display().to_string();
        assert_eq!(filled, format!("listen 127.0.0.1:{web}\n{{\nhttp://o {{rest}} {web} {other} {dir}/x"));
    }
}
