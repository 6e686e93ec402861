//! Searches eight bytes at a time, in safe code and on any processor.
//!
//! Field names and values are short. A call into a vectorised search costs more than it saves there; eight bytes
//! in a register, with the arithmetic of "Bit Twiddling Hacks" (determine if a word has a byte less than n), do not.

const ONES: u64 = u64::MAX / 255;
const HIGHS: u64 = ONES * 0x80;

/// The index from `from` on of the first byte that may not stand in a field value, HTAB included; or the length.
#[inline]
pub(crate) fn find_control(bytes: &[u8], from: usize) -> usize {
    let marks = |word: u64| below(word, b' ') | equal(word, 0x7f);
    let is_marked = |byte| byte < b' ' || byte == 0x7f;
    // Cookies and the names of browsers are long; the compiler turns this into vector instructions.
    let mut at = from;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<32>) {
        if block.iter().fold(false, |any, &byte| any | is_marked(byte)) {
            break;
        }
        at += block.len();
    }
    find(bytes, at, marks, is_marked)
}

/// The index from `from` on of the first SP, control character or DEL; or the length.
#[inline]
pub(crate) fn find_space(bytes: &[u8], from: usize) -> usize {
    let marks = |word: u64| below(word, b' ' + 1) | equal(word, 0x7f);
    find(bytes, from, marks, |byte| byte <= b' ' || byte == 0x7f)
}

/// The index from `from` on of the first `wanted`; or the length.
#[inline]
pub(crate) fn find_byte(bytes: &[u8], from: usize, wanted: u8) -> usize {
    find(bytes, from, |word| equal(word, wanted), |byte| byte == wanted)
}

/// The word that begins at `at`, if the bytes go so far.
#[inline]
pub(crate) fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

#[inline(always)]
fn find(bytes: &[u8], from: usize, marks: impl Fn(u64) -> u64, is_marked: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes.get(from..).unwrap_or_default();
    while let Some((chunk, after)) = rest.split_first_chunk() {
        let marks = marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return bytes.len() - rest.len() + (marks.trailing_zeros() / 8) as usize;
        }
        rest = after;
    }
    while let [byte, after @ ..] = rest
        && !is_marked(*byte)
    {
        rest = after;
    }
    bytes.len() - rest.len()
}

/// Marks the bytes less than `bound`, which is 128 at most. Only the lowest mark is sure: a borrow may set others.
#[inline(always)]
const fn below(word: u64, bound: u8) -> u64 {
    word.wrapping_sub(ONES * bound as u64) & !word & HIGHS
}

/// Marks the bytes equal to `wanted`. Only the lowest mark is sure.
#[inline(always)]
const fn equal(word: u64, wanted: u8) -> u64 {
    below(word ^ (ONES * wanted as u64), 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn searches_agree_with_a_loop(bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x1e..0x23_u8, 0x7d..0x82_u8], 0..40), from in 0..40_usize) {
            let from = from.min(bytes.len());
            let search = |wanted: &dyn Fn(u8) -> bool| {
                bytes[from..].iter().position(|&byte| wanted(byte)).map_or(bytes.len(), |at| from + at)
            };
            prop_assert_eq!(find_control(&bytes, from), search(&|byte| byte < 0x20 || byte == 0x7f));
            prop_assert_eq!(find_space(&bytes, from), search(&|byte| byte <= 0x20 || byte == 0x7f));
            for wanted in [b':', 0x80, 0, 0x1f, 0x7f] {
                prop_assert_eq!(find_byte(&bytes, from, wanted), search(&|byte| byte == wanted));
            }
        }
    }
}
