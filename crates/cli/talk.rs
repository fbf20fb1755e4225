//! Standard error is talk: log lines and progress. Standard output is data.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use reorient_core::json;
use reorient_data::TradeSource;
use reorient_report::{Screen, display_width, printable, wrap};
use serde::Serialize;
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
    let format = talk.log_format;
    let lines = move || Lines { screen: Screen::stderr(), format };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(lines).with_target(false);
    match format {
        LogFormat::Json => builder.json().init(),
        LogFormat::Text => builder.without_time().with_ansi(std::io::stderr().is_terminal()).init(),
    }
}

/// Says why nothing came of it.
pub(crate) fn failure(failure: &Failure, talk: &Talk) {
    match talk.log_format {
        LogFormat::Json => tracing::error!("{failure}"),
        LogFormat::Text => {
            let mut lines = Lines { screen: Screen::stderr(), format: LogFormat::Text };
            drop(lines.write(format!("error: {failure}\n").as_bytes()));
        }
    }
}

/// Standard error, on a terminal with lines that fit it. Talk never ends work: where nobody listens any more, or a log is full, what is
/// said is lost and work goes on.
struct Lines {
    screen: Option<Screen>,
    format: LogFormat,
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let _ = match self.format {
            LogFormat::Json => io::stderr().write_all(json(&text).as_bytes()),
            LogFormat::Text => io::stderr().write_all(fitted(&printable(&text), self.screen).as_bytes()),
        };
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = io::stderr().flush();
        Ok(())
    }
}

/// Each line broken where it is longer than the screen; as it is where there is none.
fn fitted(text: &str, screen: Option<Screen>) -> String {
    let Some(screen) = screen else { return text.to_owned() };
    let broken = |line: &str| {
        let words = line.trim_end_matches('\n');
        if display_width(words) <= screen.width() {
            return line.to_owned();
        }
        let start = &words[..words.len() - words.trim_start().len()];
        let wrapped = wrap(words, screen.width() - start.len(), "  ").replace('\n', &format!("\n{start}"));
        format!("{start}{wrapped}{}", &line[words.len()..])
    };
    text.split_inclusive('\n').map(broken).collect()
}

/// What is to be said of the trade data that were read: codes that the revision does not have, the unit of the values.
pub(crate) fn data_notes(source: &TradeSource) {
    for note in source.notes() {
        tracing::warn!("{note}");
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

/// Writes a view to standard output; a reader that has gone away is no error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    write(&printable(text))
}

/// Writes an object as JSON to standard output, as [`fn@print`] does.
pub(crate) fn print_json(object: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(object).map_err(Failure::internal)?;
    write(&format!("{}\n", json(&text)))
}

fn write(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::cannot_write(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_fit_the_terminal_and_stay_whole_in_a_log() {
        let text = "error: the first line of a message is as long as this one, which is longer than sixty columns\n  indented, with \
                    a second line that is much too long for sixty columns as well\nshort\n";
        let fits = fitted(text, Some(Screen::new(60, false)));
        assert!(fits.lines().all(|line| display_width(line) <= 60), "{fits}");
        assert!(fits.contains("\n    ") && fits.ends_with("\nshort\n"), "{fits}");
        assert_eq!(fits.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        assert_eq!(fitted(text, None), text);
    }
}
