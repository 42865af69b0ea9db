//! Whom we believe over TLS: the system's roots, the ones `SSL_CERT_FILE` and `SSL_CERT_DIR` add, and where an
//! image has none of all these the bundled ones of Mozilla.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::error::ForgeError;

/// Roots beside those of the system, for a forge with a certificate of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roots {
    /// `SSL_CERT_FILE`: PEM, any number of certificates.
    pub file: Option<PathBuf>,
    /// `SSL_CERT_DIR`: folders of such files.
    pub folders: Vec<PathBuf>,
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

/// The configuration of every TLS connection.
///
/// # Errors
/// [`ForgeError::Setup`] where a file or folder that was named holds no certificate.
pub(super) fn configuration(roots: &Roots) -> Result<ClientConfig, ForgeError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| ForgeError::Setup(err.to_string()))?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn store(roots: &Roots) -> Result<RootCertStore, ForgeError> {
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
        return Err(ForgeError::Setup(format!("`SSL_CERT_FILE` names `{file}`, which holds no certificate")));
    }
    let from_folders: usize = roots.folders.iter().map(|folder| add(&mut store, None, Some(folder))).sum();
    if from_folders == 0 && !roots.folders.is_empty() {
        return Err(ForgeError::Setup("`SSL_CERT_DIR` names no folder that holds a certificate".to_owned()));
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
    fn a_named_file_without_certificates_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "no certificate").unwrap();
        for roots in [
            Roots { file: Some(empty.clone()), folders: Vec::new() },
            Roots { file: Some(folder.path().join("absent.pem")), folders: Vec::new() },
            Roots { file: None, folders: vec![folder.path().join("absent")] },
        ] {
            let message = store(&roots).unwrap_err().to_string();
            assert!(message.contains("SSL_CERT_"), "{message}");
        }
    }
}
