//! The device mapper, asked and told through its control device (include/uapi/linux/dm-ioctl.h).

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::str::FromStr;

/// The control device; `/dev` has it while the driver is there.
pub const CONTROL: &str = "/dev/mapper/control";

/// Numbers of ioctls.
const DEV_CREATE: u32 = 3;
const DEV_REMOVE: u32 = 4;
const DEV_SUSPEND: u32 = 6;
const TABLE_LOAD: u32 = 9;
const TABLE_STATUS: u32 = 12;
const TARGET_MSG: u32 = 14;

/// The version of the interface that is spoken here (major, minor, patch). Kernels refuse another major one.
const VERSION: [u32; 3] = [4, 0, 0];

/// `DM_SUSPEND_FLAG`, `DM_STATUS_TABLE_FLAG`, `DM_INACTIVE_PRESENT_FLAG`, `DM_BUFFER_FULL_FLAG`, `DM_NOFLUSH_FLAG`, and
/// `DM_SECURE_DATA_FLAG`, by which the kernel wipes its copies
const SUSPENDED: u32 = 1 << 1;
const AS_TABLE: u32 = 1 << 4;
const ANOTHER_IS_LOADED: u32 = 1 << 6;
const BUFFER_FULL: u32 = 1 << 8;
const NO_FLUSH: u32 = 1 << 11;
const SECURE_DATA: u32 = 1 << 15;

/// The sizes of `struct dm_ioctl` and of `struct dm_target_spec`.
const HEADER: usize = HEADER_LENGTH as usize;
const HEADER_LENGTH: u32 = 312;
const SPEC: usize = 40;

/// The offsets of fields of `struct dm_ioctl`, and the lengths of its texts without their last zero byte.
const DATA_SIZE: usize = 12;
const DATA_START: usize = 16;
const TARGET_COUNT: usize = 20;
const FLAGS: usize = 28;
const DEV: usize = 40;
const NAME: usize = 48;
const NAME_LENGTH: usize = 127;
const UUID: usize = 176;
const UUID_LENGTH: usize = 128;

/// How much memory a table may take; those of volumes in thousands of pieces take 100 KiB.
const FIRST_BUFFER: usize = 16 << 10;
const LARGEST_BUFFER: usize = 4 << 20;

/// A part of a table: what a range of the volume consists of. Lengths count sectors of 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The first sector.
    pub start: u64,
    /// How many sectors.
    pub length: u64,
    /// The type, such as `linear`.
    pub kind: String,
    /// What the type needs to know.
    pub parameters: String,
}

/// A text isn't a part of a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no segment of a table")]
pub struct NotATarget(String);

impl FromStr for Target {
    type Err = NotATarget;

    /// A part as `dmsetup table` prints it: `START LENGTH TYPE [PARAMETERS]`.
    fn from_str(text: &str) -> Result<Target, NotATarget> {
        // The kernel prints no signs, and a number with one isn't read as one without.
        let number = |word: &str| {
            let is_plain = word.bytes().all(|byte| byte.is_ascii_digit());
            word.parse().ok().filter(|_| is_plain)
        };
        let target = || {
            let mut words = text.splitn(4, ' ');
            Some(Target {
                start: number(words.next()?)?,
                length: number(words.next()?)?,
                kind: words.next()?.to_owned(),
                parameters: words.next().unwrap_or_default().to_owned(),
            })
        };
        target().ok_or_else(|| NotATarget(text.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target {
            start,
            length,
            kind,
            parameters,
        } = self;
        write!(f, "{start} {length} {kind}")?;
        if parameters.is_empty() {
            return Ok(());
        }
        write!(f, " {parameters}")
    }
}

/// A volume's table, and what state it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table.
    pub targets: Vec<Target>,
    /// Whether the volume is suspended, as while its table is exchanged.
    pub is_suspended: bool,
    /// Whether another table is loaded, which takes this one's place when the volume is resumed.
    pub is_to_change: bool,
}

/// The control device.
#[derive(Debug)]
pub struct Control(File);

impl Control {
    /// Opens it.
    ///
    /// # Errors
    /// When it isn't there, or may not be opened.
    pub fn open() -> io::Result<Control> {
        let opened = OpenOptions::new().read(true).write(true).open(CONTROL);
        opened.map(Control)
    }

