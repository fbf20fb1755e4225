//! Every key of a scenario: what it takes, what it is without, what it means. Messages, the JSON Schema and the documentation
//! follow this one table.

use serde_json::{Map, Value, json};

/// Form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// A calendar year.
    Year,
    /// Countries by BACI code or ISO3.
    Countries,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, or a text of one of these patterns (regular expressions of JSON Schema).
    Forms(&'static [&'static str], &'static [&'static str]),
    /// A share from 0 to 1, as a decimal or a quotient.
    Share,
    /// Products by code.
    Products,
    /// A table of countries with a number each.
    OfCountries,
    /// A table of products with a share each.
    OfProducts,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As in TOML, `--set` and Python; a dot where TOML has a table.
    pub name: &'static str,
    /// Form of its value.
    pub takes: Takes,
    /// What it is when nobody sets it; empty for nothing.
    pub default: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

const COUNTRY: &str = "^([0-9]{1,3}|[A-Za-z0-9]{3})$";
const ORDER: &str = "^order:[A-Za-z0-9, ]*$";

/// All keys, in the order of the documentation.
pub const KEYS: [Key; 24] = [
    Key { name: "year", takes: Takes::Year, default: "", doc: "Year of trade; without, the only one of the data." },
    Key {
        name: "bloc",
        takes: Takes::Countries,
        default: "EU27",
        doc: "The importing bloc: EU (members in the year of the data), EU27, EU28, EU27-2007, EU25, EU15, or countries.",
    },
    Key { name: "risk", takes: Takes::Countries, default: "156,842,643", doc: "The origins whose flow shall shrink." },
    Key {
        name: "list",
        takes: Takes::Forms(&["critical", "all"], &["."]),
        default: "critical",
        doc: "The products: the shipped list, all of the data, or the path of a CSV file.",
    },
    Key {
        name: "cap",
        takes: Takes::Share,
        default: "0.05",
        doc: "How much the bloc's share in an exporter's exports may rise: 0.05 is 5 percentage points.",
    },
    Key {
        name: "cap-basis",
        takes: Takes::OneOf(&["exporter-world", "exporter-extra-bloc", "bloc-flow", "bloc-market", "world-market"]),
        default: "exporter-world",
        doc: "Of what the cap is a share.",
    },
    Key { name: "cap-country", takes: Takes::OfCountries, default: "", doc: "Caps of single exporters; win over cap-product." },
    Key { name: "cap-product", takes: Takes::OfProducts, default: "", doc: "Caps in single products." },
    Key {
        name: "floor",
        takes: Takes::Forms(&["additive", "free", "symmetric"], &["^churn:[0-9./ ]+$"]),
        default: "additive",
        doc: "How far an alternative may fall: not at all, to zero, as far as it may rise, or by a share of today's flow.",
    },
    Key {
        name: "ceiling",
        takes: Takes::Forms(&["none"], &["^[0-9./ ]+$"]),
        default: "none",
        doc: "The most that one supplier may hold of the bloc's imports of a product, as a share.",
    },
    Key {
        name: "bloc-alternatives",
        takes: Takes::OneOf(&["yes", "no"]),
        default: "yes",
        doc: "Whether members of the bloc may supply more; with no they stay as they are.",
    },
    Key { name: "exclude", takes: Takes::Countries, default: "", doc: "Alternatives that may not supply more." },
    Key { name: "exclude-hard", takes: Takes::Countries, default: "", doc: "Origins whose flow goes to zero." },
    Key {
        name: "immobile",
        takes: Takes::Products,
        default: "",
        doc: "Products that only those can bring who sell them to the bloc today, such as gas by pipeline.",
    },
    Key {
        name: "weights",
        takes: Takes::OfCountries,
        default: "",
        doc: "What a dollar from a risk origin costs where it is not 1, up to 1000; the highest weight is drained first.",
    },
    Key {
        name: "tie-break.drain",
        takes: Takes::Forms(&["proportional"], &[ORDER]),
        default: "proportional",
        doc: "Which risk origins lose first at the declared point.",
    },
    Key {
        name: "tie-break.fill",
        takes: Takes::Forms(&["proportional-capacity", "proportional-flow", "min-hhi", "min-cost", "vertex"], &[ORDER]),
        default: "proportional-capacity",
        doc: "Which alternatives gain first at the declared point; vertex is the solver's own and depends on it.",
    },
    Key {
        name: "map",
        takes: Takes::OneOf(&["main", "all", "any"]),
        default: "main",
        doc: "When a product of an older HS revision is on the list: with its own code, when all its codes are, when any is.",
    },
    Key {
        name: "alias",
        takes: Takes::OneOf(&["none", "271000"]),
        default: "none",
        doc: "Whether listed codes of heading 2710 mean BACI's 271000.",
    },
    Key {
        name: "reconstructed",
        takes: Takes::OneOf(&["yes", "no"]),
        default: "yes",
        doc: "Whether rows of the list that are reconstructed count; with no, published rows alone.",
    },
    Key {
        name: "hong-kong",
        takes: Takes::OneOf(&["apart", "with-china"]),
        default: "apart",
        doc: "Whether 344 counts as 156, as exporter and importer.",
    },
    Key {
        name: "formulation",
        takes: Takes::OneOf(&["aggregate"]),
        default: "aggregate",
        doc: "The bloc buys as one; member-states is reserved.",
    },
    Key { name: "links", takes: Takes::OneOf(&["any", "existing"]), default: "", doc: "Of member-states only." },
    Key {
        name: "solver",
        takes: Takes::OneOf(&["auto", "closed-form", "highs"]),
        default: "auto",
        doc: "Who finds the optimum; the result files do not depend on it, but for the fill vertex.",
    },
];

