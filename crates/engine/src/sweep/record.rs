//! The result of a scenario as a document of the store: JSON with exact integers, and doubles that read back as they were.

use std::borrow::Cow;
use std::collections::BTreeMap;

use reorient_core::{CountryCode, CountryIndex, CountryTable, Sector, Usd};
use reorient_metrics::{BeforeAfter, Collection, CountryRow, Headline, Level, Origin, Ranged, ShareRow};
use reorient_model::NanoUsd;
use serde::{Deserialize, Serialize};

use super::key::Key;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub enum SweepOutcome {
    /// Certified figures, without rows of products. Imports may be unmet and products unsolved, as in a run.
    Answered(Box<Collection>),
    /// The question leaves exact arithmetic on these data.
    Refused(String),
    /// The verifier refused an allocation.
    NotCertified(String),
}

impl SweepOutcome {
    /// Name in files: `answered`, `open` (answered but for some products), `refused` or `not-certified`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Answered(own) if own.headline.infeasible + own.headline.unsolved > 0 => "open",
            Self::Answered(_) => "answered",
            Self::Refused(_) => "refused",
            Self::NotCertified(_) => "not-certified",
        }
    }

    /// Figures, where there are any.
    pub fn collection(&self) -> Option<&Collection> {
        if let Self::Answered(collection) = self { Some(collection) } else { None }
    }

    /// Why there are no figures.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Answered(_) => None,
            Self::Refused(reason) | Self::NotCertified(reason) => Some(reason),
        }
    }
}

/// One scenario and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SweepRecord {
    /// The scenario in one spelling, without the contents of files.
    pub question: Key,
    /// Every key of the scenario with its resolved value.
    pub resolved: BTreeMap<String, String>,
    /// What came of it.
    pub outcome: SweepOutcome,
}

/// A point and the ends of its range, in 1e-9 USD.
type Range = [i128; 3];

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    question: Key,
    scenario: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_certified: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    figures: Option<Figures<'a>>,
}

/// Amounts in dollars before, and in 1e-9 dollars after.
#[derive(Serialize, Deserialize)]
struct Figures<'a> {
    products: usize,
    in_shortage: usize,
    infeasible: usize,
    unsolved: usize,
    imports: i64,
    risk_before: i64,
    risk_after: i128,
    unmet: i128,
    cut: i128,
    extra_bloc: i64,
    extra_bloc_after: Range,
    shifted_inside: i128,
    shifted_outside: i128,
    change_inside: Range,
    change_outside: Range,
    risk_slope: i128,
    next_point: i128,
    hhi: Option<(f64, Option<f64>)>,
    reconstructed_imports: i64,
    reconstructed_products: usize,
    hhi_rose: usize,
    hhi_fell: usize,
    #[serde(borrow)]
    shares: Vec<Share<'a>>,
    table_a1: Vec<Gain>,
}

/// Country, best and worst rank, main sector, imports before; increase and imports after, each with its range.
type Gain = (u16, usize, usize, String, i64, Range, Range);

/// Level, name, origin (0 for all), imports, before; after with its range; unmet and cut, imports from outside the bloc before, and
/// after with their range; concentration.
type Share<'a> = (Cow<'a, str>, Cow<'a, str>, u16, i64, i64, Range, [i128; 2], i64, Range, Option<(f64, Option<f64>)>);

const LEVELS: [Level; 4] = [Level::Overall, Level::Sector, Level::Subsector, Level::Stage];

