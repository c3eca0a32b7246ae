//! The four memory functions that compiled code calls and that come with no library here.
//!
//! `rep movs`/`rep stos` are fast on every processor that runs current kernels, and small.

use core::arch::asm;

/// C's `memcpy`.
///
/// # Safety
/// As for C: both areas are valid for `count` bytes and don't overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    // SAFETY: the caller's promise; whole words first, then the last 0 to 7 bytes. The direction
    // flag is clear, as the ABI asks.
    unsafe {
        asm!(
            "rep movsq", "mov rcx, {rest}", "rep movsb",
            rest = in(reg) count % 8,
            inout("rcx") count / 8 => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// C's `memmove`.
///
/// # Safety
/// As for C: both areas are valid for `count` bytes; they may overlap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= count {
        // SAFETY: the destination doesn't begin inside the source, so copying upwards is right.
        return unsafe { memcpy(to, from, count) };
    }
    // SAFETY: the caller's promise; copied downwards from the last byte (`count` is not 0 here),
    // and the direction flag is cleared again.
    unsafe {
        asm!(
            "std", "rep movsb", "cld",
            inout("rcx") count => _,
            inout("rdi") to.wrapping_add(count).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(count).wrapping_sub(1) => _,
            options(nostack)
        );
    }
    to
}

/// C's `memset`.
///
/// # Safety
/// As for C: the area is valid for `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
    // SAFETY: the caller's promise; the byte is repeated over a word for the first part.
    unsafe {
        asm!(
            "rep stosq", "mov rcx, {rest}", "rep stosb",
            rest = in(reg) count % 8,
            inout("rcx") count / 8 => _, inout("rdi") to => _,
            in("rax") u64::from(value as u8) * 0x0101_0101_0101_0101,
            options(nostack, preserves_flags)
        );
    }
    to
}

/// C's `memcmp`.
///
/// # Safety
/// As for C: both areas are valid for `count` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    let mut at = 0;
    while at < count {
        // SAFETY: `at` is below `count`, for which the caller promises both areas valid. Read as
        // volatile so that the loop isn't turned into a call of this very function.
        let (a, b) = unsafe { (left.add(at).read_volatile(), right.add(at).read_volatile()) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
        at += 1;
    }
    0
}

/// `memcmp` where only equality matters.
///
/// # Safety
/// As for [`memcmp`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, count: usize) -> i32 {
    // SAFETY: the caller's promise is the same.
    unsafe { memcmp(left, right, count) }
}

/// Named by parts of the standard library that were compiled to unwind. Nothing unwinds here: a panic
/// ends in a reset.
#[unsafe(no_mangle)]
pub extern "C" fn rust_eh_personality() {}

/// The same. Never called, since nothing begins to unwind.
#[unsafe(no_mangle)]
pub extern "C" fn _Unwind_Resume() -> ! {
    super::cpu::halt()
}
