//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const RUN_EXAMPLES: &str = "\
Examples:
  reorient run                                  the embedded real sample, shipped list of critical goods
  reorient run --list all --out results         every product; files in results/
  reorient run BACI_HS92_Y2023_V202401b.csv     a year of CEPII's own CSV
  reorient run --set cap=0.10 --set bloc=NLD    another cap, one country as the bloc
  reorient run --solver highs --cross-check     solve both ways and compare

Exit codes: 0 done and certified; 1 internal error; 2 usage or scenario; 3 some products unsolved;
65 bad input data; 66 input missing; 70 not certified; 74 cannot write.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  reorient inspect --product 270900
  reorient inspect --product 270900 --dump-lp crude.mps";

/// How far can a bloc move its critical imports away from risk countries, with today's export capacity?
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) talk: Talk,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How much is said on standard error.
#[derive(Debug, Args)]
pub(crate) struct Talk {
    /// Say nothing but errors, and print no result view
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more on standard error
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Form of what is said on standard error
    #[arg(long, global = true, value_enum, default_value = "text", value_name = "FORM")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The main job: one certified linear program per product, risk shares and Table A.1
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// One product explained: flows, capacities, interval, dual; its linear program as a file
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
}

/// The data and the question.
#[derive(Debug, Args)]
pub(crate) struct Question {
    /// Trade data: our Parquet file, a folder of them, or a CEPII CSV [default: the embedded real sample]
    #[arg(value_name = "TRADE")]
    pub(crate) trade: Option<PathBuf>,
    /// Year of trade
    #[arg(long)]
    pub(crate) year: Option<String>,
    /// Scenario file (TOML)
    #[arg(long, value_name = "F.toml")]
    pub(crate) scenario: Option<PathBuf>,
    /// One setting of the scenario; wins over the file
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) question: Question,
    /// Products: `critical` (the shipped list), `all`, or a CSV file
    #[arg(long, value_name = "LIST")]
    pub(crate) list: Option<String>,
    /// auto, closed-form or highs
    #[arg(long, value_name = "SOLVER")]
    pub(crate) solver: Option<String>,
    /// Solve every product by closed form and by HiGHS, and fail on any difference
    #[arg(long)]
    pub(crate) cross_check: bool,
    /// Folder for the result files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Also write flows.csv
    #[arg(long, requires = "out")]
    pub(crate) csv: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) question: Question,
    /// HS6 code
    #[arg(long, value_name = "HS6")]
    pub(crate) product: String,
    /// Write the product's linear program as free-format MPS
    #[arg(long, value_name = "F.mps")]
    pub(crate) dump_lp: Option<PathBuf>,
}