impl SweepRecord {
    /// As a document: one line of JSON.
    pub(crate) fn to_document(&self, countries: &CountryTable) -> Vec<u8> {
        let (refused, not_certified) = match &self.outcome {
            SweepOutcome::Answered(_) => (None, None),
            SweepOutcome::Refused(reason) => (Some(reason.clone()), None),
            SweepOutcome::NotCertified(reason) => (None, Some(reason.clone())),
        };
        let figures = self.outcome.collection().map(|collection| figures(collection, countries));
        let document = Document { question: self.question, scenario: self.resolved.clone(), refused, not_certified, figures };
        // Texts and numbers always serialise.
        let mut bytes = serde_json::to_vec(&document).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a document; the text is what is wrong with it.
    pub(crate) fn from_document(bytes: &[u8], countries: &CountryTable) -> Result<Self, String> {
        let document: Document<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let outcome = match (document.figures, document.refused, document.not_certified) {
            (Some(figures), None, None) => SweepOutcome::Answered(Box::new(collection(figures, countries)?)),
            (None, Some(reason), None) => SweepOutcome::Refused(reason),
            (None, None, Some(reason)) => SweepOutcome::NotCertified(reason),
            _ => return Err("it has not one outcome".to_owned()),
        };
        Ok(Self { question: document.question, resolved: document.scenario, outcome })
    }
}

fn figures<'a>(collection: &'a Collection, countries: &CountryTable) -> Figures<'a> {
    let own = &collection.headline;
    let code = |index: CountryIndex| countries.country(index).code.get();
    let ranged = |amount: Ranged| [amount.point.0, amount.min.0, amount.max.0];
    let index = |hhi: Option<BeforeAfter>| hhi.map(|hhi| (hhi.before, hhi.after));
    let share = |row: &'a ShareRow| -> Share<'a> {
        let origin = if let Origin::Country(origin) = row.origin { code(origin) } else { 0 };
        let after = [row.after.0, row.after_min.0, row.after_max.0];
        let (level, name) = (row.level.name().into(), row.name.as_str().into());
        let outside = ranged(row.extra_bloc_after);
        let (imports, before, extra_bloc) = (row.imports.get(), row.before.get(), row.extra_bloc.get());
        (level, name, origin, imports, before, after, [row.unmet.0, row.cut.0], extra_bloc, outside, index(row.hhi))
    };
    let country = |row: &CountryRow| {
        let increase = [row.increase.0, row.increase_min.0, row.increase_max.0];
        let after = [row.after.0, row.after_min.0, row.after_max.0];
        let sector = row.main_sector.name().to_owned();
        (code(row.country), row.rank_min, row.rank_max, sector, row.before.get(), increase, after)
    };
    Figures {
        products: own.products,
        in_shortage: own.in_shortage,
        infeasible: own.infeasible,
        unsolved: own.unsolved,
        imports: own.imports.get(),
        risk_before: own.risk_before.get(),
        risk_after: own.risk_after.0,
        unmet: own.unmet.0,
        cut: own.cut.0,
        extra_bloc: own.extra_bloc.get(),
        extra_bloc_after: ranged(own.extra_bloc_after),
        shifted_inside: own.shifted_inside.0,
        shifted_outside: own.shifted_outside.0,
        change_inside: ranged(own.change_inside),
        change_outside: ranged(own.change_outside),
        risk_slope: own.risk_slope.0,
        next_point: own.next_point.0,
        hhi: index(own.hhi),
        reconstructed_imports: own.reconstructed_imports.get(),
        reconstructed_products: own.reconstructed_products,
        hhi_rose: own.hhi_rose,
        hhi_fell: own.hhi_fell,
        shares: collection.shares.iter().map(share).collect(),
        table_a1: collection.table_a1.iter().map(country).collect(),
    }
}

