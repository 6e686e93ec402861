//! What the ready-made origins do.

use std::io;

use crate::origin_conn::OriginConn;
use crate::request::Request;

fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (&**name, &**value)).collect()
}

/// The same reply every time; to HEAD its head alone.
pub(crate) fn fixed(
    status: u16,
    fields: &[(&str, &str)],
    body: &[u8],
) -> impl Fn(Request, &mut OriginConn) -> io::Result<()> + Send + Sync + 'static {
    let (fields, body) = (owned(fields), body.to_owned());
    move |request, conn| {
        if request.method != "HEAD" {
            return conn.reply(status, &borrowed(&fields), &body);
        }
        let lines: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        conn.send(format!("HTTP/1.1 {status} Scripted\r\n{lines}Content-Length: {length}\r\n\r\n"))
    }
}

pub(crate) fn echo(request: Request, conn: &mut OriginConn) -> io::Result<()> {
    let fields = [("Content-Type", "application/octet-stream")];
    let body = [&request.head[..], &request.body].concat();
    fixed(200, &fields, &body)(request, conn)
}

pub(crate) fn garbage(_: Request, conn: &mut OriginConn) -> io::Result<()> {
    conn.send(b"\x16\x03\x01 this is no HTTP\r\n\r\n")?;
    conn.close()
}

pub(crate) fn short_body(_: Request, conn: &mut OriginConn) -> io::Result<()> {
    conn.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")?;
    conn.close()
}

pub(crate) fn long_body(_: Request, conn: &mut OriginConn) -> io::Result<()> {
    let honest = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhonest";
    let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";
    conn.send(format!("{honest}{surplus}"))
}

pub(crate) fn chunked(
    chunks: &[&str],
    trailers: &[(&str, &str)],
) -> impl Fn(Request, &mut OriginConn) -> io::Result<()> + Send + Sync + 'static {
    let chunks: Vec<String> = chunks.iter().map(|chunk| (*chunk).to_owned()).collect();
    let trailers = owned(trailers);
    move |_, conn| {
        conn.begin_chunked(200, &[])?;
        for chunk in &chunks {
            conn.chunk(chunk)?;
        }
        conn.end_chunked(&borrowed(&trailers))
    }
}

pub(crate) fn early_hints(_: Request, conn: &mut OriginConn) -> io::Result<()> {
    conn.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")?;
    conn.reply(200, &[], b"after the hints")
}

pub(crate) fn upgrade_echo(request: Request, conn: &mut OriginConn) -> io::Result<()> {
    let Some(protocol) = request.field("upgrade") else {
        return conn.reply(426, &[("Upgrade", "websocket"), ("Connection", "upgrade")], b"");
    };
    conn.send(format!("HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: {protocol}\r\n\r\n"))?;
    conn.echo_bytes()
}
