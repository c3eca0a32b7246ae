//! The malformed images, given to every tool.

use fs_err as fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use baton_formats::pe::Pe;
use baton_lab::keys::Pair;
use sha2::{Digest as _, Sha256};

use super::Tally;
use super::cases::{self, Case, Making, Outcome};
use super::image::{at, base};
use super::peers::{Bench, Digest, End, TOOLS, Tool, signed_digests};
use super::spoil::Signed;

/// Gives each image of the table to each tool.
pub fn compare(bench: &Bench, other: &Pair) -> Result<Tally> {
    let signed = signed(bench, other)?;
    let mut tally = Tally::default();
    println!("malformed images:");
    for case in cases::all() {
        let found = match case.making {
            Making::Unsigned(make) => unsigned(bench, &case, &make())?,
            Making::Signed(make) => verdicts(bench, &make(&signed))?,
        };
        tally.count(&line(&case, &found.outcomes), &problems(&case, &found));
    }
    Ok(tally)
}

/// What the tools made of an image.
struct Found {
    outcomes: [Outcome; 3],
    /// Their words where they refused.
    words: [String; 3],
    /// A tool that accepts what it shouldn't, or refuses what it shouldn't, of another tool.
    contradictions: Vec<String>,
}

fn line(case: &Case, outcomes: &[Outcome; 3]) -> String {
    let outcomes: Vec<_> = TOOLS
        .iter()
        .zip(outcomes)
        .map(|(tool, outcome)| format!("{} {}", tool.name(), outcome.words()))
        .collect();
    format!("{}: {}", case.name, outcomes.join(", "))
}

fn problems(case: &Case, found: &Found) -> Vec<String> {
    let differing = (0..TOOLS.len()).filter(|&i| !found.outcomes[i].fits(case.outcomes[i]));
    differing
        .map(|i| {
            format!(
                "{} was to be one that {} ({})",
                TOOLS[i].name(),
                case.outcomes[i].words(),
                found.words[i]
            )
        })
        .chain(found.contradictions.clone())
        .collect()
}

/// The well-formed signed images that others are made from.
fn signed(bench: &Bench, other: &Pair) -> Result<Signed> {
    let stranger = Bench {
        baton: bench.baton.clone(),
        pair: other.clone(),
        directory: bench.directory.clone(),
    };
    let sign = |bench: &Bench, bytes: &[u8]| -> Result<Vec<u8>> {
        let (image, out) = (bench.file("to-sign.efi", bytes)?, bench.path("signed.efi"));
        match bench.sign(Tool::Sbsigntool, &image, &out)? {
            End::Success => Ok(fs::read(out)?),
            end => Err(anyhow!("sbsign can't sign a well-formed image: {end:?}")),
        }
    };
    let once = sign(bench, &base())?;
    let mut changed = base();
    changed[at::HEADERS] ^= 1;
    Ok(Signed {
        untrusted_first: sign(bench, &sign(&stranger, &base())?)?,
        untrusted_last: sign(&stranger, &once)?,
        other: sign(bench, &changed)?,
        once,
    })
}

/// Each tool signs the image and verifies what it signed; then what the others signed.
fn unsigned(bench: &Bench, case: &Case, bytes: &[u8]) -> Result<Found> {
    let image = bench.file("malformed.efi", bytes)?;
    let expected = reference(bytes);
    let made = TOOLS
        .iter()
        .map(|&tool| make(bench, tool, &image, bytes))
        .collect::<Result<Vec<_>>>()?;
    let mut contradictions = Vec::new();
    // What is signed from memory beyond the file is of no meaning to others.
    let of_meaning = |made: &&Made| case.outcomes[made.tool as usize] != Outcome::Overruns;
    for one in made.iter().filter(of_meaning) {
        for other in made
            .iter()
            .filter(of_meaning)
            .filter(|m| m.tool != one.tool)
        {
            contradictions.extend(cross(bench, one, other)?);
        }
    }
    let outcome = |index: usize| made[index].outcome(expected);
    Ok(Found {
        outcomes: [outcome(0), outcome(1), outcome(2)],
        words: [0, 1, 2].map(|index| made[index].words()),
        contradictions,
    })
}

