//! From an address to a connection: names, proxies, TLS, all within one time.
//! An `http` address is asked of a proxy by its whole address, an `https` one through a tunnel.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

/// What a failed connection says.
type Reason = Box<dyn std::error::Error + Send + Sync>;

/// What is under way.
type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Reason>> + Send>>;

/// A server that answers nothing for so long is probed: its side may be gone without a word.
const PROBED_AFTER: Duration = Duration::from_secs(15);

/// Opens connections.
#[derive(Clone)]
pub(super) struct Dial {
    /// To a server, by TLS where the address says `https`.
    direct: HttpsConnector<HttpConnector<Names>>,
    /// To a proxy, which is spoken to in HTTP/1.1 alone.
    to_proxy: HttpsConnector<HttpConnector<Names>>,
    tls: Arc<ClientConfig>,
    proxies: Option<Arc<Matcher>>,
    within: Duration,
}

impl Dial {
    /// `within` bounds everything up to the end of the TLS handshake.
    pub(super) fn new(tls: ClientConfig, within: Duration, proxies: Option<Matcher>) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Names(GaiResolver::new()));
        // TLS is not its business: `direct` puts it on top.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(within));
        tcp.set_keepalive(Some(PROBED_AFTER));
        tcp.set_keepalive_interval(Some(PROBED_AFTER));
        tcp.set_keepalive_retries(Some(3));
        let mut tls_to_proxy = tls.clone();
        tls_to_proxy.alpn_protocols = vec![b"http/1.1".to_vec()];
        let tls = Arc::new(tls);
        Self {
            to_proxy: HttpsConnector::from((tcp.clone(), tls_to_proxy)),
            direct: HttpsConnector::from((tcp, Arc::clone(&tls))),
            tls,
            proxies: proxies.map(Arc::new),
            within,
        }
    }

    /// The password of the proxy that is asked for this address, where it is asked without a tunnel.
    pub(super) fn proxy_password(&self, address: &Uri) -> Option<HeaderValue> {
        if address.scheme_str() == Some("https") {
            return None;
        }
        self.proxy(address).and_then(|proxy| proxy.basic_auth().cloned())
    }

    fn proxy(&self, address: &Uri) -> Option<Intercept> {
        self.proxies.as_ref().and_then(|proxies| proxies.intercept(address))
    }

    async fn connect(mut self, address: Uri) -> Result<Stream, Reason> {
        let Some(proxy) = self.proxy(&address) else {
            return Ok(Stream::Direct {
                stream: Box::new(self.direct.call(address).await?),
                is_to_proxy: false,
            });
        };
        if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
            return Err(io::Error::other("the environment names a proxy that speaks no HTTP").into());
        }
        if address.scheme_str() != Some("https") {
            let stream = Box::new(self.to_proxy.call(proxy.uri().clone()).await?);
            return Ok(Stream::Direct { stream, is_to_proxy: true });
        }
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_proxy);
        if let Some(password) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(password.clone());
        }
        let stream = HttpsConnector::from((tunnel, self.tls)).call(address).await?;
        Ok(Stream::Tunnelled(Box::new(stream)))
    }
}

impl Service<Uri> for Dial {
    type Response = Stream;
    type Error = Reason;
    type Future = Pending<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, address: Uri) -> Pending<Stream> {
        let (within, connecting) = (self.within, self.clone().connect(address));
        Box::pin(async move {
            tokio::time::timeout(within, connecting).await.unwrap_or_else(|_| {
                Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into())
            })
        })
    }
}

/// Addresses of names, by the system; `localhost` is known.
#[derive(Clone)]
struct Names(GaiResolver);

impl Service<Name> for Names {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Reason;
    type Future = Pending<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        // An image without `/etc/hosts` would ask the DNS who `localhost` is (RFC 6761 section 6.3 forbids it).
        if name.as_str().eq_ignore_ascii_case("localhost") {
            let loopback = [(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()];
            return Box::pin(std::future::ready(Ok(Vec::from(loopback).into_iter())));
        }
        let asked = self.0.call(name);
        Box::pin(async move { Ok(asked.await?.collect::<Vec<_>>().into_iter()) })
    }
}

/// To a server or a proxy.
type Hop = MaybeHttpsStream<TokioIo<TcpStream>>;

/// An open connection.
pub(super) enum Stream {
    /// What is asked for stands in the request as a whole address where `is_to_proxy`.
    Direct {
        stream: Box<Hop>,
        is_to_proxy: bool,
    },
    Tunnelled(Box<MaybeHttpsStream<Hop>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match self {
            Self::Direct { stream, is_to_proxy } => stream.connected().proxy(*is_to_proxy),
            Self::Tunnelled(stream) => stream.connected(),
        }
    }
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct { stream, .. } => Pin::new(stream).poll_read(cx, buf),
            Self::Tunnelled(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Direct { stream, .. } => Pin::new(stream).poll_write(cx, buf),
            Self::Tunnelled(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct { stream, .. } => Pin::new(stream).poll_flush(cx),
            Self::Tunnelled(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct { stream, .. } => Pin::new(stream).poll_shutdown(cx),
            Self::Tunnelled(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Direct { stream, .. } => stream.is_write_vectored(),
            Self::Tunnelled(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Direct { stream, .. } => Pin::new(stream).poll_write_vectored(cx, pieces),
            Self::Tunnelled(stream) => Pin::new(stream).poll_write_vectored(cx, pieces),
        }
    }
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
