//! Keys and certificates as the field has them: read, or refused by name and with the way out.

mod common;

use common::{Folder, Said, baton, gate_stub, kernel_image, tool};
use std::ffi::OsStr;
use std::path::PathBuf;

/// A certificate with its key, made by openssl.
struct Made {
    key: PathBuf,
    cert: PathBuf,
}

impl Made {
    /// `more` are options of `openssl req`.
    fn new(folder: &Folder, name: &str, more: &[&str]) -> Made {
        let made = Made {
            key: folder.path(&format!("{name}.key")),
            cert: folder.path(&format!("{name}.pem")),
        };
        let subject = format!("/CN={name}");
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![
            &"req", &"-x509", &"-nodes", &"-subj", &subject, &"-keyout", &made.key, &"-out",
            &made.cert,
        ];
        if !more.contains(&"-newkey") {
            args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-newkey", &"rsa:2048"]);
        }
        for part in more {
            args.push(part);
        }
        let said = tool("openssl", &args);
        assert_eq!(said.code, 0, "{}", said.err);
        made
    }

    fn sign(&self, folder: &Folder) -> Said {
        let image = folder.write("image", kernel_image(0x3000));
        baton(&[&"sign", &"--key", &self.key, &"--cert", &self.cert, &image])
    }

    fn inspected(&self) -> serde_json::Value {
        baton(&[&"inspect", &"--json", &self.cert]).json()["certificates"][0].clone()
    }
}

/// The second as Ubuntu makes keys for DKMS.
const FOR_MODULES: [&str; 2] = [
    "extendedKeyUsage=1.3.6.1.4.1.2312.16.1.2",
    "extendedKeyUsage=codeSigning,1.3.6.1.4.1.311.10.3.6,1.3.6.1.4.1.2312.16.1.2",
];

#[test]
fn a_key_for_modules_signs_nothing_here() {
    let folder = Folder::new();
    for usage in FOR_MODULES {
        let made = Made::new(&folder, "DKMS", &["-addext", usage]);
        let said = made.sign(&folder);
        assert_eq!(said.code, 1, "{}", said.out);
        let words = "the key is for modules only";
        assert!(said.err.contains(words), "{}", said.err);
        let problem = made.inspected()["key_problem"].to_string();
        assert!(problem.contains(words), "{problem}");
    }
}

#[test]
fn a_gate_is_not_built_to_trust_a_key_for_modules() {
    let folder = Folder::new();
    let made = Made::new(&folder, "DKMS", &["-addext", FOR_MODULES[1]]);
    let stub = folder.write("stub", gate_stub(0x10_0000));
    let out = folder.path("gate.efi");
    let said = baton(&[
        &"gate", &"build", &"--stub", &stub, &"--cert", &made.cert, &"--out", &out,
    ]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.err.contains("for modules only"), "{}", said.err);
    assert!(!out.exists());
}
