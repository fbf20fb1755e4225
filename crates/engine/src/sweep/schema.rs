//! The JSON Schema of a sweep file, from that of a scenario.

use serde_json::{Map, Value, json};

use crate::scenario::schema;

/// JSON Schema (2020-12) of a sweep file.
pub fn sweep_schema() -> Value {
    let scenario = schema();
    let keys = scenario["properties"].as_object().cloned().unwrap_or_default();
    let settings = json!({"type": "object", "properties": keys, "additionalProperties": false});
    let years = r"^(all|[0-9]{4}((\.\.|-)[0-9]{4})?(, *[0-9]{4}((\.\.|-)[0-9]{4})?)*)$";
    let year = json!({"anyOf": [keys["year"], {"type": "string", "pattern": years}]});
    let several = |of: &Value| json!({"type": "array", "minItems": 1, "items": of});
    let one_or_several = |of: &Value| json!({"anyOf": [of, several(of)]});
    // A table of keys, as tie-break is, stays a table, each of its keys an axis.
    let each = |wrap: &dyn Fn(&Value) -> Value| -> Map<String, Value> {
        let wrapped = |(name, of): (&String, &Value)| {
            let own = match of.get("properties").and_then(Value::as_object) {
                Some(inner) => {
                    let inner: Map<String, Value> = inner.iter().map(|(name, of)| (name.clone(), wrap(of))).collect();
                    json!({"type": "object", "properties": inner, "additionalProperties": false})
                }
                None if name == "year" => json!({"anyOf": [wrap(&year), year]}),
                None => wrap(of),
            };
            (name.clone(), own)
        };
        keys.iter().map(wrapped).collect()
    };
    let (mut axes, mut conditions) = (each(&several), each(&one_or_several));
    let name = json!({"type": "string"});
    axes.insert("override".to_owned(), several(&name));
    conditions.insert("override".to_owned(), one_or_several(&name));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "reorient sweep",
        "description": "Many scenarios for reorient: a base, named overrides, a grid, and a table; docs/sweeps.md says how they combine.",
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "Name of the sweep; without, that of the file."},
            "base": {"description": "Settings that all scenarios begin with.", "$ref": "#/$defs/settings"},
            "overrides": {
                "description": "Named settings; each is a scenario of its own, and a value of the axis `override`.",
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/settings"},
            },
            "grid": {
                "description": "Axes: a key and its values; every combination is a scenario.",
                "type": "object",
                "properties": axes,
                "additionalProperties": false,
            },
            "exclude": {
                "description": "Combinations of the grid to leave out: those that have one of the values in every key.",
                "type": "array",
                "items": {"type": "object", "minProperties": 1, "properties": conditions, "additionalProperties": false},
            },
            "table": {"type": "string", "description": "A CSV file beside this one: a column per key, a row per scenario."},
        },
        "additionalProperties": false,
        "$defs": {"settings": settings},
    })
}
