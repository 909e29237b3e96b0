use proptest::prelude::*;

use super::*;
use crate::{Batch, CiderDOptions, Item, Reward, evaluate_text, ptb};

fn text(text: &str) -> ServedCaption {
    ServedCaption {
        tokens: None,
        text: Some(text.to_owned()),
    }
}

fn ids(ids: &[u32]) -> ServedCaption {
    ServedCaption {
        tokens: Some(ids.to_vec()),
        text: None,
    }
}

fn image(names: &[&str], references: Vec<ServedCaption>) -> ServedImage {
    let names = names.iter().map(|&name| name.to_owned()).collect();
    ServedImage { names, references }
}

fn texts() -> Vec<ServedImage> {
    vec![
        image(
            &["a.jpg", "7"],
            vec![text("A dog runs."), text("Two dogs!")],
        ),
        image(&["b.jpg", "8"], vec![text("a cat sits on a mat")]),
        image(&["8", "9"], vec![text("a red bird sings")]),
    ]
}

fn cider_d() -> RewardEntry {
    RewardEntry {
        cider_d: Some(CiderDOptions::COCO),
        ..RewardEntry::default()
    }
}

fn entry(json: &str) -> RewardEntry {
    serde_json::from_str(json).expect("an entry")
}

fn service<'a>(
    registry: &'a RewardRegistry,
    words: Words,
    images: Vec<ServedImage>,
    entries: &[RewardEntry],
) -> RewardService<'a> {
    RewardService::new(words, images, None, entries.to_vec(), registry).expect("a service")
}

fn answer(service: &mut RewardService<'_>, line: &str) -> String {
    let answer = service.answer(line.as_bytes());
    answer.map_or_else(|error| error.to_string(), |scores| scores.to_json())
}

fn scores(service: &mut RewardService<'_>, line: &str) -> Vec<f64> {
    let json = answer(service, line);
    let answer: serde_json::Value = serde_json::from_str(&json).expect(&json);
    serde_json::from_value(answer["scores"].clone()).expect(&json)
}

const RAW: Words = Words::Text(ptb::tokenize);

fn vocabulary() -> Words {
    let words = ["<end>", "<unk>", "a", "dog", "runs", "cat", "two"];
    Words::Vocabulary {
        words: words.map(str::to_owned).to_vec(),
        end: 0,
        unknown: 1,
        with_end: true,
    }
}

#[test]
fn text_scores_as_the_evaluation_of_a_corpus_does() {
    let registry = RewardRegistry::default();
    let mut service = service(&registry, RAW, texts(), &[cider_d()]);
    let captions = ["a dog runs on a mat", "A cat sits, on a zebra!", "a bird"];
    let line = r#"{"version":1,"captions":[
        {"image_id":"a.jpg","text":"a dog runs on a mat"},
        {"image_id":"b.jpg","text":"A cat sits, on a zebra!","references":["not looked at"]},
        {"image_id":9,"text":"a bird"}]}"#;
    let found = scores(&mut service, line);
    let references: Vec<Vec<String>> = texts()
        .iter()
        .map(|image| {
            let texts = image.references.iter();
            texts
                .map(|r| ptb::tokenize(r.text.as_ref().expect("text")))
                .collect()
        })
        .collect();
    let candidates = captions.map(ptb::tokenize);
    let items: Vec<Item<'_, str, String>> = candidates
        .iter()
        .zip(&references)
        .map(|(candidate, references)| Item {
            candidate: candidate.as_str(),
            references,
        })
        .collect();
    let evaluation = evaluate_text(&items, crate::FrequencySource::Corpus).expect("scores");
    for (found, caption) in found.iter().zip(&evaluation.captions) {
        assert!(
            (found - caption.cider_d).abs() < 1e-12,
            "{found} {caption:?}"
        );
    }
    assert!(found[0] > 0.5);
}

