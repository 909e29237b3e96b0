//! Pairs from files of every form.

use proptest::prelude::*;

use super::*;
use crate::captions::Split;
use crate::samples::Folder;
use crate::{DataError, ExampleId, Notice};

fn of_file(
    folder: &Folder,
    name: &str,
    contents: impl AsRef<[u8]>,
) -> Result<TextPairs, DataError> {
    let train = Some(folder.file(name, contents));
    PairSource::Splits(SplitSource {
        train,
        ..SplitSource::default()
    })
    .read()
}

/// Source and targets of every pair, divided by bars.
fn shown(pairs: &TextPairs) -> Vec<String> {
    pairs
        .iter()
        .map(|pair| format!("{}|{}", pair.source, pair.targets.join("|")))
        .collect()
}

fn first(pairs: &TextPairs) -> TextPair<'_> {
    pairs.iter().next().unwrap()
}

fn message(folder: &Folder, read: Result<TextPairs, DataError>) -> String {
    folder.shorten(read.unwrap_err())
}

#[test]
fn tables_and_json_say_the_same() {
    let folder = Folder::new();
    let expected = ["read|R EH D|R IY D", "a \"b\"|AH"];
    for (name, contents) in [
        (
            "a.tsv",
            "source\ttarget\ttarget_2\nread\tR EH D\tR IY D\na \"b\"\tAH\t\n",
        ),
        ("b.tsv", "read\tR EH D\tR IY D\na \"b\"\tAH\n"),
        (
            "c.tsv",
            "\u{feff}read\tR EH D\r\n\r\nread\tR IY D\r\na \"b\" \tAH",
        ),
        (
            "d.tsv",
            "Target\tnote\tSource\nR EH D\tx\tread\nAH\ty\ta \"b\"\nR IY D\tz\tread\n",
        ),
        (
            "e.csv",
            "source,target\nread,R EH D\n\"a \"\"b\"\"\",AH\nread,R IY D\n",
        ),
        (
            "f.jsonl",
            "{\"source\": \"read\", \"targets\": [\"R EH D\", \"R IY D\", \" \"]}\n\n{\"source\": \"a \\\"b\\\"\", \"target\": \"AH\"}\n",
        ),
    ] {
        let pairs = of_file(&folder, name, contents).unwrap();
        assert_eq!(shown(&pairs), expected, "{name}");
        assert!(pairs.notices.is_empty(), "{name}: {:?}", pairs.notices);
        let first = first(&pairs).name;
        assert!(first.starts_with(&format!("{name}:")), "{first}");
    }
}

#[test]
fn parallel_lines_are_pairs_of_their_own() {
    let folder = Folder::new();
    let source = folder.file("a.en", "one\ntwo\n\none\n");
    let targets = vec![
        folder.file("a.es", "uno\ndos\nnada\nuno\n"),
        folder.file("b.es", "un\n\n\nel uno\n"),
    ];
    let train = Some(ParallelFiles { source, targets });
    let files = ParallelSource {
        train,
        ..ParallelSource::default()
    };
    let pairs = PairSource::Parallel(files.clone()).read().unwrap();
    assert_eq!(shown(&pairs), ["one|uno|un", "two|dos", "one|uno|el uno"]);
    assert_eq!(pairs.iter().nth(2).unwrap().name, "a.en:4");
    let [notice] = pairs.notices.as_slice() else {
        panic!("one notice");
    };
    assert_eq!(
        folder.shorten(notice),
        "`a.en`: 1 rows without a source or a target are left out, the first at line 3"
    );
    folder.file("b.es", "un\n");
    assert_eq!(
        message(&folder, PairSource::Parallel(files).read()),
        "`b.es`: found 1 lines, expected 4, a line for every line of `a.en`"
    );
}

