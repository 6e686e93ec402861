//! The one thread that writes what all workers hand on.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use super::shared::{Sink, sinks};

/// Buffers that may wait to be written: 16 MiB of lines.
const QUEUE_MAX: usize = 256;

/// How long the end of the process waits for lines to be written.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(5);

/// The user and the group whom new files are given to.
pub type Owner = (u32, u32);

/// Lines on their way to a log.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) sink: Arc<Sink>,
    pub(super) bytes: Vec<u8>,
    pub(super) count: u64,
    /// Where the memory goes back to.
    pub(super) back: SyncSender<Vec<u8>>,
}

enum Message {
    Lines(Lines),
    /// Logs were moved away.
    Refresh,
    /// Tell when all that came before has been written.
    Flush(SyncSender<()>),
}

/// Opens the logs that the plans in use name, and gives new files to `owner`. To be called before the process gives up
/// the rights to; a log that is not opened here is opened when its first line is written.
///
/// Returns why some could not be opened.
pub fn open_all(owner: Option<Owner>) -> Vec<String> {
    sinks().iter().filter_map(|sink| sink.open(owner).err()).collect()
}

/// Has all files opened anew, after they were moved away.
pub fn reopen_all() {
    sinks().iter().for_each(|sink| sink.reopen());
    // A log that is written to looks by itself; the message is for those that are quiet, and may be lost.
    if let Some(writer) = writer() {
        let _ = writer.try_send(Message::Refresh);
    }
}

/// Waits until all that workers have handed on is written, or a few seconds have passed. To be called when the workers
/// have ended: what is left in their buffers they hand on then.
pub fn flush_all() {
    const PAUSE: Duration = Duration::from_millis(10);
    let Some(writer) = writer() else { return };
    let (done, told) = sync_channel(1);
    let mut message = Message::Flush(done);
    let mut left = FLUSH_TIME_MAX;
    while let Err(TrySendError::Full(again)) = writer.try_send(message) {
        if left.is_zero() {
            return;
        }
        thread::sleep(PAUSE);
        left = left.saturating_sub(PAUSE);
        message = again;
    }
    // An error says that it took too long.
    let _ = told.recv_timeout(left);
}

/// Hands lines on; gives their memory back if too much waits already.
pub(super) fn hand_on(lines: Lines) -> Result<(), Vec<u8>> {
    let Some(writer) = writer() else { return Err(lines.bytes) };
    match writer.try_send(Message::Lines(lines)) {
        Ok(()) => Ok(()),
        Err(
            TrySendError::Full(Message::Lines(lines)) | TrySendError::Disconnected(Message::Lines(lines)),
        ) => Err(lines.bytes),
        Err(_) => Err(Vec::new()),
    }
}

/// The way to the thread, which starts with the first message. `None` if the system grants no thread.
fn writer() -> Option<&'static SyncSender<Message>> {
    static WRITER: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();
    let start = || {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let thread = thread::Builder::new().name("access-log".to_owned());
        thread.spawn(move || write(&receiver)).ok().map(|_| sender)
    };
    WRITER.get_or_init(start).as_ref()
}

fn write(receiver: &Receiver<Message>) {
    while let Ok(message) = receiver.recv() {
        match message {
            Message::Lines(Lines { sink, mut bytes, count, back }) => {
                sink.write(&bytes, count);
                bytes.clear();
                // A worker that has enough of them, or has ended, does not want it.
                let _ = back.try_send(bytes);
            }
            Message::Refresh => sinks().iter().for_each(|sink| sink.refresh()),
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
        }
    }
}