#[test]
fn image_is_found_by_its_name_before_the_id_of_another() {
    let registry = RewardRegistry::default();
    let mut service = service(&registry, RAW, texts(), &[cider_d()]);
    let found = scores(
        &mut service,
        r#"{"captions":[{"image_id":"8","text":"a red bird sings"},{"image_id":7,"text":"a dog runs"},
            {"image_id":"7","text":"a dog runs"}]}"#,
    );
    assert!(found[0] > 9.0, "{found:?}");
    assert_eq!(found[1], found[2]);
}

#[test]
fn ids_score_the_same_bits_with_and_without_their_words() {
    let registry = RewardRegistry::default();
    let with_words = vec![
        image(&["a.jpg"], vec![text("a dog runs"), text("two dog")]),
        image(&["b.jpg"], vec![text("a zebra cat")]),
    ];
    let with_ids = vec![
        image(&["a.jpg"], vec![ids(&[2, 3, 4, 0]), ids(&[6, 3, 0, 0, 0])]),
        image(&["b.jpg"], vec![ids(&[2, 1, 5, 0])]),
    ];
    let line = r#"{"captions":[{"image_id":"a.jpg","tokens":[2,3,4,9,9,0,5],"text":"a dog runs"},
        {"image_id":"b.jpg","tokens":[2,5]}],"parts":true}"#;
    let mut first = service(&registry, vocabulary(), with_words, &[cider_d()]);
    let numbers = Words::Ids { end: Some(0) };
    let mut second = service(&registry, numbers, with_ids, &[cider_d()]);
    assert_eq!(answer(&mut first, line), answer(&mut second, line));
    // Text of a vocabulary ends with the end token.
    let text = r#"{"captions":[{"image_id":"a.jpg","text":"a dog runs"}]}"#;
    let tokens = r#"{"captions":[{"image_id":"a.jpg","tokens":[2,3,4,0]}]}"#;
    assert_eq!(scores(&mut first, text), scores(&mut first, tokens));
    assert_eq!(
        answer(&mut second, text),
        "captions[0]: found no tokens, expected token ids, since no vocabulary says what words they are"
    );
}