/// The key of a name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

impl Key {
    /// What it takes, for people; `value` is what was written, for a suggestion.
    pub(crate) fn expected(&self, value: &str) -> String {
        let words = match self.takes {
            Takes::OneOf(words) | Takes::Forms(words, _) => words,
            Takes::Year => return "use a year such as 2023".to_owned(),
            Takes::Countries => return "use BACI codes or ISO3 joined by commas, such as 156,USA".to_owned(),
            Takes::Products => return "use codes of six digits joined by commas, such as 271121,271600".to_owned(),
            Takes::Share => return "use a share from 0 to 1 such as 0.05; 5 percentage points are 0.05".to_owned(),
            Takes::OfCountries => return "use countries with a number each, such as CHN=2,842=1".to_owned(),
            Takes::OfProducts => return "use products with a share each, such as 270900=0.1".to_owned(),
        };
        let mut all: Vec<&str> = words.to_vec();
        all.extend(match self.name {
            "floor" => &["churn:0.1"][..],
            "ceiling" => &["a share such as 0.5"],
            "tie-break.drain" | "tie-break.fill" => &["order:842,643,156"],
            "list" => &["the path of a CSV file"],
            _ => &[],
        });
        let (last, others) = all.split_last().map_or(("", &[][..]), |(last, others)| (*last, others));
        let list = if others.is_empty() { last.to_owned() } else { format!("{} or {last}", others.join(", ")) };
        format!("use {list}{}", did_you_mean(value, words.iter().copied()))
    }

    fn schema(&self) -> Value {
        let number = r"^[0-9]*\.?[0-9]+(/[0-9]+)?$";
        let table = |pattern: &str, bounds: Value| {
            let value = json!({"anyOf": [bounds, {"type": "string", "pattern": number}]});
            json!({"anyOf": [
                {"type": "object", "patternProperties": {pattern: value}, "additionalProperties": false},
                {"type": "string"},
            ]})
        };
        let mut schema = match self.takes {
            Takes::Year => json!({"type": "integer", "minimum": 1900, "maximum": 2199}),
            Takes::Countries => json!({"anyOf": [
                {"type": "string"},
                {"type": "integer", "minimum": 1, "maximum": 999},
                {"type": "array", "items": {"type": ["string", "integer"]}},
            ]}),
            Takes::Products => json!({"anyOf": [
                {"type": "string"},
                {"type": "integer", "minimum": 10_000, "maximum": 999_999},
                {"type": "array", "items": {"anyOf": [
                    {"type": "string", "pattern": "^[0-9]{5,6}$"},
                    {"type": "integer", "minimum": 10_000, "maximum": 999_999},
                ]}},
            ]}),
            // A TOML writer may give a code as a number and yes as true.
            Takes::OneOf(words) => {
                let numbers = words.iter().filter_map(|word| word.parse::<u32>().ok()).map(Value::from);
                let truths = words.contains(&"yes").then_some([Value::from(true), Value::from(false)]).into_iter().flatten();
                let words = words.iter().copied().map(Value::from);
                json!({"enum": words.chain(numbers).chain(truths).collect::<Vec<_>>()})
            }
            Takes::Forms(words, patterns) => {
                let mut any: Vec<Value> = vec![json!({"enum": words})];
                any.extend(patterns.iter().map(|pattern| json!({"type": "string", "pattern": pattern})));
                if self.name == "ceiling" {
                    any.push(json!({"type": "number", "minimum": 0, "maximum": 1}));
                }
                json!({"anyOf": any})
            }
            Takes::Share => json!({"anyOf": [
                {"type": "number", "minimum": 0, "maximum": 1},
                {"type": "string", "pattern": number},
            ]}),
            Takes::OfCountries if self.name == "weights" => {
                table(COUNTRY, json!({"type": "number", "exclusiveMinimum": 0, "maximum": 1000}))
            }
            Takes::OfCountries => table(COUNTRY, json!({"type": "number", "minimum": 0, "maximum": 1})),
            Takes::OfProducts => table("^[0-9]{5,6}$", json!({"type": "number", "minimum": 0, "maximum": 1})),
        };
        if let Some(members) = schema.as_object_mut() {
            members.insert("description".to_owned(), Value::from(self.doc));
            if !self.default.is_empty() {
                members.insert("default".to_owned(), Value::from(self.default));
            }
        }
        schema
    }
}

/// JSON Schema (2020-12) of a scenario file.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for key in &KEYS {
        match key.name.split_once('.') {
            None => {
                properties.insert(key.name.to_owned(), key.schema());
            }
            Some((table, name)) => {
                let empty = json!({"type": "object", "properties": {}, "additionalProperties": false});
                let inner = properties.entry(table).or_insert(empty);
                inner["properties"][name] = key.schema();
            }
        }
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "reorient scenario",
        "description": "A question to reorient: every key is optional; docs/method.md says what each option means.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

/// A suggestion, ready to print; empty when nothing is near.
pub(crate) fn did_you_mean<'a>(written: &str, valid: impl Iterator<Item = &'a str>) -> String {
    let nearest = valid.map(|valid| (strsim::damerau_levenshtein(written, valid), valid)).min();
    match nearest {
        Some((distance @ 1.., valid)) if distance <= 3.max(valid.len() / 3) && distance < valid.len() => {
            format!(": did you mean `{valid}`?")
        }
        _ => String::new(),
    }
}
