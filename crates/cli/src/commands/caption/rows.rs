//! Captions for features of images, without photos and without references.

use std::{process::ExitCode, time::Duration};

use scst_data::{
    Example, ExampleId, FeatureStore, ImageNames, ListedImage, Row, Split, read_image_list,
};
use scst_files::write_bytes_atomically;
use scst_trainer::{
    Caption, CaptionWriter, Checkpoint, Corpus, DecodedCaption, Event, Images, Observer, Registry,
    config::{DecoderConfig, Rerank},
};
use serde_json::json;

use super::{
    named::{is_among, selected},
    of_run::{self, backend, corpus},
    shown::{CAPTIONS, described, print_image},
};
use crate::{
    arguments::{CaptionArguments, SplitName},
    commands::changed_features::note_changed_features,
    display::Display,
    failure::Failure,
    output::{print_line, program, quoted, warn},
};

/// Captions features that a file or folder holds.
pub(super) fn of_features(
    arguments: &CaptionArguments,
    checkpoint: &Checkpoint,
    decoder: &DecoderConfig,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    let source = arguments
        .data
        .source(of_run::features(arguments, checkpoint)?.0)?;
    let mut store = FeatureStore::open(&source)?;
    checkpoint.check_features(&source, &store)?;
    let (images, rows) = images(arguments, &mut store)?;
    let place = format!("`{}`", source.path().display());
    let selected = selected(&images, &arguments.names, &place, |_| None)?;
    let of_run = match decoder.rerank {
        Rerank::Probability => None,
        Rerank::Consensus => Some(corpus(checkpoint, registry)?),
    };
    let chosen = Chosen::new(&images, &rows, &selected, &store);
    let corpus = of_run.as_ref();
    chosen.caption(arguments, checkpoint, (decoder, registry), corpus)
}

/// Captions the images of a split of the run's own data.
pub(super) fn of_split(
    arguments: &CaptionArguments,
    split: SplitName,
    checkpoint: &Checkpoint,
    decoder: &DecoderConfig,
    registry: &Registry,
) -> Result<ExitCode, Failure> {
    if arguments.attention.is_some() {
        return Err(Failure::Mistake(format!(
            "--attention: found --split, whose images are features without photos; give the photos themselves: `{} \
             caption {} PHOTO... --attention OUT.png`",
            program(),
            quoted(&arguments.model)
        )));
    }
    let corpus = corpus(checkpoint, registry)?;
    checkpoint.check_inputs(&corpus)?;
    corpus.notices().iter().for_each(warn);
    note_changed_features(&corpus, checkpoint, &arguments.model)?;
    let examples = corpus.split(split.into())?;
    let images = listed(examples);
    let others = [SplitName::Train, SplitName::Val, SplitName::Test];
    let elsewhere = |name: &str| {
        let mut others = others.into_iter();
        let other = others.find(|&other| {
            let examples = corpus.split(Split::from(other));
            examples.is_ok_and(|examples| is_among(&listed(examples), name))
        })?;
        Some(format!("the split `{}`", other.name()))
    };
    let place = format!("the split `{}`", split.name());
    let selected = selected(&images, &arguments.names, &place, elsewhere)?;
    let rows: Vec<Row> = examples.iter().map(|example| example.row).collect();
    let store = corpus.images().map(Images::store);
    let store = store.ok_or_else(|| of_run::reads_texts(arguments))?;
    let chosen = Chosen::new(&images, &rows, &selected, store);
    let corpus = Some(&corpus);
    chosen.caption(arguments, checkpoint, (decoder, registry), corpus)
}

/// The images of a split by name and id.
fn listed(examples: &[Example]) -> Vec<ListedImage> {
    let image = |example: &Example| ListedImage {
        file_name: example.name().to_owned(),
        id: example.given_id(),
    };
    examples.iter().map(image).collect()
}

/// Images that are captioned, and where their features are.
struct Chosen<'a> {
    images: Vec<&'a ListedImage>,
    rows: Vec<Row>,
    store: &'a FeatureStore,
}

impl<'a> Chosen<'a> {
    fn new(
        images: &'a [ListedImage],
        rows: &[Row],
        selected: &[usize],
        store: &'a FeatureStore,
    ) -> Self {
        Self {
            images: selected.iter().map(|&k| &images[k]).collect(),
            rows: selected.iter().map(|&k| rows[k]).collect(),
            store,
        }
    }

    fn caption(
        &self,
        arguments: &CaptionArguments,
        checkpoint: &Checkpoint,
        (decoder, registry): (&DecoderConfig, &Registry),
        corpus: Option<&Corpus>,
    ) -> Result<ExitCode, Failure> {
        let device = backend(arguments, checkpoint)?.device()?;
        let mut writer = CaptionWriter::new(checkpoint, decoder, corpus, registry, &device)?;
        let mut display = Display::new();
        check(self.store, &self.rows, &mut display)?;
        let mut captions: Vec<Vec<Caption>> = Vec::with_capacity(self.rows.len());
        let batch = decoder.sources_at_a_time(checkpoint.config.validation.sources_per_batch);
        for rows in self.rows.chunks(batch) {
            display.progress(CAPTIONS, captions.len(), self.rows.len(), Duration::ZERO);
            captions.extend(writer.captions(self.store.read_batch(rows)?)?);
        }
        display.finish();
        if let Some(path) = &arguments.out {
            let results = self.images.iter().zip(&captions);
            let results = results.map(|(image, captions)| DecodedCaption {
                id: id(image),
                caption: captions
                    .first()
                    .map_or(String::new(), |caption| caption.text.clone()),
            });
            let bytes = serde_json::to_vec(&results.collect::<Vec<_>>())
                .map_err(|error| Failure::Failed(error.to_string()))?;
            write_bytes_atomically(path, &bytes)
                .map_err(|error| Failure::Failed(error.to_string()))?;
        }
        print(arguments, decoder, &self.images, &captions);
        Ok(ExitCode::SUCCESS)
    }
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
            id: image.id.as_ref().map(ExampleId::to_text),
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
fn id(image: &ListedImage) -> ExampleId {
    let name = || ExampleId::from(image.file_name.as_str());
    image.id.clone().unwrap_or_else(name)
}

/// Looks for values that cannot be used before the first caption.
fn check(store: &FeatureStore, rows: &[Row], display: &mut Display) -> Result<(), Failure> {
    let (mut done, images) = (0, rows.len());
    store.check(rows, |_, _| {
        done += 1;
        display.observe(&Event::CheckingFeatures { done, images });
    })?;
    Ok(())
}

fn print(
    arguments: &CaptionArguments,
    decoder: &DecoderConfig,
    images: &[&ListedImage],
    captions: &[Vec<Caption>],
) {
    let both = images.iter().zip(captions);
    if arguments.json {
        let images = both.map(|(image, captions)| {
            json!({
                "file": image.file_name,
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
