use rustls::pki_types::CertificateDer;

/// A self-signed certificate and its key.
pub struct Certificate {
    /// The certificate in PEM.
    pub pem: String,
    /// Its private key in PEM (PKCS#8).
    pub key_pem: String,
    /// The certificate in DER, for [`HttpClient::trusting`](crate::HttpClient::trusting).
    pub der: CertificateDer<'static>,
}

impl Certificate {
    /// A certificate for `names`: DNS names and IP addresses.
    pub fn for_names(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let rcgen::CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).unwrap();
        Self { pem: cert.pem(), key_pem: signing_key.serialize_pem(), der: cert.der().clone() }
    }
}
