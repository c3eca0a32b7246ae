//! From the files to the verdict, and to what is said of it.

use super::anchors::Anchors;
use super::args::VerifyArgs;
use super::judge::Question;
use super::report::Report;
use crate::failure::Result;
use crate::handover::inputs::Inputs;
use crate::output::json;
use baton_formats::handover::Handover;

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
        inputs: &inputs,
        anchors: &anchors,
        trust: &trust,
    };
    let verdict = question.answer();
    let report = Report::new(&question, &verdict);
    match (&verdict, args.json) {
        (_, true) => json::print(&report),
        (Ok(verdict), false) => report.print(verdict, &anchors),
        (Err(_), false) => report.print_refused(),
    }
    verdict
        .map(drop)
        .map_err(|failure| failure.reported_if(args.json))
}
