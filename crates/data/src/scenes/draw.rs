//! The small images: flat colours on a fixed palette.

use super::world::{CANVAS, Colour, HORIZON, Object, Setting, Shape, World};

const SKY: u8 = 0;
const GROUND: u8 = 1;
const OUTLINE: u8 = 2;
const FIRST_COLOUR: u8 = 3;

/// An indexed image of [`CANVAS`] by [`CANVAS`] pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// Palette: sky, ground, outline, then the colours in the order of [`Colour`].
    pub palette: Vec<[u8; 3]>,
    /// Palette index of each pixel, row by row.
    pub pixels: Vec<u8>,
}

impl Colour {
    /// Red, green and blue of the fill.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Red => [214, 40, 40],
            Self::Blue => [42, 92, 220],
            Self::Green => [34, 150, 62],
            Self::Yellow => [248, 214, 40],
            Self::Purple => [132, 58, 176],
            Self::Orange => [245, 130, 32],
            Self::Black => [18, 18, 18],
            Self::Pink => [250, 150, 190],
        }
    }
}

impl Setting {
    /// Colours of sky and ground.
    fn rgb(self) -> [[u8; 3]; 2] {
        match self {
            Self::Paper => [[232, 228, 216]; 2],
            Self::Day => [[150, 204, 240], [112, 184, 96]],
            Self::Night => [[24, 28, 66], [36, 44, 48]],
            Self::Sunset => [[250, 176, 112], [120, 84, 60]],
            Self::Snow => [[190, 198, 208], [238, 242, 248]],
            Self::Sea => [[206, 232, 240], [38, 120, 160]],
        }
    }
}

impl Drawing {
    /// Draws a world; later objects cover earlier ones.
    pub(super) fn of(world: &World) -> Self {
        let mut palette = world.setting.rgb().to_vec();
        palette.push([70, 70, 74]);
        palette.extend(Colour::TABLE.iter().map(|(colour, _)| colour.rgb()));
        let mut pixels = vec![SKY; CANVAS * HORIZON];
        pixels.resize(CANVAS * CANVAS, GROUND);
        for object in &world.objects {
            for (index, pixel) in pixels.iter_mut().enumerate() {
                let dx = (index % CANVAS) as i32 - object.x;
                let dy = (index / CANVAS) as i32 - object.y;
                if covers(object, dx, dy) {
                    let edge = [(-1, 0), (1, 0), (0, -1), (0, 1)]
                        .iter()
                        .any(|(x, y)| !covers(object, dx + x, dy + y));
                    *pixel = if edge {
                        OUTLINE
                    } else {
                        FIRST_COLOUR + object.colour as u8
                    };
                }
            }
        }
        Self { palette, pixels }
    }

    /// Red, green and blue of a pixel.
    pub fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        self.palette[usize::from(self.pixels[y * CANVAS + x])]
    }
}

/// A five-pointed star of radius 10, clockwise from the top.
const STAR: [(i32, i32); 10] = [
    (0, -11),
    (3, -4),
    (10, -3),
    (5, 1),
    (7, 9),
    (0, 5),
    (-7, 9),
    (-5, 1),
    (-10, -3),
    (-3, -4),
];

/// Whether the pixel at this offset from the object's centre belongs to it, outline included.
fn covers(object: &Object, dx: i32, dy: i32) -> bool {
    let r = object.size.radius();
    let squared = dx * dx + dy * dy;
    match object.shape {
        Shape::Circle => squared <= r * (r + 1),
        Shape::Square => dx.abs().max(dy.abs()) <= r * 7 / 8,
        Shape::Triangle => (-r..=r * 3 / 4).contains(&dy) && 2 * dx.abs() <= dy + r + 1,
        Shape::Star => in_polygon(&STAR, dx * 10, dy * 10, r),
        Shape::Ring => squared <= r * (r + 1) && squared > (r - 3) * (r - 2),
        Shape::Cross => dx.abs().max(dy.abs()) <= r && dx.abs().min(dy.abs()) <= r / 3,
        Shape::Diamond => dx.abs() + dy.abs() <= r,
        Shape::Crescent => {
            squared <= r * (r + 1) && (dx - r * 2 / 3).pow(2) + dy * dy > r * r * 2 / 3
        }
    }
}

/// Even-odd rule for a polygon given at a scale of `r`, the point at a scale of 10.
fn in_polygon(corners: &[(i32, i32)], x: i32, y: i32, r: i32) -> bool {
    let mut inside = false;
    let mut previous = corners[corners.len() - 1];
    for &corner in corners {
        let ((x1, y1), (x2, y2)) = (
            (corner.0 * r, corner.1 * r),
            (previous.0 * r, previous.1 * r),
        );
        if (y1 > y) != (y2 > y) {
            let side = (x - x1) * (y2 - y1) - (x2 - x1) * (y - y1);
            inside ^= (side < 0) == (y2 > y1);
        }
        previous = corner;
    }
    inside
}
