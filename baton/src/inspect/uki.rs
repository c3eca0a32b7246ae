//! Unified kernel images and their addons.

use super::brief::Brief;
use super::hashing::Hashing;
use crate::output::page::Page;
use baton_formats::uki::{Addon, Arguments, Profile, Uki};
use serde::Serialize;

/// A unified kernel image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UkiInfo {
    /// What can be booted, in order.
    pub profiles: Vec<ProfileInfo>,
}

/// A profile.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ProfileInfo {
    /// Its number, from 0.
    pub number: usize,
    /// Its `ID=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its `TITLE=`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The `PRETTY_NAME` of its `os-release`.
    pub os: Option<String>,
    /// The kernel.
    pub kernel: Brief,
    /// What the kernel is given.
    #[serde(flatten)]
    pub arguments: ArgumentsInfo,
}

/// What a profile or an addon gives to the kernel. Sizes are in bytes.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArgumentsInfo {
    /// The kernel's release.
    pub uname: Option<String>,
    /// The command line.
    pub cmdline: Option<String>,
    /// The size of the initrds.
    pub initrd_size: Option<usize>,
    /// The size of the microcode.
    pub ucode_size: Option<usize>,
    /// The size of the device tree.
    pub dtb_size: Option<usize>,
}

impl UkiInfo {
    /// Reads it.
    #[must_use]
    pub fn of(uki: &Uki<'_>, hashing: Hashing) -> UkiInfo {
        let profiles = uki.profiles().enumerate();
        UkiInfo {
            profiles: profiles
                .map(|(number, profile)| ProfileInfo::of(number, &profile, hashing))
                .collect(),
        }
    }

    /// Prints each profile under a heading.
    pub fn show(&self, page: &mut Page) {
        for profile in &self.profiles {
            profile.show(page);
        }
    }
}

impl ProfileInfo {
    fn of(number: usize, profile: &Profile<'_>, hashing: Hashing) -> ProfileInfo {
        ProfileInfo {
            number,
            id: profile.id().map(str::to_owned),
            title: profile.title().map(str::to_owned),
            os: profile.osrel.and_then(pretty_name),
            kernel: Brief::of(profile.linux, hashing),
            arguments: ArgumentsInfo::of(&profile.arguments),
        }
    }

    fn show(&self, page: &mut Page) {
        let id = self.id.as_deref().map(|id| format!(" ({id})"));
        page.heading(format!("profile {}{}", self.number, id.unwrap_or_default()));
        page.optional("title", self.title.as_ref());
        page.optional("system", self.os.as_ref());
        page.field("kernel", &self.kernel);
        self.arguments.show(page);
    }
}

impl ArgumentsInfo {
    /// Reads an addon's.
    #[must_use]
    pub fn of_addon(addon: &Addon<'_>) -> ArgumentsInfo {
        ArgumentsInfo::of(&addon.arguments)
    }

    fn of(arguments: &Arguments<'_>) -> ArgumentsInfo {
        ArgumentsInfo {
            uname: arguments.uname.map(str::to_owned),
            cmdline: arguments.cmdline.map(|line| line.to_string()),
            initrd_size: arguments.initrd.map(<[u8]>::len),
            ucode_size: arguments.ucode.map(<[u8]>::len),
            dtb_size: arguments.dtb.map(<[u8]>::len),
        }
    }

    /// Prints what is there.
    pub fn show(&self, page: &mut Page) {
        let bytes = |size: usize| format!("{size} bytes");
        page.optional("release", self.uname.as_ref());
        page.optional("cmdline", self.cmdline.as_ref());
        page.optional("initrd", self.initrd_size.map(bytes));
        page.optional("microcode", self.ucode_size.map(bytes));
        page.optional("device tree", self.dtb_size.map(bytes));
    }
}

/// The name for people in an `os-release` (os-release(5)); escapes stay.
fn pretty_name(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix("PRETTY_NAME="))?;
    Some(value.trim_matches(['"', '\'']).to_owned())
}
