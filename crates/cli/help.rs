//! Help that fits the screen: the parser wraps what it writes itself, and examples with their comments are laid out here.

use std::ffi::OsString;
use std::io::Write;

use clap::{CommandFactory, FromArgMatches};
use reorient_core::{is_letter, shown};
use reorient_report::{Screen, display_width, printable, wrap};

use crate::arguments::Arguments;

/// Help is no wider than this.
const WIDEST: usize = 100;

/// What was typed; ends the program where it cannot be understood, or asks for help.
pub(crate) fn parse() -> Arguments {
    let width = Screen::stdout().width().min(WIDEST);
    let typed: Vec<OsString> = std::env::args_os().collect();
    understood(&typed, width).unwrap_or_else(|error| {
        // The parser quotes what was typed as it stands, so it is asked again of what may be quoted.
        let harmless = typed.iter().map(harmless).collect::<Option<Vec<_>>>();
        let error = harmless.and_then(|typed| understood(&typed, width).err()).unwrap_or(error);
        let text = error.render().ansi().to_string();
        // Where nobody listens, the exit code still tells.
        let _ = match error.use_stderr() {
            true => anstream::stderr().write_all(printable(&text).as_bytes()),
            false => anstream::stdout().write_all(printable(&text).as_bytes()),
        };
        std::process::exit(error.exit_code())
    })
}

fn understood(typed: &[OsString], width: usize) -> Result<Arguments, clap::Error> {
    let matches = fitted(Arguments::command(), width).try_get_matches_from(typed)?;
    Arguments::from_arg_matches(&matches).map_err(|error| error.format(&mut Arguments::command()))
}

/// A word as it may be quoted; none where it is no text.
fn harmless(word: &OsString) -> Option<OsString> {
    let text = word.to_str()?;
    Some(if text.chars().all(is_letter) { word.clone() } else { shown(text).to_string().into() })
}

/// The commands with examples that fit.
fn fitted(command: clap::Command, width: usize) -> clap::Command {
    command.term_width(width).mut_subcommands(|command| match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(laid_out(&text, width)),
        None => command,
    })
}

/// A command and its comment.
fn parts(line: &str) -> Option<(&str, &str)> {
    let (command, comment) = line.strip_prefix("  ")?.split_once("  ")?;
    Some((command, comment.trim_start()))
}

/// Comments stand below their commands where they have no room beside them, and paragraphs are filled anew.
fn laid_out(text: &str, width: usize) -> String {
    let is_wide = |line: &str| display_width(line) > width;
    let stacked = text.lines().any(|line| is_wide(line) && parts(line).is_some());
    let filled = text.lines().any(|line| is_wide(line) && !line.starts_with(' '));
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph = String::new();
    for line in text.lines().chain([""]) {
        let is_prose = filled && !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
        if is_prose {
            paragraph = format!("{paragraph} {line}");
            continue;
        }
        if !paragraph.is_empty() {
            lines.push(wrap(&std::mem::take(&mut paragraph), width, ""));
        }
        match parts(line).filter(|_| stacked) {
            Some((command, comment)) => {
                // A comment may have a line of its own already.
                lines.extend((!command.is_empty()).then(|| format!("  {command}")));
                lines.push(format!("      {}", wrap(comment, width - 6, "").replace('\n', "\n      ")));
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Examples:\n  reorient run              the sample that is embedded\n  reorient run --list all\n\nExit codes: 0 done; 2 usage;\n65 bad.";

    #[test]
    fn examples_and_prose_fit() {
        assert_eq!(laid_out(TEXT, 60), TEXT);
        assert_eq!(
            laid_out(TEXT, 30),
            "Examples:\n  reorient run\n      the sample that is\n      embedded\n  reorient run --list all\n\nExit codes: 0 done; 2 usage;\n65 bad."
        );
        assert_eq!(laid_out("  a --b\n            more of it", 14), "  a --b\n      more of\n      it");
        assert!(laid_out(TEXT, 20).ends_with("Exit codes: 0 done;\n2 usage; 65 bad."));
    }

    #[test]
    fn the_parser_is_sound() {
        fitted(Arguments::command(), 60).debug_assert();
    }
}
