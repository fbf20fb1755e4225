//! Figures of products and their sums by hand: spare capacity, gains with their ranges, ranks, main sectors.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use reorient_core::{CountryIndex, Fraction, ListSource, Membership, ProductCode, Sector, Stage, Text, Usd};
use reorient_metrics::{
    Classification, Collection, Collector, Detail, FlowRow, Labels, Product, ProductRow, Ranged, Scratch, measure,
};
use reorient_model::{CapCurve, CountrySet, Market, NanoUsd, Policy, Status, closed_form, declare, formulate, verify};

const COUNTRIES: usize = 10;

fn product(number: u32) -> ProductCode {
    ProductCode::from_number(number).unwrap()
}

fn set(members: &[u16]) -> CountrySet {
    CountrySet::new(COUNTRIES, members.iter().map(|member| CountryIndex(*member)))
}

/// Country 0 is at risk, the bloc is country 9; amounts of dollars.
fn measured(imports: &[i64], world: &[i64]) -> ProductRow {
    let exporters: Vec<CountryIndex> = (0_u16..).map(CountryIndex).take(imports.len()).collect();
    let usd = |amounts: &[i64]| amounts.iter().copied().map(Usd::new).collect::<Vec<_>>();
    let (imports, world) = (usd(imports), usd(world));
    let market = Market { exporters: &exporters, imports: &imports, world_exports: &world, unit_values: &[] };
    let cap = Fraction::new(1, 20).unwrap();
    let policy = Policy::new(set(&[0]), cap);
    let program = formulate(product(270_900), &market, &policy).unwrap();
    let curve = CapCurve::new(product(270_900), &market, &policy).unwrap();
    let optimum = closed_form(&program).unwrap();
    let flows = declare(&program, &market, &optimum, &policy.tie_break);
    let certified = verify(&program, flows, optimum.unmet, optimum.multiplier()).unwrap();
    let labels = Arc::new(Labels::default());
    let bloc = set(&[9]);
    let asked = Product {
        code: product(270_900),
        labels: &labels,
        market,
        program: &program,
        curve: &curve,
        cap,
        bloc: &bloc,
        detail: Detail::Range,
    };
    measure(asked, Some((&optimum, &certified)), program.status(&optimum), &mut Scratch::default())
}

fn dollars(amount: i64) -> NanoUsd {
    NanoUsd::from(Usd::new(amount))
}

#[test]
fn spare_capacity_is_what_is_beyond_all_imports() {
    // Needed 10; exporter 1 may add 5, 10 or 20.
    let spare = |world| measured(&[10, 30], &[10, world]);
    let (shortage, tight, slack) = (spare(100), spare(200), spare(400));
    assert_eq!((shortage.spare, shortage.status), (Some(dollars(0)), Status::Shortage));
    assert_eq!((tight.spare, tight.status), (Some(dollars(0)), Status::Tight));
    assert_eq!((slack.spare, slack.status), (Some(dollars(10)), Status::Slack));
    assert_eq!([&shortage, &tight, &slack].map(|row| row.cut), [5, 10, 10].map(dollars));
    assert_eq!([&shortage, &tight, &slack].map(|row| row.risk_after.unwrap()), [5, 0, 0].map(dollars));
}

/// A flow as `(exporter, today, at the declared point, least, most)` in dollars.
type Flow = (u16, i64, i64, i64, i64);

fn row(number: u32, flows: &[Flow]) -> ProductRow {
    let flow = |(exporter, imports, optimised, min, max): &Flow| FlowRow {
        exporter: CountryIndex(*exporter),
        imports: Usd::new(*imports),
        world_exports: Usd::new(1_000),
        capacity: NanoUsd::default(),
        optimised: dollars(*optimised),
        min: dollars(*min),
        max: dollars(*max),
    };
    let nothing = NanoUsd::default();
    ProductRow {
        product: product(number),
        labels: Arc::new(Labels::default()),
        imports: Usd::new(flows.iter().map(|flow| flow.1).sum()),
        risk_before: Usd::ZERO,
        risk_after: Some(nothing),
        capacity: nothing,
        spare: Some(nothing),
        unmet: Some(nothing),
        cut: nothing,
        inside_before: Usd::ZERO,
        status: Status::Slack,
        shadow_price: None,
        shadow_price_of_less: None,
        critical_cap: None,
        slope: nothing,
        next_point: nothing,
        rearrangement: None,
        hhi_before: None,
        hhi_after: None,
        hhi_after_min: None,
        hhi_after_max: None,
        hhi_max_is_exact: None,
        change_inside: Ranged::default(),
        change_outside: Ranged::default(),
        shifted_inside: nothing,
        shifted_outside: nothing,
        flows: flows.iter().map(flow).collect(),
    }
}

