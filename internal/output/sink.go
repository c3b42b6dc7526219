// Package output prints what a session has to say. A Sink is one form of output: text
// as bpftrace prints it (output/text), JSON lines (output/json); this package holds what
// they share: the text of values and printf.
package output

import (
	"bytes"

	"github.com/skep-bpf/skep/internal/engine/event"
)

// Sink receives a session's output in order. Byte slices and values are valid during the
// call only. Errors of writing are kept: after one nothing more is written and Flush
// returns it. One goroutine uses a Sink.
type Sink interface {
	// Attached: so many probes are attached.
	Attached(n int)
	// Printf is the text of printf().
	Printf(text []byte)
	// Message is the text of errorf() or warnf(); without a place, of what the session
	// couldn't do.
	Message(sev Severity, text []byte, at []Place)
	// Value is print() of a value that isn't a whole map.
	Value(v *event.Value)
	// Map is print() of a map, or a map at the end.
	Map(m *event.Snapshot)
	// Time, Cat, Join and System are the texts of time(), cat(), join() and system().
	Time(text []byte)
	Cat(text []byte)
	Join(text []byte)
	System(text []byte)
	// Lost: so many events were lost since the last call.
	Lost(n uint64)
	// RuntimeError is a warning that a program sent.
	RuntimeError(e *RuntimeError)
	// Test is how a test probe ended; they come in order, each once.
	Test(t *TestResult)
	// Bench is what a bench probe took; those that left themselves out are missing.
	Bench(b *BenchResult)
	// End: events are over; the maps that the end prints follow.
	End()
	// Flush writes what is buffered and returns the first error since the beginning.
	Flush() error
}

// Severity ranks a message of the script.
type Severity uint8

// The severities.
const (
	Warning Severity = iota
	Error
)

// AppendMessage appends a message as a line: with its severity, and one newline.
func AppendMessage(dst []byte, sev Severity, text []byte) []byte {
	label := "WARNING: "
	if sev == Error {
		label = "ERROR: "
	}
	dst = append(append(dst, label...), bytes.TrimSuffix(text, []byte("\n"))...)
	return append(dst, '\n')
}

// RuntimeError is something that went wrong in a program while it ran.
type RuntimeError struct {
	Helper string // "map_update_elem"; "": not a helper's error, and Msg says what it was
	Code   int32  // the helper's result: 0 or a negative errno
	Msg    string
	At     []Place // where in the script, and from where a macro was used
}
