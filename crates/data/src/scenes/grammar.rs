//! References: templates filled with whatever is true of a scene.

use super::dice::Dice;
use super::words;
use super::world::{CANVAS, Layout, Object, Relation, Size, World};

/// References an image.
pub const REFERENCES: usize = 5;
/// Fewest and most words of a reference.
pub(super) const LENGTHS: std::ops::RangeInclusive<usize> = 5..=14;

/// What a scene must have for a template to fit.
#[derive(Clone, Copy, Debug)]
enum Needs {
    Nothing,
    Three,
    Arranged,
    Group,
    GroupAndRest,
}

/// A weight, a condition, and a text whose words in capitals are slots; see [`Writer::fill`].
const TEMPLATES: &[(u32, Needs, &str)] = &[
    (100, Needs::Nothing, "A REL B"),
    (110, Needs::Nothing, "A REL B SCENE"),
    (50, Needs::Nothing, "A IS REL B"),
    (40, Needs::Nothing, "there is A REL B"),
    (30, Needs::Nothing, "there is A REL B SCENE"),
    (20, Needs::Nothing, "the A1 IS REL the B1"),
    (60, Needs::Nothing, "A WITH B"),
    (70, Needs::Nothing, "A WITH B SCENE"),
    (40, Needs::Three, "A WITH B and C"),
    (30, Needs::Three, "A WITH B and C SCENE"),
    (25, Needs::Three, "A REL B and C"),
    (20, Needs::Nothing, "A PLACE"),
    (15, Needs::Nothing, "A PLACE and B"),
    (30, Needs::Nothing, "A IS SCENE"),
    (20, Needs::Nothing, "PICTURE A and B"),
    (12, Needs::Nothing, "PICTURE A REL B"),
    (15, Needs::Nothing, "SOMEONE A REL B"),
    (14, Needs::Nothing, "SOMEONE A and B SCENE"),
    (26, Needs::Nothing, "COUNT SHAPES SCENE"),
    (12, Needs::Nothing, "there are COUNT SHAPES SCENE"),
    (10, Needs::Nothing, "COUNT SHAPES including A"),
    (12, Needs::Nothing, "SOME VARIED SHAPES SCENE"),
    (6, Needs::Nothing, "SOME VARIED SHAPES ARRANGED"),
    (30, Needs::Arranged, "COUNT SHAPES ARRANGED"),
    (40, Needs::Arranged, "A and B ARRANGED"),
    (80, Needs::Group, "GROUP SCENE"),
    (40, Needs::Group, "GROUP ARE SCENE"),
    (60, Needs::GroupAndRest, "GROUP and REST"),
    (60, Needs::GroupAndRest, "GROUP and REST SCENE"),
    (30, Needs::GroupAndRest, "REST with GROUP"),
];

/// Writes the references of a scene, all different.
pub(super) fn references(world: &World, dice: &mut Dice) -> [String; REFERENCES] {
    let mut captions: [String; REFERENCES] = Default::default();
    for index in 0..REFERENCES {
        while captions[index].is_empty() || captions[..index].contains(&captions[index]) {
            captions[index] = reference(world, dice);
        }
    }
    captions
}

fn reference(world: &World, dice: &mut Dice) -> String {
    loop {
        let mut writer = Writer::new(world, dice);
        let weights = TEMPLATES.iter().map(|(weight, needs, _)| {
            let fits = writer.fits(*needs);
            weight * u32::from(fits)
        });
        let weights: Vec<u32> = weights.collect();
        let template = TEMPLATES[writer.dice.weighted(weights.iter().copied())].2;
        template.split(' ').for_each(|token| writer.fill(token));
        let words: Vec<&str> = writer.text.split_whitespace().collect();
        if LENGTHS.contains(&words.len()) {
            return with_articles(&words);
        }
    }
}

/// Joins words with single spaces; "a" before a vowel becomes "an".
fn with_articles(words: &[&str]) -> String {
    let mut text = String::new();
    for (index, word) in words.iter().enumerate() {
        let vowel = |next: &&str| next.starts_with(['a', 'e', 'i', 'o', 'u']);
        let an = *word == "a" && words.get(index + 1).is_some_and(vowel);
        text.push_str(if index == 0 { "" } else { " " });
        text.push_str(if an { "an" } else { word });
    }
    text
}

/// One annotator at work on one caption.
struct Writer<'a> {
    world: &'a World,
    dice: &'a mut Dice,
    /// Objects in the order in which this annotator notices them.
    order: Vec<usize>,
    /// How readily this annotator names colours and sizes, in percent.
    colour: usize,
    size: usize,
    text: String,
}

