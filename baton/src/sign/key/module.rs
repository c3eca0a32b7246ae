//! PKCS#11 modules: the shared libraries through which tokens are reached, and the tokens in them.

use super::uri::Uri;
use crate::failure::token::TokenError;
use baton_sys::file::names_in;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::session::Session;
use cryptoki::slot::{Slot, TokenInfo};
use std::path::{Path, PathBuf};

/// p11-kit's module, through which all that are configured are reached.
const P11_KIT: &str = "p11-kit-proxy.so";
/// Where libraries are; Debian has them in a directory of the architecture's name below the first.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
const MULTIARCH: &str = "-linux-gnu";

/// A module, loaded and initialized.
#[derive(Debug)]
pub struct Module {
    path: PathBuf,
    library: Pkcs11,
}

/// A token that is there and was initialized.
#[derive(Debug)]
pub struct Token {
    slot: Slot,
    /// What it says of itself.
    pub info: TokenInfo,
}

/// The tokens in a module.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Those that answer.
    pub there: Vec<Token>,
    /// What is wrong with those that don't, with their slots.
    pub broken: Vec<String>,
}

impl Module {
    /// The module that a URI names, or p11-kit's.
    ///
    /// # Errors
    /// When it isn't there, is no module, or doesn't start.
    pub fn load(uri: &Uri) -> Result<Module, TokenError> {
        let path = path(uri)?;
        let library = match Pkcs11::new(&path) {
            Ok(library) => library,
            Err(Error::LibraryLoading(error)) => {
                let why = error.to_string();
                return Err(TokenError::Load { path, why });
            }
            Err(Error::MissingSymbol(symbol)) => return Err(TokenError::NoModule { path, symbol }),
            Err(other) => return Err(other.into()),
        };
        let module = Module { path, library };
        // Baton has a thread that waits for signals.
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        match module.library.initialize(arguments) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(module),
            Err(other) => Err(other.into()),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tokens that are there. One that doesn't answer keeps none of the others from being used.
    ///
    /// # Errors
    /// When the module can't list them.
    pub fn tokens(&self) -> Result<Tokens, TokenError> {
        let mut tokens = Tokens::default();
        for slot in self.library.get_slots_with_token()? {
            match self.library.get_token_info(slot) {
                Ok(info) if info.token_initialized() => tokens.there.push(Token { slot, info }),
                Ok(_) => {}
                Err(error) => {
                    let why = TokenError::from(error);
                    tokens.broken.push(format!("slot {slot}: {why}"));
                }
            }
        }
        Ok(tokens)
    }

    /// Opens a session with a token.
    ///
    /// # Errors
    /// What the module answers.
    pub fn open(&self, token: &Token) -> Result<Session, TokenError> {
        Ok(self.library.open_ro_session(token.slot)?)
    }
}

/// Modules may have started threads: they are told that it is over, and stay loaded.
impl Drop for Module {
    fn drop(&mut self) {
        std::mem::forget(self.library.clone());
        // Nobody could do anything about an error.
        let _ = self.library.clone().finalize();
    }
}

impl Token {
    /// Whether a URI names it.
    #[must_use]
    pub fn fits(&self, uri: &Uri) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
        same(&uri.token, self.info.label())
            && same(&uri.manufacturer, self.info.manufacturer_id())
            && same(&uri.model, self.info.model())
            && same(&uri.serial, self.info.serial_number())
            && uri.slot.is_none_or(|slot| slot == self.slot.id())
    }
}

fn path(uri: &Uri) -> Result<PathBuf, TokenError> {
    match &uri.module {
        None => installed(&[P11_KIT.to_owned()]).ok_or(TokenError::NoModuleNamed),
        Some(path) if path.is_absolute() => Ok(path.clone()),
        Some(name) => {
            let name = name.display().to_string();
            let files = [format!("{name}.so"), format!("lib{name}.so")];
            installed(&files).ok_or(TokenError::NoModuleOfName { name })
        }
    }
}

/// A library of one of these names, where modules are and where other libraries are.
fn installed(names: &[String]) -> Option<PathBuf> {
    let multiarch = names_in(Path::new(LIBRARIES[0])).into_iter();
    let multiarch = multiarch.filter(|name| name.ends_with(MULTIARCH));
    let multiarch = multiarch.map(|name| Path::new(LIBRARIES[0]).join(name));
    let directories = multiarch.chain(LIBRARIES.map(PathBuf::from));
    let mut paths = directories.flat_map(|directory| {
        let places = [directory.join("pkcs11"), directory];
        places
            .into_iter()
            .flat_map(|place| names.iter().map(move |name| place.join(name)))
    });
    paths.find(|path| path.exists())
}
