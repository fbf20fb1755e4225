//! Unpacking within a limit.

use std::io::{self, Read};

use crate::limit::{Limit, in_words};

/// The largest window that is given memory, 8 MiB; ours have at most 2 MiB.
const WINDOW_LOG: u32 = 23;
/// Results and plans shrink by a factor of two to four, and what shrinks by more than this is none of them.
const LARGEST_RATIO: u64 = 100;
/// Short documents may shrink by any factor.
const FREE: u64 = 1 << 20;

/// Bytes that do not unpack to what they should be.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// Not what a packer wrote.
    #[error("it cannot be unpacked: {0}")]
    Damaged(#[source] io::Error),
    /// More than a file of this kind has.
    #[error("it unpacks to more than {}, and {what} never does", in_words(*limit))]
    TooLarge {
        /// What it should be, with its article.
        what: &'static str,
        /// The most bytes, for so many packed ones.
        limit: u64,
    },
}

/// The text of frames of Zstandard: at most `limit`, and at most 1 MiB or 100 times its packed size. Whatever the bytes claim, no
/// more memory is taken than for that.
///
/// # Errors
/// [`UnpackError`] when they are damaged or hold more.
pub fn unpack_zstd(packed: &[u8], limit: Limit) -> Result<Vec<u8>, UnpackError> {
    let most = limit.bytes().min((packed.len() as u64).saturating_mul(LARGEST_RATIO).max(FREE));
    let unpacked = || -> io::Result<_> {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(decoder.take(most + 1))
    };
    // What may become long is counted first, so that a bomb takes no memory and the rest takes it once.
    let length = if most > FREE { unpacked().and_then(|mut text| io::copy(&mut text, &mut io::sink())) } else { Ok(0) };
    let length = length.map_err(UnpackError::Damaged)?;
    let mut bytes = Vec::new();
    if length <= most {
        bytes.reserve_exact(usize::try_from(length).unwrap_or_default());
        unpacked().and_then(|mut text| text.read_to_end(&mut bytes)).map_err(UnpackError::Damaged)?;
    }
    if length.max(bytes.len() as u64) > most {
        return Err(UnpackError::TooLarge { what: limit.of(), limit: most });
    }
    Ok(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SMALL: Limit = Limit::new(2 << 20, "a small text");

    #[test]
    fn what_is_packed_comes_back_up_to_the_limit() {
        // Every byte another one, so that the text does not shrink.
        let text = |bytes: usize| {
            (0..bytes as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()[7]).collect::<Vec<_>>()
        };
        for (bytes, fits) in [(0, true), (1 << 20, true), (2 << 20, true), ((2 << 20) + 1, false)] {
            let text = text(bytes);
            let packed = zstd::bulk::compress(&text, 1).unwrap();
            match unpack_zstd(&packed, SMALL) {
                Ok(own) => assert!(fits && own == text),
                Err(error) => assert!(!fits && matches!(error, UnpackError::TooLarge { .. }), "{error}"),
            }
        }
        assert!(matches!(unpack_zstd(b"nonsense", SMALL), Err(UnpackError::Damaged(_))));
        let packed = zstd::bulk::compress(&text(5000), 1).unwrap();
        assert!(matches!(unpack_zstd(&packed[..packed.len() - 1], SMALL), Err(UnpackError::Damaged(_))));
    }

    #[test]
    fn what_grows_beyond_reason_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0; 100 << 20], 3).unwrap();
        assert!(bomb.len() < 20_000);
        let error = unpack_zstd(&bomb, Limit::PLAN).unwrap_err().to_string();
        assert!(error.starts_with("it unpacks to more than") && error.ends_with("and a plan never does"), "{error}");
        // Many frames in a row are no way around.
        let frames = zstd::bulk::compress(&vec![0; 1 << 20], 3).unwrap().repeat(100);
        assert!(unpack_zstd(&frames, Limit::PLAN).is_err());
    }

    #[test]
    fn a_window_takes_no_more_memory_than_ours() {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, &[7; 5000]).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(matches!(unpack_zstd(&packed, SMALL), Err(UnpackError::Damaged(_))));
    }
}
