//! How near a made-up year came to what it aimed at, measured on its rows.

use rayon::prelude::*;
use reorient_core::ProductCode;

use crate::profile::{HHI, Profile, SPREAD};
use crate::quota::{ROWS_FROM_RISK_TO_MEMBERS, ROWS_TO_MEMBERS};
use crate::world::World;
use crate::{Request, Row, flows::MISSING};

/// One aim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What is measured.
    pub name: &'static str,
    /// `rows`, `products`, `countries`, `busd`, `kusd`, `pct`, `ln`, or empty for a pure number.
    pub unit: &'static str,
    /// The aim: from here ...
    pub low: f64,
    /// ... to here; the same for a single number.
    pub high: f64,
    /// What the rows have.
    pub reached: f64,
}

/// All aims with what was reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// In the order in which they are reported.
    pub targets: Vec<Target>,
    /// Products that were made.
    pub products: Vec<ProductCode>,
}

/// What the rows of a product have.
struct Measured {
    hhi: f64,
    exporters: usize,
    spread: Option<f64>,
    total: i64,
    to_members: usize,
    from_risk: usize,
    missing: usize,
}

impl Outcome {
    pub(crate) fn of(rows: &[Row], world: &World, profiles: &[Profile], request: &Request<'_>) -> Self {
        let mut is_member = [false; 1000];
        let mut is_risk = [false; 1000];
        for party in &world.parties {
            is_member[usize::from(party.code)] = party.is_member;
            is_risk[usize::from(party.code)] = party.is_risk;
        }
        let products: Vec<&[Row]> = rows.chunk_by(|one, other| one.product == other.product).collect();
        let measured: Vec<Measured> = products.par_iter().map(|rows| measure(rows, &is_member, &is_risk)).collect();
        let mut exports = [false; 1000];
        for row in rows {
            exports[usize::from(row.exporter)] = true;
        }
        let mut values: Vec<i64> = rows.iter().map(|row| row.dollars).collect();
        let middle = values.len() / 2;
        let median = *values.select_nth_unstable(middle).1 as f64 / 1e3;
        let n_rows = rows.len() as f64;
        let percent = |of: &dyn Fn(&Measured) -> usize| 100.0 * measured.iter().map(of).sum::<usize>() as f64 / n_rows;
        let exact = |name, unit, aim: f64, reached| Target { name, unit, low: aim, high: aim, reached };
        let within = |name, unit, low, high, reached| Target { name, unit, low, high, reached };
        let with_zero = products.iter().filter(|rows| rows[0].product.as_str().starts_with('0')).count();
        let n_products = products.len() as f64;
        let world_total: i64 = measured.iter().map(|product| product.total).sum();
        let mut spreads: Vec<f64> = measured.iter().filter_map(|product| product.spread).collect();
        let mut targets = vec![
            exact("rows", "rows", request.rows as f64, n_rows),
            exact("products", "products", profiles.len() as f64, n_products),
            within("exporting countries", "countries", 220.0, 238.0, exports.iter().filter(|exports| **exports).count() as f64),
            exact("products with a leading zero", "pct", 10.2, 100.0 * with_zero as f64 / n_products),
            exact("world exports", "busd", request.world_dollars(profiles.len()) as f64 / 1e9, world_total as f64 / 1e9),
            within("median value", "kusd", 6.0, 19.0, median),
            exact("standard deviation of ln v, median product", "ln", SPREAD, quantile(&mut spreads, 0.5)),
            exact("rows without quantity", "pct", 100.0 * MISSING, percent(&|product| product.missing)),
            exact("rows to the EU27", "pct", 100.0 * ROWS_TO_MEMBERS, percent(&|product| product.to_members)),
            exact(
                "rows from CN, US, RU to the EU27",
                "pct",
                100.0 * ROWS_FROM_RISK_TO_MEMBERS,
                percent(&|product| product.from_risk),
            ),
        ];
        let mut reached: Vec<f64> = measured.iter().map(|product| product.hhi).collect();
        let mut given: Vec<f64> =
            profiles.iter().filter_map(|profile| request.marginals.get(&profile.code)).map(|known| known.hhi).collect();
        const NAMES: [&str; 5] = ["HHI of exporters, 5 %", "HHI, 25 %", "HHI, 50 %", "HHI, 75 %", "HHI, 95 %"];
        for (name, (share, by_rule)) in NAMES.into_iter().zip(HHI) {
            let aim = if given.is_empty() { by_rule } else { quantile(&mut given, share) };
            targets.push(exact(name, "", aim, quantile(&mut reached, share)));
        }
        if !request.marginals.is_empty() {
            let worst = |gap: &dyn Fn(&Measured, &Profile) -> f64| {
                measured.iter().zip(profiles).map(|(one, other)| gap(one, other)).fold(0.0, f64::max)
            };
            let total = worst(&|product, aim| 100.0 * ((product.total - aim.dollars) as f64 / aim.dollars as f64).abs());
            targets.push(exact("largest gap of a product total", "pct", 0.0, total));
            let known = |aim: &Profile| request.marginals.get(&aim.code).map_or(0.0, |known| f64::from(known.exporters));
            let mut gaps: Vec<f64> =
                measured.iter().zip(profiles).map(|(product, aim)| (product.exporters as f64 - known(aim)).abs()).collect();
            targets.push(exact("gap in exporters, median product", "countries", 0.0, quantile(&mut gaps, 0.5)));
        }
        Self { targets, products: profiles.iter().map(|profile| profile.code).collect() }
    }
}

/// Between the two nearest ones.
fn quantile(numbers: &mut [f64], share: f64) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = usize::try_from(crate::apportion::whole(place)).unwrap_or(0).min(last);
    let above = (below + 1).min(last);
    numbers[below] + (numbers[above] - numbers[below]) * (place - below as f64)
}

fn measure(rows: &[Row], is_member: &[bool; 1000], is_risk: &[bool; 1000]) -> Measured {
    let total: i64 = rows.iter().map(|row| row.dollars).sum();
    let sellers = rows.chunk_by(|one, other| one.exporter == other.exporter);
    let shares = sellers.map(|rows| rows.iter().map(|row| row.dollars).sum::<i64>() as f64 / total as f64);
    let (hhi, exporters) = shares.fold((0.0, 0), |(sum, count), share| (sum + share * share, count + 1));
    let logarithms: Vec<f64> = rows.iter().map(|row| libm::log(row.dollars as f64)).collect();
    let mean = logarithms.iter().sum::<f64>() / rows.len() as f64;
    let squares: f64 = logarithms.iter().map(|value| (value - mean) * (value - mean)).sum();
    let member = |row: &&Row| is_member[usize::from(row.importer)];
    Measured {
        hhi,
        exporters,
        spread: (rows.len() >= 30).then(|| (squares / (rows.len() - 1) as f64).sqrt()),
        total,
        to_members: rows.iter().filter(member).count(),
        from_risk: rows.iter().filter(member).filter(|row| is_risk[usize::from(row.exporter)]).count(),
        missing: rows.iter().filter(|row| row.kilograms.is_none()).count(),
    }
}