impl<'a> Writer<'a> {
    fn new(world: &'a World, dice: &'a mut Dice) -> Self {
        let mut left: Vec<usize> = (0..world.objects.len()).collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            let weights = left.iter().map(|&index| salience(world.objects[index]));
            let next = dice.weighted(weights);
            order.push(left.remove(next));
        }
        let (colour, size) = dice.pick(&[((35, 10), 15), ((92, 25), 60), ((100, 75), 25)]);
        Self {
            world,
            dice,
            order,
            colour,
            size,
            text: String::new(),
        }
    }

    fn fits(&self, needs: Needs) -> bool {
        match needs {
            Needs::Nothing => true,
            Needs::Three => self.order.len() >= 3,
            Needs::Arranged => matches!(self.world.layout, Layout::Row | Layout::Column),
            Needs::Group => self.group().len() >= 2,
            Needs::GroupAndRest => (2..self.order.len()).contains(&self.group().len()),
        }
    }

    /// The objects that share the shape of another one, if there are such: of the first shape noticed.
    fn group(&self) -> Vec<Object> {
        let same = |&index: &usize| -> Vec<Object> {
            let objects = self.world.objects.iter();
            let shape = self.world.objects[index].shape;
            objects.filter(|o| o.shape == shape).copied().collect()
        };
        let groups = self.order.iter().map(same);
        groups.max_by_key(Vec::len).unwrap_or_default()
    }

    fn say(&mut self, words: &str) {
        self.text.push_str(words);
        self.text.push(' ');
    }

    fn choose(&mut self, phrases: words::Phrases) {
        let phrase = self.dice.pick(phrases);
        self.say(phrase);
    }

    /// Adds a template's word; those in capitals stand for a phrase.
    fn fill(&mut self, token: &str) {
        match token {
            "A" => self.object(0, "a"),
            "B" => self.object(1, "a"),
            "C" => self.object(2, "a"),
            "A1" => self.object(0, ""),
            "B1" => self.object(1, ""),
            "REL" => self.relation(),
            "PLACE" => self.place(),
            "SCENE" => self.choose(words::setting(self.world.setting)),
            "ARRANGED" => self.choose(words::arrangement(self.world.layout)),
            "IS" => self.choose(words::VERBS),
            "ARE" => self.choose(words::PLURAL_VERBS),
            "WITH" => self.choose(words::WITH),
            "PICTURE" => self.choose(words::PICTURE),
            "SOMEONE" => self.choose(words::SOMEONE),
            "SOME" => self.choose(words::SOME),
            "VARIED" => self.choose(words::VARIED),
            "SHAPES" => self.choose(words::SHAPES),
            "COUNT" => self.say(words::number(self.order.len())),
            "GROUP" => self.plural(),
            "REST" => self.rest(),
            literal => self.say(literal),
        }
    }

    /// Names the n-th noticed object.
    fn object(&mut self, n: usize, article: &str) {
        let object = self.world.objects[self.order[n]];
        let mut named = self.order[..n].iter().map(|&i| self.world.objects[i]);
        let repeated = named.any(|o| o.shape == object.shape && o.colour == object.colour);
        self.say(if repeated && article == "a" {
            "another"
        } else {
            article
        });
        self.size_of(object);
        self.colour_of(object);
        let noun = self.dice.pick(words::nouns(object.shape)).0;
        self.say(noun);
    }

    fn size_of(&mut self, object: Object) {
        let rarity = if object.size == Size::Medium { 12 } else { 1 };
        if self.dice.chance(self.size / rarity) {
            self.choose(words::sizes(object.size));
        }
    }

    fn colour_of(&mut self, object: Object) {
        if self.dice.chance(3) {
            self.choose(words::NEUTRAL);
        }
        if self.dice.chance(self.colour) {
            self.choose(words::colours(object.colour));
        }
    }

    /// How the first noticed object lies to the second.
    fn relation(&mut self) {
        let found = self.world.relations(self.order[0], self.order[1]);
        let weight = |relation: &Relation| match relation {
            Relation::Near => 2,
            Relation::Far => 1,
            _ => 4,
        };
        let relation = found[self.dice.weighted(found.iter().map(weight))];
        let direction = matches!(relation, Relation::Above | Relation::Below);
        if direction && self.dice.chance(8) {
            self.choose(words::ADVERBS);
        }
        self.choose(words::relations(relation));
    }

    fn place(&mut self) {
        let object = self.world.objects[self.order[0]];
        let third = |pixel: i32| pixel as usize * 3 / CANVAS;
        self.choose(words::place(third(object.x), third(object.y)));
    }

    /// Names the group: how many, their colour where they share it, the shape.
    fn plural(&mut self) {
        let group = self.group();
        let first = group[0];
        let count = words::number(group.len());
        let count = match group.len() {
            2 => self
                .dice
                .pick(&[(count, 90), ("a pair of", 10), ("a couple of", 4)]),
            3 => self.dice.pick(&[(count, 95), ("a trio of", 4)]),
            _ => count,
        };
        self.say(count);
        if group.iter().all(|object| object.size == first.size) {
            self.size_of(first);
        }
        if group.iter().all(|object| object.colour == first.colour) {
            self.colour_of(first);
        }
        let noun = self.dice.pick(words::nouns(first.shape)).1;
        self.say(noun);
    }

    /// Names the first noticed object outside the group.
    fn rest(&mut self) {
        let shape = self.group()[0].shape;
        let outside = |&index: &usize| self.world.objects[index].shape != shape;
        if let Some(n) = (0..self.order.len()).find(|&n| outside(&self.order[n])) {
            self.object(n, "a");
        }
    }
}

/// Larger objects are noticed first more often.
fn salience(object: Object) -> u32 {
    match object.size {
        Size::Small => 2,
        Size::Medium => 5,
        Size::Large => 16,
    }
}
