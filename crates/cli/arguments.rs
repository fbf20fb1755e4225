//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use reorient_core::{HsRevision, ProductCode, Year};
use reorient_data::{OpenOptions, Reason, ValueUnit};
use reorient_engine::YearChoice;
use reorient_engine::sweep::Shard;

const RUN_EXAMPLES: &str = "\
Examples:
  reorient run                                  the embedded real sample, shipped list of critical goods
  reorient run --list all --out results         every product; files in results/
  reorient run BACI_HS92_Y2023_V202401b.csv     a year of CEPII's own CSV
  reorient run --set cap=0.10 --set bloc=NLD    another cap, one country as the bloc
  reorient run --scenario data/scenarios/floor-free.toml
  reorient run --out results --figures          with figures for a paper
  reorient run baci --year 1995..2024 --out panel  every year in one pass: a panel; also 1995,2000 or all
  reorient run baci --year all --set bloc=EU    the same with the members of each year
  reorient run --solver highs --cross-check     solve both ways and compare

Exit codes: 0 done and certified; 1 internal error; 2 usage or scenario; 3 some products unsolved;
65 bad input data; 66 input missing; 70 not certified; 74 cannot write.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  reorient inspect --product 270900
  reorient inspect --product 270900 --dump-lp crude.mps   for any solver; .lp writes the LP format
  reorient inspect baci --year 2024 --product 282520";

const INGEST_EXAMPLES: &str = "\
Examples:
  reorient ingest BACI_HS22_V202601.zip --out baci       CEPII's zip as it is, never unpacked
  reorient ingest folder/ --out baci                     a folder of its CSV files
  reorient ingest panel.parquet --hs 92 --out baci       Parquet of another tool
  reorient ingest year.csv.gz --out baci --max-errors 20 name up to 20 bad rows
  reorient ingest year.csv --out baci --skip zero-value --on-duplicate sum

Exit codes: 0 done; 2 usage; 65 bad input data; 66 input missing; 74 cannot write.";

const FETCH_EXAMPLES: &str = "\
Examples:
  reorient fetch --hs 22 --version 202601                 BACI_HS22_V202601.zip in this folder
  reorient fetch --hs 92 --version 202401b --ingest baci  and turn it into our Parquet
  reorient fetch --hs 22 --version 202601 --base-url https://mirror.example/baci

A download that was cut off goes on where it ended: type the same command again.

Exit codes: 0 done; 2 usage; 65 not a release of BACI; 66 not to be had; 74 cannot write, or no room.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  reorient verify results        every hash, every certificate, every table of a run
  reorient verify baci           every hash and every row of an ingested release
  reorient verify night          the dataset of a sweep and every stored result by their hashes

Exit codes: 0 all holds; 65 damaged; 66 no such folder; 70 a certificate or a figure does not hold.";

const FRONTIER_EXAMPLES: &str = "\
Examples:
  reorient frontier                                  the whole curve on the embedded sample
  reorient frontier --list all --out frontier        frontier.csv (every breakpoint) and critical_caps.csv
  reorient frontier baci --year 2024 --set bloc=NLD

Between two rows of frontier.csv risk and unmet imports are straight lines: nothing is interpolated, no solver is asked.

Exit codes: 0 done; 2 usage or scenario; 65 bad input data; 66 input missing; 74 cannot write.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  reorient explain                                   what makes the result of `reorient run`
  reorient explain --list all --set floor=free
  reorient explain baci --year 2024 --out parts      explain_products.csv and explain_exporters.csv

Exit codes: 0 done and certified; 2 usage or scenario; 3 some products unsolved; 65 bad input data; 66 input missing;
70 not certified; 74 cannot write.";

const SENSITIVITY_EXAMPLES: &str = "\
Examples:
  reorient sensitivity                                what each option does to the result of `reorient run`
  reorient sensitivity --list all --set cap=0.10      around another base
  reorient sensitivity baci --year 2024 --out options  sensitivity.csv; other years of the data are options too

