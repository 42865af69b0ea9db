//! Whom we believe over TLS: the system's roots, the ones `SSL_CERT_FILE` and `SSL_CERT_DIR` add, and where an
//! image has none of all these the bundled ones of Mozilla.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::error::ForgeError;
use crate::context::Variables;

/// Roots beside those of the system, for a forge with a certificate of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    /// `SSL_CERT_FILE`: PEM, any number of certificates.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`: folders of such files.
    pub folders: Vec<PathBuf>,
}

impl Roots {
    /// As the environment names them; folders are separated by colons.
    pub fn of(variables: &Variables) -> Self {
        let folders = variables.exact("SSL_CERT_DIR").unwrap_or_default().split(':');
        Self {
            file: variables.exact("SSL_CERT_FILE").map(PathBuf::from),
            folders: folders.filter(|folder| !folder.is_empty()).map(PathBuf::from).collect(),
        }
    }
}

/// Where the distributions keep their bundle; the first that holds any is taken.
const SYSTEM_FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
];

/// Where they keep the certificates one by one.
const SYSTEM_FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The configuration of every TLS connection. The system's roots are read at the first handshake: a forge in the
/// runner's own network is often reached by plain HTTP, and reading them takes longer than asking it something.
///
/// # Errors
/// [`ForgeError::Setup`] where a file or folder that was named holds no certificate.
pub(super) fn configuration(roots: &Roots) -> Result<ClientConfig, ForgeError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier { roots: roots.clone(), provider: Arc::clone(&provider), inner: OnceLock::new() };
    if *roots != Roots::default() {
        verifier.inner().map_err(ForgeError::Setup)?;
    }
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| ForgeError::Setup(err.to_string()))?
        // What rustls calls dangerous is that it believes what the verifier says: this one asks rustls's own.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The verifier of rustls over our roots, made when it is needed first.
#[derive(Debug)]
struct Verifier {
    roots: Roots,
    provider: Arc<CryptoProvider>,
    inner: OnceLock<Result<Arc<WebPkiServerVerifier>, String>>,
}

impl Verifier {
    fn inner(&self) -> Result<&WebPkiServerVerifier, String> {
        let made = self.inner.get_or_init(|| {
            let store = store(&self.roots)?;
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&self.provider))
                .build()
                .map_err(|error| error.to_string())
        });
        made.as_deref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let inner = self.inner().map_err(Error::General)?;
        inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// # Errors
/// A sentence where a file or folder that was named holds no certificate.
fn store(roots: &Roots) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    for file in SYSTEM_FILES {
        if add(&mut store, Some(Path::new(file)), None) > 0 {
            break;
        }
    }
    if store.is_empty() {
        for folder in SYSTEM_FOLDERS {
            add(&mut store, None, Some(Path::new(folder)));
        }
    }
    // What was named and cannot be used would otherwise show only as a handshake nobody understands.
    if let Some(file) = &roots.file
        && add(&mut store, Some(file), None) == 0
    {
        let file = file.display();
        return Err(format!("`SSL_CERT_FILE` names `{file}`, which holds no certificate"));
    }
    let from_folders: usize = roots.folders.iter().map(|folder| add(&mut store, None, Some(folder))).sum();
    if from_folders == 0 && !roots.folders.is_empty() {
        return Err("`SSL_CERT_DIR` names no folder that holds a certificate".to_owned());
    }
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Ok(store)
}

/// Adds what can be read there and says how many.
fn add(store: &mut RootCertStore, file: Option<&Path>, folder: Option<&Path>) -> usize {
    let loaded = rustls_native_certs::load_certs_from_paths(file, folder);
    store.add_parsable_certificates(loaded.certs).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_always_roots() {
        assert!(!store(&Roots::default()).unwrap().is_empty());
        assert!(configuration(&Roots::default()).is_ok());
    }

    #[test]
    fn the_environment_names_more() {
        let variables = Variables::new([("SSL_CERT_FILE", "/ca.pem"), ("SSL_CERT_DIR", "/a::/b")]);
        let expected = Roots { file: Some("/ca.pem".into()), folders: vec!["/a".into(), "/b".into()] };
        assert_eq!(Roots::of(&variables), expected);
        assert_eq!(Roots::of(&Variables::default()), Roots::default());
    }

    #[test]
    fn a_root_of_ones_own_is_believed_where_it_is_named_and_nowhere_else() {
        use crate::forge::loopback::{Answer, Loopback, answer_over_tls, tls_fixture};
        use crate::forge::{Backoff, Broken, Client, Request, Settings};

        let plain = Loopback::start(|_| Answer::new(200, ""));
        for roots in [Roots::default(), Roots { file: Some(tls_fixture("root.pem")), folders: Vec::new() }] {
            let named = roots.file.is_some();
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = format!("https://127.0.0.1:{}/", listener.local_addr().unwrap().port());
            let server = std::thread::spawn(move || answer_over_tls(listener.accept().unwrap().0));
            let backoff = Backoff { tries: 1, ..Backoff::default() };
            let client = Client::new(Settings { backoff, roots, ..plain.settings("") }).unwrap();
            let result =
                client.call(&Request::get(url.parse().unwrap()), |reply| crate::forge::body::read(reply, 10));
            match result {
                Ok(bytes) => assert!(named && bytes == b"hi"),
                Err(err) => {
                    let refused = matches!(err, ForgeError::Transport { broken: Broken::Connect, .. });
                    assert!(!named && refused && err.to_string().contains("certificate"), "{err}");
                }
            }
            server.join().unwrap();
        }
    }

    #[test]
    fn a_named_file_without_certificates_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "no certificate").unwrap();
        for roots in [
            Roots { file: Some(empty.clone()), folders: Vec::new() },
            Roots { file: Some(folder.path().join("absent.pem")), folders: Vec::new() },
            Roots { file: None, folders: vec![folder.path().join("absent")] },
        ] {
            let error = configuration(&roots).unwrap_err();
            assert!(matches!(&error, ForgeError::Setup(words) if words.contains("SSL_CERT_")), "{error}");
        }
    }
}
