//! What a made-up year of 300,000 rows looks like, and that its bytes depend on the request alone.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use reorient_core::{Country, CountryCode, CountryTable, ProductCode, Text, Year};
use reorient_synth::{Marginal, Outcome, Request, Row, SynthError, generate, sort_as_cepii, write_rows};

const COUNTRIES: &str = include_str!("../../../data/codes/country_codes_V202401b.csv");
const LIST: &str = include_str!("../../../data/lists/critical_goods_hs2022.csv");

struct Given {
    countries: CountryTable,
    wanted: BTreeSet<ProductCode>,
    marginals: BTreeMap<ProductCode, Marginal>,
    replaced: BTreeSet<ProductCode>,
}

impl Given {
    fn new() -> Self {
        let codes = COUNTRIES.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<CountryCode>().unwrap());
        let country = |code| Country { code, iso2: None, iso3: Text::literal("AAA"), name: Text::default() };
        Self {
            countries: CountryTable::new(codes.map(country).collect()).unwrap(),
            wanted: LIST.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect(),
            marginals: BTreeMap::new(),
            replaced: BTreeSet::new(),
        }
    }

    fn request(&self, rows: u64, seed: u64) -> Request<'_> {
        let Self { countries, wanted, marginals, replaced } = self;
        Request { rows, seed, countries, wanted, marginals, replaced }
    }
}

fn csv(rows: &[Row]) -> Vec<u8> {
    let mut text = Vec::new();
    write_rows(rows, Year::new(2024).unwrap(), &mut text).unwrap();
    text
}

fn reached(outcome: &Outcome, name: &str) -> f64 {
    outcome.targets.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("{name}")).reached
}

#[test]
fn aims_are_met() {
    let given = Given::new();
    let (rows, outcome) = generate(&given.request(300_000, 1)).unwrap();
    assert_eq!(rows.len(), 300_000);
    assert!(rows.iter().all(|row| row.exporter != row.importer && row.dollars > 0 && row.kilograms.is_none_or(|q| q > 0)));
    // CEPII's names tell the last year of countries that ended, as in `Sudan (...2011)`.
    let code = |line: &str| line.split(',').next().unwrap().parse::<u16>().unwrap();
    let ended: BTreeSet<u16> = COUNTRIES.lines().filter(|line| line.contains("(...")).map(code).collect();
    assert!(ended.len() == 9 && rows.iter().all(|row| !ended.contains(&row.exporter) && !ended.contains(&row.importer)));
    let key = |row: &Row| (row.product, row.exporter, row.importer);
    assert!(rows.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])), "rows ascend, each key once");
    let products: BTreeSet<ProductCode> = rows.iter().map(|row| row.product).collect();
    assert!(given.wanted.is_subset(&products), "every listed product has rows");
    assert_eq!(outcome.products, products.into_iter().collect::<Vec<_>>());
    // Name, aim, tolerance; the last column is how far 300,000 rows may be from it.
    for (name, aim, tolerance) in [
        ("rows", 300_000.0, 0.0),
        ("products", 3_000.0, 0.0),
        ("products with a leading zero", 10.2, 3.0),
        ("world exports", 22_960.0 * 300_000.0 / 11e6 * (100.0 * 5_606.0 / 11e6_f64).powf(0.54), 1e-3),
        ("standard deviation of ln v, median product", 2.8, 0.1),
        ("rows without quantity", 4.0, 0.15),
        ("rows to the EU27", 27.9, 0.3),
        ("rows from CN, US, RU to the EU27", 1.53, 0.05),
        ("HHI of exporters, 5 %", 0.07, 0.02),
        ("HHI, 25 %", 0.10, 0.01),
        ("HHI, 50 %", 0.15, 0.01),
        ("HHI, 75 %", 0.23, 0.015),
        ("HHI, 95 %", 0.47, 0.03),
    ] {
        let reached = reached(&outcome, name);
        assert!((reached - aim).abs() <= tolerance, "{name}: {reached}, aim {aim}");
    }
    let median = reached(&outcome, "median value");
    assert!((6.0..=19.0).contains(&median), "median {median} kUSD");
    assert!(reached(&outcome, "exporting countries") >= 220.0);
}

