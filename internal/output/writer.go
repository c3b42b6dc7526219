package output

import "io"

// flushSize is the number of bytes that a Writer gathers before it writes by itself.
const flushSize = 64 << 10

// Writer gathers output in Buf and keeps the first error.
type Writer struct {
	Buf []byte // append to it, then call Check
	to  io.Writer
	err error
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// Check flushes when enough is gathered.
func (w *Writer) Check() {
	if len(w.Buf) >= flushSize {
		w.Flush()
	}
}

// Flush writes what is gathered and returns the first error of all writes.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.Buf) > 0 {
		_, w.err = w.to.Write(w.Buf)
	}
	w.Buf = w.Buf[:0]
	return w.err
}
