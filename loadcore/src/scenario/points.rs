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
/// Every fault is told to `fault`: its place in the text, `line 3` or the number of an element, empty
/// for the text as a whole; and what is wrong. `None` only after a fault. Whether the numbers make
/// sense is judged with those that stand in the document itself.
pub(super) fn parse(text: &str, fault: &mut dyn FnMut(&str, String)) -> Option<Vec<Point>> {
    let text = text.trim_start_matches('\u{feff}');
    let points =
        if text.trim_start().starts_with('[') { json(text, fault) } else { csv(text, fault) }?;
    let why = match points.len() {
        0 => "no points in it; give lines `second,rps`".into(),
        count if count > MAX_POINTS => format!("{count} points; give at most {MAX_POINTS}"),
        _ => return Some(points),
    };
    fault("", why);
    None
}

fn csv(text: &str, fault: &mut dyn FnMut(&str, String)) -> Option<Vec<Point>> {
    let mut points = Some(Vec::new());
    let mut first = true;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = |text: &str| text.trim().parse::<f64>().ok();
        match line.split_once(',').map(|(second, rps)| (number(second), number(rps))) {
            Some((Some(second), Some(rps))) => add(&mut points, Point { second, rps }),
            // The names of the columns.
            Some((None, None)) if first => {}
            _ => {
                let why = format!("{} is not `second,rps`", quoted(line));
                fault(&format!("line {}", i + 1), why);
                points = None;
            }
        }
        first = false;
    }
    points
}

fn json(text: &str, fault: &mut dyn FnMut(&str, String)) -> Option<Vec<Point>> {
    let list: Vec<Value> =
        serde_json::from_str(text).map_err(|error| fault("", error.to_string())).ok()?;
    let mut points = Some(Vec::new());
    for (i, value) in list.iter().enumerate() {
        let (second, rps) = match value {
            Value::Array(pair) if pair.len() == 2 => (pair[0].as_f64(), pair[1].as_f64()),
            object => {
                let field = |name| object.get(name).and_then(Value::as_f64);
                (field("second"), field("rps"))
            }
        };
        if let (Some(second), Some(rps)) = (second, rps) {
            add(&mut points, Point { second, rps });
        } else {
            fault(&i.to_string(), "expected {\"second\", \"rps\"} or [second, rps]".into());
            points = None;
        }
    }
    points
}

/// After a fault the points are not needed any more, only the other faults.
fn add(points: &mut Option<Vec<Point>>, point: Point) {
    if let Some(points) = points {
        points.push(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(f64, f64)]) -> Vec<Point> {
        pairs.iter().map(|&(second, rps)| Point { second, rps }).collect()
    }

    /// The points, or every fault with its place.
    fn parsed(text: &str) -> Result<Vec<Point>, Vec<String>> {
        let mut faults = Vec::new();
        let points = parse(text, &mut |place, why| faults.push(format!("[{place}] {why}")));
        points.ok_or(faults)
    }

    fn fault(text: &str) -> String {
        let faults = parsed(text).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.concat()
    }

    #[test]
    fn lines_and_lists_say_the_same() {
        let expected = Ok(points(&[(0.0, 10.0), (5.5, 20.0)]));
        assert_eq!(parsed("0,10\n5.5,20\n"), expected);
        assert_eq!(parsed("\u{feff}second,rps\r\n# note\r\n\r\n 0 , 10\r\n5.5,20"), expected);
        assert_eq!(parsed(r#"[{"second": 0, "rps": 10}, [5.5, 20]]"#), expected);
    }

    #[test]
    fn a_fault_has_its_line() {
        assert_eq!(fault("0,10\n1;20"), r#"[line 2] "1;20" is not `second,rps`"#);
        assert_eq!(fault("0,ten"), r#"[line 1] "0,ten" is not `second,rps`"#);
        assert_eq!(fault("a,b\nc,d"), r#"[line 2] "c,d" is not `second,rps`"#);
        assert_eq!(fault("0,1,2"), r#"[line 1] "0,1,2" is not `second,rps`"#);
        assert_eq!(fault("\n"), "[] no points in it; give lines `second,rps`");
        assert!(fault("[[0, 10], [1]]").starts_with("[1] expected"));
        assert!(fault("[[0, 10]").contains("line 1 column 8"));
    }

    #[test]
    fn every_line_with_a_fault_is_named() {
        let lines = parsed("0,1\nx\n2,3\n4\n\n5;6\n").unwrap_err();
        assert_eq!(lines.len(), 3);
        assert!(lines[2].starts_with("[line 6]"), "{lines:?}");
        assert_eq!(parsed("[1, [0, 2], {}]").unwrap_err().len(), 2);
    }
}
