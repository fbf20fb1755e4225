//! The command line: arguments to a plan, a plan to one command; the only place that prints or exits.

mod arguments;
mod calibrate;
mod concentration;
mod fetch;
mod help;
mod indicators;
mod ingest;
mod inspect;
mod marginals;
mod pace;
mod panel;
mod remote;
mod run;
mod study;
mod sweep;
mod synth;
mod talk;
mod uncertainty;
mod verify;
mod verify_result;
mod verify_sweep;

use std::process::ExitCode;

use crate::arguments::Command;
use reorient_app::Failure;

/// An ingest takes a seventh less time with it, other commands a few percent more (docs/performance.md). HiGHS keeps its own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = help::parse();
    talk::start(&arguments.talk);
    let done = reorient_app::contain(|| match &arguments.command {
        Command::Run(run) => run::run(run, &arguments.talk),
        Command::Frontier(study) => study::frontier(study, &arguments.talk),
        Command::Explain(study) => study::explain(study, &arguments.talk),
        Command::Sensitivity(study) => study::sensitivity(study, &arguments.talk),
        Command::Schema(schema) => study::schema(schema),
        Command::Sweep(sweep) => sweep::sweep(sweep, &arguments.talk),
        Command::Indicators(indicators) => indicators::indicators(indicators, &arguments.talk),
        Command::Ingest(ingest) => ingest::ingest(ingest, &arguments.talk),
        Command::Fetch(fetch) => fetch::fetch(fetch, &arguments.talk),
        Command::Synth(synth) => synth::synth(synth, &arguments.talk),
        Command::Verify(verify) => verify::verify(verify, &arguments.talk),
        Command::Concentration(study) => concentration::concentration(study, &arguments.talk),
        Command::Uncertainty(uncertainty) => uncertainty::uncertainty(uncertainty, &arguments.talk),
        Command::Inspect(inspect) => inspect::inspect(inspect, &arguments.talk),
        Command::Calibrate(calibrate) => calibrate::calibrate(calibrate, &arguments.talk),
    });
    remote::clean();
    done.unwrap_or_else(|failure: Failure| {
        talk::failure(&failure, &arguments.talk);
        ExitCode::from(failure.code())
    })
}
