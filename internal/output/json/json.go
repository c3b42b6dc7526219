// Package json prints a session's output as JSON lines, one an event, in the form of
// bpftrace -f json.
package json

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// Sink prints JSON lines.
type Sink struct {
	out, err *output.Writer
	key      []byte // scratch
}

var _ output.Sink = (*Sink)(nil)

// New returns a Sink that writes to out, and to err what the session couldn't do.
func New(out, err io.Writer) *Sink {
	return &Sink{out: output.NewWriter(out), err: output.NewWriter(err)}
}

// Flush writes what is buffered.
func (s *Sink) Flush() error { return errors.Join(s.out.Flush(), s.err.Flush()) }

// Printf prints the text.
func (s *Sink) Printf(text []byte) { s.text("printf", text) }

// Time prints the text.
func (s *Sink) Time(text []byte) { s.text("time", text) }

// Cat prints the text.
func (s *Sink) Cat(text []byte) { s.text("cat", text) }

// Join prints the text.
func (s *Sink) Join(text []byte) { s.text("join", text) }

// System prints what the command printed.
func (s *Sink) System(text []byte) { s.text("syscall", text) }

// End prints nothing.
func (s *Sink) End() {}

func (s *Sink) text(kind string, text []byte) {
	s.open(kind)
	s.out.Buf = appendString(s.out.Buf, text)
	s.close()
}

// open begins a line up to its data; close ends it.
func (s *Sink) open(kind string) {
	b := append(s.out.Buf, `{"type": "`...)
	s.out.Buf = append(append(b, kind...), `", "data": `...)
}

func (s *Sink) close() {
	s.out.Buf = append(s.out.Buf, "}\n"...)
	s.out.Check()
}

// Value prints a value.
func (s *Sink) Value(v *event.Value) {
	s.open("value")
	s.out.Buf = appendValue(s.out.Buf, v)
	s.close()
}

// Map prints a map as an object of its name; one without entries isn't printed, unless
// it holds averages.
func (s *Sink) Map(m *event.Snapshot) {
	kind := mapKind(m.Var.Value)
	if len(m.Entries) == 0 && kind != "stats" {
		return
	}
	s.open(kind)
	b := appendString(append(s.out.Buf, '{'), []byte(m.Var.Name))
	b = append(b, ": "...)
	if m.Var.Key == nil && len(m.Entries) > 0 {
		b = appendValue(b, &m.Entries[0].Value)
	} else {
		b = s.appendEntries(b, m)
	}
	s.out.Buf = append(b, '}')
	s.close()
}

func mapKind(t *object.Type) string {
	switch t.Kind {
	case object.Avg, object.Stats:
		return "stats"
	case object.Hist, object.Lhist, object.Bhist:
		return "hist"
	case object.Summary:
		return "summary"
	case object.TSeries:
		return "tseries"
	}
	return "map"
}

// appendEntries appends an object whose names are the keys' texts without spaces.
func (s *Sink) appendEntries(b []byte, m *event.Snapshot) []byte {
	b = append(b, '{')
	for i := range m.Entries {
		if i > 0 {
			b = append(b, ", "...)
		}
		s.key = output.AppendKey(s.key[:0], &m.Entries[i].Key)
		b = appendString(b, bytes.ReplaceAll(s.key, []byte(" "), nil))
		b = append(b, ": "...)
		b = appendValue(b, &m.Entries[i].Value)
	}
	return append(b, '}')
}

// Attached tells how many probes there are.
func (s *Sink) Attached(n int) { s.count("attached_probes", "probes", uint64(n)) }

// Lost tells how many events were lost.
func (s *Sink) Lost(n uint64) { s.count("lost_events", "events", n) }

func (s *Sink) count(kind, name string, n uint64) {
	b := append(append(s.out.Buf, `{"type": "`...), kind...)
	b = strconv.AppendUint(append(b, `", "count": `...), n, 10)
	b = append(append(b, `, "data": {"`...), name...)
	b = strconv.AppendUint(append(b, `": `...), n, 10)
	s.out.Buf = append(b, '}')
	s.close()
}

// Message prints the script's own message with its place. One without a place is the
// session's, and no line of JSON.
func (s *Sink) Message(sev output.Severity, text []byte, at []output.Place) {
	if len(at) == 0 {
		s.out.Flush()
		s.err.Buf = output.AppendMessage(s.err.Buf, sev, text)
		s.err.Flush()
		return
	}
	kind := "warnf"
	if sev == output.Error {
		kind = "errorf"
	}
	b := append(append(s.out.Buf, `{"type": "`...), kind...)
	b = appendString(append(b, `", "msg": `...), text)
	s.out.Buf = appendPlace(b, at)
	s.close()
}

// RuntimeError prints a warning with its place.
func (s *Sink) RuntimeError(e *output.RuntimeError) {
	b := s.out.Buf
	if e.Helper == "" {
		b = append(b, `{"type": "runtime_error", "msg": `...)
		b = appendString(b, []byte(e.Text()))
	} else {
		b = append(b, `{"type": "helper_error", "msg": `...)
		b = appendString(b, []byte(e.Strerror()))
		b = appendString(append(b, `, "helper": `...), []byte(e.Helper))
		b = strconv.AppendInt(append(b, `, "retcode": `...), int64(e.Code), 10)
	}
	s.out.Buf = appendPlace(b, e.At)
	s.close()
}

func appendPlace(b []byte, at []output.Place) []byte {
	if len(at) == 0 {
		return b
	}
	b = appendString(append(b, `, "filename": `...), []byte(at[0].File))
	b = strconv.AppendInt(append(b, `, "line": `...), int64(at[0].Line), 10)
	return strconv.AppendInt(append(b, `, "col": `...), int64(at[0].Col), 10)
}

// appendString appends a JSON string. Bytes that aren't UTF-8 become U+FFFD; bpftrace's
// escapes for them aren't JSON.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		}
		dst = appendASCII(dst, c)
		i++
	}
	return append(dst, '"')
}

func appendASCII(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c < ' ' {
		const hex = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
	return append(dst, c)
}
