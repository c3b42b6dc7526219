package output

import (
	"syscall"

	"github.com/skep-bpf/skep/internal/bpf/helper"
)

// Text says what went wrong, in bpftrace's words where the cause is known.
func (e *RuntimeError) Text() string {
	switch {
	case e.Msg != "":
		return e.Msg
	case e.Helper == "map_update_elem" && e.errno() == syscall.E2BIG:
		return "Map full; can't update element. Try increasing max_map_keys config or " +
			"manually setting the max entries in a map declaration e.g. `let @a = hash(5000)`"
	case e.Helper == "map_delete_elem" && e.errno() == syscall.ENOENT:
		return "Can't delete map element because it does not exist."
	case e.Helper == "map_lookup_elem":
		return "Can't lookup map element because it does not exist."
	}
	return e.Strerror()
}

// Strerror is the system's text for the helper's result, as strerror(3) has it.
func (e *RuntimeError) Strerror() string { return helper.Strerror(e.errno()) }

func (e *RuntimeError) errno() syscall.Errno { return syscall.Errno(-e.Code) }