#[test]
fn splits_are_those_of_a_column_or_drawn() {
    let folder = Folder::new();
    let contents = "split\tsource\ttarget\ntrain\ta\t1\ndev\tb\t2\ntest\tc\t3\n";
    let mut file = FileSource {
        path: folder.file("all.tsv", contents),
        shares: None,
        seed: 1,
    };
    let splits = |pairs: TextPairs| -> Vec<Split> { pairs.iter().map(|pair| pair.split).collect() };
    let read = |file: &FileSource| PairSource::File(file.clone()).read();
    assert_eq!(splits(read(&file).unwrap()), Split::ALL);
    file.shares = Some("0.5,0.5".to_owned());
    assert_eq!(
        message(&folder, read(&file)),
        "`all.tsv`: line 2: found a split, and `data.text.pairs.file.shares`, expected one of the two"
    );
    // A source has one split, wherever its lines stand.
    let lines: Vec<String> = (0..40)
        .map(|line| format!("s{}\tt{line}", line % 20))
        .collect();
    let lines = lines.join("\n");
    file.path = folder.file("all.tsv", &lines);
    let drawn = read(&file).unwrap();
    assert_eq!(drawn.len(), 20);
    let reversed: Vec<&str> = lines.lines().rev().collect();
    folder.file("all.tsv", reversed.join("\n"));
    let again = read(&file).unwrap();
    for pair in drawn.iter() {
        let same = again
            .iter()
            .find(|other| other.source == pair.source)
            .unwrap();
        assert_eq!(same.split, pair.split);
    }
    assert_eq!(
        splits(drawn)
            .iter()
            .filter(|&&split| split == Split::Val)
            .count(),
        10
    );
    file.shares = Some("100,1,1".to_owned());
    assert!(
        message(&folder, read(&file)).starts_with(
            "`data.text.pairs.file.shares`, of the sources of `all.tsv`: found counts"
        )
    );
    file.shares = None;
    assert_eq!(
        message(&folder, read(&file)),
        "`all.tsv`: line 1: found a source without a split, expected a column or key `split`, or `data.text.pairs.file.shares` \
         such as \"0.8,0.1,0.1\""
    );
}

#[test]
fn ids_name_sources_and_join_their_lines() {
    let folder = Folder::new();
    let pairs = of_file(
        &folder,
        "a.tsv",
        "id\tsource\ttarget\n7\ta\tx\n8\ta\ty\n7\ta\tz\n",
    )
    .unwrap();
    assert_eq!(shown(&pairs), ["a|x|z", "a|y"]);
    assert_eq!(first(&pairs).id, Some(ExampleId::from(7)));
    assert_eq!(first(&pairs).name, "7");
    assert_eq!(
        message(
            &folder,
            of_file(&folder, "a.tsv", "id\tsource\ttarget\n7\ta\tx\n7\tb\ty\n")
        ),
        "`a.tsv`: line 3: id \"7\" of another source appears twice, first at line 2"
    );
}

#[test]
fn slips_are_noticed() {
    let folder = Folder::new();
    let contents = "a\tx\nb\t\n\ty\na\tx\n";
    let pairs = PairSource::Splits(SplitSource {
        train: Some(folder.file("a.tsv", contents)),
        val: Some(folder.file("b.tsv", "a\tx\nc\tz\n")),
        test: None,
    });
    let pairs = pairs.read().unwrap();
    let notices: Vec<String> = pairs
        .notices
        .iter()
        .map(|notice| folder.shorten(notice))
        .collect();
    assert_eq!(
        notices,
        [
            "`a.tsv`: 2 rows without a source or a target are left out, the first at line 2",
            "`a.tsv`: 1 rows repeat a source with its targets and count once, the first at line 4",
            "1 source texts stand in two splits; the first is \"a\" in `train` and `val`",
        ]
    );
    assert_eq!(pairs.len(), 3);
}

#[test]
fn files_that_hold_something_else_are_told_with_line_and_expectation() {
    let folder = Folder::new();
    for (contents, expected) in [
        (
            &b""[..],
            "`x.tsv` holds no source with a target, expected one or more",
        ),
        (
            b"source\ttarget\n",
            "`x.tsv` holds no source with a target, expected one or more",
        ),
        (
            b"\t\na\t",
            "`x.tsv` holds no source with a target, expected one or more",
        ),
        (
            b"a\tb\nc d",
            "`x.tsv`: line 2: found \"c d\" without a tab, expected a source, a tab and a target",
        ),
        (
            b"source\ttarget\na\n",
            "`x.tsv`: line 2: found 1 field, expected 2 as in the header",
        ),
        (
            b"source\ttarget\na\tb\tc\n",
            "`x.tsv`: line 2: found 3 fields, expected 2 as in the header",
        ),
        (
            b"source\tnote\na\tb\n",
            "`x.tsv`: line 1: found header \"source\\tnote\", expected a column `target` beside `source`",
        ),
        (
            b"source\ttarget\tsplit\na\tb\tno\n",
            "`x.tsv`: line 2: found split \"no\", expected `train`, `val` or `test`",
        ),
        (
            b"source,target\na,\"b\n",
            "`x.tsv`: line 2: field 2: found a quotation mark that opens a field and is not closed, expected one at the end of the field",
        ),
        (
            b"a\tb\nc\t\xff\n",
            "`x.tsv`: line 2: found bytes that are not UTF-8, expected text",
        ),
        (
            b"{\"source\": \"a\"}",
            "`x.tsv`: line 1: found no key `target` or `targets`, expected one of them",
        ),
        (
            b"{\"source\": \"a\", \"target\": \"b\"}\n{\"source\": 3}",
            "`x.tsv`: line 2: source: found 3, expected text",
        ),
        (
            b"{\"source\": \"a\", \"target\": \"b\"}\n{\"source\" 3}",
            "`x.tsv`: line 2: column 11: found \"3\", expected `:`",
        ),
        (
            b"{\"source\": \"a\", \"target\": \"b\", \"targets\": []}",
            "`x.tsv`: line 1: found `target` and `targets`, expected one of them",
        ),
    ] {
        let found = message(&folder, of_file(&folder, "x.tsv", contents));
        assert_eq!(found, expected, "{}", String::from_utf8_lossy(contents));
    }
}

