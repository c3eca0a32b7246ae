//! Entries of type 2 of the UAPI Group's "Boot Loader Specification" (UAPI.1): UKIs in `EFI/Linux`.

use super::text::os_release;
use baton_formats::pe::Pe;
use baton_formats::uki::{Profile, Uki};

/// The end of such a file's name.
pub const SUFFIX: &str = ".efi";

/// What a UKI says of one of its profiles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UkiProfile {
    /// The profile's number.
    pub number: u32,
    /// What its `.profile` calls it.
    pub id: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// What is compared, newest first.
    pub version: Option<String>,
    /// The kernel's release.
    pub release: Option<String>,
    /// Groups entries.
    pub sort_key: Option<String>,
}

/// Reads what a UKI says of all its profiles.
///
/// # Errors
/// Why it is no UKI, or a malformed one.
pub fn profiles(bytes: &[u8]) -> Result<Vec<UkiProfile>, String> {
    let pe = Pe::parse(bytes).map_err(|e| format!("it is no UKI: {e}"))?;
    if !Uki::recognises(&pe) {
        return Err("it is no UKI: it has no kernel in it (no section .linux)".to_owned());
    }
    let uki = Uki::parse(&pe).map_err(|e| format!("it is a malformed UKI: {e}"))?;
    Ok((0..).zip(uki.profiles()).map(read).collect())
}

fn read((number, profile): (u32, Profile<'_>)) -> UkiProfile {
    let osrel = |names: &[&str]| {
        let text = profile.osrel?;
        names.iter().find_map(|name| os_release(text, name))
    };
    let system = osrel(&["PRETTY_NAME", "IMAGE_ID", "NAME", "ID"]);
    // The first one has the system's name, if it has none of its own.
    let own = match (profile.title(), profile.id()) {
        (None, id) if number > 0 => Some(id.map_or(format!("profile {number}"), str::to_owned)),
        (title, _) => title.map(str::to_owned),
    };
    let title = match (system, own) {
        (Some(system), Some(own)) => Some(format!("{system} ({own})")),
        (system, own) => system.map(str::to_owned).or(own),
    };
    UkiProfile {
        number,
        id: profile.id().map(str::to_owned),
        title,
        version: osrel(&["IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"]).map(str::to_owned),
        release: profile.arguments.uname.map(str::to_owned),
        sort_key: osrel(&["IMAGE_ID", "ID"]).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UKI: &[u8] = include_bytes!("../../../tests/golden/uki.efi");

    #[test]
    fn what_a_uki_says_of_its_profiles_is_read() {
        let read = profiles(UKI).unwrap();
        assert_eq!(read.len(), 3);
        assert_eq!(
            read[1],
            UkiProfile {
                number: 1,
                id: Some("rescue".to_owned()),
                title: Some("Sample (To the rescue)".to_owned()),
                version: None,
                release: Some("6.1.0-sample".to_owned()),
                sort_key: Some("sample".to_owned()),
            }
        );
        assert_eq!(read[2].title.as_deref(), Some("Sample (other)"));
    }

    #[test]
    fn every_truncation_is_read_or_reported() {
        for len in 0..UKI.len() {
            if let Ok(read) = profiles(&UKI[..len]) {
                assert_eq!(read.len(), 3, "{len}");
            }
        }
        assert!(profiles(&UKI[..16]).unwrap_err().contains("no UKI"));
    }
}
