package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// mapCreate makes a map and pins it: without a pin it would be gone with the command.
func mapCreate(b *bpfRun) (err error) {
	path, err := b.next("the path to pin the map at")
	if err != nil {
		return err
	}
	a := &sys.MapCreateAttr{}
	number := func(what string, to *uint32) error {
		w, err := b.next(what)
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(w, 0, 32)
		if err != nil {
			return usagef("%s is a number, not %q", what, w)
		}
		*to = uint32(n)
		return nil
	}
	var inner *inspect.Object
	defer func() {
		if inner != nil {
			err = errors.Join(err, inner.Close())
		}
	}()
	for b.more() && err == nil {
		switch {
		case b.take("type"):
			if a.Type != 0 {
				return usagef("the type is told twice")
			}
			a.Type, err = mapTypeWord(b)
		case b.take("key"):
			err = number("the size of a key", &a.KeySize)
		case b.take("value"):
			err = number("the size of a value", &a.ValueSize)
		case b.take("entries"):
			err = number("the number of entries", &a.MaxEntries)
		case b.take("flags"):
			err = number("the flags", &a.Flags)
		case b.take("name"):
			a.Name, err = mapName(b)
		case b.take("dev"), b.take("offload_dev"):
			if a.Ifindex != 0 {
				return usagef("the interface is told twice")
			}
			a.Ifindex, err = b.netInterface()
		case b.take("inner_map"):
			if inner, err = b.one(inspect.KindMap, false); err == nil {
				a.InnerMapFD = uint32(inner.FD)
			}
		default:
			err = b.unexpected("type", "key", "value", "entries", "flags", "name", "inner_map", "offload_dev")
		}
	}
	switch {
	case err != nil:
		return err
	case a.Type == 0:
		return usagef("the map's type is missing")
	case a.Name == [16]byte{}:
		return usagef("the map's name is missing")
	}
	if err := b.reader.CreateMap(a, path); err != nil {
		return err
	}
	b.null()
	return nil
}

func mapTypeWord(b *bpfRun) (uint32, error) {
	w, err := b.next("the map's type")
	if err != nil {
		return 0, err
	}
	n, ok := inspect.TypeNumber(inspect.MapTypes, w)
	if !ok {
		return 0, usagef("there is no map type %q%s; `skep feature list_builtins map_types` lists them", w, didYouMean(w, inspect.MapTypes))
	}
	return n, nil
}

// mapName reads a name; the kernel keeps 15 bytes of it.
func mapName(b *bpfRun) (name [16]byte, err error) {
	w, err := b.next("the name")
	if err != nil {
		return name, err
	}
	name = sys.ObjName(w)
	switch kept := string(name[:min(len(w), len(name)-1)]); {
	case !strings.HasPrefix(w, kept):
		return name, usagef("names have letters, digits, _ and ., not %q", w)
	case len(w) > len(kept):
		b.lacking([]error{fmt.Errorf("the kernel keeps 15 bytes of the name: %s", kept)})
	}
	return name, nil
}
