package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/core"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
	"github.com/skep-bpf/skep/internal/bpf/link"
	"github.com/skep-bpf/skep/internal/inspect"
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
		{use: "min_core_btf INPUT OUTPUT OBJECT [OBJECT...]", short: "Cut a kernel's types down to what BPF objects need of them", run: genMinCoreBTF,
			long: "Write of a kernel's types, INPUT, what the CO-RE relocations of BPF objects look at: for\n" +
				"kernels that don't tell their types themselves, some kilobytes to ship with the objects.\n\n" +
				"INPUT is raw BTF, as /sys/kernel/btf/vmlinux, or an ELF file with a section .BTF. A program\n" +
				"that asks for the number of one of the kernel's types gets that in OUTPUT.",
			example: "  skep gen min_core_btf /sys/kernel/btf/vmlinux min.btf app.bpf.o"},
	})
}

func genObject(b *bpfRun) error {
	output, files, err := b.outputAndObjects()
	if err != nil {
		return err
	}
	data, err := link.Link(files)
	if err != nil {
		return err
	}
	return b.write(output, data)
}

// outputAndObjects reads OUTPUT OBJECT [OBJECT...], and the objects' files.
func (b *bpfRun) outputAndObjects() (output string, files []link.File, err error) {
	if output, err = b.next("the output"); err != nil {
		return "", nil, err
	}
	if !b.more() {
		return "", nil, usagef("the objects are missing")
	}
	for _, name := range b.words {
		data, err := os.ReadFile(name)
		if err != nil {
			return "", nil, fmt.Errorf("read object: %w", err)
		}
		files = append(files, link.File{Name: name, Data: data})
	}
	b.words = nil
	return output, files, nil
}

func genMinCoreBTF(b *bpfRun) error {
	input, err := b.next("the kernel's types")
	if err != nil {
		return err
	}
	output, files, err := b.outputAndObjects()
	if err != nil {
		return err
	}
	strs := btf.NewStrings()
	data, err := inspect.ReadBTF(input)
	if err != nil {
		return err
	}
	order := btf.OrderOf(data)
	kernel, _, err := btf.Read(data, order, strs)
	if err != nil {
		return fmt.Errorf("%s: %w", input, err)
	}
	var objects []core.Object
	for _, f := range files {
		o, err := elfobj.Read(f.Data, strs)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		objects = append(objects, core.Object{Name: f.Name, Object: o})
	}
	least, err := core.Minimize(kernel, objects)
	if err != nil {
		return err
	}
	return b.write(output, least.Encode(order, btf.NewLayout(strs)))
}

// write writes an output's file.
func (b *bpfRun) write(name string, data []byte) error {
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	b.null()
	return nil
}
