package elfload

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/skep-bpf/skep/internal/inspect"
)

// Pins are pins in the making: all of them stay, or none.
type Pins struct {
	made []string // files and folders, in the order of their making
}

// Pin pins an object.
func (p *Pins) Pin(o *inspect.Object, path string) error {
	if err := inspect.PinAt(o, path); err != nil {
		return err
	}
	p.made = append(p.made, path)
	return nil
}

// Dir makes a folder to pin in, when it isn't there.
func (p *Pins) Dir(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		if outside := inspect.OutsideBPFFS(filepath.Dir(filepath.Clean(path))); outside != nil {
			return fmt.Errorf("%w: %w", err, outside)
		}
		return err
	}
	p.made = append(p.made, path)
	if err := inspect.OutsideBPFFS(path); err != nil {
		return fmt.Errorf("pin in %s: %w", path, err)
	}
	return nil
}

// Undo takes the pins back.
func (p *Pins) Undo() error {
	var errs []error
	for i := len(p.made) - 1; i >= 0; i-- {
		errs = append(errs, os.Remove(p.made[i]))
	}
	p.made = nil
	return errors.Join(errs...)
}

// PinNamed pins the maps that want it by their definition.
func (o *Object) PinNamed(p *Pins) error {
	for _, m := range o.Maps {
		if m.PinPath != "" {
			if err := p.Pin(m.Object(), m.PinPath); err != nil {
				return err
			}
		}
	}
	return nil
}

// PinMaps pins all maps in a folder, by their names.
func (o *Object) PinMaps(p *Pins, dir string) error {
	if err := p.Dir(dir); err != nil {
		return err
	}
	for _, m := range o.Maps {
		// A BPF file system takes no dots in names.
		if err := p.Pin(m.Object(), filepath.Join(dir, strings.ReplaceAll(m.Name, ".", "_"))); err != nil {
			return err
		}
	}
	return nil
}
