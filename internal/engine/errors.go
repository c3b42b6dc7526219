package engine

import (
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
)

// ErrTimeout: no record came before the deadline.
var ErrTimeout = errors.New("no record before the deadline")

// ErrNotFound: the map has no such element.
var ErrNotFound = errors.New("no such element")

// Error is the verifier's reason.
func (r *Rejection) Error() string {
	return fmt.Sprintf("the kernel refused program %s: %s", r.Prog.Name, r.Reason)
}

// Unwrap is the kernel's errno.
func (r *Rejection) Unwrap() error { return r.Err }

// AttachError is a point that nothing could be attached to.
type AttachError struct {
	Point  *object.Point
	Reason string // in plain words: what is wrong, and what to do when that's known
	Err    error  // the kernel's, may be nil
}

// Error names the point and the reason.
func (e *AttachError) Error() string {
	return fmt.Sprintf("attach %s: %s", e.Point.Text, e.Reason)
}

// Unwrap is the kernel's error.
func (e *AttachError) Unwrap() error { return e.Err }
