//! Connections through proxies.

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use http_body_util::Full;
use hyper_util::client::proxy::matcher::Builder;

use super::*;
use crate::forge::client::http::{Failed, Http};
use crate::forge::error::Broken;
use crate::forge::loopback::{Answer, Loopback, answer_over_tls, tls_fixture, tls_server};
use crate::forge::tls::{self, Roots};

fn get(address: &str, proxies: Builder) -> Result<String, Failed> {
    let roots = Roots { file: Some(tls_fixture("root.pem")), folders: Vec::new() };
    let limit = Duration::from_mins(1);
    let http = Http::new(tls::configuration(&roots).unwrap(), limit, Some(proxies.build())).unwrap();
    let mut response = http.send(hyper::Request::get(address).body(Full::default()).unwrap(), limit)?;
    let mut body = String::new();
    response.read_to_string(&mut body).unwrap();
    Ok(body)
}

/// Answers one `CONNECT` with this status, hands over its head, and goes on as the server behind it.
fn answer_connect(mut stream: impl io::Read + io::Write, status: &str) -> Vec<String> {
    let mut head = String::new();
    // Byte by byte: what follows the head belongs to the server behind.
    while !head.ends_with("\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0].into());
    }
    write!(stream, "HTTP/1.1 {status}\r\n\r\n").unwrap();
    stream.flush().unwrap();
    if status.starts_with("200") {
        answer_over_tls(stream);
    }
    head.lines().map(str::to_owned).collect()
}

/// A proxy for one connection.
fn tunnel(serve: impl FnOnce(TcpStream) -> Vec<String> + Send + 'static) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (port, std::thread::spawn(move || serve(listener.accept().unwrap().0)))
}

#[test]
fn an_http_address_is_asked_of_the_proxy_by_its_whole_and_with_its_password() {
    let proxy = Loopback::start(|_| Answer::new(200, "by proxy"));
    let with_password = proxy.url().replace("http://", "http://me:pass@");
    let matcher = Matcher::builder().http(with_password);
    assert_eq!(get("http://forge.invalid/x?y=1", matcher).ok().as_deref(), Some("by proxy"));
    let received = proxy.received();
    assert_eq!(received[0].target, "http://forge.invalid/x?y=1");
    assert_eq!(received[0].header("host"), Some("forge.invalid"));
    assert_eq!(received[0].header("proxy-authorization"), Some("Basic bWU6cGFzcw=="));
}

#[test]
fn an_https_address_is_asked_through_a_tunnel_that_alone_sees_the_password() {
    let (port, proxy) = tunnel(|stream| answer_connect(stream, "200 OK"));
    let matcher = Matcher::builder().https(format!("http://me:pass@127.0.0.1:{port}"));
    assert_eq!(get("https://localhost:1/x", matcher).ok().as_deref(), Some("hi"));
    let head = proxy.join().unwrap();
    assert_eq!(head[0], "CONNECT localhost:1 HTTP/1.1");
    assert!(
        head.iter().any(|line| line.eq_ignore_ascii_case("proxy-authorization: Basic bWU6cGFzcw==")),
        "{head:?}"
    );
}

#[test]
fn a_proxy_behind_tls_is_spoken_to_in_http_1_whatever_it_prefers() {
    let (port, proxy) = tunnel(|stream| answer_connect(tls_server(stream, &["h2", "http/1.1"]), "200 OK"));
    let matcher = Matcher::builder().https(format!("https://127.0.0.1:{port}"));
    assert_eq!(get("https://localhost:1/x", matcher).ok().as_deref(), Some("hi"));
    assert_eq!(proxy.join().unwrap()[0], "CONNECT localhost:1 HTTP/1.1");
}

#[test]
fn a_proxy_that_refuses_the_tunnel_is_no_connection() {
    let (port, proxy) = tunnel(|stream| answer_connect(stream, "407 Proxy Authentication Required"));
    let failed = get("https://localhost:1/x", Matcher::builder().https(format!("http://127.0.0.1:{port}")));
    assert_eq!(failed.err().map(|failed| failed.broken), Some(Broken::Connect));
    proxy.join().unwrap();
}

#[test]
fn a_proxy_of_another_kind_is_named_and_not_spoken_to_in_http() {
    for address in ["http://forge.invalid/", "https://forge.invalid/"] {
        let failed = get(address, Matcher::builder().all("socks5://127.0.0.1:1")).err().unwrap();
        assert_eq!(failed.broken, Broken::Connect);
        assert!(failed.reason.contains("proxy that speaks no HTTP"), "{}", failed.reason);
    }
}

#[test]
fn what_the_environment_leaves_out_is_asked_directly() {
    let server = Loopback::start(|_| Answer::new(200, "direct"));
    for left_out in ["127.0.0.1", "127.0.0.0/8"] {
        let proxies = Matcher::builder().all("http://127.0.0.1:1").no(left_out);
        assert_eq!(get(&server.url(), proxies).ok().as_deref(), Some("direct"), "{left_out}");
    }
}
