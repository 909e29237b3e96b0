//! Pages and texts of invented runs.

#[path = "../examples/hostile/invented.rs"]
mod invented;

use invented::{HOSTILE, report};
use scst_report::{CardDetails, Output, Report, card, page, text};

/// The JSON of a page, read as a browser reads it: up to the first end of a script.
fn data(page: &str) -> serde_json::Value {
    let start = "<script type=\"application/json\" id=\"data\">";
    let (_, rest) = page.split_once(start).expect("the data");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn nothing_of_names_captions_and_configurations_becomes_markup() {
    for is_single in [true, false] {
        let page = page(&report(is_single)).expect("a page");
        for hostile in &HOSTILE[..4] {
            assert!(!page.contains(hostile), "{hostile}");
        }
        // The three scripts of the page, and nothing that looks like one.
        let lower = page.to_lowercase();
        assert_eq!(lower.matches("<script").count(), 3);
        assert_eq!(lower.matches("</script").count(), 3);
        assert!(!lower.contains("<img src=x"));
    }
}

#[test]
fn data_of_the_page_are_the_captions_as_they_are() {
    let report = report(false);
    let data = data(&page(&report).expect("a page"));
    assert_eq!(data["sources"][0]["name"], HOSTILE[0]);
    assert_eq!(data["outputs"].as_array().map(Vec::len), Some(4));
    let caption = &data["outputs"][1]["captions"][1];
    assert_eq!(*caption, report.runs[0].outputs[1].captions[1].text);
    assert_eq!(
        data["outputs"][3]["name"],
        format!("{}: scst</script>", HOSTILE[1])
    );
    assert_eq!(
        data["pictures"].as_object().map(serde_json::Map::len),
        Some(60)
    );
    let bad = data["outputs"][0]["bad"].as_array().map(Vec::len);
    assert_eq!(bad, Some(120), "all captions before end with an article");
}

#[test]
fn page_needs_no_network() {
    let page = page(&report(false)).expect("a page");
    assert!(page.contains("default-src 'none'"));
    for address in ["src=\"http", "href=\"http", "url(", "@import", "fetch("] {
        assert!(!page.contains(address), "{address}");
    }
}

#[test]
fn same_report_gives_the_same_bytes() {
    let both = || {
        let report = report(false);
        let page = page(&report).expect("a page");
        (page, text(&report).expect("a text"))
    };
    assert!(both() == both());
}

#[test]
fn page_holds_the_licence_of_what_it_embeds() {
    let page = page(&report(true)).expect("a page");
    assert!(page.contains("Copyright (c) 2022 Leon Sorokin"));
    assert!(page.contains("WITHOUT WARRANTY OF ANY KIND"));
}

#[test]
fn text_says_what_changed_and_steers_no_terminal() {
    let mut report = report(true);
    report.runs[0].outputs[1].captions[43].text = "a \u{1b}[2Jdog".to_owned();
    let text = text(&report).expect("a text");
    assert!(
        text.contains("is better than xe: CIDEr-D +0.1400 (+0.1200 to +0.1700)"),
        "{text}"
    );
    assert!(text.contains("improved: "), "{text}");
    assert!(text.contains("bad endings"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn report_of_nothing_and_of_one_checkpoint_is_a_page_too() {
    assert!(page(&Report::default()).is_ok());
    assert!(text(&Report::default()).is_ok());
    let mut report = report(true);
    report.runs[0].outputs.truncate(1);
    report.runs[0].change.clear();
    assert!(page(&report).is_ok());
    assert!(!text(&report).expect("a text").contains("improved"));
}

#[test]
fn output_of_other_sources_is_refused() {
    let mut report = report(true);
    report.runs[0].outputs.push(Output::default());
    let refused = page(&report).expect_err("no captions").to_string();
    assert!(refused.contains("runs/first"), "{refused}");
    assert!(
        refused.contains("found 0 captions of 120 images"),
        "{refused}"
    );
}

#[test]
fn card_has_a_header_and_no_markup_of_others() {
    let details = CardDetails {
        name: HOSTILE[1].to_owned(),
        license: Some("mit".to_owned()),
        languages: vec!["en".to_owned()],
        task: ["image-to-text", "Image captioning"].map(str::to_owned),
        dataset: HOSTILE[2].to_owned(),
        captioner: "fc".to_owned(),
        tags: vec!["image-captioning".to_owned()],
    };
    let card = card(&report(true), &details).expect("a card");
    let (header, body) = card[4..].split_once("\n---\n").expect("a header");
    assert!(card.starts_with("---\n"));
    assert!(
        header.contains("\n      type: \"\\\"'><b>bold\"\n"),
        "{header}"
    );
    assert!(
        header.contains("- type: \"cider_d\"\n      name: \"CIDEr-D\"\n      value: 0.9800\n"),
        "{header}"
    );
    let (before, after) = body.split_once("```toml").expect("the configuration");
    for text in [before, after.split_once("```").expect("its end").1] {
        assert!(
            !text.contains("<script") && !text.contains("<img"),
            "{text}"
        );
    }
    assert!(card.contains("| bad endings | 33.3 % |"), "{card}");
    let none = scst_report::card(&Report::default(), &details).expect_err("no captions");
    assert!(none.to_string().contains("found 0 captions"));
}
