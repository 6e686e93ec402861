//! What is shown of a directory: a page or a JSON array. Made on the offload pool, where the directory is read.

use std::io::Write;

use propylon_base::clock::WallTime;
use propylon_http::negotiate;
use propylon_http::{Fields, Known};
use propylon_net::beneath::{Entry, Kind, LISTING_ENTRIES_MAX, Listing, Metadata};
use propylon_pipeline::dates::write_rfc3339;
use propylon_pipeline::{Body, Reply};

use super::config::ListingKind;
use super::name;

const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// The page runs nothing and loads nothing, whatever a name manages to smuggle into it.
const POLICY: &[u8] = b"default-src 'none'; style-src 'unsafe-inline'";

/// The field that tells a reader of JSON what a page says in its text: that not all names are there.
const TRUNCATED: &[u8] = b"Listing-Truncated";

const STYLE: &str = ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;\
margin:2rem auto;padding:0 1rem}h1{font-size:1.3rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}\
th,td{padding:.25rem .5rem;text-align:left;border-bottom:1px solid #8884}td{overflow-wrap:anywhere}\
.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}a{text-decoration:none}\
a:hover{text-decoration:underline}";

/// How a directory is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Html,
    Json,
}

/// A listing as it is sent.
#[derive(Debug)]
pub(super) struct Page {
    body: Vec<u8>,
    truncated: bool,
}

/// The form that the settings say, or that the client likes better.
pub(super) fn form(kind: ListingKind, request: &Fields) -> Form {
    match kind {
        ListingKind::Json => Form::Json,
        ListingKind::Off | ListingKind::Html => Form::Html,
        ListingKind::Auto => {
            let accept = request.value(Known::Accept).unwrap_or(b"*/*");
            match negotiate::best_media(accept, &[HTML, JSON]) {
                Some(1) => Form::Json,
                _ => Form::Html,
            }
        }
    }
}

/// Writes the listing of the directory at `path`: directories first, then by name.
pub(super) fn write(mut listing: Listing, hidden: bool, path: &[u8], form: Form) -> Page {
    if !hidden {
        listing.entries.retain(|entry| !entry.name.starts_with(b"."));
    }
    listing.entries.sort_by_cached_key(|entry| {
        (entry.metadata.kind != Kind::Directory, entry.name.to_ascii_lowercase(), entry.name.clone())
    });
    let body = match form {
        Form::Html => html(&listing, path),
        Form::Json => json(&listing.entries),
    };
    Page { body, truncated: listing.truncated }
}

/// The reply that shows a listing.
pub(super) fn reply(page: Page, kind: ListingKind, form: Form) -> Reply {
    let mut reply = Reply::new(200);
    let media_type: &[u8] = match form {
        Form::Html => b"text/html; charset=utf-8",
        Form::Json => JSON.as_bytes(),
    };
    reply.fields.append_known(Known::ContentType, media_type);
    reply.fields.append_known(Known::XContentTypeOptions, b"nosniff");
    if kind == ListingKind::Auto {
        reply.fields.append_known(Known::Vary, b"Accept");
    }
    if form == Form::Html {
        reply.fields.append_known(Known::ContentSecurityPolicy, POLICY);
    }
    if page.truncated {
        // The name is a token and the value plain: this cannot be refused.
        let _ = reply.fields.append(TRUNCATED, LISTING_ENTRIES_MAX.to_string().as_bytes());
    }
    reply.body = Body::owned(page.body);
    reply
}

