//! Opens a file and makes ready all that a reply needs of it.
//!
//! The same steps run twice at most: on the worker, where nothing may wait for a disk, and when that is not enough
//! (`WouldBlock`) from the start on the offload pool.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use propylon_base::clock::WallTime;
use propylon_http::date::HttpDate;
use propylon_http::negotiate::Coding;
use propylon_http::{Fields, Known, media_type};
use propylon_net::beneath::{Kind, Metadata, Opened, Root};
use propylon_net::page_cache;

use super::config::{Compiled, EtagKind};

/// Files up to this size are held in memory and leave in one write with their head. Larger ones are held open and
/// sent by the kernel: from here on that costs less than copying.
pub(super) const SMALL_BYTES_MAX: u64 = 64 * 1024;

/// A file changed less than so many seconds ago may change again without its time showing it: file systems' clocks
/// tick in steps, of two seconds in the worst case.
const YOUNG_SECONDS: i64 = 2;

/// How often a small file is read anew when it changed while it was read.
const READ_RETRIES_MAX: u32 = 3;

/// What stands under a name.
#[derive(Debug)]
pub(super) enum Loaded {
    /// A directory.
    Directory,
    /// The file that is held already, unchanged.
    Unchanged,
    /// A file.
    File(Box<File>),
}

/// A file, in all the codings in which it is there.
#[derive(Debug)]
pub(super) struct File {
    /// As it is.
    pub(super) plain: Representation,
    /// Its precompressed siblings.
    pub(super) coded: Vec<(Coding, Representation)>,
    /// By what a change will be seen.
    pub(super) stamp: Stamp,
}

/// A file in one coding.
#[derive(Debug)]
pub(super) struct Representation {
    /// The fields of a reply that holds all of it.
    pub(super) fields: Fields,
    /// The tag in `fields`.
    pub(super) etag: Option<Box<[u8]>>,
    /// The time in `fields`.
    pub(super) last_modified: Option<HttpDate>,
    /// It changed just now, so that its time may not tell it from what it will be next.
    pub(super) young: bool,
    /// Its bytes.
    pub(super) length: u64,
    /// Where they are.
    pub(super) content: Content,
    /// What the file was when it was read or opened.
    metadata: Metadata,
}

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// In memory.
    Memory(Arc<[u8]>),
    /// In the open file.
    File(Arc<OwnedFd>),
}

/// What tells whether a file held is still the one under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    plain: Metadata,
    coded: Vec<(Coding, Metadata)>,
    young: bool,
}

impl File {
    /// Whether the files that are held open are as they were. One overwritten in place would else be sent under the
    /// tag of what it was; what is held in memory stays what it is.
    pub(super) fn is_intact(&self) -> bool {
        std::iter::once(&self.plain).chain(self.coded.iter().map(|(_, coded)| coded)).all(|all| {
            match &all.content {
                Content::Memory(_) => true,
                Content::File(file) => Metadata::of(file).is_ok_and(|now| now == all.metadata),
            }
        })
    }
}

/// How a name is looked for.
#[derive(Debug)]
pub(super) struct Look<'a> {
    /// Beneath which root.
    pub(super) root: &'a Root,
    /// By which settings.
    pub(super) settings: &'a Compiled,
    /// When.
    pub(super) now: WallTime,
    /// Whether a disk may be waited for.
    pub(super) patient: bool,
}

