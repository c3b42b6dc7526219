package cli

import (
	"errors"
	"iter"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// showObjects lists all objects of a kind, or describes the ones that the words tell. One
// object is a JSON object, a list an array, as bpftool's.
func showObjects[T any](b *bpfRun, k inspect.Kind, all iter.Seq2[T, error], read func(fd int) (T, error), print func(T) []error) error {
	wait, err := b.described()
	defer wait()
	if err != nil {
		return err
	}
	if !b.more() {
		b.open("[")
		for t, err := range all {
			if err != nil {
				return err
			}
			b.lacking(print(t))
			if err := b.out.Err(); err != nil {
				return err
			}
		}
		b.end("]")
		return nil
	}
	s, err := b.selector(k)
	if err != nil {
		return err
	}
	if err := b.done(); err != nil {
		return err
	}
	objs, err := b.reader.Open(k, s, false)
	if err != nil {
		return err
	}
	if len(objs) > 1 {
		b.open("[")
	}
	for _, o := range objs {
		t, rerr := read(o.FD)
		if rerr != nil {
			return errors.Join(rerr, inspect.CloseAll(objs))
		}
		b.lacking(print(t))
	}
	if len(objs) > 1 {
		b.end("]")
	}
	return inspect.CloseAll(objs)
}

func showProgs(b *bpfRun) error {
	return showObjects(b, inspect.KindProg, b.reader.Progs(), b.reader.ProgByFD, func(p *inspect.Prog) []error {
		b.out.Prog(p)
		return p.Missing
	})
}

func showMaps(b *bpfRun) error {
	return showObjects(b, inspect.KindMap, b.reader.Maps(), b.reader.MapByFD, func(m *inspect.Map) []error {
		b.out.Map(m)
		return m.Missing
	})
}

func showLinks(b *bpfRun) error {
	return showObjects(b, inspect.KindLink, b.reader.Links(), b.reader.LinkByFD, func(l *inspect.Link) []error {
		b.out.Link(l)
		return l.Missing
	})
}

func showBTFs(b *bpfRun) error {
	users := &show.BTFUsers{Progs: map[uint32][]uint32{}, Maps: map[uint32][]uint32{}}
	for p, err := range b.reader.Progs() {
		if err == nil && p.BTF != 0 {
			users.Progs[p.BTF] = append(users.Progs[p.BTF], p.ID)
		}
	}
	for m, err := range b.reader.Maps() {
		if err == nil && m.BTF != 0 {
			users.Maps[m.BTF] = append(users.Maps[m.BTF], m.ID)
		}
	}
	return showObjects(b, inspect.KindBTF, b.reader.BTFs(), b.reader.BTFByFD, func(t *inspect.BTF) []error {
		b.out.BTF(t, users)
		return nil
	})
}
