//! Where labels go: near their points, away from marks and from one another.

/// Distances of a label from its point that are tried, in pixels.
const DISTANCES: [f64; 12] = [
    7.0, 11.0, 16.0, 22.0, 30.0, 40.0, 52.0, 68.0, 88.0, 112.0, 140.0, 175.0,
];
/// Directions that are tried.
const DIRECTIONS: usize = 24;
/// A label further away than this has a line to its point.
pub(super) const NEAR: f64 = 9.0;

// What is bad about a place, in pixels of distance.
const COVERS_LABEL: f64 = 5000.0;
const COVERS_MARK: f64 = 400.0;
const CROSSES: f64 = 150.0;
const COVERS_LINE: f64 = 8.0;
const BESIDE_OTHER: f64 = 30.0;

/// A place in pixels.
pub(super) type Place = (f64, f64);

/// A rectangle in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Rectangle {
    pub(super) fn around((x, y): Place, width: f64, height: f64) -> Self {
        Self {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        }
    }

    fn centre(&self) -> Place {
        (
            f64::midpoint(self.left, self.right),
            f64::midpoint(self.top, self.bottom),
        )
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_inside(&self, frame: &Self) -> bool {
        self.left >= frame.left
            && self.right <= frame.right
            && self.top >= frame.top
            && self.bottom <= frame.bottom
    }

    /// The place in it that is nearest to another.
    pub(super) fn nearest(&self, (x, y): Place) -> Place {
        (
            x.clamp(self.left, self.right),
            y.clamp(self.top, self.bottom),
        )
    }

    /// Whether a line goes through it.
    fn is_crossed(&self, (from, to): (Place, Place)) -> bool {
        let steps = distance(from, to).ceil().max(1.0);
        (0..=steps as usize).any(|k| {
            let share = k as f64 / steps;
            let place = (
                from.0 + share * (to.0 - from.0),
                from.1 + share * (to.1 - from.1),
            );
            self.nearest(place) == place
        })
    }
}

pub(super) fn distance(a: Place, b: Place) -> f64 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// A label that is to be placed.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its point.
    pub(super) point: Place,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// What labels keep away from.
#[derive(Debug, Clone)]
pub(super) struct Obstacles {
    /// What no label may leave.
    pub(super) frame: Rectangle,
    pub(super) marks: Vec<Rectangle>,
    pub(super) lines: Vec<(Place, Place)>,
}

/// A place inside the frame for every label, one after the other where it is least bad.
pub(super) fn placed(labels: &[Wanted], obstacles: &Obstacles) -> Vec<Rectangle> {
    let mut placed: Vec<Rectangle> = Vec::new();
    let mut leaders: Vec<(Place, Place)> = Vec::new();
    for label in labels {
        let inside = candidates(label).filter(|(_, place)| place.is_inside(&obstacles.frame));
        let rated = inside.map(|(distance, place)| {
            let badness = badness(label, &place, obstacles, &placed, &leaders);
            (distance + badness, place)
        });
        let best = rated.min_by(|a, b| a.0.total_cmp(&b.0));
        let place = best.map_or_else(
            || Rectangle::around(label.point, label.width, label.height),
            |(_, place)| place,
        );
        leaders.push((label.point, place.nearest(label.point)));
        placed.push(place);
    }
    placed
}

/// What a label would cover, cross and be mistaken for, beside labels that are placed with lines to their points.
fn badness(
    label: &Wanted,
    place: &Rectangle,
    obstacles: &Obstacles,
    placed: &[Rectangle],
    leaders: &[(Place, Place)],
) -> f64 {
    let leader = (label.point, place.nearest(label.point));
    let own = Rectangle::around(label.point, 2.0, 2.0);
    let covered = |those: &[Rectangle]| those.iter().filter(|it| it.overlaps(place)).count();
    let over = |lines: &[(Place, Place)]| lines.iter().filter(|it| place.is_crossed(**it)).count();
    let others = || obstacles.marks.iter().filter(|mark| !mark.overlaps(&own));
    let away = |point: Place| distance(point, place.nearest(point));
    let nearer = others().filter(|mark| away(mark.centre()) <= away(label.point));
    let crossed = placed
        .iter()
        .chain(others())
        .filter(|it| it.is_crossed(leader));
    COVERS_LABEL * covered(placed) as f64
        + COVERS_MARK * covered(&obstacles.marks) as f64
        + BESIDE_OTHER * nearer.count() as f64
        + COVERS_LINE * over(&obstacles.lines) as f64
        + CROSSES * (over(leaders) + crossed.count()) as f64
}

/// Places around the point, with how far they are from it.
fn candidates(label: &Wanted) -> impl Iterator<Item = (f64, Rectangle)> + '_ {
    let (x, y) = label.point;
    DISTANCES.iter().flat_map(move |distance| {
        (0..DIRECTIONS).map(move |k| {
            let (sin, cos) = (std::f64::consts::TAU * k as f64 / DIRECTIONS as f64).sin_cos();
            let centre = (
                x + cos * (distance + label.width / 2.0),
                y + sin * (distance + label.height / 2.0),
            );
            (
                *distance,
                Rectangle::around(centre, label.width, label.height),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Rectangle = Rectangle {
        left: 0.0,
        top: 0.0,
        right: 600.0,
        bottom: 400.0,
    };

    #[test]
    fn labels_of_a_crowd_cover_neither_marks_nor_one_another() {
        let points: Vec<Place> = (0..12)
            .map(|k| {
                (
                    100.0 + 7.0 * f64::from(k % 4),
                    390.0 - 6.0 * f64::from(k / 4),
                )
            })
            .collect();
        let mark = |point: &Place| Rectangle::around(*point, 8.0, 8.0);
        let marks: Vec<Rectangle> = points.iter().map(mark).collect();
        let wanted = |point: &Place| Wanted {
            point: *point,
            width: 90.0,
            height: 13.0,
        };
        let labels: Vec<Wanted> = points.iter().map(wanted).collect();
        let obstacles = Obstacles {
            frame: FRAME,
            marks: marks.clone(),
            lines: Vec::new(),
        };
        let places = placed(&labels, &obstacles);
        for (k, place) in places.iter().enumerate() {
            assert!(place.is_inside(&FRAME), "{place:?}");
            assert!(!marks.iter().any(|mark| mark.overlaps(place)), "{place:?}");
            let before = &places[..k];
            assert!(
                !before.iter().any(|other| other.overlaps(place)),
                "{place:?}"
            );
        }
    }

    #[test]
    fn label_of_a_point_alone_stands_beside_it() {
        let label = Wanted {
            point: (300.0, 200.0),
            width: 90.0,
            height: 13.0,
        };
        let mut obstacles = Obstacles {
            frame: FRAME,
            marks: vec![Rectangle::around(label.point, 8.0, 8.0)],
            lines: vec![(label.point, (600.0, 200.0))],
        };
        let place = placed(std::slice::from_ref(&label), &obstacles)[0];
        assert!(distance(place.nearest(label.point), label.point) < NEAR);
        assert!(!place.is_crossed(obstacles.lines[0]));
        // Where nothing fits, it stands on the point.
        obstacles.frame = Rectangle::around(label.point, 20.0, 20.0);
        let place = placed(std::slice::from_ref(&label), &obstacles)[0];
        assert_eq!(place, Rectangle::around(label.point, 90.0, 13.0));
    }
}
