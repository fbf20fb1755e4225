//! A tiny result by hand. Amounts in thousand USD: 1,000,000 + 500,000 of imports.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use reorient_core::{Country, CountryCode, CountryIndex, CountryTable, Sector, Text, Usd};
use reorient_metrics::{
    BeforeAfter, Collection, CountryRow, FlowRow, Headline, Labels, Level, Origin, ProductRow, Ranged, ShareRow,
};
use reorient_model::{NanoUsd, Status};

use crate::manifest::{CertificateSummary, InputFile, Ledger, Manifest};
use crate::number::NANO_PER_MUSD;

pub(crate) fn countries() -> CountryTable {
    let country = |code, iso3: &str, name: &str| Country {
        code: CountryCode::new(code).unwrap(),
        iso2: None,
        iso3: Text::name(iso3).unwrap(),
        name: Text::name(name).unwrap(),
    };
    CountryTable::new(vec![
        country(156, "CHN", "China"),
        country(276, "DEU", "Germany"),
        country(490, "S19", "Other Asia, nes"),
        country(643, "RUS", "Russian Federation"),
        country(654, "SHN", "Saint Helena, Ascension and Tristan da Cunha"),
        country(842, "USA", "USA"),
    ])
    .unwrap()
}

fn musd(amount: i64) -> Usd {
    Usd::new(amount * 1_000_000)
}

/// `thirds / 3` million USD, cut at 1e-9 USD.
fn thirds(thirds: i128) -> NanoUsd {
    NanoUsd(thirds * NANO_PER_MUSD / 3)
}

fn share(level: Level, name: &str, origin: Origin, imports: i64, before: i64, after: [i128; 3]) -> ShareRow {
    // A fifth of the imports come from within the bloc.
    let outside = i128::from(imports) * 12 / 5;
    ShareRow {
        level,
        name: name.to_owned(),
        origin,
        imports: musd(imports),
        before: musd(before),
        after: thirds(after[0]),
        after_min: thirds(after[1]),
        after_max: thirds(after[2]),
        unmet: NanoUsd::default(),
        cut: (NanoUsd::from(musd(before)) - thirds(after[0])).max(NanoUsd::default()),
        extra_bloc: musd(imports / 5 * 4),
        extra_bloc_after: Ranged { point: thirds(outside), min: thirds((outside - 300).max(0)), max: thirds(outside) },
        hhi: (origin == Origin::AllRisk && imports > 0).then_some(BeforeAfter {
            before: 0.25,
            after: Some(0.375),
            range: Some((0.25, 0.5)),
        }),
    }
}

fn shares() -> Vec<ShareRow> {
    use Level::{Overall, Sector, Stage, Subsector};
    let china = Origin::Country(CountryIndex(0));
    let russia = Origin::Country(CountryIndex(3));
    vec![
        share(Overall, "all", Origin::AllRisk, 1500, 600, [700, 700, 700]),
        share(Overall, "all", china, 1500, 400, [450, 300, 700]),
        share(Overall, "all", russia, 1500, 200, [250, 0, 400]),
        share(Sector, "energy", Origin::AllRisk, 1000, 400, [700, 700, 700]),
        share(Sector, "health", Origin::AllRisk, 500, 200, [0, 0, 0]),
        share(Subsector, "Antibiotics and other active ingredients", Origin::AllRisk, 500, 200, [0, 0, 0]),
        share(Subsector, "Solar", Origin::AllRisk, 1000, 400, [700, 700, 700]),
        share(Stage, "input", Origin::AllRisk, 1500, 600, [700, 700, 700]),
        share(Stage, "final", Origin::AllRisk, 0, 0, [0, 0, 0]),
    ]
}

fn flow(exporter: u16, imports: i64, world: i64, capacity: i128, optimised: [i128; 3]) -> FlowRow {
    FlowRow {
        exporter: CountryIndex(exporter),
        imports: musd(imports),
        world_exports: musd(world),
        capacity: thirds(capacity),
        optimised: thirds(optimised[0]),
        min: thirds(optimised[1]),
        max: thirds(optimised[2]),
    }
}

fn product(code: &str, description: &str, imports: i64, risk: i64, status: Status) -> ProductRow {
    ProductRow {
        product: code.parse().unwrap(),
        labels: Arc::new(Labels {
            description: description.to_owned(),
            sectors: "energy".to_owned(),
            stages: "input;final".to_owned(),
            subsectors: "Solar".to_owned(),
            reconstructed: false,
        }),
        imports: musd(imports),
        risk_before: musd(risk),
        risk_after: None,
        capacity: thirds(500),
        spare: None,
        unmet: None,
        cut: NanoUsd::default(),
        inside_before: Usd::ZERO,
        status,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: None,
        slope: NanoUsd::default(),
        next_point: NanoUsd::default(),
        rearrangement: None,
        hhi_before: None,
        hhi_after: None,
        hhi_after_min: None,
        hhi_after_max: None,
        hhi_max_is_exact: None,
        change_inside: Ranged::default(),
        change_outside: Ranged::default(),
        shifted_inside: NanoUsd::default(),
        shifted_outside: NanoUsd::default(),
        flows: Vec::new(),
    }
}