Every key of the scenario is set to each of its other values, alone; caps from 1 to 20 points, each risk country left out, Hong
Kong added. `reorient run --set KEY=VALUE` gives the same figures with all files. What these data or this program cannot answer
is listed with its reason.

Exit codes: 0 done and certified; 2 usage or scenario; 3 some products of the base unsolved; 65 bad input data;
66 input missing; 70 not certified; 74 cannot write.";

const INDICATORS_EXAMPLES: &str = "\
Examples:
  reorient indicators --importer NLD                        the embedded sample, seen from the Netherlands
  reorient indicators --importer EU27 --base extra-bloc     suppliers outside the EU alone
  reorient indicators --importer EU27 --by sector --list critical
  reorient indicators baci --importer EU --year 1995..2024 --out indicators
                                                            every year, and what lasts; an ingested folder
  reorient indicators --importer NLD --product 810411 --product 811211

Flags (EC) are the three core indicators of European Commission, SWD(2021) 352 final, `Strategic dependencies and
capacities`: the HHI of imports from outside the bloc is above 0.4 (whatever --base says); more than half of the imports
come from outside the bloc; imports from outside the bloc exceed the exports.

Exit codes: 0 done; 1 internal error; 2 usage; 65 bad input data; 66 input missing; 74 cannot write.";

const SYNTH_EXAMPLES: &str = "\
Examples:
  reorient synth --rows 11000000 --seed 1 --out made-up      as large as a real year, in CEPII's own zip
  reorient synth --rows 5000 --seed 2 --out small --csv      plain CSV and code tables
  reorient synth --rows 300000 --seed 3 --out fitted --marginals totals.csv
                                                             codes, totals, HHI and exporters of real products
  reorient synth --rows 300000 --seed 4 --out mixed --hs 92 --overlay BACI_HS92_Y2023_V202401b.csv
                                                             real rows where there are any, made-up ones elsewhere
  reorient run made-up --list critical                       every output says SYNTHETIC

Exit codes: 0 done; 2 usage; 65 bad input data; 66 input missing; 74 cannot write, or the folder is there already.";

const CONCENTRATION_EXAMPLES: &str = "\
Examples:
  reorient concentration                                 must the cut of the embedded sample cost concentration?
  reorient concentration --list all --out concentration  concentration.csv per product, pareto.csv for the curve
  reorient concentration baci --year 2024 --set tie-break.fill=min-hhi

Exit codes: 0 done and certified; 2 usage or scenario; 3 some products unsolved; 65 bad input data; 66 input missing;
70 not certified; 74 cannot write.";

const CALIBRATE_EXAMPLES: &str = "\
Examples:
  reorient calibrate                                 the embedded sample against the published table
  reorient calibrate baci --year 2023 --out fitted   a full year; every set of options in fitted/calibrate.csv
  reorient calibrate baci --year 2023 --set floor=free --set cap=0.05
                                                     the floor and the cap are held, all else is tried
  reorient calibrate baci --against table_a1.csv --headline headline.csv

What is compared, in this order: old shares (list, bloc, year), the fall of China and the United States, each published
figure against the range over all optima, increases and new shares. Sets of options that give the same printed figures
share a rank: these data cannot tell them apart. Data that hold a part of the list alone are compared with exporters of
one product, and with nothing else.

Exit codes: 0 done and certified; 2 usage or scenario error; 65 bad input data; 66 input missing; 70 not certified;
74 cannot write.";

const UNCERTAINTY_EXAMPLES: &str = "\
Examples:
  reorient uncertainty --draws 1000 --seed 1                   20 % noise in every row of the embedded sample
  reorient uncertainty --draws 1000 --cap-between 0.03..0.07   and a cap between 3 and 7 points
  reorient uncertainty baci --draws 500 --reconstructed 0.5 --partial 0.5 --out draws
                                                               and doubtful places on the list
  reorient uncertainty --draws 10 --noise 0                    the figures of `reorient run`, ten times

The same seed gives the same bytes on any number of threads.

