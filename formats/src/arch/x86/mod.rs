//! Linux on x86: its boot image, and what is passed on to it (Documentation/arch/x86/boot.rst).

pub mod boot_params;
pub mod bzimage;
pub mod setup_data;
