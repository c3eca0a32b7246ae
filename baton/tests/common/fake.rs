//! Machines described in a directory: sysfs trees of disks, the modules of a kernel, what is mounted.
#![allow(dead_code)] // each test uses a part

use baton_sys::Root;
use std::path::PathBuf;
use tempfile::TempDir;

/// The release of the kernel that is running.
pub const RELEASE: &str = "6.1.0-test";

const MODULES: &[(&str, &str)] = &[
    (
        "fs/ext4/ext4.ko",
        "lib/crc16.ko fs/mbcache.ko fs/jbd2/jbd2.ko",
    ),
    ("fs/jbd2/jbd2.ko", "lib/crc16.ko"),
    ("fs/mbcache.ko", ""),
    ("lib/crc16.ko", ""),
    ("crypto/crc32c_generic.ko", ""),
    (
        "drivers/nvme/host/nvme.ko",
        "drivers/nvme/host/nvme-core.ko",
    ),
    ("drivers/nvme/host/nvme-core.ko", ""),
    (
        "drivers/block/virtio_blk.ko",
        "drivers/virtio/virtio_ring.ko drivers/virtio/virtio.ko",
    ),
    (
        "drivers/virtio/virtio_pci.ko",
        "drivers/virtio/virtio_ring.ko drivers/virtio/virtio.ko",
    ),
    ("drivers/virtio/virtio_ring.ko", "drivers/virtio/virtio.ko"),
    ("drivers/virtio/virtio.ko", ""),
    ("drivers/md/dm-crypt.ko", "drivers/md/dm-mod.ko"),
    ("drivers/md/dm-raid.ko", "drivers/md/dm-mod.ko"),
    ("arch/x86/crypto/aesni-intel.ko", "crypto/crypto_simd.ko"),
    ("crypto/crypto_simd.ko", ""),
    ("crypto/xts.ko", ""),
    (
        "drivers/ata/ahci.ko",
        "drivers/ata/libahci.ko drivers/ata/libata.ko drivers/scsi/scsi_mod.ko",
    ),
    (
        "drivers/ata/libahci.ko",
        "drivers/ata/libata.ko drivers/scsi/scsi_mod.ko",
    ),
    ("drivers/ata/libata.ko", "drivers/scsi/scsi_mod.ko"),
    ("drivers/scsi/sd_mod.ko", "drivers/scsi/scsi_mod.ko"),
    ("drivers/scsi/scsi_mod.ko", ""),
    ("fs/fat/vfat.ko", "fs/fat/fat.ko"),
    ("fs/fat/fat.ko", ""),
    ("fs/nls/nls_cp437.ko", ""),
    ("fs/nls/nls_ascii.ko", ""),
    ("drivers/md/dm-mod.ko", ""),
    ("drivers/md/raid1.ko", "drivers/md/md-mod.ko"),
    ("drivers/md/md-mod.ko", ""),
    ("drivers/watchdog/iTCO_wdt.ko", ""),
    ("drivers/mfd/lpc_ich.ko", ""),
    ("drivers/firmware/efi/efi-pstore.ko", ""),
    ("fs/pstore/ramoops.ko", ""),
];

const ALIASES: &str = "\
alias md-raid1 raid1
alias fs-ext4 ext4
alias fs-ext3 ext4
alias fs-vfat vfat
alias crypto-crc32c crc32c_generic
alias crypto-aes aesni_intel
alias crypto-xts xts
alias pci:v*d*sv*sd*bc01sc08i02* nvme
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias virtio:d00000002v* virtio_blk
alias pci:v*d*sv*sd*bc01sc06i01* ahci
alias scsi:t-0x00* sd_mod
";

/// boot_params of a kernel that was told that Secure Boot is on.
pub fn under_secure_boot() -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[0x1ec] = 3;
    page[0x1c4] = 0x10; // an address of the system table
    page
}

/// A directory that is the root of a described machine; removed when dropped.
pub struct Fake(TempDir);

