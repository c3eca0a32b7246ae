use super::*;

/// The beginning of a member, as mdadm 4.2 and Linux 6.12 wrote it: a mirror of two, after a crash in which the other one
/// gave no answer. It is also a seed of the fuzzer.
const MEMBER: &[u8] = include_bytes!("../../../../fuzz/corpus/md/member-0");
/// The other one.
const STALE: &[u8] = include_bytes!("../../../../fuzz/corpus/md/member-1");

/// Where the superblock begins there.
const AT: usize = 4096;

fn read(bytes: &[u8]) -> Result<Member, MdError> {
    member(&bytes.to_vec())
}

/// The superblock in another place, which it names.
fn moved(to: usize, size: usize) -> Vec<u8> {
    let mut block = MEMBER[AT..AT + 512].to_vec();
    block[144..152].copy_from_slice(&(to as u64 / SECTOR).to_le_bytes());
    seal(&mut block);
    let mut disk = vec![0; size];
    disk[to..to + 512].copy_from_slice(&block);
    disk
}

fn seal(block: &mut [u8]) {
    let sum = checksum(block).to_le_bytes();
    block[216..220].copy_from_slice(&sum);
}

#[test]
fn a_member_names_its_array_and_what_it_and_the_others_are() {
    let (member, stale) = (read(MEMBER).unwrap(), read(STALE).unwrap());
    assert_eq!(member.version, Minor::Behind);
    assert_eq!(member.level, 1);
    assert_eq!(member.array, stale.array);
    assert_eq!((member.number, stale.number), (0, 1));
    assert_eq!(member.role(), Some(Role::Active(0)));
    assert_eq!(stale.role(), Some(Role::Active(1)), "it doesn't know");
    // What isn't there is a spare to the kernel (super_1_sync).
    assert_eq!(member.role_of(1), Some(Role::Spare));
    assert!(stale.events + 1 < member.events, "{stale:?} {member:?}");
    assert_eq!(member.role_of(u32::MAX), None);
}

#[test]
fn a_superblock_is_found_at_the_beginning_behind_it_and_at_the_end() {
    for (to, size, version) in [
        (0, 16 << 10, Minor::Beginning),
        (4096, 16 << 10, Minor::Behind),
        // 8 KiB before the end, and at a multiple of 4 KiB (super_1_load).
        (8 << 10, 16 << 10, Minor::End),
        (8 << 10, (20 << 10) - 512, Minor::End),
    ] {
        let found = read(&moved(to, size)).unwrap();
        assert_eq!(found.version, version, "{to} of {size}");
    }
    // What was copied to another place isn't one.
    let mut copied = moved(0, 16 << 10);
    copied.copy_within(0..512, 4096);
    copied[..512].fill(0);
    assert_eq!(read(&copied), Err(MdError::None));
}

#[test]
fn a_superblock_that_was_altered_or_cut_off_is_refused() {
    for at in [AT + 16, AT + 72, AT + 200, AT + 216, AT + 256, AT + 511] {
        let mut disk = MEMBER.to_vec();
        disk[at] ^= 1;
        assert_eq!(read(&disk), Err(MdError::Damaged), "{at}");
    }
    for length in 0..AT + 512 {
        let found = read(&MEMBER[..length]);
        let wanted = if length < AT + 256 {
            MdError::None
        } else {
            MdError::Damaged
        };
        assert_eq!(found, Err(wanted), "{length}");
    }
    assert!(read(&MEMBER[..AT + 512]).is_ok());
    assert_eq!(read(&[]), Err(MdError::None));
    assert_eq!(read(&vec![0; 16 << 10]), Err(MdError::None));
}

#[test]
fn more_roles_than_there_is_room_for_are_refused() {
    for count in [1921, u32::MAX] {
        let mut disk = MEMBER.to_vec();
        disk.resize(1 << 20, 0);
        disk[AT + 220..AT + 224].copy_from_slice(&count.to_le_bytes());
        assert_eq!(read(&disk), Err(MdError::Damaged));
    }
}

#[test]
fn each_role_is_told_from_the_others() {
    let roles = [0, 1, 0xfffd, 0xfffe, 0xffff].map(Role::from);
    assert_eq!(
        roles,
        [
            Role::Active(0),
            Role::Active(1),
            Role::Journal,
            Role::Faulty,
            Role::Spare
        ]
    );
}

#[test]
fn an_identifier_is_written_in_one_way() {
    let id = "3b1f2d4c-5e6f-7081-92a3-b4c5d6e7f809";
    assert_eq!(ArrayId::try_from(id.to_owned()).unwrap().to_string(), id);
    for bad in ["", "3b1f", &id.replace('-', ":"), &id.to_uppercase()] {
        assert!(ArrayId::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}

/// A disk that is there and gives no answer.
struct Silent;

impl Source for Silent {
    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(5))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(1 << 30)
    }
}

#[test]
fn a_disk_that_gives_no_answer_is_not_taken_for_one_without_a_superblock() {
    assert_eq!(member(&Silent), Err(MdError::Unreadable));
}
