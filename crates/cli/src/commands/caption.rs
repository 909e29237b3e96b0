//! `scst caption`: captions for photos, or for features of images.

mod attention;
mod features;
mod named;
mod of_run;
mod photos;
mod rows;
mod shown;

use std::{path::PathBuf, process::ExitCode, slice, time::Duration};

use scst_encoder::{Encoder, encode_all};
use scst_files::write_bytes_atomically;
use scst_trainer::{
    Caption, CaptionWriter, Checkpoint, Registry,
    config::{DecoderConfig, Rerank},
};
use serde_json::{Value, json};

use self::{
    features::FeatureMaker,
    of_run::{backend, corpus},
    shown::{CAPTIONS, described, print_image},
};
use crate::{
    arguments::CaptionArguments,
    commands::{number_of_threads, out_file::check_out_file, set_threads},
    display::Display,
    failure::Failure,
    output::{note, print_line},
};

pub(crate) fn run(arguments: &CaptionArguments, registry: &Registry) -> Result<ExitCode, Failure> {
    set_threads(arguments.threads.or_else(|| arguments.set.threads()))?;
    if let Some(out) = &arguments.out {
        check_out_file("--out", out)?;
    }
    let mut checkpoint =
        Checkpoint::load_run_or_checkpoint(&arguments.model, &registry.captioners)?;
    arguments.set.apply(&mut checkpoint, &registry.captioners)?;
    of_run::features(arguments, &checkpoint)?;
    let decoder = arguments.decoder.resolve(&checkpoint)?;
    if let Some(split) = arguments.split {
        return rows::of_split(arguments, split, &checkpoint, &decoder, registry);
    }
    if arguments.data.features.is_some() {
        return rows::of_features(arguments, &checkpoint, &decoder, registry);
    }
    refuse_flags_of_features(arguments)?;
    if arguments.images.is_empty() {
        return Err(Failure::Mistake(
            "found nothing to caption, expected photos, a folder of them, --split val for images of the run's own data, \
             or --features PATH"
                .to_owned(),
        ));
    }
    let arguments = &photos::listed(arguments)?;
    of_photos(arguments, &checkpoint, &decoder, registry)
}

/// Captions photos, and draws where the captioner looked if pictures are wanted.
fn of_photos(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
    decoder: &DecoderConfig,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    let config = &checkpoint.config;
    let maker = FeatureMaker::of_run(arguments, checkpoint)?;
    let drawings = attention::files(arguments, &config.model)?;
    let device = backend(arguments, checkpoint)?.device()?;
    let corpus = match decoder.rerank {
        Rerank::Probability => None,
        Rerank::Consensus => Some(corpus(checkpoint, registry)?),
    };
    let mut writer = CaptionWriter::new(checkpoint, decoder, corpus.as_ref(), registry, &device)?;
    // From here on nothing is the user's fault but the images and the weights, which are read first.
    let pictures = features::pictures(&arguments.images, &maker)?;
    for path in features::left_as_stored(&arguments.images, &maker) {
        note!(
            "image `{}` is taken as it is stored, not turned as its EXIF data say: so were the photos that the features \
             of `{}` were made of; make them anew with `scst features` to have photos turned",
            path.display(),
            arguments.model.display()
        );
    }
    let encoder = Encoder::open(maker.architecture, &maker.weights)?;

    let mut display = Display::new();
    let mut images: Vec<Vec<Caption>> = Vec::with_capacity(pictures.len());
    let mut drawn = Vec::new();
    let batch = decoder.sources_at_a_time(config.validation.sources_per_batch);
    for batch in pictures.chunks(batch) {
        display.progress(CAPTIONS, images.len(), pictures.len(), Duration::ZERO);
        let encoded = encode_all(&encoder, batch, number_of_threads())?;
        let captions = writer.captions(maker.batch(&encoded))?;
        for (features, captions) in encoded.iter().zip(&captions) {
            if let (Some(path), Some(caption)) = (drawings.get(drawn.len()), captions.first()) {
                let features = maker.batch(slice::from_ref(features));
                let words = writer.attention(features, caption)?;
                let photo = &arguments.images[drawn.len()];
                drawn.push((path, attention::draw(photo, maker.orientation, &words)?));
            }
        }
        images.extend(captions);
    }
    display.finish();
    for (path, png) in drawn {
        write_bytes_atomically(path, &png).map_err(|error| Failure::Failed(error.to_string()))?;
        note!("wrote {}", path.display());
    }
    if arguments.json {
        print_line!("{}", report(arguments, decoder, &images, &drawings));
    } else {
        print(arguments, decoder, &images);
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses, with photos, flags that belong to features: the parser lets them pass, for photos rule `--features` out.
fn refuse_flags_of_features(arguments: &CaptionArguments) -> Result<(), Failure> {
    let without_features = [
        ("--images-json", arguments.images_json.is_some()),
        ("--out", arguments.out.is_some()),
        ("--image", !arguments.names.is_empty()),
        ("--boxes", arguments.data.boxes.is_some()),
        ("--sizes", arguments.data.sizes.is_some()),
    ];
    Failure::refuse_flags(&without_features, |flag| {
        let or = match flag {
            "--out" | "--image" => " or --split",
            _ => "",
        };
        format!("{flag}: expected --features{or} with it, and no photos")
    })
}

fn print(arguments: &CaptionArguments, decoder: &DecoderConfig, images: &[Vec<Caption>]) {
    for (path, captions) in arguments.images.iter().zip(images) {
        print_image(&path.display(), decoder, captions);
    }
}

fn report(
    arguments: &CaptionArguments,
    decoder: &DecoderConfig,
    images: &[Vec<Caption>],
    drawings: &[PathBuf],
) -> Value {
    let images = arguments.images.iter().zip(images).enumerate();
    let images = images.map(|(k, (path, captions))| {
        let mut image = json!({
            "file": path.to_string_lossy(),
            "captions": captions.iter().map(described).collect::<Vec<_>>(),
        });
        if let Some(drawing) = drawings.get(k) {
            image["attention"] = json!(drawing.to_string_lossy());
        }
        image
    });
    json!({
        "model": arguments.model.to_string_lossy(),
        "decoder": decoder.to_string(),
        "images": images.collect::<Vec<_>>(),
    })
}
