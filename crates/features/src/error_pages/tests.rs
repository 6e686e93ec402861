//! Which replies get a page, and what is left of them.

use propylon_http::Known;
use propylon_pipeline::{Body, Fault, Reply};

use crate::tests::{Lab, lines, up};

fn body(reply: &Reply) -> String {
    match &reply.body {
        Body::Empty => String::new(),
        Body::Memory(bytes, used) => String::from_utf8_lossy(&bytes[*used..]).into_owned(),
        _ => panic!("no other body is made here"),
    }
}

/// What becomes of a reply: status, media type and body.
#[track_caller]
fn check(config: &str, mut reply: Reply, expected: (u16, &str, &str)) {
    Lab::run(async |lab| {
        let steps = lab.steps(config);
        let mut x = lab.get("/a?<script>", &[]);
        up(&steps, &mut x, &mut reply);
        let media_type = reply.fields.value(Known::ContentType).unwrap_or_default();
        let media_type = String::from_utf8_lossy(media_type).into_owned();
        assert_eq!((reply.status, media_type.as_str(), body(&reply).as_str()), expected, "{config}");
    });
}

fn own(fault: Fault) -> Reply {
    fault.into_reply()
}

#[test]
fn faults_get_the_first_page_that_fits() {
    let pages = "error-pages {\npage 404 410 text \"gone: {path}\"\npage 400-499 text other\n}";
    check(pages, own(Fault::NotFound), (404, "text/plain; charset=utf-8", "gone: /a"));
    check(pages, own(Fault::Forbidden), (403, "text/plain; charset=utf-8", "other"));
    check(pages, own(Fault::Overloaded), (503, "text/plain; charset=utf-8", "503 Service Unavailable\n"));
    check(pages, Reply::text(200, "fine"), (200, "text/plain; charset=utf-8", "fine"));
}

#[test]
fn files_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("404.html");
    std::fs::write(&file, "<h1>gone</h1>").unwrap();
    let pages = format!("error-pages {{ page 404 file {} }}", file.display());
    check(&pages, own(Fault::NotFound), (404, "text/html; charset=utf-8", "<h1>gone</h1>"));
    let pages = format!("error-pages {{ page 404 file {} status 410 type text/x }}", file.display());
    check(&pages, own(Fault::NotFound), (410, "text/x", "<h1>gone</h1>"));
    std::fs::write(&file, vec![0; (1 << 20) + 1]).unwrap();
    Lab::run(async |lab| lab.check_said(&pages, &["cannot be read", "larger than 1 MiB"]));
}

#[test]
fn values_in_html_are_escaped() {
    let pages = "error-pages { page 404 text \"<p title='{uri}'>\" type text/html }";
    check(pages, own(Fault::NotFound), (404, "text/html", "<p title='/a?&lt;script&gt;'>"));
}

#[test]
fn errors_of_others_stay_unless_all_are_meant() {
    let page = "page 500-599 text ours";
    let theirs = || Reply::text(500, "theirs");
    check(&format!("error-pages {{ {page} }}"), theirs(), (500, "text/plain; charset=utf-8", "theirs"));
    check(&format!("error-pages {{\n{page}\nall\n}}"), theirs(), (500, "text/plain; charset=utf-8", "ours"));
}

#[test]
fn a_client_can_be_sent_elsewhere() {
    Lab::run(async |lab| {
        let steps = lab.steps("error-pages { page 404 redirect /sorry?from={path} }");
        let mut x = lab.get("/a", &[]);
        let mut reply = own(Fault::NotFound);
        up(&steps, &mut x, &mut reply);
        assert_eq!((reply.status, lines(&reply.fields)), (302, vec!["Location: /sorry?from=/a".to_owned()]));
    });
}

#[test]
fn fields_that_help_the_client_stay() {
    Lab::run(async |lab| {
        let steps = lab.steps("error-pages {\npage 400-599 text x\nall\n}");
        let mut x = lab.get("/a", &[]);
        let mut reply = Reply::text(503, "theirs");
        for (name, value) in [
            ("Retry-After", "5"),
            ("ETag", "\"a\""),
            ("Content-Encoding", "gzip"),
            ("WWW-Authenticate", "Basic"),
            ("Allow", "GET"),
            ("Set-Cookie", "a=b"),
        ] {
            reply.fields.append(name.as_bytes(), value.as_bytes()).unwrap();
        }
        reply.announced_bytes = Some(7);
        up(&steps, &mut x, &mut reply);
        let kept = ["Retry-After: 5", "WWW-Authenticate: Basic", "Allow: GET", "Set-Cookie: a=b"];
        assert_eq!(lines(&reply.fields)[..4], kept);
        assert_eq!(reply.announced_bytes, None);
    });
}

#[test]
fn mistakes_are_told() {
    Lab::run(async |lab| {
        for (page, said) in [
            ("page 404", "has one of `file`, `text` and `redirect`"),
            ("page 404 text a redirect /b", "has one of"),
            ("page 200 text a", "400 to 599"),
            ("page 5xx text a", "write `500-599`"),
            ("page 404 file nothing.html", "cannot be read"),
            ("page 404 redirect /b status 200", "out of bounds"),
            ("page 404 redirect /b status 404", "300 to 399"),
            ("page 404 text a status 302", "400 to 599"),
            ("page 404 text {nothing}", "no placeholder"),
        ] {
            lab.check_said(&format!("error-pages {{\n{page}\n}}"), &[said]);
        }
        lab.check_said("error-pages", &["lacks `page`"]);
    });
}
