package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// cgroupCommand is `skep cgroup`: bpftool's verbs for programs of cgroups.
func (a *app) cgroupCommand() *cobra.Command {
	return a.object("cgroup", "List, attach and detach programs of cgroups", []verb{
		{use: "tree [CGROUP_ROOT] [effective]", short: "List the programs of all cgroups below one", run: cgroupTree},
		{use: "show CGROUP [effective]", aliases: []string{"list"}, short: "List a cgroup's programs", run: cgroupShow},
		{use: "attach CGROUP ATTACH_TYPE PROG [multi | override]", short: "Attach a program", run: cgroupAttach},
		{use: "detach CGROUP ATTACH_TYPE PROG", short: "Take a program off", run: cgroupDetach},
	})
}

func cgroupShow(b *bpfRun) error {
	path, err := b.next("the cgroup")
	if err != nil {
		return err
	}
	effective := b.take("effective")
	if err := b.done(); err != nil {
		return err
	}
	c, err := b.reader.Cgroup(path, effective)
	if err != nil || len(c.Progs) == 0 {
		return err
	}
	b.out.CgroupHeader(false, effective)
	b.out.Cgroup(c, false, effective)
	return nil
}

func cgroupTree(b *bpfRun) error {
	effective := b.take("effective")
	var root string
	var err error
	if b.more() {
		root, err = b.next("the cgroup")
	} else {
		root, err = b.reader.CgroupRoot()
	}
	if err != nil {
		return err
	}
	effective = b.take("effective") || effective
	if err := b.done(); err != nil {
		return err
	}
	b.out.CgroupHeader(true, effective)
	b.open("[")
	err = b.reader.CgroupTree(root, effective, func(c *inspect.Cgroup) error {
		b.out.Cgroup(c, true, effective)
		return b.out.Err()
	})
	b.end("]")
	return err
}

// attachType reads an attach type's name.
func (b *bpfRun) attachType() (uint32, error) {
	w, err := b.next("the attach type")
	if err != nil {
		return 0, err
	}
	n, ok := inspect.AttachType(w)
	if !ok {
		return 0, usagef("there is no attach type %q%s; `skep feature list_builtins attach_types` lists them", w, didYouMean(w, inspect.AttachTypes))
	}
	return n, nil
}

func cgroupAttach(b *bpfRun) error {
	path, typ, o, err := cgroupWords(b)
	if err != nil {
		return err
	}
	flags := uint32(0)
	for b.more() && err == nil {
		switch {
		case b.take("multi"):
			flags |= inspect.CgroupMulti
		case b.take("override"):
			flags |= inspect.CgroupOverride
		default:
			err = b.done()
		}
	}
	if err == nil {
		err = inspect.AttachCgroup(path, o, typ, flags)
	}
	if err == nil {
		b.null()
	}
	return errors.Join(err, o.Close())
}

func cgroupDetach(b *bpfRun) error {
	path, typ, o, err := cgroupWords(b)
	if err != nil {
		return err
	}
	if err = b.done(); err == nil {
		err = inspect.DetachCgroup(path, o, typ)
	}
	if err == nil {
		b.null()
	}
	return errors.Join(err, o.Close())
}

func cgroupWords(b *bpfRun) (path string, typ uint32, o *inspect.Object, err error) {
	if path, err = b.next("the cgroup"); err != nil {
		return
	}
	if typ, err = b.attachType(); err != nil {
		return
	}
	o, err = b.one(inspect.KindProg, false)
	return
}
