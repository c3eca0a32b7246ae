//! `baton verify`: what an image and its signatures are worth, by the gate's own code.

mod anchors;
mod judge;
mod report;
mod signature;

use crate::cli::VerifyArgs;
use crate::failure::{Failure, Result};
use crate::kind::Kind;
use crate::load::inputs::Inputs;
use crate::output::json;
use anchors::Anchors;
use baton_formats::handover::Handover;
use judge::Question;
use report::Report;

/// Carries out the command.
///
/// # Errors
/// Why the image is refused.
pub fn run(args: &VerifyArgs) -> Result<()> {
    let mut inputs = Inputs::read(&args.image, &args.with, None, args.crash)?;
    inputs.crash |= Handover::parse(&inputs.kernel.bytes).is_ok_and(|saved| saved.is_crash());
    let anchors = Anchors::read(args)?;
    let trust = anchors.trust()?;
    let question = Question {
        args,
        kind: Kind::of(&inputs.kernel.bytes),
        inputs: &inputs,
        anchors: &anchors,
        trust: &trust,
    };
    let verdict = question.answer();
    let report = Report::new(&question, &verdict);
    let is_reported = match (&verdict, args.json) {
        (_, true) => {
            json::print(&report);
            true
        }
        (Ok(verdict), false) => {
            report.print(verdict, &anchors);
            true
        }
        (Err(_), false) => false,
    };
    verdict.map(drop).map_err(|failure| Failure {
        is_reported,
        ..failure
    })
}
