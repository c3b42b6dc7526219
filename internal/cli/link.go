package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/inspect"
)

// linkCommand is `skep link`: bpftool's verbs for links.
func (a *app) linkCommand() *cobra.Command {
	return a.object("link", "List, pin and detach BPF links", []verb{
		{use: "show [id N | pinned FILE]", aliases: []string{"list"}, short: "Describe links", run: showLinks},
		{use: "pin LINK FILE", short: "Pin a link in a BPF file system", run: pin(inspect.KindLink)},
		{use: "detach LINK", short: "Take a link's program off its hook", run: detachLink},
	})
}

func detachLink(b *bpfRun) error {
	o, err := b.one(inspect.KindLink, true)
	if err != nil {
		return err
	}
	if err = b.done(); err == nil {
		err = inspect.DetachLink(o)
	}
	if err == nil {
		b.null()
	}
	return errors.Join(err, o.Close())
}
