//! Tests of the dataset: what it claims, how it is distributed, and that the committed files are its output.

use super::world::Relation;
use super::*;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static SCENES: LazyLock<Scenes> = LazyLock::new(|| generate(SEED));

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/scenes")
}

fn captions() -> impl Iterator<Item = (&'static Scene, &'static str)> {
    let all = SCENES.scenes.iter();
    all.flat_map(|scene| {
        scene
            .captions
            .iter()
            .map(move |caption| (scene, &**caption))
    })
}

/// What a noun phrase says of an object: nothing, or one value of each attribute.
#[derive(Debug, Default)]
struct Claim {
    shape: Option<Shape>,
    colour: Option<Colour>,
    size: Option<Size>,
}

impl Claim {
    fn holds_for(&self, object: &Object) -> bool {
        self.shape.is_none_or(|shape| shape == object.shape)
            && self.colour.is_none_or(|colour| colour == object.colour)
            && self.size.is_none_or(|size| size == object.size)
    }
}

/// Which of `values` has `word` among its words.
fn meaning<T: Copy>(word: &str, values: &[(T, u32)], says: impl Fn(T, &str) -> bool) -> Option<T> {
    let mut values = values.iter().map(|entry| entry.0);
    values.find(|value| says(*value, word))
}

fn colour_named(word: &str) -> Option<Colour> {
    meaning(word, &Colour::TABLE, |colour, word| {
        words::colours(colour).iter().any(|entry| entry.0 == word)
    })
}

fn size_named(word: &str) -> Option<Size> {
    meaning(word, &Size::TABLE, |size, word| {
        words::sizes(size).iter().any(|entry| entry.0 == word)
    })
}

/// The shape that a noun names, and whether the noun can be a plural.
fn shape_named(word: &str) -> Option<(Shape, bool)> {
    Shape::TABLE.iter().find_map(|(shape, _)| {
        let mut nouns = words::nouns(*shape).iter().map(|entry| entry.0);
        let (_, many) = nouns.find(|(one, many)| *one == word || *many == word)?;
        Some((*shape, many == word))
    })
}

/// The noun phrases of a caption: how many objects each speaks of, and what it says of them.
fn claims(caption: &str) -> Vec<(usize, Claim)> {
    let words: Vec<&str> = caption.split(' ').collect();
    let mut found = Vec::new();
    for (end, word) in words.iter().enumerate() {
        let Some((shape, plural)) = shape_named(word) else {
            continue;
        };
        let mut claim = Claim {
            shape: Some(shape),
            ..Claim::default()
        };
        let mut count = usize::from(!plural);
        for before in words[..end].iter().rev() {
            if let Some(colour) = colour_named(before) {
                claim.colour = Some(colour);
            } else if let Some(size) = size_named(before) {
                claim.size = Some(size);
            } else if words::NEUTRAL.iter().all(|entry| entry.0 != *before) {
                count = match *before {
                    "a" | "an" | "another" | "the" => 1,
                    "two" | "pair" | "couple" => 2,
                    "three" | "trio" => 3,
                    "four" => 4,
                    "of" => continue,
                    other => panic!("`{other}` before `{word}` in `{caption}`"),
                };
                break;
            }
        }
        found.push((count, claim));
    }
    found
}

#[test]
fn every_noun_phrase_is_true() {
    let mut phrases = 0;
    for (scene, caption) in captions() {
        for (count, claim) in claims(caption) {
            let objects = scene.world.objects.iter();
            let such = objects.filter(|object| claim.holds_for(object)).count();
            assert!(such >= count, "{}: `{caption}`: {claim:?}", scene.image);
            phrases += 1;
        }
    }
    assert!(phrases > captions().count(), "only {phrases} noun phrases");
}

#[test]
fn counts_of_all_objects_are_true() {
    for (scene, caption) in captions() {
        for (noun, _) in words::SHAPES {
            for (count, number) in ["two", "three", "four"].iter().enumerate() {
                if caption.contains(&format!("{number} {noun}")) {
                    assert_eq!(scene.world.objects.len(), count + 2, "`{caption}`");
                }
            }
        }
    }
}

#[test]
fn relation_is_inverted_when_objects_are_exchanged() {
    let inverse = |relation| match relation {
        Relation::LeftOf => Relation::RightOf,
        Relation::RightOf => Relation::LeftOf,
        Relation::Above => Relation::Below,
        Relation::Below => Relation::Above,
        Relation::Inside => Relation::Around,
        Relation::Around => Relation::Inside,
        Relation::Near | Relation::Far => relation,
    };
    for scene in &SCENES.scenes {
        let forth = scene.world.relations(0, 1);
        let back = scene.world.relations(1, 0);
        assert!(!forth.is_empty(), "{:?}", scene.world);
        assert_eq!(forth.into_iter().map(inverse).collect::<Vec<_>>(), back);
    }
}

