//! The references of every image: what candidates are compared with.

use crate::RewardError;

/// One image's references, as ids and as words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReferences {
    /// The image's id, normally its file name.
    pub id: String,
    /// Token ids of each reference, with the end token if the captions have one.
    pub tokens: Vec<Vec<u32>>,
    /// Words of each reference, without the end token, in the same order.
    pub texts: Vec<String>,
}

/// The references of all images that rewards are computed for, by index.
#[derive(Debug, Clone)]
pub struct References {
    end_token: Option<u32>,
    images: Vec<ImageReferences>,
}

impl References {
    /// References with `end_token` at the end of their sequences, or without any.
    ///
    /// A reference that was cut at a maximum length may lack its end token.
    ///
    /// # Errors
    /// [`RewardError::NoImages`], [`RewardError::NoReferences`], [`RewardError::TextCount`] or, for a reference that
    /// goes on after its end token, [`RewardError::EndTokenInside`].
    pub fn new(end_token: Option<u32>, images: Vec<ImageReferences>) -> Result<Self, RewardError> {
        if images.is_empty() {
            return Err(RewardError::NoImages);
        }
        for image in &images {
            check_image(end_token, image)?;
        }
        Ok(Self { end_token, images })
    }

    /// The token that ends captions.
    pub fn end_token(&self) -> Option<u32> {
        self.end_token
    }

    /// The references of every image, in index order.
    pub fn images(&self) -> &[ImageReferences] {
        &self.images
    }

    /// The part of a signature that describes references: their number per image and the end token.
    pub fn signature(&self) -> String {
        let end = token_name(self.end_token);
        format!(
            "nrefs:{}|end:{end}",
            count_range(self.images.iter().map(|image| image.tokens.len()))
        )
    }
}

/// A token as signatures name it: its id, or `none`.
pub(crate) fn token_name(token: Option<u32>) -> String {
    token.map_or_else(|| "none".to_owned(), |token| token.to_string())
}

/// `5`, or `4-7` where the counts differ.
pub(crate) fn count_range(counts: impl Iterator<Item = usize>) -> String {
    let (low, high) = counts.fold((usize::MAX, 0), |(low, high), count| {
        (low.min(count), high.max(count))
    });
    if low < high {
        format!("{low}-{high}")
    } else {
        high.to_string()
    }
}

fn check_image(end_token: Option<u32>, image: &ImageReferences) -> Result<(), RewardError> {
    if image.tokens.is_empty() {
        return Err(RewardError::NoReferences {
            image: image.id.clone(),
        });
    }
    if image.texts.len() != image.tokens.len() {
        return Err(RewardError::TextCount {
            image: image.id.clone(),
            texts: image.texts.len(),
            sequences: image.tokens.len(),
        });
    }
    let Some(end) = end_token else { return Ok(()) };
    for (reference, tokens) in image.tokens.iter().enumerate() {
        if let Some(position) = tokens.iter().position(|&token| token == end)
            && position + 1 < tokens.len()
        {
            let (image, length) = (image.id.clone(), tokens.len());
            return Err(RewardError::EndTokenInside {
                image,
                reference,
                end,
                position,
                length,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(tokens: &[&[u32]], texts: usize) -> ImageReferences {
        ImageReferences {
            id: "7.jpg".to_owned(),
            tokens: tokens.iter().map(|tokens| tokens.to_vec()).collect(),
            texts: vec![String::new(); texts],
        }
    }

    fn message(images: Vec<ImageReferences>) -> String {
        References::new(Some(0), images)
            .expect_err("bad references")
            .to_string()
    }

    #[test]
    fn errors_name_image_and_value_when_references_are_bad() {
        assert_eq!(message(vec![]), "found no image, expected at least one");
        assert_eq!(
            message(vec![image(&[], 0)]),
            "image 7.jpg: found no reference, expected at least one"
        );
        assert_eq!(
            message(vec![image(&[&[1, 0]], 2)]),
            "image 7.jpg: found 2 reference texts, expected 1, one per token sequence"
        );
        assert_eq!(
            message(vec![image(&[&[1, 0], &[0, 1]], 2)]),
            "image 7.jpg: reference 1: found end token 0 at position 0 of 2, expected it last or nowhere"
        );
    }

    #[test]
    fn signature_gives_a_range_when_counts_differ() {
        let images = vec![image(&[&[1, 0]], 1), image(&[&[1], &[0], &[]], 3)];
        let references = References::new(Some(0), images.clone()).expect("good references");
        assert_eq!(references.signature(), "nrefs:1-3|end:0");
        let references = References::new(None, images[..1].to_vec()).expect("good references");
        assert_eq!(references.signature(), "nrefs:1|end:none");
    }
}
