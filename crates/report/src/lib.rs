//! Result rows to files and screens: CSV, Parquet, manifest, JSON and the terminal view.
//!
//! Money is printed from exact integers; only Parquet, concentration and shadow prices hold doubles. The files of one
//! result are byte-identical for any thread count; `manifest.json` alone may differ (timings, platform).

mod arrow_tables;
mod bars;
mod basis;
mod calibration;
mod calibration_view;
mod calibration_words;
mod column_orders;
mod columns;
mod concentration;
mod csv;
mod curve;
mod figures;
mod flows;
mod folder;
mod grid;
mod indicator_view;
mod indicators;
mod lead;
mod manifest;
mod number;
mod panel;
mod panel_view;
mod parts;
mod screen;
mod seal;
mod sensitivity;
mod stored;
mod study;
mod sweep;
mod tables;
mod terminal;
mod text;
mod uncertainty;

#[cfg(test)]
mod sample;

/// What folders call themselves in their manifest.
pub mod kind {
    pub use crate::calibration::KIND as CALIBRATE;
    pub use crate::concentration::KIND as CONCENTRATION;
    pub use crate::curve::KIND as FRONTIER;
    pub use crate::folder::KIND as RESULT;
    pub use crate::indicators::KIND as INDICATORS;
    pub use crate::panel::KIND as PANEL;
    pub use crate::parts::KIND as EXPLAIN;
    pub use crate::sensitivity::KIND as SENSITIVITY;
    pub use crate::sweep::KIND as SWEEP;
    pub use crate::uncertainty::KIND as UNCERTAINTY;
}

pub use arrow_tables::{Amounts, ArrowTable, calibration_tables, frontier_tables, indicator_tables, run_tables};
pub use basis::Basis;
pub use calibration::{calibration_json, calibration_summary_json, write_calibration};
pub use calibration_view::calibration_view;
pub use concentration::{ConcentrationRow, concentration_json, concentration_rows, concentration_view, write_concentration};
pub use curve::{frontier_json, frontier_view, write_frontier};
pub use figures::{Figure, FigureContext, FigureError, FrontierPoint, figures, panel_figures};
pub use folder::{COVERAGE, CoverageLine, FolderOptions, ReportError, write_file, write_folder};
pub use grid::{Column, Grid};
pub use indicator_view::{IndicatorSort, IndicatorView, indicators_view};
pub use indicators::{CRITERIA_SOURCE, IndicatorManifest, IndicatorYearEntry, indicators_json, write_indicators};
pub use manifest::{
    CertificateSummary, FileEntry, InputFile, Ledger, ListSummary, Manifest, SolverSummary, UnknownCodes, json, summary_json,
};
pub use number::{NANO_PER_BUSD, NANO_PER_KUSD, NANO_PER_MUSD, NANO_PER_USD, decimal, grouped, percent, usd, usd_range};
pub use panel::{PanelManifest, PanelYearEntry, panel_json, write_panel};
pub use panel_view::{PanelView, panel_view};
pub use parts::{explanation_json, explanation_view, write_explanation};
pub use screen::Screen;
pub use seal::RULES;
pub use seal::seal;
pub use sensitivity::{sensitivity_json, sensitivity_view, write_sensitivity};
pub use stored::{ResultFiles, StoredError, StoredFlowRow, StoredFlows, StoredFolder};
pub use study::StudyManifest;
pub use sweep::{
    SWEEP_WORK, SweepComparison, SweepCounts, SweepDifference, SweepEntry, SweepManifest, SweepPoint, SweepSummary, SweepView,
    SweepWriter, claim_sweep, start_sweep, sweep_json, sweep_view,
};
pub use tables::rank_text;
pub use terminal::{TerminalOptions, terminal};
pub use text::{counted, display_width, printable, wrap};
pub use uncertainty::{Drawn, uncertainty_json, uncertainty_view, write_uncertainty};
