//! What is in a scene: objects with shape, colour, size and position, in a setting.

use super::dice::Dice;

/// Width and height of an image in pixels.
pub const CANVAS: usize = 48;
/// The first row of the ground.
pub(super) const HORIZON: usize = 36;

/// The outline of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Shape {
    Circle,
    Square,
    Triangle,
    Star,
    Ring,
    Cross,
    Diamond,
    Crescent,
}

/// The fill of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Colour {
    Red,
    Blue,
    Green,
    Yellow,
    Purple,
    Orange,
    Black,
    Pink,
}

/// How large an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Size {
    Small,
    Medium,
    Large,
}

/// Where the objects are: sky and ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Plain paper, without a horizon.
    Paper,
    /// Blue sky over grass.
    Day,
    /// Dark sky over dark ground.
    Night,
    /// Orange sky over brown ground.
    Sunset,
    /// Grey sky over white ground.
    Snow,
    /// Pale sky over water.
    Sea,
}

impl Shape {
    /// All shapes with how often they are drawn.
    pub(super) const TABLE: [(Self, u32); 8] = [
        (Self::Circle, 26),
        (Self::Square, 21),
        (Self::Triangle, 16),
        (Self::Star, 12),
        (Self::Ring, 8),
        (Self::Cross, 7),
        (Self::Diamond, 6),
        (Self::Crescent, 4),
    ];
}

impl Colour {
    /// All colours with how often they are used.
    pub(super) const TABLE: [(Self, u32); 8] = [
        (Self::Red, 24),
        (Self::Blue, 20),
        (Self::Green, 16),
        (Self::Yellow, 13),
        (Self::Purple, 10),
        (Self::Orange, 8),
        (Self::Black, 5),
        (Self::Pink, 4),
    ];
}

impl Size {
    /// All sizes with how often they are used.
    pub(super) const TABLE: [(Self, u32); 3] =
        [(Self::Small, 35), (Self::Medium, 35), (Self::Large, 30)];

    /// Half of the object's width, in pixels.
    pub fn radius(self) -> i32 {
        match self {
            Self::Small => 4,
            Self::Medium => 7,
            Self::Large => 10,
        }
    }
}

impl Setting {
    /// All settings with how often they are used.
    pub(super) const TABLE: [(Self, u32); 6] = [
        (Self::Paper, 22),
        (Self::Day, 20),
        (Self::Night, 18),
        (Self::Sunset, 15),
        (Self::Snow, 13),
        (Self::Sea, 12),
    ];
}

/// One drawn shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its outline.
    pub shape: Shape,
    /// Its fill.
    pub colour: Colour,
    /// Its size.
    pub size: Size,
    /// Centre, pixels from the left edge.
    pub x: i32,
    /// Centre, pixels from the top edge.
    pub y: i32,
}

/// How the objects were arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Anywhere, not touching.
    Scattered,
    /// Side by side at one height, from left to right.
    Row,
    /// One above the other, from top to bottom.
    Column,
    /// The second object lies within the first, a large ring.
    Nested,
}

/// How one object lies to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    LeftOf,
    RightOf,
    Above,
    Below,
    Near,
    Far,
    Inside,
    Around,
}

/// A scene's true content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Sky and ground.
    pub setting: Setting,
    /// The arrangement.
    pub layout: Layout,
    /// Two to four objects.
    pub objects: Vec<Object>,
}

impl World {
    /// Draws a world: setting, arrangement, then objects until all of them find room.
    pub(super) fn random(dice: &mut Dice) -> Self {
        let setting = dice.pick(&Setting::TABLE);
        let layout = dice.pick(&[
            (Layout::Scattered, 68),
            (Layout::Row, 12),
            (Layout::Column, 10),
            (Layout::Nested, 10),
        ]);
        let count = match layout {
            Layout::Column => dice.between(2, 3) as usize,
            _ => dice.pick(&[(2, 48), (3, 36), (4, 16)]),
        };
        loop {
            if let Some(objects) = place(kinds(count, layout, dice), layout, dice) {
                return Self {
                    setting,
                    layout,
                    objects,
                };
            }
        }
    }

