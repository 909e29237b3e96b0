//! Small pictures of the photos whose captions changed most.

use std::{cmp::Ordering, collections::BTreeMap, path::Path};

use scst_encoder::{Orientation, attention_jpeg, list_images, read_whole, thumbnail};
use scst_report::{Picture, Report};

use crate::{commands::evaluation::Looks, failure::Failure, output::warn};

/// At most so many pictures are in a page: as many of captions that improved most as of those that were harmed most.
const MOST: usize = 80;
/// The longer side of a picture in pixels.
const SIDE: usize = 240;
/// At most so many bytes of pictures are in a page.
const MOST_BYTES: usize = 4 << 20;

/// Adds the pictures in `folder` to the sources of a report, and to a few of them where the captioner looked.
///
/// # Errors
/// A folder that is none. A photo that is missing or broken is passed over.
pub(super) fn add_pictures(
    report: &mut Report,
    attention: &[Looks],
    folder: &Path,
) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Err(Failure::Mistake(format!(
            "--images: there is no folder `{}`",
            folder.display()
        )));
    }
    let (names, _) = list_images(folder, true)?;
    // Sources have file names without folders.
    let paths = names.iter().map(|name| folder.join(name));
    let paths: BTreeMap<_, _> = paths
        .filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path)))
        .collect();
    for (place, words) in attention {
        let source = &mut report.sources[*place];
        // Regions that do not fill a square, as those of a detector, cannot be drawn as cells.
        let drawn = paths.get(&source.name).and_then(|path| {
            let photo = read_whole(path, Orientation::Exif).ok()?;
            attention_jpeg(photo, words).ok()
        });
        source.attention = drawn.map(|bytes| Picture {
            media_type: "image/jpeg",
            bytes,
        });
    }
    let (mut bytes, mut missing) = (0, 0);
    for place in chosen(report) {
        let source = &mut report.sources[place];
        let path = paths.get(&source.name);
        let Some(jpeg) = path.and_then(|path| thumbnail(path, SIDE).ok()) else {
            missing += 1;
            continue;
        };
        bytes += jpeg.len();
        if bytes > MOST_BYTES {
            break;
        }
        source.picture = Some(Picture {
            media_type: "image/jpeg",
            bytes: jpeg,
        });
    }
    if missing > 0 {
        warn(&format!(
            "{missing} photos are not in `{}`, or are no whole images: the page has no pictures of them",
            folder.display()
        ));
    }
    Ok(())
}

/// The sources whose captions improved most and were harmed most, in turn.
fn chosen(report: &Report) -> Vec<usize> {
    let outputs = report.runs.first().map_or(&[][..], |run| &*run.outputs);
    let score = |output: Option<&scst_report::Output>, place: usize| {
        let caption = output.and_then(|output| output.captions.get(place));
        let scores = caption.map_or(&[][..], |caption| &*caption.scores);
        scores.get(report.main_metric).copied().unwrap_or(0.0)
    };
    let before = if outputs.len() > 1 {
        outputs.first()
    } else {
        None
    };
    let gain = |place: usize| score(outputs.last(), place) - score(before, place);
    let mut order: Vec<usize> = (0..report.sources.len()).collect();
    order.sort_by(|&a, &b| gain(b).partial_cmp(&gain(a)).unwrap_or(Ordering::Equal));
    let (mut front, mut back) = (0, order.len());
    let mut chosen = Vec::new();
    while front < back && chosen.len() < MOST {
        chosen.push(order[front]);
        front += 1;
        if front < back && chosen.len() < MOST {
            back -= 1;
            chosen.push(order[back]);
        }
    }
    chosen
}
