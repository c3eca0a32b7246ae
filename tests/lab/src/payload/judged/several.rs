//! One PKCS#7 message with two signers, which no tool at hand makes of a PE image: the messages of two signatures of the
//! same image, joined.

use anyhow::{Context, Result, bail};

/// The first image, with the second one's signer beside its own.
pub fn join(first: &[u8], second: &[u8]) -> Result<Vec<u8>> {
    let (begin, message) = pkcs7(first)?;
    let (_, other) = pkcs7(second)?;
    let (mut fields, others) = (signed_data(message)?, signed_data(other)?);
    // version, digestAlgorithms, contentInfo, [0] certificates, signerInfos (RFC 2315, 9.1)
    for place in [3, 4] {
        let (_, more) = others.get(place).context("no such field")?;
        let (_, contents) = fields.get_mut(place).context("no such field")?;
        contents.extend(more);
    }
    let fields: Vec<u8> = fields
        .iter()
        .flat_map(|(tag, contents)| element(*tag, contents))
        .collect();
    let id = element(6, b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02");
    let message = element(0x30, &[id, element(0xa0, &element(0x30, &fields))].concat());
    with_table(first, begin, &message)
}

/// The image with this certificate table's contents from there on ("PE Format").
fn with_table(image: &[u8], begin: usize, message: &[u8]) -> Result<Vec<u8>> {
    let mut image = image.get(..begin).context("a short image")?.to_vec();
    let len = (8 + message.len()).next_multiple_of(8);
    let size = u32::try_from(len)?.to_le_bytes();
    image.extend(size);
    image.extend([0, 2, 2, 0]);
    image.extend(message);
    image.resize(begin + len, 0);
    let directory = number(&image, 0x3c)? + 24 + 112 + 4 * 8 + 4;
    image
        .get_mut(directory..directory + 4)
        .context("a short image")?
        .copy_from_slice(&size);
    Ok(image)
}

/// Where the certificate table begins, and its first PKCS#7 message.
fn pkcs7(image: &[u8]) -> Result<(usize, &[u8])> {
    let begin = number(image, number(image, 0x3c)? + 24 + 112 + 4 * 8)?;
    let (_, message, _) = split(image.get(begin + 8..).context("no signature")?)?;
    Ok((begin, message))
}

/// The fields of SignedData.
fn signed_data(content_info: &[u8]) -> Result<Vec<(u8, Vec<u8>)>> {
    let (_, _, rest) = split(content_info)?;
    let (_, explicit, _) = split(rest)?;
    let (_, mut rest, _) = split(explicit)?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (tag, contents, after) = split(rest)?;
        fields.push((tag, contents.to_vec()));
        rest = after;
    }
    Ok(fields)
}

/// Tag and contents of the first element, and what follows.
fn split(der: &[u8]) -> Result<(u8, &[u8], &[u8])> {
    let (len, begin) = match der {
        [_, len @ 0..=0x7f, ..] => (usize::from(*len), 2),
        [_, 0x81, len, ..] => (usize::from(*len), 3),
        [_, 0x82, high, low, ..] => (usize::from(*high) << 8 | usize::from(*low), 4),
        _ => bail!("an element of another length"),
    };
    let contents = der.get(begin..begin + len).context("a short element")?;
    let after = der.get(begin + len..).unwrap_or_default();
    Ok((*der.first().context("no element")?, contents, after))
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let len = u16::try_from(contents.len()).unwrap_or(u16::MAX);
    let [high, low] = len.to_be_bytes();
    let mut element = match len {
        0..=0x7f => vec![tag, low],
        0x80..=0xff => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    element.extend(contents);
    element
}

fn number(image: &[u8], at: usize) -> Result<usize> {
    let bytes = image.get(at..at + 4).context("a short image")?;
    Ok(usize::try_from(u32::from_le_bytes(bytes.try_into()?))?)
}