/// Of products with the sectors that they belong to; country 0 is at risk, 9 the bloc.
fn collected(products: &[(&[Sector], &[Flow])], top: usize) -> Collection {
    let membership = |sector: &Sector| Membership {
        sector: *sector,
        subsector: Text::literal("any"),
        stage: Stage::Input,
        source: ListSource(Text::literal("any")),
    };
    let memberships: Vec<Vec<Membership>> =
        products.iter().map(|(sectors, _)| sectors.iter().map(membership).collect()).collect();
    let classes = Classification::new(&memberships.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let bloc = set(&[9]);
    let mut collector = Collector::new(&classes, &bloc, &set(&[0]));
    for (at, (_, flows)) in products.iter().enumerate() {
        collector.add(at, &row(270_900 + 100 * u32::try_from(at).unwrap(), flows));
    }
    collector.finish(top)
}

#[test]
fn the_range_of_a_gain_is_that_of_each_product_above_today() {
    let table = collected(
        &[(&[Sector::Energy], &[(1, 10, 15, 8, 20), (2, 10, 10, 10, 10)]), (&[Sector::Energy], &[(1, 10, 14, 12, 30)])],
        5,
    )
    .table_a1;
    assert_eq!(table.len(), 1, "whose flow never rises is not there");
    let gain = &table[0];
    assert_eq!((gain.increase, gain.increase_min, gain.increase_max), (dollars(9), dollars(2), dollars(30)));
    assert_eq!((gain.before, gain.after, gain.after_min, gain.after_max), (Usd::new(20), dollars(29), dollars(20), dollars(50)));
}

/// Who may gain at some optimum is in Table A.1, though it gains nothing at the declared point; the bloc and risk origins are not.
#[test]
fn whoever_may_gain_is_in_the_table() {
    let flows = [(0, 10, 12, 10, 20), (1, 10, 10, 10, 11), (2, 10, 9, 8, 10), (3, 10, 12, 9, 13), (9, 10, 20, 10, 20)];
    let collection = collected(&[(&[Sector::Ict], &flows)], 5);
    let countries: Vec<u16> = collection.table_a1.iter().map(|row| row.country.0).collect();
    assert_eq!(countries, [3, 1]);
    assert_eq!(collection.table_a1[1].increase, dollars(0));
}

#[test]
fn ranks_are_those_that_some_optimum_may_give() {
    // Gains of 3 in [0, 4], exactly 2, and 5.5 in [5, 6]; a fourth of 2 as well, which stands behind by its code.
    let flows = [(1, 10, 13, 10, 14), (2, 10, 12, 12, 12), (3, 10, 15, 15, 16), (4, 10, 12, 12, 12)];
    let table = collected(&[(&[Sector::Ict], &flows)], 5).table_a1;
    let ranks: Vec<(u16, usize, usize, usize)> =
        table.iter().map(|row| (row.country.0, row.rank, row.rank_min, row.rank_max)).collect();
    assert_eq!(ranks, [(3, 1, 1, 1), (1, 2, 2, 4), (2, 3, 2, 3), (4, 4, 3, 4)]);
}

#[test]
fn of_equal_sectors_the_first_is_the_main_one() {
    let main = |products: &[(&[Sector], &[Flow])]| collected(products, 5).table_a1[0].main_sector;
    let gain = |amount: i64| [(1, 10, 10 + amount, 10, 10 + amount)];
    assert_eq!(main(&[(&[Sector::Minerals, Sector::Ict, Sector::Energy], &gain(5))]), Sector::Ict);
    let two: [(&[Sector], &[Flow]); 2] = [(&[Sector::Minerals], &gain(5)), (&[Sector::Health], &gain(5))];
    assert_eq!(main(&two), Sector::Health);
    let more: [(&[Sector], &[Flow]); 2] = [(&[Sector::Minerals], &gain(6)), (&[Sector::Health], &gain(5))];
    assert_eq!(main(&more), Sector::Minerals, "the larger one");
    let nothing: [(&[Sector], &[Flow]); 1] = [(&[Sector::Minerals, Sector::Energy], &[(1, 10, 10, 10, 11)])];
    assert_eq!(main(&nothing), Sector::Energy, "of nothing too");
}
