//! What a crash may have done to the kernel's own data, done to the cores of real kernels (`cores`). The
//! dump is written all the same, and whatever is in it is what the core has there.
//!
//!     cargo test --release -p baton-kdump --test lies -- --ignored --nocapture

mod cores;

use baton_kdump::compare::compare;
use baton_kdump::convert::Summary;
use baton_kdump::{Dump, Source};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// A file that reads otherwise in some places.
struct Lying {
    file: File,
    lies: Vec<Lie>,
}

/// Where, and what stands there.
type Lie = (u64, Vec<u8>);

impl Source for Lying {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, buffer)?;
        let end = offset + buffer.len() as u64;
        for (at, bytes) in &self.lies {
            let from = offset.max(*at);
            let to = end.min(at + bytes.len() as u64);
            if from < to {
                let part = |start: u64| usize::try_from(from - start).unwrap();
                let length = usize::try_from(to - from).unwrap();
                buffer[part(offset)..part(offset) + length]
                    .copy_from_slice(&bytes[part(*at)..part(*at) + length]);
            }
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

/// A core, and what was done to it.
struct Core {
    path: PathBuf,
    honest: Dump,
    scratch: TempDir,
}

impl Core {
    fn each() -> Vec<Core> {
        let core = |path: PathBuf| Core {
            honest: cores::open(&path),
            path,
            scratch: tempfile::tempdir().unwrap(),
        };
        cores::all().into_iter().map(core).collect()
    }

    /// Where a physical address is in the file: the kernel's image is there twice.
    fn offsets(&self, address: u64) -> Vec<u64> {
        let segments = self.honest.segments().iter();
        let held = segments.filter(|it| {
            it.kind == 1
                && (it.physical_address..it.physical_address + it.file_size).contains(&address)
        });
        let found: Vec<u64> = held
            .map(|it| it.offset + (address - it.physical_address))
            .collect();
        assert!(!found.is_empty(), "{address:#x} is not in the file");
        found
    }

    fn physical(&self, address: u64) -> u64 {
        let kernel = self.honest.kernel().unwrap();
        kernel.translate(address).unwrap().physical
    }

    /// These bytes instead of those at a virtual address.
    fn lie(&self, address: u64, bytes: &[u8]) -> Vec<Lie> {
        let offsets = self.offsets(self.physical(address));
        offsets.into_iter().map(|it| (it, bytes.to_vec())).collect()
    }

    fn long(&self, address: u64) -> u64 {
        self.honest.kernel().unwrap().u64(address).unwrap()
    }

    /// Writes a dump of the core with these lies, which must hold nothing that isn't there.
    fn dump(&self, what: &str, lies: Vec<Lie>) -> Summary {
        let file = File::open(&self.path).unwrap();
        let source = Arc::new(Lying { file, lies });
        let lying = Dump::from_source(&self.path, source).unwrap();
        let written = self.scratch.path().join("dump");
        let summary = cores::write(&lying, 31, &written);
        let dump = cores::open(&written);
        std::fs::remove_file(&written).unwrap();
        let found = compare(&lying, &dump, 4096);
        assert!(found.agrees(), "{what}: {found}");
        assert!(found.same > 0, "{what}: {found}");
        let warnings = summary.warnings.iter().map(ToString::to_string);
        let warnings = warnings.collect::<Vec<_>>().join("; ");
        println!("{}: {what}: {found}; {warnings}", self.path.display());
        summary
    }
}

#[test]
#[ignore = "needs the cores of real kernels"]
fn a_vmcoreinfo_that_lies_in_any_line_gives_a_dump() {
    for core in Core::each() {
        let notes = std::fs::read(&core.path).unwrap();
        let start = notes
            .windows(10)
            .position(|it| it == b"OSRELEASE=")
            .unwrap();
        let text = &notes[start..start + 8192];
        let text = &text[..text.iter().position(|it| *it == 0).unwrap()];
        let mut at = start;
        for (number, line) in text.split_inclusive(|it| *it == b'\n').enumerate() {
            let value = line
                .iter()
                .position(|it| *it == b'=')
                .map_or(0, |it| it + 1);
            let length = line.len() - value - 1;
            // Each line one lie: every dump is read as a whole.
            let digit = b"07f- "[number % 5];
            let name = String::from_utf8_lossy(&line[..value]);
            let what = format!("{name}{}", char::from(digit));
            core.dump(&what, vec![((at + value) as u64, vec![digit; length])]);
            at += line.len();
        }
    }
}

#[test]
#[ignore = "needs the cores of real kernels"]
fn page_tables_that_lead_anywhere_give_a_dump_of_everything() {
    for core in Core::each() {
        let info = core.honest.vmcoreinfo().unwrap();
        let top = info.symbol("init_top_pgt").unwrap();
        // Present and writable, to themselves: a circle of four levels.
        let circle = (core.physical(top) | 3).to_le_bytes().repeat(512);
        let beyond = (0x000f_ffff_ffff_f000u64 | 3).to_le_bytes().repeat(512);
        for (what, table) in [
            ("no tables", vec![0; 4096]),
            ("tables that lead to themselves", circle),
            ("tables that lead out of memory", beyond),
            ("tables of ones", vec![0xff; 4096]),
        ] {
            let summary = core.dump(what, core.lie(top, &table));
            assert!(!summary.warnings.is_empty(), "{what}: no warning is given");
            let pages = &summary.pages;
            assert_eq!(pages.dumped, pages.present, "{what}");
        }
    }
}

#[test]
#[ignore = "needs the cores of real kernels"]
fn sections_and_heads_and_logs_that_lead_in_circles_give_a_dump() {
    for core in Core::each() {
        let info = core.honest.vmcoreinfo().unwrap();
        let roots = info.symbol("mem_section").unwrap();
        let table = core.long(roots);
        let circle = |address: u64| (address | 0xf).to_le_bytes().repeat(512);
        for (what, address, bytes) in [
            ("no sections", roots, vec![0; 4096]),
            ("sections in circles", roots, circle(roots)),
            ("sections that are themselves", table, circle(table)),
        ] {
            core.dump(what, core.lie(address, &bytes));
        }

        // Every page's struct says that it is a tail, and another tail its head.
        let map = core.long(table) & !0x3f;
        let words = (1 << 15) * info.size("page").unwrap() / 8;
        let first = info.size("page").unwrap() * 4096;
        for (what, link) in [
            ("tails whose head is a tail", (map + 64) | 1),
            ("heads beyond all memory", u64::MAX),
        ] {
            let bytes = link
                .to_le_bytes()
                .repeat(usize::try_from(words / 8).unwrap());
            core.dump(what, core.lie(map + first, &bytes));
        }

        let ring = core.long(info.symbol("prb").unwrap());
        for (what, bytes) in [
            ("a log whose ring is ones", vec![0xff; 80]),
            (
                "a log whose ring leads to itself",
                ring.to_le_bytes().repeat(10),
            ),
        ] {
            core.dump(what, core.lie(ring, &bytes));
        }
    }
}

#[test]
#[ignore = "needs the cores of real kernels"]
fn symbols_and_structures_and_lists_of_cpus_that_lead_anywhere_give_a_dump() {
    for core in Core::each() {
        let info = core.honest.vmcoreinfo().unwrap();
        let kernel = core.honest.kernel().unwrap();
        let names = ["__start_BTF", "__per_cpu_offset", "nr_cpu_ids"];
        let found = baton_kdump::kallsyms::find(&kernel, info, names).unwrap();
        let [btf, offsets, cpus] = found.map(|it| it.unwrap());
        let of = |name| info.symbol(name).unwrap();
        let ones = || vec![0xff; 4096];
        let random: Vec<u8> = (0..4096u32)
            .map(|it| (it.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
            .collect();
        for (what, address, bytes, is_told) in [
            ("names of ones", of("kallsyms_names"), ones(), true),
            ("names of zeros", of("kallsyms_names"), vec![0; 4096], true),
            ("random names", of("kallsyms_names"), random.clone(), true),
            (
                "too many symbols",
                of("kallsyms_num_syms"),
                vec![0xff; 4],
                true,
            ),
            ("tokens of ones", of("kallsyms_token_index"), ones(), true),
            ("BTF of zeros", btf, vec![0; 4096], true),
            ("BTF of ones", btf, ones(), true),
            (
                "BTF of which types are random",
                btf + 24,
                random.clone(),
                true,
            ),
            ("BTF of the largest length", btf + 4, vec![0xff; 20], true),
            ("no CPUs", cpus, vec![0; 4], true),
            ("too many CPUs", cpus, vec![0xff; 4], true),
            ("as many CPUs as can be", cpus, vec![0, 0x20, 0, 0], false),
            ("CPUs whose data are nowhere", offsets, ones(), true),
            (
                "CPUs whose data are in the image",
                offsets,
                btf.to_le_bytes().to_vec(),
                false,
            ),
        ] {
            let summary = core.dump(what, core.lie(address, &bytes));
            println!("{what}: {:?}", summary.warnings);
            assert!(!is_told || !summary.warnings.is_empty(), "{what}");
        }
    }
}
