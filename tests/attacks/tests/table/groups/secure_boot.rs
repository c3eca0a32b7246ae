//! Hops after which nobody knows any more that Secure Boot is on.

use baton_attacks::Group;
use baton_formats::boot_params::SECURE_BOOT_DISABLED;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::{Scene, appended, signed_image};
use baton_samples::build::{authenticode, sha256, sign};
use baton_samples::small_image::small_image;

const TOLD: Component = Component::BootParams;
const NOT_ON: &str = "secure-boot-not-on";
const LOST: &str = "loses-efi";

/// A kernel that isn't told of EFI after a kexec.
fn deaf() -> Vec<u8> {
    let mut kernel = small_image();
    kernel[0x236] &= !(1 << 4); // XLF_EFI_KEXEC of xloadflags
    kernel
}

fn crash_with_shim() -> Scene {
    let mut scene = with_shim();
    scene.build = scene.build.crash();
    scene.crash = true;
    scene
}

fn sealed_with_shim() -> Scene {
    let mut scene = sealed_uki();
    scene.shim = Some(Default::default());
    scene
}

fn uki_with_shim() -> Scene {
    let mut scene = open_uki();
    scene.shim = Some(Default::default());
    scene
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::Machine);
    by_the_running_kernel(&mut all);
    by_the_next_kernel(&mut all);
    all.made
}

fn by_the_running_kernel(all: &mut Cases) {
    refused! { all;
        "a running kernel without EFI's runtime services, which passes neither Secure Boot nor revocations on":
            with_shim, |it| it.runtime_services = false => TOLD, NOT_ON;
        "the same in a crash":
            crash_with_shim, |it| it.runtime_services = false => TOLD, NOT_ON;
        "the same where all must be signed":
            sealed_with_shim, |it| it.runtime_services = false => TOLD, NOT_ON;
        "a running kernel that shim started without verifying it":
            with_shim, |it| it.secure_boot = SECURE_BOOT_DISABLED => TOLD, NOT_ON;
        "a running kernel that couldn't find out whether Secure Boot is on":
            with_shim, |it| it.secure_boot = 1 => TOLD, NOT_ON;
        "a running kernel that a loader started without a word of Secure Boot":
            with_shim, |it| it.secure_boot = 0 => TOLD, NOT_ON;
        "a state of Secure Boot that no kernel knows":
            must_be_signed, |it| it.secure_boot = 4 => TOLD, NOT_ON;
    }
}

fn by_the_next_kernel(all: &mut Cases) {
    refused! { all;
        "a signed kernel that isn't told of EFI, and so doesn't tell the one after it of Secure Boot":
            with_shim, |it| {
                let image = signed_image(deaf());
                it.put_kernel(image.clone(), authenticode(&image));
            } => Component::Kernel, LOST;
        "the same in a UKI":
            uki_with_shim, |it| {
                let image = uki_with_kernel(&deaf());
                it.put_kernel(image.clone(), authenticode(&image));
            } => Component::Kernel, LOST;
        "the same with a signature at its end":
            with_shim, |it| it.put_kernel(appended(&deaf()), sha256(&deaf())) => Component::Kernel, LOST;
        "the same with a signature beside it":
            with_shim, |it| {
                it.put_kernel(deaf(), sha256(&deaf()));
                let signature = sign(&deaf());
                it.insert(2, baton_formats::handover::RecordKind::Signature, &signature, 0);
            } => Component::Kernel, LOST;
    }
}
