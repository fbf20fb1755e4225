//! Result rows to files and screens: CSV, Parquet, manifest, JSON and the terminal view.
//!
//! Money is printed from exact integers; only Parquet, concentration and shadow prices hold doubles. The files of one
//! result are byte-identical for any thread count; `manifest.json` alone may differ (timings, platform).

mod arrow_tables;
mod bars;
mod calibration;
mod calibration_view;
mod calibration_words;
mod columns;
mod concentration;
mod csv;
mod curve;
mod figures;
mod flows;
mod folder;
mod indicator_view;
mod indicators;
mod manifest;
mod number;
mod panel;
mod panel_view;
mod parts;
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

pub use arrow_tables::{Amounts, ArrowTable, calibration_tables, frontier_tables, indicator_tables, run_tables};
pub use calibration::{calibration_json, calibration_summary_json, write_calibration};
pub use calibration_view::calibration_view;
pub use concentration::{ConcentrationRow, concentration_json, concentration_rows, concentration_view, write_concentration};
pub use curve::{frontier_json, frontier_view, write_frontier};
pub use figures::{Figure, FigureContext, FigureError, FrontierPoint, figures, panel_figures};
pub use folder::{CoverageLine, FolderOptions, ReportError, listed_files, write_file, write_folder};
pub use indicator_view::{IndicatorSort, IndicatorView, indicators_view, screen_width};
pub use indicators::{CRITERIA_SOURCE, IndicatorManifest, IndicatorYearEntry, indicators_json, write_indicators};
pub use manifest::{
    CertificateSummary, FileEntry, InputFile, Ledger, ListSummary, Manifest, SolverSummary, UnknownCodes, json, summary_json,
};
pub use number::{NANO_PER_BUSD, NANO_PER_KUSD, NANO_PER_MUSD, NANO_PER_USD, decimal, grouped, percent};
pub use panel::{PanelManifest, PanelYearEntry, panel_json, write_panel};
pub use panel_view::{PanelView, panel_view};
pub use parts::{explanation_json, explanation_view, write_explanation};
pub use sensitivity::{sensitivity_json, sensitivity_view, write_sensitivity};
pub use stored::{StoredError, StoredFlowRow, StoredFolder};
pub use study::StudyManifest;
pub use sweep::{
    SweepComparison, SweepCounts, SweepDifference, SweepEntry, SweepManifest, SweepPoint, SweepSummary, SweepView, SweepWriter,
    claim_sweep, start_sweep, sweep_json, sweep_view,
};
pub use terminal::{TerminalOptions, terminal};
pub use uncertainty::{Drawn, uncertainty_json, uncertainty_view, write_uncertainty};
