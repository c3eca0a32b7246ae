//! A handover has one form only: whatever is accepted is what the writer makes of its contents.
#![no_main]

use baton_formats::handover::{FLAG_CRASH, Handover, Layout, PlannedRecord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|blob: &[u8]| {
    let Ok(handover) = Handover::parse(blob) else {
        return;
    };
    let records: Vec<_> = handover.records().collect();
    let plan: Vec<_> = records
        .iter()
        .map(|record| PlannedRecord {
            kind: record.kind,
            length: record.bytes.len() as u64,
            digest: record.digest,
            subject: record.subject().unwrap_or(0),
        })
        .collect();
    let flags = if handover.is_crash() { FLAG_CRASH } else { 0 };
    let layout = Layout::plan(&plan, flags).unwrap();
    let layout = layout.with_profile(handover.profile());
    let mut again = vec![0; layout.total_len() as usize];
    again[..4096].copy_from_slice(&layout.header_page());
    for record in &records {
        let begin = layout.offset(record.index).unwrap() as usize;
        again[begin..begin + record.bytes.len()].copy_from_slice(record.bytes);
    }
    assert!(again == blob);
    for signature in handover.signatures() {
        let subject = signature.subject().unwrap();
        assert_eq!(handover.signature_of(subject), Some(signature));
        assert!(subject < signature.index);
    }
    if let Some(range) = handover.initrd_range() {
        assert!(range.end <= blob.len());
    }
});