#[test]
fn references_of_an_image_differ() {
    for scene in &SCENES.scenes {
        let distinct: HashSet<_> = scene.captions.iter().collect();
        assert_eq!(distinct.len(), REFERENCES, "{}", scene.image);
    }
}

#[test]
fn captions_are_lower_case_words() {
    for (_, caption) in captions() {
        assert!(grammar::LENGTHS.contains(&caption.split(' ').count()));
        let letters = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
        assert!(caption.split(' ').all(letters), "`{caption}`");
    }
}

#[test]
fn word_counts_have_a_long_tail() {
    let mut counts = BTreeMap::<&str, usize>::new();
    for (_, caption) in captions() {
        for word in caption.split(' ') {
            *counts.entry(word).or_default() += 1;
        }
    }
    let number = |test: fn(usize) -> bool| counts.values().filter(|count| test(**count)).count();
    assert!((200..350).contains(&counts.len()), "{} words", counts.len());
    assert!(number(|count| count < 5) >= 20);
    assert!(number(|count| count > 500) >= 20);
}

#[test]
fn splits_have_their_sizes_and_distinct_images() {
    for (split, size) in SPLITS {
        let images = SCENES.scenes.iter().filter(|scene| scene.split == split);
        assert_eq!(images.count(), size, "{split:?}");
    }
    let names: HashSet<_> = SCENES.scenes.iter().map(|scene| &scene.image).collect();
    assert_eq!(names.len(), SCENES.scenes.len());
    let worlds: HashSet<_> = SCENES
        .scenes
        .iter()
        .map(|s| format!("{:?}", s.world))
        .collect();
    assert_eq!(worlds.len(), SCENES.scenes.len(), "an image occurs twice");
}

#[test]
fn drawing_shows_the_colour_of_every_object() {
    for scene in &SCENES.scenes {
        for object in &scene.world.objects {
            let (low, high) = (-object.size.radius(), object.size.radius());
            let filled = (low..=high)
                .flat_map(|dy| (low..=high).map(move |dx| (dx, dy)))
                .filter(|(dx, dy)| {
                    let (x, y) = (object.x + dx, object.y + dy);
                    scene.drawing.rgb(x as usize, y as usize) == object.colour.rgb()
                });
            assert!(filled.count() >= 4, "{}: {object:?}", scene.image);
        }
    }
}

#[test]
fn rows_without_an_object_are_zero() {
    for scene in &SCENES.scenes {
        for (index, row) in scene.regions.chunks(REGION_DIM).enumerate() {
            let empty = row.iter().all(|value| value.to_f32() == 0.0);
            assert_eq!(empty, index >= scene.world.objects.len());
        }
        assert!(scene.pooled.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn seeds_give_different_datasets() {
    assert_ne!(
        generate(SEED + 1).scenes[0].captions,
        SCENES.scenes[0].captions
    );
}

#[test]
fn committed_tables_are_the_output_of_the_seed() {
    for (name, bytes) in files::tables(&SCENES) {
        let path = committed().join(name);
        let kept =
            std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            kept == bytes,
            "`{name}` differs: run `scst scenes data/scenes`"
        );
    }
}

#[test]
fn committed_images_are_the_output_of_the_seed() {
    let folder = committed().join("images");
    let files = std::fs::read_dir(&folder).expect("the images are in the repository");
    assert_eq!(files.count(), SCENES.scenes.len());
    for scene in &SCENES.scenes {
        let file = std::fs::File::open(folder.join(&scene.image)).expect("one file a scene");
        let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG file");
        let mut pixels = vec![0; CANVAS * CANVAS * 3];
        reader.next_frame(&mut pixels).expect("a whole image");
        let rgb = (0..CANVAS * CANVAS).flat_map(|i| scene.drawing.rgb(i % CANVAS, i / CANVAS));
        assert!(rgb.eq(pixels), "{} shows something else", scene.image);
    }
}

#[test]
fn committed_files_stay_below_two_mebibytes() {
    fn size(folder: &Path) -> u64 {
        let entries = std::fs::read_dir(folder).expect("a folder of the repository");
        let sizes = entries.map(|entry| {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                size(&path)
            } else {
                path.metadata().expect("a file").len()
            }
        });
        sizes.sum()
    }
    assert!(size(&committed()) < 2 << 20, "{} bytes", size(&committed()));
}

#[test]
fn error_names_the_path_when_a_folder_cannot_be_made() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let error = write(&SCENES, &file).expect_err("a file is no folder");
    assert!(error.to_string().contains("Cargo.toml"), "{error}");
}