impl Fake {
    /// A machine with a running kernel and nothing else.
    pub fn new() -> Fake {
        Fake(TempDir::new().unwrap())
            .file("proc/sys/kernel/osrelease", format!("{RELEASE}\n"))
            .file(
                "proc/cmdline",
                "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet console=ttyS0\n",
            )
            .file("sys/firmware/efi/runtime-map/0/type", "0x5\n")
            .file("sys/kernel/boot_params/data", under_secure_boot())
            .file("proc/self/mountinfo", "")
            .file("sys/devices/system/x", "")
            .directory("var/crash")
    }

    pub fn directory(self, path: &str) -> Fake {
        std::fs::create_dir_all(self.0.path().join(path)).unwrap();
        self
    }

    pub fn root(&self) -> Root {
        Root::at(self.0.path())
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Fake {
        self.set(path, bytes);
        self
    }

    pub fn set(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        // What is made stands in the place of an empty directory.
        let _ = std::fs::remove_dir(&path);
        std::fs::write(path, bytes).unwrap();
    }

    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.0.path().join(path)).unwrap();
    }

    /// A link at `path` to another path of the machine.
    pub fn link(self, path: &str, to: &str) -> Fake {
        let link = self.0.path().join(path);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        let _ = std::fs::remove_dir(&link);
        let up = "../".repeat(path.matches('/').count());
        std::os::unix::fs::symlink(format!("{up}{to}"), link).unwrap();
        self
    }

    pub fn mount(self, line: &str) -> Fake {
        let path = self.0.path().join("proc/self/mountinfo");
        let before = std::fs::read_to_string(path).unwrap();
        self.file("proc/self/mountinfo", format!("{before}{line}\n"))
    }

    /// All modules, as depmod leaves them.
    pub fn with_modules(mut self) -> Fake {
        let directory = format!("lib/modules/{RELEASE}");
        let mut dependencies = String::new();
        for (path, needs) in MODULES {
            let needs = needs.split_whitespace().map(|it| format!(" kernel/{it}"));
            dependencies += &format!("kernel/{path}:{}\n", needs.collect::<String>());
            self = self.file(
                &format!("{directory}/kernel/{path}"),
                format!("\x7fELF {path}"),
            );
        }
        self.file(&format!("{directory}/modules.dep"), dependencies)
            .file(&format!("{directory}/modules.alias"), ALIASES)
            .file(
                &format!("{directory}/modules.softdep"),
                "softdep ext4 pre: crypto-crc32c\n",
            )
            .file(
                &format!("{directory}/modules.builtin"),
                "kernel/fs/binfmt_script.ko\n",
            )
            .file(
                &format!("{directory}/modules.builtin.modinfo"),
                "xfs.alias=fs-xfs\0",
            )
    }

    pub fn with_kernel(self) -> Fake {
        self.file(
            &format!("boot/vmlinuz-{RELEASE}"),
            kernel_image(&format!("{RELEASE} (builder@host) #1 SMP")),
        )
    }

    /// A device and its driver; with `module` if it isn't built in.
    fn device(self, directory: &str, alias: &str, driver: &str, module: Option<&str>) -> Fake {
        let driver_directory = format!("sys/bus/{driver}");
        let mut fake = self
            .file(&format!("{directory}/modalias"), format!("{alias}\n"))
            .file(&format!("{driver_directory}/x"), "")
            .link(&format!("{directory}/driver"), &driver_directory);
        if let Some(module) = module {
            let link = format!("{driver_directory}/module");
            if !fake.path(&link).exists() {
                fake = fake
                    .file(&format!("sys/module/{module}/initstate"), "live\n")
                    .link(&link, &format!("sys/module/{module}"));
            }
        }
        fake
    }

    /// A disk with one partition; `dev` is its numbers, of which the minor is 0.
    fn disk(self, directory: &str, disk: &str, partition: &str, major: u32, uuid: &str) -> Fake {
        let whole = format!("{directory}/{disk}");
        let part = format!("{whole}/{partition}");
        self.file(&format!("{whole}/size"), "4194304\n")
            .file(&format!("{whole}/ro"), "0\n")
            .file(&format!("{whole}/dev"), format!("{major}:0\n"))
            .file(&format!("{part}/partition"), "1\n")
            .file(&format!("{part}/size"), "4192256\n")
            .file(&format!("{part}/ro"), "0\n")
            .file(&format!("{part}/dev"), format!("{major}:1\n"))
            .link(&format!("sys/class/block/{disk}"), &whole)
            .link(&format!("sys/class/block/{partition}"), &part)
            .link(&format!("sys/dev/block/{major}:0"), &whole)
            .link(&format!("sys/dev/block/{major}:1"), &part)
            .file(&format!("dev/{disk}"), "")
            .file(&format!("dev/{partition}"), "")
            .link(
                &format!("dev/disk/by-uuid/{uuid}"),
                &format!("dev/{partition}"),
            )
            .link(
                &format!("dev/disk/by-partuuid/part-{partition}"),
                &format!("dev/{partition}"),
            )
    }

    /// vda1, mounted as the root.
    pub fn with_virtio_blk(self) -> Fake {
        let pci = "sys/devices/pci0000:00/0000:00:04.0";
        self.device(
            pci,
            "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc80i00",
            "pci/drivers/virtio-pci",
            Some("virtio_pci"),
        )
        .device(
            &format!("{pci}/virtio1"),
            "virtio:d00000002v00001AF4",
            "virtio/drivers/virtio_blk",
            Some("virtio_blk"),
        )
        .disk(
            &format!("{pci}/virtio1/block"),
            "vda",
            "vda1",
            254,
            "5f1d9a3c-0c1e-4f5c-9d55-000000000001",
        )
        .mount("22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw")
    }

    /// nvme0n1p1 behind a bridge whose driver is built in.
    pub fn with_nvme(self) -> Fake {
        let bridge = "sys/devices/pci0000:00/0000:00:1c.0";
        let pci = format!("{bridge}/0000:01:00.0");
        self.device(
            bridge,
            "pci:v00008086d0000A110sv00000000sd00000000bc06sc04i00",
            "pci_express/drivers/pcieport",
            None,
        )
        .device(
            &pci,
            "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02",
            "pci/drivers/nvme",
            Some("nvme"),
        )
        .disk(
            &format!("{pci}/nvme/nvme0"),
            "nvme0n1",
            "nvme0n1p1",
            259,
            "5f1d9a3c-0c1e-4f5c-9d55-000000000002",
        )
    }

    /// sda1 at an AHCI controller.
    pub fn with_sata(self) -> Fake {
        let pci = "sys/devices/pci0000:00/0000:00:1f.2";
        let scsi = format!("{pci}/ata1/host0/target0:0:0/0:0:0:0");
        self.device(
            pci,
            "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01",
            "pci/drivers/ahci",
            Some("ahci"),
        )
        .device(&scsi, "scsi:t-0x00", "scsi/drivers/sd", Some("sd_mod"))
        .disk(
            &format!("{scsi}/block"),
            "sda",
            "sda1",
            8,
            "5f1d9a3c-0c1e-4f5c-9d55-000000000003",
        )
    }

    /// An ext4 file system with this UUID and the label `dumps`; udev has no link to it.
    pub fn with_ext4_on(self, name: &str, uuid: [u8; 16]) -> Fake {
        // struct ext4_super_block (fs/ext4/ext4.h): s_magic, s_uuid, s_volume_name
        let mut bytes = vec![0; 8192];
        let mut put = |at: usize, part: &[u8]| {
            bytes[1024 + at..1024 + at + part.len()].copy_from_slice(part);
        };
        put(0x38, &0xef53_u16.to_le_bytes());
        put(0x68, &uuid);
        put(0x78, b"dumps");
        let links = std::fs::read_dir(self.path("dev/disk/by-uuid")).unwrap();
        for link in links.flatten() {
            if std::fs::read_link(link.path()).unwrap().ends_with(name) {
                std::fs::remove_file(link.path()).unwrap();
            }
        }
        self.file(&format!("dev/{name}"), bytes)
    }

    /// dm-0, the logical volume `crash` of the group `vg0` on sda1 and nvme0n1p1, mounted at /srv.
    pub fn with_logical_volume(self) -> Fake {
        let uuid = "LVM-xL2MkxGM20Ue2NJTZ3819A9JMtbALxadRNywEuaWQ6vYh018F71ebunTSgA6mlb0";
        let members: [&[u8]; 2] = [
            include_bytes!("../../../fuzz/corpus/lvm/member-0"),
            include_bytes!("../../../fuzz/corpus/lvm/member-1"),
        ];
        let fake = self
            .with_sata()
            .with_nvme()
            .with_device_mapper(uuid)
            .with_ext4_on("dm-0", [0x5a; 16])
            .with_table("0 122880 linear 8:1 2048\n122880 40960 linear 259:1 2048\n")
            .file("dev/sda1", members[0])
            .file("dev/nvme0n1p1", members[1]);
        fake.set("sys/class/block/dm-0/dm/name", "vg0-crash\n");
        fake
    }

    /// dm-0, an encrypted volume on sda1 with an ext4 file system, mounted at /srv; its key is in a keyring.
    pub fn with_luks(self) -> Fake {
        let id = "5f1d9a3c-0c1e-4f5c-9d55-000000000002";
        let keys = format!(
            "0a1b2c3d I--Q---     1 perm 3f010000     0     0 logon     cryptsetup:{id}: 64\n"
        );
        let table = format!(
            "0 8192 crypt aes-xts-plain64 :64:logon:cryptsetup:{id}-d0 0 8:1 32768 1 allow_discards\n"
        );
        self.with_sata()
            .with_device_mapper("CRYPT-LUKS2-5f1d9a3c0c1e4f5c9d55000000000002-srv")
            .with_ext4_on("dm-0", [0x5a; 16])
            .with_table(&table)
            .file(
                "dev/sda1",
                include_bytes!("../../../fuzz/corpus/superblock/luks2"),
            )
            .file("sys/kernel/config/crash_dm_crypt_keys/count", "0\n")
            .file("proc/keys", keys)
    }

    /// md0, a mirror of sda1 and nvme0n1p1 with an ext4 file system, mounted at /srv; made by mdadm.
    pub fn with_mirror(self) -> Fake {
        let members: [(&str, &[u8]); 2] = [
            ("sda1", include_bytes!("../../../fuzz/corpus/md/mirror-0")),
            (
                "nvme0n1p1",
                include_bytes!("../../../fuzz/corpus/md/mirror-1"),
            ),
        ];
        let directory = "sys/devices/virtual/block/md0";
        let mut fake = self.with_sata().with_nvme();
        for (name, value) in [
            ("md/level", "raid1"),
            ("md/metadata_version", "1.2"),
            ("md/reshape_position", "none"),
            ("md/degraded", "0"),
            ("queue/logical_block_size", "512"),
            ("size", "8192"),
            ("dev", "9:0"),
        ] {
            fake = fake.file(&format!("{directory}/{name}"), format!("{value}\n"));
        }
        for (name, superblock) in members {
            fake = fake
                .file(&format!("{directory}/slaves/{name}"), "")
                .file(&format!("{directory}/md/dev-{name}/state"), "in_sync\n")
                .file(&format!("dev/{name}"), superblock);
        }
        fake.link("sys/class/block/md0", directory)
            .link("sys/dev/block/9:0", directory)
            .with_ext4_on("md0", [0x5a; 16])
            .mount("40 22 9:0 / /srv rw - ext4 /dev/md0 rw")
    }

    /// dm-0, a disk that sda and nvme0n1 are two paths to.
    pub fn with_two_paths(self) -> Fake {
        let directory = "sys/devices/virtual/block/dm-0";
        let fake = self
            .with_sata()
            .with_nvme()
            .with_device_mapper("mpath-3600")
            .file(&format!("{directory}/slaves/sda"), "")
            .file(&format!("{directory}/slaves/nvme0n1"), "");
        fake.set("sys/class/block/sda/device/wwid", "naa.600\n");
        fake.set("sys/class/block/nvme0n1/wwid", "naa.600\n");
        fake
    }

    /// The table of dm-0, as `dmsetup table` prints it.
    pub fn with_table(self, table: &str) -> Fake {
        self.file("sys/devices/virtual/block/dm-0/dm/table", table)
    }

    /// dm-0 on sda1, mounted at /srv; `uuid` says what made it.
    pub fn with_device_mapper(self, uuid: &str) -> Fake {
        let directory = "sys/devices/virtual/block/dm-0";
        self.file(&format!("{directory}/dm/uuid"), format!("{uuid}\n"))
            .file(&format!("{directory}/dm/name"), "srv\n")
            .file(&format!("{directory}/dev"), "253:0\n")
            .file(&format!("{directory}/size"), "8192\n")
            .link("sys/class/block/dm-0", directory)
            .link("sys/dev/block/253:0", directory)
            .file("dev/dm-0", "")
            .link("dev/mapper/srv", "dev/dm-0")
            .mount("40 22 253:0 / /srv rw - ext4 /dev/mapper/srv rw")
    }
}

