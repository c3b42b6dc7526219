package inspect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
)

// Object is an open BPF object.
type Object struct {
	Kind Kind
	FD   int
}

// Close closes the descriptor.
func (o *Object) Close() error { return sys.Close(o.FD) }

// CloseAll closes objects.
func CloseAll(objs []*Object) error {
	var errs []error
	for _, o := range objs {
		errs = append(errs, o.Close())
	}
	return errors.Join(errs...)
}

// Selector says which objects are meant, as bpftool's words do.
type Selector struct {
	By    string // "id", "tag", "name" or "pinned"
	Value string
}

// String is the selector as it's typed.
func (s Selector) String() string { return s.By + " " + s.Value }

// Open opens the objects that a selector means: several programs may have a name or a tag.
// Maps are opened for writing too when write is set. The error wraps ErrGone when there's
// none. The caller closes them.
func (r *Reader) Open(k Kind, s Selector, write bool) ([]*Object, error) {
	switch s.By {
	case "id":
		id, err := strconv.ParseUint(s.Value, 0, 32)
		if err != nil {
			return nil, fmt.Errorf("read %s id %q: it's a number", kindNames[k][0], s.Value)
		}
		o, err := openID(k, uint32(id), write)
		if err != nil {
			return nil, err
		}
		return []*Object{o}, nil
	case "pinned":
		o, err := r.openPinned(k, s.Value)
		if err != nil {
			return nil, err
		}
		return []*Object{o}, nil
	case "name", "tag":
		return r.openNamed(k, s, write)
	}
	return nil, fmt.Errorf("open %s by %s: there's id, tag, name and pinned", kindNames[k][0], s.By)
}

// OpenOne opens the one object that a selector means; more than one is an error.
func (r *Reader) OpenOne(k Kind, s Selector, write bool) (*Object, error) {
	objs, err := r.Open(k, s, write)
	if err != nil {
		return nil, err
	}
	if len(objs) > 1 {
		return nil, errors.Join(fmt.Errorf("open %s %s: %d have it; tell which by its id", kindNames[k][0], s, len(objs)), CloseAll(objs))
	}
	return objs[0], nil
}

func openID(k Kind, id uint32, write bool) (*Object, error) {
	if k == KindMap && write {
		fd, err := sys.MapByID(id, true)
		if errors.Is(err, sys.ENOENT) {
			err = ErrGone
		}
		if err != nil {
			return nil, fmt.Errorf("open map %d for writing: %w", id, allowed(err))
		}
		return &Object{k, fd}, nil
	}
	fd, err := open(k, id)
	if err != nil {
		return nil, err
	}
	return &Object{k, fd}, nil
}

// openPinned opens what a path of a BPF file system has; it must be of the kind.
func (r *Reader) openPinned(k Kind, path string) (*Object, error) {
	fd, err := sys.ObjGet(path)
	if err != nil {
		return nil, fmt.Errorf("open pinned %s %s: %w", kindNames[k][0], path, explainPin(path, err))
	}
	got, err := r.kindOfFD(fd)
	if err == nil && got != k {
		err = fmt.Errorf("it's a pinned %s", kindNames[got][0])
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open pinned %s %s: %w", kindNames[k][0], path, err), sys.Close(fd))
	}
	return &Object{k, fd}, nil
}

// explainPin says why a path has nothing pinned.
func explainPin(path string, err error) error {
	if errors.Is(err, sys.ENOENT) {
		return fs.ErrNotExist
	}
	if t, terr := sys.FSType(path); terr == nil && t != sys.BPFFSMagic {
		return fmt.Errorf("%w: the path isn't in a BPF file system", err)
	}
	return err
}

// linkNames are the targets of /proc/PID/fd links of BPF objects.
var linkNames = map[string]Kind{
	"anon_inode:bpf-prog": KindProg, "anon_inode:bpf-map": KindMap, "anon_inode:bpf_link": KindLink,
	"anon_inode:bpf-link": KindLink, "anon_inode:btf": KindBTF,
}

