use crate::crash::fake::{Fake, RELEASE};
use crate::crash::layer::Stack;
use crate::crash::needs::Needs;
use baton_capture::layer::Layer;
use baton_capture::layer::device_mapper::Volume;
use baton_sys::block::BlockDevice;
use baton_sys::config::KernelConfig;
use baton_sys::modules::Index;

const ID: &str = "5f1d9a3c-0c1e-4f5c-9d55-000000000002";
const KEYS: &str = "proc/keys";
const KEPT: &str = "sys/kernel/config/crash_dm_crypt_keys";

fn look(fake: &Fake) -> crate::failure::Result<Stack> {
    let root = fake.root();
    let device = BlockDevice::by_name(&root, "dm-0").unwrap().unwrap();
    Stack::below(&root, &device, "target /srv")
}

fn refused(fake: &Fake) -> (&'static str, String) {
    let failure = look(fake).unwrap_err();
    (failure.word(), failure.to_string())
}

fn volume(stack: &Stack) -> Volume {
    match stack.layers.iter().next() {
        Some(Layer::DeviceMapper(volume)) => volume.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_encrypted_volume_is_recorded_with_its_header_and_the_name_that_its_key_will_have() {
    let stack = look(&Fake::new().with_luks()).unwrap();
    let volume = volume(&stack);
    assert_eq!(volume.luks.unwrap().as_str(), ID);
    assert_eq!(
        volume.table[0].to_string(),
        format!("0 8192 crypt aes-xts-plain64 :64:user:cryptsetup:{ID} 0 0 32768 1 allow_discards")
    );
    assert_eq!(volume.leg[0].device.to_string(), "PARTUUID=part-sda1");
    assert_eq!(
        stack.describe(),
        format!("; srv is crypt on sda1, with the key cryptsetup:{ID}")
    );
}

#[test]
fn a_disk_without_a_name_of_its_own_is_known_by_its_header() {
    let fake = Fake::new().with_luks();
    std::fs::remove_dir_all(fake.path("dev/disk/by-partuuid")).unwrap();
    let volume = volume(&look(&fake).unwrap());
    assert_eq!(volume.leg[0].device.to_string(), format!("UUID={ID}"));
}

#[test]
fn a_kernel_that_keeps_no_keys_is_named_as_the_reason_whatever_the_key_is() {
    for table in [None, Some("0 8192 crypt aes-xts-plain64 - 0 8:1 32768")] {
        let fake = Fake::new().with_luks();
        std::fs::remove_dir_all(fake.path(KEPT)).unwrap();
        if let Some(table) = table {
            fake.set("sys/class/block/dm-0/dm/table", table);
        }
        let (word, message) = refused(&fake);
        assert_eq!(word, "stacked");
        assert!(
            message.starts_with(
                "target /srv is on srv, which is encrypted (dm-crypt): the running kernel keeps no keys for a capture; run a kernel of 6.16"
            ),
            "{message}"
        );
        assert!(message.contains("CONFIG_CRASH_DM_CRYPT"), "{message}");
    }
}

#[test]
fn a_key_in_the_table_itself_is_refused_and_never_shown() {
    let fake = Fake::new().with_luks();
    let key = "00112233445566778899aabbccddeeff";
    let table = format!("0 8192 crypt aes-xts-plain64 {key} 0 8:1 32768");
    fake.set("sys/class/block/dm-0/dm/table", table);
    let (word, message) = refused(&fake);
    assert_eq!(word, "stacked");
    assert!(message.contains("its key is in its table"), "{message}");
    assert!(!message.contains(key), "{message}");
}

#[test]
fn a_volume_whose_key_is_in_no_keyring_is_refused_with_how_to_link_it() {
    let line = |key: &str| format!("0a1b2c3d I--Q---     1 perm 3f010000     0     0 {key}\n");
    for keys in [
        String::new(),
        line(&format!("logon     cryptsetup:{ID}: 32")),
        line(&format!("user      cryptsetup:{ID}: 64")),
        line("logon     cryptsetup:5f1d9a3c-0c1e-4f5c-9d55-000000000003: 64"),
        // It was revoked, or has expired.
        line(&format!("logon     cryptsetup:{ID}")),
    ] {
        let fake = Fake::new().with_luks().file(KEYS, &keys);
        let (word, message) = refused(&fake);
        assert_eq!(word, "volume", "{keys}");
        assert!(
            message.contains(&format!("no key of the type logon has {ID} in its name")),
            "{message}"
        );
        assert!(message.contains("link-volume-key="), "{message}");
    }
}

#[test]
fn a_header_that_is_another_ones_or_elsewhere_is_refused() {
    let other = include_bytes!("../../../../../../fuzz/corpus/superblock/luks1");
    for header in [other, &[0; 512]] {
        let fake = Fake::new().with_luks().file("dev/sda1", header);
        let (word, message) = refused(&fake);
        assert_eq!(word, "volume");
        assert!(
            message.contains("its LUKS header isn't on sda1"),
            "{message}"
        );
    }
    let silent = Fake::new().with_luks().file("dev/sda1", "");
    assert!(refused(&silent).1.contains("sda1 can't be read"));
}

#[test]
fn what_decrypts_is_brought_along_if_the_kernel_that_captures_has_it() {
    let fake = Fake::new().with_modules().with_luks();
    let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
    let stack = look(&fake).unwrap();
    let mut needs = Needs::new(&index, true);
    stack.require(&mut needs).unwrap();
    let modules = needs.into_order();
    for wanted in ["dm_mod", "dm_crypt", "aesni_intel", "xts", "ahci"] {
        assert!(modules.iter().any(|it| it == wanted), "{modules:?}");
    }
    let config = |text: &str| Some(KernelConfig::new(text));
    let mut without = Needs::new(&index, true).with_config(config("CONFIG_DM_CRYPT=y\n"));
    let problem = stack.require(&mut without).unwrap_err().to_string();
    assert!(
        problem.contains("is built without CONFIG_CRASH_DM_CRYPT, which is needed to decrypt srv"),
        "{problem}"
    );
    let mut with = Needs::new(&index, true).with_config(config("CONFIG_CRASH_DM_CRYPT=y\n"));
    assert!(stack.require(&mut with).is_ok());
}