    /// The table of the volume with these numbers. A key that is in it is left out ([`WITHOUT_KEY`]).
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn table(&self, number: (u32, u32)) -> io::Result<Table> {
        let mut size = FIRST_BUFFER;
        loop {
            let mut request = request(size, AS_TABLE | NO_FLUSH | SECURE_DATA)?;
            put(&mut request, DEV, &encoded(number).to_le_bytes());
            self.call(TABLE_STATUS, &mut request)?;
            if number_at(&request, FLAGS)? & BUFFER_FULL == 0 {
                let table = parse_table(&request);
                wipe(&mut request);
                return table;
            }
            wipe(&mut request);
            size *= 4;
            if size > LARGEST_BUFFER {
                return Err(io::Error::other("its table is too long"));
            }
        }
    }

    /// Makes a volume, which has no table yet. Returns its numbers.
    ///
    /// # Errors
    /// The error of the kernel, also if there is a volume of this name or UUID.
    pub fn create(&self, name: &str, uuid: &str) -> io::Result<(u32, u32)> {
        let mut request = named(name, HEADER, 0)?;
        put_text(&mut request, UUID, UUID_LENGTH, uuid)?;
        self.call(DEV_CREATE, &mut request)?;
        let dev = array(&request, DEV).map(u64::from_le_bytes);
        dev.and_then(decoded).ok_or_else(malformed)
    }

    /// Loads a table, which is used once the volume is resumed.
    ///
    /// # Errors
    /// The error of the kernel; its log says more.
    pub fn load(&self, name: &str, targets: &[Target]) -> io::Result<()> {
        self.call(TABLE_LOAD, &mut load_request(name, targets)?)
    }

    /// Resumes a volume.
    ///
    /// # Errors
    /// The error of the kernel.
    pub fn resume(&self, name: &str) -> io::Result<()> {
        // Without DM_SUSPEND_FLAG the same ioctl resumes.
        self.call(DEV_SUSPEND, &mut named(name, HEADER, 0)?)
    }

    /// Sends a message to the segment at a volume's beginning.
    ///
    /// # Errors
    /// The error of the kernel, also if that type takes no such message.
    pub fn message(&self, name: &str, message: &str) -> io::Result<()> {
        // struct dm_target_msg: the sector, and the text with a zero byte
        let mut request = named(name, HEADER + 8 + message.len() + 1, 0)?;
        put_text(&mut request, HEADER + 8, message.len(), message)?;
        self.call(TARGET_MSG, &mut request)
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// The error of the kernel, also if the volume is in use.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        self.call(DEV_REMOVE, &mut named(name, HEADER, 0)?)
    }

