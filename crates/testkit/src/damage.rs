//! What disks, networks and programs do to files.

use crate::Numbers;

/// Numbers that lengths, counts and offsets lie with.
const LIES: [u64; 8] = [0, 1, 0x7f, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX >> 1];

/// Bytes with one to three faults of a kind that disks, networks and programs make; `other` is a good file of the same format.
#[allow(clippy::cast_possible_truncation)] // Bytes of random numbers.
pub fn damaged(good: &[u8], other: &[u8], random: &mut Numbers) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(3) {
        if bytes.is_empty() {
            break;
        }
        // A half of the hits go to either end, where headers, directories and footers are.
        let at = match random.below(4) {
            0 => random.below(bytes.len().min(256)),
            1 => bytes.len() - 1 - random.below(bytes.len().min(1024)),
            _ => random.below(bytes.len()),
        };
        let length = random.below(64).min(bytes.len() - at);
        match random.below(14) {
            0..=2 => bytes[at] ^= 1 << random.below(8),
            3 => bytes[at] = random.below(256) as u8,
            4 => bytes[at..at + length].fill(0),
            5 => bytes.truncate(at),
            6 => drop(bytes.drain(at..at + length)),
            // A copy of a block elsewhere, or once more in its place.
            7 => {
                let block = bytes[at..at + length].to_vec();
                let to = random.below(bytes.len() - length + 1);
                bytes[to..to + length].copy_from_slice(&block);
            }
            8 => {
                let block = bytes[at..at + length].to_vec();
                drop(bytes.splice(at..at, block));
            }
            // Two blocks change places.
            9 => {
                let to = random.below(bytes.len() - length + 1);
                (0..length).for_each(|step| bytes.swap(at + step, to + step));
            }
            10 => {
                let noise: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
                drop(bytes.splice(at..at, noise));
            }
            11 => {
                let lie = LIES[random.below(LIES.len())].to_le_bytes();
                let length = [1, 2, 4, 8][random.below(4)].min(bytes.len() - at);
                bytes[at..at + length].copy_from_slice(&lie[..length]);
            }
            // The beginning of this file and the end of another.
            12 => {
                let from = at.min(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            // A block of another.
            _ => {
                let from = at.min(other.len());
                let length = length.min(other.len() - from);
                bytes[at..at + length].copy_from_slice(&other[from..from + length]);
            }
        }
    }
    bytes
}
