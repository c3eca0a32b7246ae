//! Volumes of the device mapper, above all those of LVM.

mod crypt;

use super::Finder;
use crate::crash::needs::Needs;
use crate::crash::probe;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::device::Device;
use baton_capture::layer::device_mapper::{
    CipherError, Extent, Leg, Mapping, Segment, TableError, Volume, VolumeError, check,
};
use baton_capture::layer::{Base, Layer, Name};
use baton_capture::probe::luks::LuksId;
use baton_capture::probe::lvm::{Id, VolumeGroup};
use baton_sys::block::BlockDevice;
use baton_sys::device_mapper::{CONTROL, Control, NotATarget, Table};
use baton_sys::{ReadError, Root, crash_keys};
use std::io;
use std::path::Path;
use std::str::FromStr;

/// Adds a volume, after what is below it; `None` if the disk isn't one. Returns its name.
pub fn add(finder: &mut Finder<'_>, disk: &BlockDevice) -> Result<Option<Name>> {
    let Some(table) = table(finder.root, disk)? else {
        return Ok(None);
    };
    let name = disk.attribute("dm/name").unwrap_or_default();
    let name = Name::try_from(name).map_err(|error| Problem::Volume {
        target: finder.target.to_owned(),
        volume: disk.name.clone(),
        why: error.to_string(),
        help: "rename it (`dmsetup rename`)",
    })?;
    if finder.layers.iter().all(|layer| *layer.name() != name) {
        let (volume, words) = Look {
            finder,
            disk,
            name: &name,
        }
        .volume(&table)?;
        finder.layers.push(Layer::DeviceMapper(volume));
        finder.words.push(words);
    }
    Ok(Some(name))
}

/// Adds a partition of a layer, as a volume in one piece: the device mapper needs no partition table. Returns its name.
pub fn add_partition(finder: &mut Finder<'_>, device: &BlockDevice, on: Name) -> Result<Name> {
    let problem = |why: String| Problem::Volume {
        target: finder.target.to_owned(),
        volume: device.name.clone(),
        why,
        help: BAD_TABLE,
    };
    let name = Name::try_from(device.name.clone()).map_err(|error| problem(error.to_string()))?;
    let place = device.partition().zip(device.size());
    let (partition, size) =
        place.ok_or_else(|| problem("where the partition lies isn't known".to_owned()))?;
    let volume = Volume {
        name: name.clone(),
        uuid: String::new(),
        leg: vec![Leg {
            device: Base::Layer(on),
            physical_volume: None,
        }],
        table: vec![Segment {
            start: 0,
            length: size / SECTOR,
            mapping: Mapping::Linear(Extent {
                device: 0,
                start: partition.start / SECTOR,
            }),
        }],
        group: None,
        luks: None,
    };
    let volume = volume
        .checked()
        .map_err(|error| problem(error.to_string()))?;
    if finder.layers.iter().all(|layer| *layer.name() != name) {
        finder
            .words
            .push(format!("{name} is a partition of {}", device.disk().name));
        finder.layers.push(Layer::DeviceMapper(volume));
    }
    Ok(name)
}

/// The unit of tables.
const SECTOR: u64 = 512;

/// Adds the modules that a volume needs.
pub fn require(volume: &Volume, needs: &mut Needs<'_>) -> std::result::Result<(), Problem> {
    // The types linear and striped are in it, too.
    needs.must("dm_mod", &format!("to set up the volume {}", volume.name))?;
    for mirror in volume.table.iter().filter_map(Segment::mirror) {
        let purpose = format!("to set up the mirror {}", volume.name);
        needs.must("dm_raid", &purpose)?;
        // MODULE_ALIAS of drivers/md/raid1.c and raid10.c
        needs.must(&format!("md-{}", mirror.level.name()), &purpose)?;
    }
    let mut ciphers = volume.table.iter().filter_map(Segment::cipher);
    ciphers.try_for_each(|cipher| crypt::require(cipher, volume.name.as_str(), needs))
}