impl Look<'_> {
    /// Loads what stands under `name`, unless it is what is `held`.
    pub(super) fn load(&self, name: &[u8], held: Option<&Stamp>) -> io::Result<Loaded> {
        let plain = self.open(name)?;
        if plain.metadata.kind == Kind::Directory {
            return Ok(Loaded::Directory);
        }
        let media_type = self.settings.media_type(name);
        let coded = self.siblings(name, &plain.metadata, media_type)?;
        let all = || std::iter::once(&plain).chain(coded.iter().map(|(_, opened)| opened));
        let stamp = Stamp {
            plain: plain.metadata,
            coded: coded.iter().map(|(coding, opened)| (*coding, opened.metadata)).collect(),
            young: all().any(|opened| self.is_young(&opened.metadata)),
        };
        // What was young when it was loaded may have changed with nothing to show for it.
        if !stamp.young && held == Some(&stamp) {
            return Ok(Loaded::Unchanged);
        }
        let in_memory = plain.metadata.length <= SMALL_BYTES_MAX;
        let varies = !coded.is_empty();
        let plain = self.represent(plain, None, media_type, varies, in_memory)?;
        let coded = coded.into_iter().map(|(coding, opened)| {
            Ok((coding, self.represent(opened, Some(coding), media_type, varies, in_memory)?))
        });
        Ok(Loaded::File(Box::new(File { plain, coded: coded.collect::<io::Result<_>>()?, stamp })))
    }

    fn open(&self, name: &[u8]) -> io::Result<Opened> {
        if self.patient { self.root.open(name) } else { self.root.open_cached(name) }
    }

    /// The precompressed siblings that may stand for the file: none that is older, or no smaller.
    fn siblings(&self, name: &[u8], plain: &Metadata, media_type: &str) -> io::Result<Vec<(Coding, Opened)>> {
        let mut found = Vec::new();
        // Nobody compresses a picture or an archive again, and each look costs a system call.
        if media_type != media_type::UNKNOWN && !media_type::is_compressible(media_type.as_bytes()) {
            return Ok(found);
        }
        let mut sibling = Vec::with_capacity(name.len() + 4);
        for &coding in &self.settings.codings {
            sibling.clear();
            sibling.extend_from_slice(name);
            sibling.extend_from_slice(extension(coding));
            match self.open(&sibling) {
                Ok(opened) if stands_for(&opened.metadata, plain) => found.push((coding, opened)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // One that cannot be read is none: the plain file is there.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(found)
    }

    fn represent(
        &self,
        opened: Opened,
        coding: Option<Coding>,
        media_type: &str,
        varies: bool,
        in_memory: bool,
    ) -> io::Result<Representation> {
        let (content, metadata) = if in_memory {
            let (bytes, metadata) = self.read(opened)?;
            (Content::Memory(bytes.into()), metadata)
        } else {
            (Content::File(Arc::new(opened.file)), opened.metadata)
        };
        let length = match &content {
            Content::Memory(bytes) => bytes.len() as u64,
            Content::File(_) => metadata.length,
        };
        let young = self.is_young(&metadata);
        let etag = self.etag(&metadata, coding, young);
        let last_modified = u64::try_from(metadata.modified_seconds).ok().map(|seconds| {
            // One in the future must not be told (RFC 9110 section 8.8.2.1).
            HttpDate(seconds.min(self.now.secs))
        });
        let mut fields = Fields::new();
        fields.append_known(Known::ContentType, media_type.as_bytes());
        if let Some(coding) = coding {
            fields.append_known(Known::ContentEncoding, coding.name().as_bytes());
        }
        if varies {
            fields.append_known(Known::Vary, b"Accept-Encoding");
        }
        if let Some(etag) = &etag {
            fields.append_known(Known::ETag, etag);
        }
        if let Some(date) = last_modified {
            fields.append_known(Known::LastModified, &date.format());
        }
        fields.append_known(Known::AcceptRanges, b"bytes");
        if let Some(value) = &self.settings.cache_control {
            fields.append_known(Known::CacheControl, value.as_bytes());
        }
        Ok(Representation { fields, etag, last_modified, young, length, content, metadata })
    }

    /// Reads a small file whole, and again if it changed meanwhile.
    fn read(&self, opened: Opened) -> io::Result<(Vec<u8>, Metadata)> {
        let Opened { file, mut metadata } = opened;
        let mut tries = 0;
        loop {
            let mut bytes = vec![0; usize::try_from(metadata.length).unwrap_or(0)];
            let count = self.fill(&file, &mut bytes)?;
            bytes.truncate(count);
            let after = Metadata::of(&file)?;
            tries += 1;
            if (after == metadata && count as u64 == metadata.length) || tries > READ_RETRIES_MAX {
                return Ok((bytes, after));
            }
            if after.length > SMALL_BYTES_MAX {
                // It has outgrown its place: it is looked at from the start at the next request.
                return Ok((bytes, after));
            }
            metadata = after;
        }
    }

    fn fill(&self, file: impl AsFd, bytes: &mut [u8]) -> io::Result<usize> {
        let mut count = 0;
        while count < bytes.len() {
            let rest = &mut bytes[count..];
            let read = if self.patient {
                page_cache::read_at(&file, rest, count as u64)
            } else {
                page_cache::read_at_nowait(&file, rest, count as u64)
            };
            match read {
                Ok(0) => break,
                Ok(more) => count += more,
                // The file system cannot tell whether it would have to wait.
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    fn is_young(&self, metadata: &Metadata) -> bool {
        let now = i64::try_from(self.now.secs).unwrap_or(i64::MAX);
        metadata.modified_seconds >= now.saturating_sub(YOUNG_SECONDS)
    }

    /// The entity tag: strong, since another content has another time or inode; but for a young file, whose tag is
    /// weak and will not be used again once the file has come of age.
    fn etag(&self, metadata: &Metadata, coding: Option<Coding>, young: bool) -> Option<Box<[u8]>> {
        let mut tag = Vec::with_capacity(64);
        if young {
            tag.extend_from_slice(b"W/");
        }
        // Writing to memory cannot fail.
        let _ = match self.settings.etag {
            EtagKind::Off => return None,
            EtagKind::On => write!(tag, "\"{:x}-", metadata.inode),
            EtagKind::Portable => write!(tag, "\""),
        };
        let _ = write!(
            tag,
            "{:x}.{:x}-{:x}",
            metadata.modified_seconds, metadata.modified_nanos, metadata.length
        );
        if let Some(coding) = coding {
            let _ = write!(tag, "-{}", coding.name());
        }
        tag.extend_from_slice(if young { b"-new\"" } else { b"\"" });
        Some(tag.into())
    }
}

fn extension(coding: Coding) -> &'static [u8] {
    match coding {
        Coding::Brotli => b".br",
        Coding::Zstd => b".zst",
        Coding::Gzip | Coding::Deflate | Coding::Identity => b".gz",
    }
}

fn stands_for(sibling: &Metadata, plain: &Metadata) -> bool {
    let time = |metadata: &Metadata| (metadata.modified_seconds, metadata.modified_nanos);
    sibling.kind == Kind::File && sibling.length < plain.length && time(sibling) >= time(plain)
}