#[test]
fn end_token_counts_only_where_it_should() {
    let registry = RewardRegistry::default();
    let images = || vec![image(&["a.jpg"], vec![text("a dog runs")])];
    let mut words = vocabulary();
    let bleu = [entry(r#"{"bleu":{"order":1}}"#)];
    let line =
        r#"{"captions":[{"image_id":"a.jpg","tokens":[5,0]},{"image_id":"a.jpg","text":"cat"}]}"#;
    // The end token is the one word that is right.
    let found = scores(
        &mut service(&registry, words.clone(), images(), &bleu),
        line,
    );
    assert!(found[0] > 0.1 && found[0] == found[1], "{found:?}");
    if let Words::Vocabulary { with_end, .. } = &mut words {
        *with_end = false;
    }
    let found = scores(&mut service(&registry, words, images(), &bleu), line);
    assert!(found[0] < 1e-6 && found[0] == found[1], "{found:?}");
}

#[test]
fn references_of_a_request_score_as_those_from_the_beginning() {
    let registry = RewardRegistry::default();
    let entries = [cider_d(), entry(r#"{"weight":0.5,"bleu":{}}"#)];
    let mut whole = service(&registry, RAW, texts(), &entries);
    // The document frequencies are those of all images either way.
    let references: Vec<Vec<String>> = texts()
        .iter()
        .map(|image| {
            let texts = image.references.iter();
            texts
                .map(|r| ptb::tokenize(r.text.as_ref().expect("text")))
                .collect()
        })
        .collect();
    let table = DocumentFrequency::from_texts(&references).expect("a table");
    let mut empty = RewardService::new(RAW, vec![], Some(table), entries.to_vec(), &registry)
        .expect("a service");
    let line = r#"{"captions":[
        {"image_id":"a.jpg","text":"a dog runs on a new mat","references":["A dog runs.","Two dogs!"]},
        {"image_id":"b.jpg","text":"a cat","references":["a cat sits on a mat"]},
        {"image_id":"a.jpg","text":"two","references":["A dog runs.","Two dogs!"]}]}"#;
    let expected = scores(&mut whole, line);
    for (found, expected) in scores(&mut empty, line).iter().zip(&expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
    // A known image beside one that is not.
    let mixed = r#"{"captions":[{"image_id":"a.jpg","text":"a dog runs on a new mat"},
        {"image_id":"new.jpg","text":"a cow","references":["a cow"]}]}"#;
    let found = scores(&mut whole, mixed);
    assert!((found[0] - expected[0]).abs() < 1e-12);
    assert!(found[1] > 1.0);
    let differing = line.replace(r#""two","references":["A"#, r#""two","references":["a"#);
    assert_eq!(
        answer(&mut empty, &differing),
        "captions[2].references: found other references, expected those of captions[0], which has the same image"
    );
}

#[test]
fn table_of_another_program_weighs_ids_by_the_words_that_they_stand_for() {
    let registry = RewardRegistry::default();
    let references = || {
        vec![
            image(&["a.jpg"], vec![ids(&[2, 3, 4, 0])]),
            image(&["b.jpg"], vec![ids(&[2, 5, 0])]),
        ]
    };
    let numbered = |names: [&str; 5]| {
        let images = [[2, 3, 4, 0].as_slice(), &[2, 5, 0]];
        let spell = |id: &u32| names[if *id == 0 { 0 } else { *id as usize - 1 }];
        let text = |image: &&[u32]| vec![image.iter().map(spell).collect::<Vec<_>>().join(" ")];
        DocumentFrequency::from_texts(&images.iter().map(text).collect::<Vec<_>>())
            .expect("a table")
    };
    let line = r#"{"captions":[{"image_id":"a.jpg","tokens":[2,3,7,5,0]},{"image_id":"b.jpg","tokens":[2,5,0]}]}"#;
    let numbers = Words::Ids { end: Some(0) };
    let expected = scores(
        &mut service(&registry, numbers.clone(), references(), &[cider_d()]),
        line,
    );
    for (words, names) in [
        (numbers, ["0", "2", "3", "4", "5"]),
        (vocabulary(), ["<eos>", "a", "dog", "runs", "cat"]),
    ] {
        let table = Some(numbered(names));
        let service = RewardService::new(words, references(), table, vec![cider_d()], &registry);
        let found = scores(&mut service.expect("a service"), line);
        for (found, expected) in found.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-12,
                "{names:?}: {found} {expected}"
            );
        }
    }
}

