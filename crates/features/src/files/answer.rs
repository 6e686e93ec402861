//! One worker's answer: looks at what is held, else in the file system.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use propylon_base::clock::Moment;
use propylon_http::{Known, Method};
use propylon_net::beneath::{self, Root};
use propylon_net::{clock, offload};
use propylon_pipeline::{Exchange, Fault, Reply};

use super::config::{Compiled, ListingKind};
use super::load::{Loaded, Look};
use super::name::{self, Verdict};
use super::store::{Held, Store};
use super::{listing, reply};
use crate::WorkerBuild;

/// Methods that files answer to.
const ALLOW: &str = "GET, HEAD, OPTIONS";

/// The answer on one worker.
#[derive(Debug)]
pub struct Files {
    settings: Arc<Compiled>,
    store: Rc<Store>,
    /// Under which its files stand in the store.
    number: u32,
    root: RefCell<Arc<Root>>,
    root_checked: Cell<Moment>,
}

/// What a path leads to.
enum Found {
    /// A file.
    File(Rc<Held>),
    /// A directory's index file.
    Index(Rc<Held>),
    /// A directory, to be listed.
    Listing(Vec<u8>),
    /// The file that stands for what is not found.
    Fallback(Rc<Held>),
}

/// What stands under a name.
enum Got {
    File(Rc<Held>),
    Directory,
    Nothing,
}

impl Files {
    /// The answer on one worker.
    pub fn new(settings: Arc<Compiled>, build: &WorkerBuild<'_>) -> Self {
        let store = Store::of(build.worker);
        let number = store.number();
        let root = RefCell::new(Arc::clone(&settings.root));
        Self { settings, store, number, root, root_checked: Cell::new(clock::now()) }
    }

    /// The reply: a file, a part of it, a listing, or a redirect to a directory's proper path.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read, or the method is for something else.
    pub async fn answer(&self, x: &Exchange) -> Result<Reply, Fault> {
        match x.request.method {
            Method::Get | Method::Head => {}
            Method::Options => return Ok(options()),
            _ => return Err(Fault::MethodNotAllowed(ALLOW)),
        }
        let now = clock::now();
        if self.is_fresh(&self.root_checked, now) {
            if let Some(held) = self.store.find_path(self.number, x.request.path())
                && self.is_fresh(&held.checked, now)
                && held.file.is_intact()
            {
                self.store.hits.add(1);
                return Ok(reply::reply(x, &held.file));
            }
        } else {
            self.follow_root(now).await;
        }
        self.search(x).await
    }

    async fn search(&self, x: &Exchange) -> Result<Reply, Fault> {
        match self.find(x.request.path()).await? {
            Found::File(held) => Ok(reply::reply(x, &held.file)),
            Found::Index(held) => Ok(to_directory(x).unwrap_or_else(|| reply::reply(x, &held.file))),
            Found::Listing(name) => match to_directory(x) {
                Some(redirect) => Ok(redirect),
                None => self.list(x, name).await,
            },
            Found::Fallback(held) => {
                let mut reply = reply::reply(x, &held.file);
                if self.settings.cache_control.is_some() {
                    reply.fields.set_known(Known::CacheControl, b"no-cache");
                }
                Ok(reply)
            }
        }
    }

    async fn find(&self, path: &[u8]) -> Result<Found, Fault> {
        let mut name = Vec::with_capacity(path.len());
        if !name::decode(path, &mut name) {
            return self.fall_back().await;
        }
        match name::judge(&name, self.settings.hidden) {
            Verdict::Open => {}
            Verdict::Unmatched => return self.fall_back().await,
            Verdict::Hidden => return Err(Fault::NotFound),
        }
        if !name.is_empty() && !name.ends_with(b"/") {
            match self.fetch(&name).await? {
                Got::File(held) => return Ok(Found::File(held)),
                Got::Directory => name.push(b'/'),
                Got::Nothing => return self.fall_back().await,
            }
        }
        self.directory(name).await
    }

    /// Looks for a directory's index file; its name ends with `/`, or is empty for the root.
    async fn directory(&self, mut name: Vec<u8>) -> Result<Found, Fault> {
        let length = name.len();
        for index in &self.settings.index {
            name.truncate(length);
            name.extend_from_slice(index);
            if let Got::File(held) = self.fetch(&name).await? {
                return Ok(Found::Index(held));
            }
        }
        name.truncate(length);
        if self.settings.listing != ListingKind::Off && matches!(self.fetch(&name).await?, Got::Directory) {
            return Ok(Found::Listing(name));
        }
        self.fall_back().await
    }

    async fn fall_back(&self) -> Result<Found, Fault> {
        let Some(name) = &self.settings.fallback else { return Err(Fault::NotFound) };
        match self.fetch(name).await? {
            Got::File(held) => Ok(Found::Fallback(held)),
            Got::Directory | Got::Nothing => Err(Fault::NotFound),
        }
    }

    /// What stands under a name: as it is held if that is fresh, else as the file system has it.
    async fn fetch(&self, name: &[u8]) -> Result<Got, Fault> {
        let now = clock::now();
        let held = self.store.find(self.number, name);
        if let Some(held) = &held {
            if self.is_fresh(&held.checked, now) && held.file.is_intact() {
                self.store.hits.add(1);
                return Ok(Got::File(Rc::clone(held)));
            }
            // Others go on with what is held while this exchange looks.
            held.checked.set(now);
        }
        match (self.load(name, held.as_ref()).await, held) {
            (Ok(Loaded::Unchanged), Some(held)) => Ok(Got::File(held)),
            (Ok(Loaded::File(file)), _) => Ok(Got::File(self.store.hold(self.number, name, *file, now))),
            (Ok(Loaded::Directory), held) => {
                self.forget(name, held);
                Ok(Got::Directory)
            }
            (Ok(Loaded::Unchanged), None) => Ok(Got::Nothing),
            (Err(fault), held) => {
                self.forget(name, held);
                match fault {
                    Fault::NotFound => Ok(Got::Nothing),
                    fault => Err(fault),
                }
            }
        }
    }

