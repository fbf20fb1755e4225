//! Standard error is talk: log lines and progress. Standard output is data.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tracing::Level;

use crate::arguments::{LogFormat, Talk};
use reorient_app::Failure;

/// Starts logging to standard error.
pub(crate) fn start(talk: &Talk) {
    let level = match (talk.quiet, talk.verbose) {
        (true, _) => Level::ERROR,
        (_, true) => Level::DEBUG,
        _ => Level::INFO,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    match talk.log_format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.without_time().with_ansi(std::io::stderr().is_terminal()).init(),
    }
}

/// Says why nothing came of it.
pub(crate) fn failure(failure: &Failure, talk: &Talk) {
    match talk.log_format {
        LogFormat::Json => tracing::error!("{failure}"),
        // Nothing more can be done when standard error is closed.
        LogFormat::Text => drop(writeln!(std::io::stderr(), "error: {failure}")),
    }
}

/// Says what a reader of a result should know where no view of it tells.
pub(crate) fn notes(notes: &[String]) {
    notes.iter().for_each(|note| tracing::warn!("{note}"));
}

/// A bar over `total` products or scenarios, drawn on a terminal alone.
pub(crate) fn progress(total: u64, what: &str, talk: &Talk) -> ProgressBar {
    if is_silent(talk) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = ProgressStyle::with_template(&format!(
        "{{msg}} {{wide_bar}} {{human_pos}}/{{human_len}} {what}, {{per_sec}}, {{eta}} left"
    ));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message("solving");
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A count with its speed, where the end is not known; drawn on a terminal alone.
pub(crate) fn counter(what: &'static str, talk: &Talk) -> ProgressBar {
    if is_silent(talk) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {per_sec}, {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(what);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// How far the reading of some files is, with the time that is left; drawn on a terminal alone.
pub(crate) fn reading(talk: &Talk) -> ProgressBar {
    if is_silent(talk) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{wide_bar} {percent}%  {msg}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Bytes of a download, drawn on a terminal alone.
pub(crate) fn bytes(talk: &Talk) -> ProgressBar {
    if is_silent(talk) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::no_length();
    let style =
        ProgressStyle::with_template("{wide_bar} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn is_silent(talk: &Talk) -> bool {
    talk.quiet || talk.log_format == LogFormat::Json || !std::io::stderr().is_terminal()
}

/// Writes data to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::cannot_write(error)),
        _ => Ok(()),
    }
}