/// The table of a volume; `None` if the disk isn't one. A machine that is described has no device mapper: there a file
/// `dm/table` beside the others of the disk has it, as `dmsetup table` prints it.
fn table(root: &Root, disk: &BlockDevice) -> Result<Option<Table>> {
    if !disk.has("dm") {
        return Ok(None);
    }
    if !root.is_system() {
        let Some(text) = disk.attribute("dm/table") else {
            return Ok(None);
        };
        let targets = text
            .lines()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>();
        let place = Path::new("/sys/class/block")
            .join(&disk.name)
            .join("dm/table");
        return Ok(Some(Table {
            targets: targets
                .map_err(|error: NotATarget| ReadError::new(&place, io::Error::other(error)))?,
            is_suspended: disk.attribute("dm/suspended").as_deref() == Some("1"),
            is_to_change: false,
        }));
    }
    let number = disk.number().and_then(|it| it.parse::<Number>().ok());
    let Some(Number(major, minor)) = number else {
        return Ok(None);
    };
    let table = Control::open().and_then(|control| control.table((major, minor)));
    let table = table.map_err(|error| ReadError::new(Path::new(CONTROL), error))?;
    Ok(Some(table))
}

/// The numbers of a device, as the kernel's tables have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Number(u32, u32);

impl FromStr for Number {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Number, ()> {
        let number = |text: &str| text.parse().map_err(drop);
        let (major, minor) = text.split_once(':').ok_or(())?;
        Ok(Number(number(major)?, number(minor)?))
    }
}

/// A look at one volume.
struct Look<'l, 'r> {
    finder: &'l mut Finder<'r>,
    disk: &'l BlockDevice,
    name: &'l Name,
}

impl Look<'_, '_> {
    fn problem(&self, why: impl ToString, help: &'static str) -> Problem {
        Problem::Volume {
            target: self.finder.target.to_owned(),
            volume: self.name.to_string(),
            why: why.to_string(),
            help,
        }
    }

    fn changing(&self, how: impl ToString) -> Problem {
        Problem::VolumeChanging {
            target: self.finder.target.to_owned(),
            volume: self.name.to_string(),
            how: how.to_string(),
        }
    }

    /// The volume, and what it consists of in words.
    fn volume(mut self, before: &Table) -> Result<(Volume, String)> {
        let segments = self.segments(before)?;
        let mut numbers = Vec::new();
        let in_legs =
            |segment: &Segment<Number>| segment.with(|number| place_in(&mut numbers, *number));
        let mut table_of_legs: Vec<Segment<usize>> = segments.iter().map(in_legs).collect();
        let devices = numbers.iter().map(|number| self.device(*number));
        let devices = devices.collect::<Result<Vec<_>>>()?;
        let uuid = self.disk.attribute("dm/uuid").unwrap_or_default();
        let luks = self.with_kept_key(&mut table_of_legs, &devices, &uuid)?;
        let bases = devices.iter().map(|device| self.base(device, &luks));
        let bases = bases.collect::<Result<Vec<_>>>()?;
        let (physical_volumes, group) = match uuid.strip_prefix(LVM) {
            // Those of a mirror are volumes themselves, each of which is seen to be the same.
            Some(rest) if !table_of_legs.iter().any(|it| it.mirror().is_some()) => {
                self.physical_volumes(&devices, rest)?
            }
            _ => (vec![None; bases.len()], None),
        };
        // What was read meanwhile is of this very table.
        if table(self.finder.root, self.disk)?.as_ref() != Some(before) {
            return Err(self.changing("its table was exchanged meanwhile").into());
        }
        let legs = bases.into_iter().zip(physical_volumes);
        let volume = Volume {
            name: self.name.clone(),
            uuid,
            leg: legs
                .map(|(device, physical_volume)| Leg {
                    device,
                    physical_volume,
                })
                .collect(),
            table: table_of_legs,
            group,
            luks,
        };
        let volume = volume.checked();
        let volume = volume.map_err(|error| self.problem(&error, help(&error)))?;
        let words = words(&volume, &devices);
        Ok((volume, words))
    }

    fn segments(&self, table: &Table) -> std::result::Result<Vec<Segment<Number>>, Problem> {
        if table.is_suspended {
            return Err(self.changing("it is suspended"));
        }
        if table.is_to_change {
            return Err(self.changing("another table is loaded for it"));
        }
        let segments = table.targets.iter().map(Segment::parse);
        let segments: std::result::Result<Vec<_>, _> = segments.collect();
        let segments = segments.map_err(|error| match error {
            TableError::Type(kind) => self.refused(&kind),
            TableError::Cipher(error) => self.not_decrypted(error),
            TableError::Parameter(_) => self.problem(error, NOT_NOW),
            other => self.problem(other, BAD_TABLE),
        })?;
        check(&segments).map_err(|error| self.problem(error, BAD_TABLE))?;
        Ok(segments)
    }

