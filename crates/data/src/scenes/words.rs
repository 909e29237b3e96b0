//! The words of the references with their weights: a few common ones, and a long tail.

use super::world::{Colour, Layout, Relation, Setting, Shape, Size};

/// Phrases with weights.
pub(super) type Phrases = &'static [(&'static str, u32)];

/// Nouns of a shape, singular and plural, with weights.
pub(super) fn nouns(shape: Shape) -> &'static [((&'static str, &'static str), u32)] {
    match shape {
        Shape::Circle => &[
            (("circle", "circles"), 740),
            (("ball", "balls"), 140),
            (("disc", "discs"), 90),
            (("dot", "dots"), 25),
            (("orb", "orbs"), 4),
        ],
        Shape::Square => &[
            (("square", "squares"), 770),
            (("box", "boxes"), 150),
            (("block", "blocks"), 65),
            (("tile", "tiles"), 13),
            (("quad", "quads"), 2),
        ],
        Shape::Triangle => &[
            (("triangle", "triangles"), 930),
            (("wedge", "wedges"), 35),
            (("pyramid", "pyramids"), 30),
            (("cone", "cones"), 5),
        ],
        Shape::Star => &[
            (("star", "stars"), 985),
            (("starfish", "starfish"), 12),
            (("pentagram", "pentagrams"), 3),
        ],
        Shape::Ring => &[
            (("ring", "rings"), 700),
            (("hoop", "hoops"), 150),
            (("loop", "loops"), 80),
            (("doughnut", "doughnuts"), 50),
            (("donut", "donuts"), 15),
            (("wheel", "wheels"), 5),
        ],
        Shape::Cross => &[
            (("cross", "crosses"), 760),
            (("plus", "pluses"), 220),
            (("crucifix", "crucifixes"), 20),
        ],
        Shape::Diamond => &[
            (("diamond", "diamonds"), 890),
            (("rhombus", "rhombuses"), 70),
            (("kite", "kites"), 30),
            (("lozenge", "lozenges"), 10),
        ],
        Shape::Crescent => &[
            (("crescent", "crescents"), 600),
            (("moon", "moons"), 370),
            (("sickle", "sickles"), 20),
            (("banana", "bananas"), 10),
        ],
    }
}

/// Adjectives of a colour.
pub(super) fn colours(colour: Colour) -> Phrases {
    match colour {
        Colour::Red => &[("red", 930), ("crimson", 40), ("scarlet", 24), ("ruby", 6)],
        Colour::Blue => &[("blue", 975), ("azure", 14), ("cobalt", 7), ("sapphire", 4)],
        Colour::Green => &[("green", 972), ("emerald", 20), ("leafy", 5), ("jade", 3)],
        Colour::Yellow => &[("yellow", 900), ("gold", 70), ("golden", 25), ("lemon", 5)],
        Colour::Purple => &[("purple", 880), ("violet", 100), ("mauve", 12), ("plum", 8)],
        Colour::Orange => &[("orange", 980), ("tangerine", 13), ("amber", 7)],
        Colour::Black => &[("black", 975), ("ebony", 15), ("inky", 10)],
        Colour::Pink => &[("pink", 900), ("rosy", 60), ("salmon", 40)],
    }
}

/// Adjectives of a size.
pub(super) fn sizes(size: Size) -> Phrases {
    match size {
        Size::Small => &[
            ("small", 700),
            ("little", 180),
            ("tiny", 100),
            ("mini", 12),
            ("minute", 6),
            ("miniature", 2),
        ],
        Size::Medium => &[("medium", 90), ("midsize", 8), ("average", 2)],
        Size::Large => &[
            ("large", 560),
            ("big", 370),
            ("huge", 45),
            ("giant", 18),
            ("enormous", 5),
            ("massive", 2),
        ],
    }
}

/// Adjectives that claim nothing about shape, colour or size.
pub(super) const NEUTRAL: Phrases = &[
    ("bright", 40),
    ("solid", 25),
    ("plain", 15),
    ("simple", 10),
    ("flat", 5),
    ("neat", 3),
    ("tidy", 1),
    ("pretty", 3),
];

