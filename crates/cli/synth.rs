//! `reorient synth`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::anyhow;
use reorient_core::{ProductCode, ProductIndex, Year, file_name};
use reorient_data::{MapRule, OpenOptions, TradeSource, embedded_goods_list, hash_file, map_list};
use reorient_folder::{Asked, FolderWriter, Target as Place};
use reorient_report::{Column, Grid, Screen, grouped};
use reorient_synth::{
    Outcome, Request, Row, SynthError, Target, description, generate, sort_as_cepii, write_countries, write_products,
    write_readme, write_rows,
};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::arguments::{Synth, Talk};
use crate::marginals;
use crate::run::use_threads;
use crate::talk;
use reorient_app::Failure;

/// The release whose layout is imitated; names say `synthetic` beside it.
const RELEASE: &str = "202601";
const YEAR: u16 = 2024;
/// The kind of folder.
const KIND: &str = "synth";
/// What reads back as the folder's own manifest.
const MADE: &str = reorient_folder::SYNTHETIC;

/// Real rows that replace made-up products.
struct Overlay {
    year: Year,
    rows: Vec<Row>,
    descriptions: BTreeMap<ProductCode, String>,
}

/// Makes a year up, writes it as CEPII would, and says how near it came to its aims.
pub(crate) fn synth(arguments: &Synth, talk: &Talk) -> Result<ExitCode, Failure> {
    use_threads(arguments.threads)?;
    let read = [&arguments.marginals, &arguments.overlay].into_iter().flatten().cloned();
    let place = Place::new(&arguments.out).force(arguments.force).reading(read);
    let refuse = || {
        let problem = "it is there already; choose another folder, or replace a made-up year with --force";
        Failure::cannot_write(anyhow!("{}: {problem}", arguments.out.display()))
    };
    if arguments.out.symlink_metadata().is_ok() && !arguments.force {
        return Err(refuse());
    }
    place.look(KIND, None)?;
    let overlay = arguments.overlay.as_deref().map(|path| overlay(path, arguments)).transpose()?;
    let year = match (&overlay, arguments.year) {
        (Some(overlay), _) => overlay.year,
        (None, Some(year)) => year,
        (None, None) => Year::new(YEAR).map_err(Failure::internal)?,
    };
    let known = arguments.marginals.as_deref().map(|path| marginals::read(path, year)).transpose()?.unwrap_or_default();
    let world = TradeSource::embedded()?;
    let wanted: BTreeSet<ProductCode> =
        map_list(&embedded_goods_list()?, arguments.hs, MapRule::Any)?.list.goods.into_keys().collect();
    let real = overlay.as_ref().map_or(0, |overlay| overlay.rows.len() as u64);
    let replaced: BTreeSet<ProductCode> = overlay.iter().flat_map(|overlay| overlay.descriptions.keys().copied()).collect();
    let request = Request {
        rows: arguments.rows.saturating_sub(real),
        seed: arguments.seed,
        countries: world.countries(),
        wanted: &wanted,
        marginals: &known,
        replaced: &replaced,
    };
    let (mut rows, outcome) = generate(&request).map_err(|error| match error {
        SynthError::Rows { .. } | SynthError::NothingToMake => Failure::usage(error),
    })?;
    let mut products: BTreeMap<ProductCode, String> = outcome.products.iter().map(|code| (*code, description(*code))).collect();
    if let Some(overlay) = overlay {
        rows.extend(overlay.rows);
        products.extend(overlay.descriptions);
    }
    sort_as_cepii(&mut rows);

    let mut made = json!({
        "synthetic": true,
        "generator": "reorient synth",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": arguments.hs.to_string(),
        "year": year.get(),
        "seed": arguments.seed,
        "rows": rows.len(),
        "rows_made_up": request.rows,
        "rows_overlaid": real,
        "products": products.len(),
        "products_overlaid": replaced.len(),
        "marginals": name_of(arguments.marginals.as_deref()),
        "overlay": name_of(arguments.overlay.as_deref()),
        "targets": outcome.targets.iter().map(target).collect::<Vec<_>>(),
    });
    let files = Files { arguments, year, rows: &rows, products: &products, world: &world, made: &made };
    made["files"] = files.publish(&place)?;
    tracing::info!("{} written", arguments.out.display());
    if arguments.json {
        talk::print_json(&made)?;
    } else if !talk.quiet {
        talk::print(&view(arguments, year, real, &outcome, Screen::stdout()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn name_of(path: Option<&Path>) -> Value {
    path.map_or(Value::Null, |path| file_name(path).into())
}

fn target(target: &Target) -> Value {
    let Target { name, unit, low, high, reached } = target;
    json!({"name": name, "unit": unit, "target_low": low, "target_high": high, "reached": reached})
}

/// Real rows of the year asked for, or of the newest there is; rows of a country with itself are left out.
fn overlay(path: &Path, arguments: &Synth) -> Result<Overlay, Failure> {
    let source = crate::remote::trade(path, &OpenOptions { revision: None, value_unit: arguments.value_unit })?;
    if source.revision() != arguments.hs {
        let problem = "products cannot be mixed; give --hs";
        return Err(Failure::usage(anyhow!(
            "{} is in {}, not in {}: {problem}",
            path.display(),
            source.revision(),
            arguments.hs
        )));
    }
    let year = arguments.year.or_else(|| source.years().last().copied());
    let year = year.ok_or_else(|| Failure::bad_data(anyhow!("{} holds no year", path.display())))?;
    let table = source.read_weighed(year, None)?.table;
    talk::data_notes(&source);
    let mut overlay = Overlay { year, rows: Vec::new(), descriptions: BTreeMap::new() };
    let code = |index| source.countries().country(index).code.get();
    for (at, product) in (0..).zip(table.products().iter().copied()) {
        let flows = table.rows(ProductIndex(at));
        let text = source.description(product).map_or_else(|| format!("product {product}"), str::to_owned);
        overlay.descriptions.insert(product, text);
        for at in 0..flows.values.len() {
            let (exporter, importer) = (code(flows.exporters[at]), code(flows.importers[at]));
            let kilograms = flows.quantities.get(at).copied().flatten();
            overlay.rows.push(Row { exporter, importer, product, dollars: flows.values[at].get(), kilograms });
        }
    }
    overlay.rows.retain(|row| row.exporter != row.importer);
    Ok(overlay)
}

/// What is written.
struct Files<'a> {
    arguments: &'a Synth,
    year: Year,
    rows: &'a [Row],
    products: &'a BTreeMap<ProductCode, String>,
    world: &'a TradeSource,
    made: &'a Value,
}

impl Files<'_> {
    /// Writes the folder, whole or not at all, and gives the list of its files.
    fn publish(&self, place: &Place) -> Result<Value, Failure> {
        let folder = FolderWriter::begin(place, Asked { kind: KIND, question: None, work: None })?;
        let fail = |error: io::Error| Failure::cannot_write(anyhow!(error).context(self.arguments.out.display().to_string()));
        let files = self.write(folder.path()).map_err(fail)?;
        folder.publish(&[])?;
        Ok(files)
    }

    fn write(&self, folder: &Path) -> io::Result<Value> {
        let hs = self.arguments.hs;
        let mut names = Vec::new();
        if self.arguments.csv {
            for (name, kind) in self.members() {
                synced(&folder.join(&name), &mut |file| self.member(kind, file))?;
                names.push(name);
            }
        } else {
            let name = format!("BACI_{hs}_V{RELEASE}_synthetic.zip");
            synced(&folder.join(&name), &mut |file| {
                let failure = RefCell::new(None);
                let mut archive = ZipWriter::new(Placed { out: file, at: 0, end: 0, failure: &failure });
                // Without a clock, so that the same request gives the same bytes.
                let options = SimpleFileOptions::default().last_modified_time(zip::DateTime::default());
                for (name, kind) in self.members() {
                    if failure.borrow().is_none() {
                        archive.start_file(name, options).map_err(io::Error::other)?;
                        self.member(kind, &mut archive)?;
                    }
                }
                archive.finish().map(drop).map_err(io::Error::other)?;
                failure.take().map_or(Ok(()), Err)
            })?;
            names.push(name);
            synced(&folder.join("Readme.txt"), &mut |file| self.member(Kind::Readme, file))?;
            names.push("Readme.txt".to_owned());
        }
        let entry = |name: &String| {
            let file = hash_file(&folder.join(name)).map_err(io::Error::other)?;
            Ok(json!({"name": file.name, "bytes": file.bytes, "blake3": file.blake3}))
        };
        let files: Value = names.iter().map(entry).collect::<io::Result<Vec<_>>>()?.into();
        let mut made = self.made.clone();
        made["files"] = files.clone();
        let text = serde_json::to_string_pretty(&made).map_err(io::Error::other)?;
        synced(&folder.join(MADE), &mut |file| writeln!(file, "{text}"))?;
        Ok(files)
    }

    fn members(&self) -> [(String, Kind); 4] {
        let (hs, year) = (self.arguments.hs, self.year);
        [
            (format!("BACI_{hs}_Y{year}_V{RELEASE}_synthetic.csv"), Kind::Rows),
            (format!("country_codes_V{RELEASE}.csv"), Kind::Countries),
            (format!("product_codes_{hs}_V{RELEASE}.csv"), Kind::Products),
            ("Readme.txt".to_owned(), Kind::Readme),
        ]
    }

    fn member(&self, kind: Kind, out: &mut dyn Write) -> io::Result<()> {
        match kind {
            Kind::Rows => write_rows(self.rows, self.year, out),
            Kind::Countries => write_countries(self.world.countries(), out),
            Kind::Products => write_products(self.products.iter().map(|(code, text)| (*code, text.as_str())), out),
            Kind::Readme => {
                let text = |key: &str| self.made[key].as_str().map_or_else(|| self.made[key].to_string(), str::to_owned);
                let options = ["version", "seed", "rows_made_up", "rows_overlaid", "marginals", "overlay"];
                let lines: Vec<String> = options.iter().map(|key| format!("{key}: {}", text(key))).collect();
                write_readme(self.arguments.hs, self.year, &lines.join("\n"), out)
            }
        }
    }
}

/// A file for a writer of zip archives, which panics in its `Drop` where the disk has refused something: the first refusal is kept for
/// afterwards, and from then on everything is taken and nothing written.
struct Placed<'a> {
    out: &'a mut BufWriter<File>,
    at: u64,
    end: u64,
    failure: &'a RefCell<Option<io::Error>>,
}

impl Placed<'_> {
    /// Does something with the file, unless the disk has refused something before.
    fn attempt(&mut self, action: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        let mut failure = self.failure.borrow_mut();
        if failure.is_none() {
            *failure = action(self.out).err();
        }
    }
}

