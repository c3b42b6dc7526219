package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/skep-bpf/skep/internal/elfload"
	"github.com/skep-bpf/skep/internal/inspect"
)

// loadOptions are those that the flags tell.
func (b *bpfRun) loadOptions() (elfload.Options, error) {
	var opts elfload.Options
	if b.flags.light {
		return opts, usagef("-L isn't supported: it loads by a program that the kernel runs, as signed objects will need; without it the same is loaded")
	}
	if b.flags.debug {
		opts.Log = b.err
	}
	return opts, nil
}

// progLoadWords are the words behind the object and the path of `prog load`.
type progLoadWords struct {
	elfload.Options
	pinmaps    string
	autoattach bool
	opened     []*inspect.Object
}

const progLoadUse = " OBJ PATH [type TYPE] [map {idx IDX | name NAME} MAP] [{offload_dev | xdpmeta_dev} NAME] [pinmaps MAP_DIR] [autoattach] [kernel_btf FILE]"

const progLoadLong = `Load the programs and maps of an object file that clang made (-target bpf -g),
and pin the first program at PATH (load), or each at PATH/NAME (loadall).
A section's name says what a program is: SEC("xdp"), SEC("tp/sched/sched_switch").

type TYPE          take all programs for this type, told as sections tell it
map name N MAP     use a map that is there in place of the object's map N
map idx I MAP      the same for the object's map number I, from 0
pinmaps DIR        pin all maps in DIR
autoattach         attach programs, and pin links in their place
kernel_btf FILE    types of the kernel that CO-RE relocations go by
xdpmeta_dev NAME   the interface whose metadata XDP programs read
offload_dev NAME   the interface that is to run the programs

When something fails, nothing stays pinned.`

// progLoad loads an object and pins its first program, or all of them in a folder.
func progLoad(all bool) func(*bpfRun) error {
	return func(b *bpfRun) (err error) {
		obj, path, err := b.objectAndPath()
		if err != nil {
			return err
		}
		w := &progLoadWords{}
		if w.Options, err = b.loadOptions(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, inspect.CloseAll(w.opened)) }()
		for b.more() {
			if err := w.read(b); err != nil {
				return err
			}
		}
		o, err := elfload.Load(b.reader.Kernel(), obj, w.Options)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, o.Close()) }()
		if len(o.Programs) == 0 && (!all || w.pinmaps == "") {
			return fmt.Errorf("load %s: %w", obj, elfload.ErrNoPrograms)
		}
		var pins elfload.Pins
		if err := b.pinLoaded(o, &pins, path, all, w); err != nil {
			return errors.Join(err, pins.Undo())
		}
		b.null()
		return nil
	}
}

// objectAndPath reads OBJ PATH.
func (b *bpfRun) objectAndPath() (obj, path string, err error) {
	if obj, err = b.next("the object file"); err == nil {
		path, err = b.next("the path to pin at")
	}
	return obj, path, err
}

// read reads a word and what belongs to it.
func (w *progLoadWords) read(b *bpfRun) (err error) {
	switch {
	case b.take("type"):
		name, err := b.next("the type")
		if err != nil {
			return err
		}
		if w.Type != nil {
			return usagef("the type is told twice")
		}
		if w.Type, err = elfload.TypeByName(name); err != nil {
			return usagef("%v", err)
		}
	case b.take("map"):
		return w.replacement(b)
	case b.take("dev"), b.take("offload_dev"):
		return w.device(b, &w.Offload)
	case b.take("xdpmeta_dev"):
		return w.device(b, &w.MetaDev)
	case b.take("pinmaps"):
		w.pinmaps, err = b.next("the folder for the maps")
	case b.take("autoattach"):
		w.autoattach = true
	case b.take("kernel_btf"):
		w.KernelBTF, err = b.next("the file with the kernel's types")
	default:
		return b.unexpected("type", "map", "offload_dev", "xdpmeta_dev", "pinmaps", "autoattach", "kernel_btf")
	}
	return err
}

// replacement reads what stands behind "map".
func (w *progLoadWords) replacement(b *bpfRun) error {
	var r elfload.Replacement
	var err error
	switch {
	case b.take("idx"):
		var word string
		if word, err = b.next("the map's number"); err == nil {
			if r.Index, err = strconv.Atoi(word); err != nil || r.Index < 0 {
				return usagef("a map's number is 0 or more, not %q", word)
			}
		}
	case b.take("name"):
		r.Name, err = b.next("the map's name in the object")
	default:
		return usagef("behind map stands idx or name")
	}
	if err != nil {
		return err
	}
	m, err := b.one(inspect.KindMap, true)
	if err != nil {
		return err
	}
	w.opened = append(w.opened, m)
	r.FD = m.FD
	w.Replace = append(w.Replace, r)
	return nil
}

func (w *progLoadWords) device(b *bpfRun, to *uint32) error {
	if w.Offload != 0 || w.MetaDev != 0 {
		return usagef("one of offload_dev and xdpmeta_dev, once")
	}
	i, err := b.netInterface()
	*to = i
	return err
}

// pinLoaded pins what was loaded, attached or not.
func (b *bpfRun) pinLoaded(o *elfload.Object, pins *elfload.Pins, path string, all bool, w *progLoadWords) error {
	if err := o.PinNamed(pins); err != nil {
		return err
	}
	programs := o.Programs
	if all {
		if err := pins.Dir(path); err != nil {
			return err
		}
	} else {
		programs = programs[:1]
	}
	for _, p := range programs {
		at := path
		if all {
			at = filepath.Join(path, p.Name)
		}
		what := p.Object()
		if w.autoattach {
			link, err := o.Attach(p)
			switch {
			case err == nil:
				what = link
			case errors.Is(err, elfload.ErrNoAutoattach):
				fmt.Fprintf(b.err, "NOTE: program %s isn't attached: %v; it's pinned\n", p.Name, err)
			default:
				return err
			}
		}
		if err := pins.Pin(what, at); err != nil {
			return err
		}
	}
	if w.pinmaps != "" {
		return o.PinMaps(pins, w.pinmaps)
	}
	return nil
}
