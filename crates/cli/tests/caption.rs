//! `scst caption`, from photos to captions and pictures of attention, through an encoder of random weights.

mod support;
#[path = "../../encoder/tests/support/mod.rs"]
mod weights;

use std::{collections::BTreeSet, fs, sync::LazyLock};

use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::png::PngEncoder, imageops};
use scst_encoder::{Architecture, Encoder};
use serde_json::Value;

use support::{CONFIG, Workplace};
use weights::{RandomWeights, write_pth};

const ATT2IN: &str = "[model.att2in]\nattention_size = 20\nhidden = 24";
const NAMED: [&str; 4] = ["--encoder", "efficientnet_lite0", "--weights", "lite0.pth"];

/// A workplace with `photos/image0.png` to `image59.png`, features of them, and three runs: `fc` and `markov` on pooled and `att2in` on
/// grid features.
static TRAINED: LazyLock<Workplace> = LazyLock::new(|| {
    let workplace = Workplace::new();
    let mut weights = RandomWeights::default();
    Encoder::load(Architecture::EfficientNetLite0, &mut weights).expect("random weights");
    write_pth(&workplace.path("lite0.pth"), &weights.tensors);
    fs::create_dir(workplace.path("photos")).expect("a folder");
    for k in 0..60 {
        let path = workplace.path(&format!("photos/image{k}.png"));
        photo(k).save(path).expect("a photo");
    }
    let files = ["--out", "pooled.npy", "--grid", "grid.npy"];
    workplace.succeed(&[&["features", "--images", "photos"], &NAMED[..], &files].concat());
    train(&workplace, "fc", "fc", "pooled.npy");
    train(&workplace, "att2in", "att2in", "grid.npy");
    train(&workplace, "markov", "markov", "pooled.npy");
    workplace
});

/// What the captions of the tiny data set say of image `k`: one of three shapes, as stripes, in one of four colours.
fn photo(k: usize) -> RgbImage {
    let (shape, colour) = (k % 3, k / 3 % 4);
    let colours = [[230, 20, 30], [20, 200, 40], [30, 40, 220], [240; 3]];
    RgbImage::from_fn(40, 30, |x, y| {
        let is_on = match shape {
            0 => x / 4 % 2 == 0,
            1 => y / 4 % 2 == 0,
            _ => x > 20,
        };
        if is_on {
            colours[colour].into()
        } else {
            [(k * 3 % 50) as u8; 3].into()
        }
    })
}