impl Write for Placed<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.attempt(|out| out.write_all(buffer));
        self.at += buffer.len() as u64;
        self.end = self.end.max(self.at);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}

impl Seek for Placed<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.end.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = place.ok_or(io::ErrorKind::InvalidInput)?;
        let to = SeekFrom::Start(self.at);
        self.attempt(|out| out.seek(to).map(drop));
        Ok(self.at)
    }

    fn stream_position(&mut self) -> io::Result<u64> {
        Ok(self.at)
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Rows,
    Countries,
    Products,
    Readme,
}

/// A file that is on the disk when this returns.
fn synced(path: &Path, action: &mut dyn FnMut(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, File::create_new(path)?);
    action(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}

fn view(arguments: &Synth, year: Year, real: u64, outcome: &Outcome, screen: Screen) -> String {
    let mut table = Grid::new([Column::text("").cut(20, 60), Column::number("target"), Column::number("reached")]);
    for target in &outcome.targets {
        let places = if ["rows", "products", "countries"].contains(&target.unit) { 0 } else { 3 };
        let number = |number: f64| grouped(&format!("{number:.places$}"));
        let exact = target.low.to_bits() == target.high.to_bits();
        let aim = if exact { number(target.low) } else { format!("{} to {}", target.low, target.high) };
        let unit = match target.unit {
            "busd" => ", bn USD",
            "kusd" => ", thousand USD",
            "pct" => ", %",
            _ => "",
        };
        table.row([format!("{}{unit}", target.name), aim, number(target.reached)]);
    }
    let title = screen.hanging(&format!("SYNTHETIC DATA · {} {year} · seed {}", arguments.hs, arguments.seed), "  ");
    let mut blocks = vec![title, table.draw(screen, "")];
    if real > 0 {
        blocks.push(screen.paragraph(&format!(
            "{} real rows take the place of made-up ones; the table is about the others",
            grouped(&real.to_string())
        )));
    }
    blocks.join("\n\n") + "\n"
}