/// How one object lies to another.
pub(super) fn relations(relation: Relation) -> Phrases {
    match relation {
        Relation::LeftOf => &[
            ("to the left of", 60),
            ("left of", 30),
            ("on the left of", 20),
            ("leftward of", 1),
        ],
        Relation::RightOf => &[
            ("to the right of", 60),
            ("right of", 30),
            ("on the right of", 20),
            ("rightward of", 1),
        ],
        Relation::Above => &[("above", 70), ("over", 30), ("higher than", 4), ("atop", 2)],
        Relation::Below => &[
            ("below", 60),
            ("under", 30),
            ("beneath", 15),
            ("underneath", 8),
            ("lower than", 3),
        ],
        Relation::Near => &[
            ("next to", 80),
            ("near", 35),
            ("beside", 35),
            ("by", 15),
            ("close to", 20),
            ("alongside", 4),
            ("adjacent to", 2),
            ("touching", 1),
        ],
        Relation::Far => &[
            ("far from", 40),
            ("across from", 20),
            ("away from", 20),
            ("opposite", 6),
            ("facing", 2),
        ],
        Relation::Inside => &[
            ("inside", 80),
            ("in", 25),
            ("within", 10),
            ("enclosed by", 5),
            ("surrounded by", 5),
            ("trapped in", 1),
        ],
        Relation::Around => &[
            ("around", 60),
            ("surrounding", 20),
            ("enclosing", 4),
            ("encircling", 3),
            ("containing", 3),
        ],
    }
}

/// Adverbs before a direction.
pub(super) const ADVERBS: Phrases = &[
    ("just", 60),
    ("directly", 30),
    ("slightly", 20),
    ("right", 15),
    ("immediately", 4),
    ("somewhat", 2),
    ("barely", 1),
];

/// What one object does.
pub(super) const VERBS: Phrases = &[
    ("is", 100),
    ("sits", 40),
    ("floats", 25),
    ("lies", 20),
    ("stands", 8),
    ("hovers", 6),
    ("rests", 4),
    ("appears", 3),
    ("hangs", 3),
    ("drifts", 1),
];

/// What several objects do.
pub(super) const PLURAL_VERBS: Phrases = &[
    ("are", 60),
    ("float", 20),
    ("sit", 20),
    ("lie", 10),
    ("hover", 4),
    ("appear", 2),
    ("hang", 1),
];

/// Joins two objects.
pub(super) const WITH: Phrases = &[
    ("and", 120),
    ("with", 50),
    ("along with", 6),
    ("together with", 3),
    ("as well as", 2),
    ("accompanied by", 1),
];

/// Opens a caption.
pub(super) const PICTURE: Phrases = &[
    ("a picture of", 60),
    ("a drawing of", 40),
    ("an image of", 30),
    ("a painting of", 8),
    ("a sketch of", 5),
    ("a cartoon of", 3),
    ("an illustration of", 2),
    ("a doodle of", 1),
    ("artwork showing", 1),
];

/// Opens a caption about what somebody did.
pub(super) const SOMEONE: Phrases = &[
    ("someone drew", 30),
    ("someone painted", 12),
    ("somebody placed", 6),
    ("a child drew", 8),
    ("i can see", 10),
    ("we see", 8),
    ("you can see", 8),
    ("this picture shows", 12),
    ("the image contains", 6),
    ("an artist sketched", 1),
];

/// Nouns for any objects.
pub(super) const SHAPES: Phrases = &[
    ("shapes", 100),
    ("objects", 45),
    ("figures", 20),
    ("things", 12),
    ("items", 6),
    ("forms", 3),
    ("symbols", 2),
    ("pieces", 2),
];

/// Adjectives for several objects.
pub(super) const VARIED: Phrases = &[
    ("different", 40),
    ("colorful", 40),
    ("colourful", 25),
    ("simple", 20),
    ("geometric", 15),
    ("various", 6),
    ("assorted", 3),
    ("bright", 10),
    ("painted", 2),
    ("random", 2),
];

