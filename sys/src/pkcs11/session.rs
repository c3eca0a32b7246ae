//! A session with a token: objects found and read, and bytes signed.

use super::error::Pkcs11Error;
use super::ffi::{
    ALREADY_LOGGED_IN, CONTEXT_SPECIFIC, RawAttribute, RawMechanism, UNAVAILABLE, USER, Ulong,
};
use super::module::{Module, checked, missing};
use std::ptr;
use std::rc::Rc;

/// How many objects are found at most.
const MAX_OBJECTS: usize = 64;
/// The longest attribute that is read, and the longest signature.
const MAX_LEN: usize = 1 << 16;

/// A session. It is closed when it is dropped.
#[derive(Debug)]
pub struct Session {
    module: Rc<Module>,
    handle: Ulong,
}

/// An object in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object(Ulong);

/// What an object is (CKA_CLASS).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// CKO_CERTIFICATE
    Certificate = 1,
    /// CKO_PRIVATE_KEY
    PrivateKey = 3,
}

/// What is read of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// CKA_LABEL
    Label = 3,
    /// CKA_VALUE: of a certificate, its DER.
    Value = 0x11,
    /// CKA_KEY_TYPE
    KeyType = 0x100,
    /// CKA_ID: the same for a key and its certificate.
    Id = 0x102,
    /// CKA_ALWAYS_AUTHENTICATE
    AlwaysAuthenticate = 0x202,
}

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// CKM_RSA_PKCS, over a DigestInfo.
    RsaPkcs = 1,
    /// CKM_ECDSA, over a digest; the signature is its two numbers, one after the other.
    Ecdsa = 0x1041,
}

impl Session {
    pub(super) fn new(module: Rc<Module>, handle: Ulong) -> Session {
        Session { module, handle }
    }

    /// Logs in, with a PIN or at the token's own keypad.
    ///
    /// # Errors
    /// What the module answers.
    pub fn login(&self, pin: Option<&[u8]>) -> Result<(), Pkcs11Error> {
        match self.login_as(USER, pin) {
            Err(Pkcs11Error::Call { code, .. }) if code == ALREADY_LOGGED_IN => Ok(()),
            result => result,
        }
    }

    fn login_as(&self, user: Ulong, pin: Option<&[u8]>) -> Result<(), Pkcs11Error> {
        const NAME: &str = "C_Login";
        let login = self.module.functions().login.ok_or(missing(NAME))?;
        let (pointer, length) = pin.map_or((ptr::null(), 0), |pin| (pin.as_ptr(), pin.len()));
        // SAFETY: the PIN's bytes are there, as many as is said; null is for the token's own keypad.
        checked(NAME, unsafe {
            login(self.handle, user, pointer, length as Ulong)
        })
    }

    /// The objects of a class that have these values.
    ///
    /// # Errors
    /// What the module answers.
    pub fn find(
        &self,
        class: Class,
        wanted: &[(Attribute, &[u8])],
    ) -> Result<Vec<Object>, Pkcs11Error> {
        const NAMES: [&str; 2] = ["C_FindObjectsInit", "C_FindObjects"];
        let functions = self.module.functions();
        let init = functions.find_objects_init.ok_or(missing(NAMES[0]))?;
        let next = functions.find_objects.ok_or(missing(NAMES[1]))?;
        let mut class = class as Ulong;
        let mut template = vec![RawAttribute {
            kind: 0, // CKA_CLASS
            value: ptr::from_mut(&mut class).cast(),
            length: size_of::<Ulong>() as Ulong,
        }];
        template.extend(wanted.iter().map(|(kind, value)| RawAttribute {
            kind: *kind as Ulong,
            value: value.as_ptr().cast_mut().cast(),
            length: value.len() as Ulong,
        }));
        // SAFETY: each element of the template has a pointer to as many bytes as it says, which a search only reads.
        checked(NAMES[0], unsafe {
            init(self.handle, template.as_mut_ptr(), template.len() as Ulong)
        })?;
        let mut handles: [Ulong; MAX_OBJECTS] = [0; MAX_OBJECTS];
        let mut count: Ulong = 0;
        // SAFETY: there is room for as many handles as is said.
        let code = unsafe {
            next(
                self.handle,
                handles.as_mut_ptr(),
                MAX_OBJECTS as Ulong,
                &mut count,
            )
        };
        if let Some(end) = functions.find_objects_final {
            // SAFETY: the search that was begun above is ended.
            unsafe { end(self.handle) };
        }
        checked(NAMES[1], code)?;
        let count = usize::try_from(count).unwrap_or(0);
        Ok(handles.iter().take(count).copied().map(Object).collect())
    }

