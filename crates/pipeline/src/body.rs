//! What a reply carries: nothing, bytes in memory, a file, or what an origin sends.

use std::cell::Ref;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll};

use propylon_h1::BodyError;
use propylon_origin::OriginBody;

use crate::file_body::FileBody;
use crate::reply::TunnelBody;

/// A reply's body.
#[derive(Debug)]
pub enum Body {
    /// None.
    Empty,
    /// Bytes in memory, and how many of them have been used.
    Memory(Memory, usize),
    /// A file, or ranges of it.
    File(Box<FileBody>),
    /// From an origin.
    Origin(Box<OriginBody>),
    /// No body but another protocol, both ways.
    Tunnel(Box<TunnelBody>),
}

/// Who holds a body's bytes.
#[derive(Clone, Debug)]
pub enum Memory {
    /// The program.
    Static(&'static [u8]),
    /// Many replies at once.
    Shared(Arc<[u8]>),
    /// This reply.
    Owned(Vec<u8>),
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Static(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// A piece of a body, where it stands.
#[derive(Debug)]
pub enum Piece<'a> {
    /// In memory of our own.
    Plain(&'a [u8]),
    /// In a connection's buffer.
    Read(Ref<'a, [u8]>),
}

impl Deref for Piece<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

impl Body {
    /// A body of bytes made for this reply.
    pub fn owned(bytes: Vec<u8>) -> Self {
        Self::Memory(Memory::Owned(bytes), 0)
    }

    /// Its length, where that is known before the end.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Tunnel(_) => Some(0),
            Self::Memory(bytes, used) => Some((bytes.len() - used) as u64),
            Self::File(file) => Some(file.left_bytes()),
            Self::Origin(body) => body.incoming().left_bytes(),
        }
    }

    /// True when all of it has been used.
    pub fn is_done(&self) -> bool {
        match self {
            Self::Empty | Self::Tunnel(_) => true,
            Self::Memory(bytes, used) => *used == bytes.len(),
            Self::File(file) => file.left_bytes() == 0,
            Self::Origin(body) => body.is_done(),
        }
    }

    /// Waits for the next piece and returns its length; 0 is the end.
    ///
    /// # Errors
    /// The source failed: the reply cannot be completed.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BodyError>> {
        match self {
            Self::Empty | Self::Tunnel(_) => Poll::Ready(Ok(0)),
            Self::Memory(bytes, used) => Poll::Ready(Ok(bytes.len() - *used)),
            Self::File(file) => file.poll_piece(cx),
            Self::Origin(body) => body.poll_piece(cx),
        }
    }

    /// The piece that [`Body::poll_piece`] spoke of.
    pub fn piece(&self) -> Piece<'_> {
        match self {
            Self::Empty | Self::Tunnel(_) => Piece::Plain(&[]),
            Self::Memory(bytes, used) => Piece::Plain(&bytes[*used..]),
            Self::File(file) => Piece::Plain(file.piece()),
            Self::Origin(body) => Piece::Read(body.incoming().piece()),
        }
    }

    /// Marks the first `count` bytes of the piece as used.
    pub fn consume(&mut self, count: usize) {
        match self {
            Self::Empty | Self::Tunnel(_) => {}
            Self::Memory(_, used) => *used += count,
            Self::File(file) => file.consume(count),
            Self::Origin(body) => body.consume(count),
        }
    }
}