/// Vague amounts.
pub(super) const SOME: Phrases = &[
    ("some", 50),
    ("several", 30),
    ("a few", 30),
    ("a group of", 15),
    ("a collection of", 5),
    ("a bunch of", 4),
    ("a set of", 4),
    ("a handful of", 1),
];

/// Where several objects are to each other in a scattered arrangement, a row or a column.
pub(super) fn arrangement(layout: Layout) -> Phrases {
    match layout {
        Layout::Scattered | Layout::Nested => &[
            ("scattered around", 20),
            ("spread out", 12),
            ("floating around", 8),
            ("here and there", 3),
            ("strewn about", 1),
        ],
        Layout::Row => &[
            ("in a row", 60),
            ("side by side", 40),
            ("in a line", 30),
            ("lined up", 10),
            ("from left to right", 6),
            ("forming a queue", 1),
        ],
        Layout::Column => &[
            ("in a column", 50),
            ("stacked up", 25),
            ("stacked vertically", 15),
            ("one above the other", 20),
            ("in a tower", 5),
            ("piled up", 2),
        ],
    }
}

/// Names the setting.
pub(super) fn setting(setting: Setting) -> Phrases {
    match setting {
        Setting::Paper => &[
            ("on paper", 90),
            ("on a plain background", 20),
            ("on a blank page", 12),
            ("on a beige background", 5),
            ("on an empty canvas", 2),
            ("on parchment", 1),
        ],
        Setting::Day => &[
            ("over the grass", 100),
            ("under a blue sky", 30),
            ("on a sunny day", 15),
            ("above the lawn", 5),
            ("in a meadow", 8),
            ("in the park", 4),
            ("in the countryside", 1),
        ],
        Setting::Night => &[
            ("at night", 110),
            ("in the dark", 30),
            ("in the night sky", 20),
            ("in the darkness", 5),
            ("after midnight", 2),
            ("by moonlight", 1),
        ],
        Setting::Sunset => &[
            ("at sunset", 100),
            ("under an orange sky", 20),
            ("at dusk", 15),
            ("in the evening", 15),
            ("at twilight", 2),
            ("in the desert", 3),
            ("at sundown", 1),
        ],
        Setting::Snow => &[
            ("in the snow", 100),
            ("on a snowy day", 15),
            ("in winter", 15),
            ("under a grey sky", 10),
            ("under a gray sky", 4),
            ("on a cold day", 3),
            ("in icy weather", 1),
        ],
        Setting::Sea => &[
            ("over the sea", 100),
            ("above the water", 25),
            ("by the ocean", 15),
            ("over the waves", 8),
            ("on a lake", 4),
            ("off the coast", 1),
        ],
    }
}

/// Names a place in the image by column and row, each 0, 1 or 2.
pub(super) fn place(column: usize, row: usize) -> Phrases {
    match (column, row) {
        (0, 0) => &[
            ("in the top left corner", 40),
            ("in the upper left", 25),
            ("at the top left", 20),
        ],
        (1, 0) => &[("at the top", 60), ("near the top edge", 5), ("up high", 6)],
        (2, 0) => &[
            ("in the top right corner", 40),
            ("in the upper right", 25),
            ("at the top right", 20),
        ],
        (0, 1) => &[
            ("on the left", 50),
            ("on the left side", 30),
            ("at the left edge", 6),
        ],
        (1, 1) => &[
            ("in the middle", 50),
            ("in the center", 30),
            ("in the centre", 12),
            ("right in the midst", 1),
        ],
        (2, 1) => &[
            ("on the right", 50),
            ("on the right side", 30),
            ("at the right edge", 6),
        ],
        (0, _) => &[
            ("in the bottom left corner", 40),
            ("in the lower left", 25),
            ("at the bottom left", 20),
        ],
        (1, _) => &[
            ("at the bottom", 60),
            ("near the bottom edge", 5),
            ("down low", 6),
        ],
        _ => &[
            ("in the bottom right corner", 40),
            ("in the lower right", 25),
            ("at the bottom right", 20),
        ],
    }
}

/// A small number as a word.
pub(super) fn number(count: usize) -> &'static str {
    ["no", "one", "two", "three", "four"][count]
}
