//! The list of critical goods and its translation into older HS revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reorient_core::{GoodsList, HsRevision, ListSource, Membership, ProductCode, Text};
use reorient_files::Limit;

use crate::DataError;
use crate::codes::in_program;
use crate::error::file_name;
use crate::nomenclature::{self, descendants, is_good_of, is_padded, typed_code};
use crate::provenance::{InputFile, InputRole};

const LIST: &str = "critical_goods_hs2022.csv";
const LIST_CSV: &str = include_str!("../../../data/lists/critical_goods_hs2022.csv");
/// A list has some dozens of subsectors, and tables have a row for each; a list with more than this many has put something else,
/// such as descriptions of products, into the column.
const MOST_SUBSECTORS: usize = 10_000;
const COLUMNS: [&str; 6] = ["hs_revision", "hs6", "sector", "subsector", "stage", "source"];

/// The list that is shipped, in HS 2022.
///
/// # Errors
/// [`DataError`] when the shipped file breaks a rule, which a test excludes.
pub fn embedded_goods_list() -> Result<GoodsList, DataError> {
    Ok(shipped_goods_list()?.list)
}

/// The same with what it was read from.
///
/// # Errors
/// As [`embedded_goods_list`].
pub fn shipped_goods_list() -> Result<ReadList, DataError> {
    Ok(ReadList { from: in_program(InputRole::List, LIST, LIST_CSV), ..parse_list(LIST, LIST_CSV.as_bytes())? })
}

/// BLAKE3 in hexadecimal of the shipped list and of the table that maps it to older revisions.
pub fn embedded_list_hash() -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(LIST_CSV.as_bytes()).update(nomenclature::CSV.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// A list of the user, and what a reader of the result should know of how it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadList {
    /// The list.
    pub list: GoodsList,
    /// Codes with a row that stands there twice, ascending.
    pub repeated: Vec<ProductCode>,
    /// Codes of which the leading zero was left out, ascending.
    pub padded: Vec<ProductCode>,
    /// Codes that the revision of the list does not have, ascending.
    pub unknown: Vec<ProductCode>,
    /// What it was read from, with the hash of the bytes that were read.
    pub from: InputFile,
}

/// A list of the user: CSV with the columns `hs_revision,hs6,sector,subsector,stage,source` in any order.
///
/// # Errors
/// [`DataError`] when the file cannot be read or a value breaks a rule; it names the line, the column and the value.
pub fn read_goods_list(path: &Path) -> Result<ReadList, DataError> {
    let bytes = reorient_files::read(path, Limit::LIST)?;
    let mut read = parse_list(&file_name(path), &bytes)?;
    let codes = read.list.goods.keys().copied();
    read.unknown = codes.filter(|code| !is_good_of(Some(read.list.revision), *code)).collect();
    Ok(read)
}

