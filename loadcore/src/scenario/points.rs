//! Turns a recorded rate, CSV or JSON, into the points of a REPLAY profile.

use super::object::quoted;
use crate::profile::{MAX_POINTS, Point};
use serde_json::Value;

/// Parses either form, whichever the text begins like:
///
/// - lines `second,rps`; a first line of names, empty lines and lines that begin with `#` are
///   passed over;
/// - a JSON list of `{"second": 0, "rps": 10}` or of `[0, 10]`.
///
/// The message of a fault begins with its line or element. Whether the numbers make sense is
/// judged with those that stand in the document itself.
pub(super) fn parse(text: &str) -> Result<Vec<Point>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let points = if text.trim_start().starts_with('[') { json(text) } else { csv(text) }?;
    match points.len() {
        0 => Err("no points in it; give lines `second,rps`".into()),
        count if count > MAX_POINTS => Err(format!("{count} points; give at most {MAX_POINTS}")),
        _ => Ok(points),
    }
}

fn csv(text: &str) -> Result<Vec<Point>, String> {
    let mut points = Vec::new();
    let mut first = true;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = |text: &str| text.trim().parse::<f64>().ok();
        match line.split_once(',').map(|(second, rps)| (number(second), number(rps))) {
            Some((Some(second), Some(rps))) => points.push(Point { second, rps }),
            // The names of the columns.
            Some((None, None)) if first => {}
            _ => return Err(format!("line {}: {} is not `second,rps`", i + 1, quoted(line))),
        }
        first = false;
    }
    Ok(points)
}

fn json(text: &str) -> Result<Vec<Point>, String> {
    let list: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let point = |(i, value): (usize, &Value)| {
        let (second, rps) = match value {
            Value::Array(pair) if pair.len() == 2 => (pair[0].as_f64(), pair[1].as_f64()),
            object => {
                let field = |name| object.get(name).and_then(Value::as_f64);
                (field("second"), field("rps"))
            }
        };
        match (second, rps) {
            (Some(second), Some(rps)) => Ok(Point { second, rps }),
            _ => Err(format!("element {i}: expected {{\"second\", \"rps\"}} or [second, rps]")),
        }
    };
    list.iter().enumerate().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
        pairs.iter().map(|&(second, rps)| Point { second, rps }).collect()
    }

    #[test]
    fn lines_and_lists_say_the_same() {
        let expected = Ok(points(&[(0.0, 10.0), (5.5, 20.0)]));
        assert_eq!(parse("0,10\n5.5,20\n"), expected);
        assert_eq!(parse("\u{feff}second,rps\r\n# note\r\n\r\n 0 , 10\r\n5.5,20"), expected);
        assert_eq!(parse(r#"[{"second": 0, "rps": 10}, [5.5, 20]]"#), expected);
    }

    #[test]
    fn a_fault_has_its_line() {
        assert_eq!(parse("0,10\n1;20"), Err(r#"line 2: "1;20" is not `second,rps`"#.into()));
        assert_eq!(parse("0,ten"), Err(r#"line 1: "0,ten" is not `second,rps`"#.into()));
        assert_eq!(parse("a,b\nc,d"), Err(r#"line 2: "c,d" is not `second,rps`"#.into()));
        assert_eq!(parse("0,1,2"), Err(r#"line 1: "0,1,2" is not `second,rps`"#.into()));
        assert_eq!(parse("\n"), Err("no points in it; give lines `second,rps`".into()));
        assert!(parse("[[0, 10], [1]]").unwrap_err().starts_with("element 1: expected"));
        assert!(parse("[[0, 10]").unwrap_err().contains("line 1 column 8"));
    }
}
