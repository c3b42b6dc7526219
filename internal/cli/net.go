package cli

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/inspect"
)

// netCommand is `skep net`: bpftool's verbs for programs of network interfaces.
func (a *app) netCommand() *cobra.Command {
	return a.object("net", "List, attach and detach programs of network interfaces", []verb{
		{use: "show [dev NAME]", aliases: []string{"list"}, short: "List XDP, tc, tcx, netkit, flow dissector and netfilter programs", run: netShow},
		{use: "attach ATTACH_TYPE PROG dev NAME [overwrite | prepend]", short: "Attach an XDP or tcx program", run: netAttach},
		{use: "detach ATTACH_TYPE dev NAME [PROG]", short: "Take an XDP or tcx program off", run: netDetach},
	})
}

func netShow(b *bpfRun) error {
	var index uint32
	if b.more() {
		var err error
		if index, err = b.device(); err != nil {
			return err
		}
	}
	if err := b.done(); err != nil {
		return err
	}
	n, err := b.reader.Net(index)
	if n != nil {
		b.out.Net(n)
	}
	return err
}

// device reads "dev NAME".
func (b *bpfRun) device() (uint32, error) {
	if !b.take("dev") {
		return 0, usagef("which interface? dev NAME")
	}
	return b.netInterface()
}

// netInterface reads an interface's name.
func (b *bpfRun) netInterface() (uint32, error) {
	name, err := b.next("the interface")
	if err != nil {
		return 0, err
	}
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, usagef("there is no interface %q", name)
	}
	return uint32(i.Index), nil
}

// netTypes are what a program can be attached as: XDP with a mode, or an attach type. Of those
// with a beginning the first counts, as with bpftool.
var netTypes = []struct {
	word        string
	xdp, attach uint32
}{
	{word: "xdp"}, {word: "xdpgeneric", xdp: inspect.XDPGeneric}, {word: "xdpdrv", xdp: inspect.XDPDriver}, {word: "xdpoffload", xdp: inspect.XDPOffload},
	{word: "tcx_ingress", attach: 46}, {word: "tcx_egress", attach: 47},
}

func (b *bpfRun) netType() (xdp, attach uint32, err error) {
	if !b.more() {
		return 0, 0, usagef("the attach type is missing")
	}
	var words []string
	for _, t := range netTypes {
		if b.take(t.word) {
			return t.xdp, t.attach, nil
		}
		words = append(words, t.word)
	}
	return 0, 0, b.unexpected(words...)
}

func netAttach(b *bpfRun) error {
	mode, attach, err := b.netType()
	if err != nil {
		return err
	}
	o, err := b.one(inspect.KindProg, false)
	if err != nil {
		return err
	}
	index, err := b.device()
	overwrite, prepend := b.take("overwrite"), b.take("prepend")
	if err == nil {
		err = b.done()
	}
	switch {
	case err != nil:
	case attach != 0 && overwrite:
		err = usagef("overwrite is for XDP: tcx runs several programs")
	case attach == 0 && prepend:
		err = usagef("prepend is for tcx: XDP runs one program")
	case attach != 0:
		err = inspect.AttachDevice(index, o, attach, prepend)
	default:
		if !overwrite {
			mode |= inspect.XDPNoReplace
		}
		err = inspect.AttachXDP(index, o.FD, mode)
		if errors.Is(err, sys.EBUSY) || errors.Is(err, sys.EEXIST) {
			hint := "the interface has a program; overwrite replaces it"
			if overwrite {
				hint = "the interface has a program in another mode, generic or the driver's; detach it first"
			}
			err = fmt.Errorf("%w: %s", err, hint)
		}
	}
	if err == nil {
		b.null()
	}
	return errors.Join(err, o.Close())
}

func netDetach(b *bpfRun) error {
	mode, attach, err := b.netType()
	if err != nil {
		return err
	}
	index, err := b.device()
	if err != nil {
		return err
	}
	var o *inspect.Object
	if attach != 0 && b.more() {
		if o, err = b.one(inspect.KindProg, false); err != nil {
			return err
		}
	}
	if err = b.done(); err == nil {
		if attach != 0 {
			err = inspect.DetachDevice(index, o, attach)
		} else {
			err = inspect.AttachXDP(index, -1, mode)
		}
	}
	if o != nil {
		err = errors.Join(err, o.Close())
	}
	if err == nil {
		b.null()
	}
	return err
}