fn parse_list(file: &str, whole: &[u8]) -> Result<ReadList, DataError> {
    let bytes = whole.strip_prefix(b"\xef\xbb\xbf").unwrap_or(whole);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| DataError::file(file, error.to_string()))?.clone();
    let mut at = [0; COLUMNS.len()];
    for (position, column) in at.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|name| name.eq_ignore_ascii_case(column));
        *position = found
            .ok_or_else(|| DataError::file(file, format!("column `{column}` is missing; a list needs {}", COLUMNS.join(","))))?;
    }
    let mut revision: Option<HsRevision> = None;
    let mut goods: BTreeMap<ProductCode, BTreeSet<Membership>> = BTreeMap::new();
    let (mut repeated, mut padded, mut subsectors) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for record in reader.records() {
        let record = record.map_err(|error| DataError::file(file, error.to_string()))?;
        let field = |column: usize| record.get(at[column]).unwrap_or("");
        let fail = |column: usize, problem: String| DataError::Value {
            file: file.to_owned(),
            place: format!("line {}", line_of(bytes, record.position())),
            column: COLUMNS[column],
            value: field(column).to_owned(),
            problem,
        };
        let of_row: HsRevision = field(0).parse().map_err(|error| fail(0, format!("{error}")))?;
        if *revision.get_or_insert(of_row) != of_row {
            return Err(fail(0, "the rows above are of another revision; keep one revision per list".to_owned()));
        }
        let product = typed_code(field(1)).map_err(|problem| fail(1, problem))?;
        if is_padded(field(1)) {
            padded.insert(product);
        }
        let subsector = Text::name(field(3)).map_err(|error| fail(3, error.to_string()))?;
        if subsector.contains(';') {
            return Err(fail(3, "a subsector holds no semicolon, which separates them in results".to_owned()));
        }
        let membership = Membership {
            sector: field(2).parse().map_err(|error| fail(2, format!("{error}")))?,
            subsector,
            stage: field(4).parse().map_err(|error| fail(4, format!("{error}")))?,
            source: ListSource(Text::name(field(5)).map_err(|error| fail(5, error.to_string()))?),
        };
        if !subsectors.contains(&membership.subsector) {
            subsectors.insert(membership.subsector.clone());
            if subsectors.len() > MOST_SUBSECTORS {
                let problem = format!(
                    "the rows above name {MOST_SUBSECTORS} other subsectors, which are the most; a subsector is a group of many \
                     products, so the column may hold something else"
                );
                return Err(fail(3, problem));
            }
        }
        if !goods.entry(product).or_default().insert(membership) {
            repeated.insert(product);
        }
    }
    let revision = revision.ok_or_else(|| DataError::file(file, "the list has no rows"))?;
    let list = GoodsList {
        revision,
        goods: goods.into_iter().map(|(product, members)| (product, members.into_iter().collect())).collect(),
    };
    let from = InputFile::of_bytes(InputRole::List, file, whole);
    Ok(ReadList { list, repeated: in_order(repeated), padded: in_order(padded), unknown: Vec::new(), from })
}

fn in_order(codes: BTreeSet<ProductCode>) -> Vec<ProductCode> {
    codes.into_iter().collect()
}

/// Line of a record, from 1. The reader's own count is one behind after `\r\n` and before empty lines.
pub(crate) fn line_of(bytes: &[u8], start: Option<&csv::Position>) -> usize {
    let from = start.map_or(0, |start| usize::try_from(start.byte()).unwrap_or(0)).min(bytes.len());
    let blank = bytes[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + bytes[..from + blank].iter().filter(|byte| **byte == b'\n').count()
}

/// What to do with a product of an older revision of which only a part is on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MapRule {
    /// Take a product when all its descendants are listed, or when its own code is one of them and listed: what was split off is
    /// then taken with it.
    #[default]
    Main,
    /// Take a product only when all its descendants are listed.
    All,
    /// Take a product when any of its descendants is listed.
    Any,
}

/// A product of which only some descendants are listed. Both sets ascend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartialCode {
    /// Code in the older revision.
    pub product: ProductCode,
    /// Its HS 2022 descendants that are on the list.
    pub listed: Vec<ProductCode>,
    /// All its HS 2022 descendants.
    pub descendants: Vec<ProductCode>,
}

impl PartialCode {
    /// Whether the code itself goes on in HS 2022 and is listed.
    pub fn is_main(&self) -> bool {
        self.listed.contains(&self.product)
    }

    /// The descendants that are not listed.
    pub fn unlisted(&self) -> Vec<ProductCode> {
        self.descendants.iter().copied().filter(|code| !self.listed.contains(code)).collect()
    }
}

/// A list in another revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedList {
    /// The products taken; their memberships are those of all listed descendants.
    pub list: GoodsList,
    /// Products taken by [`MapRule::Main`] although some of their descendants are not listed, ascending.
    pub wider: Vec<PartialCode>,
    /// Other products listed in part, ascending; taken with [`MapRule::Any`], left out otherwise.
    pub partial: Vec<PartialCode>,
    /// Listed codes that no product of the older revision stands for, ascending.
    pub unmatched: Vec<ProductCode>,
}

