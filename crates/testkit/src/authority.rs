use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate authority that issues certificates to clients and servers, and revokes them.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate of an [`Authority`] with its key.
pub struct Issued {
    /// The certificate in DER.
    pub der: CertificateDer<'static>,
    /// The certificate in PEM.
    pub pem: String,
    /// Its private key in PEM (PKCS#8).
    pub key_pem: String,
    serial: u64,
    key_der: Vec<u8>,
}

/// When a certificate, or a revocation list, may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// For decades around now.
    Now,
    /// It ended long ago.
    Past,
}

impl Authority {
    /// An authority of its own name and key.
    ///
    /// # Panics
    /// If there is no randomness.
    pub fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self { issuer: CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Its certificate in PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Its private key in PEM (PKCS#8), for tools that sign in its name.
    pub fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Its certificate in DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        self.issuer.der()
    }

    /// A client's certificate, with a SPIFFE id as its URI.
    ///
    /// # Panics
    /// If there is no randomness.
    pub fn client(&self, name: &str, serial: u64, lifetime: Lifetime) -> Issued {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        let id = format!("spiffe://example.test/{name}");
        parameters.subject_alt_names = vec![SanType::URI(id.as_str().try_into().unwrap())];
        self.issue(parameters, ExtendedKeyUsagePurpose::ClientAuth, serial, lifetime)
    }

    /// A server's certificate for DNS names and IP addresses.
    ///
    /// # Panics
    /// If there is no randomness, or a name is none.
    pub fn server(&self, names: &[&str], serial: u64) -> Issued {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let parameters = CertificateParams::new(names).unwrap();
        self.issue(parameters, ExtendedKeyUsagePurpose::ServerAuth, serial, Lifetime::Now)
    }

    fn issue(
        &self,
        mut parameters: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
        serial: u64,
        lifetime: Lifetime,
    ) -> Issued {
        let (begins, ends) = lifetime.years();
        parameters.not_before = date_time_ymd(begins, 1, 1);
        parameters.not_after = date_time_ymd(ends, 1, 1);
        parameters.serial_number = Some(SerialNumber::from(serial));
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![purpose];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        Issued {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            serial,
            key_der: key.serialize_der(),
        }
    }

    /// A revocation list in PEM that names these certificates.
    ///
    /// # Panics
    /// If the list cannot be signed.
    pub fn revocation_list(&self, revoked: &[&Issued], lifetime: Lifetime) -> String {
        let (begins, ends) = lifetime.years();
        let (this_update, next_update) = (date_time_ymd(begins, 1, 1), date_time_ymd(ends, 1, 1));
        let revoked_certs = revoked.iter().map(|issued| RevokedCertParams {
            serial_number: SerialNumber::from(issued.serial),
            revocation_time: this_update,
            reason_code: None,
            invalidity_date: None,
        });
        let parameters = CertificateRevocationListParams {
            this_update,
            next_update,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        parameters.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

impl Issued {
    /// Its private key, for rustls.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key_der.clone()).into()
    }

    /// Its serial number as it stands in DER.
    pub fn serial(&self) -> Vec<u8> {
        let mut shortest: Vec<u8> = self.serial.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        // A leading one would make it negative (X.690 §8.3).
        if shortest.first().is_none_or(|byte| byte & 0x80 != 0) {
            shortest.insert(0, 0);
        }
        shortest
    }
}

impl Lifetime {
    const fn years(self) -> (i32, i32) {
        match self {
            Self::Now => (2024, 2050),
            Self::Past => (2020, 2021),
        }
    }
}
