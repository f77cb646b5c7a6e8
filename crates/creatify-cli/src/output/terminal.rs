//! The terminal that progress is drawn on, with each line ended by a line break.
//!
//! By itself, indicatif fills lines with spaces up to the edge, so that a terminal takes them for
//! one long line. When it becomes wider, it joins them, and the next redraw wipes the lines above.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

const REDRAWS_PER_SECOND: u8 = 20;

#[derive(Debug)]
struct Terminal<T> {
    inner: T,
    /// Position of the cursor: at the end of a complete line, or not.
    end: Mutex<LineEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Reached,
    NotReached,
}

/// Returns stderr as a place to draw on.
pub(super) fn draw_target() -> ProgressDrawTarget {
    let terminal = Terminal::new(Term::buffered_stderr());
    ProgressDrawTarget::term_like_with_hz(Box::new(terminal), REDRAWS_PER_SECOND)
}

impl<T> Terminal<T> {
    fn new(inner: T) -> Self {
        Self { inner, end: Mutex::new(LineEnd::NotReached) }
    }

    fn set_end(&self, end: LineEnd) -> LineEnd {
        std::mem::replace(&mut *self.end.lock().unwrap_or_else(PoisonError::into_inner), end)
    }
}

impl<T: TermLike> TermLike for Terminal<T> {
    fn width(&self) -> u16 {
        self.inner.width()
    }

    fn height(&self) -> u16 {
        self.inner.height()
    }

    fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
        self.set_end(LineEnd::NotReached);
        self.inner.move_cursor_up(lines)
    }

    fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
        self.inner.move_cursor_down(lines)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.inner.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.inner.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.set_end(LineEnd::NotReached);
        self.inner.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        // Spaces fill a line whose text was written before.
        if text.chars().all(|character| character == ' ') {
            self.set_end(LineEnd::Reached);
            return Ok(());
        }
        if self.set_end(LineEnd::NotReached) == LineEnd::Reached {
            self.inner.write_str("\n")?;
        }
        self.inner.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.set_end(LineEnd::NotReached);
        self.inner.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A terminal of 20 columns that records what is written to it.
    #[derive(Debug, Default)]
    struct Recorder(Mutex<String>);

    impl Recorder {
        fn write(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
    }

    impl TermLike for Recorder {
        fn width(&self) -> u16 {
            20
        }
        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            self.write(&format!("<up {lines}>"))
        }
        fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
            self.write(&format!("<down {lines}>"))
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.write(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.write("<clear>")
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_end_with_a_break_and_are_not_filled_with_spaces() {
        let terminal = Terminal::new(Recorder::default());
        for line in ["one", "two"] {
            terminal.write_str(line).unwrap();
            terminal.write_str(&" ".repeat(20 - line.len())).unwrap();
        }
        terminal.move_cursor_up(1).unwrap();
        terminal.clear_line().unwrap();
        terminal.write_str("three").unwrap();
        assert_eq!(*terminal.inner.0.lock().unwrap(), "one\ntwo<up 1><clear>three");
    }
}
