//! TLS as a client: the authorities that the system trusts, and one of the operator's own.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::error::CliError;

/// Which authorities are trusted.
#[derive(Debug, Clone)]
pub struct Trust {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// The authorities of the system, and those in a file. Without TLS none are read.
    ///
    /// # Errors
    /// The file cannot be read, or has no certificate.
    pub fn load(uses_tls: bool, own: Option<&Path>) -> Result<Self, CliError> {
        let mut roots = RootCertStore::empty();
        if uses_tls {
            // What cannot be read of the system's list is missing then, and connections say so.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if let Some(file) = own {
            let pem = std::fs::read(file).map_err(|source| CliError::File {
                file: file.to_owned(),
                source,
            })?;
            let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
            let (added, _) = roots.add_parsable_certificates(certificates);
            if added == 0 {
                return Err(CliError::NoCertificate(file.to_owned()));
            }
        }
        Ok(Self {
            roots: Arc::new(roots),
            provider: Arc::new(crypto::ring::default_provider()),
        })
    }

    /// How connections are made that offer these protocols.
    ///
    /// # Errors
    /// The provider of cryptography does not fit, which cannot be changed from outside.
    pub fn config(&self, protocols: &[&str]) -> Result<ClientConfig, CliError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| CliError::System(error.to_string()))?;
        let mut config = builder
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        let protocols = protocols.iter().map(|name| name.as_bytes().to_vec());
        config.alpn_protocols = protocols.collect();
        Ok(config)
    }

    /// What verifies a certificate again; `None` if no authority is trusted.
    #[must_use]
    pub fn verifier(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let roots = Arc::clone(&self.roots);
        let provider = Arc::clone(&self.provider);
        let builder = WebPkiServerVerifier::builder_with_provider(roots, provider);
        builder.build().ok()
    }
}