    fn forget(&self, name: &[u8], held: Option<Rc<Held>>) {
        if held.is_some() {
            self.store.forget(self.number, name);
        }
    }

    /// Looks in the file system, on the worker if it need not wait for a disk.
    async fn load(&self, name: &[u8], held: Option<&Rc<Held>>) -> Result<Loaded, Fault> {
        self.store.opens.add(1);
        let stamp = held.map(|held| &held.file.stamp);
        let root = Arc::clone(&self.root.borrow());
        let now = clock::wall();
        let look = Look { root: &root, settings: &self.settings, now, patient: false };
        let loaded = match look.load(name, stamp) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.store.offloads.add(1);
                let (settings, name, stamp) = (Arc::clone(&self.settings), name.to_vec(), stamp.cloned());
                let patiently = move || {
                    Look { root: &root, settings: &settings, now, patient: true }.load(&name, stamp.as_ref())
                };
                offload::run(patiently).await.map_err(refused)?
            }
            loaded => loaded,
        };
        loaded.map_err(|error| fault(&error, name))
    }

    async fn list(&self, x: &Exchange, name: Vec<u8>) -> Result<Reply, Fault> {
        let form = listing::form(self.settings.listing, &x.request.fields);
        let (root, hidden) = (Arc::clone(&self.root.borrow()), self.settings.hidden);
        let path = x.request.path().to_vec();
        let shown = name.clone();
        let work = move || root.list(&name).map(|listing| listing::write(listing, hidden, &path, form));
        let written = offload::run(work).await.map_err(refused)?;
        let page = written.map_err(|error| fault(&error, &shown))?;
        Ok(listing::reply(page, self.settings.listing, form))
    }

    /// Sees whether another directory has taken the root's name: a deployment may put a whole new tree in its place.
    ///
    /// When that cannot be told, because there is none for a moment or the server's user may not look, the root stays
    /// what it is.
    async fn follow_root(&self, now: Moment) {
        self.root_checked.set(now);
        let opened = match Root::open_directory_cached(&self.settings.path) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let settings = Arc::clone(&self.settings);
                match offload::run(move || Root::open_directory(&settings.path)).await {
                    Ok(opened) => opened,
                    Err(_) => return,
                }
            }
            opened => opened,
        };
        let Ok(root) = opened else { return };
        let same = root.is_same(&self.root.borrow());
        if !same {
            self.root.replace(Arc::new(root));
            self.store.forget_all(self.number);
        }
    }

    fn is_fresh(&self, checked: &Cell<Moment>, now: Moment) -> bool {
        now.since(checked.get()) < self.settings.recheck
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.store.forget_all(self.number);
    }
}

fn options() -> Reply {
    let mut reply = Reply::new(204);
    reply.fields.append_known(Known::Allow, ALLOW.as_bytes());
    reply
}

/// The redirect to the same path with a `/` at its end, without which a directory's relative links would lead astray;
/// `None` if the client asks with one.
///
/// It is relative, so that neither a rewritten path nor a host can be confused by it, and begins with `./`, so that it
/// can be taken neither for a host nor for a scheme.
fn to_directory(x: &Exchange) -> Option<Reply> {
    let asked = asked_path(x.request.raw_target());
    let segment = asked.rsplit(|byte| *byte == b'/').next().filter(|segment| !segment.is_empty())?;
    let path = x.request.path();
    // A route's prefix itself, stripped, leaves `/`; any other path that ends with `/` was rewritten to be so.
    if path.ends_with(b"/") && !(path == b"/" && x.rest.is_empty()) {
        return None;
    }
    let mut location = b"./".to_vec();
    location.extend_from_slice(segment);
    location.push(b'/');
    if let Some(query) = x.request.query() {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    Some(Reply::redirect(308, &location))
}

/// The path in a request target as it was sent, which may be a whole URL (RFC 9112 section 3.2.2).
fn asked_path(target: &[u8]) -> &[u8] {
    let target = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    if target.starts_with(b"/") {
        return target;
    }
    let host = target.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let slash = target[host..].iter().position(|byte| *byte == b'/');
    slash.map_or(b"/", |slash| &target[host + slash..])
}

/// What a failure to open or read means to the client.
fn fault(error: &io::Error, name: &[u8]) -> Fault {
    use io::ErrorKind::{
        CrossesDevices, InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied,
    };
    let shown = String::from_utf8_lossy(name);
    match error.kind() {
        NotFound | NotADirectory | InvalidFilename | InvalidInput => Fault::NotFound,
        PermissionDenied => Fault::Unreadable(format!("{shown}: {error}").into()),
        CrossesDevices => Fault::Unreadable(format!("{shown}: a link leads out of the root").into()),
        _ if beneath::is_exhaustion(error) => Fault::Overloaded,
        _ => Fault::Internal(format!("{shown}: {error}").into()),
    }
}

fn refused(failure: offload::Failure) -> Fault {
    match failure {
        offload::Failure::Overloaded => Fault::Overloaded,
        offload::Failure::Panicked => Fault::Internal(failure.to_string().into()),
    }
}
