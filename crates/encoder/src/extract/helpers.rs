//! Images of a batch, encoded on several ranks.
//!
//! The first rank tells the names of every batch, each rank encodes a share, and the first gets all of it. An image that another
//! rank could not read is read once more by the first, which then knows why.

use std::io;

use scst_group::{Group, GroupError, share};
use scst_kernels::simd::vector_unit;

use super::{
    encoded::{Encoded, encode},
    extraction::Extraction,
    fingerprint::fingerprint,
    progress::Stamp,
    workers::Workers,
};
use crate::{
    encoder::{Encoder, Features},
    error::EncoderError,
};

const NAMES: &str = "names of images";
const FEATURES: &str = "features";

/// Encodes what the first rank asks for, until it asks for nothing.
pub(super) fn help(
    group: &dyn Group,
    extraction: &Extraction,
    encoder: &Encoder,
    workers: &Workers,
) -> Result<(), EncoderError> {
    loop {
        let asked = group.gather(&[], NAMES)?;
        let names = asked.into_iter().next().unwrap_or_default();
        let names: Vec<String> = names_of(&names)?;
        if names.is_empty() {
            return Ok(());
        }
        let own = &names[share(names.len(), group.size(), group.rank())];
        let results = workers.map(
            own.len(),
            &|number| encode(extraction, encoder, &own[number]),
            &mut || {},
        );
        let mut message = Vec::new();
        for result in results {
            tell(&mut message, result);
        }
        group.gather(&message, FEATURES)?;
    }
}

/// Whether all ranks encode alike: with the same weights, on the same kind of processor.
///
/// # Errors
/// [`GroupError::Differ`] when one is not like the first.
pub(super) fn check_ranks(group: &dyn Group, extraction: &Extraction) -> Result<(), EncoderError> {
    if group.size() == 1 {
        return Ok(());
    }
    let weights = fingerprint(extraction.architecture, &extraction.weights)?;
    let own = [weights.to_string(), vector_unit().to_owned()];
    for (own, what) in own.iter().zip(["weights of the encoder", "vector unit"]) {
        let all = group.gather(own.as_bytes(), what)?;
        if let Some(rank) = all.iter().position(|other| *other != all[0]) {
            let what = what.to_owned();
            return Err(GroupError::Differ { what, rank }.into());
        }
    }
    Ok(())
}

/// Lets the other ranks go.
pub(super) fn dismiss(group: &dyn Group) -> Result<(), EncoderError> {
    if group.size() > 1 {
        group.gather(b"[]", NAMES)?;
    }
    Ok(())
}

/// The images of a batch, on all ranks; this is the first of them. `done` is called once an image.
pub(super) fn encode_batch(
    group: &dyn Group,
    (extraction, encoder, workers): (&Extraction, &Encoder, &Workers),
    names: &[String],
    done: &mut dyn FnMut(),
) -> Result<Vec<io::Result<Encoded>>, EncoderError> {
    let own = &names[share(names.len(), group.size(), 0)];
    let encode = |number: usize| encode(extraction, encoder, &names[number]);
    if group.size() == 1 {
        return Ok(workers.map(own.len(), &encode, done));
    }
    let asked = serde_json::to_vec(names).map_err(|_| GroupError::unreadable(NAMES, 0))?;
    group.gather(&asked, NAMES)?;
    let mut results = workers.map(own.len(), &encode, done);
    for (rank, message) in group.gather(&[], FEATURES)?.iter().enumerate().skip(1) {
        let mut rest = message.as_slice();
        let share = share(names.len(), group.size(), rank);
        let told: Option<Vec<Told>> = share.clone().map(|_| told(&mut rest)).collect();
        let told = told.ok_or_else(|| GroupError::unreadable(FEATURES, rank))?;
        let not_read = share
            .zip(&told)
            .filter(|(_, told)| matches!(told, Told::NotRead));
        let not_read: Vec<usize> = not_read.map(|(number, _)| number).collect();
        let again = |k: usize| encode(not_read[k]);
        let mut again = workers.map(not_read.len(), &again, &mut || {}).into_iter();
        results.extend(told.into_iter().filter_map(|told| {
            done();
            match told {
                Told::Read(encoded) => Some(Ok(*encoded)),
                Told::NotRead => again.next(),
            }
        }));
    }
    Ok(results)
}

fn names_of(message: &[u8]) -> Result<Vec<String>, GroupError> {
    serde_json::from_slice(message).map_err(|_| GroupError::unreadable(NAMES, 0))
}

/// Appends what became of an image: 1, its stamp and its features, or 0.
fn tell(message: &mut Vec<u8>, result: io::Result<Encoded>) {
    let Ok((stamp, Ok(features))) = result else {
        message.push(0);
        return;
    };
    message.push(1);
    message.extend(stamp.to_bytes());
    for values in [&features.grid, &features.pooled] {
        message.extend((values.len() as u64).to_le_bytes());
        message.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }
}

/// What another rank tells of an image.
enum Told {
    Read(Box<Encoded>),
    NotRead,
}

/// Takes what became of an image from the front of a message; nothing where the message ends before.
fn told(rest: &mut &[u8]) -> Option<Told> {
    let (&is_read, after) = rest.split_first()?;
    *rest = after;
    if is_read == 0 {
        return Some(Told::NotRead);
    }
    let (stamp, after) = rest.split_first_chunk()?;
    *rest = after;
    let stamp = Stamp::from_bytes(*stamp);
    let grid = values(rest)?;
    let pooled = values(rest)?;
    let encoded = (stamp, Ok(Features { grid, pooled }));
    Some(Told::Read(Box::new(encoded)))
}

fn values(rest: &mut &[u8]) -> Option<Vec<f32>> {
    let (length, after) = rest.split_first_chunk()?;
    let bytes = usize::try_from(u64::from_le_bytes(*length))
        .ok()?
        .checked_mul(4)?;
    let (own, after) = after.split_at_checked(bytes)?;
    *rest = after;
    let chunks = own.as_chunks::<4>().0.iter();
    Some(chunks.map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::PictureError;

    #[test]
    fn features_come_as_they_were_sent_and_half_a_message_is_refused() {
        let features = Features {
            grid: vec![1.5, -0.0, f32::MIN_POSITIVE],
            pooled: vec![0.1],
        };
        let mut message = Vec::new();
        tell(&mut message, Ok((Stamp::default(), Ok(features.clone()))));
        let failed = PictureError::Read(io::ErrorKind::NotFound.into());
        tell(&mut message, Ok((Stamp::default(), Err(failed))));
        tell(&mut message, Err(io::ErrorKind::NotFound.into()));
        let mut rest = message.as_slice();
        let Some(Told::Read(encoded)) = told(&mut rest) else {
            panic!("an image was read");
        };
        let (stamp, found) = *encoded;
        assert_eq!(stamp, Stamp::default());
        assert_eq!(found.expect("features"), features);
        assert!(matches!(told(&mut rest), Some(Told::NotRead)));
        assert!(matches!(told(&mut rest), Some(Told::NotRead)));
        assert!(told(&mut rest).is_none());
        for end in 1..message.len() - 2 {
            assert!(told(&mut &message[..end]).is_none(), "{end}");
        }
        // A length that no message has.
        let mut hostile = message[..25].to_vec();
        hostile.extend(u64::MAX.to_le_bytes());
        assert!(told(&mut hostile.as_slice()).is_none());
    }
}
