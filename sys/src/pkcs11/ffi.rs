//! The specification's structures and functions, as C lays them out on Unix (pkcs11.h: no packing there).

use std::ffi::c_void;

/// CK_ULONG.
pub(super) type Ulong = libc::c_ulong;

/// CKR_OK.
pub(super) const OK: Ulong = 0;
/// CKR_CRYPTOKI_ALREADY_INITIALIZED, and CKR_USER_ALREADY_LOGGED_IN.
pub(super) const ALREADY_INITIALIZED: Ulong = 0x191;
pub(super) const ALREADY_LOGGED_IN: Ulong = 0x100;
/// CKF_SERIAL_SESSION, which every session must have.
pub(super) const SERIAL_SESSION: Ulong = 4;
/// CKU_USER and CKU_CONTEXT_SPECIFIC.
pub(super) const USER: Ulong = 1;
pub(super) const CONTEXT_SPECIFIC: Ulong = 2;
/// CK_UNAVAILABLE_INFORMATION: the length of an attribute that isn't there.
pub(super) const UNAVAILABLE: Ulong = Ulong::MAX;

/// CK_ATTRIBUTE.
#[repr(C)]
#[derive(Debug)]
pub(super) struct RawAttribute {
    pub kind: Ulong,
    pub value: *mut c_void,
    pub length: Ulong,
}

/// CK_MECHANISM.
#[repr(C)]
#[derive(Debug)]
pub(super) struct RawMechanism {
    pub mechanism: Ulong,
    pub parameter: *mut c_void,
    pub length: Ulong,
}

/// CK_TOKEN_INFO.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenInfo {
    pub label: [u8; 32],
    pub manufacturer: [u8; 32],
    pub model: [u8; 16],
    pub serial: [u8; 16],
    pub flags: Ulong,
    pub counts: [Ulong; 10],
    pub versions: [u8; 4],
    pub time: [u8; 16],
}

/// CK_VOID_PTR of arguments that aren't given, and callbacks that aren't wanted.
pub(super) type Nothing = *mut c_void;

/// CK_FUNCTION_LIST, as far as functions of it are called. Those between have another type here: nobody calls them.
#[repr(C)]
#[derive(Debug)]
pub(super) struct FunctionList {
    /// CK_VERSION.
    pub version: [u8; 2],
    pub initialize: Option<unsafe extern "C" fn(Nothing) -> Ulong>,
    pub finalize: Option<unsafe extern "C" fn(Nothing) -> Ulong>,
    /// C_GetInfo, C_GetFunctionList.
    pub unused_1: [Nothing; 2],
    pub get_slot_list: Option<unsafe extern "C" fn(u8, *mut Ulong, *mut Ulong) -> Ulong>,
    /// C_GetSlotInfo.
    pub unused_2: Nothing,
    pub get_token_info: Option<unsafe extern "C" fn(Ulong, *mut TokenInfo) -> Ulong>,
    /// C_GetMechanismList, C_GetMechanismInfo, C_InitToken, C_InitPIN, C_SetPIN.
    pub unused_3: [Nothing; 5],
    pub open_session:
        Option<unsafe extern "C" fn(Ulong, Ulong, Nothing, Nothing, *mut Ulong) -> Ulong>,
    pub close_session: Option<unsafe extern "C" fn(Ulong) -> Ulong>,
    /// C_CloseAllSessions, C_GetSessionInfo, C_GetOperationState, C_SetOperationState.
    pub unused_4: [Nothing; 4],
    pub login: Option<unsafe extern "C" fn(Ulong, Ulong, *const u8, Ulong) -> Ulong>,
    /// C_Logout, C_CreateObject, C_CopyObject, C_DestroyObject, C_GetObjectSize.
    pub unused_5: [Nothing; 5],
    pub get_attribute_value:
        Option<unsafe extern "C" fn(Ulong, Ulong, *mut RawAttribute, Ulong) -> Ulong>,
    /// C_SetAttributeValue.
    pub unused_6: Nothing,
    pub find_objects_init: Option<unsafe extern "C" fn(Ulong, *mut RawAttribute, Ulong) -> Ulong>,
    pub find_objects: Option<unsafe extern "C" fn(Ulong, *mut Ulong, Ulong, *mut Ulong) -> Ulong>,
    pub find_objects_final: Option<unsafe extern "C" fn(Ulong) -> Ulong>,
    /// C_EncryptInit to C_DecryptFinal (8), C_DigestInit to C_DigestFinal (5).
    pub unused_7: [Nothing; 13],
    pub sign_init: Option<unsafe extern "C" fn(Ulong, *mut RawMechanism, Ulong) -> Ulong>,
    pub sign: Option<unsafe extern "C" fn(Ulong, *const u8, Ulong, *mut u8, *mut Ulong) -> Ulong>,
}

/// C_GetFunctionList, the one symbol that every module exports.
pub(super) type GetFunctionList = unsafe extern "C" fn(*mut *const FunctionList) -> Ulong;

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn a_function_lies_at_the_place_that_its_number_gives_it() {
        let pointer = size_of::<usize>();
        // The position in pkcs11f.h, from 0, after the version that takes the room of one pointer.
        for (offset, number) in [
            (offset_of!(FunctionList, initialize), 0),
            (offset_of!(FunctionList, finalize), 1),
            (offset_of!(FunctionList, get_slot_list), 4),
            (offset_of!(FunctionList, get_token_info), 6),
            (offset_of!(FunctionList, open_session), 12),
            (offset_of!(FunctionList, close_session), 13),
            (offset_of!(FunctionList, login), 18),
            (offset_of!(FunctionList, get_attribute_value), 24),
            (offset_of!(FunctionList, find_objects_init), 26),
            (offset_of!(FunctionList, find_objects), 27),
            (offset_of!(FunctionList, find_objects_final), 28),
            (offset_of!(FunctionList, sign_init), 42),
            (offset_of!(FunctionList, sign), 43),
        ] {
            assert_eq!(offset, (number + 1) * pointer, "{number}");
        }
    }
}
