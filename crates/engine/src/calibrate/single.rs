//! Exporters whose published row comes from one product of the data, recognised by the published numbers and the rows alone.

use reorient_core::{CountryIndex, Usd};
use reorient_data::TradeSource;
use reorient_metrics::{ImpliedTotal, Published, PublishedRow, SingleRow, printed_value};
use reorient_model::{CountrySet, NanoUsd, closed_form, formulate};

use super::predict::Prediction;
use super::rank::Scored;
use super::reading::ground;
use super::space::{BASIS, Space};
use super::target::Target;
use crate::coverage::{AskedList, meet};
use crate::lists::Lists;
use crate::prepare::read;
use crate::scenario::Scenario;
use crate::{Baseline, EngineError};

/// The part of an exporter's listed trade that one product must make, both in the bloc's imports from it and in its exports.
const DOMINANT: f64 = 0.9;
/// How far these imports may be from the published old share, as a part of it, beyond the rounding of both.
const OFF: f64 = 0.1;

/// In the order of the published table.
pub(crate) fn singles(
    (source, lists): (&TradeSource, &Lists),
    scenario: &Scenario,
    space: &Space,
    scored: &Scored<'_>,
    published: &Published,
    target: &Target,
    implied: ImpliedTotal,
) -> Result<Vec<SingleRow>, EngineError> {
    let scenario = ground(space, scenario, &scored.reading.choices[0])?;
    let year = scenario.resolve_year(source.years())?;
    let wanted = scored.reading.products.iter().copied().collect();
    let baseline = Baseline::new(&read(source, &scenario, year, &wanted)?.table, &scored.reading.members);
    let (list, _) =
        meet(source.revision(), &scenario, AskedList::of(source.revision(), &scenario, lists)?, &source.products(year)?);
    let bloc = scenario.resolve_bloc(source.countries(), year)?;
    let policy = scenario.policy(source.countries(), year, &bloc)?;
    let mut rows = Vec::new();
    for (row, units) in published.rows().iter().zip(&target.rows) {
        let Some(found) = Dominant::of(&baseline, units.country, &scored.reading.members) else { continue };
        let code = baseline.products()[found.position];
        let is_of_sector = |sector| list.goods.get(&code).is_some_and(|places| places.iter().any(|place| place.sector == sector));
        if row.main_sector.is_some_and(|sector| !is_of_sector(sector)) || !found.explains(row, target, implied) {
            continue;
        }
        let market = baseline.market(found.position);
        let program = formulate(code, &market, &policy).map_err(|source| EngineError::Program { product: code, source })?;
        let optimum = closed_form(&program).map_err(|source| EngineError::Floors { product: code, source })?;
        let status = program.status(&optimum);
        let own = &scored.predictions[0];
        let (least, most) = own.ranges[units.country.at()];
        let musd = |amount: NanoUsd| amount.to_dollars() / 1e6;
        // All options but the basis at the scenario's own.
        let is_of_basis = |of: &&Prediction| (0..of.choice.len()).all(|at| at == BASIS || of.choice[at] == 0);
        let increase = |of: &Prediction| musd(of.fills[0][units.country.at()].increase);
        rows.push(SingleRow {
            country: units.country,
            product: code,
            description: source.description(code).unwrap_or_default().to_owned(),
            imports: found.imports,
            explained_pct: 100.0 * dollars(found.imports)
                / (1e4 * row.share_old.value() * f64::midpoint(implied.musd.0, implied.musd.1)),
            of_imports_pct: 100.0 * found.of_imports,
            of_exports_pct: 100.0 * found.of_exports,
            status,
            published: row.increase.value(),
            ours: increase(own),
            range: (musd(least.increase), musd(most.increase)),
            inside: target.increase_is_inside(scored.reading, own, units),
            by_basis: scored.predictions.iter().filter(is_of_basis).map(increase).collect(),
        });
    }
    Ok(rows)
}

/// The product that an exporter sells most of to the bloc.
struct Dominant {
    position: usize,
    imports: Usd,
    of_imports: f64,
    of_exports: f64,
}

impl Dominant {
    /// None where no product dominates, or the exporter is a member of the bloc.
    fn of(baseline: &Baseline, country: CountryIndex, members: &CountrySet) -> Option<Self> {
        if members.contains(country) {
            return None;
        }
        let flows: Vec<(Usd, Usd, usize)> = (0..baseline.products().len())
            .filter_map(|position| {
                let market = baseline.market(position);
                let at = market.exporters.binary_search(&country).ok()?;
                Some((market.imports[at], market.world_exports[at], position))
            })
            .collect();
        let (imports, exports, position) =
            flows.iter().copied().max_by_key(|(imports, _, at)| (*imports, std::cmp::Reverse(*at)))?;
        let all_imports: Usd = flows.iter().map(|(imports, ..)| *imports).sum();
        let all_exports: Usd = flows.iter().map(|(_, exports, _)| *exports).sum();
        if imports == Usd::ZERO {
            return None;
        }
        let (of_imports, of_exports) = (dollars(imports) / dollars(all_imports), dollars(exports) / dollars(all_exports));
        let found = Self { position, imports, of_imports, of_exports };
        (of_imports >= DOMINANT && of_exports >= DOMINANT).then_some(found)
    }

    /// Whether these imports alone make the published old share of the implied total, within the rounding of both and a tenth.
    fn explains(&self, row: &PublishedRow, target: &Target, implied: ImpliedTotal) -> bool {
        let half = 0.5 * printed_value(1, target.share_places);
        let usd = |share: f64, musd: f64| share / 100.0 * musd * 1e6;
        let least = usd((row.share_old.value() - half).max(0.0), implied.musd.0);
        let most = usd(row.share_old.value() + half, implied.musd.1);
        ((1.0 - OFF) * least..=(1.0 + OFF) * most).contains(&dollars(self.imports))
    }
}

fn dollars(amount: Usd) -> f64 {
    NanoUsd::from(amount).to_dollars()
}
