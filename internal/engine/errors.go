package engine

import (
	"errors"
	"fmt"
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
