//! Every index of thirty years of real trade, as one hash: the same for every instruction set and number of threads, and
//! whether the compiler optimised or not. `scripts/test` runs this twice, the second time with an unoptimised kernel.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)]

use std::collections::BTreeMap;
use std::path::Path;

use rayon::prelude::*;
use reorient_core::Usd;
use reorient_data::{IngestOptions, TradeSource, ingest};
use reorient_metrics::{Amount, Backend};

/// Beside the checkout; the project may not hold it.
const PANEL: &str = "../../../shared/data/baci/BACI_HS92_raw-materials_1995-2024.parquet";

/// Of all indices in order: 1 and the bits, or 0 and no bits for none, little-endian.
const GOLDEN: &str = "7e1c2ce8976d10ac75d02dc85d54cbea5f7741473b97cabf1bd2a40de012070c";

/// The union since 2020, with what stands for Belgium and Luxembourg until 1998.
const EU27: [u16; 28] = [
    40, 56, 58, 100, 191, 196, 203, 208, 233, 246, 251, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620, 642, 703,
    705, 724, 752,
];

/// Amounts of one group after another, where each begins and the last ends.
#[derive(Default)]
struct Groups {
    values: Vec<Usd>,
    offsets: Vec<usize>,
}

impl Groups {
    fn push(&mut self, amounts: impl Iterator<Item = Usd>) {
        self.offsets.push(self.values.len());
        self.values.extend(amounts);
    }
}

/// By year and product, ascending: what the union imported by origin, then what the world exported by exporter.
fn read_panel(panel: &Path) -> Groups {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("panel");
    ingest(&[panel.to_owned()], &store, &IngestOptions::default(), &mut |_| {}).unwrap();
    let source = TradeSource::open(&store).unwrap();
    assert_eq!(source.years().len(), 30);
    let countries = source.countries();
    let union: Vec<_> = countries.iter().filter(|(_, country)| EU27.contains(&country.code.get())).map(|(at, _)| at).collect();
    assert_eq!(union.len(), EU27.len());
    let mut groups = Groups::default();
    for year in source.years() {
        let table = source.read(*year, None).unwrap().table;
        for product in table.products() {
            let rows = table.rows(table.find(*product).unwrap());
            let (mut imports, mut exports) = (BTreeMap::new(), BTreeMap::new());
            for ((exporter, importer), value) in rows.exporters.iter().zip(rows.importers).zip(rows.values) {
                if union.contains(importer) {
                    *imports.entry(*exporter).or_insert(Usd::ZERO) += *value;
                }
                *exports.entry(*exporter).or_insert(Usd::ZERO) += *value;
            }
            groups.push(imports.into_values());
            groups.push(exports.into_values());
        }
    }
    groups.offsets.push(groups.values.len());
    groups
}

/// All indices, in parts that threads take as they come.
fn indices<A: Amount + Sync>(backend: Backend, values: &[A], offsets: &[usize]) -> Vec<Option<f64>> {
    const PART: usize = 50;
    let mut indices = vec![None; offsets.len() - 1];
    indices.par_chunks_mut(PART).enumerate().for_each(|(part, indices)| {
        let offsets = &offsets[part * PART..=part * PART + indices.len()];
        backend.hhi_of_groups(values, offsets, indices).unwrap();
    });
    indices
}

fn hash(indices: &[Option<f64>]) -> String {
    let mut hasher = blake3::Hasher::new();
    for index in indices {
        hasher.update(&[u8::from(index.is_some())]);
        hasher.update(&index.unwrap_or(0.0).to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// In integers, rounded at the end.
fn exact(amounts: &[Usd]) -> Option<f64> {
    let amounts: Vec<i128> = amounts.iter().map(|amount| i128::from(amount.get())).collect();
    let (sum, squares) = (amounts.iter().sum::<i128>(), amounts.iter().map(|amount| amount * amount).sum::<i128>());
    (sum > 0).then(|| squares as f64 / (sum * sum) as f64)
}

#[test]
fn one_hash_of_thirty_years_on_every_instruction_set_and_number_of_threads() {
    let panel = Path::new(env!("CARGO_MANIFEST_DIR")).join(PANEL);
    if !panel.exists() {
        // The test runner shows this with --nocapture.
        println!("skipped: {PANEL} is absent");
        return;
    }
    let Groups { values, offsets } = read_panel(&panel);
    let floats: Vec<f64> = values.iter().map(|amount| amount.get() as f64).collect();

    let best = indices(Backend::best(), &values, &offsets);
    let without = best.iter().filter(|index| index.is_none()).count();
    println!("{} groups of {} amounts in all, {without} without an index", best.len(), values.len());
    for (index, bounds) in best.iter().zip(offsets.windows(2)) {
        match (index, exact(&values[bounds[0]..bounds[1]])) {
            (Some(index), Some(exact)) => assert!((index / exact - 1.0).abs() < 1.2e-14, "{index} is not {exact}"),
            (index, exact) => assert_eq!(*index, exact),
        }
    }
    for n_threads in [1, 2, 4, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        for backend in Backend::available() {
            let (by_dollars, by_floats) =
                pool.install(|| (indices(backend, &values, &offsets), indices(backend, &floats, &offsets)));
            let name = backend.name();
            assert_eq!(hash(&by_dollars), GOLDEN, "dollars, {name}, {n_threads} threads");
            assert_eq!(hash(&by_floats), GOLDEN, "floats, {name}, {n_threads} threads");
        }
    }
    let names: Vec<_> = Backend::available().into_iter().map(Backend::name).collect();
    println!("{GOLDEN} on {names:?}, optimised: {}", !cfg!(debug_assertions));
}
