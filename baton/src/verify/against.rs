//! What `--against` names, told by its contents.

use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::variable_store::{self, Variable};
use crate::input::{certs, read};
use crate::machine::saved_state;
use baton_sys::Root;
use baton_sys::efivars::GLOBAL;
use baton_sys::root::Files;
use std::path::{Path, PathBuf};

/// What an image is judged against.
#[derive(Default)]
pub(super) struct Against {
    /// Certificates, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// A machine, if files describe one.
    pub machine: Option<Root>,
    /// That machine's whole state was saved, and not its firmware's variables alone.
    pub is_whole: bool,
}

/// What a variable store can't say: shim adds its own certificate and its own revocations to its lists when it runs
/// (import_one_mok_state in its mok.c).
pub(super) const LACKS_SHIMS_OWN: &str = "shim's own certificate isn't in a variable store";

impl Against {
    /// Reads them. Where two files say the same of a machine, the last one counts.
    ///
    /// # Errors
    /// When one can't be read, or is something else.
    pub fn read(paths: &[PathBuf]) -> Result<Against> {
        let mut against = Against::default();
        let mut machine = Files::new();
        for path in paths {
            let bytes = read::given(path)?;
            if variable_store::is_volume(&bytes) {
                let variables = variable_store::parse(&bytes);
                machine.extend(shown(variables.map_err(|why| nothing(path, why))?));
            } else if saved_state::is_saved(&bytes) {
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| InputError::NotText { path: path.clone() })?;
                machine.extend(saved_state::files(path, &text)?);
                against.is_whole = true;
            } else {
                let found = certs::parse(&bytes).map_err(|why| nothing(path, why))?;
                against.certificates.extend(found);
            }
        }
        if !machine.is_empty() {
            against.machine = Some(Root::saved(machine));
        }
        Ok(against)
    }
}

fn nothing(path: &Path, why: String) -> InputError {
    InputError::NothingToJudgeBy {
        path: path.to_owned(),
        why,
    }
}

/// The vendor of what EDK2's SecureBootConfigDxe keeps, gEfiSecureBootEnableDisableGuid.
const SWITCH: &str = "f0a30bc7-af08-4556-99c4-001009c93a44";

/// The vendor of shim's variables (SHIM_LOCK_GUID of shim's lib/guid.c): others may have variables of these names.
const SHIM: &str = "605dab50-e046-4300-abb6-3dd810dd8b23";

/// What shim's variables are called in its table (mok_state_variable_data in its mok.c).
const OF_SHIM: [(&str, &str); 4] = [
    ("MokList", "MokListRT"),
    ("MokListX", "MokListXRT"),
    ("MokListTrusted", "MokListTrustedRT"),
    ("SbatLevel", "SbatLevelRT"),
];

/// What a kernel would show of a machine with these variables, if shim had started it.
fn shown(variables: Vec<Variable>) -> Files {
    let mut files = Files::new();
    // The kernel passes shim's lists on.
    files.insert("sys/firmware/efi/runtime-map/".to_owned(), Vec::new());
    let has = |name: &str, vendor: &str| {
        let mut all = variables.iter();
        all.find(|it| it.name == name && it.vendor == vendor)
    };
    let on = has("SecureBootEnable", SWITCH).is_none_or(|it| it.data == [1]);
    let secure_boot = has("PK", GLOBAL).is_some() && on;
    let path = format!("sys/firmware/efi/efivars/SecureBoot-{GLOBAL}");
    files.insert(path, vec![6, 0, 0, 0, u8::from(secure_boot)]);
    for Variable {
        name,
        vendor,
        attributes,
        data,
    } in variables
    {
        let of_shim = OF_SHIM.iter().find(|(variable, _)| *variable == name);
        if let Some((_, table)) = of_shim.filter(|_| vendor == SHIM) {
            let path = format!("sys/firmware/efi/mok-variables/{table}");
            files.insert(path, data.clone());
        }
        let path = format!("sys/firmware/efi/efivars/{name}-{vendor}");
        files.insert(path, [&attributes.to_le_bytes()[..], &data].concat());
    }
    files
}
