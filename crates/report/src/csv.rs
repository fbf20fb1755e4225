//! Result rows as typed fields: the CSV files and the JSON object share them.

use std::borrow::Cow;
use std::io::{self, Write};

use reorient_core::{CountryTable, Usd, Year, cell};
use reorient_metrics::{Collection, CountryRow, Origin, ProductRow, ShareRow};
use reorient_model::NanoUsd;
use serde_json::{Map, Value};

use crate::number::{NANO_PER_KUSD, decimal, musd, percent};

/// One field of a row.
pub(crate) enum Field {
    /// Names, codes and exact amounts of money: a string in JSON.
    Text(String),
    /// A count or a country code.
    Count(u64),
    /// A percentage with six decimals, or nothing.
    Percent(Option<String>),
    /// A double with the fewest digits that read back as the same double, or nothing.
    Real(Option<f64>),
}

impl Field {
    const EMPTY: Self = Self::Real(None);

    fn count(number: usize) -> Self {
        Self::Count(u64::try_from(number).unwrap_or(u64::MAX))
    }

    fn share(part: NanoUsd, whole: Usd) -> Self {
        Self::Percent(percent(part, whole.into(), 6))
    }

    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Count(number) => number.to_string().into(),
            Self::Percent(percent) => percent.as_deref().unwrap_or_default().into(),
            // Adding zero turns -0 into 0.
            Self::Real(real) => real.map(|real| (real + 0.0).to_string()).unwrap_or_default().into(),
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Text(text) => Value::from(text),
            Self::Count(number) => Value::from(number),
            Self::Percent(percent) => Value::from(percent.and_then(|text| text.parse::<f64>().ok())),
            Self::Real(real) => Value::from(real),
        }
    }
}

/// A result file: the column names and a field for each.
pub(crate) struct Sheet {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Field>>,
}

impl Sheet {
    /// The same table of several years, one below the other, with the year in front.
    pub(crate) fn of_years(sheets: impl IntoIterator<Item = (Year, Self)>) -> Self {
        let mut all = Self { columns: Vec::new(), rows: Vec::new() };
        for (year, sheet) in sheets {
            all.columns = [vec!["year"], sheet.columns].concat();
            all.rows.extend(sheet.rows.into_iter().map(|row| {
                let mut with_year = vec![Field::Count(year.get().into())];
                with_year.extend(row);
                with_year
            }));
        }
        all
    }

    /// With a header, fields quoted where needed, lines ended by `\n`.
    pub(crate) fn write(&self, out: impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(&self.columns)?;
        for row in &self.rows {
            for field in row {
                writer.write_field(cell(&field.text()).as_bytes())?;
            }
            writer.write_record(None::<&[u8]>)?;
        }
        writer.flush()
    }