    /// The refusal of a type that isn't set up.
    fn refused(&self, kind: &str) -> Problem {
        let (what, help) = match kind {
            "multipath" => ("reached by several paths (multipath)", NOT_YET),
            "snapshot-origin" => ("the origin of snapshots", NO_SNAPSHOTS),
            "snapshot" | "snapshot-merge" => ("a snapshot", NOT_YET),
            "mirror" => ("a mirror of LVM's old type", OLD_MIRROR),
            kind if kind.starts_with("raid ") => ("a RAID array of LVM", NOT_YET),
            "thin" | "thin-pool" => (
                "a thin volume, whose pool the kernel may be changing when it crashes",
                NO_THIN,
            ),
            "cache" | "writecache" => ("cached on another device", NOT_YET),
            "integrity" => ("kept with checksums (dm-integrity)", NOT_YET),
            "verity" => ("verified, and so never written to (dm-verity)", NOT_YET),
            _ => ("something that a capture can't set up", NOT_YET),
        };
        Problem::Stacked {
            target: self.finder.target.to_owned(),
            device: self.name.to_string(),
            kind: format!("{what} (type {kind})"),
            help,
        }
    }

    /// The refusal of an encrypted volume.
    fn not_decrypted(&self, error: CipherError) -> Problem {
        let (why, help) = match error {
            _ if !crash_keys::are_kept(self.finder.root) => (
                "the running kernel keeps no keys for a capture".to_owned(),
                crypt::NO_KERNEL,
            ),
            error => (error.to_string(), crypt::NO_KEY),
        };
        Problem::Stacked {
            target: self.finder.target.to_owned(),
            device: self.name.to_string(),
            kind: format!("encrypted (dm-crypt): {why}"),
            help,
        }
    }

    /// If the volume is encrypted, gives its table the name of the key that the capture will find. Returns the
    /// identifier of its header.
    fn with_kept_key(
        &self,
        table: &mut [Segment<usize>],
        devices: &[BlockDevice],
        uuid: &str,
    ) -> Result<Option<LuksId>> {
        let mut ciphers = table.iter_mut().filter_map(Segment::cipher_mut);
        let (Some(cipher), [device]) = (ciphers.next(), devices) else {
            return Ok(None);
        };
        let root = self.finder.root;
        if !crash_keys::are_kept(root) {
            return Err(self.not_decrypted(CipherError::PlainKey).into());
        }
        let found = crypt::header(root, device, uuid);
        let luks = found.map_err(|(why, help)| self.problem(why, help))?;
        let key = crypt::key(root, &luks, cipher.key.size)?;
        cipher.key = key.map_err(|(why, help)| self.problem(why, help))?;
        Ok(Some(luks))
    }

    fn device(&self, Number(major, minor): Number) -> Result<BlockDevice> {
        let found = BlockDevice::by_number(self.finder.root, (major, minor))?;
        let why = || format!("it lies on the device {major}:{minor}, which isn't there");
        Ok(found.ok_or_else(|| self.problem(why(), BAD_TABLE))?)
    }

    /// The name that a device of the volume has after a crash.
    fn base(&mut self, device: &BlockDevice, luks: &Option<LuksId>) -> Result<Base> {
        let label = match luks {
            Some(luks) => Some(Device::Uuid(luks.to_string())),
            None => {
                let found = probe::physical_volume(self.finder.root, device);
                found.and_then(|found| Some(Device::Uuid(found.ok()?.id.into())))
            }
        };
        self.finder.base(device, self.name.as_str(), label)
    }

