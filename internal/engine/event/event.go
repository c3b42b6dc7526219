// Package event turns the bytes that programs send and maps hold into values, by the
// layouts of the object they belong to. It prints nothing.
package event

import (
	"encoding/binary"
	"fmt"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// HeaderSize is the length of what every record begins with: the action's number and
// its extra word, 4 bytes each.
const HeaderSize = 8

// Header reads a record's action number and extra word.
func Header(rec []byte) (action int, extra uint32, err error) {
	if len(rec) < HeaderSize {
		return 0, 0, fmt.Errorf("read record: %d bytes, want at least %d", len(rec), HeaderSize)
	}
	return int(order.Uint32(rec)), order.Uint32(rec[4:]), nil
}

// order is the byte order of records and maps.
var order = binary.NativeEndian

// Maps gives the maps of a loaded object by index; an engine.Session does.
type Maps interface {
	Map(index int) engine.Map
}

// Resolver names what only the running machine can name.
type Resolver interface {
	// Ksym is what ksym() prints for a kernel address.
	Ksym(addr uint64) string
	// Usym is what usym() prints for an address of a process.
	Usym(pid uint32, addr uint64) string
	// KernelFrame is the text of a stack's address in bpftrace or perf mode without
	// indentation: one line, or several when calls were inlined there, innermost first.
	KernelFrame(addr uint64, mode object.StackMode) []string
	// UserFrame is the same for a process. An address that a call returns to is one behind
	// the call.
	UserFrame(pid uint32, addr uint64, returns bool, mode object.StackMode) []string
	// CgroupPath is what cgroup_path() prints: the id's paths, of the hierarchies
	// that filter selects.
	CgroupPath(id uint64, filter string) string
	// Cgroup is what a form other than CgroupPaths has of a cgroup, "" when it isn't in such.
	Cgroup(id uint64, form object.CgroupForm) string
	// Username is the name of a user, "" when there's none.
	Username(uid uint32) string
}

// Decoder decodes the bytes of one loaded object. One goroutine uses it at a time.
type Decoder struct {
	Object *object.Object
	Maps   Maps     // for stacks and snapshots
	Names  Resolver // nil: addresses and ids stay numbers
	// Boot is the wall-clock time of boot in nanoseconds since 1970, for timestamps
	// of the boot clock. SetClock tells when it changes.
	Boot  int64
	Times Times

	set    []setting             // of the wall clock, since Boot was read; ascending
	owners map[cgroupName]uint64 // the first cgroup seen of each container and pod
}

// Arg decodes an action's argument out of its record.
func (d *Decoder) Arg(f *object.Field, rec []byte) (v Value, err error) {
	err = d.ReadArg(&v, f, rec)
	return v, err
}

// ReadArg is Arg into *v.
func (d *Decoder) ReadArg(v *Value, f *object.Field, rec []byte) error {
	*v = Value{}
	if f.Dynamic {
		return d.dynamic(v, f, rec)
	}
	return d.field(v, f, rec)
}

// dynamic decodes a value whose place and length stand in the record.
func (d *Decoder) dynamic(v *Value, f *object.Field, rec []byte) error {
	if uint64(f.Offset)+4 > uint64(len(rec)) {
		return short(f.Type, len(rec)-int(f.Offset))
	}
	ref := order.Uint32(rec[f.Offset:])
	from, n := int(ref&0xffff), int(ref>>16)
	if from+n > len(rec) {
		return short(f.Type, len(rec)-from)
	}
	b := rec[from : from+n : from+n]
	switch f.Type.Kind {
	case object.String:
		d.text(v, b, d.full(f.Type, n))
	case object.Buf:
		v.Kind, v.Bytes = Buffer, b
	default:
		return d.decode(v, f.Type, b)
	}
	return nil
}

// full reports whether a string of n bytes fills all that str() reads, so that there was
// likely more of it.
func (d *Decoder) full(t *object.Type, n int) bool {
	return uint64(t.Size) == d.Object.Config.StrSize() && n+1 >= int(t.Size)
}

// short says that a value's bytes are missing.
func short(t *object.Type, have int) error {
	return fmt.Errorf("decode value of %d bytes: only %d there", t.Bytes(), max(have, 0))
}
