//! What can stop a run.

use reorient_core::{CountryCode, ProductCode, Year};
use reorient_data::{DataError, DataErrorKind};
use reorient_model::{ConcentrationError, FloorsExceedImports, ProgramError, Rejection};

use crate::ScenarioError;

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The input.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The question.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Amounts beyond what results hold exactly.
    #[error(
        "year {year}, product {product}: the exports of all countries together are {exports} thousand USD; a product with \
         9,007,199,254,740.992 thousand USD or more is beyond the trade of the world. Check the unit: values are in thousand USD"
    )]
    TooMuch {
        /// Which year.
        year: Year,
        /// Which product.
        product: ProductCode,
        /// With three decimals.
        exports: String,
    },
    /// Trade that no program can be made of.
    #[error("product {product}: {source}")]
    Program {
        /// Which product.
        product: ProductCode,
        /// Why.
        source: ProgramError,
    },
    /// Sums over all products that leave exact arithmetic.
    #[error("the frontier: {0}")]
    Frontier(ProgramError),
    /// A curve of risk against concentration that leaves exact arithmetic.
    #[error("product {product}, risk against concentration: {source}")]
    Concentration {
        /// Which product.
        product: ProductCode,
        /// Why.
        source: ConcentrationError,
    },
    /// Rows of one importing bloc alone.
    #[error(
        "the trade data name no importer outside the bloc: world exports would equal the bloc's imports and every capacity \
         would be zero. Use rows world x world, as CEPII ships them"
    )]
    NotWorld,
    /// A few countries' trade with everybody.
    #[error(
        "the trade data name {exporters} exporters and {importers} importers: these are the rows of a few countries, not world x \
         world, so world exports or the bloc's imports cannot be known. Use all rows, as CEPII ships them"
    )]
    FewCountries {
        /// Countries that sell.
        exporters: usize,
        /// Countries that buy.
        importers: usize,
    },
    /// A published figure of a country that cannot be compared.
    #[error("the published figures name country {0}, which the trade data's country table does not list")]
    UnknownPublished(CountryCode),
    /// A stored allocation that does not hold.
    #[error("product {product}: {problem}")]
    Stored {
        /// Which product.
        product: ProductCode,
        /// What does not hold.
        problem: String,
    },
    /// Floors above today's imports, which no policy makes.
    #[error("product {product}: {source}")]
    Floors {
        /// Which product.
        product: ProductCode,
        /// Why.
        source: FloorsExceedImports,
    },
    /// An allocation that the verifier refused.
    #[error("product {product} is not certified: {source}")]
    NotCertified {
        /// Which product.
        product: ProductCode,
        /// Why.
        source: Rejection,
    },
    /// Closed form and HiGHS differ.
    #[error("product {product}: closed form and HiGHS disagree: {reason}")]
    Disagreement {
        /// Which product.
        product: ProductCode,
        /// How.
        reason: String,
    },
}

/// How a caller should treat an error; the exit code follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// The question is wrong.
    Scenario,
    /// The input is wrong, missing, or something else of its own.
    Data(DataErrorKind),
    /// The answer is not certified.
    NotCertified,
}

impl EngineError {
    /// Class of the error.
    pub fn kind(&self) -> EngineErrorKind {
        match self {
            Self::Data(error) => EngineErrorKind::Data(error.kind()),
            // Amounts that a world may trade fit: it is the options that make units too fine.
            Self::Scenario(_)
            | Self::Frontier(_)
            | Self::Concentration { .. }
            | Self::Program { source: ProgramError::Overflow, .. } => EngineErrorKind::Scenario,
            Self::Program { .. }
            | Self::TooMuch { .. }
            | Self::NotWorld
            | Self::FewCountries { .. }
            | Self::UnknownPublished(_) => EngineErrorKind::Data(DataErrorKind::BadData),
            Self::Floors { .. } | Self::NotCertified { .. } | Self::Disagreement { .. } | Self::Stored { .. } => {
                EngineErrorKind::NotCertified
            }
        }
    }
}