/// A bzImage that says this version, as small as can be (Documentation/arch/x86/boot.rst).
pub fn kernel_image(version: &str) -> Vec<u8> {
    let mut image = vec![0; 0x2000];
    let mut put = |at: usize, bytes: &[u8]| {
        image[at..at + bytes.len()].copy_from_slice(bytes);
    };
    put(0x1f1, &[7]); // setup_sects
    put(0x1f4, &0x100_u32.to_le_bytes());
    put(0x1fe, &0xaa55_u16.to_le_bytes());
    put(0x200, &[0xeb, 0x6a]);
    put(0x202, b"HdrS");
    put(0x206, &0x20f_u16.to_le_bytes());
    put(0x20e, &0x600_u16.to_le_bytes()); // kernel_version, from 0x200
    put(0x211, &[1]);
    put(0x230, &0x20_0000_u32.to_le_bytes());
    put(0x234, &[1, 21]);
    put(0x236, &0x7f_u16.to_le_bytes());
    put(0x238, &2047_u32.to_le_bytes());
    put(0x258, &0x100_0000_u64.to_le_bytes());
    put(0x260, &0x40_0000_u32.to_le_bytes());
    put(0x800, version.as_bytes());
    image
}

/// A static x86-64 program that could start, as small as can be (elf(5)).
pub fn static_program() -> Vec<u8> {
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    program.extend(2_u16.to_le_bytes()); // ET_EXEC
    program.extend(62_u16.to_le_bytes()); // EM_X86_64
    program.extend(1_u32.to_le_bytes());
    program.extend(0x40_0078_u64.to_le_bytes()); // entry
    program.extend(64_u64.to_le_bytes()); // program headers
    program.extend(0_u64.to_le_bytes());
    program.extend(0_u32.to_le_bytes());
    for half in [64_u16, 56, 1, 64, 0, 0] {
        program.extend(half.to_le_bytes());
    }
    program.extend(1_u32.to_le_bytes()); // PT_LOAD
    program.extend(5_u32.to_le_bytes());
    for quad in [0_u64, 0x40_0000, 0x40_0000, 0x80, 0x80, 0x1000] {
        program.extend(quad.to_le_bytes());
    }
    program.extend([0x90; 8]);
    program
}