fn collection(figures: Figures<'_>, countries: &CountryTable) -> Result<Collection, String> {
    let index = |code: u16| -> Result<CountryIndex, String> {
        let index = CountryCode::new(code).ok().and_then(|code| countries.index(code));
        index.ok_or_else(|| format!("country {code} is not in the country table"))
    };
    let ranged = |[point, min, max]: Range| Ranged { point: NanoUsd(point), min: NanoUsd(min), max: NanoUsd(max) };
    let hhi = |of: Option<(f64, Option<f64>)>| of.map(|(before, after)| BeforeAfter { before, after, range: None });
    let share = |row: Share<'_>| -> Result<ShareRow, String> {
        let (level, name, origin, imports, before, after, [unmet, cut], extra_bloc, outside, of_index) = row;
        let after = ranged(after);
        Ok(ShareRow {
            level: LEVELS.into_iter().find(|known| known.name() == level).ok_or_else(|| format!("`{level}` is no level"))?,
            name: name.into_owned(),
            origin: if origin == 0 { Origin::AllRisk } else { Origin::Country(index(origin)?) },
            imports: Usd::new(imports),
            before: Usd::new(before),
            after: after.point,
            after_min: after.min,
            after_max: after.max,
            unmet: NanoUsd(unmet),
            cut: NanoUsd(cut),
            extra_bloc: Usd::new(extra_bloc),
            extra_bloc_after: ranged(outside),
            hhi: hhi(of_index),
        })
    };
    let country = |(at, row): (usize, Gain)| -> Result<CountryRow, String> {
        let (code, rank_min, rank_max, sector, before, increase, after) = row;
        let (increase, after) = (ranged(increase), ranged(after));
        Ok(CountryRow {
            rank: at + 1,
            rank_min,
            rank_max,
            country: index(code)?,
            increase: increase.point,
            increase_min: increase.min,
            increase_max: increase.max,
            main_sector: sector.parse::<Sector>().map_err(|error| error.to_string())?,
            before: Usd::new(before),
            after: after.point,
            after_min: after.min,
            after_max: after.max,
        })
    };
    let headline = Headline {
        products: figures.products,
        in_shortage: figures.in_shortage,
        infeasible: figures.infeasible,
        unsolved: figures.unsolved,
        imports: Usd::new(figures.imports),
        risk_before: Usd::new(figures.risk_before),
        risk_after: NanoUsd(figures.risk_after),
        unmet: NanoUsd(figures.unmet),
        cut: NanoUsd(figures.cut),
        extra_bloc: Usd::new(figures.extra_bloc),
        extra_bloc_after: ranged(figures.extra_bloc_after),
        shifted_inside: NanoUsd(figures.shifted_inside),
        shifted_outside: NanoUsd(figures.shifted_outside),
        change_inside: ranged(figures.change_inside),
        change_outside: ranged(figures.change_outside),
        risk_slope: NanoUsd(figures.risk_slope),
        next_point: NanoUsd(figures.next_point),
        hhi: hhi(figures.hhi),
        reconstructed_imports: Usd::new(figures.reconstructed_imports),
        reconstructed_products: figures.reconstructed_products,
        hhi_rose: figures.hhi_rose,
        hhi_fell: figures.hhi_fell,
    };
    Ok(Collection {
        headline,
        shares: figures.shares.into_iter().map(share).collect::<Result<_, _>>()?,
        table_a1: figures.table_a1.into_iter().enumerate().map(country).collect::<Result<_, _>>()?,
        products: Vec::new(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reorient_data::TradeSource;

    use super::*;
    use crate::{Bench, Scenario, Session};

    #[test]
    fn a_result_reads_back_to_the_last_bit() {
        let source = TradeSource::embedded().unwrap();
        for settings in [
            &["cap=1/7"][..],
            &["list=all", "floor=free", "weights=CHN=2"],
            &["ceiling=0.1", "risk=NLD", "bloc=DEU"],
            &["exclude-hard=CHN"],
        ] {
            let mut scenario = Scenario::default();
            settings.iter().for_each(|setting| scenario.set_from_text(setting).unwrap());
            let prepared = Session::new(&source).prepare(&scenario).unwrap();
            let collection = prepared.summarise(&scenario, &mut Bench::default()).unwrap();
            let outcome = SweepOutcome::Answered(Box::new(collection));
            let record = SweepRecord { question: Key([7; 32]), resolved: prepared.resolved(&scenario), outcome };
            let document = record.to_document(source.countries());
            assert_eq!(SweepRecord::from_document(&document, source.countries()).unwrap(), record);
        }
        let refused = SweepRecord {
            question: Key([9; 32]),
            resolved: BTreeMap::new(),
            outcome: SweepOutcome::Refused("too \"fine\"".to_owned()),
        };
        let document = refused.to_document(source.countries());
        assert_eq!(SweepRecord::from_document(&document, source.countries()).unwrap(), refused);
        assert!(SweepRecord::from_document(b"{}", source.countries()).is_err());
    }
}
