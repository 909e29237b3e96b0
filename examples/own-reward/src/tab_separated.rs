//! The layout of captions: a line a caption, with the split, the image and the caption between tabs.

use std::{collections::HashMap, error::Error, fs, path::Path, sync::Arc};

use scst_data::{RawImage, Split};
use scst_trainer::{CustomLayout, config::CustomChoice};

/// Lines such as `train⇥scene_0001.png⇥a circle just above a circle`.
struct TabSeparated;

/// The layout, which has no options.
///
/// # Errors
/// The first option, if there is one.
pub(crate) fn from_choice(
    choice: &CustomChoice,
) -> Result<Arc<dyn CustomLayout>, Box<dyn Error + Send + Sync>> {
    match choice.options.keys().next() {
        Some(key) => Err(format!("found the option `{key}`, expected none").into()),
        None => Ok(Arc::new(TabSeparated)),
    }
}

impl CustomLayout for TabSeparated {
    fn read(&self, path: &Path) -> Result<Vec<RawImage>, Box<dyn Error + Send + Sync>> {
        let mut images: Vec<RawImage> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (number, line) in (1..).zip(fs::read_to_string(path)?.lines()) {
            let [split, name, caption] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
                let problem =
                    format!("line {number}: found {line:?}, expected split, image and caption");
                return Err(problem.into());
            };
            let split = match split {
                "train" => Split::Train,
                "val" => Split::Val,
                "test" => Split::Test,
                other => {
                    let problem = format!("line {number}: found the split {other:?}");
                    return Err(format!("{problem}, expected train, val or test").into());
                }
            };
            let place = *places.entry(name.to_owned()).or_insert_with(|| {
                images.push(RawImage::new(name, split, []));
                images.len() - 1
            });
            images[place].captions.push(caption.to_owned());
        }
        Ok(images)
    }
}
