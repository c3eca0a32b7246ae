//! Object identifiers, compared by their encoded contents (X.690, 8.19).

macro_rules! oids {
    ($($name:ident = $dotted:literal, $encoded:literal;)*) => {
        $(#[doc = $dotted] pub const $name: &[u8] = $encoded;)*

        #[cfg(test)]
        const ALL: &[(&str, &[u8])] = &[$(($dotted, $encoded)),*];
    };
}

oids! {
    // RFC 5652 (CMS).
    DATA = "1.2.840.113549.1.7.1", b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";
    SIGNED_DATA = "1.2.840.113549.1.7.2", b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    CONTENT_TYPE = "1.2.840.113549.1.9.3", b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4", b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
    // Windows Authenticode Portable Executable Signature Format.
    SPC_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4", b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04";
    SPC_PE_IMAGE_DATA = "1.3.6.1.4.1.311.2.1.15", b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0f";
    SPC_INDIVIDUAL_KEY_PURPOSE = "1.3.6.1.4.1.311.2.1.21", b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x15";
    // NIST CSOR.
    SHA256 = "2.16.840.1.101.3.4.2.1", b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    SHA384 = "2.16.840.1.101.3.4.2.2", b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
    SHA512 = "2.16.840.1.101.3.4.2.3", b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
    // RFC 8017 (PKCS#1).
    RSA = "1.2.840.113549.1.1.1", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    RSA_PSS = "1.2.840.113549.1.1.10", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
    RSA_SHA256 = "1.2.840.113549.1.1.11", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    RSA_SHA384 = "1.2.840.113549.1.1.12", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c";
    RSA_SHA512 = "1.2.840.113549.1.1.13", b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d";
    // RFC 5480 and RFC 5758 (elliptic curves).
    EC_PUBLIC_KEY = "1.2.840.10045.2.1", b"\x2a\x86\x48\xce\x3d\x02\x01";
    P256 = "1.2.840.10045.3.1.7", b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
    P384 = "1.3.132.0.34", b"\x2b\x81\x04\x00\x22";
    ECDSA_SHA256 = "1.2.840.10045.4.3.2", b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
    ECDSA_SHA384 = "1.2.840.10045.4.3.3", b"\x2a\x86\x48\xce\x3d\x04\x03\x03";
    ECDSA_SHA512 = "1.2.840.10045.4.3.4", b"\x2a\x86\x48\xce\x3d\x04\x03\x04";
    // RFC 5280 (certificates).
    COMMON_NAME = "2.5.4.3", b"\x55\x04\x03";
    ORGANIZATION = "2.5.4.10", b"\x55\x04\x0a";
    ORGANIZATIONAL_UNIT = "2.5.4.11", b"\x55\x04\x0b";
    SUBJECT_KEY_ID = "2.5.29.14", b"\x55\x1d\x0e";
    KEY_USAGE = "2.5.29.15", b"\x55\x1d\x0f";
    BASIC_CONSTRAINTS = "2.5.29.19", b"\x55\x1d\x13";
    AUTHORITY_KEY_ID = "2.5.29.35", b"\x55\x1d\x23";
    EXTENDED_KEY_USAGE = "2.5.29.37", b"\x55\x1d\x25";
    // Red Hat's arc: the key signs kernel modules (OID_EKU_MODSIGN in shim's shim.c).
    EKU_MODULE_SIGNING = "1.3.6.1.4.1.2312.16.1.2", b"\x2b\x06\x01\x04\x01\x92\x08\x10\x01\x02";
}

#[cfg(test)]
mod tests {
    use der::asn1::ObjectIdentifier;

    #[test]
    fn are_encoded_as_another_implementation_encodes_them() {
        for (dotted, encoded) in super::ALL {
            let other = ObjectIdentifier::new_unwrap(dotted);
            assert_eq!(other.as_bytes(), *encoded, "{dotted}");
        }
    }
}