    /// An attribute of an object; `None` where it has none, or doesn't show it.
    ///
    /// # Errors
    /// What the module answers.
    pub fn attribute(
        &self,
        object: Object,
        attribute: Attribute,
    ) -> Result<Option<Vec<u8>>, Pkcs11Error> {
        const NAME: &str = "C_GetAttributeValue";
        let get = self.module.functions().get_attribute_value;
        let get = get.ok_or(missing(NAME))?;
        let mut raw = RawAttribute {
            kind: attribute as Ulong,
            value: ptr::null_mut(),
            length: 0,
        };
        // SAFETY: without a pointer to a value only its length is written.
        let code = unsafe { get(self.handle, object.0, &mut raw, 1) };
        // CKR_ATTRIBUTE_SENSITIVE and CKR_ATTRIBUTE_TYPE_INVALID.
        if matches!(code, 0x11 | 0x12) || raw.length == UNAVAILABLE {
            return Ok(None);
        }
        checked(NAME, code)?;
        let length = usize::try_from(raw.length).unwrap_or(MAX_LEN).min(MAX_LEN);
        let mut value = vec![0_u8; length];
        raw.value = value.as_mut_ptr().cast();
        raw.length = length as Ulong;
        // SAFETY: the value has room for as many bytes as is said.
        checked(NAME, unsafe { get(self.handle, object.0, &mut raw, 1) })?;
        value.truncate(usize::try_from(raw.length).unwrap_or(0));
        Ok(Some(value))
    }

    /// Signs. `pin` is for keys that want it each time (CKA_ALWAYS_AUTHENTICATE).
    ///
    /// # Errors
    /// What the module answers.
    pub fn sign(
        &self,
        key: Object,
        mechanism: Mechanism,
        data: &[u8],
        pin: Option<&[u8]>,
    ) -> Result<Vec<u8>, Pkcs11Error> {
        const NAMES: [&str; 2] = ["C_SignInit", "C_Sign"];
        let functions = self.module.functions();
        let init = functions.sign_init.ok_or(missing(NAMES[0]))?;
        let sign = functions.sign.ok_or(missing(NAMES[1]))?;
        let each_time = self.attribute(key, Attribute::AlwaysAuthenticate)?;
        let mut raw = RawMechanism {
            mechanism: mechanism as Ulong,
            parameter: ptr::null_mut(),
            length: 0,
        };
        // SAFETY: the mechanism has no parameter, and is only read.
        checked(NAMES[0], unsafe { init(self.handle, &mut raw, key.0) })?;
        if each_time.is_some_and(|value| value == [1]) {
            self.login_as(CONTEXT_SPECIFIC, pin)?;
        }
        let mut signature = vec![0_u8; MAX_LEN];
        let mut length = MAX_LEN as Ulong;
        // SAFETY: the data is as long as is said, and the signature has as much room as is said.
        let code = unsafe {
            sign(
                self.handle,
                data.as_ptr(),
                data.len() as Ulong,
                signature.as_mut_ptr(),
                &mut length,
            )
        };
        checked(NAMES[1], code)?;
        signature.truncate(usize::try_from(length).unwrap_or(0));
        Ok(signature)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(close) = self.module.functions().close_session {
            // SAFETY: the session was opened, and nothing uses it any more.
            unsafe { close(self.handle) };
        }
    }
}
