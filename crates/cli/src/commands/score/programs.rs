//! Metrics that are other programs: METEOR and SPICE.

use std::path::{Path, PathBuf};

use scst_reward::{Meteor, MeteorOptions, SpiceOptions, TextItem, spice};

use super::{report::Report, tokenized::Tokenized};
use crate::{
    arguments::{ScoreArguments, ScoreMetric},
    failure::Failure,
};

/// The metrics that are other programs.
pub(super) fn run_programs(
    arguments: &ScoreArguments,
    captions: &[Tokenized<'_>],
    report: &mut Report,
) -> Result<(), Failure> {
    let items: Vec<TextItem<'_>> = captions
        .iter()
        .map(|caption| TextItem {
            hypothesis: &caption.candidate,
            references: &caption.references,
        })
        .collect();
    if arguments.metrics.contains(&ScoreMetric::Meteor) {
        let mut meteor = Meteor::start(&MeteorOptions {
            jar: jar(arguments.meteor_jar.as_deref(), "--meteor-jar")?,
            java: arguments.java.clone(),
            ..MeteorOptions::default()
        })?;
        let scores = meteor.score(&items)?;
        report.add("meteor", scores.corpus, scores.items);
        report.signatures.push("meteor|1.5|norm".to_owned());
    }
    if arguments.metrics.contains(&ScoreMetric::Spice) {
        let options = SpiceOptions {
            jar: jar(arguments.spice_jar.as_deref(), "--spice-jar")?,
            java: arguments.java.clone(),
            ..SpiceOptions::default()
        };
        let scores = spice(&options, &items)?;
        report.add("spice", scores.mean, scores.items);
        report.signatures.push("spice|1.0".to_owned());
    }
    Ok(())
}

fn jar(path: Option<&Path>, flag: &str) -> Result<PathBuf, Failure> {
    path.map(Path::to_owned).ok_or_else(|| {
        Failure::Mistake(format!(
            "found no {flag}, expected the path of the Java program"
        ))
    })
}
