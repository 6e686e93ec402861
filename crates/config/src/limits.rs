//! Every limit on what a config may be, by name. They guard against accidents (an include of a log file) and
//! against configs that arrive over the API; no honest config comes near them.

/// Bytes in one file.
pub const FILE_BYTES_MAX: usize = 16 << 20;

/// Bytes in all files of one load together.
pub const TOTAL_BYTES_MAX: usize = 64 << 20;

/// Files in one load.
pub const FILES_MAX: usize = 4096;

/// Blocks inside blocks. The parser and everything after it recurse, so this also bounds the stack.
pub const DEPTH_MAX: usize = 64;

/// Includes inside included files.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Bytes of the default in `{$NAME:default}`. Also what keeps a text of many `{$` from being searched to its end for each.
pub const VARIABLE_BYTES_MAX: usize = 1024;

/// Bytes of source drawn with one message. A message about a longer part shows its place only.
pub const SNIPPET_BYTES_MAX: usize = 16 << 10;

/// Diagnostics kept; the rest is only counted, since nobody reads the thousandth.
pub const DIAGNOSTICS_MAX: usize = 1000;

/// Bytes in a secret read from a file.
pub const SECRET_BYTES_MAX: u64 = 64 << 10;