    fn call(&self, number: u32, request: &mut [u8]) -> io::Result<()> {
        let size = usize::try_from(number_at(request, DATA_SIZE)?).unwrap_or(usize::MAX);
        if size > request.len() || request.len() < HEADER {
            return Err(malformed());
        }
        // DM_IOCTL: _IOWR(0xfd, number, struct dm_ioctl)
        let code = (3_u32 << 30) | (HEADER_LENGTH << 16) | (0xfd << 8) | number;
        // SAFETY: these ioctls read and write as many bytes as data_size says, and no fewer than a struct dm_ioctl has;
        // both were just found to lie in the buffer, which nobody else uses during the call.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), code as _, request.as_mut_ptr()) };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the device mapper's answer makes no sense",
    )
}

fn request(size: usize, flags: u32) -> io::Result<Vec<u8>> {
    let mut request = vec![0; size.max(HEADER)];
    let number = |it: usize| u32::try_from(it).map_err(io::Error::other);
    let size = number(request.len())?;
    for (at, version) in [0, 4, 8].into_iter().zip(VERSION) {
        put(&mut request, at, &version.to_le_bytes());
    }
    put(&mut request, DATA_SIZE, &size.to_le_bytes());
    put(&mut request, DATA_START, &number(HEADER)?.to_le_bytes());
    put(&mut request, FLAGS, &flags.to_le_bytes());
    Ok(request)
}

fn named(name: &str, size: usize, flags: u32) -> io::Result<Vec<u8>> {
    let mut request = request(size, flags)?;
    put_text(&mut request, NAME, NAME_LENGTH, name)?;
    Ok(request)
}

/// Each `struct dm_target_spec` (sector_start at 0, length at 8, status at 16, next at 20, target_type at 24) is
/// followed by its parameters, which end with a zero byte; `next` is the distance to the one that follows.
fn load_request(name: &str, targets: &[Target]) -> io::Result<Vec<u8>> {
    let mut specs = Vec::new();
    for target in targets {
        let length = SPEC + target.parameters.len() + 1;
        let next = length.next_multiple_of(8);
        let mut spec = vec![0; next];
        put(&mut spec, 0, &target.start.to_le_bytes());
        put(&mut spec, 8, &target.length.to_le_bytes());
        let distance = u32::try_from(next).map_err(io::Error::other)?;
        put(&mut spec, 20, &distance.to_le_bytes());
        put_text(&mut spec, 24, 15, &target.kind)?;
        put_text(&mut spec, SPEC, target.parameters.len(), &target.parameters)?;
        specs.extend(spec);
    }
    let mut request = named(name, HEADER + specs.len(), 0)?;
    put(&mut request, HEADER, &specs);
    let count = u32::try_from(targets.len()).map_err(io::Error::other)?;
    put(&mut request, TARGET_COUNT, &count.to_le_bytes());
    Ok(request)
}

/// In an answer, `next` is the distance from the first `struct dm_target_spec` to the one that follows.
fn parse_table(answer: &[u8]) -> io::Result<Table> {
    let flags = number_at(answer, FLAGS)?;
    let begin = usize::try_from(number_at(answer, DATA_START)?).unwrap_or(usize::MAX);
    let specs = answer.get(begin..).ok_or_else(malformed)?;
    let mut targets = Vec::new();
    let mut at = 0;
    for _ in 0..number_at(answer, TARGET_COUNT)? {
        let (target, next) = parse_target(specs, at).ok_or_else(malformed)?;
        targets.push(target);
        at = next;
    }
    Ok(Table {
        targets,
        is_suspended: flags & SUSPENDED != 0,
        is_to_change: flags & ANOTHER_IS_LOADED != 0,
    })
}

fn parse_target(specs: &[u8], at: usize) -> Option<(Target, usize)> {
    let spec = specs.get(at..)?;
    let kind = text(spec.get(24..SPEC)?)?;
    let parameters = terminated(spec.get(SPEC..)?)?;
    let target = Target {
        start: u64::from_le_bytes(array(spec, 0)?),
        length: u64::from_le_bytes(array(spec, 8)?),
        parameters: match kind.as_str() {
            "crypt" => without_key(parameters),
            _ => parameters.to_owned(),
        },
        kind,
    };
    let next = u32::from_le_bytes(array(spec, 20)?);
    Some((target, usize::try_from(next).ok()?))
}

/// What stands for a key in a table.
pub const WITHOUT_KEY: &str = "-";

/// The parameters of dm-crypt, whose second word is the key in hexadecimal digits, or the name of one in a keyring, which
/// begins with a colon (crypt_status of drivers/md/dm-crypt.c).
fn without_key(parameters: &str) -> String {
    let words = parameters.split(' ').enumerate();
    let shown = words.map(|(at, word)| match at {
        1 if !word.starts_with(':') => WITHOUT_KEY,
        _ => word,
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Overwrites what may have had a key in it.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // Otherwise nothing would read it any more, and the compiler might leave it as it was.
    std::hint::black_box(bytes);
}

/// A text up to its zero byte, which must be there.
fn text(bytes: &[u8]) -> Option<String> {
    terminated(bytes).map(str::to_owned)
}

fn terminated(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    std::str::from_utf8(bytes.get(..end)?).ok()
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(field) = bytes.get_mut(at..at + value.len()) {
        field.copy_from_slice(value);
    }
}

fn put_text(bytes: &mut [u8], at: usize, longest: usize, text: &str) -> io::Result<()> {
    if text.len() > longest || text.contains('\0') {
        let why = format!("the device mapper doesn't take \"{text}\"");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    put(bytes, at, text.as_bytes());
    Ok(())
}

fn number_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    let number = array(bytes, at).map(u32::from_le_bytes);
    number.ok_or_else(malformed)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// huge_encode_dev of include/linux/kdev_t.h: 12 bits of the major number, between two parts of the minor one.
fn encoded((major, minor): (u32, u32)) -> u64 {
    u64::from((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12))
}

fn decoded(dev: u64) -> Option<(u32, u32)> {
    let dev = u32::try_from(dev).ok()?;
    Some(((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xf_ff00)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(start: u64, length: u64, kind: &str, parameters: &str) -> Target {
        Target {
            start,
            length,
            kind: kind.into(),
            parameters: parameters.into(),
        }
    }

    /// As the kernel would answer with what was loaded.
    fn answered(targets: &[Target], flags: u32) -> Vec<u8> {
        let mut answer = load_request("x", targets).unwrap();
        put(&mut answer, FLAGS, &flags.to_le_bytes());
        // Distances count from the first there.
        let mut at = 0;
        for _ in targets {
            let field = HEADER + at + 20;
            at += number_at(&answer, field).unwrap() as usize;
            let next = u32::try_from(at).unwrap().to_le_bytes();
            put(&mut answer, field, &next);
        }
        answer
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let targets = [
            target(0, 122_880, "linear", "8:16 2048"),
            target(122_880, 80, "striped", "2 128 8:16 124928 8:32 2048"),
        ];
        let table = parse_table(&answered(&targets, 0)).unwrap();
        assert_eq!(table.targets, targets);
        assert!(!table.is_suspended && !table.is_to_change);
        let table = parse_table(&answered(&targets, SUSPENDED | ANOTHER_IS_LOADED)).unwrap();
        assert!(table.is_suspended && table.is_to_change);
    }

    #[test]
    fn a_key_in_a_table_is_left_out_and_the_name_of_one_is_not() {
        for (kernels, read) in [
            (
                "aes-xts-plain64 00112233 0 8:16 32768",
                "aes-xts-plain64 - 0 8:16 32768",
            ),
            (
                "aes-xts-plain64 :64:logon:cryptsetup:x 0 8:16 32768 1 allow_discards",
                "aes-xts-plain64 :64:logon:cryptsetup:x 0 8:16 32768 1 allow_discards",
            ),
            ("00112233", "00112233"),
        ] {
            let table = parse_table(&answered(&[target(0, 8, "crypt", kernels)], 0)).unwrap();
            assert_eq!(table.targets, [target(0, 8, "crypt", read)]);
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_is_no_table() {
        let answer = answered(&[target(0, 8, "linear", "8:16 2048")], 0);
        let end = HEADER + SPEC + "8:16 2048".len() + 1;
        for length in 0..end {
            assert!(parse_table(&answer[..length]).is_err(), "{length}");
        }
        assert!(parse_table(&answer[..end]).is_ok());
    }

    #[test]
    fn names_that_the_interface_has_no_room_for_are_refused() {
        assert!(named(&"n".repeat(127), HEADER, 0).is_ok());
        for bad in ["n".repeat(128), "a\0b".into()] {
            assert!(named(&bad, HEADER, 0).is_err());
        }
        assert!(load_request("x", &[target(0, 1, "sixteen-letters-", "")]).is_err());
    }

    #[test]
    fn numbers_of_devices_are_packed_as_the_kernel_packs_them() {
        assert_eq!(encoded((253, 3)), 0xfd03);
        for number in [(253, 3), (259, 300), (0xfff, 0xf_ffff)] {
            assert_eq!(decoded(encoded(number)), Some(number));
        }
    }

    #[test]
    fn a_part_of_a_table_is_read_as_it_is_printed() {
        for text in ["0 8 error", "0 122880 linear 8:16 2048", "8 8 x a  b "] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
        }
        for bad in [
            "",
            "0",
            "0 8",
            "x 8 linear",
            "0 -8 linear",
            "+0 8 linear",
            " 0 8 linear",
        ] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
