package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
	"github.com/skep-bpf/skep/internal/inspect/show"
)

// structOpsCommand is `skep struct_ops`: structs of functions of the kernel's that programs
// implement: congestion controls, schedulers.
func (a *app) structOpsCommand() *cobra.Command {
	return a.object("struct_ops", "List, dump, register and unregister structs of kernel functions that programs implement", []verb{
		{use: "show [id N | name S]", aliases: []string{"list"}, short: "List struct_ops maps", run: structOpsShow},
		{use: "register OBJ [LINK_DIR]", short: "Load an object, register its structs, and pin the links of those that have one", run: structOpsRegister},
		{use: "unregister id N | name S", short: "Take a struct out of the kernel", run: structOpsUnregister},
		{use: "dump [id N | name S]", short: "Print the structs, with the programs of their members", run: structOpsDump},
	})
}

// structOpsSelector reads "id N" or "name S"; nil when there are no words: all are meant.
func (b *bpfRun) structOpsSelector() (*inspect.Selector, error) {
	if !b.more() {
		return nil, nil
	}
	s, err := b.selectorOf("id", "name")
	if err == nil {
		err = b.done()
	}
	return &s, err
}

// structOps calls f with each struct_ops map that is meant.
func (b *bpfRun) structOps(sel *inspect.Selector, f func(m *inspect.Map, s *inspect.StructOps) error) error {
	found := 0
	for m, err := range b.reader.Maps() {
		if err != nil {
			return err
		}
		if !m.StructOps() || sel != nil && sel.Value != m.Name && sel.Value != fmt.Sprint(m.ID) {
			continue
		}
		s, err := b.reader.ReadStructOps(m)
		if errors.Is(err, inspect.ErrGone) {
			continue
		}
		if err != nil {
			return err
		}
		found++
		if err := f(m, s); err != nil {
			return err
		}
	}
	if sel != nil && found == 0 {
		return fmt.Errorf("find struct_ops map with %s: %w", sel, inspect.ErrGone)
	}
	return nil
}

func structOpsShow(b *bpfRun) error {
	sel, err := b.structOpsSelector()
	if err != nil {
		return err
	}
	b.open("[")
	err = b.structOps(sel, func(m *inspect.Map, s *inspect.StructOps) error {
		if j := b.out.JSON; j != nil {
			j.Open("{")
			j.Member("id", m.ID)
			j.Member("name", m.Name)
			j.Member("kernel_struct_ops", s.Kind)
			j.End("}")
			return nil
		}
		fmt.Fprintf(b.out.Text, "%d: %-15s %-32s\n", m.ID, m.Name, s.Kind)
		return nil
	})
	if err == nil {
		b.end("]") // or else the list's last element tells what went wrong
	}
	return err
}

func structOpsDump(b *bpfRun) error {
	sel, err := b.structOpsSelector()
	if err != nil {
		return err
	}
	j := b.out.JSON
	if j == nil {
		j = show.NewJSON(b.out.Text, true) // in text it's JSON too, as bpftool's
	}
	j.Open("[")
	err = b.structOps(sel, func(_ *inspect.Map, s *inspect.StructOps) error { return b.out.StructOps(j, s) })
	if b.out.JSON != nil && err != nil {
		return err // the list's last element tells it
	}
	j.End("]")
	if b.out.JSON == nil {
		err = errors.Join(err, j.Close())
	}
	return err
}

func structOpsUnregister(b *bpfRun) error {
	if !b.more() {
		return usagef("which? id N or name S")
	}
	sel, err := b.structOpsSelector()
	if err != nil {
		return err
	}
	type registered struct {
		*inspect.Map
		kind string
	}
	var all []registered
	if err := b.structOps(sel, func(m *inspect.Map, s *inspect.StructOps) error {
		all = append(all, registered{m, s.Kind})
		return nil
	}); err != nil {
		return err
	}
	for _, m := range all {
		if err := b.reader.Unregister(m.Map); err != nil {
			return err
		}
		if b.out.JSON == nil {
			fmt.Fprintf(b.out.Text, "Unregistered %s %s id %d\n", m.kind, m.Name, m.ID)
		}
	}
	b.null()
	return nil
}
