//! `reorient fetch`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use reorient_data::{check_archive, hash_file};
use reorient_fetch::{Request, download};
use reorient_folder::{Asked, Target};
use reorient_report::Screen;

use crate::arguments::{Fetch, Talk};
use crate::talk;
use reorient_app::Failure;

/// Downloads a release, checks it and says, or does, what comes next.
pub(crate) fn fetch(arguments: &Fetch, talk: &Talk) -> Result<ExitCode, Failure> {
    let name = format!("BACI_{}_V{}.zip", arguments.hs, arguments.release);
    let mut target = arguments.out.join(&name);
    if target.is_symlink() {
        // A link stays a link.
        target = target.canonicalize().unwrap_or(target);
    }
    if let Some(folder) = &arguments.ingest {
        // Before the hours of a download.
        let folder = Target::new(folder).force(arguments.force).reading([target.clone()]);
        folder.claim(&Asked { kind: "ingest", question: None, work: None })?;
    }
    let check = |path: &Path| check_archive(path, &name, arguments.hs).map_err(|error| error.to_string());
    if target.exists() && !arguments.force {
        check_archive(&target, &name, arguments.hs)?;
        tracing::info!("{} is there and whole already; --force downloads it again", target.display());
    } else {
        let request = Request {
            url: format!("{}/{name}", arguments.base_url.trim_end_matches('/')),
            target: target.clone(),
            attempts: arguments.retries.max(1),
            pause: Duration::from_millis(arguments.pause_ms),
            silence: Duration::from_secs(arguments.silence),
            least_speed: arguments.least_speed,
            most: arguments.most_bytes,
        };
        let bar = talk::bytes(talk);
        let done = download(
            &request,
            &mut |done, length| {
                if let Some(length) = length {
                    bar.set_length(length);
                }
                bar.set_position(done);
            },
            &check,
        );
        bar.finish_and_clear();
        done?;
    }
    let hash = hash_file(&target)?;
    let next = arguments.ingest.as_ref().map(|folder| folder.display().to_string());
    if !talk.quiet {
        let screen = Screen::stdout();
        let size = screen.hanging(&format!("{} bytes, BLAKE3 {}", hash.bytes, hash.blake3), "  ");
        let mut text = format!("{}\n{size}\n", target.display());
        if next.is_none() {
            // A command is not broken: it is there to be copied.
            text += &format!("next: reorient ingest {} --out {}\n", target.display(), name.trim_end_matches(".zip"));
        }
        talk::print(&text)?;
    }
    match &arguments.ingest {
        Some(folder) => crate::ingest::ingest(&arguments.then_ingest(target, folder.clone()), talk),
        None => Ok(ExitCode::SUCCESS),
    }
}
