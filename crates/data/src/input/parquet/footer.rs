//! The end of a Parquet file, by which ours are told from those of other tools.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::DataError;
use crate::error::file_name;

/// The footer of a year has some hundred kilobytes.
const LARGEST_FOOTER: u32 = 64 << 20;
/// Text that our own footers hold; a file with it is ours, whole or damaged.
const OUR_MARK: &[u8] = b"reorient.";

/// Whether a Parquet file was written by us, judged by its end; a file that is no Parquet at all is an error.
pub(crate) fn is_ours(path: &Path) -> Result<bool, DataError> {
    let footer = footer(path)?;
    Ok(footer.windows(OUR_MARK.len()).any(|window| window == OUR_MARK))
}

/// The footer of a Parquet file, with plausible length.
pub(super) fn footer(path: &Path) -> Result<Vec<u8>, DataError> {
    let name = file_name(path);
    let fail = |error: std::io::Error| DataError::unreadable(path, &error);
    let mut file = reorient_files::open(path)?;
    let size = file.seek(SeekFrom::End(0)).map_err(fail)?;
    let none = || {
        let problem = "this is not a Parquet file, or its end is missing; fetch or write it again";
        DataError::file(&name, problem)
    };
    let tail_at = size.checked_sub(8).filter(|at| *at >= 4).ok_or_else(none)?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(tail_at)).map_err(fail)?;
    file.read_exact(&mut tail).map_err(fail)?;
    let length = tail.first_chunk::<4>().copied().map_or(0, u32::from_le_bytes);
    if &tail[4..] != b"PAR1" {
        return Err(none());
    }
    if length > LARGEST_FOOTER || u64::from(length) > tail_at - 4 {
        return Err(DataError::damaged(&name, format!("its footer claims {length} bytes")));
    }
    file.seek(SeekFrom::Start(tail_at - u64::from(length))).map_err(fail)?;
    let mut footer = Vec::new();
    file.take(u64::from(length)).read_to_end(&mut footer).map_err(fail)?;
    Ok(footer)
}