#[test]
fn parts_are_told_when_they_are_asked_for() {
    let registry = RewardRegistry::default();
    let entries = [
        entry(r#"{"weight":-2.0,"length_penalty":{"minimum":3,"maximum":4}}"#),
        entry(r#"{"bad_ending_penalty":{}}"#),
    ];
    let mut service = service(&registry, RAW, texts(), &entries);
    let line = r#"{"captions":[{"image_id":"a.jpg","text":"a"}],"parts":true}"#;
    assert_eq!(
        answer(&mut service, line),
        r#"{"parts":{"bad_ending_penalty":[-1.0],"length_penalty":[-2.0]},"scores":[3.0]}"#
    );
}

/// Says something about captions of one word alone: 1.
struct OneWord;

impl Reward for OneWord {
    fn name(&self) -> &'static str {
        "one_word"
    }

    fn signature(&self) -> String {
        "one_word".to_owned()
    }

    fn score(&mut self, batch: &Batch<'_>) -> Result<Vec<f64>, RewardError> {
        Ok(vec![1.0; batch.candidates().len()])
    }

    fn applicable_scores(&mut self, batch: &Batch<'_>) -> Result<Vec<Option<f64>>, RewardError> {
        let captions = batch.candidates().iter();
        let score = |words: &str| (!words.contains(' ')).then_some(1.0);
        Ok(captions.map(|caption| score(caption.text)).collect())
    }
}

#[test]
fn captions_to_which_no_reward_applies_get_null_in_version_2_alone() {
    let mut registry = RewardRegistry::default();
    registry.register("one_word", |_, _| Ok(Box::new(OneWord)));
    let one_word = entry(r#"{"custom":{"name":"one_word"}}"#);
    let length = entry(r#"{"length_penalty":{"minimum":1,"maximum":1}}"#);
    let request = |version: u32, rest: &str| {
        format!(
            r#"{{"version":{version},"captions":[{{"image_id":7,"text":"dog"}},{{"image_id":7,"text":"a dog"}}]{rest}}}"#
        )
    };
    let expected = r#"expected a request with "version":2, whose answer may hold null"#;

    let mut alone = service(&registry, RAW, texts(), std::slice::from_ref(&one_word));
    assert_eq!(
        answer(&mut alone, &request(2, "")),
        r#"{"scores":[1.0,null]}"#
    );
    assert_eq!(
        answer(&mut alone, &request(1, "")),
        format!("captions[1]: found a caption to which no reward applies, {expected}")
    );

    let mut both = service(&registry, RAW, texts(), &[length, one_word]);
    let plain = r#"{"scores":[1.0,-1.0]}"#;
    assert_eq!(answer(&mut both, &request(1, "")), plain);
    assert_eq!(answer(&mut both, &request(2, "")), plain);
    let parts = r#","parts":true"#;
    assert_eq!(
        answer(&mut both, &request(2, parts)),
        r#"{"parts":{"length_penalty":[0.0,-1.0],"one_word":[1.0,null]},"scores":[1.0,-1.0]}"#
    );
    assert_eq!(
        answer(&mut both, &request(1, parts)),
        format!(
            "captions[1]: found a caption to which the reward one_word does not apply, {expected}"
        )
    );
}

#[test]
fn places_of_images_are_passed_over_in_version_2_and_unknown_in_version_1() {
    let registry = RewardRegistry::default();
    let mut service = service(&registry, RAW, texts(), &[cider_d()]);
    let request = |version: u32, keys: &str| {
        format!(r#"{{"version":{version},"captions":[{{"image_id":7,"text":"a dog"{keys}}}]}}"#)
    };
    let keys = r#","image_path":"photos/7.jpg","features":{"file":"f.npy","row":3}"#;
    assert_eq!(
        answer(&mut service, &request(2, keys)),
        answer(&mut service, &request(1, ""))
    );
    let refusal = answer(&mut service, &request(1, keys));
    assert!(refusal.contains("found the key \"features\""), "{refusal}");
}

#[test]
fn bad_requests_are_told_by_place_and_the_next_one_is_answered() {
    let registry = RewardRegistry::default();
    let mut service = service(&registry, RAW, texts(), &[cider_d()]);
    let caption =
        |caption: &str| format!(r#"{{"captions":[{{"image_id":7,"text":"a"}},{caption}]}}"#);
    for (line, expected) in [
        (
            "",
            r#"found ``, expected a line such as {"captions":[{"image_id":"x.jpg","text":"a dog"}]}"#,
        ),
        (
            r#"{"captions":[NaN]}"#,
            r#"found `{"captions":[NaN]}`, expected a line such as {"captions":[{"image_id":"x.jpg","text":"a dog"}]}"#,
        ),
        (
            "[]",
            r#"found `[]`, expected a line such as {"captions":[{"image_id":"x.jpg","text":"a dog"}]}"#,
        ),
        (
            "{}",
            "captions: found nothing, expected a list of objects with image_id and text or tokens",
        ),
        (
            r#"{"captions":[]}"#,
            "captions: found an empty list, expected a list of objects with image_id and text or tokens",
        ),
        (
            r#"{"captions":[],"version":3}"#,
            "version: found 3, expected 1 or 2",
        ),
        (
            r#"{"captions":[{"image_id":7,"text":"a"}],"part":1}"#,
            "the request: found the key \"part\", expected version, captions or parts",
        ),
        (
            r#"{"captions":[3]}"#,
            "captions[0]: found 3, expected an object with image_id and text or tokens",
        ),
        (
            &caption(r#"{"text":"a"}"#),
            "captions[1].image_id: found nothing, expected a name or a whole number",
        ),
        (
            &caption(r#"{"image_id":1.5,"text":"a"}"#),
            "captions[1].image_id: found 1.5, expected a name or a whole number",
        ),
        (
            &caption(r#"{"image_id":"x","text":"a"}"#),
            "captions[1].image_id: found \"x\", expected an image whose references are known from the beginning, or `references` beside it",
        ),
        (
            &caption(r#"{"image_id":7,"tokens":[1]}"#),
            "captions[1]: found no text, expected text, since the references are words",
        ),
        (
            &caption(r#"{"image_id":7,"tokens":[1,-1]}"#),
            "captions[1].tokens[1]: found -1, expected a whole number from 0 to 2147483647",
        ),
        (
            &caption(r#"{"image_id":"x","text":"a","references":[]}"#),
            "captions[1].references: found [], expected a list of one or more captions or lists of token ids",
        ),
        (
            &caption(r#"{"image_id":"x","text":"a","references":["b",[1]]}"#),
            "captions[1].references[1]: found no text, expected text, since the references are words",
        ),
        (
            &caption(r#"{"image_id":7,"text":"a","txt":"a"}"#),
            "captions[1]: found the key \"txt\", expected image_id, text, tokens or references",
        ),
    ] {
        assert_eq!(answer(&mut service, line), expected);
        assert_eq!(
            scores(
                &mut service,
                r#"{"captions":[{"image_id":7,"text":"two dogs"}]}"#
            )
            .len(),
            1
        );
    }
}

#[test]
fn rewards_that_lack_what_they_need_are_refused_at_the_beginning() {
    let registry = RewardRegistry::default();
    let refusal = |words: Words, images: Vec<ServedImage>, json: &str| {
        let service =
            RewardService::new(words, images, None, vec![cider_d(), entry(json)], &registry);
        let error = service.err().expect("a refusal");
        assert!(error.is_mistake());
        error.to_string()
    };
    let numbers = Words::Ids { end: None };
    assert_eq!(
        refusal(numbers.clone(), texts(), r#"{"bad_ending_penalty":{}}"#),
        "reward 1: bad_ending_penalty: found token ids alone, expected the words that they stand for"
    );
    assert_eq!(
        refusal(numbers.clone(), texts(), r#"{"chrf":{}}"#),
        "reward 1: chrf: found token ids alone, expected the words that they stand for"
    );
    assert_eq!(
        refusal(RAW, vec![], r#"{"bleu":{}}"#),
        "reward 0: cider_d: found no document frequencies, expected a table of them, or the references of all training images"
    );
    assert_eq!(
        refusal(numbers, texts(), r#"{"bleu":{}}"#),
        "references: found no tokens as reference 0 of image a.jpg, expected token ids, since no vocabulary says what words they are"
    );
    // A reward without frequencies needs neither.
    let bleu = vec![entry(r#"{"bleu":{}}"#)];
    let service = RewardService::new(RAW, vec![], None, bleu, &registry);
    let line = r#"{"captions":[{"image_id":1,"text":"a b c d","references":["a b c d"]}]}"#;
    let found = scores(&mut service.expect("a service"), line);
    assert!((found[0] - 1.0).abs() < 1e-6, "{found:?}");
}

proptest! {
    #[test]
    fn damaged_requests_never_panic(at in 0usize..160, byte in any::<u8>(), cut in 0usize..160) {
        let registry = RewardRegistry::default();
        let mut service = service(&registry, RAW, texts(), &[cider_d()]);
        let mut line = br#"{"version":1,"captions":[{"image_id":"x","tokens":[4,0],"text":"a","references":["a dog","b"]},{"image_id":7,"text":"a"}],"parts":true}"#.to_vec();
        let place = at % line.len();
        line[place] = byte;
        line.truncate(line.len().saturating_sub(cut / 4));
        match service.answer(&line) {
            Ok(scores) => prop_assert!(!scores.to_json().is_empty()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