fn html(listing: &Listing, path: &[u8]) -> Vec<u8> {
    let mut place = Vec::new();
    // Every path that leads to a directory could be decoded.
    name::decode(path, &mut place);
    let mut out = Vec::with_capacity(1024 + listing.entries.len() * 192);
    out.extend_from_slice(b"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    out.extend_from_slice(b"<meta name=\"viewport\" content=\"width=device-width\">\n<title>Index of /");
    write_text(&place, &mut out);
    out.extend_from_slice(b"</title>\n<style>");
    out.extend_from_slice(STYLE.as_bytes());
    out.extend_from_slice(b"</style></head>\n<body><h1>Index of <bdi>/");
    write_text(&place, &mut out);
    out.extend_from_slice(b"</bdi></h1>\n<table>\n<thead><tr><th scope=\"col\">Name</th>");
    out.extend_from_slice(
        b"<th scope=\"col\" class=\"n\">Size</th><th scope=\"col\" class=\"n\">Changed (UTC)</th>",
    );
    out.extend_from_slice(b"</tr></thead>\n<tbody>\n");
    if !place.is_empty() {
        out.extend_from_slice(
            b"<tr><td><a href=\"../\">../</a></td><td class=\"n\"></td><td class=\"n\"></td></tr>\n",
        );
    }
    for entry in &listing.entries {
        write_row(entry, &mut out);
    }
    out.extend_from_slice(b"</tbody></table>\n");
    if listing.truncated {
        // Writing to memory cannot fail.
        let _ = writeln!(out, "<p>Not all is shown: there are more than {LISTING_ENTRIES_MAX} names.</p>");
    }
    out.extend_from_slice(b"</body></html>\n");
    out
}

fn write_row(entry: &Entry, out: &mut Vec<u8>) {
    let slash: &[u8] = if entry.metadata.kind == Kind::Directory { b"/" } else { b"" };
    // With `./` before it no name can be taken for a scheme.
    out.extend_from_slice(b"<tr><td><a href=\"./");
    name::encode(&entry.name, out);
    out.extend_from_slice(slash);
    // A name that runs from right to left must not turn the row around.
    out.extend_from_slice(b"\"><bdi>");
    write_text(&entry.name, out);
    out.extend_from_slice(b"</bdi>");
    out.extend_from_slice(slash);
    out.extend_from_slice(b"</a></td><td class=\"n\">");
    if entry.metadata.kind == Kind::File {
        let _ = write!(out, "<span title=\"{} bytes\">", entry.metadata.length);
        write_size(entry.metadata.length, out);
        out.extend_from_slice(b"</span>");
    }
    out.extend_from_slice(b"</td><td class=\"n\">");
    if let Some(time) = modified(&entry.metadata) {
        let mut text = Vec::new();
        write_rfc3339(&mut text, time);
        // `2026-11-21T12:34:56.789Z` to the minute.
        if let (Some(day), Some(minute)) = (text.get(..10), text.get(11..16)) {
            out.extend_from_slice(day);
            out.push(b' ');
            out.extend_from_slice(minute);
        }
    }
    out.extend_from_slice(b"</td></tr>\n");
}

fn json(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + entries.len() * 112);
    out.push(b'[');
    for (index, entry) in entries.iter().enumerate() {
        out.extend_from_slice(if index > 0 { b",\n" } else { b"\n" });
        out.extend_from_slice(b"{\"name\":");
        write_json_text(&entry.name, &mut out);
        let _ = match entry.metadata.kind {
            Kind::Directory => write!(out, ",\"type\":\"directory\",\"size\":null,\"modified\":"),
            Kind::File => write!(out, ",\"type\":\"file\",\"size\":{},\"modified\":", entry.metadata.length),
        };
        match modified(&entry.metadata) {
            Some(time) => {
                out.push(b'"');
                write_rfc3339(&mut out, time);
                out.push(b'"');
            }
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"\n]\n");
    out
}

/// Nothing for a time before 1970.
fn modified(metadata: &Metadata) -> Option<WallTime> {
    let secs = u64::try_from(metadata.modified_seconds).ok()?;
    Some(WallTime { secs, nanos: metadata.modified_nanos })
}

/// `999 B`, `1.5 KiB`, `12 MiB`.
fn write_size(bytes: u64, out: &mut Vec<u8>) {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        let _ = write!(out, "{bytes} B");
        return;
    }
    let unit = ((bytes.ilog2() / 10) as usize).min(UNITS.len());
    let tenths = u128::from(bytes) * 10 / (1_u128 << (10 * unit));
    let _ = match tenths {
        100.. => write!(out, "{} {}", tenths / 10, UNITS[unit - 1]),
        _ => write!(out, "{}.{} {}", tenths / 10, tenths % 10, UNITS[unit - 1]),
    };
}

