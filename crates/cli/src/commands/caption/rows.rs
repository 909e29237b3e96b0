//! Captions for features of images, without photos and without references.

use std::process::ExitCode;

use scst_data::{FeatureStore, ImageId, ImageNames, ListedImage, Row, read_image_list};
use scst_trainer::{
    Backend, Caption, CaptionWriter, Checkpoint, DecodedCaption, Event, Observer,
    config::{DecoderConfig, Rerank},
    files::write_bytes_atomically,
};
use serde_json::json;

use super::{corpus, described, print_image};
use crate::{arguments::CaptionArguments, display::Display, failure::Failure, output::print_line};

pub(super) fn run(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
    decoder: &DecoderConfig,
) -> Result<ExitCode, Failure> {
    let config = &checkpoint.config;
    let source = arguments.data.source(&config.data.features)?;
    let mut store = FeatureStore::open(&source)?;
    checkpoint.check_features(&source, &store)?;
    let (images, rows) = images(arguments, &mut store)?;
    let backend = arguments
        .backend
        .as_deref()
        .map(Backend::parse)
        .transpose()?;
    let device = backend.unwrap_or(config.backend).device()?;
    let of_run = match decoder.rerank {
        Rerank::Probability => None,
        Rerank::Consensus => Some(corpus(checkpoint)?),
    };
    let mut writer = CaptionWriter::new(checkpoint, decoder, of_run.as_ref(), &device)?;
    check(&store, &rows)?;
    let mut captions: Vec<Vec<Caption>> = Vec::with_capacity(rows.len());
    // As in evaluation: every sample is a row of its own.
    let batch = (config.validation.images_per_batch / decoder.samples.max(1)).max(1);
    for rows in rows.chunks(batch) {
        captions.extend(writer.captions(store.read_batch(rows)?)?);
    }
    if let Some(path) = &arguments.out {
        let results = images.iter().zip(&captions);
        let results = results.map(|(image, captions)| DecodedCaption {
            image_id: id(image),
            caption: captions
                .first()
                .map_or(String::new(), |caption| caption.text.clone()),
        });
        let bytes = serde_json::to_vec(&results.collect::<Vec<_>>())
            .map_err(|error| Failure::Failed(error.to_string()))?;
        write_bytes_atomically(path, &bytes).map_err(|error| Failure::Failed(error.to_string()))?;
    }
    print(arguments, decoder, &images, &captions);
    Ok(ExitCode::SUCCESS)
}

/// The images to caption, in order, and their rows.
fn images(
    arguments: &CaptionArguments,
    store: &mut FeatureStore,
) -> Result<(Vec<ListedImage>, Vec<Row>), Failure> {
    if let Some(path) = &arguments.images_json {
        let images = read_image_list(path)?;
        let names = images.iter().map(|image| ImageNames {
            file_name: &image.file_name,
            folder: None,
            id: image.id.as_ref().map(ImageId::to_text),
        });
        let rows = store.locate_all(&names.collect::<Vec<_>>())?;
        return Ok((images, rows));
    }
    let image = |row| ListedImage {
        file_name: store.name(row).to_owned(),
        id: None,
    };
    let images: Vec<ListedImage> = store.rows().map(image).collect();
    let names = images
        .iter()
        .map(|image| ImageNames::only(&image.file_name));
    let rows = store.locate_all(&names.collect::<Vec<_>>())?;
    Ok((images, rows))
}

/// What the results call an image: by its id, or by its name where it has none.
fn id(image: &ListedImage) -> ImageId {
    let name = || ImageId::from(image.file_name.as_str());
    image.id.clone().unwrap_or_else(name)
}

/// Looks for values that cannot be used before the first caption.
fn check(store: &FeatureStore, rows: &[Row]) -> Result<(), Failure> {
    let mut display = Display::new();
    let (mut done, images) = (0, rows.len());
    store.check(rows, |_, _| {
        done += 1;
        display.observe(&Event::CheckingFeatures { done, images });
    })?;
    display.finish();
    Ok(())
}

fn print(
    arguments: &CaptionArguments,
    decoder: &DecoderConfig,
    images: &[ListedImage],
    captions: &[Vec<Caption>],
) {
    let both = images.iter().zip(captions);
    if arguments.json {
        let images = both.map(|(image, captions)| {
            json!({
                "image_id": id(image),
                "captions": captions.iter().map(described).collect::<Vec<_>>(),
            })
        });
        let report = json!({
            "model": arguments.model.to_string_lossy(),
            "decoder": decoder.to_string(),
            "images": images.collect::<Vec<_>>(),
        });
        print_line!("{report}");
    } else if let Some(path) = &arguments.out {
        print_line!("{} images, {decoder}: {}", images.len(), path.display());
    } else {
        for (image, captions) in both {
            print_image(&image.file_name, decoder, captions);
        }
    }
}