func (r *Reader) kindOfFD(fd int) (Kind, error) {
	name, err := fs.ReadLink(r.root, "proc/self/fd/"+strconv.Itoa(fd))
	if err != nil {
		return 0, fmt.Errorf("read descriptor: %w", err)
	}
	k, ok := linkNames[strings.TrimPrefix(name, "/")]
	if !ok {
		return 0, fmt.Errorf("it's no BPF object but %s", name)
	}
	return k, nil
}

// openNamed opens all programs or maps with a name, or programs with a tag.
func (r *Reader) openNamed(k Kind, s Selector, write bool) ([]*Object, error) {
	if k != KindProg && (k != KindMap || s.By == "tag") {
		return nil, fmt.Errorf("open %s by %s: %s have none", kindNames[k][0], s.By, kindNames[k][1])
	}
	if tag, err := hex.DecodeString(s.Value); s.By == "tag" && (err != nil || len(tag) != len(Prog{}.Tag)) {
		return nil, fmt.Errorf("read %s tag %q: it's %d hexadecimal digits", kindNames[k][0], s.Value, 2*len(Prog{}.Tag))
	}
	var objs []*Object
	for id, err := range r.IDs(k) {
		if err != nil {
			return nil, errors.Join(err, CloseAll(objs))
		}
		o, err := openID(k, id, write)
		if errors.Is(err, ErrGone) {
			continue
		}
		if err != nil {
			return nil, errors.Join(err, CloseAll(objs))
		}
		if r.matches(o, s) {
			objs = append(objs, o)
		} else if err := o.Close(); err != nil {
			return nil, errors.Join(err, CloseAll(objs))
		}
	}
	if len(objs) == 0 {
		return nil, fmt.Errorf("open %s with %s: %w", kindNames[k][0], s, ErrGone)
	}
	return objs, nil
}

func (r *Reader) matches(o *Object, s Selector) bool {
	if o.Kind == KindMap {
		info, err := sys.MapInfoByFD(o.FD)
		return err == nil && cString(info.Name[:]) == s.Value
	}
	info, err := sys.ProgInfoByFD(o.FD)
	if err != nil {
		return false
	}
	p := &Prog{Tag: info.Tag, Name: cString(info.Name[:])}
	if s.By == "tag" {
		return strings.EqualFold(p.TagText(), s.Value)
	}
	// A full name needn't begin with the one that the kernel keeps.
	if len(s.Value) >= objNameLen {
		r.fullName(o.FD, info, p)
	}
	return p.Name == s.Value || cString(info.Name[:]) == s.Value
}

// target is the descriptor of a map that a program is attached to; 0: none.
func target(m *Object) int {
	if m == nil {
		return 0
	}
	return m.FD
}

// AttachToMap attaches a program to a map of sockets, or as the flow dissector when m is nil.
func AttachToMap(prog, m *Object, typ uint32) error {
	if err := sys.ProgAttach(target(m), prog.FD, typ, 0); err != nil {
		return fmt.Errorf("attach program: %w", err)
	}
	return nil
}

// DetachFromMap takes it off.
func DetachFromMap(prog, m *Object, typ uint32) error {
	if err := sys.ProgDetach(target(m), prog.FD, typ); err != nil {
		return fmt.Errorf("detach program: %w", err)
	}
	return nil
}

// Resolve is the ids of the objects that a selector means. No descriptor of them is left,
// so that skep isn't among those who hold them.
func (r *Reader) Resolve(k Kind, s Selector) (ids []uint32, err error) {
	objs, err := r.Open(k, s, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, CloseAll(objs)) }()
	for _, o := range objs {
		id, err := idOfFD(k, o.FD)
		if err != nil {
			return nil, fmt.Errorf("read id of %s %s: %w", kindNames[k][0], s, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}