fn row(rank: usize, country: u16, increase: [i128; 3], before: i64, main_sector: Sector) -> CountryRow {
    let after = |thirds_more| NanoUsd::from(musd(before)) + thirds(thirds_more);
    CountryRow {
        rank,
        rank_min: rank,
        rank_max: rank,
        country: CountryIndex(country),
        increase: thirds(increase[0]),
        increase_min: thirds(increase[1]),
        increase_max: thirds(increase[2]),
        main_sector,
        before: musd(before),
        after: after(increase[0]),
        after_min: after(increase[1]),
        after_max: after(increase[2]),
    }
}

pub(crate) fn collection() -> Collection {
    let mut solar = product("010121", "Cells, \"photovoltaic\"", 1000, 400, Status::Shortage);
    solar.risk_after = Some(thirds(700));
    (solar.unmet, solar.cut) = (Some(NanoUsd::default()), thirds(500));
    solar.shadow_price = Some(-1.0);
    solar.hhi_before = Some(0.1 + 0.2);
    solar.hhi_after = Some(0.25);
    solar.hhi_after_min = Some(0.125);
    solar.hhi_after_max = Some(0.5);
    solar.hhi_max_is_exact = Some(false);
    solar.spare = Some(NanoUsd::default());
    solar.shadow_price_of_less = Some(2.0);
    solar.critical_cap = Some(0.075);
    solar.slope = thirds(1000);
    solar.rearrangement = Some(1.5);
    solar.change_outside = Ranged { point: thirds(500), min: thirds(400), max: thirds(500) };
    solar.flows = vec![flow(0, 400, 9000, 0, [700, 700, 700]), flow(5, 600, 3333, 500, [2300, 2300, 2300])];
    let mut barred = product("300420", "", 3, 2, Status::Infeasible);
    (barred.risk_after, barred.unmet, barred.spare) = (Some(NanoUsd::default()), Some(thirds(4)), Some(NanoUsd::default()));
    barred.cut = thirds(2);
    Collection {
        headline: Headline {
            products: 2,
            in_shortage: 1,
            infeasible: 1,
            unsolved: 0,
            imports: musd(1500),
            risk_before: musd(600),
            risk_after: NanoUsd::from(musd(600)) - (thirds(600) + thirds(500)),
            unmet: thirds(4),
            cut: thirds(600) + thirds(500) - thirds(4),
            extra_bloc: musd(1200),
            extra_bloc_after: Ranged { point: thirds(3600), min: thirds(3300), max: thirds(3600) },
            shifted_inside: thirds(600),
            shifted_outside: thirds(500),
            change_inside: Ranged { point: thirds(600), min: thirds(550), max: thirds(650) },
            change_outside: Ranged { point: thirds(500), min: thirds(450), max: thirds(550) },
            risk_slope: thirds(1000),
            next_point: thirds(9),
            hhi: Some(BeforeAfter { before: 0.25, after: Some(0.375), range: Some((0.25, 0.5)) }),
            reconstructed_imports: musd(500),
            reconstructed_products: 1,
            hhi_rose: 1,
            hhi_fell: 1,
        },
        shares: shares(),
        table_a1: vec![row(1, 5, [300, 200, 400], 45, Sector::Energy), row(2, 4, [200, 200, 200], 0, Sector::Health)],
        products: vec![solar, barred],
    }
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        version: "1.2.3".to_owned(),
        method: "aggregate".to_owned(),
        scenario: BTreeMap::from([("bloc".to_owned(), "EU27".to_owned()), ("cap".to_owned(), "0.05".to_owned())]),
        source: "hand-made".to_owned(),
        revision: "HS92".to_owned(),
        inputs: vec![InputFile {
            role: "trade".to_owned(),
            name: "trade.csv".to_owned(),
            bytes: 12,
            blake3: Some("00".to_owned()),
            integrity: "none".to_owned(),
            ..InputFile::default()
        }],
        ledger: Ledger {
            rows_in: 3,
            rows_used: 2,
            unused: BTreeMap::from([("inside bloc".to_owned(), 1)]),
            noted: BTreeMap::new(),
        },
        unknown_codes: None,
        value_unit: None,
        certificates: CertificateSummary { certified: 2, infeasible: 1, unsolved: 0, cross_checked: 0 },
        ..Manifest::default()
    }
}
