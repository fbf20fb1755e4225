//! What the figures of a result follow from, as a hash: what a verifier takes from the folder as given.

use reorient_core::CountryTable;
use reorient_metrics::{Collection, ProductRow};
use reorient_model::Status;
use serde::{Deserialize, Serialize};

use crate::flows::kusds;

/// Bytes that are hashed at a time: BLAKE3 hashes long inputs in all lanes of a register, and short ones in one.
const BATCH: usize = 1 << 17;

/// Number and hash of the flows with all that is given of them and of their products: names and places of products, who sells
/// what to the bloc and to the world, and the declared point. Everything else in the folder follows from it by the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// Number of flows.
    pub rows: u64,
    /// BLAKE3 in hexadecimal.
    pub blake3: String,
}

impl Basis {
    /// Of the products of a result.
    pub(crate) fn new(collection: &Collection, countries: &CountryTable) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("reorient basis of a result");
        let mut buffer = Vec::with_capacity(2 * BATCH);
        for product in &collection.products {
            append(product, countries, &mut buffer);
            if buffer.len() >= BATCH {
                hasher.update(&buffer);
                buffer.clear();
            }
        }
        hasher.update(&buffer);
        let rows = collection.products.iter().map(|product| product.flows.len() as u64).sum();
        Self { rows, blake3: hasher.finalize().to_hex().to_string() }
    }
}

fn append(product: &ProductRow, countries: &CountryTable, buffer: &mut Vec<u8>) {
    buffer.extend(product.product.as_str().as_bytes());
    let labels = &product.labels;
    for text in [&labels.description, &labels.sectors, &labels.stages, &labels.subsectors] {
        buffer.extend((text.len() as u64).to_le_bytes());
        buffer.extend(text.as_bytes());
    }
    buffer.push(u8::from(labels.reconstructed));
    buffer.extend((product.flows.len() as u64).to_le_bytes());
    for flow in &product.flows {
        let [imports, world_exports, _, optimised, _, _] = kusds(flow);
        let mut row = [0; 26];
        row[..2].copy_from_slice(&countries.country(flow.exporter).code.get().to_le_bytes());
        for (place, amount) in row[2..].chunks_exact_mut(8).zip([imports, world_exports, optimised]) {
            place.copy_from_slice(&amount.to_le_bytes());
        }
        buffer.extend_from_slice(&row);
    }
    if product.status == Status::Unsolved {
        // Such a product has no flows, so its own figures are given.
        buffer.extend(product.imports.get().to_le_bytes());
        buffer.extend(product.risk_before.get().to_le_bytes());
        for amount in [product.capacity, product.slope, product.next_point] {
            buffer.extend(amount.0.to_le_bytes());
        }
        for number in [product.critical_cap, product.hhi_before] {
            buffer.extend(number.unwrap_or(-1.0).to_le_bytes());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use reorient_core::{CountryIndex, Usd};

    use super::*;
    use crate::sample;

    type Change = fn(&mut ProductRow);

    #[test]
    fn everything_that_is_given_is_in_the_hash() {
        let (collection, countries) = (sample::collection(), sample::countries());
        let own = Basis::new(&collection, &countries);
        assert_eq!(own.rows, 2);
        let changes: [Change; 7] = [
            |product| product.product = "010129".parse().unwrap(),
            |product| Arc::make_mut(&mut product.labels).description.push('x'),
            |product| Arc::make_mut(&mut product.labels).reconstructed = true,
            |product| product.flows[1].exporter = CountryIndex(4),
            |product| product.flows[0].imports = Usd::new(7),
            |product| product.flows[0].world_exports = Usd::new(7),
            |product| product.flows[0].optimised.0 += 1_000_000_000,
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = collection.clone();
            change(&mut changed.products[0]);
            assert_ne!(Basis::new(&changed, &countries).blake3, own.blake3, "{number}");
        }
    }
}