Exit codes: 0 done; 2 usage or scenario; 65 bad input data; 66 input missing; 70 not certified; 74 cannot write.";

const SWEEP_EXAMPLES: &str = "\
Examples:
  reorient sweep night.toml --dry-run             what would run and why; nothing is written
  reorient sweep night.toml baci --out night      answers and stores; after any end, the same again
  reorient sweep night.toml baci --out night --shard 2/4
                                                  a quarter, beside the others, and at last:
  reorient sweep merge night                      the dataset of all shards
  reorient sweep night.toml baci --year 1995..2024 --out years
                                                  every scenario in each of the years
  reorient sweep night.toml baci --out tonight --diff night
                                                  and what changed, the largest change first
  reorient verify night                           files and stored results by their hashes

  # night.toml
  [base]
  list = \"critical\"
  [grid]
  cap = [0.01, 0.03, 0.05, 0.10]
  floor = [\"additive\", \"free\"]

In a Slurm array, SLURM_ARRAY_TASK_ID and _COUNT are the shard. See docs/sweeps.md.

Exit codes: 0 done and certified; 2 usage or scenario; 3 finished, some scenarios or products of them without an answer;
65 bad input data; 66 input missing; 70 not certified; 74 cannot write, or another process does; 75 interrupted: the same
command goes on.";

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
    /// Who one country or bloc depends on: concentration, largest origin, share from outside the bloc
    #[command(after_help = INDICATORS_EXAMPLES, override_usage = "reorient indicators --importer WHO [OPTIONS] [TRADE]")]
    Indicators(Indicators),
    /// Risk imports against the cap: every breakpoint, and the cap that clears each product; no solver
    #[command(after_help = FRONTIER_EXAMPLES)]
    Frontier(Study),
    /// Which products make the cut and what is left, who carries it, and what is missing without each
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Study),
    /// What the cut costs in concentration: the range over all optima, and the curve of risk against HHI
    #[command(after_help = CONCENTRATION_EXAMPLES)]
    Concentration(Study),
    /// How the result spreads when rows are noisy, places on the list doubtful and the cap is not sure
    #[command(after_help = UNCERTAINTY_EXAMPLES)]
    Uncertainty(Uncertainty),
    /// Every option of the scenario changed alone: what becomes of the headline and of Table A.1
    #[command(after_help = SENSITIVITY_EXAMPLES)]
    Sensitivity(Study),
    /// Many scenarios in one night: planned, stored as they are answered, resumed by the same command
    #[command(after_help = SWEEP_EXAMPLES)]
    Sweep(Box<Sweep>),
    /// JSON Schema of a scenario file, or of a sweep file
    Schema(Schema),
    /// BACI as CEPII ships it to one sorted, verified Parquet file per year
    #[command(after_help = INGEST_EXAMPLES)]
    Ingest(Ingest),
    /// Download a BACI release from CEPII: resumed, retried, checked
    #[command(
        after_help = FETCH_EXAMPLES,
        disable_version_flag = true,
        override_usage = "reorient fetch --hs HS --version RELEASE [OPTIONS]"
    )]
    Fetch(Fetch),
    /// Make up a year of BACI from a seed: as large and as uneven as a real one, labelled synthetic everywhere
    #[command(after_help = SYNTH_EXAMPLES, override_usage = "reorient synth --rows N --seed S --out DIR [OPTIONS]")]
    Synth(Synth),
    /// Re-check a result folder or an ingested one: hashes, certificates, tables; no solver, no trade data
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(Verify),
    /// One product explained: flows, capacities, interval, dual; its linear program as a file
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Which reading of the method comes nearest to a published table, and what the data cannot decide
    #[command(after_help = CALIBRATE_EXAMPLES)]
    Calibrate(Calibrate),
}

/// What the names of trade data do not tell.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct TradeOptions {
    /// HS revision of the codes, where no name tells: 92, 96, 02, 07, 12, 17 or 22
    #[arg(long, value_name = "HS", requires = "trade")]
    pub(crate) hs: Option<HsRevision>,
    /// Unit of a column `value`, whose name tells none: usd, or kusd for thousand
    #[arg(long, value_name = "UNIT", requires = "trade")]
    pub(crate) value_unit: Option<ValueUnit>,
}

