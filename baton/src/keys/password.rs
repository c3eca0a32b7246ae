//! The password by which a request is confirmed in MokManager. It is good for one request, and once only.

use super::args::PasswordArgs;
use crate::failure::Result;
use crate::failure::keys::KeysError;
use crate::sign::key::passphrase;
use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use std::io::{self, IsTerminal};
use std::path::Path;
use zeroize::Zeroizing;

/// How a request is confirmed.
pub enum Confirmation {
    /// mokutil asks for a password on the terminal.
    Asked,
    /// With this password.
    Password(Zeroizing<String>),
    /// With this password, which nobody has seen yet.
    Shown(Zeroizing<String>),
    /// With root's password.
    Root,
}

/// Letters that lie at the same place on most keyboards (QWERTY, QWERTZ, AZERTY) and look like nothing else:
/// MokManager has the firmware's idea of the keyboard.
const LETTERS: &[u8; 16] = b"bcdefghjknprstuv";
/// 16 letters make 4 bits each: 48 bits, which nobody guesses at a console.
const LENGTH: usize = 12;
/// PASSWORD_MAX of mokutil and MokManager.
const LONGEST: usize = 256;

/// How a request is to be confirmed.
///
/// # Errors
/// When the password can't be read, or there is nobody to ask for one.
pub fn confirmation(args: &PasswordArgs) -> Result<Confirmation> {
    if let Some(path) = &args.password_file {
        return Ok(Confirmation::Password(from_file(path)?));
    }
    if args.random_password {
        return Ok(Confirmation::Shown(random()?));
    }
    if args.root_password {
        return Ok(Confirmation::Root);
    }
    if io::stdin().is_terminal() {
        Ok(Confirmation::Asked)
    } else {
        Err(KeysError::NoPassword.into())
    }
}

fn from_file(path: &Path) -> Result<Zeroizing<String>> {
    let line = passphrase::from_file(path)?;
    let text = std::str::from_utf8(&line).unwrap_or_default();
    let is_one =
        (1..=LONGEST).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if is_one {
        Ok(Zeroizing::new(text.to_owned()))
    } else {
        Err(KeysError::Password {
            path: path.to_owned(),
        }
        .into())
    }
}

fn random() -> std::result::Result<Zeroizing<String>, KeysError> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    SysRng
        .try_fill_bytes(&mut bytes[..])
        .map_err(KeysError::Random)?;
    let letter = |byte: &u8| char::from(LETTERS[usize::from(byte & 0xf)]);
    Ok(Zeroizing::new(bytes.iter().map(letter).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_password_that_is_made_up_can_be_typed_on_any_keyboard() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), LENGTH);
        assert!(one.bytes().all(|it| LETTERS.contains(&it)));
        assert_ne!(*one, *other);
    }

    #[test]
    fn the_first_line_of_a_file_is_the_password() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password");
        std::fs::write(&path, "").unwrap();
        let others_may_read = |may: bool| {
            let mode = if may { 0o604 } else { 0o600 };
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        };
        others_may_read(false);
        for (text, expected) in [
            ("secret\nmore\n", Some("secret")),
            ("a b\r\n", Some("a b")),
            ("x", Some("x")),
            ("", None),
            ("\nsecond", None),
            ("a\tb\n", None),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = from_file(&path).ok();
            assert_eq!(read.as_ref().map(|it| it.as_str()), expected, "{text:?}");
        }
        std::fs::write(&path, "x".repeat(257)).unwrap();
        assert!(from_file(&path).is_err());
        std::fs::write(&path, "secret\n").unwrap();
        others_may_read(true);
        let failure = from_file(&path).map(drop).unwrap_err();
        assert!(failure.to_string().contains("chmod o="), "{failure}");
    }
}
