//! A module, and the tokens in it.

use super::error::Pkcs11Error;
use super::ffi::{
    ALREADY_INITIALIZED, FunctionList, GetFunctionList, OK, SERIAL_SESSION, TokenInfo, Ulong,
};
use super::session::Session;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::rc::Rc;

/// CKF_LOGIN_REQUIRED, CKF_PROTECTED_AUTHENTICATION_PATH and CKF_TOKEN_INITIALIZED of a token's flags.
const LOGIN_REQUIRED: Ulong = 0x4;
const PROTECTED_PATH: Ulong = 0x100;
const INITIALIZED: Ulong = 0x400;

/// A module, loaded and initialized. It stays loaded: modules may have started threads.
#[derive(Debug)]
pub struct Module {
    functions: &'static FunctionList,
}

/// A token that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The slot that it is in.
    pub slot: u64,
    /// Its label.
    pub label: String,
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Whether private keys are there only for whoever logs in.
    pub needs_login: bool,
    /// Whether it has a keypad of its own, so that no PIN is given to it.
    pub has_keypad: bool,
}

impl Module {
    /// Loads the library at this path.
    ///
    /// # Errors
    /// When it isn't there, is no module, or doesn't start.
    pub fn load(path: &Path) -> Result<Module, Pkcs11Error> {
        let functions = functions(path)?;
        let no_module = |why| Pkcs11Error::NoModule {
            path: path.to_owned(),
            why,
        };
        // CK_VERSION: later versions of 2, and 3, begin with the same list.
        if !matches!(functions.version[0], 2 | 3) {
            return Err(no_module("it has another version than 2 or 3"));
        }
        let module = Module { functions };
        let initialize = functions
            .initialize
            .ok_or(no_module("it can't be initialized"))?;
        // SAFETY: the library's own function, with the arguments that C_Initialize takes of a program without threads
        // in it.
        match unsafe { initialize(ptr::null_mut()) } {
            OK | ALREADY_INITIALIZED => Ok(module),
            code => Err(Pkcs11Error::call("C_Initialize", code)),
        }
    }

    pub(super) fn functions(&self) -> &'static FunctionList {
        self.functions
    }

    /// The tokens that are there and were initialized.
    ///
    /// # Errors
    /// What the module answers.
    pub fn tokens(&self) -> Result<Vec<Token>, Pkcs11Error> {
        let mut tokens = Vec::new();
        for slot in self.slots()? {
            let info = self.token_info(slot)?;
            if info.flags & INITIALIZED != 0 {
                tokens.push(Token::of(slot, &info));
            }
        }
        Ok(tokens)
    }

    /// The slots with a token.
    fn slots(&self) -> Result<Vec<Ulong>, Pkcs11Error> {
        const NAME: &str = "C_GetSlotList";
        let get = self.functions.get_slot_list.ok_or(missing(NAME))?;
        let mut count: Ulong = 0;
        // SAFETY: the list's pointer may be null, and then only the count is written, to a number that is ours.
        checked(NAME, unsafe { get(1, ptr::null_mut(), &mut count) })?;
        let mut slots: Vec<Ulong> = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: the list has room for the `count` numbers that it is said to have.
        checked(NAME, unsafe { get(1, slots.as_mut_ptr(), &mut count) })?;
        slots.truncate(usize::try_from(count).unwrap_or(0));
        Ok(slots)
    }

    fn token_info(&self, slot: Ulong) -> Result<TokenInfo, Pkcs11Error> {
        const NAME: &str = "C_GetTokenInfo";
        let get = self.functions.get_token_info.ok_or(missing(NAME))?;
        let mut info = MaybeUninit::<TokenInfo>::zeroed();
        // SAFETY: the structure has CK_TOKEN_INFO's layout, and is ours.
        checked(NAME, unsafe { get(slot, info.as_mut_ptr()) })?;
        // SAFETY: it consists of integers, of which all bits zero are valid, and the module wrote others or none.
        Ok(unsafe { info.assume_init() })
    }

    /// Opens a session with the token in a slot.
    ///
    /// # Errors
    /// What the module answers.
    pub fn open(self: &Rc<Self>, slot: u64) -> Result<Session, Pkcs11Error> {
        const NAME: &str = "C_OpenSession";
        let open = self.functions.open_session.ok_or(missing(NAME))?;
        let mut handle: Ulong = 0;
        // SAFETY: neither a callback nor its argument is given, and the handle is ours to be written.
        let code = unsafe {
            open(
                slot,
                SERIAL_SESSION,
                ptr::null_mut(),
                ptr::null_mut(),
                &mut handle,
            )
        };
        checked(NAME, code)?;
        Ok(Session::new(Rc::clone(self), handle))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if let Some(finalize) = self.functions.finalize {
            // SAFETY: the argument is reserved and null; no session outlives the module (it holds it).
            unsafe { finalize(ptr::null_mut()) };
        }
    }
}

impl Token {
    fn of(slot: Ulong, info: &TokenInfo) -> Token {
        // Padded with spaces, and not ended by a zero.
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Token {
            slot,
            label: text(&info.label),
            manufacturer: text(&info.manufacturer),
            model: text(&info.model),
            serial: text(&info.serial),
            needs_login: info.flags & LOGIN_REQUIRED != 0,
            has_keypad: info.flags & PROTECTED_PATH != 0,
        }
    }
}

/// The functions of the library at a path.
fn functions(path: &Path) -> Result<&'static FunctionList, Pkcs11Error> {
    let failed = |why: String| Pkcs11Error::Load {
        path: path.to_owned(),
        why,
    };
    let no_module = |why| Pkcs11Error::NoModule {
        path: path.to_owned(),
        why,
    };
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|e| failed(e.to_string()))?;
    // SAFETY: the name is a C string. Loading runs the library's constructors, which whoever names the module wants.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() {
        return Err(failed(last_error()));
    }
    // SAFETY: the library is loaded, and stays so.
    let symbol = unsafe { libc::dlsym(library, c"C_GetFunctionList".as_ptr()) };
    if symbol.is_null() {
        return Err(no_module("it has no C_GetFunctionList"));
    }
    // SAFETY: a function of this name in a PKCS#11 module has this type.
    let get: GetFunctionList = unsafe { std::mem::transmute(symbol) };
    let mut list: *const FunctionList = ptr::null();
    // SAFETY: the pointer is ours to be written.
    checked("C_GetFunctionList", unsafe { get(&mut list) })?;
    // SAFETY: the list is static data of the library, which stays loaded, or null.
    unsafe { list.as_ref() }.ok_or(no_module("it has no list of functions"))
}

/// What dlopen(3) says.
fn last_error() -> String {
    // SAFETY: no other thread loads libraries; the text is there until the next call.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "for no reason that is told".into();
    }
    // SAFETY: dlerror(3) gives a C string.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

pub(super) fn checked(function: &'static str, code: Ulong) -> Result<(), Pkcs11Error> {
    match code {
        OK => Ok(()),
        code => Err(Pkcs11Error::call(function, code)),
    }
}

/// The error of a function that the module hasn't (CKR_FUNCTION_NOT_SUPPORTED).
pub(super) fn missing(function: &'static str) -> Pkcs11Error {
    Pkcs11Error::call(function, 0x54)
}
