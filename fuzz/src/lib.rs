//! What must hold for any input, as functions: the fuzz targets call them, and a debugger can.

pub mod http;
