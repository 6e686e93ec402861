//! Writes HTTP/1 messages: start lines, fields, numbers and chunk heads.

use std::io::Write;
use std::net::IpAddr;

use crate::status;

/// The chunk that ends a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes a request line. The caller vouches for the parts: a token, and a canonical path and query.
pub fn write_request_line(out: &mut Vec<u8>, method: &[u8], path: &[u8], query: Option<&[u8]>) {
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(path);
    if let Some(query) = query {
        out.push(b'?');
        out.extend_from_slice(query);
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// Writes a status line with the registered reason phrase.
pub fn write_status_line(out: &mut Vec<u8>, status: u16) {
    if let Some(line) = status::line(status) {
        return out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    write_decimal(out, u64::from(status));
    // The space stays even without a reason (RFC 9112 section 4).
    out.extend_from_slice(b" \r\n");
}

/// Writes a field line. The caller vouches for both parts; what peers sent goes through `Fields`.
pub fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    debug_assert!(!value.contains(&b'\n') && !value.contains(&b'\r'), "a field value must not end its line");
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes a Content-Length field.
pub fn write_content_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"Content-Length: ");
    write_decimal(out, length);
    out.extend_from_slice(b"\r\n");
}

/// Writes a number in decimal.
pub fn write_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[start..]);
        }
    }
}

/// Writes an IP address. The formatter of the standard library takes five times as long for IPv4.
pub fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{address}");
        return;
    };
    let mut text = [0; 15];
    let mut length = 0;
    let mut push = |byte: u8| {
        text[length] = byte;
        length += 1;
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    out.extend_from_slice(&text[..length]);
}

/// Writes the size line of a chunk. `length` must not be zero: that would end the body.
pub fn write_chunk_head(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(ChunkHead::new(length).as_bytes());
}

/// The size line of a chunk, for those who gather it with the data instead of copying both.
#[derive(Clone, Copy, Debug)]
pub struct ChunkHead {
    line: [u8; 18],
    start: u8,
}

impl ChunkHead {
    /// No line at all, for a body that goes without chunks.
    pub const NONE: Self = Self { line: *b"0000000000000000\r\n", start: 18 };

    /// The line for `length` bytes, which must not be zero: that would end the body.
    #[must_use]
    pub fn new(length: u64) -> Self {
        debug_assert!(length > 0, "a chunk of no bytes ends the body");
        let mut head = Self { start: 16, ..Self::NONE };
        let mut rest = length;
        loop {
            head.start -= 1;
            head.line[usize::from(head.start)] = b"0123456789abcdef"[(rest % 16) as usize];
            rest /= 16;
            if rest == 0 {
                return head;
            }
        }
    }

    /// The line, its end included.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.line[usize::from(self.start)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 1, 9, 10, 99, 100, 255, 256, 4096, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            assert_eq!(written(|out| write_decimal(out, number)), number.to_string());
            if number > 0 {
                assert_eq!(written(|out| write_chunk_head(out, number)), format!("{number:x}\r\n"));
            }
        }
    }

    #[test]
    fn start_lines_are_complete() {
        assert_eq!(written(|out| write_status_line(out, 404)), "HTTP/1.1 404 Not Found\r\n");
        assert_eq!(written(|out| write_status_line(out, 599)), "HTTP/1.1 599 \r\n");
        assert_eq!(written(|out| write_request_line(out, b"GET", b"/a", None)), "GET /a HTTP/1.1\r\n");
        assert_eq!(written(|out| write_request_line(out, b"GET", b"/a", Some(b""))), "GET /a? HTTP/1.1\r\n");
        assert_eq!(written(|out| write_field(out, b"A", b"b")), "A: b\r\n");
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for address in ["0.0.0.0", "255.255.255.255", "10.0.100.9", "1.20.99.101", "::1", "2001:db8::a"] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(written(|out| write_address(out, parsed)), address);
        }
    }
}
