//! How wide text is, and where it is broken into lines.
//!
//! Nobody knows with which font a picture is shown. The widths here are those of the widest of the usual sans-serif
//! fonts, so that text may leave room in its box and never sticks out of it.

use unicode_width::UnicodeWidthChar as _;

/// How text is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Face {
    Plain,
    Bold,
}

/// The greater of the advances in DejaVu Sans and Liberation Sans (which has those of Arial and Helvetica) of the
/// characters from space to `~`, in thousandths of the size; read off the fonts' `hmtx` tables.
const PLAIN: [u16; 95] = [
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637, 637, 637, 637, 637,
    637, 637, 637, 337, 337, 838, 838, 838, 557, 1016, 685, 687, 723, 771, 667, 611, 778, 752, 295, 500, 667, 558, 863,
    749, 788, 667, 788, 723, 667, 611, 732, 685, 989, 686, 667, 686, 391, 337, 391, 838, 557, 500, 613, 635, 550, 635,
    616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612, 635, 635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637,
    337, 637, 838,
];

/// As [`PLAIN`], of the bold fonts.
const BOLD: [u16; 95] = [
    349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366, 696, 696, 696, 696, 696, 696, 696,
    696, 696, 696, 400, 400, 838, 838, 838, 611, 1000, 774, 763, 734, 831, 684, 684, 821, 837, 373, 557, 775, 638, 996,
    837, 851, 733, 851, 771, 721, 683, 813, 774, 1104, 771, 725, 726, 458, 366, 458, 838, 557, 500, 675, 716, 593, 716,
    679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688, 716, 716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712,
    366, 712, 838,
];

/// The greatest width of a text of this size.
pub(super) fn width(text: &str, size: f64, face: Face) -> f64 {
    text.chars().map(|c| advance(c, face)).sum::<f64>() * size / 1000.0
}

fn advance(c: char, face: Face) -> f64 {
    let table = match face {
        Face::Plain => &PLAIN,
        Face::Bold => &BOLD,
    };
    let ascii = u32::from(c).checked_sub(0x20).and_then(|at| table.get(at as usize));
    if let Some(advance) = ascii {
        return f64::from(*advance);
    }
    let plain = match (c, c.width()) {
        (_, Some(0)) => 0.0,
        ('“' | '”' | '‘' | '’' | '·', _) => 530.0,
        // Pictures are wider than the square of a Chinese character.
        ('\u{1f000}'..='\u{1ffff}' | '\u{2600}'..='\u{27bf}', _) => 1_400.0,
        (_, Some(2)) => 1_030.0,
        (c, _) if c.is_lowercase() => 980.0,
        _ => 1_200.0,
    };
    match face {
        Face::Plain => plain,
        Face::Bold => plain * 1.15,
    }
}

/// Breaks a text into lines that are no wider than this: where words end, then where parts of names do, else anywhere.
pub(super) fn wrap(text: &str, most: f64, size: f64, face: Face) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        if width(line.trim_end(), size, face) + width(piece.trim_end(), size, face) > most - space(&line, size, face)
            && !line.is_empty()
        {
            lines.push(line.trim_end().to_owned());
            line.clear();
        }
        if width(piece.trim_end(), size, face) <= most {
            line.push_str(piece);
            continue;
        }
        for c in piece.chars() {
            // What has no width of its own stays with what stands before it.
            let breaks =
                c.width() != Some(0) && width(&line, size, face) + width(c.encode_utf8(&mut [0; 4]), size, face) > most;
            if breaks && !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                line.clear();
            }
            line.push(c);
        }
    }
    if !line.trim_end().is_empty() || lines.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The width of the white space at the end of a line, which counts once something follows.
fn space(line: &str, size: f64, face: Face) -> f64 {
    width(line, size, face) - width(line.trim_end(), size, face)
}

/// The parts of a text behind which a line may end.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(end) = piece_end(rest) {
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// Where the first piece of a text ends; `None` is at the end of the text.
fn piece_end(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let next = chars.peek().copied();
        let ends = match c {
            ' ' => next.is_some_and(|(_, next)| next != ' '),
            '_' | '-' | '.' | '/' | ':' | ',' | '|' | '&' => next.is_some_and(|(_, next)| next.is_alphanumeric()),
            _ => false,
        };
        if ends {
            return next.map(|(at, _)| at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_wider_than_they_may_be_and_keep_every_character() {
        for text in [
            "",
            "a",
            "a short name",
            "a_very_long_name_with_many_parts_that_does_not_end_here",
            "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
            "漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字",
            "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
            "😀😀😀😀😀😀😀😀😀😀😀 and words",
            "steps.a.output.x == 1 && (input.a || input.b)",
        ] {
            for most in [20.0, 60.0, 150.0] {
                let lines = wrap(text, most, 12.0, Face::Bold);
                assert!(lines.iter().all(|line| width(line, 12.0, Face::Bold) <= most), "{text}: {lines:?}");
                let kept = |text: &str| text.replace(' ', "");
                assert_eq!(kept(&lines.concat()), kept(text));
                assert!(lines.iter().all(|line| !line.starts_with('\u{301}')), "{lines:?}");
            }
        }
    }

    #[test]
    fn names_break_at_their_joints() {
        let lines = wrap("approve_release_notes of the team", 100.0, 12.0, Face::Plain);
        assert_eq!(lines, ["approve_", "release_notes of", "the team"]);
    }
}
