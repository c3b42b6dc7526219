package kern

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Event is a tracepoint as its format file in tracefs describes it.
type Event struct {
	Category, Name string
	ID             uint64
	Fields         []EventField
	Print          string // the "print fmt" line
}

// EventField is a field of a tracepoint's record.
type EventField struct {
	Decl   string // as in the file: "char prev_comm[16]"
	Type   string // without name and brackets: "char", "const char *", "struct iovec *"
	Name   string
	Array  bool
	Len    uint32 // elements of an array; 0 when the file doesn't say
	Offset uint32 // bytes from the record's start
	Size   uint32
	Signed bool
	// DataLoc and RelLoc: the field is a u32, length<<16 | offset of the bytes from the
	// record's start, or from the field's end.
	DataLoc, RelLoc bool
	Common          bool // one of the fields that every record begins with
}

// ErrNoEvent: the kernel has no such tracepoint.
var ErrNoEvent = errors.New("no such tracepoint")

// Event reads a tracepoint's description. The error wraps ErrNoEvent, ErrNoTracefs
// or a permission.
func (k *Kernel) Event(category, name string) (*Event, error) {
	t, err := k.Tracefs()
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(t, "events/"+category+"/"+name+"/format")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, fmt.Errorf("%w: %s:%s", ErrNoEvent, category, name)
	}
	if err != nil {
		return nil, fmt.Errorf("read tracepoint %s:%s: %w", category, name, err)
	}
	e, err := ParseFormat(string(text))
	if err != nil {
		return nil, fmt.Errorf("read tracepoint %s:%s: %w", category, name, err)
	}
	e.Category = category
	return e, nil
}

// EventID is a tracepoint's number, by which perf_event_open(2) knows it. The error wraps
// ErrNoTracefs, fs.ErrNotExist or a permission.
func (k *Kernel) EventID(category, name string) (uint64, error) {
	t, err := k.Tracefs()
	if err != nil {
		return 0, err
	}
	data, err := fs.ReadFile(t, "events/"+category+"/"+name+"/id")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read id of %s:%s: %w", category, name, err)
	}
	return id, nil
}

// ParseFormat reads the text of a format file (kernel/trace/trace_events.c, f_show).
func ParseFormat(text string) (*Event, error) {
	e := new(Event)
	common := true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "name: "):
			e.Name = line[len("name: "):]
		case strings.HasPrefix(line, "ID: "):
			id, err := strconv.ParseUint(line[len("ID: "):], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read event id: %w", err)
			}
			e.ID = id
		case strings.HasPrefix(line, "print fmt: "):
			e.Print = line[len("print fmt: "):]
		case line == "" && len(e.Fields) > 0:
			common = false
		case strings.HasPrefix(line, "\tfield:"):
			f, err := parseField(line[len("\tfield:"):])
			if err != nil {
				return nil, err
			}
			f.Common = common
			e.Fields = append(e.Fields, f)
		}
	}
	if len(e.Fields) == 0 {
		return nil, errors.New("read format: no fields")
	}
	return e, nil
}

// parseField reads "char comm[16];\toffset:8;\tsize:16;\tsigned:0;".
func parseField(line string) (EventField, error) {
	parts := strings.Split(line, ";")
	f := EventField{Decl: parts[0]}
	for _, p := range parts[1:] {
		key, val, ok := strings.Cut(strings.TrimSpace(p), ":")
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(val, 10, 32)
		if err != nil {
			return f, fmt.Errorf("read field %q: %w", f.Decl, err)
		}
		switch key {
		case "offset":
			f.Offset = uint32(n)
		case "size":
			f.Size = uint32(n)
		case "signed":
			f.Signed = n != 0
		}
	}
	return f, f.splitDecl()
}

// splitDecl fills in what the declaration says: type, name, array.
func (f *EventField) splitDecl() error {
	i := strings.LastIndexAny(f.Decl, " \t*")
	if i < 0 || i == len(f.Decl)-1 {
		return fmt.Errorf("read field %q: no name", f.Decl)
	}
	f.Name, f.Type = f.Decl[i+1:], strings.TrimSpace(f.Decl[:i+1])
	if name, rest, ok := strings.Cut(f.Name, "["); ok {
		f.Name, f.Array = name, true
		if n, err := strconv.ParseUint(strings.TrimSuffix(rest, "]"), 10, 32); err == nil {
			f.Len = uint32(n)
		}
	}
	if rest, ok := strings.CutPrefix(f.Type, "__data_loc "); ok {
		f.Type, f.DataLoc = rest, true
	}
	if rest, ok := strings.CutPrefix(f.Type, "__rel_loc "); ok {
		f.Type, f.RelLoc = rest, true
	}
	if rest, ok := strings.CutSuffix(f.Type, "[]"); ok {
		f.Type, f.Array = strings.TrimSpace(rest), true
	}
	return nil
}

// Categories are the tracepoints' categories, sorted.
func (k *Kernel) Categories() ([]string, error) {
	t, err := k.Tracefs()
	if err != nil {
		return nil, err
	}
	return dirNames(t, "events")
}

// Events are the names of a category's tracepoints, sorted; none when there's no
// such category.
func (k *Kernel) Events(category string) ([]string, error) {
	t, err := k.Tracefs()
	if err != nil {
		return nil, err
	}
	names, err := dirNames(t, "events/"+category)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, nil
	}
	return names, err
}

// HasEvent reports whether a tracepoint exists, without reading its description.
func (k *Kernel) HasEvent(category, name string) (bool, error) {
	t, err := k.Tracefs()
	if err != nil {
		return false, err
	}
	_, err = fs.Stat(t, "events/"+category+"/"+name+"/format")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return false, nil
	}
	return err == nil, err
}

func dirNames(t fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(t, dir)
	if err != nil {
		return nil, fmt.Errorf("list tracepoints: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