impl From<TradeOptions> for OpenOptions {
    fn from(options: TradeOptions) -> Self {
        Self { revision: options.hs, value_unit: options.value_unit }
    }
}

/// The data and the question.
#[derive(Debug, Clone, Args)]
pub(crate) struct Question {
    /// Trade data: an ingested folder, CEPII's zip or CSV, or Parquet [default: the embedded real sample]
    #[arg(value_name = "TRADE")]
    pub(crate) trade: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: TradeOptions,
    /// Year of trade; `run` takes several too, such as 1995..2024, 1995,2000 or all
    #[arg(long, value_name = "YEAR")]
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
    pub(crate) study: Study,
    /// auto, closed-form or highs
    #[arg(long, value_name = "SOLVER")]
    pub(crate) solver: Option<String>,
    /// Solve every product by closed form and by HiGHS, and fail on any difference
    #[arg(long)]
    pub(crate) cross_check: bool,
    /// Also write flows.csv
    #[arg(long, requires = "out")]
    pub(crate) csv: bool,
    /// Also write figures 10 and 11, Table A.1 and the frontier, or those of several years, each as SVG and PNG
    #[arg(long, requires = "out")]
    pub(crate) figures: bool,
}

/// A question about a list of products, with files as the answer.
#[derive(Debug, Clone, Args)]
pub(crate) struct Study {
    #[command(flatten)]
    pub(crate) question: Question,
    /// Products: `critical` (the shipped list), `all`, or a CSV file
    #[arg(long, value_name = "LIST")]
    pub(crate) list: Option<String>,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the answer to another question, or edited files of ours; other people's files are never replaced
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Sweep {
    #[command(subcommand)]
    pub(crate) command: Option<SweepCommand>,
    /// Sweep file: base, overrides, grid, exclusions, table of scenarios
    #[arg(value_name = "SWEEP.toml", required = true)]
    pub(crate) file: Option<PathBuf>,
    /// Trade data: an ingested folder, CEPII's zip or CSV, or Parquet [default: the embedded real sample]
    #[arg(value_name = "TRADE")]
    pub(crate) trade: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: TradeOptions,
    /// A year, a range such as 1995..2024, a list such as 1995,2000, or all, in the place of those of the file
    #[arg(long, value_name = "YEARS")]
    pub(crate) year: Option<YearChoice>,
    /// Folder for the store and the dataset
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the answer to another question, or edited files of ours; other people's files are never replaced
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Keep plan and results in an object store, such as s3://bucket/night; the dataset is in the folder
    #[arg(long, value_name = "URL", value_parser = crate::remote::store)]
    pub(crate) store: Option<String>,
    /// A part of the sweep, such as 2/4; the dataset is written by `sweep merge`
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// List what would run and why, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Compare with the sweep in another folder; diff.csv ranks what changed
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["shard", "dry_run"])]
    pub(crate) diff: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: all cores]; the dataset does not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Seconds between lines on progress, where no bar is drawn
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) log_every: u32,
    /// Scenarios per segment of the store [default: by time, from a quarter of a second to ten seconds]
    #[arg(long, value_name = "N", value_parser = segment, hide = true)]
    pub(crate) segment: Option<usize>,
}

fn segment(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|size| (1..=100_000).contains(size)).ok_or_else(|| "give a number from 1 to 100000".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Write the dataset of a sweep whose shards are complete
    Merge(SweepMerge),
}

