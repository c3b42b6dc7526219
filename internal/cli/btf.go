package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/inspect"
)

// btfCommand is `skep btf`: bpftool's verbs for type information.
func (a *app) btfCommand() *cobra.Command {
	return a.object("btf", "List and dump type information", []verb{
		{use: "show [id N]", aliases: []string{"list"}, short: "Describe BTF objects", run: showBTFs},
		{use: "dump id N | prog PROG | map MAP [key | value | kv | all] | file FILE [format raw | c] [root_id N]",
			short: "Print types, as they are or as a C header", run: dumpTypes,
			example: "  skep btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h\n  skep btf dump map name counts value"},
	})
}

// btfDump is what `btf dump` prints.
type btfDump struct {
	types *kern.BTF
	roots []kern.TypeID // nil: all
}

func dumpTypes(b *bpfRun) error {
	d := new(btfDump)
	if err := d.source(b); err != nil {
		return err
	}
	asC, chosen := false, d.roots != nil
	for b.more() {
		switch {
		case b.take("format"):
			w, err := b.next("the format")
			if err != nil {
				return err
			}
			if asC = isWord(w, "c"); !asC && !isWord(w, "raw") {
				return usagef("the format is raw or c, not %q", w)
			}
		case b.take("unsorted"):
			// That's the order that all headers have here.
		case chosen && b.take("root_id"):
			return usagef("root_id is for all types: key, value and kv choose some already")
		case b.take("root_id"):
			w, err := b.next("the type's id")
			if err != nil {
				return err
			}
			id, err := strconv.ParseUint(w, 0, 32)
			if err != nil || kern.TypeID(id) >= d.types.Len() {
				return usagef("there is no type %s; ids go up to %d", w, d.types.Len()-1)
			}
			if slices.Contains(d.roots, kern.TypeID(id)) {
				return usagef("root_id %d is given twice", id)
			}
			d.roots = append(d.roots, kern.TypeID(id))
		default:
			return b.unexpected("format", "root_id", "unsorted")
		}
	}
	if !asC {
		return b.out.BTFRaw(d.types, d.ids())
	}
	if b.out.JSON != nil {
		return usagef("a C header isn't JSON")
	}
	return kern.WriteHeader(b.out.Text, d.types, d.roots...)
}

func (d *btfDump) ids() []kern.TypeID {
	if d.roots != nil {
		return d.roots
	}
	var ids []kern.TypeID
	for id := d.types.First(); id < d.types.Len(); id++ {
		ids = append(ids, id)
	}
	return ids
}

// source reads which types are meant.
func (d *btfDump) source(b *bpfRun) (err error) {
	switch {
	case b.take("prog"):
		o, err := b.one(inspect.KindProg, false)
		if err != nil {
			return err
		}
		p, err := b.reader.ProgByFD(o.FD)
		if err != nil {
			return errors.Join(err, o.Close())
		}
		if p.BTF == 0 {
			return errors.Join(fmt.Errorf("dump types of program %d: it was loaded without any", p.ID), o.Close())
		}
		d.types, err = b.reader.Types(p.BTF)
		return errors.Join(err, o.Close())
	case b.take("map"):
		return d.mapSource(b)
	case b.take("id"):
		w, err := b.next("the id")
		if err != nil {
			return err
		}
		id, err := strconv.ParseUint(w, 0, 32)
		if err != nil {
			return usagef("an id is a number, not %q", w)
		}
		d.types, err = b.reader.Types(uint32(id))
		return err
	case b.take("file"):
		path, err := b.next("the file")
		if err != nil {
			return err
		}
		var base *kern.BTF
		if b.flags.base != "" {
			if base, err = b.reader.TypesOfFile(b.flags.base, nil); err != nil {
				return err
			}
		}
		d.types, err = b.reader.TypesOfFile(path, base)
		return err
	}
	return usagef("which types? id N, prog PROG, map MAP or file FILE")
}

// mapSource are the types of a map's keys and values.
func (d *btfDump) mapSource(b *bpfRun) error {
	o, err := b.one(inspect.KindMap, false)
	if err != nil {
		return err
	}
	m, err := b.reader.MapByFD(o.FD)
	if err = errors.Join(err, o.Close()); err != nil {
		return err
	}
	types, err := b.reader.MapTypes(m)
	if err != nil {
		return err
	}
	if types == nil {
		return fmt.Errorf("dump types of map %d: it was made without any", m.ID)
	}
	d.types = types.Value.BTF()
	key, value := types.Key.ID, types.Value.ID
	switch {
	case b.take("key"):
		d.roots = []kern.TypeID{key}
	case b.take("value"):
		d.roots = []kern.TypeID{value}
	case b.take("all"):
	default:
		b.take("kv")
		d.roots = []kern.TypeID{key, value}
	}
	return nil
}
