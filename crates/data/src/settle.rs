//! Keys that stand twice: refused with their places, or added up with a line of the ledger for each.

use std::collections::BTreeMap;

use reorient_core::CountryTable;

use crate::DataError;
use crate::input::{Member, Pick};
use crate::issue::{Issues, LedgerRow, OnDuplicate, Reason, RowPolicy};
use crate::row::{Row, RowKey};
use crate::sort::{Sorted, SortedPart};

/// Sorts rows of one year, and merges or refuses those that share a key; `members` are where they may stand.
pub(crate) fn settle(
    batches: Vec<Vec<Row>>,
    members: &[Member],
    countries: &CountryTable,
    issues: &mut Issues<'_>,
) -> Result<Sorted, DataError> {
    let mut sorted = Sorted::of(batches);
    let twice: Vec<RowKey> = sorted.parts.iter().flat_map(|part| part.twice.iter().copied()).collect();
    if twice.is_empty() {
        return Ok(sorted);
    }
    if issues.policy().on_duplicate == OnDuplicate::Error {
        refuse(&twice, members, countries, issues)?;
        return Ok(sorted);
    }
    let file = members.first().map_or("", |member| &member.name);
    for part in sorted.parts.iter_mut().filter(|part| !part.twice.is_empty()) {
        let too_large = |key| DataError::file(file, format!("the sum of the rows of {key} is too large"));
        for row in part.merge().map_err(too_large)? {
            let what = format!("{}, value {}: added to the other row of its key", row.key(), row.value());
            issues.note(LedgerRow { file: file.to_owned(), line: None, reason: Reason::DuplicateKey, what })?;
        }
    }
    Ok(sorted)
}

/// Sorts rows of one year and refuses those that share a key. `each` makes something of the rows of each chapter on the thread
/// that sorted them, so that not all of them are in memory twice; results are ascending.
pub(crate) fn settle_each<T: Send>(
    batches: Vec<Vec<Row>>,
    members: &[Member],
    countries: &CountryTable,
    issues: &mut Issues<'_>,
    each: impl Fn(&SortedPart) -> Result<T, DataError> + Sync,
) -> Result<Vec<T>, DataError> {
    let made = Sorted::each_of(batches, |part| if part.twice.is_empty() { Ok(each(&part)) } else { Err(part.twice) });
    let twice: Vec<RowKey> = made.iter().filter_map(|made| made.as_ref().err()).flatten().copied().collect();
    refuse(&twice, members, countries, issues)?;
    let unrefused =
        |key: Option<&RowKey>| DataError::Internal(format!("{} stand twice", key.map_or_else(String::new, RowKey::to_string)));
    made.into_iter().map(|made| made.unwrap_or_else(|twice| Err(unrefused(twice.first())))).collect()
}

/// Refuses keys that stand twice, with their rows.
fn refuse(twice: &[RowKey], members: &[Member], countries: &CountryTable, issues: &mut Issues<'_>) -> Result<(), DataError> {
    if twice.is_empty() {
        return Ok(());
    }
    let policy = issues.policy();
    let named: Vec<RowKey> = twice.iter().copied().take(policy.max_errors).collect();
    let places = places(&named, members, countries, policy)?;
    for key in &named {
        let places = places.get(key).map_or(&[][..], Vec::as_slice);
        let first = places.first().map_or(0, |(member, _)| *member);
        let name = |member: usize| members.get(member).map_or("", |member| member.name.as_str());
        let rows = |member: usize| {
            let rows: Vec<String> = places.iter().filter(|(own, _)| *own == member).map(|(_, row)| row.to_string()).collect();
            format!("row{} {}", if rows.len() > 1 { "s" } else { "" }, rows.join(", "))
        };
        let problem = match places.iter().find(|(member, _)| *member != first) {
            None => format!("{key} stand twice ({}); keep one row, or add them up with --on-duplicate sum", rows(first)),
            Some((other, _)) => {
                let more = match twice.len() {
                    1 => "no other key of this year does".to_owned(),
                    count => format!("{count} keys of this year do"),
                };
                format!(
                    "{key} stand in it ({}) and in {} too ({}); {more}. If one file is a copy of the other, move it out of the \
                     folder; if both rows count, add them up with ingest --on-duplicate sum",
                    rows(first),
                    name(*other),
                    rows(*other)
                )
            }
        };
        let first = name(first);
        issues.refuse(DataError::file(first, problem))?;
    }
    issues.finish()
}

/// Positions of members and rows of keys, rows counted from 1 without the header, by reading the files once more.
fn places(
    keys: &[RowKey],
    members: &[Member],
    countries: &CountryTable,
    policy: &RowPolicy,
) -> Result<BTreeMap<RowKey, Vec<(usize, u64)>>, DataError> {
    let mut found: BTreeMap<RowKey, Vec<(usize, u64)>> = BTreeMap::new();
    for (number, member) in members.iter().enumerate() {
        let mut at = 0;
        member.read(countries, true, &Pick::all(), &mut Issues::new(policy), &mut |batch| {
            for row in &batch.rows {
                at += 1;
                if keys.contains(&row.key()) {
                    found.entry(row.key()).or_default().push((number, at));
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
