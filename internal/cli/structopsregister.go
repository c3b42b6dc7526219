package cli

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/skep-bpf/skep/internal/elfload"
)

// structOpsRegister loads an object and gives the kernel the structs that it makes. Those with a
// link stay as long as it's pinned.
func structOpsRegister(b *bpfRun) (err error) {
	obj, err := b.next("the object file")
	if err != nil {
		return err
	}
	dir := ""
	if b.more() {
		dir, err = b.next("the folder for links")
	}
	if err := errors.Join(err, b.done()); err != nil {
		return err
	}
	opts, err := b.loadOptions()
	if err != nil {
		return err
	}
	o, err := elfload.Load(b.reader.Kernel(), obj, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	var pins elfload.Pins
	done, err := o.Register()
	if err == nil && len(done) == 0 {
		err = fmt.Errorf("register structs of %s: it has none: they stand in sections .struct_ops and .struct_ops.link", obj)
	}
	if err == nil {
		err = b.keepRegistered(o, &pins, done, dir)
	}
	if err != nil {
		for _, r := range done {
			err = errors.Join(err, r.Unregister())
		}
		return errors.Join(err, pins.Undo())
	}
	for _, r := range done {
		if r.Link != nil {
			err = errors.Join(err, r.Link.Close())
		}
	}
	b.null()
	return err
}

// keepRegistered pins and tells what was registered.
func (b *bpfRun) keepRegistered(o *elfload.Object, pins *elfload.Pins, done []elfload.Registered, dir string) error {
	if err := o.PinNamed(pins); err != nil {
		return err
	}
	if dir != "" {
		if err := pins.Dir(dir); err != nil {
			return err
		}
	}
	for _, r := range done {
		m, err := b.reader.MapByFD(r.Map.Object().FD)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("Registered %s %s id %d", r.Struct, m.Name, m.ID)
		if r.Link != nil {
			l, err := b.reader.LinkByFD(r.Link.FD)
			if err != nil {
				return err
			}
			text = fmt.Sprintf("Registered %s %s map id %d link id %d", r.Struct, m.Name, m.ID, l.ID)
			if dir == "" {
				fmt.Fprintf(b.err, "WARNING: %s is unregistered again at once: its link isn't kept; name a folder for it, LINK_DIR\n", m.Name)
			} else if err := pins.Pin(r.Link, filepath.Join(dir, m.Name)); err != nil {
				return err
			}
		}
		if b.out.JSON == nil {
			fmt.Fprintln(b.out.Text, text)
		}
	}
	return nil
}
