//! Lists of numbers as kernels read them.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::traffic::send;

/// Lists of any lengths, on a device.
#[derive(Debug, Clone)]
pub(crate) struct Lists {
    /// Where each list begins among the numbers, and where the last one ends; then the numbers of all.
    pub(crate) numbers: Tensor<1, Int>,
    /// How many numbers.
    pub(crate) count: usize,
}

impl Lists {
    pub(crate) fn new<'a>(lists: impl Iterator<Item = &'a [usize]>, device: &Device) -> Self {
        let (mut begins, mut numbers) = (Vec::new(), Vec::new());
        for list in lists {
            begins.push(numbers.len() as i32);
            numbers.extend(list.iter().map(|&number| number as i32));
        }
        begins.push(numbers.len() as i32);
        let count = numbers.len();
        Self {
            numbers: send_numbers([begins, numbers].concat(), device),
            count,
        }
    }
}

/// Of every row where its uses begin, and where the last one's end; then the uses: the list that the row is in, and its place
/// there.
pub(crate) fn uses<'a>(
    lists: impl Iterator<Item = &'a [usize]>,
    rows: usize,
    device: &Device,
) -> Tensor<1, Int> {
    let mut of_rows: Vec<Vec<[i32; 2]>> = vec![Vec::new(); rows];
    for (number, list) in lists.enumerate() {
        for (place, &row) in list.iter().enumerate() {
            of_rows[row].push([number as i32, place as i32]);
        }
    }
    let mut next = 0;
    let begins = of_rows.iter().map(|uses| {
        let begin = next;
        next += uses.len() as i32;
        begin
    });
    let mut all: Vec<i32> = begins.collect();
    all.push(next);
    all.extend(of_rows.iter().flatten().flatten());
    send_numbers(all, device)
}

/// A tensor of these numbers.
pub(super) fn send_numbers(numbers: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let length = numbers.len();
    send(TensorData::new(numbers, [length]), device)
}