/// Translates an HS 2022 list into an older revision by the chained UN correlation tables; the same revision is the identity.
///
/// # Errors
/// [`DataError::File`] when the list is neither in HS 2022 nor in revision `to`.
pub fn map_list(list: &GoodsList, to: HsRevision, rule: MapRule) -> Result<MappedList, DataError> {
    if list.revision == to {
        return Ok(MappedList { list: list.clone(), wider: Vec::new(), partial: Vec::new(), unmatched: Vec::new() });
    }
    if list.revision != HsRevision::Hs22 {
        let problem = format!("a list in {} cannot be translated to {to}; give it in HS22 or in {to}", list.revision);
        return Err(DataError::file("goods list", problem));
    }
    let mut goods = BTreeMap::new();
    let (mut wider, mut partial) = (Vec::new(), Vec::new());
    let mut reached = BTreeSet::new();
    for (product, descendants) in descendants(to)? {
        let listed: Vec<ProductCode> = descendants.iter().copied().filter(|code| list.goods.contains_key(code)).collect();
        if listed.is_empty() {
            continue;
        }
        reached.extend(listed.iter().copied());
        let own = PartialCode { product, listed, descendants };
        let complete = own.listed.len() == own.descendants.len();
        let by_own_code = !complete && rule == MapRule::Main && own.is_main();
        if complete || by_own_code || rule == MapRule::Any {
            let members: BTreeSet<&Membership> = own.listed.iter().filter_map(|code| list.goods.get(code)).flatten().collect();
            goods.insert(product, members.into_iter().cloned().collect());
        }
        if by_own_code {
            wider.push(own);
        } else if !complete {
            partial.push(own);
        }
    }
    let unmatched = list.goods.keys().copied().filter(|code| !reached.contains(code)).collect();
    Ok(MappedList { list: GoodsList { revision: to, goods }, wider, partial, unmatched })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::TradeSource;

    #[test]
    fn the_sample_is_54_products_on_the_list_and_2_in_part() {
        let source = TradeSource::embedded().unwrap();
        let sample = source.products(source.years()[0]).unwrap();
        let list = embedded_goods_list().unwrap();
        let mapped = map_list(&list, HsRevision::Hs92, MapRule::Main).unwrap();
        assert_eq!(mapped.list.goods.keys().filter(|product| sample.contains(product)).count(), 54);
        let partial: Vec<String> = mapped
            .partial
            .iter()
            .map(|partial| partial.product)
            .filter(|product| sample.contains(product))
            .map(|product| product.to_string())
            .collect();
        assert_eq!(partial, ["711290", "810710"]);
        assert!(mapped.partial.iter().all(|code| !code.listed.is_empty() && code.listed.len() < code.descendants.len()));

        let any = map_list(&list, HsRevision::Hs92, MapRule::Any).unwrap();
        assert_eq!(any.list.goods.len(), mapped.list.goods.len() + mapped.partial.len());
        let all = map_list(&list, HsRevision::Hs92, MapRule::All).unwrap();
        assert_eq!((&all.partial, all.wider.len()), (&any.partial, 0));
        assert_eq!(any.partial.len(), mapped.partial.len() + mapped.wider.len());
    }

    #[test]
    fn every_listed_code_is_known_to_the_older_revisions() {
        let list = embedded_goods_list().unwrap();
        for revision in HsRevision::ALL {
            let mapped = map_list(&list, revision, MapRule::Any).unwrap();
            assert_eq!(mapped.unmatched, [], "{revision}");
            assert_eq!(mapped.list.revision, revision);
        }
        assert_eq!(map_list(&list, HsRevision::Hs22, MapRule::All).unwrap().list, list);
    }

    fn own(codes: &[&str]) -> GoodsList {
        GoodsList::everything(HsRevision::Hs22, codes.iter().map(|code| code.parse().unwrap()))
    }

    fn texts<'a>(codes: impl IntoIterator<Item = &'a ProductCode>) -> Vec<String> {
        codes.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_product_whose_own_code_is_listed_is_taken_with_what_was_split_off_it() {
        let list = embedded_goods_list().unwrap();
        for (revision, all, main) in [(HsRevision::Hs17, 925, 936), (HsRevision::Hs12, 846, 865), (HsRevision::Hs92, 746, 797)] {
            let count = |rule| map_list(&list, revision, rule).unwrap().list.goods.len();
            assert_eq!((count(MapRule::All), count(MapRule::Main)), (all, main), "{revision}");
        }
        for (code, others) in
            [("850511", &["854921", "854929", "854931", "854939", "854991", "854999"][..]), ("811292", &["811231", "811241"])]
        {
            let mapped = map_list(&own(&[code]), HsRevision::Hs17, MapRule::Main).unwrap();
            assert_eq!(texts(mapped.list.goods.keys()), [code]);
            assert_eq!(mapped.wider.len(), 1);
            assert_eq!(texts(&mapped.wider[0].unlisted()), others);
            assert!(mapped.partial.is_empty() || mapped.partial.iter().all(|partial| !partial.is_main()));
            let all = map_list(&own(&[code]), HsRevision::Hs17, MapRule::All).unwrap();
            assert!(all.list.goods.is_empty() && all.wider.is_empty());
            assert!(all.partial.iter().any(|partial| partial.is_main()));
        }
        // Without a code of its own among the descendants, a product is taken when all of them are listed.
        let mapped = map_list(&own(&["811249"]), HsRevision::Hs17, MapRule::Main).unwrap();
        assert!(mapped.wider.is_empty(), "{:?}", mapped.wider);
    }

    #[test]
    fn codes_of_other_lists_are_known_to_the_older_revisions() {
        let mapped = map_list(&own(&["330210"]), HsRevision::Hs92, MapRule::All).unwrap();
        assert_eq!((texts(mapped.list.goods.keys()), mapped.unmatched), (vec!["330210".to_owned()], Vec::new()));
        // Live horses have nothing to do with the shipped list.
        let mapped = map_list(&own(&["010121"]), HsRevision::Hs92, MapRule::Any).unwrap();
        assert_eq!(texts(mapped.list.goods.keys()), ["010111", "010120"]);
        let mapped = map_list(&own(&["010121", "999999"]), HsRevision::Hs92, MapRule::Any).unwrap();
        assert_eq!(texts(&mapped.unmatched), ["999999"]);
    }

    #[test]
    fn what_is_odd_in_a_list_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own.csv");
        let header = "hs_revision,hs6,sector,subsector,stage,source";
        let rows = ["10121,all,x,all,s", "280530,all,x,all,s", "280530,all,x,all,s", "280530,ict,x,all,s", "999999,all,x,all,s"];
        let rows: String = rows.iter().map(|row| format!("HS22,{row}\n")).collect();
        std::fs::write(&path, format!("{header}\n{rows}")).unwrap();
        let read = read_goods_list(&path).unwrap();
        assert_eq!(texts(read.list.goods.keys()), ["010121", "280530", "999999"]);
        let told = [&read.repeated, &read.padded, &read.unknown].map(texts);
        assert_eq!(told, [["280530"], ["010121"], ["999999"]]);
        std::fs::write(&path, format!("{header}\nHS22,28053,all,x,all,s\n")).unwrap();
        let refused = read_goods_list(&path).unwrap_err().to_string();
        assert!(refused.contains("line 2, column `hs6`: `28053`") && refused.contains("did you mean 280530?"), "{refused}");
    }

    #[test]
    fn a_bad_value_is_named_with_its_line_and_column() {
        let header = "hs_revision,hs6,sector,subsector,stage,source\r\n";
        for (row, expected) in [
            ("HS2022,10121,all,x,all,s\r\nHS2017,010121,all,x,all,s", "line 3, column `hs_revision`"),
            ("H aéb,270900,all,x,all,s", "line 2, column `hs_revision`: `H aéb`"),
            ("HS2022,27.9,all,x,all,s", "line 2, column `hs6`: `27.9`"),
            ("HS2022,270900,steel,x,all,s", "line 2, column `sector`: `steel`"),
            ("HS2022,270900,all,x,raw,s", "line 2, column `stage`: `raw`"),
            ("", "no rows"),
        ] {
            let error = parse_list("list.csv", format!("\u{feff}{header}{row}").as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert!(parse_list("list.csv", b"hs6,sector\n").unwrap_err().to_string().contains("`hs_revision` is missing"));
        let list =
            parse_list("list.csv", format!("{header}HS22,10121,ALL,x,all,s\nHS22,10121,all,x,all,s\n").as_bytes()).unwrap().list;
        assert_eq!(list.goods[&"010121".parse::<ProductCode>().unwrap()].len(), 1);
    }

    #[test]
    fn a_list_in_an_older_revision_is_not_guessed() {
        let list = GoodsList::everything(HsRevision::Hs17, []);
        assert!(map_list(&list, HsRevision::Hs92, MapRule::All).is_err());
    }
}
