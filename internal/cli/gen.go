package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/bpf/link"
)

// genCommand is `skep gen`: BPF objects made of others.
func (a *app) genCommand() *cobra.Command {
	return a.object("gen", "Link BPF objects, and cut type information down to what they need", []verb{
		{use: "object OUTPUT INPUT [INPUT...]", short: "Link BPF objects into one", run: genObject,
			long: "Link BPF objects, as clang -target bpf writes them, into one.\n\n" +
				"Sections of a name become one section. What one object declares extern and another\n" +
				"defines is one: functions, variables and maps. Of several definitions one may be strong,\n" +
				"the others weak. All types are in the output once. What no object defines stays open, for\n" +
				"a later link or for the kernel.",
			example: "  skep gen object app.bpf.o main.bpf.o maps.bpf.o"},
	})
}

func genObject(b *bpfRun) error {
	output, err := b.next("the output")
	if err != nil {
		return err
	}
	if !b.more() {
		return usagef("the objects to link are missing")
	}
	var files []link.File
	for b.more() {
		name, err := b.next("an object")
		if err != nil {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("link: %w", err)
		}
		files = append(files, link.File{Name: name, Data: data})
	}
	data, err := link.Link(files)
	if err != nil {
		return err
	}
	if err := os.WriteFile(output, data, 0o644); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	b.null()
	return nil
}