/// What a tool made of an image that isn't signed.
struct Made {
    tool: Tool,
    signed: End,
    /// The digest it signed, and whether it accepted that.
    digest: Option<Digest>,
    accepted: Option<End>,
    file: PathBuf,
}

fn make(bench: &Bench, tool: Tool, image: &Path, bytes: &[u8]) -> Result<Made> {
    let file = bench.path(&format!("{}.efi", tool.name()));
    // `baton sign` is one of many things that read PE files; what all of them go through refuses.
    let refused = match tool {
        Tool::Baton => Pe::parse(bytes).err(),
        _ => None,
    };
    let signed = match refused {
        Some(error) => End::Failure(error.to_string()),
        None => bench.sign(tool, image, &file)?,
    };
    let (mut digest, mut accepted) = (None, None);
    if signed == End::Success {
        let out = fs::read(&file).with_context(|| format!("{} signed nothing", tool.name()))?;
        digest = signed_digests(&out).pop();
        accepted = Some(bench.verify(tool, &file)?);
    }
    Ok(Made {
        tool,
        signed,
        digest,
        accepted,
        file,
    })
}

impl Made {
    fn outcome(&self, expected: Option<Digest>) -> Outcome {
        match (&self.signed, &self.accepted) {
            (End::Crash(_), _) | (_, Some(End::Crash(_))) => Outcome::Crashes,
            (End::Failure(_), _) | (End::Success, None) => Outcome::Refuses,
            (End::Success, Some(End::Failure(_))) => Outcome::Contradicts,
            (End::Success, Some(End::Success)) => {
                if self.digest.is_some() && self.digest == expected {
                    Outcome::Accepts
                } else {
                    Outcome::OtherDigest
                }
            }
        }
    }

    fn words(&self) -> String {
        match (&self.signed, &self.accepted) {
            (End::Success, Some(end)) => end.words(),
            (end, _) => end.words(),
        }
    }
}

/// A tool accepts what another signed if both sign the same digest, and only then. One that doesn't
/// take its own signature isn't asked for its opinion of others.
fn cross(bench: &Bench, verifier: &Made, signer: &Made) -> Result<Option<String>> {
    let (Some(mine), Some(theirs)) = (verifier.digest, signer.digest) else {
        return Ok(None);
    };
    if verifier.accepted != Some(End::Success) {
        return Ok(None);
    }
    let end = bench.verify(verifier.tool, &signer.file)?;
    let accepted = end == End::Success;
    Ok((accepted != (mine == theirs)).then(|| {
        format!(
            "{} {} what {} signed ({})",
            verifier.tool.name(),
            if accepted { "accepts" } else { "refuses" },
            signer.tool.name(),
            end.words()
        )
    }))
}

/// Each tool's verdict on an image that is signed.
fn verdicts(bench: &Bench, bytes: &[u8]) -> Result<Found> {
    let image = bench.file("malformed.efi", bytes)?;
    let ends = TOOLS
        .iter()
        .map(|&tool| bench.verify(tool, &image))
        .collect::<Result<Vec<_>>>()?;
    let outcome = |index: usize| match &ends[index] {
        End::Success => Outcome::Accepts,
        End::Failure(_) => Outcome::Refuses,
        End::Crash(_) => Outcome::Crashes,
    };
    Ok(Found {
        outcomes: [outcome(0), outcome(1), outcome(2)],
        words: [0, 1, 2].map(|index| ends[index].words()),
        contradictions: Vec::new(),
    })
}

/// SHA-256 of an unsigned image without `CheckSum` and the certificate table's entry, padded with
/// zeros to 8 bytes.
pub fn reference(image: &[u8]) -> Option<Digest> {
    let optional = image.get(at::E_LFANEW..at::E_LFANEW + 4)?;
    let optional = u32::from_le_bytes(optional.try_into().ok()?) as usize + 24;
    let fixed = match image.get(optional..optional + 2)? {
        [0x0b, 0x01] => 96,
        _ => 112,
    };
    let (checksum, directory) = (optional + 64, optional + fixed + 4 * 8);
    let mut hash = Sha256::new();
    hash.update(image.get(..checksum)?);
    hash.update(image.get(checksum + 4..directory)?);
    hash.update(image.get(directory + 8..)?);
    hash.update(vec![0; image.len().next_multiple_of(8) - image.len()]);
    Some(hash.finalize().into())
}
