//! The hash algorithms that are accepted: SHA-256, SHA-384 and SHA-512.

use core::fmt;

/// A hash algorithm strong enough to be trusted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// SHA-256 (FIPS 180-4).
    Sha256,
    /// SHA-384 (FIPS 180-4).
    Sha384,
    /// SHA-512 (FIPS 180-4).
    Sha512,
}

/// The result of hashing: 32, 48 or 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    algorithm: HashAlgorithm,
    // SHA-512 fills all of it; the unused end is zero.
    bytes: [u8; 64],
}

impl HashAlgorithm {
    /// The length of its digests in bytes.
    #[must_use]
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Hashes `parts` one after the other.
    pub fn hash<'a>(self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut parts = parts.into_iter();
        self.hash_each(&mut || parts.next())
    }

    fn hash_each(self, next: &mut Next<'_, '_>) -> Digest {
        match self {
            Self::Sha256 => self.finish(&feed::<sha2::Sha256>(next)),
            Self::Sha384 => self.finish(&feed::<sha2::Sha384>(next)),
            Self::Sha512 => self.finish(&feed::<sha2::Sha512>(next)),
        }
    }

    fn finish(self, output: &[u8]) -> Digest {
        let mut bytes = [0; 64];
        for (to, from) in bytes.iter_mut().zip(output) {
            *to = *from;
        }
        Digest {
            algorithm: self,
            bytes,
        }
    }
}

/// Gives the next part. Of each hash algorithm there is one in the image, and not one for every kind
/// of iterator.
type Next<'n, 'a> = dyn FnMut() -> Option<&'a [u8]> + 'n;

fn feed<H: sha2::Digest>(next: &mut Next<'_, '_>) -> sha2::digest::Output<H> {
    let mut hasher = H::new();
    while let Some(part) = next() {
        hasher.update(part);
    }
    hasher.finalize()
}

/// SHA-256 of `parts` one after the other.
pub(crate) fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut parts = parts.into_iter();
    feed::<sha2::Sha256>(&mut || parts.next()).into()
}

impl Digest {
    /// The algorithm that made it.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// Its first 32 bytes: all of a SHA-256.
    pub(crate) fn to_sha256(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(self.bytes) {
            *to = from;
        }
        bytes
    }

    /// The digest's bytes, as many as the algorithm makes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
            .get(..self.algorithm.digest_len())
            .unwrap_or(&self.bytes)
    }
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}",
            self.algorithm,
            crate::display::Hex(self.as_bytes())
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn hashes_parts_as_if_they_were_one() {
        let whole = HashAlgorithm::Sha256.hash([&b"abc"[..]]);
        let parts = HashAlgorithm::Sha256.hash([&b"a"[..], b"", b"bc"]);
        assert_eq!(whole, parts);
        // The example of FIPS 180-4.
        assert_eq!(
            format!("{whole:?}"),
            "SHA-256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn digests_have_the_length_of_their_algorithm() {
        for algorithm in [
            HashAlgorithm::Sha256,
            HashAlgorithm::Sha384,
            HashAlgorithm::Sha512,
        ] {
            let digest = algorithm.hash([&b"abc"[..]]);
            assert_eq!(digest.as_bytes().len(), algorithm.digest_len());
            assert_ne!(digest.as_bytes().last(), Some(&0));
        }
    }
}
