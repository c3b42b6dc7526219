package cli

import (
	"errors"
	"fmt"

	"github.com/skep-bpf/skep/internal/inspect"
)

// dumpMaps prints the elements of the maps that the words tell, as they are read.
func dumpMaps(b *bpfRun) error {
	s, err := b.selector(inspect.KindMap)
	if err != nil {
		return err
	}
	if err := b.done(); err != nil {
		return err
	}
	objs, err := b.reader.Open(inspect.KindMap, s, false)
	if err != nil {
		return err
	}
	if len(objs) > 1 {
		b.open("[")
	}
	for i, o := range objs {
		if err := dumpMap(b, o, len(objs) > 1); err != nil {
			return errors.Join(err, inspect.CloseAll(objs))
		}
		if b.out.JSON == nil && i < len(objs)-1 {
			fmt.Fprintln(b.out.Text)
		}
	}
	if len(objs) > 1 {
		b.end("]")
	}
	return inspect.CloseAll(objs)
}

func dumpMap(b *bpfRun, o *inspect.Object, header bool) error {
	m, err := b.reader.MapByFD(o.FD)
	if err != nil {
		return err
	}
	e, err := b.out.NewEntries(m)
	if err != nil {
		return err
	}
	j := e.Writer()
	switch {
	case header && b.out.JSON != nil:
		j.Open("{")
		b.out.MapHeaderJSON(m)
		j.Name("elements")
	case header:
		b.out.MapHeader(m)
	}
	if j != nil {
		j.Open("[")
	}
	err = b.reader.EachEntry(o.FD, m, func(key, value []byte, err error) bool {
		if err != nil {
			e.Failed(key, err)
		} else {
			e.Element(key, value)
		}
		if j != nil {
			return j.Err() == nil
		}
		return b.out.Err() == nil
	})
	if err != nil && b.out.JSON != nil {
		return errors.Join(err, e.Close()) // the list's last element tells it
	}
	if j != nil {
		j.End("]")
	} else {
		plural := "s"
		if e.Found == 1 {
			plural = ""
		}
		fmt.Fprintf(b.out.Text, "Found %d element%s\n", e.Found, plural)
	}
	if header && b.out.JSON != nil {
		j.End("}")
	}
	return errors.Join(err, e.Close())
}
