//! Certificates that are on most machines, by their SHA-256.

use baton_sys::hex;

/// A certificate that is on most machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Of the whole certificate, in hexadecimal.
    sha256: &'static str,
    /// What its owner calls it.
    pub name: &'static str,
    /// What it is for, and what its expiry means.
    pub meaning: &'static str,
}

/// Microsoft's, which firmware is shipped with ("Windows Secure Boot Key Creation and Management Guidance"; the files are
/// in its repository secureboot_objects).
const ALL: [Known; 7] = [
    Known {
        sha256: "48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507",
        name: "Microsoft Corporation UEFI CA 2011",
        meaning: "it vouches for every shim made up to June 2026; these go on booting, since firmware judges no dates, \
                  but newer ones are signed by \"Microsoft UEFI CA 2023\" alone",
    },
    Known {
        sha256: "e8e95f0733a55e8bad7be0a1413ee23c51fcea64b3c8fa6a786935fddcc71961",
        name: "Microsoft Windows Production PCA 2011",
        meaning: "it vouches for Windows's boot loader up to October 2026; Linux doesn't need it",
    },
    Known {
        sha256: "a1117f516a32cefcba3f2d1ace10a87972fd6bbe8fe0d0b996e09e65d802a503",
        name: "Microsoft Corporation KEK CA 2011",
        meaning: "it vouches for updates of db and dbx made up to June 2026; for newer ones the firmware needs \"Microsoft \
                  Corporation KEK 2K CA 2023\"",
    },
    Known {
        sha256: "f6124e34125bee3fe6d79a574eaa7b91c0e7bd9d929c1a321178efd611dad901",
        name: "Microsoft UEFI CA 2023",
        meaning: "it vouches for the shims made since 2025",
    },
    Known {
        sha256: "e5be3e64c6e66a281457ecdece0d6d0787577aad2a3a0144262c10c14ba8d8f1",
        name: "Microsoft Option ROM UEFI CA 2023",
        meaning: "it vouches for the firmware of devices, and for no boot loader",
    },
    Known {
        sha256: "076f1fea90ac29155ebf77c17682f75f1fdd1be196da302dc8461e350a9ae330",
        name: "Windows UEFI CA 2023",
        meaning: "it vouches for Windows's boot loader; Linux doesn't need it",
    },
    Known {
        sha256: "3cd3f0309edae228767a976dd40d9f4affc4fbd5218f2e8cc3c9dd97e8ac6f9d",
        name: "Microsoft Corporation KEK 2K CA 2023",
        meaning: "it vouches for updates of db and dbx",
    },
];

/// The one that signed shims up to 2026, and the one that has done so since.
pub const SHIM_CAS: [&str; 2] = [
    "Microsoft Corporation UEFI CA 2011",
    "Microsoft UEFI CA 2023",
];

/// The one with this SHA-256.
#[must_use]
pub fn by_digest(sha256: &[u8]) -> Option<&'static Known> {
    let digest = hex::encode(sha256);
    ALL.iter().find(|known| known.sha256 == digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_digest_and_no_other() {
        for known in &ALL {
            let digest = hex::decode_digest(known.sha256).unwrap();
            assert_eq!(by_digest(&digest), Some(known));
        }
        assert_eq!(by_digest(&[0; 32]), None);
        for name in SHIM_CAS {
            assert!(ALL.iter().any(|known| known.name == name));
        }
    }
}
