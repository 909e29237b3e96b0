//! Captions, features and vocabulary joined.

use super::*;
use crate::captions::{KaggleSource, KarpathySource};
use crate::features::NpySource;
use crate::samples::{Folder, flickr8k, npy};

const CAPTIONS: &str = "image,caption\n\
    a.jpg,A dog runs .\na.jpg,A dog\nb.jpg,A cat\nc.jpg,\"A cow, a dog\"\n";

fn sources(folder: &Folder, splits: &str, names: &str) -> (CaptionSource, FeatureSource) {
    let captions = CaptionSource::Kaggle(KaggleSource {
        captions: folder.file("captions.csv", CAPTIONS),
        splits: folder.file("splits.csv", splits),
    });
    folder.file("x.names.txt", names);
    let rows = names.lines().count();
    let values: Vec<f32> = (0..rows).map(|row| row as f32).collect();
    let path = folder.file("x.npy", npy(&[rows, 1], values.as_slice()));
    let features = FeatureSource::Npy(NpySource { path, names: None });
    (captions, features)
}

const SPLITS: &str = "image,split\na.jpg,train\nb.jpg,val\nc.jpg,train\n";
const BUILD: VocabularyChoice = VocabularyChoice::Build { minimum_count: 2 };

#[test]
fn examples_are_joined_when_rows_stand_in_another_order() {
    let folder = Folder::new();
    let (captions, features) = sources(&folder, SPLITS, "c\nunused\nb\na\n");
    let dataset = Dataset::load(&captions, &features, BUILD, None).unwrap();
    // The cat is in the validation split, and does not count.
    assert_eq!(dataset.vocabulary.words(), ["<end>", "<unk>", "a", "dog"]);
    let [a, c] = dataset.split(Split::Train) else {
        panic!("two images");
    };
    assert_eq!((a.name(), a.given_id()), ("a.jpg", None));
    assert!(a.captions().eq([&[2, 3, 1, 0][..], &[2, 3, 0]]));
    assert!(a.references().eq(["a dog runs", "a dog"]));
    assert_eq!(a.id(), ExampleId::from("a.jpg"));
    assert!(c.captions().eq([[2, 1, 2, 3, 0]]));
    assert!(dataset.split(Split::Val)[0].references().eq(["a cat"]));
    assert!(dataset.split(Split::Test).is_empty());
    let batch = dataset.sources.read_batch(&dataset.rows(Split::Train));
    assert_eq!(batch.unwrap().values, [3.0, 0.0]);
    dataset
        .sources
        .check(&dataset.rows(Split::Train), |_, _| {})
        .unwrap();
}

#[test]
fn ids_are_those_of_the_given_vocabulary_when_there_is_one() {
    let folder = Folder::new();
    let (captions, features) = sources(&folder, SPLITS, "a\nb\nc\n");
    let words = ["cow".to_owned()];
    let given = Vocabulary::build([words.as_slice()].into_iter(), 1);
    let given = VocabularyChoice::Use(given);
    let dataset = Dataset::load(&captions, &features, given, None).unwrap();
    assert_eq!(
        dataset.split(Split::Train)[1]
            .captions()
            .collect::<Vec<_>>(),
        [vec![1, 2, 1, 1, 0]]
    );
}

#[test]
fn error_names_the_image_when_it_has_no_features() {
    let folder = Folder::new();
    let (captions, features) = sources(&folder, SPLITS, "a\nc\n");
    let error = Dataset::load(&captions, &features, BUILD, None).unwrap_err();
    assert_eq!(
        folder.shorten(error),
        "`x.names.txt`: no features for 1 of 3 images: \"b.jpg\"; every row is that of another image; expected rows \
         named by the file names of the images, with or without ending (these images have no ids)"
    );
}

#[test]
fn error_is_returned_when_there_are_no_training_images() {
    let folder = Folder::new();
    let splits = SPLITS.replace("train", "test");
    let (captions, features) = sources(&folder, &splits, "a\nb\nc\n");
    let error = Dataset::load(&captions, &features, BUILD, None).unwrap_err();
    assert_eq!(error.to_string(), "no image is in the split `train`");
    let given = VocabularyChoice::Use(Vocabulary::build(std::iter::empty(), 1));
    let dataset = Dataset::load(&captions, &features, given, None).unwrap();
    assert_eq!(dataset.split(Split::Test).len(), 2);
}

#[test]
fn error_gives_the_count_when_no_word_is_frequent_enough() {
    let folder = Folder::new();
    let (captions, features) = sources(&folder, SPLITS, "a\nb\nc\n");
    let words = VocabularyChoice::Build { minimum_count: 50 };
    let error = Dataset::load(&captions, &features, words, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`data.minimum_count`: found 50, expected 4 or less: the most frequent word of the training captions, \"a\", stands there 4 times"
    );
}

#[test]
fn dataset_is_whole_when_flickr8k_is_loaded() {
    let Some(folder) = flickr8k() else { return };
    let captions = CaptionSource::Karpathy(KarpathySource {
        path: folder.join("dataset_flickr8k.json"),
    });
    let features = FeatureSource::Npy(NpySource {
        path: folder.join("features/efficientnet_lite0_pooled.npy"),
        names: None,
    });
    let words = VocabularyChoice::Build { minimum_count: 5 };
    let dataset = Dataset::load(&captions, &features, words, None).unwrap();
    let sizes = Split::ALL.map(|split| dataset.split(split).len());
    assert_eq!(sizes, [6000, 1000, 0]);
    let all = || {
        Split::ALL
            .into_iter()
            .flat_map(|split| dataset.split(split))
    };
    assert!(all().all(|image| image.captions().len() == 5 && image.references().len() == 5));
    let (mut tokens, mut unknown) = (0, 0);
    for caption in dataset
        .split(Split::Train)
        .iter()
        .flat_map(Example::captions)
    {
        // Without end tokens.
        tokens += caption.len() - 1;
        unknown += caption.iter().filter(|&&id| id == 1).count();
    }
    assert_eq!(
        (dataset.vocabulary.len(), tokens, unknown),
        (2537, 324_466, 8060)
    );
}
