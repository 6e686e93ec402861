//! The name of one exchange, shared by our log, the origin's log and the client.

use std::fmt;

/// Longest id that is taken over from a trusted peer, in bytes.
pub const ID_BYTES_MAX: usize = 64;

/// A request id: one we made (128 random bits in hexadecimal), or one that a trusted peer sent.
#[derive(Clone, Copy)]
pub struct RequestId {
    text: [u8; ID_BYTES_MAX],
    length: u8,
}

impl RequestId {
    /// An id from 128 random bits.
    pub fn from_random(high: u64, low: u64) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; ID_BYTES_MAX];
        for (half, bits) in [high, low].into_iter().enumerate() {
            for (digit, place) in text[half * 16..half * 16 + 16].iter_mut().enumerate() {
                *place = HEX[(bits >> (60 - 4 * digit) & 15) as usize];
            }
        }
        Self { text, length: 32 }
    }

    /// An id as a peer sent it: 1 to [`ID_BYTES_MAX`] letters, digits and `-_.+/=:`, or nothing at all.
    pub fn from_peer(sent: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.+/=:".contains(byte);
        if sent.is_empty() || sent.len() > ID_BYTES_MAX || !sent.iter().all(plain) {
            return None;
        }
        let mut text = [0; ID_BYTES_MAX];
        text[..sent.len()].copy_from_slice(sent);
        Some(Self { text, length: u8::try_from(sent.len()).ok()? })
    }

    /// The id as it goes into a field.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self { text: [0; ID_BYTES_MAX], length: 0 }
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_32_digits_and_a_peer_may_send_plain_text_only() {
        assert_eq!(RequestId::from_random(0x1, 0xabc).as_bytes(), b"00000000000000010000000000000abc");
        assert_eq!(RequestId::from_peer(b"abc-1").map(|id| id.as_bytes().to_vec()), Some(b"abc-1".to_vec()));
        for bad in [&b""[..], b"a b", b"a\"", &[b'a'; 65]] {
            assert!(RequestId::from_peer(bad).is_none());
        }
    }
}