    /// One object per row.
    pub(crate) fn into_json(self) -> Value {
        let columns = self.columns;
        let object = |row: Vec<Field>| {
            let members = columns.iter().zip(row).map(|(name, field)| ((*name).to_owned(), field.value()));
            Value::Object(members.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.into_iter().map(object).collect())
    }
}

/// `table_a1.csv`. Shares are of the bloc's imports of all solved products.
pub(crate) fn table_a1(collection: &Collection, countries: &CountryTable) -> Sheet {
    let imports = collection.headline.imports;
    let fields = |row: &CountryRow| {
        let country = countries.country(row.country);
        vec![
            Field::count(row.rank),
            Field::Count(country.code.get().into()),
            Field::Text(country.iso3.to_string()),
            Field::Text(country.name.to_string()),
            Field::Text(musd(row.increase)),
            Field::Text(musd(row.increase_min)),
            Field::Text(musd(row.increase_max)),
            Field::Text(row.main_sector.name().to_owned()),
            Field::share(row.before.into(), imports),
            Field::share(row.after, imports),
            Field::share(row.after_min, imports),
            Field::share(row.after_max, imports),
            Field::count(row.rank_min),
            Field::count(row.rank_max),
        ]
    };
    Sheet {
        columns: vec![
            "rank",
            "code",
            "iso3",
            "country",
            "increase_musd",
            "increase_min_musd",
            "increase_max_musd",
            "main_sector",
            "share_old_pct",
            "share_new_pct",
            "share_new_min_pct",
            "share_new_max_pct",
            "rank_min",
            "rank_max",
        ],
        rows: collection.table_a1.iter().map(fields).collect(),
    }
}

/// `shares.csv`.
pub(crate) fn shares(collection: &Collection, countries: &CountryTable) -> Sheet {
    let fields = |row: &ShareRow| {
        let outside = row.extra_bloc_after;
        vec![
            Field::Text(row.level.name().to_owned()),
            Field::Text(row.name.clone()),
            Field::Text(match row.origin {
                Origin::AllRisk => "all".to_owned(),
                Origin::Country(index) => countries.country(index).code.to_string(),
            }),
            Field::Text(musd(row.imports.into())),
            Field::Text(musd(row.before.into())),
            Field::Text(musd(row.after)),
            Field::share(row.before.into(), row.imports),
            Field::share(row.after, row.imports),
            Field::share(row.after_min, row.imports),
            Field::share(row.after_max, row.imports),
            Field::Real(row.hhi.map(|index| index.before)),
            Field::Real(row.hhi.and_then(|index| index.after)),
            Field::Real(row.hhi.and_then(|index| index.range).map(|range| range.0)),
            Field::Real(row.hhi.and_then(|index| index.range).map(|range| range.1)),
            Field::Text(musd(row.unmet)),
            Field::share(row.unmet, row.imports),
            Field::Text(musd(row.cut)),
            Field::Text(musd(row.extra_bloc.into())),
            Field::share(row.before.into(), row.extra_bloc),
            Field::share(row.after, row.extra_bloc),
            Field::Text(musd(outside.point)),
            Field::Percent(percent(row.after, outside.point, 6)),
            // The risk origins and the members of the bloc do not share a total, so both ends are attained.
            Field::Percent(percent(row.after_min, outside.max, 6)),
            Field::Percent(percent(row.after_max, outside.min, 6)),
        ]
    };
    Sheet {
        columns: vec![
            "level",
            "name",
            "origin",
            "imports_musd",
            "before_musd",
            "after_musd",
            "before_pct",
            "after_pct",
            "after_min_pct",
            "after_max_pct",
            "hhi_before",
            "hhi_after",
            "hhi_after_min",
            "hhi_after_max",
            "unmet_musd",
            "unmet_pct",
            "cut_musd",
            "extra_bloc_musd",
            "before_extra_bloc_pct",
            "after_extra_bloc_pct",
            "extra_bloc_after_musd",
            "after_of_extra_bloc_after_pct",
            "after_of_extra_bloc_after_min_pct",
            "after_of_extra_bloc_after_max_pct",
        ],
        rows: collection.shares.iter().map(fields).collect(),
    }
}

/// `products.csv`.
pub(crate) fn products(collection: &Collection) -> Sheet {
    let kusd = |amount: NanoUsd| decimal(amount.0, NANO_PER_KUSD, 6);
    let fields = |row: &ProductRow| {
        let change = |amount| if row.risk_after.is_some() { Field::Text(kusd(amount)) } else { Field::EMPTY };
        vec![
            Field::Text(row.product.to_string()),
            Field::Text(row.labels.description.clone()),
            Field::Text(row.labels.sectors.clone()),
            Field::Text(row.labels.stages.clone()),
            Field::Text(row.imports.to_string()),
            Field::Text(row.risk_before.to_string()),
            row.risk_after.map_or(Field::EMPTY, |after| Field::Text(kusd(after))),
            Field::Text(kusd(row.capacity)),
            Field::Text(row.status.name().to_owned()),
            Field::Real(row.shadow_price),
            Field::Real(row.critical_cap),
            Field::Real(row.hhi_before),
            Field::Real(row.hhi_after),
            Field::Real(row.hhi_after_min),
            Field::Real(row.hhi_after_max),
            row.hhi_max_is_exact.map_or(Field::EMPTY, |exact| Field::Text(if exact { "yes" } else { "no" }.to_owned())),
            Field::Text(row.labels.subsectors.clone()),
            Field::Text(if row.labels.reconstructed { "yes" } else { "no" }.to_owned()),
            Field::Real(row.shadow_price_of_less),
            Field::Real(row.rearrangement),
            Field::Text(decimal(row.slope.0, 100 * NANO_PER_KUSD, 6)),
            row.spare.map_or(Field::EMPTY, |spare| Field::Text(kusd(spare))),
            change(row.change_inside.point),
            change(row.change_inside.min),
            change(row.change_inside.max),
            change(row.change_outside.point),
            change(row.change_outside.min),
            change(row.change_outside.max),
            Field::Text(kusd(row.next_point)),
            row.unmet.map_or(Field::EMPTY, |unmet| Field::Text(kusd(unmet))),
        ]
    };
    Sheet {
        columns: vec![
            "product",
            "description",
            "sectors",
            "stages",
            "imports_kusd",
            "risk_before_kusd",
            "risk_after_kusd",
            "capacity_kusd",
            "status",
            "shadow_price",
            "critical_cap",
            "hhi_before",
            "hhi_after",
            "hhi_after_min",
            "hhi_after_max",
            "hhi_max_exact",
            "subsectors",
            "reconstructed",
            "shadow_price_max",
            "rearrangement_ratio",
            "risk_slope_kusd_per_pp",
            "spare_kusd",
            "change_inside_kusd",
            "change_inside_min_kusd",
            "change_inside_max_kusd",
            "change_outside_kusd",
            "change_outside_min_kusd",
            "change_outside_max_kusd",
            "risk_next_point_kusd",
            "unmet_kusd",
        ],
        rows: collection.products.iter().map(fields).collect(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sample;

    fn text(sheet: &Sheet) -> String {
        let mut out = Vec::new();
        sheet.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn table_a1_has_exact_amounts() {
        insta::assert_snapshot!(text(&table_a1(&sample::collection(), &sample::countries())), @r#"
        rank,code,iso3,country,increase_musd,increase_min_musd,increase_max_musd,main_sector,share_old_pct,share_new_pct,share_new_min_pct,share_new_max_pct,rank_min,rank_max
        1,842,USA,USA,100.000000,66.666667,133.333333,energy,3.000000,9.666667,7.444444,11.888889,1,1
        2,654,SHN,"Saint Helena, Ascension and Tristan da Cunha",66.666667,66.666667,66.666667,health,0.000000,4.444444,4.444444,4.444444,2,2
        "#);
    }

    #[test]
    fn shares_name_their_origin_by_code() {
        insta::assert_snapshot!(text(&shares(&sample::collection(), &sample::countries())), @r#"
        level,name,origin,imports_musd,before_musd,after_musd,before_pct,after_pct,after_min_pct,after_max_pct,hhi_before,hhi_after,hhi_after_min,hhi_after_max,unmet_musd,unmet_pct,cut_musd,extra_bloc_musd,before_extra_bloc_pct,after_extra_bloc_pct,extra_bloc_after_musd,after_of_extra_bloc_after_pct,after_of_extra_bloc_after_min_pct,after_of_extra_bloc_after_max_pct
        overall,all,all,1500.000000,600.000000,233.333333,40.000000,15.555556,15.555556,15.555556,0.25,0.375,0.25,0.5,0.000000,0.000000,366.666667,1200.000000,50.000000,19.444444,1200.000000,19.444444,19.444444,21.212121
        overall,all,156,1500.000000,400.000000,150.000000,26.666667,10.000000,6.666667,15.555556,,,,,0.000000,0.000000,250.000000,1200.000000,33.333333,12.500000,1200.000000,12.500000,8.333333,21.212121
        overall,all,643,1500.000000,200.000000,83.333333,13.333333,5.555556,0.000000,8.888889,,,,,0.000000,0.000000,116.666667,1200.000000,16.666667,6.944444,1200.000000,6.944444,0.000000,12.121212
        sector,energy,all,1000.000000,400.000000,233.333333,40.000000,23.333333,23.333333,23.333333,0.25,0.375,0.25,0.5,0.000000,0.000000,166.666667,800.000000,50.000000,29.166667,800.000000,29.166667,29.166667,33.333333
        sector,health,all,500.000000,200.000000,0.000000,40.000000,0.000000,0.000000,0.000000,0.25,0.375,0.25,0.5,0.000000,0.000000,200.000000,400.000000,50.000000,0.000000,400.000000,0.000000,0.000000,0.000000
        subsector,Antibiotics and other active ingredients,all,500.000000,200.000000,0.000000,40.000000,0.000000,0.000000,0.000000,0.25,0.375,0.25,0.5,0.000000,0.000000,200.000000,400.000000,50.000000,0.000000,400.000000,0.000000,0.000000,0.000000
        subsector,Solar,all,1000.000000,400.000000,233.333333,40.000000,23.333333,23.333333,23.333333,0.25,0.375,0.25,0.5,0.000000,0.000000,166.666667,800.000000,50.000000,29.166667,800.000000,29.166667,29.166667,33.333333
        stage,input,all,1500.000000,600.000000,233.333333,40.000000,15.555556,15.555556,15.555556,0.25,0.375,0.25,0.5,0.000000,0.000000,366.666667,1200.000000,50.000000,19.444444,1200.000000,19.444444,19.444444,21.212121
        stage,final,all,0.000000,0.000000,0.000000,,,,,,,,,0.000000,,0.000000,0.000000,,,0.000000,,,
        "#);
    }

    #[test]
    fn products_leave_unknown_fields_empty() {
        insta::assert_snapshot!(text(&products(&sample::collection())), @r#"
        product,description,sectors,stages,imports_kusd,risk_before_kusd,risk_after_kusd,capacity_kusd,status,shadow_price,critical_cap,hhi_before,hhi_after,hhi_after_min,hhi_after_max,hhi_max_exact,subsectors,reconstructed,shadow_price_max,rearrangement_ratio,risk_slope_kusd_per_pp,spare_kusd,change_inside_kusd,change_inside_min_kusd,change_inside_max_kusd,change_outside_kusd,change_outside_min_kusd,change_outside_max_kusd,risk_next_point_kusd,unmet_kusd
        010121,"Cells, ""photovoltaic""",energy,input;final,1000000.000,400000.000,233333.333333,166666.666667,shortage,-1,0.075,0.30000000000000004,0.25,0.125,0.5,no,Solar,no,2,1.5,3333.333333,0.000000,0.000000,0.000000,0.000000,166666.666667,133333.333333,166666.666667,0.000000,0.000000
        300420,,energy,input;final,3000.000,2000.000,0.000000,166666.666667,infeasible,,,,,,,,Solar,no,,,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,1333.333333
        "#);
    }

    #[test]
    fn json_rows_keep_money_exact() {
        let rows = products(&sample::collection()).into_json();
        assert_eq!(rows[0]["imports_kusd"], "1000000.000");
        assert_eq!(rows[0]["critical_cap"], 0.075);
        assert_eq!(rows[1]["critical_cap"], Value::Null);
        let rows = table_a1(&sample::collection(), &sample::countries()).into_json();
        assert_eq!(rows[0]["rank"], 1);
        assert_eq!(rows[0]["share_old_pct"], 3.0);
    }
}