    /// The physical volumes on the devices of a logical volume, and their group. `uuid` is the volume's, which begins with
    /// its group's.
    fn physical_volumes(
        &self,
        devices: &[BlockDevice],
        uuid: &str,
    ) -> Result<(Vec<Option<Id>>, Option<VolumeGroup>)> {
        let (mut ids, mut states) = (Vec::new(), Vec::new());
        for device in devices {
            let found = probe::physical_volume(self.finder.root, device);
            let found = found.ok_or_else(|| {
                let why = format!("{} can't be read to find its volume group", device.name);
                self.problem(why, "check the disk")
            })?;
            let found = found
                .map_err(|error| self.problem(format!("{}: {error}", device.name), error.help()))?;
            ids.push(Some(found.id));
            states.extend(found.group.map(|group| (device, group)));
        }
        let Some((_, group)) = states.first() else {
            let why = "none of its disks has metadata of its volume group, by which it is seen after a crash whether it changed";
            let help = "give one some (`pvchange --metadataignore n`)";
            return Err(self.problem(why, help).into());
        };
        if states.iter().any(|(_, other)| other != group) {
            return Err(self.changing(disagreement(&states)).into());
        }
        let own = uuid
            .get(..32)
            .and_then(|it| Id::stored(it.as_bytes().try_into().ok()?));
        if own.as_ref() != Some(&group.id) {
            let why = format!(
                "its disks belong to another volume group, {} ({})",
                group.name, group.id
            );
            let help = "check it with `vgck` and `dmsetup table`";
            return Err(self.problem(why, help).into());
        }
        Ok((ids, Some(group.clone())))
    }
}

/// The place of a number in a list, at whose end it is put if it isn't there yet.
fn place_in(numbers: &mut Vec<Number>, number: Number) -> usize {
    let place = numbers.iter().position(|it| *it == number);
    place.unwrap_or_else(|| {
        numbers.push(number);
        numbers.len() - 1
    })
}

/// What each of the physical volumes says where they don't agree.
fn disagreement(states: &[(&BlockDevice, VolumeGroup)]) -> String {
    let each = states.iter().map(|(device, group)| {
        format!(
            "{} has {} with seqno {}",
            device.name, group.name, group.seqno
        )
    });
    let each = each.collect::<Vec<_>>().join(", ");
    format!("its disks disagree: {each}; if that stays so, run `vgck`")
}

/// What helps where the parts of a volume don't make one that a capture can set up.
fn help(error: &VolumeError) -> &'static str {
    match error {
        VolumeError::Unchecked => {
            "make it a logical volume of LVM, or name a target on a disk, a partition, or a volume in one piece"
        }
        VolumeError::Uuid(_) => "rename it (`dmsetup rename --setuuid`)",
        VolumeError::Luks => crypt::NO_KEY,
        VolumeError::Mirror => NOT_YET,
        VolumeError::Table(_) | VolumeError::Leg(..) | VolumeError::Group => BAD_TABLE,
    }
}

/// How the UUIDs of LVM's volumes begin (dm_build_dm_uuid of LVM2).
const LVM: &str = "LVM-";

const BAD_TABLE: &str = "check it with `dmsetup table`, or name another target";
const NO_SNAPSHOTS: &str = "remove its snapshots, or name another target";
const NO_THIN: &str = "name a target on a volume that isn't thin (`lvcreate` without --thin), or on a disk or partition";
const OLD_MIRROR: &str = "convert it (`lvconvert --type raid1`), or name a target on a disk, a partition, or another volume";
const NOT_NOW: &str = "if it is being rebuilt, load again once that is done (`baton crash load`), or name another target";
const NOT_YET: &str = "a capture can't assemble that yet, so name a target on a disk, a partition, or a linear, striped or mirrored volume";

/// What a volume consists of.
fn words(volume: &Volume, devices: &[BlockDevice]) -> String {
    let kind = |segment: &Segment<usize>| match segment.mirror() {
        Some(mirror) => mirror.level.name(),
        None => segment.kind(),
    };
    let mut kinds: Vec<&str> = volume.table.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let legs = volume.leg.iter().zip(devices);
    let on = legs.map(|(leg, device)| match &leg.device {
        Base::Layer(name) => name.to_string(),
        Base::Paths(_) => device
            .attribute("dm/name")
            .unwrap_or_else(|| device.name.clone()),
        Base::Device(_) => device.name.clone(),
    });
    let on = on.collect::<Vec<_>>().join(", ");
    let key = volume.keys().next();
    let key = key.map(|key| format!(", with the key {}", key.description));
    let group = volume.group.as_ref();
    let group = group.map(|it| format!(", in the volume group {} (seqno {})", it.name, it.seqno));
    format!(
        "{} is {} on {on}{}",
        volume.name,
        kinds.join(" and "),
        key.or(group).unwrap_or_default()
    )
}
