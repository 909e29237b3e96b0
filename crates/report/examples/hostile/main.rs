//! A page of invented runs whose texts try to become markup or script, for tests in a browser:
//! `cargo run -p scst-report --example hostile [text] [single] > page.html`

mod invented;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
};

fn main() -> Result<(), Box<dyn Error>> {
    let wanted: Vec<String> = env::args().skip(1).collect();
    let wants = |word: &str| wanted.iter().any(|given| given == word);
    let report = invented::report(wants("single"));
    let written = if wants("text") {
        scst_report::text(&report)?
    } else {
        scst_report::page(&report)?
    };
    Ok(io::stdout().write_all(written.as_bytes())?)
}