/// Writes a name as HTML shows it. Names are bytes: what is no UTF-8, and what is not visible, shows as `�`.
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    for character in String::from_utf8_lossy(text).chars() {
        match character {
            '&' => out.extend_from_slice(b"&amp;"),
            '<' => out.extend_from_slice(b"&lt;"),
            '>' => out.extend_from_slice(b"&gt;"),
            '"' => out.extend_from_slice(b"&quot;"),
            '\'' => out.extend_from_slice(b"&#39;"),
            other if other.is_control() => out.extend_from_slice("\u{fffd}".as_bytes()),
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Writes a name as a JSON text (RFC 8259 section 7).
fn write_json_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for character in String::from_utf8_lossy(text).chars() {
        match character {
            '"' | '\\' => out.extend_from_slice(&[b'\\', character as u8]),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &[u8], kind: Kind, length: u64) -> Entry {
        let modified_nanos = 500_000_000;
        let metadata =
            Metadata { kind, length, modified_seconds: 1_795_264_496, modified_nanos, inode: 1, device: 1 };
        Entry { name: name.to_vec(), metadata }
    }

    fn written(form: Form, truncated: bool) -> String {
        let entries = vec![
            entry(b"b.txt", Kind::File, 1536),
            entry(b".secret", Kind::File, 1),
            entry(b"<img src=x onerror=alert(1)>", Kind::File, 0),
            entry(b"javascript:alert(1)", Kind::File, 0),
            entry(b"\xff\"&'\n", Kind::File, 0),
            entry(b"A.txt", Kind::File, 20 << 20),
            entry(b"zoo", Kind::Directory, 4096),
        ];
        let page = write(Listing { entries, truncated }, false, b"/a%20b/%3Cc/", form);
        assert_eq!(page.truncated, truncated);
        String::from_utf8(page.body).unwrap()
    }

    #[test]
    fn pages_are_sorted_and_escaped() {
        let page = written(Form::Html, true);
        let order = ["./zoo/", "./%3Cimg", "./A.txt", "./b.txt", "./javascript%3Aalert", "./%FF%22%26%27%0A"];
        let places: Vec<usize> = order.iter().map(|link| page.find(link).expect(link)).collect();
        assert!(places.is_sorted(), "{page}");
        assert!(
            !page.contains("<img") && !page.contains("javascript:alert(1)\"") && !page.contains("secret"),
            "{page}"
        );
        for text in
            ["Index of /a b/&lt;c/", "1.5 KiB", "20 MiB", "2026-11-21 12:34", "more than 10000", "\u{fffd}"]
        {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(page.contains("<bdi>\u{fffd}&quot;&amp;&#39;\u{fffd}</bdi>"), "{page}");
    }

    #[test]
    fn json_is_json() {
        let said: propylon_config::Json = written(Form::Json, false).parse().unwrap();
        let names: Vec<&str> =
            said.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap()).collect();
        let odd = "\u{fffd}\"&'\n";
        assert_eq!(
            names,
            ["zoo", "<img src=x onerror=alert(1)>", "A.txt", "b.txt", "javascript:alert(1)", odd]
        );
        assert_eq!((said[0]["type"].as_str(), said[0]["size"].as_u64()), (Some("directory"), None));
        assert_eq!((said[3]["type"].as_str(), said[3]["size"].as_u64()), (Some("file"), Some(1536)));
        assert_eq!(said[3]["modified"], "2026-11-21T12:34:56.500Z");
    }

    #[test]
    fn sizes_are_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (10 * 1024 - 1, "9.9 KiB"),
            (10 * 1024, "10 KiB"),
            (1 << 20, "1.0 MiB"),
            (u64::MAX, "15 EiB"),
        ] {
            let mut out = Vec::new();
            write_size(bytes, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
