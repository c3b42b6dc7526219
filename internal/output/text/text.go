// Package text prints a session's output as bpftrace does, byte for byte.
package text

import (
	"io"
	"strconv"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine/event"
	"github.com/skep-bpf/skep/internal/output"
)

// Sink prints text: results to one writer, notices and warnings to another.
type Sink struct {
	out, err *output.Writer
}

var _ output.Sink = (*Sink)(nil)

// New returns a Sink that writes results to out and messages to err.
func New(out, err io.Writer) *Sink {
	return &Sink{output.NewWriter(out), output.NewWriter(err)}
}

// Flush writes what is buffered.
func (s *Sink) Flush() error {
	err := s.out.Flush()
	if e := s.err.Flush(); err == nil {
		err = e
	}
	return err
}

// Printf prints the text as it is, as Time and Cat do.
func (s *Sink) Printf(text []byte) { s.raw(text) }

// Time prints the text as it is.
func (s *Sink) Time(text []byte) { s.raw(text) }

// Cat prints the text as it is.
func (s *Sink) Cat(text []byte) { s.raw(text) }

// Join prints the text as a line.
func (s *Sink) Join(text []byte) { s.raw(text); s.newline() }

// System prints what the command printed, and a newline.
func (s *Sink) System(text []byte) { s.raw(text); s.newline() }

// End separates the events from the maps.
func (s *Sink) End() { s.newline(); s.newline() }

func (s *Sink) raw(text []byte) {
	s.out.Buf = append(s.out.Buf, text...)
	s.out.Check()
}

func (s *Sink) newline() { s.out.Buf = append(s.out.Buf, '\n') }

// Value prints a value as a line.
func (s *Sink) Value(v *event.Value) {
	s.out.Buf = appendValue(s.out.Buf, v)
	s.newline()
	s.out.Check()
}

func appendValue(dst []byte, v *event.Value) []byte {
	if v.Kind == event.Histogram {
		return appendHist(dst, v.Hist)
	}
	if v.Kind == event.TimeSeries {
		return appendSeries(dst, v.Series)
	}
	return output.AppendValue(dst, v)
}

// Map prints a map: its entries by lines, histograms below their key, summaries as a table.
func (s *Sink) Map(m *event.Snapshot) {
	if m.Var.Value.Kind == object.Summary {
		s.out.Buf = appendSummaries(s.out.Buf, m)
		s.out.Check()
		return
	}
	for i := range m.Entries {
		e := &m.Entries[i]
		b := appendName(s.out.Buf, m, e)
		if e.Value.Kind == event.Histogram || e.Value.Kind == event.TimeSeries {
			b = append(b, ":\n"...)
		} else {
			b = append(b, ": "...)
		}
		s.out.Buf = append(appendValue(b, &e.Value), '\n')
		s.out.Check()
	}
}

// appendName appends the name of a map's entry: "@", "@x[1, sh]".
func appendName(dst []byte, m *event.Snapshot, e *event.Entry) []byte {
	dst = append(dst, m.Var.Name...)
	if m.Var.Key != nil {
		dst = append(output.AppendKey(append(dst, '['), &e.Key), ']')
	}
	return dst
}

// Attached tells how many probes there are.
func (s *Sink) Attached(n int) {
	b := strconv.AppendInt(append(s.err.Buf, "Attached "...), int64(n), 10)
	b = append(b, " probe"...)
	if n != 1 {
		b = append(b, 's')
	}
	s.message(append(b, '\n'))
}

// Lost tells how many events were lost.
func (s *Sink) Lost(n uint64) {
	b := strconv.AppendUint(append(s.err.Buf, "Lost "...), n, 10)
	s.message(append(b, " events\n"...))
}

// message writes to err at once, after what was printed before.
func (s *Sink) message(b []byte) {
	s.out.Flush()
	s.err.Buf = b
	s.err.Flush()
}

// Message prints the script's own message. The place of the call is enough; only uses of
// macros around it show their source.
func (s *Sink) Message(sev output.Severity, text []byte, at []output.Place) {
	b := s.err.Buf
	if len(at) == 0 {
		b = output.AppendMessage(b, sev, text)
	}
	for i, p := range at {
		b = append(append(b, p.Range...), ": "...)
		if i == 0 {
			b = output.AppendMessage(b, sev, text)
			continue
		}
		b = appendContext(output.AppendMessage(b, sev, []byte("expanded from")), &at[i])
	}
	s.message(b)
}

// RuntimeError prints a warning with its source.
func (s *Sink) RuntimeError(e *output.RuntimeError) {
	b := s.err.Buf
	if len(e.At) > 0 {
		b = append(append(b, e.At[0].Range...), ": "...)
	}
	b = append(append(append(b, "WARNING: "...), e.Text()...), '\n')
	if e.Helper != "" {
		b = append(append(b, "Additional Info - helper: "...), e.Helper...)
		b = strconv.AppendInt(append(b, ", retcode: "...), int64(e.Code), 10)
		b = append(b, '\n')
	}
	for i := range e.At {
		if i > 0 {
			b = append(append(b, e.At[i].Range...), ": WARNING: expanded from\n"...)
		}
		b = appendContext(b, &e.At[i])
	}
	s.message(b)
}

func appendContext(b []byte, p *output.Place) []byte {
	for _, line := range p.Context {
		b = append(append(b, line...), '\n')
	}
	return b
}
