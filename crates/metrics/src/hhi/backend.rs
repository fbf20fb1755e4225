//! Which instruction set computes; all of them give the same bits.

use fearless_simd::{Level, Simd, dispatch};

use super::GroupError;
use super::kernel::{Amount, index};

/// An instruction set that this machine has.
///
/// The functions beside this type use [`Backend::best`]; the others are there for tests and measurements.
#[derive(Debug, Clone, Copy)]
pub struct Backend(Level);

impl Backend {
    /// The widest instruction set of this machine, looked up once per process.
    pub fn best() -> Self {
        Self(Level::new())
    }

    /// Every instruction set of this machine, narrowest first; the first is plain code without vectors.
    ///
    /// Those below what the compiler was told to assume (`-C target-cpu`) are not compiled and not listed.
    pub fn available() -> Vec<Self> {
        let best = Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let vectors = [
            best.as_sse2().map(Simd::level),
            best.as_sse4_2().map(Simd::level),
            best.as_avx2().map(Simd::level),
            best.as_avx512().map(Simd::level),
        ];
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
        let vectors = [Some(best)];
        let levels = std::iter::once(Level::fallback()).chain(vectors.into_iter().flatten());
        let mut backends: Vec<Self> = levels.map(|level| Self(dispatch!(level, simd => simd.level()))).collect();
        backends.dedup_by_key(|backend| backend.name());
        backends
    }

    /// `scalar`, `SSE2`, `SSE4.2`, `AVX2`, `AVX-512`, `NEON`, or `other`.
    pub fn name(self) -> &'static str {
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        let names = [
            ("AVX-512", self.0.as_avx512().is_some()),
            ("AVX2", self.0.as_avx2().is_some()),
            ("SSE4.2", self.0.as_sse4_2().is_some()),
            ("SSE2", self.0.as_sse2().is_some()),
        ];
        #[cfg(target_arch = "aarch64")]
        let names = [("NEON", self.0.as_neon().is_some())];
        #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
        let names = [("other", !self.0.is_fallback())];
        names.into_iter().find(|(_, has)| *has).map_or("scalar", |(name, _)| name)
    }

    /// The index of one group; none when it has none.
    pub fn hhi<A: Amount>(self, amounts: &[A]) -> Option<f64> {
        dispatch!(self.0, simd => index(simd, amounts))
    }

    /// As [`hhi_of_groups`](super::hhi_of_groups).
    ///
    /// # Errors
    /// As there.
    pub fn hhi_of_groups<A: Amount>(
        self,
        values: &[A],
        offsets: &[usize],
        results: &mut [Option<f64>],
    ) -> Result<(), GroupError> {
        check_offsets(values.len(), offsets, results.len())?;
        dispatch!(self.0, simd => groups(simd, values, offsets, results));
        Ok(())
    }

    /// As [`hhi_of_rows`](super::hhi_of_rows).
    ///
    /// # Errors
    /// As there.
    pub fn hhi_of_rows<A: Amount>(self, values: &[A], n_columns: usize, results: &mut [Option<f64>]) -> Result<(), GroupError> {
        if results.len().checked_mul(n_columns) != Some(values.len()) {
            return Err(GroupError::Shape { n_values: values.len(), n_rows: results.len(), n_columns });
        }
        if n_columns == 0 {
            results.fill(None);
        } else {
            dispatch!(self.0, simd => rows(simd, values, n_columns, results));
        }
        Ok(())
    }
}

fn check_offsets(n_values: usize, offsets: &[usize], n_results: usize) -> Result<(), GroupError> {
    let Some(&end) = offsets.last() else { return Err(GroupError::NoOffsets) };
    if let Some(group) = offsets.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(GroupError::Descending { group, start: offsets[group], end: offsets[group + 1] });
    }
    if end > n_values {
        return Err(GroupError::Beyond { end, n_values });
    }
    if offsets.len() - 1 != n_results {
        return Err(GroupError::Results { n_groups: offsets.len() - 1, n_results });
    }
    Ok(())
}

#[inline(always)]
fn groups<S: Simd, A: Amount>(simd: S, values: &[A], offsets: &[usize], results: &mut [Option<f64>]) {
    for (bounds, result) in offsets.windows(2).zip(results) {
        *result = index(simd, &values[bounds[0]..bounds[1]]);
    }
}

#[inline(always)]
fn rows<S: Simd, A: Amount>(simd: S, values: &[A], n_columns: usize, results: &mut [Option<f64>]) {
    for (row, result) in values.chunks_exact(n_columns).zip(results) {
        *result = index(simd, row);
    }
}
