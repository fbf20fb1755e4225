//! The checker of stored results is checked: of good allocations exactly one condition is broken, and that one must be named.
#![allow(clippy::unwrap_used, clippy::panic)]

use reorient_core::{CountryIndex, Usd};
use reorient_data::TradeSource;
use reorient_engine::{EngineError, ListChoice, Scenario, StoredFlow, StoredProduct, recheck, run};
use reorient_metrics::ProductRow;

struct Stored {
    source: TradeSource,
    scenario: Scenario,
    products: Vec<StoredProduct>,
    rows: Vec<ProductRow>,
}

impl Stored {
    /// What a result folder of the sample holds.
    fn new(settings: &[&str]) -> Self {
        let source = TradeSource::embedded().unwrap();
        let mut scenario = Scenario { list: ListChoice::All, year: Some(source.years()[0]), ..Scenario::default() };
        settings.iter().for_each(|setting| scenario.set_from_text(setting).unwrap());
        let result = run(&source, &scenario, &|_| {}, &|| {}).unwrap();
        let stored = |row: &ProductRow| StoredProduct {
            code: row.product,
            description: row.labels.description.clone(),
            memberships: Vec::new(),
            flows: row
                .flows
                .iter()
                .map(|flow| StoredFlow {
                    exporter: flow.exporter,
                    imports: flow.imports,
                    world_exports: flow.world_exports,
                    optimised_kusd: flow.optimised.to_dollars() / 1000.0,
                })
                .collect(),
            without_answer: None,
        };
        let rows = result.collection.products;
        Self { products: rows.iter().map(stored).collect(), rows, source, scenario }
    }

    fn check(&self, products: &[StoredProduct]) -> Result<(), EngineError> {
        recheck(products, &self.scenario, self.source.countries()).map(|_| ())
    }

    /// What is said of one product of which some flows are changed by thousand USD.
    fn with(&self, product: usize, changes: &[(usize, f64)]) -> String {
        let mut broken = self.products[product].clone();
        changes.iter().for_each(|(at, change)| broken.flows[*at].optimised_kusd += change);
        match self.check(&[broken]) {
            Ok(()) => "certified".to_owned(),
            Err(EngineError::Stored { product: named, problem }) => {
                assert_eq!(named, self.products[product].code);
                problem
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// Positions of exporters of a product that are at risk or not, with imports, room above the point and room below it, in
    /// thousand USD.
    fn of_role(&self, product: usize, risk: &[CountryIndex], is_risk: bool) -> Vec<(usize, f64, f64)> {
        let flows = self.rows[product].flows.iter().enumerate();
        let flows = flows.filter(|(_, flow)| risk.contains(&flow.exporter) == is_risk);
        let kusd = |amount: reorient_model::NanoUsd| amount.to_dollars() / 1000.0;
        flows
            .map(|(at, flow)| {
                let imports = reorient_model::NanoUsd::from(flow.imports);
                let (lower, upper) =
                    if is_risk { (0.0, kusd(imports)) } else { (kusd(imports), kusd(imports) + kusd(flow.capacity)) };
                (at, kusd(flow.optimised) - lower, upper - kusd(flow.optimised))
            })
            .collect()
    }
}

/// Additive floors and one weight, so that bounds and roles are known from the row.
#[test]
fn a_stored_point_with_one_condition_broken_is_refused() {
    let stored = Stored::new(&[]);
    stored.check(&stored.products).unwrap();
    let risk: Vec<CountryIndex> = [156, 842, 643]
        .map(|code| stored.source.countries().index(reorient_core::CountryCode::new(code).unwrap()).unwrap())
        .to_vec();
    let mut met = [0; 6];
    for product in 0..stored.products.len() {
        assert_eq!(stored.with(product, &[]), "certified");
        // Far above the rounding of the file, and small beside the amounts.
        let total: f64 = stored.products[product].flows.iter().map(|flow| flow.optimised_kusd).sum();
        let step = 0.001 + 1e-6 * total;
        for is_risk in [true, false] {
            let flows = stored.of_role(product, &risk, is_risk);
            for &(at, above, below) in &flows {
                let mut others = flows.iter().filter(|other| other.0 != at);
                // Another one of the same cost makes up for it: sum and value stay.
                if let Some((other, ..)) = others.clone().find(|other| other.2 > above + step) {
                    let said = stored.with(product, &[(at, -above - step), (*other, above + step)]);
                    assert!(said.contains("is outside its bounds"), "{said}");
                    met[0] += 1;
                }
                if let Some((other, ..)) = others.find(|other| other.1 > below + step) {
                    let said = stored.with(product, &[(at, below + step), (*other, -below - step)]);
                    assert!(said.contains("is outside its bounds"), "{said}");
                    met[1] += 1;
                }
                let said = stored.with(product, &[(at, f64::NAN)]);
                assert!(said.contains("is outside its bounds"), "{said}");
                // What is of no cost is in no value.
                if !is_risk && below > step {
                    assert!(stored.with(product, &[(at, step)]).contains("the flows sum to"));
                    met[2] += 1;
                }
                if !is_risk && above > step {
                    assert!(stored.with(product, &[(at, -step)]).contains("the flows sum to"));
                    met[3] += 1;
                }
            }
        }
        // Feasible, but dearer.
        let from = stored.of_role(product, &risk, false).into_iter().find(|flow| flow.1 > step);
        let to = stored.of_role(product, &risk, true).into_iter().find(|flow| flow.2 > step);
        if let (Some((from, ..)), Some((to, ..))) = (from, to) {
            assert!(stored.with(product, &[(from, -step), (to, step)]).contains("is proved to be the least"));
            met[4] += 1;
        }
        // The point is that of another amount of trade.
        let mut other = stored.products[product].clone();
        if let Some(flow) = other.flows.iter_mut().find(|flow| flow.imports > Usd::ZERO) {
            flow.world_exports += Usd::new(1_000_000_000);
            flow.imports += Usd::new(1_000_000_000);
            assert!(stored.check(&[other]).is_err());
            met[5] += 1;
        }
    }
    assert!(met.iter().all(|times| *times >= 20), "{met:?}");
}

/// What is unmet makes the sum with what is supplied: a point that supplies more is no point of this program.
#[test]
fn unmet_imports_are_in_the_sum() {
    let stored = Stored::new(&["exclude-hard=CHN,USA", "cap=0"]);
    stored.check(&stored.products).unwrap();
    let mut met = 0;
    for (product, row) in stored.rows.iter().enumerate().filter(|(_, row)| row.unmet.is_some_and(|unmet| unmet.0 > 0)) {
        let unmet = row.unmet.unwrap().to_dollars() / 1000.0;
        let largest = (0..row.flows.len()).max_by_key(|at| row.flows[*at].optimised).unwrap();
        if row.flows[largest].optimised.to_dollars() > 0.0 {
            assert_ne!(stored.with(product, &[(largest, -unmet.min(1.0) / 2.0)]), "certified");
            met += 1;
        }
    }
    assert!(met >= 20, "{met}");
}
