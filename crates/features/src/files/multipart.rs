//! The body of a reply with several ranges (RFC 9110 section 14.6).

use propylon_http::range::ByteRange;
use propylon_pipeline::file_body::Segment;

/// Parts of a file, framed.
#[derive(Debug)]
pub(super) struct Multipart {
    /// Value of the reply's `Content-Type`.
    pub(super) media_type: Vec<u8>,
    /// The body.
    pub(super) segments: Vec<Segment>,
}

impl Multipart {
    /// Frames `ranges` of a file of `complete` bytes and the given media type.
    ///
    /// The two numbers make the boundary. They must be random: a boundary that stands in the file would end a part
    /// early, so nobody who can write the file may know it before.
    pub(super) fn new(ranges: &[ByteRange], complete: u64, media_type: &[u8], random: [u64; 2]) -> Self {
        let boundary = format!("{:016x}{:016x}", random[0], random[1]);
        let mut segments = Vec::with_capacity(ranges.len() * 2 + 1);
        for (index, range) in ranges.iter().enumerate() {
            let mut head = Vec::with_capacity(160);
            head.extend_from_slice(if index == 0 { b"--" } else { b"\r\n--" });
            head.extend_from_slice(boundary.as_bytes());
            head.extend_from_slice(b"\r\nContent-Type: ");
            head.extend_from_slice(media_type);
            head.extend_from_slice(b"\r\nContent-Range: ");
            range.write_content_range(complete, &mut head);
            head.extend_from_slice(b"\r\n\r\n");
            segments.push(Segment::Text(head));
            segments.push(Segment::Span { offset: range.first, length: range.len() });
        }
        segments.push(Segment::Text(format!("\r\n--{boundary}--\r\n").into_bytes()));
        Self { media_type: format!("multipart/byteranges; boundary={boundary}").into_bytes(), segments }
    }

    /// The body of a file whose bytes are at hand.
    pub(super) fn gather(&self, bytes: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Text(text) => body.extend_from_slice(text),
                Segment::Span { offset, length } => {
                    let start = usize::try_from(*offset).unwrap_or(usize::MAX);
                    let length = usize::try_from(*length).unwrap_or(usize::MAX);
                    body.extend(bytes.iter().skip(start).take(length));
                }
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_framed() {
        let ranges = [ByteRange { first: 0, last: 1 }, ByteRange { first: 7, last: 9 }];
        let multipart = Multipart::new(&ranges, 10, b"text/plain", [1, 0xabc]);
        let boundary = "00000000000000010000000000000abc";
        let expected = format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n\
             --{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n--{boundary}--\r\n"
        );
        assert_eq!(String::from_utf8(multipart.gather(b"0123456789")).unwrap(), expected);
        assert_eq!(multipart.media_type, format!("multipart/byteranges; boundary={boundary}").into_bytes());
    }
}
