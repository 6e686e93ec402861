//! A stand-in for the real binary, by which the kit tests how it starts, watches and judges a server.
//!
//! `stand_in run FILE` reads lines `listen ADDR`, `proxy ADDR`, `leaky` and `die`. It answers 400 to a head that holds
//! the word `evil` and passes anything else on, one request per connection. A leaky one passes on what came after the
//! evil head as well: the fault that `check_refused` is there to find.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

fn main() {
    let file = std::env::args().nth(2).expect("usage: stand_in run FILE");
    let config = std::fs::read_to_string(file).expect("the config can be read");
    let word = |name: &str| config.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    if word("die").is_some() {
        eprintln!("error: this config kills");
        std::process::exit(3);
    }
    let listener = TcpListener::bind(word("listen").expect("a listen line")).expect("the port is free");
    eprintln!("stand-in is up");
    if let Some(path) = std::env::var_os("NOTIFY_SOCKET") {
        let socket = UnixDatagram::unbound().expect("a socket");
        socket.send_to(b"STATUS=up\nREADY=1", path).expect("the starter listens");
    }
    while let Ok((client, _)) = listener.accept() {
        // A client that leaves ends its exchange only.
        let _ = exchange(client, word("proxy").expect("a proxy line"), word("leaky").is_some());
    }
}

fn exchange(mut client: TcpStream, origin: &str, leaky: bool) -> std::io::Result<()> {
    let mut block = [0; 4096];
    let got = client.read(&mut block)?;
    let text = String::from_utf8_lossy(&block[..got]).into_owned();
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    if !head.contains("evil") {
        return client.write_all(&forward(origin, head)?);
    }
    if leaky {
        forward(origin, rest.trim_end())?;
    }
    client.write_all(b"HTTP/1.1 400 Bad\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

fn forward(origin: &str, head: &str) -> std::io::Result<Vec<u8>> {
    let mut upstream = TcpStream::connect(origin)?;
    upstream.write_all(format!("{head}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reply = Vec::new();
    upstream.read_to_end(&mut reply)?;
    Ok(reply)
}
