package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/elfload"
	"github.com/skep-bpf/skep/internal/inspect"
)

// iterCommand is `skep iter`: iterators out of object files.
func (a *app) iterCommand() *cobra.Command {
	return a.object("iter", "Pin iterators of object files: who reads such a file runs the program", []verb{
		{use: "pin OBJ PATH [map MAP]", short: "Load an object and pin its first program as an iterator, over a map's elements if it takes one",
			run: iterPin, wordy: true},
	})
}

func iterPin(b *bpfRun) (err error) {
	obj, path, err := b.objectAndPath()
	if err != nil {
		return err
	}
	opts, err := b.loadOptions()
	if err != nil {
		return err
	}
	var m *inspect.Object
	if b.take("map") {
		if m, err = b.one(inspect.KindMap, false); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, m.Close()) }()
	}
	if err := b.done(); err != nil {
		return err
	}
	o, err := elfload.Load(b.reader.Kernel(), obj, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	link, err := o.AttachIter(m)
	if err != nil {
		return err
	}
	var pins elfload.Pins
	if err := errors.Join(o.PinNamed(&pins), pins.Pin(link, path)); err != nil {
		return errors.Join(err, pins.Undo())
	}
	b.null()
	return nil
}