#[derive(Debug, Args)]
pub(crate) struct SweepMerge {
    /// Folder of the sweep
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Folders of shards that ran elsewhere, whose results are taken over
    #[arg(value_name = "FROM")]
    pub(crate) from: Vec<PathBuf>,
    /// Replace the dataset of another sweep, or edited files of ours
    #[arg(long)]
    pub(crate) force: bool,
    /// The object store that holds plan and results
    #[arg(long, value_name = "URL", value_parser = crate::remote::store)]
    pub(crate) store: Option<String>,
    /// Compare with the sweep in another folder; diff.csv ranks what changed
    #[arg(long, value_name = "OTHER")]
    pub(crate) diff: Option<PathBuf>,
    /// Print the summary as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Of which file
    #[arg(value_name = "FILE", value_enum, default_value = "scenario")]
    pub(crate) of: SchemaOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Scenario,
    Sweep,
}

#[derive(Debug, Args)]
pub(crate) struct Uncertainty {
    #[command(flatten)]
    pub(crate) study: Study,
    /// Number of draws
    #[arg(long, allow_negative_numbers = true, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) draws: u32,
    /// Fixes every random number
    #[arg(long, allow_negative_numbers = true, value_name = "S", default_value = "1")]
    pub(crate) seed: u64,
    /// Standard deviation of the logarithm of each row's factor, which is lognormal with mean one
    #[arg(long, allow_negative_numbers = true, value_name = "SD", default_value = "0.2", value_parser = crate::uncertainty::deviation)]
    pub(crate) noise: f64,
    /// Probability that a product counts which is listed through reconstructed rows alone
    #[arg(long, allow_negative_numbers = true, value_name = "P", default_value = "1", value_parser = crate::uncertainty::probability)]
    pub(crate) reconstructed: f64,
    /// Probability that a product counts of which only a part is listed (with `map = main` or `all`, which leave it out)
    #[arg(long, allow_negative_numbers = true, value_name = "P", default_value = "0", value_parser = crate::uncertainty::probability)]
    pub(crate) partial: f64,
    /// The cap is uniform between two, such as 0.03..0.07 [default: the scenario's]
    #[arg(long = "cap-between", value_name = "CAPS", value_parser = crate::uncertainty::caps)]
    pub(crate) cap: Option<(reorient_core::Fraction, reorient_core::Fraction)>,
}

