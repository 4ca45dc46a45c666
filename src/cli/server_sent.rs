//! Reads Server-Sent Events (HTML, section 9.2) from the chunks of an answer.

/// Bytes of the longest event: more than the longest message.
const EVENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerSentEvent {
    /// Its name.
    pub event: String,
    /// Its position, if it has one.
    pub id: String,
    /// Its data.
    pub data: String,
}

/// An event is longer than any of a hubbub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the stream has an event of more than {EVENT_BYTES_MAX} bytes")]
pub struct TooLongError;

/// What has been read of a stream.
#[derive(Debug, Default)]
pub struct EventReader {
    buffer: Vec<u8>,
    /// Where the next line is looked for: before it there is no line break.
    searched: usize,
    event: ServerSentEvent,
    size: usize,
}

impl EventReader {
    /// Adds a chunk, and returns the events that are complete now.
    ///
    /// # Errors
    /// An event is too long.
    pub fn add(&mut self, chunk: &[u8]) -> Result<Vec<ServerSentEvent>, TooLongError> {
        self.buffer.extend_from_slice(chunk);
        let mut events = Vec::new();
        let mut begin = 0;
        while let Some(at) = memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            let end = self.searched + at;
            let line = String::from_utf8_lossy(&self.buffer[begin..end]).into_owned();
            self.size += line.len();
            events.extend(self.read_line(line.trim_end_matches('\r')));
            begin = end + 1;
            self.searched = begin;
            if self.size > EVENT_BYTES_MAX {
                return Err(TooLongError);
            }
        }
        self.buffer.drain(..begin);
        self.searched = self.buffer.len();
        if self.buffer.len() > EVENT_BYTES_MAX {
            return Err(TooLongError);
        }
        Ok(events)
    }

    fn read_line(&mut self, line: &str) -> Option<ServerSentEvent> {
        if line.is_empty() {
            self.size = 0;
            let event = std::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.event),
            "id" => value.clone_into(&mut self.event.id),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // Comments, `retry`, and what may be added.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_whatever_the_chunks_are() {
        let stream = "retry: 1000\n\n:\n\nevent: a\nid: e:1\ndata: {\"x\":\"\u{e9}\"}\n\n\
                      event: b\r\nid: e:2\r\ndata: 1\r\ndata:2\r\n\r\n";
        let expected = [("a", "e:1", "{\"x\":\"\u{e9}\"}"), ("b", "e:2", "1\n2")];
        for size in 1..=stream.len() {
            let mut reader = EventReader::default();
            let mut read = Vec::new();
            for chunk in stream.as_bytes().chunks(size) {
                read.extend(reader.add(chunk).unwrap_or_else(|e| panic!("{e}")));
            }
            let read: Vec<_> = read
                .iter()
                .map(|event| (&*event.event, &*event.id, &*event.data))
                .collect();
            assert_eq!(read, expected, "chunks of {size}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut reader = EventReader::default();
        let chunk = vec![b'x'; 1024 * 1024];
        let read = (0..5).map(|_| reader.add(&chunk));
        assert!(read.last().is_some_and(|last| last == Err(TooLongError)));
    }
}