    /// Everything that is true of object `a` with respect to object `b`.
    pub(super) fn relations(&self, a: usize, b: usize) -> Vec<Relation> {
        let (one, other) = (self.objects[a], self.objects[b]);
        let (dx, dy) = (other.x - one.x, other.y - one.y);
        let distance = dx * dx + dy * dy;
        let (inner, outer) = (one.size.radius(), other.size.radius());
        if distance < (inner - outer).pow(2) {
            return vec![if inner < outer {
                Relation::Inside
            } else {
                Relation::Around
            }];
        }
        let mut found = Vec::new();
        if dx.abs() >= 6 && dx.abs() >= dy.abs() {
            found.push(if dx > 0 {
                Relation::LeftOf
            } else {
                Relation::RightOf
            });
        }
        if dy.abs() >= 6 && dy.abs() >= dx.abs() {
            found.push(if dy > 0 {
                Relation::Above
            } else {
                Relation::Below
            });
        }
        if distance <= (inner + outer + 5).pow(2) {
            found.push(Relation::Near);
        }
        if distance >= 30 * 30 {
            found.push(Relation::Far);
        }
        found
    }
}

/// Shape, colour and size of `count` objects; some repeat the shape, or shape and colour, of the one before.
fn kinds(count: usize, layout: Layout, dice: &mut Dice) -> Vec<Object> {
    let mut objects: Vec<Object> = Vec::with_capacity(count);
    for index in 0..count {
        let mut object = Object {
            shape: dice.pick(&Shape::TABLE),
            colour: dice.pick(&Colour::TABLE),
            size: dice.pick(&Size::TABLE),
            x: 0,
            y: 0,
        };
        let crowded = layout == Layout::Row && count > 2 || layout == Layout::Column;
        if crowded && object.size == Size::Large {
            object.size = Size::Medium;
        }
        if let Some(before) = objects.last().copied()
            && layout != Layout::Nested
            && dice.chance(22)
        {
            object.shape = before.shape;
            if dice.chance(55) {
                object.colour = before.colour;
            }
        }
        if layout == Layout::Nested && index == 0 {
            (object.shape, object.size) = (Shape::Ring, Size::Large);
        }
        if layout == Layout::Nested && index == 1 {
            object.size = Size::Small;
            if object.shape == Shape::Ring {
                object.shape = Shape::Star;
            }
        }
        objects.push(object);
    }
    objects
}

/// Finds room for the objects, or `None` where chance leaves none.
fn place(mut objects: Vec<Object>, layout: Layout, dice: &mut Dice) -> Option<Vec<Object>> {
    let across = dice.between(12, CANVAS as i32 - 13);
    let down = dice.between(12, HORIZON as i32 - 2);
    let mut start = 1;
    for index in 0..objects.len() {
        let radius = objects[index].size.radius();
        let low = radius + 1;
        let high = CANVAS as i32 - 2 - radius;
        let spot = (0..60).find_map(|_| {
            let (x, y) = match layout {
                Layout::Row => (start + radius + dice.between(0, 3), down),
                Layout::Column => (across, start + radius + dice.between(0, 2)),
                Layout::Nested if index == 1 => (objects[0].x, objects[0].y),
                Layout::Scattered | Layout::Nested => {
                    (dice.between(low, high), dice.between(low, high))
                }
            };
            let inside = (low..=high).contains(&x) && (low..=high).contains(&y);
            let free = objects[..index].iter().enumerate().all(|(other, o)| {
                let gap = radius + o.size.radius() + 1;
                let nested = layout == Layout::Nested && (other, index) == (0, 1);
                nested || (x - o.x).pow(2) + (y - o.y).pow(2) >= gap.pow(2)
            });
            (inside && free).then_some((x, y))
        })?;
        (objects[index].x, objects[index].y) = spot;
        start = radius
            + 2
            + if layout == Layout::Row {
                spot.0
            } else {
                spot.1
            };
    }
    Some(objects)
}
