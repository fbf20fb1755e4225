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
        let (file, lines) = places.get(key).map_or(("", String::new()), |(file, lines)| {
            (file.as_str(), lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))
        });
        let problem = format!("{key} stand twice (rows {lines}); keep one row, or add them up with --on-duplicate sum");
        issues.refuse(DataError::file(file, problem))?;
    }
    issues.finish()
}

/// Rows of keys, counted from 1 without the header, by reading the files once more.
fn places(
    keys: &[RowKey],
    members: &[Member],
    countries: &CountryTable,
    policy: &RowPolicy,
) -> Result<BTreeMap<RowKey, (String, Vec<u64>)>, DataError> {
    let mut found: BTreeMap<RowKey, (String, Vec<u64>)> = BTreeMap::new();
    for member in members {
        let mut at = 0;
        member.read(countries, true, &Pick::all(), &mut Issues::new(policy), &mut |batch| {
            for row in &batch.rows {
                at += 1;
                if keys.contains(&row.key()) {
                    found.entry(row.key()).or_insert_with(|| (member.name.clone(), Vec::new())).1.push(at);
                }
            }
            Ok(())
        })?;
    }
    Ok(found)
}