#[test]
fn sources_alone_are_read_from_every_form() {
    let folder = Folder::new();
    for (contents, expected) in [
        ("a b\n\nc\n", &["1:a b", "2:", "3:c"][..]),
        (
            "{\"source\": \"a\", \"id\": \"x\"}\n{\"source\": \"b\", \"targets\": [\"c\"]}",
            &["x:a", "2:b"],
        ),
        ("source\ttarget\na\tb\n", &["2:a"]),
        ("id,source\n7,\"a, b\"\n", &["7:a, b"]),
        ("source\na\n", &["2:a"]),
    ] {
        let sources = read_sources(&folder.file("x", contents)).unwrap();
        let found: Vec<String> = sources
            .iter()
            .map(|source| format!("{}:{}", source.name, source.text))
            .collect();
        assert_eq!(found, expected, "{contents}");
    }
}

#[test]
fn configurations_are_read_with_their_paths_and_problems() {
    let json = r#"{"pairs": {"parallel": {"train": {"source": "a", "targets": ["b"]}}}, "source": {"bpe": 300}, "target": {"file": "t.json"}}"#;
    let mut source: TextSource = serde_json::from_str(json).unwrap();
    assert_eq!(source.max_source_length, 256);
    assert!(source.problems().is_empty());
    let keys: Vec<String> = source.paths_mut().into_iter().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "pairs.parallel.train.source",
            "pairs.parallel.train.targets.0",
            "target.file"
        ]
    );
    let json = r#"{"pairs": {"file": {"path": "a", "shares": "1"}}, "source": {"bpe": 3}, "max_source_length": 0}"#;
    let source: TextSource = serde_json::from_str(json).unwrap();
    let problems: Vec<String> = source
        .problems()
        .into_iter()
        .map(|(key, problem)| format!("{key}: {problem}"))
        .collect();
    assert_eq!(
        problems,
        [
            "pairs.file.shares: found `1`, expected shares of train, val and test such as `0.8,0.1,0.1` or `6000,1000,1000`",
            "source.bpe: found 3, expected 258 to 1000000 tokens",
            "max_source_length: found 0, expected 1 to 100000",
        ]
    );
}

proptest! {
    #[test]
    fn whatever_a_file_holds_it_is_read_or_refused(contents in "(source|target|split|\t|,|\n|\r|\"|\\{|\\}|:|a| |é){0,40}") {
        let folder = Folder::new();
        let path = folder.file("x", &contents);
        if let Ok(pairs) = of_file(&folder, "x", &contents) {
            for pair in pairs.iter() {
                prop_assert!(!pair.source.is_empty() && !pair.targets.is_empty());
            }
        }
        let _ = read_sources(&path);
    }

    #[test]
    fn pairs_are_those_that_were_written(rows in prop::collection::vec(("[a-c \"',é]{1,4}x", "[a-c \"',é]{1,4}x"), 1..8)) {
        let folder = Folder::new();
        let table: Vec<String> = rows.iter().map(|(source, target)| format!("{source}\t{target}")).collect();
        let lines = rows.iter().map(|(source, target)| serde_json::json!({"source": source, "target": target}).to_string());
        let lines: Vec<String> = lines.collect();
        let table = of_file(&folder, "x.tsv", table.join("\n")).unwrap();
        let lines = of_file(&folder, "x.tsv", lines.join("\n")).unwrap();
        prop_assert_eq!(&table, &lines);
        for (source, target) in &rows {
            let pair = table.iter().find(|pair| pair.source == source.trim()).unwrap();
            prop_assert!(pair.targets.contains(&target.trim()));
        }
    }
}

#[test]
fn repeated_sources_are_joined_within_a_split_only() {
    let folder = Folder::new();
    let pairs = PairSource::Splits(SplitSource {
        train: Some(folder.file("a.tsv", "a\tx\nb\ty\na\tz\n")),
        val: Some(folder.file("b.tsv", "a\tw\n")),
        test: None,
    });
    let pairs = pairs.read().unwrap();
    assert_eq!(shown(&pairs), ["a|x|z", "b|y", "a|w"]);
    assert!(matches!(
        pairs.notices.as_slice(),
        [Notice::SourcesInTwoSplits { sources: 1, .. }]
    ));
}