/// Trains a captioner of a configuration on a feature file, in one short stage.
fn train(workplace: &Workplace, out: &str, captioner: &str, features: &str) {
    let captioner = match captioner {
        "fc" => "[model.fc]\nhidden = 24",
        "markov" => "[model.markov]\npositions = 8\nshortlist = 14\nhidden = 24",
        _ => ATT2IN,
    };
    let config = CONFIG.replace("[model.fc]\nhidden = 24", captioner);
    let config = if captioner.contains("markov") {
        // It has neither embeddings of words nor a place for words of its own.
        let config = config.replace("embedding = 16\n", "");
        config.replace(
            ", scheduled_sampling = { increase = 0.1, every_epochs = 2 }",
            "",
        )
    } else {
        config
    };
    let config = config.replace("features.npy\"", &format!("{features}\""));
    let file = format!("{out}.toml");
    workplace.write(&file, config.as_bytes());
    let short = ["--set", "stages.0.epochs=6", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", &file, "--out", out], &short[..]].concat());
}

fn val_photos() -> Vec<String> {
    let val = (0..60).filter(|k| k % 5 == 4);
    val.map(|k| format!("photos/image{k}.png")).collect()
}

fn report(arguments: &[&str]) -> Value {
    let printed = TRAINED.succeed(&[&["caption"], arguments, &["--json"]].concat());
    serde_json::from_str(&printed).expect("JSON")
}

/// The captions of an image in a report, with their log-probabilities.
fn captions(image: &Value) -> Vec<(String, f64)> {
    let captions = image["captions"].as_array().expect("a list").iter();
    let caption = |caption: &Value| {
        let text = caption["caption"].as_str().expect("text").to_owned();
        let log_probability = caption["log_probability"].as_f64().expect("a number");
        (text, log_probability)
    };
    captions.map(caption).collect()
}

fn images(report: &Value) -> Vec<Vec<(String, f64)>> {
    let images = report["images"].as_array().expect("a list");
    images.iter().map(captions).collect()
}

#[test]
fn captions_of_photos_are_those_that_eval_scores() {
    let photos = val_photos();
    let photos: Vec<&str> = photos.iter().map(String::as_str).collect();
    for run in ["fc", "att2in"] {
        for (decoder, found) in [
            (&[][..], 1),
            (&["--beam", "3", "--length-normalisation", "mean"], 3),
            (&["--samples", "4", "--seed", "2", "--top-k", "9"], 4),
            (&["--samples", "4", "--rerank", "consensus"], 4),
        ] {
            let results = format!("{run}-results.json");
            TRAINED.succeed(&[&["eval", run, "--out", &results], decoder].concat());
            let results: Value = serde_json::from_str(&TRAINED.text(&results)).expect("JSON");
            let expected: Vec<&str> = results
                .as_array()
                .expect("a list")
                .iter()
                .map(|result| result["caption"].as_str().expect("text"))
                .collect();
            let report = report(&[&[run], &photos[..], decoder].concat());
            let images = images(&report);
            assert!(images.iter().all(|captions| captions.len() == found));
            let first: Vec<&str> = images.iter().map(|image| image[0].0.as_str()).collect();
            assert_eq!(first, expected, "{run} {decoder:?}");
            let distinct: BTreeSet<&str> = expected.into_iter().collect();
            assert!(distinct.len() > 3, "photos are told apart: {distinct:?}");
            assert_eq!(report["images"][3]["file"], photos[3]);
        }
    }
}

#[test]
fn log_probabilities_are_those_of_the_search_and_samples_follow_their_seed() {
    let photos = ["photos/image4.png", "photos/image9.png"];
    let decoded = |more: &[&str]| images(&report(&[&["att2in"], &photos[..], more].concat()));
    let greedy = decoded(&[]);
    for (greedy, beam) in greedy.iter().zip(decoded(&["--beam", "1"])) {
        assert_eq!(greedy[0].0, beam[0].0);
        assert!(
            (greedy[0].1 - beam[0].1).abs() < 1e-5,
            "{greedy:?} {beam:?}"
        );
    }
    for beam in decoded(&["--beam", "4"]) {
        assert!(beam.is_sorted_by(|a, b| a.1 >= b.1), "{beam:?}");
    }
    let sampled = |seed| decoded(&["--samples", "5", "--seed", seed]);
    assert_eq!(sampled("7"), sampled("7"));
    assert_ne!(sampled("7"), sampled("8"));
    // As text: all samples with their log-probabilities, or the best caption alone.
    let printed =
        |more: &[&str]| TRAINED.succeed(&[&["caption", "att2in"], &photos[..], more].concat());
    let lines: String = sampled("7")
        .iter()
        .zip(photos)
        .flat_map(|(captions, photo)| {
            let line = move |(text, log_probability): &(String, f64)| {
                format!("{photo}: {text} (log-probability {log_probability:.2})\n")
            };
            captions.iter().map(line)
        })
        .collect();
    assert_eq!(printed(&["--samples", "5", "--seed", "7"]), lines);
    let [first, second] = [&greedy[0][0].0, &greedy[1][0].0];
    let lines = format!("{}: {first}\n{}: {second}\n", photos[0], photos[1]);
    assert_eq!(printed(&[]), lines);
}

#[test]
fn log_probabilities_of_markov_captions_are_those_of_whole_captions() {
    let photos = ["photos/image4.png", "photos/image9.png"];
    let decoded = |more: &[&str]| images(&report(&[&["markov"], &photos[..], more].concat()));
    let greedy = decoded(&[]);
    // A wide beam is exhaustive but for what has hardly any probability: it finds the same best caption.
    for (greedy, beam) in greedy.iter().zip(decoded(&["--beam", "200"])) {
        assert_eq!(greedy[0].0, beam[0].0);
        assert!(
            (greedy[0].1 - beam[0].1).abs() < 1e-3,
            "{greedy:?} {:?}",
            beam[0]
        );
        let total: f64 = beam.iter().map(|(_, log_p)| log_p.exp()).sum();
        assert!(total < 1.0 + 1e-3, "{total}");
    }
    // And it comes as often as it says.
    let drawn = decoded(&["--samples", "4000", "--seed", "5"]);
    for (greedy, drawn) in greedy.iter().zip(drawn) {
        let (text, log_p) = &greedy[0];
        let same: Vec<f64> = drawn
            .iter()
            .filter(|(t, _)| t == text)
            .map(|d| d.1)
            .collect();
        let (p, n) = (log_p.exp(), 4000.0);
        // One text may be the whole caption or one that was cut off, and the unknown word is never drawn.
        let deviation = (p * (1.0 - p) / n).sqrt();
        let share = same.len() as f64 / n;
        assert!(
            (share - p).abs() < 5.0 * deviation + 0.01 * p,
            "{share} {p}"
        );
        assert!(same.iter().any(|found| (found - log_p).abs() < 1e-3));
    }
}

#[test]
fn captions_that_break_an_option_are_marked() {
    let forbidden = "there,is,that,one,in,on,black,green,blue,white,square,star";
    let flags = [
        "--samples",
        "30",
        "--minimum-length",
        "6",
        "--no-repeat-ngram",
        "2",
        "--block-immediate-repeats",
        "--forbidden-words",
        forbidden,
        "--temperature",
        "9",
    ];
    let arguments = [&["att2in", "photos/image4.png"], &flags[..]].concat();
    let report = report(&arguments);
    let listed = report["images"][0]["captions"].as_array().expect("a list");
    let printed = TRAINED.succeed(&[&["caption"], &arguments[..]].concat());
    let mut broken = 0;
    for (caption, line) in listed.iter().zip(printed.lines()) {
        let text = caption["caption"].as_str().expect("text");
        let is_short = text.split_whitespace().count() < 6;
        let expected: &[&str] = if is_short { &["minimum_length"] } else { &[] };
        assert_eq!(caption["breaks"], serde_json::json!(expected), "{text}");
        let mark = "[dead end: the options left no word, so that it breaks minimum_length]";
        assert_eq!(line.ends_with(mark), is_short, "{line}");
        // What keeps the options stands before what breaks one.
        assert!(is_short || broken == 0, "{printed}");
        broken += usize::from(is_short);
    }
    assert!(broken > 0 && broken < listed.len(), "{printed}");
}

#[test]
fn report_shows_where_the_captioner_looked() {
    let page = |run: &str, file: &str| {
        let arguments = ["report", run, "--images", "photos", "--out", file];
        TRAINED.succeed(&[&arguments[..], &["--resamples", "100"]].concat());
        TRAINED.text(file)
    };
    let looked = page("att2in", "att2in.html");
    let pictures = looked.matches("<img class=\"attention\" src=\"data:image/jpeg;base64,");
    assert_eq!(pictures.count(), 4);
    // From what was kept, the same page but for the time at which it was made.
    assert_eq!(page("att2in", "again.html"), looked);
    let never = page("fc", "fc.html");
    assert!(!never.contains("<img class=\"attention\""));
}

#[test]
fn attention_is_a_picture_for_every_image() {
    let out = TRAINED.path("attention");
    fs::create_dir(&out).expect("a folder");
    let one = report(&[
        "att2in",
        "photos/image4.png",
        "--attention",
        "attention/one.png",
    ]);
    assert_eq!(one["images"][0]["attention"], "attention/one.png");
    let both = ["photos/image4.png", "photos/image9.png", "--beam", "2"];
    let both = report(&[&["att2in"], &both[..], &["--attention", "attention/b.png"]].concat());
    let picture = |name: &str| image::open(out.join(name)).expect("a PNG").into_rgb8();
    let files = ["one.png", "b-image4.png", "b-image9.png"];
    let reports = [&one["images"][0], &both["images"][0], &both["images"][1]];
    for (file, report) in files.into_iter().zip(reports) {
        assert_eq!(report["attention"], format!("attention/{file}"));
        // The photo, 240 x 180, and a panel for every word of the first caption, four in a row.
        let words = captions(report)[0].0.split(' ').count() as u32;
        let (columns, rows) = (4.min(words + 1), (words + 1).div_ceil(4));
        let picture = picture(file);
        let expected = (8 + columns * 248, 8 + rows * 216);
        assert_eq!((picture.width(), picture.height()), expected);
        // In the middle of the first stripe of `image4.png` or `image9.png`.
        let colour = if file == files[2] {
            [240; 3]
        } else {
            [20, 200, 40]
        };
        assert_eq!(picture.get_pixel(8 + 10, 8 + 10).0, colour);
    }
    assert_eq!(fs::read_dir(&out).expect("a folder").count(), 3);

    for (run, photos, file, parts) in [
        (
            "fc",
            &["image4.png"][..],
            "a.png",
            &["captioner `fc` has no attention"][..],
        ),
        (
            "att2in",
            &["image4.png"],
            "a.jpg",
            &["`a.jpg`", "ending in .png"],
        ),
        (
            "att2in",
            &["image4.png"],
            "nowhere/a.png",
            &["no folder `nowhere`"],
        ),
        (
            "att2in",
            &["image4.png"],
            "photos/image4.png",
            &["is one of the images"],
        ),
        (
            "att2in",
            &["image4.png", "image4.png"],
            "a.png",
            &["would both be `a-image4.png`"],
        ),
    ] {
        let photos: Vec<String> = photos.iter().map(|name| format!("photos/{name}")).collect();
        let photos: Vec<&str> = photos.iter().map(String::as_str).collect();
        let command = ["caption", run, "--attention", file];
        let message = TRAINED.refuse(2, &[&command[..], &photos].concat());
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
}

#[test]
fn broken_image_is_one_sentence_and_nothing_is_done() {
    TRAINED.write("broken.jpg", b"\xff\xd8\xff\xe0 not a JPEG");
    TRAINED.write("text.png", b"not a picture");
    for (image, expected) in [
        ("nowhere.jpg", "No such file"),
        ("broken.jpg", "it is not a whole JPEG: "),
        ("text.png", "it is a text, expected a JPEG, PNG, "),
    ] {
        let arguments = ["caption", "att2in", "photos/image4.png", image];
        let arguments = [&arguments[..], &["--attention", "none.png"]].concat();
        let message = TRAINED.refuse(2, &arguments);
        for part in [&format!("cannot read image `{image}`: "), expected] {
            assert!(message.contains(part), "{part} in: {message}");
        }
        assert!(TRAINED.run(&arguments).stdout.is_empty());
        assert!(!TRAINED.path("none-image4.png").exists());
    }
    let output = TRAINED.run(&["caption", "att2in"]);
    assert_eq!(output.status.code(), Some(2), "no image");
}

#[test]
fn run_knows_its_encoder_and_takes_no_other() {
    // Weights of another file, and those of the run in another place.
    let mut other = TRAINED.read("lite0.pth");
    TRAINED.write("moved.pth", &other);
    let last = other.len() - 1;
    other[last] ^= 1;
    TRAINED.write("other.pth", &other);
    let photo = "photos/image4.png";
    let moved = report(&["fc", photo, "--weights", "moved.pth"]);
    assert_eq!(moved["images"], report(&["fc", photo])["images"]);
    for (more, parts) in [
        (
            &["--weights", "other.pth"][..],
            &["`other.pth`: found checksum ", "made the features of `fc`"][..],
        ),
        (
            &["--weights", "nowhere.pth"],
            &["`nowhere.pth`", "No such file"],
        ),
        (
            &["--encoder", "resnet50"],
            &["--encoder: found resnet50", "made with efficientnet_lite0"],
        ),
        (
            &["--encoder", "vgg16"],
            &["expected one of efficientnet_lite0, "],
        ),
        (
            &["--beam", "2", "--samples", "2"],
            &["--beam and --samples"],
        ),
        (
            &["--required-words", "octopus"],
            &["`octopus` is not in the vocabulary"],
        ),
    ] {
        let message = TRAINED.refuse(2, &[&["caption", "fc", photo], more].concat());
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
}

/// A workplace with the photos' features under names of their own, to be changed.
fn copied(features: &str) -> Workplace {
    let workplace = Workplace::new();
    for ending in ["npy", "names.txt", "encoder.json"] {
        let bytes = TRAINED.read(&format!("{features}.{ending}"));
        workplace.write(&format!("copy.{ending}"), &bytes);
    }
    fs::copy(TRAINED.path("lite0.pth"), workplace.path("lite0.pth")).expect("a copy");
    fs::copy(
        TRAINED.path("photos/image4.png"),
        workplace.path("photo.png"),
    )
    .expect("a copy");
    workplace
}

#[test]
fn run_on_features_from_elsewhere_is_told_its_encoder() {
    let workplace = copied("pooled");
    fs::remove_file(workplace.path("copy.encoder.json")).expect("it is deleted");
    train(&workplace, "run", "fc", "copy.npy");
    assert!(!workplace.path("run/best/encoder.json").exists());
    let message = workplace.refuse(2, &["caption", "run", "photo.png"]);
    let parts = [
        "`run` does not know",
        "`copy.npy` of 1280 dimensions",
        "--encoder and --weights",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    let command = [&["caption", "run", "photo.png"], &NAMED[..]].concat();
    let printed = workplace.succeed(&command);
    let expected = TRAINED.succeed(&["caption", "fc", "photos/image4.png"]);
    // The same weights but for rounded features; photos of this kind are told apart by more.
    assert_eq!(
        printed.strip_prefix("photo.png: "),
        expected.strip_prefix("photos/image4.png: ")
    );

    // Features that no image encoder made.
    train(&workplace, "scenes", "fc", "features.npy");
    let message = workplace.refuse(2, &["caption", "scenes", "photo.png"]);
    assert!(
        message.contains("`features.npy` of 8 dimensions"),
        "{message}"
    );
    let message = workplace.refuse(
        2,
        &[&["caption", "scenes", "photo.png"], &NAMED[..]].concat(),
    );
    let parts = [
        "gives vectors of 1280 dimensions",
        "reads vectors of 8, as of `features.npy`",
    ];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
}

#[test]
fn record_of_other_features_is_refused() {
    let workplace = copied("pooled");
    let record = String::from_utf8(TRAINED.read("grid.encoder.json")).expect("UTF-8");
    for (out, record, parts) in [
        (
            "grid",
            record.clone(),
            ["about grid features", "reads pooled features"],
        ),
        (
            "future",
            record.replace("weights_crc32c", "weights_md5"),
            ["`encoder.json` of `future`", "found the key `weights_md5`"],
        ),
        (
            "gone",
            record
                .replace("grid", "pooled")
                .replace("lite0.pth", "gone.pth"),
            ["gone.pth", "say where it is with --weights"],
        ),
    ] {
        workplace.write("copy.encoder.json", record.as_bytes());
        train(&workplace, out, "fc", "copy.npy");
        let message = workplace.refuse(2, &["caption", out, "photo.png"]);
        for part in parts {
            assert!(message.contains(part), "{part} in: {message}");
        }
    }
}

/// A photo that lies on its side, and says so in its EXIF data.
fn lying(photo: &RgbImage) -> Vec<u8> {
    let mut png = Vec::new();
    let mut encoder = PngEncoder::new(&mut png);
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    encoder.set_exif_metadata(exif).expect("EXIF data");
    let photo = imageops::rotate270(photo);
    let (width, height) = photo.dimensions();
    let written = encoder.write_image(&photo, width, height, ExtendedColorType::Rgb8);
    written.expect("a PNG");
    png
}

#[test]
fn photos_that_lie_on_their_side_are_captioned_and_drawn_upright() {
    TRAINED.write("lying.png", &lying(&photo(4)));
    fs::create_dir(TRAINED.path("upright")).expect("a folder");
    let draw = |image: &str, file: &str| {
        let file = format!("upright/{file}");
        let report = report(&["att2in", image, "--attention", &file]);
        (captions(&report["images"][0]), TRAINED.read(&file))
    };
    let [upright, turned] = [
        draw("photos/image4.png", "a.png"),
        draw("lying.png", "b.png"),
    ];
    assert!(upright == turned, "{:?} {:?}", upright.0, turned.0);
}

#[test]
fn photos_are_taken_as_stored_when_those_of_the_features_were() {
    let workplace = copied("grid");
    let record = workplace.text("copy.encoder.json");
    let before = record.replace("  \"orientation\": \"exif\",\n", "");
    assert_ne!(before, record);
    workplace.write("copy.encoder.json", before.as_bytes());
    train(&workplace, "before", "att2in", "copy.npy");
    let side = imageops::rotate270(&photo(4));
    side.save(workplace.path("side.png")).expect("a photo");
    workplace.write("lying.png", &lying(&photo(4)));
    let caption = |photo: &str, drawing: &str| {
        let output = workplace.run(&["caption", "before", photo, "--attention", drawing]);
        let printed =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
        assert!(output.status.success(), "{printed:?}");
        printed
    };
    let [stored, errors] = caption("side.png", "side-looks.png");
    assert_eq!(errors, "wrote side-looks.png\n");
    let [printed, errors] = caption("lying.png", "lying-looks.png");
    assert_eq!(
        printed.strip_prefix("lying.png: "),
        stored.strip_prefix("side.png: ")
    );
    assert!(workplace.read("lying-looks.png") == workplace.read("side-looks.png"));
    let parts = [
        "image `lying.png` is taken as it is stored",
        "features of `before`",
    ];
    assert!(parts.iter().all(|part| errors.contains(part)), "{errors}");
    assert_eq!(errors.lines().count(), 2, "{errors}");
}

#[test]
fn folders_are_captioned_as_the_photos_in_them() {
    fs::create_dir_all(TRAINED.path("album/more")).expect("a folder");
    for (photo, name) in [(9, "b"), (4, "a"), (14, "more/c")] {
        let from = TRAINED.path(&format!("photos/image{photo}.png"));
        fs::copy(from, TRAINED.path(&format!("album/{name}.png"))).expect("a photo");
    }
    fs::write(TRAINED.path("album/notes.txt"), "none").expect("a file");
    let lines = |arguments: &[&str]| -> (Vec<String>, String) {
        let output = TRAINED.run(&[&["caption", "att2in"], arguments].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        (printed.lines().map(str::to_owned).collect(), errors)
    };
    let (found, errors) = lines(&["album", "photos/image14.png"]);
    let (same, _) = lines(&["album/a.png", "album/b.png", "photos/image14.png"]);
    assert_eq!(found, same);
    assert!(
        errors.contains("`album`: 1 file of another type passed over: .txt; 1 folder"),
        "{errors}"
    );
    let drawn = ["--attention", "album.png"];
    let (all, errors) = lines(&[&["album", "--recursive"], &drawn[..]].concat());
    let names: Vec<_> = all
        .iter()
        .filter_map(|line| line.split(':').next())
        .collect();
    assert_eq!(names, ["album/a.png", "album/b.png", "album/more/c.png"]);
    for name in ["album-a.png", "album-b.png", "album-c.png"] {
        assert!(errors.contains(&format!("wrote {name}\n")), "{errors}");
        assert!(TRAINED.path(name).is_file());
    }
}
