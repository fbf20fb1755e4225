//! What certified allocations mean: concentration, shares before and after, Table A.1. No IO, no threads.
//!
//! Steps M7 (measure one product) and M8 (collect all) of docs/method.md. Every amount is an exact integer; sums do not
//! depend on order.

mod calibration;
mod collect;
mod explain;
mod hhi;
mod indicators;
mod labels;
mod measure;
mod panel;
mod persistence;
mod pool;
mod published;
mod rows;
mod sensitivity;
mod spread;

pub use calibration::{
    Calibration, Choice, Dimension, Distance, N_DIMENSIONS, N_READING_DIMENSIONS, OptionSetRow, PointFigure, PointRow,
    ReadingRow, Scope, SingleRow, spread,
};
pub use collect::{Collection, Collector};
pub use explain::{Explanation, ExporterPart, ProductPart, explain, n_that_make};
pub use hhi::{
    Amount, Backend, GroupError, effective_suppliers, herfindahl_hirschman, herfindahl_hirschman_usd, hhi_of_groups, hhi_of_rows,
};
pub use indicators::{Base, Breakdown, Criteria, IndicatorRow, Indicators, OriginShare, Perspective, indicators};
pub use labels::{Classification, Labels};
pub use measure::{Detail, Product, Scratch, measure};
pub use panel::{CAP_QUANTILES, CriticalCaps, PanelYear};
pub use persistence::{PersistenceRow, persistence};
pub use pool::{Pool, weighted_mean_hhi};
pub use published::{
    HEADLINE_COUNTRIES, ImpliedTotal, Printed, PrintedError, Published, PublishedRisk, PublishedRow, printed_musd,
    printed_percent, printed_value,
};
pub use rows::{BeforeAfter, CountryRow, CriticalCap, FlowRow, Headline, Level, Origin, ProductRow, Ranged, ShareRow, TradeOff};
pub use sensitivity::{BASE, Effect, Mover, RankingChange, SensitivityRow, sort_by_effect};
pub use spread::{CountrySpread, FIGURES, Figure, QUANTILES, Spread, country_spreads, figure_spreads};
