//! The padding of RSA signatures, and exponents.

use super::*;

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2) for 2048 bits, its parts free to choose.
fn encoded(start: [u8; 2], padding: u8, info: &[u8], after: &[u8]) -> Vec<u8> {
    let mut message = start.to_vec();
    message.resize(256 - 1 - info.len() - after.len(), padding);
    join(&[&message[..], &[0], info, after])
}

fn digest_info(algorithm: &[u8]) -> Vec<u8> {
    seq(&[algorithm.to_vec(), octets(&sha256(CONTENT))])
}

/// A module's signature with this RSA signature and this certificate as its signer.
fn rsa_signed(signer: &Cert, signature: Vec<u8>) -> Vec<u8> {
    let mut forge = ForgeDetached::module(CONTENT, signer);
    forge.signature_algorithm = seq(&[oid(RSA), null()]);
    forge.signature = signature;
    forge.build()
}

#[test]
fn agree_on_rsa_padding() {
    let bench = Bench::set_up();
    bench.openssl("genpkey -out rsa.key -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    bench.openssl("rsa -in rsa.key -pubout -outform DER -out rsa.pub");
    let signer = Cert {
        key_info: Some(bench.read("rsa.pub")),
        ..Cert::leaf(2, 1)
    };
    // What the key's owner makes of any 256 bytes; nobody else can.
    let case = |name, message: Vec<u8>, expected| {
        bench.write("message", &message);
        bench.openssl(
            "pkeyutl -decrypt -inkey rsa.key -pkeyopt rsa_padding_mode:none -in message -out raw",
        );
        Case::new(
            name,
            rsa_signed(&signer, bench.read("raw")),
            &signer,
            expected,
        )
    };
    let plain = seq(&[oid(SHA256), null()]);
    let info = digest_info(&plain);
    let start = [0, 1];
    let mut hole = encoded(start, 0xff, &info, &[]);
    hole[100] = 0xfe;
    // 8 bytes of padding, then the digest, then whatever makes it a cube: Bleichenbacher's of 2006.
    let short = join(&[&[0, 1][..], &[0xff; 8], &[0], &info, &[0x55; 256 - 11 - 51]]);
    let cases = [
        case("right", encoded(start, 0xff, &info, &[]), Accepted),
        case("bytes after a short padding", short, Refused),
        case(
            "a byte after the digest",
            encoded(start, 0xff, &info, &[0]),
            Refused,
        ),
        case("a hole in the padding", hole, Refused),
        case("padding of zeros", encoded(start, 0, &info, &[]), Refused),
        case(
            "padding for encryption",
            encoded([0, 2], 0xff, &info, &[]),
            Refused,
        ),
        case(
            "no DigestInfo",
            encoded(start, 0xff, &sha256(CONTENT), &[]),
            Refused,
        ),
        case(
            "no parameters in DigestInfo",
            encoded(start, 0xff, &digest_info(&seq(&[oid(SHA256)])), &[]),
            Refused,
        ),
        case(
            "bytes in DigestInfo's parameters",
            encoded(
                start,
                0xff,
                &digest_info(&seq(&[oid(SHA256), octets(&[0x55; 64])])),
                &[],
            ),
            Refused,
        ),
        case(
            "SHA-1 in DigestInfo",
            encoded(start, 0xff, &digest_info(&seq(&[oid(SHA1), null()])), &[]),
            Refused,
        ),
        case(
            "bytes after the digest, in DigestInfo",
            encoded(
                start,
                0xff,
                &seq(&[plain.clone(), octets(&sha256(CONTENT)), null()]),
                &[],
            ),
            Refused,
        ),
    ];
    compare(&cases);
}

/// With an exponent of 1 the signature is the padded digest itself: anybody can make it.
#[test]
fn an_exponent_of_1_is_refused() {
    let mut modulus = vec![0xff; 257];
    modulus[0] = 0;
    let key = seq(&[tlv(2, &modulus), int(1)]);
    let signer = Cert {
        key_info: Some(seq(&[seq(&[oid(RSA), null()]), bits(&key)])),
        ..Cert::leaf(2, 1)
    };
    let info = digest_info(&seq(&[oid(SHA256), null()]));
    let signature = rsa_signed(&signer, encoded([0, 1], 0xff, &info, &[]));
    let bench = Bench::set_up();
    // As it stands OpenSSL 3.0 takes it; what counts is that we don't.
    let theirs = bench.openssl_accepts(CONTENT, &signature, &signer.der());
    println!("accepted by openssl: {theirs}");
    assert_eq!(ours(CONTENT, &signature, &signer.der()), "unusable-key");
}
