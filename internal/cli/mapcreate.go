package cli

import (
	"errors"
	"strconv"

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
			var w string
			w, err = b.next("the name")
			a.Name = sys.ObjName(w)
		case b.take("inner_map"):
			if inner, err = b.one(inspect.KindMap, false); err == nil {
				a.InnerMapFD = uint32(inner.FD)
			}
		default:
			err = b.done()
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
		return 0, usagef("there is no map type %q; `skep feature list_builtins map_types` lists them", w)
	}
	return n, nil
}