#[test]
fn bytes_depend_on_the_request_alone() {
    let given = Given::new();
    let bytes = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut rows, _) = generate(&given.request(60_000, seed)).unwrap();
            sort_as_cepii(&mut rows);
            csv(&rows)
        })
    };
    let one = bytes(1, 7);
    assert!(one == bytes(8, 7), "1 and 8 threads");
    assert!(one != bytes(1, 8), "another seed");
    // The same on every platform: to change this number is to change every file of every seed.
    let hash = one.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    assert_eq!(hash, KNOWN, "{hash:#x}");
}

const KNOWN: u64 = 0x2978_583f_17a1_4221;

#[test]
fn rows_are_printed_as_cepii_prints_them() {
    let product = "010121".parse().unwrap();
    let row = |importer, dollars, kilograms| Row { exporter: 4, importer, product, dollars, kilograms };
    let text = csv(&[row(24, 52_051, Some(13_235)), row(842, 7, None), row(999, 12_345_678_901, Some(12_345_678_901_234))]);
    let expected = "t,i,j,k,v,q\n2024,4,24,010121,52.051,       13.235\n2024,4,842,010121,0.007,           NA\n\
                    2024,4,999,010121,12345678.901,12345678901.234\n";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn marginals_are_met() {
    let mut given = Given::new();
    let marginal = |dollars, hhi, exporters| Marginal { dollars, hhi, exporters };
    given.marginals = [
        ("010121", marginal(1_509_891_157, 0.171, 137)),
        ("250310", marginal(900_000_000_000, 0.07, 220)),
        ("854231", marginal(40_000_000, 0.9, 12)),
    ]
    .map(|(code, marginal)| (code.parse().unwrap(), marginal))
    .into();
    let (rows, outcome) = generate(&given.request(6_000, 3)).unwrap();
    let world: i64 = given.marginals.values().map(|known| known.dollars).sum();
    let world = world as f64 * 6_000.0 / 11e6;
    let all: f64 = given.marginals.values().map(|known| known.dollars as f64).sum();
    for (code, known) in &given.marginals {
        let own: Vec<&Row> = rows.iter().filter(|row| row.product == *code).collect();
        let total: i64 = own.iter().map(|row| row.dollars).sum();
        assert!((total as f64 - world * known.dollars as f64 / all).abs() < 2.0, "{code}: {total}");
        let mut by_exporter: BTreeMap<u16, f64> = BTreeMap::new();
        for row in own {
            *by_exporter.entry(row.exporter).or_default() += row.dollars as f64 / total as f64;
        }
        let hhi: f64 = by_exporter.values().map(|share| share * share).sum();
        assert!((hhi - known.hhi).abs() < 0.01, "{code}: {hhi}");
    }
    assert!(reached(&outcome, "largest gap of a product total") < 0.1);
}

#[test]
fn what_finds_no_room_is_refused() {
    let mut given = Given::new();
    given.marginals = [("010121".parse().unwrap(), Marginal { dollars: 1_000_000, hhi: 0.2, exporters: 10 })].into();
    assert!(matches!(generate(&given.request(1_000_000, 1)), Err(SynthError::Rows { rows: 1_000_000, products: 1, .. })));
    given.replaced = given.marginals.keys().copied().collect();
    assert_eq!(generate(&given.request(1_000, 1)), Err(SynthError::NothingToMake));
}

#[test]
fn small_years_have_few_products_and_replaced_ones_have_none() {
    let mut given = Given::new();
    given.replaced = given.wanted.iter().copied().take(500).collect();
    for rows in [1_000, 5_000, 40_000] {
        let (made, outcome) = generate(&given.request(rows, 11)).unwrap();
        assert_eq!((made.len() as u64, outcome.products.len() as u64), (rows, rows / 100));
        assert!(outcome.products.iter().all(|product| !given.replaced.contains(product)));
    }
}

#[test]
fn the_median_stays_whatever_the_size() {
    let given = Given::new();
    for rows in [5_000, 30_000, 600_000, 1_500_000] {
        let (_, outcome) = generate(&given.request(rows, 17)).unwrap();
        let (median, spread) =
            (reached(&outcome, "median value"), reached(&outcome, "standard deviation of ln v, median product"));
        assert!((6.0..=19.0).contains(&median) && (2.6..=3.0).contains(&spread), "{rows} rows: {median} kUSD, {spread}");
    }
}
