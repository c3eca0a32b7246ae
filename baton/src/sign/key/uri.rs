//! PKCS#11 URIs (RFC 7512): which key, in which token, through which module, and where its PIN is.

use std::path::PathBuf;
use zeroize::Zeroizing;

/// What a URI says. What it doesn't say matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// The token's label.
    pub token: Option<String>,
    /// The token's manufacturer.
    pub manufacturer: Option<String>,
    /// The token's model.
    pub model: Option<String>,
    /// The token's serial number.
    pub serial: Option<String>,
    /// The slot.
    pub slot: Option<u64>,
    /// The object's label (CKA_LABEL).
    pub object: Option<Vec<u8>>,
    /// The object's CKA_ID.
    pub id: Option<Vec<u8>>,
    /// The module: a path, or a name.
    pub module: Option<PathBuf>,
    /// The PIN.
    pub pin: Option<Pin>,
}

/// Where a PIN is.
#[derive(Clone, PartialEq, Eq)]
pub enum Pin {
    /// In the URI.
    Value(Zeroizing<Vec<u8>>),
    /// In a file.
    File(PathBuf),
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin")
    }
}

/// What such URIs begin with.
pub const SCHEME: &str = "pkcs11:";

impl Uri {
    /// Reads one.
    ///
    /// # Errors
    /// Names the attribute, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Uri, String> {
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or("it doesn't begin with pkcs11:")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Uri::default();
        let parts = path.split(';').map(|part| (part, false));
        let parts = parts.chain(query.split('&').map(|part| (part, true)));
        for (part, in_query) in parts.filter(|(part, _)| !part.is_empty()) {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| format!("{part} has no value; write {part}=…"))?;
            let value = decoded(value).map_err(|why| format!("{name}: {why}"))?;
            uri.set(name, value, in_query)?;
        }
        Ok(uri)
    }

    fn set(&mut self, name: &str, value: Vec<u8>, in_query: bool) -> Result<(), String> {
        let text = || {
            let text = String::from_utf8(value.clone());
            text.map_err(|_| format!("{name}: not UTF-8"))
        };
        match (name, in_query) {
            ("token", false) => self.token = Some(text()?),
            ("manufacturer", false) => self.manufacturer = Some(text()?),
            ("model", false) => self.model = Some(text()?),
            ("serial", false) => self.serial = Some(text()?),
            ("object", false) => self.object = Some(value),
            ("id", false) => self.id = Some(value),
            ("slot-id", false) => {
                let slot = text()?.parse();
                self.slot = Some(slot.map_err(|_| "slot-id: not a number")?);
            }
            ("type", false) if matches!(&value[..], b"private" | b"cert") => {}
            ("type", false) => return Err("type: a private key signs; write type=private".into()),
            // What they say of the module or the slot, the module's path says better.
            ("library-manufacturer" | "library-description" | "library-version", false)
            | ("slot-manufacturer" | "slot-description", false) => {}
            ("module-path" | "module-name", true) => self.module = Some(text()?.into()),
            ("pin-value", true) => self.pin = Some(Pin::Value(Zeroizing::new(value))),
            ("pin-source", true) => {
                let source = text()?;
                if source.starts_with('|') {
                    return Err("pin-source: programs aren't run; name a file".into());
                }
                let path = source.strip_prefix("file:").unwrap_or(&source);
                self.pin = Some(Pin::File(path.trim_start_matches("//").into()));
            }
            _ => return Err(unknown(name, in_query)),
        }
        Ok(())
    }
}

fn unknown(name: &str, in_query: bool) -> String {
    let queries = ["module-path", "module-name", "pin-value", "pin-source"];
    match (queries.contains(&name), in_query) {
        (true, false) => format!("{name} comes after a question mark: …?{name}=…"),
        (false, true) => format!(
            "{name}: not known after the question mark, where {} are",
            queries.join(", ")
        ),
        _ => format!(
            "{name}: not known; token, manufacturer, model, serial, slot-id, object, id and type are"
        ),
    }
}

/// With %-escapes taken out.
fn decoded(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(byte.ok_or("a % is followed by two hexadecimal digits (%25 is a % itself)")?);
        rest = &after[2..];
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_finds_a_key_is_read() {
        let uri = Uri::parse(
            "pkcs11:token=Our%20HSM;manufacturer=M;model=m;serial=1;slot-id=7;object=MOK;id=%01%fe;type=private\
             ?module-path=/usr/lib/m.so&pin-source=file:///etc/pin",
        )
        .unwrap();
        assert_eq!(uri.token.as_deref(), Some("Our HSM"));
        assert_eq!(
            (uri.slot, uri.id.as_deref()),
            (Some(7), Some(&[1, 0xfe][..]))
        );
        assert_eq!(uri.object.as_deref(), Some(&b"MOK"[..]));
        assert_eq!(uri.module, Some("/usr/lib/m.so".into()));
        assert_eq!(uri.pin, Some(Pin::File("/etc/pin".into())));
        assert_eq!(Uri::parse("pkcs11:"), Ok(Uri::default()));
        let pin = Uri::parse("pkcs11:?pin-value=%30%31").unwrap().pin;
        assert_eq!(pin, Some(Pin::Value(Zeroizing::new(b"01".to_vec()))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("pkcs11:token", "token has no value"),
            ("pkcs11:token=%", "token: a %"),
            ("pkcs11:token=%zz", "token: a %"),
            ("pkcs11:label=x", "label: not known"),
            ("pkcs11:pin-value=1", "after a question mark"),
            ("pkcs11:?token=1", "not known after the question mark"),
            ("pkcs11:slot-id=x", "not a number"),
            ("pkcs11:type=public", "type=private"),
            ("pkcs11:?pin-source=|cat", "programs aren't run"),
            ("pkcs11:token=%ff", "not UTF-8"),
        ] {
            let why = Uri::parse(text).unwrap_err();
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
