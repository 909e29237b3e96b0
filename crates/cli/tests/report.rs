//! Reports of runs.

mod support;

use std::fs;

use serde_json::Value;
use support::Workplace;

/// The data that the script of a page reads.
fn data(page: &str) -> Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(start).expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

const FAST: [&str; 2] = ["--resamples", "200"];

fn report(workplace: &Workplace, arguments: &[&str]) -> String {
    workplace.succeed(&[&["report"], arguments, &FAST].concat());
    workplace.text("report.html")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn page_of_a_run_has_what_evaluations_say_and_captions_are_decoded_once() {
    let workplace = Workplace::new();
    workplace.succeed(&["train", "config.toml", "--out", "run"]);
    let page = report(&workplace, &["run"]);
    let data = data(&page);
    let outputs = data["outputs"].as_array().expect("outputs");
    let names: Vec<_> = outputs
        .iter()
        .map(|output| output["name"].clone())
        .collect();
    assert_eq!(names, ["xe", "scst"]);
    assert_eq!(data["sources"].as_array().map(Vec::len), Some(12));
    // Captions and their scores are those of `scst eval`.
    let checkpoint = "run/checkpoints/best-scst";
    let eval = workplace.succeed(&["eval", checkpoint, "--per-caption=split", "--json"]);
    let lines: Vec<Value> = eval
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for (k, line) in lines[..12].iter().enumerate() {
        assert_eq!(data["outputs"][1]["captions"][k], line["caption"]);
        let score = number(&data["outputs"][1]["scores"][k][0]);
        assert!((score - number(&line["cider_d"])).abs() < 1e-4);
    }
    let all = number(&lines[12]["metrics"]["cider_d"]);
    assert!(
        page.contains(&format!("<td class=\"\">{all:.4}<small>")),
        "{all}"
    );
    // Curves have what was recorded.
    let titles: Vec<&str> = data["charts"]
        .as_array()
        .expect("charts")
        .iter()
        .filter_map(|chart| chart["title"].as_str())
        .collect();
    for title in [
        "CIDEr-D",
        "Reward",
        "Parts of the reward",
        "Gradient norm",
        "Time of a step",
    ] {
        assert!(titles.contains(&title), "{titles:?}");
    }
    assert!(page.contains("bad endings") && page.contains("Sampled captions"));
    assert!(
        !page.contains("SacreEOS"),
        "two rewards and a moving average have no signature there"
    );
    // The second time nothing is decoded, and all is the same, as it is where what was kept is damaged or gone.
    let kept = || {
        let files = fs::read_dir(workplace.path("run/decoded")).expect("a folder");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    };
    assert_eq!(kept().len(), 2);
    let arguments = [&["report", "run"], &FAST[..]].concat();
    let errors =
        |arguments: &[&str]| String::from_utf8(workplace.run(arguments).stderr).expect("UTF-8");
    assert!(!errors(&arguments).contains("captions of"));
    assert_eq!(workplace.text("report.html"), page);
    fs::write(&kept()[0], "{\"captions\":").expect("a file");
    fs::remove_file(&kept()[1]).expect("a file");
    assert!(errors(&arguments).contains("captions of run/checkpoints/best-"));
    assert_eq!(workplace.text("report.html"), page);
    assert_eq!(kept().len(), 2);
    // `scst compare` reads the same, and another decoder, split or weights have captions of their own.
    let compare = [
        &["compare", checkpoint, "run/checkpoints/best-xe"],
        &FAST[..],
    ]
    .concat();
    assert!(!errors(&compare).contains("captions of"));
    for more in [&["--beam", "3"], &["--split", "train"]] {
        assert!(errors(&[&arguments[..], more].concat()).contains("captions of"));
    }
    assert_eq!(kept().len(), 6);
    let text = workplace.succeed(&[&["report", "run", "--text"], &FAST[..]].concat());
    assert!(text.contains(&format!("{all:.4} (")), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn runs_and_seeds_are_shown_side_by_side() {
    let workplace = Workplace::new();
    let steps = ["--set", "stages.0.epochs=1", "--set", "stages.1.epochs=1"];
    workplace.succeed(&[&["train", "config.toml", "--out", "one"], &steps[..]].concat());
    workplace.succeed(
        &[
            &["train", "config.toml", "--seeds", "2", "--out", "two"],
            &steps[..],
        ]
        .concat(),
    );
    let page = report(&workplace, &["one", "two"]);
    let data = data(&page);
    let names: Vec<_> = data["outputs"]
        .as_array()
        .expect("outputs")
        .iter()
        .map(|o| o["name"].clone())
        .collect();
    assert_eq!(names, ["one: xe", "one: scst", "two: xe", "two: scst"]);
    assert!(page.contains("against one"));
    let series = &data["charts"][0]["series"];
    assert_eq!(series[0]["low"].as_array().map(Vec::len), Some(0));
    assert_eq!(
        series[1]["low"].as_array().map(Vec::len),
        series[1]["means"].as_array().map(Vec::len)
    );
    let text = workplace.succeed(&[&["report", "one", "two", "--text"], &FAST[..]].concat());
    assert!(text.contains("against one"), "{text}");
}

#[test]
fn photos_are_small_pictures_and_missing_ones_are_told() {
    let workplace = Workplace::new();
    workplace.succeed(&[
        "train",
        "config.toml",
        "--out",
        "run",
        "--set",
        "stages.1.epochs=1",
    ]);
    fs::create_dir_all(workplace.path("photos/more")).expect("a folder");
    let photo = image::RgbImage::from_pixel(640, 480, image::Rgb([200, 30, 30]));
    for name in ["image4.png", "more/image9.png"] {
        photo
            .save(workplace.path("photos").join(name))
            .expect("a photo");
    }
    let arguments = [&["report", "run", "--images", "photos"], &FAST[..]].concat();
    let output = workplace.run(&arguments);
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(errors.contains("10 photos are not in `photos`"), "{errors}");
    let data = data(&workplace.text("report.html"));
    let pictures = data["pictures"].as_object().expect("pictures");
    assert_eq!(pictures.keys().collect::<Vec<_>>(), ["0", "1"]);
    assert!(
        pictures["0"]
            .as_str()
            .is_some_and(|url| url.starts_with("data:image/jpeg;base64,"))
    );
    let message = workplace.refuse(2, &["report", "run", "--images", "nowhere"]);
    assert_eq!(message, "error: --images: there is no folder `nowhere`");
}

#[test]
fn what_is_no_run_or_was_not_trained_on_the_same_is_refused() {
    let workplace = Workplace::new();
    let message = workplace.refuse(2, &["report", "nowhere"]);
    assert_eq!(
        message,
        "error: `nowhere`: found no `metrics.jsonl`, expected the directory of a run"
    );
    let short = [
        "--set",
        "stages=[{name='xe',steps=4,sources_per_batch=4,xe={}}]",
    ];
    workplace.succeed(&[&["train", "config.toml", "--out", "run"], &short[..]].concat());
    workplace.write_data("other-");
    let captions = workplace
        .text("other-captions.csv")
        .replace("a red circle\n", "a scarlet circle\n");
    workplace.write("other-captions.csv", captions.as_bytes());
    let other = "data.captions={kaggle={captions='other-captions.csv',splits='other-splits.csv'}}";
    workplace.succeed(
        &[
            &["train", "config.toml", "--out", "other", "--set", other],
            &short[..],
        ]
        .concat(),
    );
    let message = workplace.refuse(2, &["report", "run", "other"]);
    assert!(message.contains("cannot be compared with"), "{message}");
    // A run without self-critical training has one checkpoint to show, and no table of changes.
    let page = report(&workplace, &["run"]);
    assert_eq!(data(&page)["outputs"].as_array().map(Vec::len), Some(1));
    assert!(!page.contains("<th>change</th>"));
}

#[test]
fn card_of_a_run_lies_beside_its_weights_and_is_not_replaced_when_somebody_changed_it() {
    let workplace = Workplace::new();
    let stage = "stages.1.scst={samples_per_source=3,baseline='greedy'}";
    workplace.succeed(&["train", "config.toml", "--out", "run", "--set", stage]);
    let arguments = [
        "card",
        "run",
        "--license",
        "mit",
        "--language",
        "en",
        "--split",
        "train",
    ];
    workplace.succeed(&arguments);
    let card = workplace.text("run/best/README.md");
    assert!(
        card.starts_with("---\nlanguage:\n- \"en\"\nlicense: \"mit\"\nlibrary_name: scst\n"),
        "{card}"
    );
    // The scores of `scst eval` on the same split, of the same checkpoint, which is still whole.
    let eval = workplace.succeed(&["eval", "run", "--split", "train", "--json"]);
    let eval: Value = serde_json::from_str(&eval).expect("JSON");
    for (metric, value) in eval["metrics"].as_object().expect("metrics") {
        let value = number(value);
        let expected = format!("- type: \"{metric}\"\n");
        let (_, of_metric) = card
            .split_once(&format!("    {expected}"))
            .expect("a result");
        assert!(
            of_metric.lines().nth(1) == Some(&format!("      value: {value:.4}")),
            "{metric}"
        );
    }
    assert!(
        card.contains("SacreEOS of scst: `STANDARD_wInit+Cider-D[n4,s6.0]+greedy[nspi3]+1.0.2`"),
        "{card}"
    );
    assert!(card.contains("bad endings"));
    // Written again, it is the same; one that was changed stays.
    workplace.succeed(&arguments);
    assert_eq!(workplace.text("run/best/README.md"), card);
    workplace.write("run/best/README.md", b"# Mine\n");
    let message = workplace.refuse(2, &arguments);
    assert!(message.contains("replace it with --force"), "{message}");
    workplace.succeed(&[&arguments[..], &["--force"]].concat());
    assert_eq!(workplace.text("run/best/README.md"), card);
    workplace.succeed(&[&arguments[..], &["--out", "card.md"]].concat());
    assert_eq!(workplace.text("card.md"), card);
    let message = workplace.refuse(2, &["card", "nowhere"]);
    assert!(
        message.contains("expected the directory of a run"),
        "{message}"
    );
}
