//! Signatures and certificates as the kernel and shim read them, for forecasts: what is read lies inside of what was
//! given, and what it says can be followed.
#![no_main]

use baton_cli::pkcs7::crypto::Knows;
use baton_cli::pkcs7::message::Message;
use baton_cli::pkcs7::x509::X509;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let inside = |part: &[u8]| part.is_empty() || bytes.as_ptr_range().contains(&part.as_ptr());
    let certificate = |it: &X509<'_>| {
        for part in [it.raw, it.serial, it.issuer, it.subject] {
            assert!(inside(part) && part.len() <= bytes.len());
        }
        let _ = it.names(it);
    };
    let knows: [Knows<'_>; 2] = [&|_| true, &|name| name != "sha1" && !name.contains("ecdsa")];
    for knows in knows {
        if let Ok(whole) = X509::whole(bytes, knows) {
            certificate(&whole);
        }
        X509::each(bytes, knows).for_each(|it| certificate(&it));
        let Ok(message) = Message::parse(bytes, knows) else {
            continue;
        };
        message.certificates.iter().for_each(certificate);
        assert!(!message.signers.is_empty());
        for signer in &message.signers {
            let of_signer = message.certificate_of(signer);
            let Ok(signature) = message.signed(signer, knows) else {
                continue;
            };
            assert_eq!(signature.digest.len(), signer.hash.digest_len());
            if let Some(at) = of_signer {
                let _ = message.certificates[at].key.check(&signature, knows);
            }
        }
        if let Ok((_, digest)) = message.image_digest() {
            assert!(inside(digest));
        }
    }
});