#[derive(Debug, Args)]
pub(crate) struct Indicators {
    /// Trade data: an ingested folder, CEPII's zip or CSV, or Parquet [default: the embedded real sample]
    #[arg(value_name = "TRADE")]
    pub(crate) trade: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: TradeOptions,
    /// Who buys: a country by BACI code or ISO3, or a bloc such as EU27; `EU` has the members of each year
    #[arg(long, value_name = "WHO")]
    pub(crate) importer: String,
    /// Suppliers that HHI and shares of origins are taken over
    #[arg(long, value_name = "BASE", value_enum, default_value = "all")]
    pub(crate) base: IndicatorBase,
    /// One row per product, or per group of them
    #[arg(long, value_name = "LEVEL", value_enum, default_value = "product")]
    pub(crate) by: IndicatorLevel,
    /// A year, a range such as 1995..2024, a list such as 1995,2000, or all
    #[arg(long, value_name = "YEARS")]
    pub(crate) year: Option<YearChoice>,
    /// Products: `critical` (the shipped list), `all`, or a CSV file
    #[arg(long, value_name = "LIST", conflicts_with = "product")]
    pub(crate) list: Option<String>,
    /// HS6 code, on the list or not; repeat for more
    #[arg(long, value_name = "HS6", value_parser = reorient_data::typed_code)]
    pub(crate) product: Vec<ProductCode>,
    /// Reference bloc [default: EU27 where the importer lies within it, otherwise the importer]
    #[arg(long, value_name = "BLOC")]
    pub(crate) bloc: Option<String>,
    /// Risk origins, joined by commas [default: China, the United States, Russia]
    #[arg(long, value_name = "COUNTRIES")]
    pub(crate) risk: Option<String>,
    /// Scenario file (TOML)
    #[arg(long, value_name = "F.toml")]
    pub(crate) scenario: Option<PathBuf>,
    /// One setting of the scenario; wins over the file
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Order of the rows on screen
    #[arg(long, value_name = "BY", value_enum, default_value = "imports")]
    pub(crate) sort: IndicatorOrder,
    /// Rows on screen; files and JSON have all
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) top: u32,
    /// Folder for indicators.csv, indicators.parquet and, for several years, persistence.csv
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the answer to another question, or edited files of ours; other people's files are never replaced
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndicatorBase {
    /// All of them
    All,
    /// Those outside the reference bloc
    ExtraBloc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndicatorLevel {
    Product,
    Sector,
    Subsector,
    Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IndicatorOrder {
    /// Falling concentration
    Hhi,
    /// Falling imports
    Imports,
    /// By product code, or name
    Code,
}

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    pub(crate) question: Question,
    /// HS6 code
    #[arg(long, value_name = "HS6")]
    pub(crate) product: String,
    /// Write the product's linear program: .mps or .lp
    #[arg(long, value_name = "F")]
    pub(crate) dump_lp: Option<PathBuf>,
    /// Replace a file that is no linear program of reorient's
    #[arg(long, requires = "dump_lp")]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ingest {
    /// CEPII's zip, a folder of its files, CSV (.gz, .zst) or Parquet of other tools
    #[arg(value_name = "SOURCE", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// HS revision of the codes, where the names do not tell: 92, 96, 02, 07, 12, 17 or 22
    #[arg(long, value_name = "HS")]
    pub(crate) hs: Option<HsRevision>,
    /// CEPII's release, where the names do not tell, such as 202601
    #[arg(long, value_name = "RELEASE", value_parser = release)]
    pub(crate) release: Option<String>,
    /// Unit of a column `value`, whose name tells none: usd, or kusd for thousand
    #[arg(long, value_name = "UNIT")]
    pub(crate) value_unit: Option<ValueUnit>,
    /// Rows that share a key
    #[arg(long, value_name = "WHAT", value_enum, default_value = "error")]
    pub(crate) on_duplicate: Duplicates,
    /// Put rows with this fault into the ledger instead of refusing the file; repeat for more: bad-year, bad-code,
    /// unknown-country, bad-value, zero-value, negative-value, bad-quantity (the row stays, without its quantity)
    #[arg(long, value_name = "REASON", value_parser = skippable)]
    pub(crate) skip: Vec<Reason>,
    /// Bad rows to name before giving up
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) max_errors: u16,
    /// Replace what an earlier ingest wrote there; other people's files are never replaced
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the manifest as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl Ingest {
    pub(crate) fn sum_duplicates(&self) -> bool {
        self.on_duplicate == Duplicates::Sum
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Duplicates {
    /// Refuse the file
    Error,
    /// Add them up
    Sum,
}

/// A release as CEPII numbers it: six digits and perhaps a letter.
fn release(text: &str) -> Result<String, String> {
    let release = text.trim_start_matches(['V', 'v']);
    let (digits, letter) = release.split_at_checked(6).unwrap_or((release, ""));
    let well_formed = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if well_formed && letter.len() <= 1 && letter.bytes().all(|byte| byte.is_ascii_lowercase()) {
        Ok(release.to_owned())
    } else {
        Err("a release of CEPII's is six digits and perhaps a letter, such as 202601 or 202401b".to_owned())
    }
}

fn skippable(text: &str) -> Result<Reason, String> {
    match text.parse()? {
        Reason::DuplicateKey => Err("use --on-duplicate sum".to_owned()),
        reason => Ok(reason),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A result folder or an ingested one
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The object store of a sweep that has one
    #[arg(long, value_name = "URL", value_parser = crate::remote::store)]
    pub(crate) store: Option<String>,
    /// Answer so many scenarios of a sweep again, and compare what is stored
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
    /// Trade data that were answered from [default: the embedded real sample]
    #[arg(long, value_name = "TRADE")]
    pub(crate) trade: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) opening: TradeOptions,
    /// A list of goods that was asked for; may be given several times
    #[arg(long, value_name = "F.csv")]
    pub(crate) list: Vec<PathBuf>,
    /// The sweep that `diff.csv` compares with
    #[arg(long, value_name = "OTHER")]
    pub(crate) diff: Option<PathBuf>,
    /// Print what was checked as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Synth {
    /// Rows, from 1,000 to 12 million
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1_000..=12_000_000))]
    pub(crate) rows: u64,
    /// Another seed, another year; the same one, the same bytes
    #[arg(long, value_name = "S")]
    pub(crate) seed: u64,
    /// Folder to write; it must not be there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Replace a made-up year that is there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Year [default: that of the overlay, otherwise 2024]
    #[arg(long, value_name = "Y")]
    pub(crate) year: Option<Year>,
    /// HS revision of names and codes
    #[arg(long, value_name = "HS", default_value = "22")]
    pub(crate) hs: HsRevision,
    /// CSV of products to imitate: k, WorldExport (USD), hhi, n_exporters, and year where it holds several
    #[arg(long, value_name = "F.csv")]
    pub(crate) marginals: Option<PathBuf>,
    /// Trade data whose products take the place of made-up ones
    #[arg(long, value_name = "TRADE")]
    pub(crate) overlay: Option<PathBuf>,
    /// Unit of a column `value` of the overlay, whose name tells none: usd, or kusd for thousand
    #[arg(long, value_name = "UNIT", requires = "overlay")]
    pub(crate) value_unit: Option<ValueUnit>,
    /// Plain files in the place of a zip
    #[arg(long)]
    pub(crate) csv: bool,
    /// Print aims and what was reached as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads [default: all cores]; the files do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

/// Where CEPII keeps the releases.
const CEPII: &str = "https://www.cepii.fr/DATA_DOWNLOAD/baci/data";

#[derive(Debug, Args)]
pub(crate) struct Fetch {
    /// HS revision: 92, 96, 02, 07, 12, 17 or 22
    #[arg(long, value_name = "HS")]
    pub(crate) hs: HsRevision,
    /// CEPII's release, such as 202601 or 202401b
    #[arg(id = "release", long = "version", value_name = "RELEASE", value_parser = release)]
    pub(crate) release: String,
    /// Folder for the archive
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Address of the folder that holds the archives
    #[arg(long, value_name = "URL", env = "REORIENT_BACI_URL", default_value = CEPII)]
    pub(crate) base_url: String,
    /// Turn the archive into our Parquet in this folder afterwards
    #[arg(long, value_name = "DIR")]
    pub(crate) ingest: Option<PathBuf>,
    /// Attempts in a row without progress before giving up
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) retries: u32,
    /// Milliseconds before the second attempt; doubled each time
    #[arg(long, value_name = "MS", default_value_t = 1000, hide = true)]
    pub(crate) pause_ms: u64,
    /// Seconds of silence after which a connection counts as broken
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) silence: u64,
    /// Bytes a second below which a connection counts as broken, over twice the silence; 0 for none
    #[arg(long, value_name = "BYTES", default_value_t = 1024)]
    pub(crate) least_speed: u64,
    /// Most bytes of an archive; those of CEPII have a few GB
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 30)]
    pub(crate) most_bytes: u64,
    /// Download again what is there already
    #[arg(long)]
    pub(crate) force: bool,
}

impl Fetch {
    /// The ingest of what was downloaded.
    pub(crate) fn then_ingest(&self, archive: PathBuf, out: PathBuf) -> Ingest {
        Ingest {
            sources: vec![archive],
            out,
            hs: None,
            release: None,
            value_unit: None,
            on_duplicate: Duplicates::Error,
            skip: Vec::new(),
            max_errors: 1,
            force: self.force,
            json: false,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Calibrate {
    #[command(flatten)]
    pub(crate) study: Study,
    /// Published table: baci_code (or code), increase_musd, share_old_pct, share_new_pct, perhaps main_sector [default: the
    /// report's Table A.1]
    #[arg(long, value_name = "F.csv")]
    pub(crate) against: Option<PathBuf>,
    /// Published shares of China and the United States: quantity, value [default: the report's; with --against, none]
    #[arg(long, value_name = "F.csv")]
    pub(crate) headline: Option<PathBuf>,
}
